import { weekdays, type Millis, type Weekday } from '#core';
import { parseTimeOfDay } from '../duration.ts';
import type { FreeDays, Schedule } from '../ports.ts';
import { cronSchedule } from '../schedule.ts';
import { dayOf } from '../zone-time.ts';

/** When an alarm rings, if nothing speaks against it. */
export function alarmSchedule(time: string, days: readonly Weekday[], timezone: string): Schedule {
  const moment = Math.round((parseTimeOfDay(time) ?? 0) / 1000);
  const [hour, minute, second] = [Math.floor(moment / 3600), Math.floor(moment / 60) % 60, moment % 60];
  const everyDay = weekdays.every((day) => days.includes(day));
  const byClock = cronSchedule(`${second} ${minute} ${hour} * * ${everyDay ? '*' : days.map((day) => day.toUpperCase()).join(',')}`, timezone);
  return { text: `at ${time}${everyDay ? '' : ` on ${days.join(', ')}`}`, after: (moment) => byClock.after(moment) };
}

export interface DayRules {
  readonly timezone: string;
  readonly holidays: 'run' | 'skip' | 'only';
  /** The owner's free days. */
  readonly calendar: FreeDays;
  /** Days on which this alarm stays silent. */
  readonly skip: FreeDays;
  /** Moments somebody told to pass over. */
  readonly passedOver: readonly Millis[];
}

/** Why it stays silent at this moment; null: it rings. */
export function whySilent(moment: Millis, { timezone, holidays, calendar, skip, passedOver }: DayRules): string | null {
  if (passedOver.includes(moment)) return 'told to pass over this one';
  const day = dayOf(moment, timezone);
  if (skip.on(day) !== null) return 'told to be silent on this day';
  const holiday = calendar.on(day);
  if (holidays === 'skip' && holiday !== null) return `holiday: ${holiday}`;
  if (holidays === 'only' && holiday === null) return 'rings on holidays only, and this is none';
  return null;
}

/** Planned moments after `from`, with why those that will not ring are silent; at most `count`. */
export function* planned(schedule: Schedule, rules: DayRules, from: Millis, count: number): Generator<{ readonly at: Millis; readonly why: string | null }> {
  for (let at = schedule.after(from); at !== null && count > 0; at = schedule.after(at), count--) yield { at, why: whySilent(at, rules) };
}

/** So many silent ones in a row are a year of them: it does not ring. */
const mostSilent = 400;

/** The next moment it rings. */
export function nextRing(schedule: Schedule, rules: DayRules, from: Millis): Millis | null {
  for (const { at, why } of planned(schedule, rules, from, mostSilent)) if (why === null) return at;
  return null;
}
