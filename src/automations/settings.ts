import { z } from 'zod';
import { weekdays } from '#core';
import { Secret } from '#foundation';
import { Action } from './actions.ts';
import { Condition } from './conditions.ts';
import { BetweenTimes, Duration } from './duration.ts';
import { TimeZone, Trigger } from './triggers.ts';
import { Id, oneOrMore, Percent, Zones } from './words.ts';

const most = { triggers: 50, conditions: 50, actions: 100 };

/** One automation: when · if · then. */
export const RuleSettings = z.strictObject({
  id: Id.describe('Stable name: part of topics and entities'),
  name: z.string().trim().min(1).max(100).optional().describe('As people see it; the id when absent'),
  enabled: z.boolean().default(true).describe('Until somebody switches it, which is kept'),
  mode: z.enum(['single', 'restart', 'queued', 'parallel']).default('single').describe('When it is set off while it still runs: leave it (single), begin again (restart), one after the other (queued, at most 10), side by side (parallel, at most 10)'),
  zone: Zones.optional().describe('Where its actions happen unless they say otherwise; may be left out when there is one zone only'),
  when: z.array(Trigger).max(most.triggers).default([]).describe('What sets it off; any of these. Without any it runs by hand and from other automations'),
  if: z.array(Condition).max(most.conditions).default([]).describe('What must be so; all of these'),
  then: z.array(Action).min(1).max(most.actions).describe('What it does, one after the other'),
  missed: z
    .union([z.literal('skip'), z.strictObject({ catchUp: Duration })])
    .default('skip')
    .describe('A time that passed while the daemon was off or the machine asleep: skip it, or do it still if it is no later than catchUp: 10m'),
  holidays: z.enum(['run', 'skip', 'only']).default('run').describe('On your holidays: run as always, skip, or run only then'),
  coolDown: Duration.default(10 * 60_000).describe('After a person ended what it had started, events do not set it off again for this long; times of the clock do'),
  budget: z.strictObject({ runs: z.int().min(1).max(10_000).default(20), per: Duration.default(60_000) }).prefault({}).describe('Protection against loops: it runs by itself at most so often'),
});
export type RuleSettings = z.output<typeof RuleSettings>;

export const LocationSettings = z.strictObject({
  latitude: z.number().min(-90).max(90).describe('Degrees, north positive'),
  longitude: z.number().min(-180).max(180).describe('Degrees, east positive'),
  timezone: TimeZone.optional().describe('Of schedules that name none; the system\'s when absent'),
});
export type LocationSettings = z.output<typeof LocationSettings>;

const QuietTime = z.strictObject({
  between: BetweenTimes.describe('From and until: "22:00-07:00"'),
  days: oneOrMore(z.enum(weekdays)).optional().describe('Days on which they begin; every day when absent'),
  volume: Percent.optional().describe('Percent no zone is louder than meanwhile, whoever asks, the Spotify app too'),
  explicit: z.enum(['play', 'skip']).default('play').describe('skip: what is marked as explicit is passed over meanwhile, whoever asks'),
  locked: z.boolean().default(false).describe('Nothing plays meanwhile, whoever asks. Alarms ring and announcements are heard'),
  zones: Zones.optional().describe('Where volume, explicit and locked hold; everywhere when absent'),
});
export type QuietTime = z.output<typeof QuietTime>;

/** One stretch of the day or several; more than one may hold at a time. */
export const QuietHoursSettings = oneOrMore(QuietTime);
export type QuietHoursSettings = z.output<typeof QuietHoursSettings>;

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:', 'webcal:'].includes(new URL(text).protocol) && new URL(text).hostname !== '';
}

const date = '\\d{4}-\\d{2}-\\d{2}';
/** `2026-12-25`, `12-25` for every year, `2026-12-24..2027-01-06`. */
export const HolidayDate = z.string().regex(new RegExp(`^(${date}|\\d{2}-\\d{2}|${date}\\.\\.${date}|\\d{2}-\\d{2}\\.\\.\\d{2}-\\d{2})$`), 'must be a date such as 2026-12-25, 12-25 for every year, or a range such as 2026-12-24..2027-01-06');

const NamedDate = z.union([HolidayDate, z.strictObject({ date: HolidayDate, name: z.string().min(1).max(100) })]);
export type HolidayDate = z.output<typeof NamedDate>;

export const HolidaysSettings = z.strictObject({
  countries: z
    .array(z.string().regex(/^[a-z]{2}(-[a-z0-9]{1,16}){0,2}$/i, 'must be a country by its two letters, with a part of it behind a dash if wanted: DE, DE-BY, US-CA').transform((place) => place.toUpperCase()))
    .max(20)
    .default([])
    .describe('Public holidays of these countries or parts of them: DE, DE-BY, US-CA'),
  dates: z
    .array(NamedDate)
    .max(1000)
    .default([])
    .describe('Days or ranges of days, both ends included: 2026-12-25, 12-25 for every year, 2026-12-24..2027-01-06'),
  files: z.array(z.string().min(1)).max(20).default([]).describe('Calendar files (.ics) whose whole-day entries are holidays; relative to this file'),
  urls: z
    .array(z.string().max(2048).refine(isWebAddress, 'must be an address such as https://example.org/school.ics').transform((url) => new Secret(url)))
    .max(20)
    .default([])
    .describe('The same by address: http, https or webcal. Asked twice a day; the last good copy is kept, encrypted'),
});
export type HolidaysSettings = z.output<typeof HolidaysSettings>;

export const Rules = z.array(RuleSettings).max(500);
