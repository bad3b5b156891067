import type { Programs } from '#core';
import type { LoadedConfig } from './load.ts';
import { suggestionFor } from './nearest.ts';
import { formatPath, type ConfigProblem } from './problem.ts';
import { slugOf } from './slug.ts';

/**
 * What is probably wrong and yet no reason not to start: presets nobody knows, calendar entries nobody understands. `added`: the
 * presets that were added while a daemon ran, as they are stored; `programs`: who knows the holidays of countries. Rejects with `automations/calendar-unreadable`, which a start only warns of.
 */
export async function findDoubts({ config, file }: Pick<LoadedConfig, 'config' | 'file'>, added: unknown, programs: Pick<Programs, 'holidaysThread'>): Promise<readonly ConfigProblem[]> {
  if (!config.automations) return [];
  const { automationDoubts } = await import('#automations');
  const presets = [...config.presets.map((preset) => ({ ...preset, id: preset.id ?? slugOf(preset.name, 'preset') })), ...(Array.isArray(added) ? (added as unknown[]).filter(isPreset) : [])];
  const found = await automationDoubts(config.automations, config.zones.map(({ id }) => id), presets, programs);
  return found.map(({ path, message, name }) => ({ place: file.locate(path, false), key: formatPath(path), message, suggestion: suggestionFor(name) }));
}

function isPreset(one: unknown): one is { readonly id: string; readonly name: string } {
  const { id, name } = (one ?? {}) as { readonly id?: unknown; readonly name?: unknown };
  return typeof id === 'string' && typeof name === 'string';
}
