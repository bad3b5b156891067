import type { Preset } from '#core';
import type { AutomationsSettings } from './configuration.ts';
import type { ReferenceProblem } from './references.ts';
import { isAddress } from './words.ts';

export type KnownPreset = Pick<Preset, 'id' | 'name' | 'zones'>;

interface Named {
  readonly path: ReferenceProblem['path'];
  readonly by: string;
  readonly written: string;
  readonly where: readonly string[] | undefined;
  /** One of these zones is enough. */
  readonly isEnough?: boolean;
}

/**
 * Presets that rules, alarms and tags name and nobody knows. Presets may be added and removed while the daemon runs, so this is worth
 * a warning and no reason not to start. Pure.
 */
export function missingPresets({ automations, alarms, tags }: AutomationsSettings, zones: readonly string[], presets: readonly KnownPreset[]): readonly ReferenceProblem[] {
  const readersAt = tags && tags.readers.length > 0 && tags.readers.every(({ zone }) => zone !== undefined) ? tags.readers.flatMap(({ zone }) => zone ?? []) : undefined;
  const named: readonly Named[] = [
    ...automations.flatMap(({ id, zone, then }, index) =>
      then.flatMap((action, n) => ('preset' in action ? [{ path: ['automations', index, 'then', n, 'preset'], by: `the automation "${id}"`, written: action.preset, where: action.zone ?? zone }] : [])),
    ),
    ...alarms.flatMap(({ id, zone, play }, index) => {
      const written = typeof play === 'string' ? presetName(play) : play && 'preset' in play ? play.preset : null;
      return written === null ? [] : [{ path: ['alarms', index, 'play', ...(typeof play === 'string' ? [] : ['preset'])], by: `the alarm "${id}"`, written, where: zone === undefined ? undefined : [zone] }];
    }),
    ...(tags?.known ?? []).flatMap(({ tag, play = '' }, index) => {
      const written = presetName(play);
      return written === null || written === '' ? [] : [{ path: ['tags', 'known', index, 'play'], by: `the tag "${tag}"`, written, where: readersAt, isEnough: true }];
    }),
  ];
  return named.flatMap(({ path, by, written, where, isEnough = false }): readonly ReferenceProblem[] => {
    const found = presets.filter(({ id, name }) => [id, name].some((one) => one.toLowerCase() === written.trim().toLowerCase()));
    const known = presets.map(({ name }) => name);
    if (found.length === 0) return [{ path, message: `${by} plays the preset "${written}", which is not there now.`, name: { written, known } }];
    const wanted = where === undefined || where.includes('all') ? zones : where;
    const without = wanted.filter((zone) => found.every((preset) => preset.zones?.includes(zone) === false));
    return without.length === 0 || (isEnough && without.length < wanted.length) ? [] : [{ path, message: `${by} plays the preset "${written}", which is not offered in ${without.map((one) => `"${one}"`).join(', ')}.` }];
  });
}

/** What is no address of anything. */
const presetName = (text: string): string | null => (isAddress(text) ? null : text);
