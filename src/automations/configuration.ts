import type { AlarmSettings } from './alarm/settings.ts';
import type { PresenceSettings } from './presence/settings.ts';
import type { HolidaysSettings, LocationSettings, QuietHoursSettings, RuleSettings } from './settings.ts';
import type { TagsSettings } from './tags/settings.ts';

/** The parts of the configuration that are about automations. */
export interface AutomationsSettings {
  readonly automations: readonly RuleSettings[];
  readonly alarms: readonly AlarmSettings[];
  readonly presence: PresenceSettings;
  readonly location?: LocationSettings | undefined;
  readonly quietHours?: QuietHoursSettings | undefined;
  readonly holidays?: HolidaysSettings | undefined;
  readonly tags?: TagsSettings | undefined;
}
