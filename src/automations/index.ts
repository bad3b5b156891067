/** When · if · then: rules, presence and alarms. Speaks commands like a surface, without a person. */
import type { Programs } from '#core';
import { AlarmSettings } from './alarm/settings.ts';
import type { AutomationsSettings } from './configuration.ts';
import type { OpenAutomations } from './engine.ts';
import type { KnownPreset } from './missing-presets.ts';
import type { AutomationsContext } from './ports.ts';
import { PresenceSettings } from './presence/settings.ts';
import type { ReferenceProblem } from './references.ts';
import { HolidaysSettings, LocationSettings, QuietHoursSettings, Rules } from './settings.ts';
import { TagsSettings } from './tags/settings.ts';

export { AlarmSettings, HolidaysSettings, LocationSettings, PresenceSettings, QuietHoursSettings, Rules, TagsSettings };
export type { AutomationsContext, AutomationsSettings, OpenAutomations, ReferenceProblem };

/** Whether there is anything to do for this room. */
export function hasAutomations({ automations, alarms, presence, quietHours, tags }: AutomationsSettings): boolean {
  return automations.length > 0 || alarms.length > 0 || presence.sources.length > 0 || quietHours !== undefined || tags !== undefined;
}

// Loaded when there is something to do: a speaker without automations need not carry them.

/** What is wrong with how the settings refer to each other and to these zones, by the place in the configuration. */
export async function automationProblems(settings: AutomationsSettings, zones: readonly string[]): Promise<readonly ReferenceProblem[]> {
  if (!hasAutomations(settings)) return [];
  const { referenceProblems } = await import('./references.ts');
  return referenceProblems(settings, zones);
}

/** What is probably wrong with them and no reason not to start. Rejects with `automations/calendar-unreadable` or `automations/unknown-country`. */
export async function automationDoubts(settings: AutomationsSettings, zones: readonly string[], presets: readonly KnownPreset[], { holidaysThread }: Pick<Programs, 'holidaysThread'>): Promise<readonly ReferenceProblem[]> {
  const [{ missingPresets }, { checkCountries, noHolidays, readFiles }] = await Promise.all([import('./missing-presets.ts'), import('./holidays.ts')]);
  const found = [...missingPresets(settings, zones, presets)];
  const { files, countries } = settings.holidays ?? noHolidays;
  await readFiles(files, (file, message) => found.push({ path: ['holidays', 'files', files.indexOf(file)], message }));
  await checkCountries(countries, holidaysThread);
  return found;
}

/**
 * Opens presence, rules and alarms. Rejects with `invalid` for an alarm without a zone; everything else was checked with the
 * configuration. A calendar file that cannot be read is a warning: alarms must ring all the same.
 */
export async function openAutomations(settings: AutomationsSettings, context: AutomationsContext): Promise<OpenAutomations> {
  const { openEngine } = await import('./engine.ts');
  return openEngine(settings, context);
}
