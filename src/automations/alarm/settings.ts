import { z } from 'zod';
import { weekdays, Uri } from '#core';
import { Duration, parseTimeOfDay } from '../duration.ts';
import { TimeZone } from '../triggers.ts';
import { Id, Percent } from '../words.ts';
import { HolidayDate } from '../settings.ts';

const minute = 60_000;

/** What it plays: a preset by its id or name, or anything that can be played. */
const Play = z.union([z.string().min(1).max(2048), z.strictObject({ uri: Uri, from: z.union([Uri, z.int().min(0).max(100_000)]).optional() }), z.strictObject({ preset: z.string().min(1).max(100) })]);

/** A wake-up alarm. */
export const AlarmSettings = z.strictObject({
  id: Id.describe('Stable name: part of topics and entities. Differs from the ids of automations'),
  name: z.string().trim().min(1).max(100).optional().describe('As people see it; the id when absent'),
  zone: z.string().min(1).max(64).optional().describe('Where it rings; may be left out when there is one zone only'),
  time: z
    .string()
    .refine((text) => (parseTimeOfDay(text) ?? Infinity) < 24 * 60 * minute, 'must be a time of day such as "06:30", in quotes')
    .transform(timeText)
    .describe('When it rings, until somebody sets another time, which is kept: "06:30"'),
  days: z.array(z.enum(weekdays)).min(1).max(7).default([...weekdays]).describe('On which days'),
  timezone: TimeZone.optional().describe('Whose clocks are meant: Europe/Berlin; as everything else when absent'),
  enabled: z.boolean().default(true).describe('Until somebody switches it, which is kept'),
  oneOff: z.boolean().default(false).describe('Rings once and switches itself off'),
  play: Play.optional().describe('What it plays: name of a preset, a Spotify link or URI, or a group with uri and from. The fallback rings when absent'),
  shuffle: z.boolean().optional().describe('In random order; as the preset says, or in the order of the list, when absent'),
  volume: z
    .strictObject({
      start: Percent.default(0.1).describe('Percent, set before it sounds'),
      end: Percent.default(0.4).describe('Percent, reached at the end of the fade'),
    })
    .prefault({})
    .describe('How loud'),
  fade: Duration.refine((length) => length <= 24 * 60 * minute, 'must be 24h or less').default(15 * minute).describe('How long it takes to get that loud, evenly as people hear it. After a snooze a minute at most'),
  snooze: Duration.default(9 * minute).describe('How long a snooze lasts'),
  giveUp: Duration.refine((length) => length >= minute, 'must be 1m or more: it would never be heard').default(60 * minute).describe('After so long without anybody answering it falls silent'),
  fallback: Uri.default('sound:bell').describe('What rings when the music is not heard: sound:bell, or a file as file:///path/to.flac. If that is not heard either, the bell'),
  fallbackAfter: Duration.refine((length) => length >= 1000, 'must be 1s or more').default(10_000).describe('How long it waits for the music'),
  late: Duration.default(15 * minute).describe('Missed because the machine was off or asleep: rings still if it is no later than this'),
  holidays: z.enum(['run', 'skip', 'only']).default('run').describe('On your holidays: ring as always, stay silent, or ring only then'),
  skip: z.array(HolidayDate).max(1000).default([]).describe('Days on which it stays silent: 2026-12-24, 12-24 for every year, 2026-12-24..2027-01-06'),
});
export type AlarmSettings = z.output<typeof AlarmSettings>;

/** `6:30` → `06:30`; seconds only where there are some. */
export function timeText(text: string): string {
  const time = parseTimeOfDay(text) ?? 0;
  const two = (value: number) => String(value).padStart(2, '0');
  const seconds = Math.round(time / 1000) % 60;
  return `${two(Math.floor(time / 3_600_000))}:${two(Math.floor(time / minute) % 60)}${seconds === 0 ? '' : `:${two(seconds)}`}`;
}
