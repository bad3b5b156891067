import type { Preset } from '#core';
import type { AutomationsSettings } from './configuration.ts';
import type { ReferenceProblem } from './references.ts';

export type KnownPreset = Pick<Preset, 'id' | 'name' | 'zones'>;

/**
 * Presets that rules and alarms name and nobody knows. Presets may be added and removed while the daemon runs, so this is worth
 * a warning and no reason not to start. Pure.
 */
export function missingPresets({ automations, alarms }: AutomationsSettings, zones: readonly string[], presets: readonly KnownPreset[]): readonly ReferenceProblem[] {
  const named = [
    ...automations.flatMap(({ id, zone, then }, index) =>
      then.flatMap((action, n) => ('preset' in action ? [{ path: ['automations', index, 'then', n, 'preset'], by: `the automation "${id}"`, written: action.preset, where: action.zone ?? zone }] : [])),
    ),
    ...alarms.flatMap(({ id, zone, play }, index) => {
      const written = typeof play === 'string' ? presetName(play) : play && 'preset' in play ? play.preset : null;
      return written === null ? [] : [{ path: ['alarms', index, 'play', ...(typeof play === 'string' ? [] : ['preset'])], by: `the alarm "${id}"`, written, where: zone === undefined ? undefined : [zone] }];
    }),
  ];
  return named.flatMap(({ path, by, written, where }): readonly ReferenceProblem[] => {
    const found = presets.filter(({ id, name }) => [id, name].some((one) => one.toLowerCase() === written.trim().toLowerCase()));
    const known = presets.map(({ name }) => name);
    if (found.length === 0) return [{ path, message: `${by} plays the preset "${written}", which is not there now.`, name: { written, known } }];
    const wanted = where === undefined || where.includes('all') ? zones : where;
    const without = wanted.filter((zone) => found.every((preset) => preset.zones?.includes(zone) === false));
    return without.length === 0 ? [] : [{ path, message: `${by} plays the preset "${written}", which is not offered in ${without.map((one) => `"${one}"`).join(', ')}.` }];
  });
}

/** What is no address of anything. */
const presetName = (text: string): string | null => (/^[a-z][a-z0-9+.-]*:/i.test(text) ? null : text);
