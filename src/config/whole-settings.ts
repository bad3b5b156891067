import { z } from 'zod';
import { AlarmSettings, HolidaysSettings, LocationSettings, PresenceSettings, QuietHoursSettings, Rules, TagsSettings } from '#automations';
import { settingsAfter, settingsBefore } from './settings.ts';

/** The whole file. */
export const Settings = z.strictObject({
  ...settingsBefore,
  automations: Rules.default([]).describe('What happens by itself: when, if, then (docs/automations.md)'),
  alarms: z.array(AlarmSettings).max(100).default([]).describe('Wake-up alarms'),
  presence: PresenceSettings.prefault({}).describe('Who is at home and where, as sensors and trackers say on MQTT'),
  location: LocationSettings.optional().describe('Where you are: for the sun and the time zone'),
  quietHours: QuietHoursSettings.optional().describe('When it should be quiet, and how loud it may be then'),
  holidays: HolidaysSettings.optional().describe('Your free days'),
  tags: TagsSettings.optional().describe('Tags (RFID, NFC) that play what they stand for (docs/automations.md)'),
  ...settingsAfter,
});
export type Settings = z.output<typeof Settings>;
