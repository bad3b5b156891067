import { z } from 'zod';
import { weekdays } from '#core';
import { BetweenTimes } from './duration.ts';
import { TimeZone } from './triggers.ts';
import { namesOneSubject, oneOrMore, oneSubject, Percent, subjectKeys, Topic, valueTestKeys } from './words.ts';

const zoneStates = ['playing', 'paused', 'stopped', 'idle'] as const;

const BetweenCondition = z.strictObject({
  between: BetweenTimes.describe('Time of day, from the first moment until before the last; may cross midnight: "22:00-07:00"'),
  timezone: TimeZone.optional().describe('Whose clocks; location.timezone when absent'),
});

const DaysCondition = z.strictObject({
  days: oneOrMore(z.enum(weekdays)).describe('Days of the week: [mon, tue, wed, thu, fri]'),
  timezone: TimeZone.optional(),
});

const PresenceCondition = z.strictObject({
  presence: z
    .strictObject({ ...subjectKeys, is: z.enum(['present', 'absent', 'unknown']).describe('unknown is neither present nor absent') })
    .refine(namesOneSubject, oneSubject)
    .describe('Somebody is, or is not, there'),
});

const ZoneCondition = z.strictObject({
  zone: z.string().min(1).max(64).describe('How a zone is; everything that is given must fit'),
  is: oneOrMore(z.enum(zoneStates)).optional().describe('playing, paused, stopped, or idle (paused or stopped)'),
  source: z.string().min(1).max(64).optional().describe('Which source holds it: connect, sounds …'),
  account: z.string().min(1).max(256).optional().describe('Whose account is logged in there'),
  startedBy: z.string().min(1).max(64).optional().describe('Who began what plays: me (this automation), automation (any), person, or an origin such as phone or mqtt'),
  volumeAbove: Percent.optional().describe('Percent'),
  volumeBelow: Percent.optional().describe('Percent'),
});

const QuietCondition = z.strictObject({ quiet: z.boolean().describe('Whether quiet hours are on') });
const HolidayCondition = z.strictObject({ holiday: z.boolean().describe('Whether today is one of your holidays') });
const SunCondition = z.strictObject({ sun: z.enum(['up', 'down']).describe('Whether the sun is above the horizon. Needs location') });
const MqttCondition = z.strictObject({ mqtt: Topic.describe('The last message on this topic'), ...valueTestKeys });

const simple = [BetweenCondition, DaysCondition, PresenceCondition, ZoneCondition, QuietCondition, HolidayCondition, SunCondition, MqttCondition] as const;
export type SimpleCondition = z.output<(typeof simple)[number]>;

/** What must be so for a rule to run. */
export type Condition = SimpleCondition | { readonly any: readonly Condition[] } | { readonly all: readonly Condition[] } | { readonly not: Condition };

/** Groups within groups, three deep: enough for people, and finite for a schema. */
function group(inner: z.ZodType<Condition>) {
  const list = z.array(inner).min(1).max(50);
  return z.union([
    ...simple,
    z.strictObject({ any: list.describe('One of these is enough') }),
    z.strictObject({ all: list.describe('All of these') }),
    z.strictObject({ not: inner.describe('The opposite of this') }),
  ]);
}

const flat: z.ZodType<Condition> = z.union(simple);
export const Condition: z.ZodType<Condition> = group(group(flat));
