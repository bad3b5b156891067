import { createTask, parse, validateDetailed, type ParsedFields } from 'node-cron';
import { getTimes } from 'suncalc';
import type { Millis } from '#core';
import { sayDuration } from './duration.ts';
import type { Schedule, SunPlace } from './ports.ts';
import type { SunEvent } from './sun-event.ts';
import { asUtc, clockChange, momentOf, momentsOf, wallOf } from './zone-time.ts';

const day = 86_400_000;
/** A leap day may be eight years away (1896 to 1904, 2096 to 2104); beyond that there is no next time. */
const furthest = 8 * 366 + 1;

/** Why node-cron does not take the expression; null when it does. */
export function cronProblem(expression: string): string | null {
  const { valid, errors } = validateDetailed(expression);
  if (valid) return null;
  const [first] = errors;
  const where = first && first.field !== 'expression' ? `${first.value ?? 'this'} is no ${fieldNames[first.field] ?? first.field}` : (first?.message ?? 'it is not understood');
  return `${where}; a schedule is "minute hour day month weekday", with seconds in front if wanted: "30 6 * * MON-FRI"`;
}

const fieldNames: Readonly<Record<string, string>> = { second: 'second', minute: 'minute', hour: 'hour', dayOfMonth: 'day of a month', month: 'month', dayOfWeek: 'day of the week' };

/**
 * A cron expression on the clocks of a time zone. node-cron reads it and says which days it means (day of month and day of week
 * must both fit; `L`, `15W`, `MON#1` and names as there); which moments those are is worked out here, because of the two days a year on
 * which clocks are changed (docs/decisions/0011): a time that is skipped comes at the first minute after the gap; a time that is
 * repeated comes once, the first time. Schedules for every hour of the day follow the passing of time instead, so that
 * "every 15 minutes" stays that: nothing is made up for in a gap, and both hours of a repetition count.
 */
export function cronSchedule(expression: string, zone: string): Schedule {
  const fields = parse(expression);
  const isDay = dayTest(expression, fields);
  const times = timesOf(fields);
  const isHourly = fields.hour.length === 24;

  /** The first one of that day that is later than `moment`. */
  function nextOn(dayStart: Millis, moment: Millis): Millis | undefined {
    const change = clockChange(dayStart, zone);
    if (change.before === change.after) {
      const time = times.find((one) => dayStart + one - change.before > moment);
      return time === undefined ? undefined : dayStart + time - change.before;
    }
    const moments = times.flatMap((time) => (isHourly ? momentsOf(dayStart + time, change) : [momentOf(dayStart + time, change)]));
    return moments.filter((one) => one > moment).reduce<number | undefined>((first, one) => (first === undefined || one < first ? one : first), undefined);
  }

  return {
    text: `cron ${expression}`,
    after(moment) {
      const today = startOfDay(moment, zone);
      // The day before counts: what it skipped at midnight comes today.
      for (let index = -1; index <= furthest; index++) {
        const dayStart = today + index * day;
        if (!isDay(dayStart)) continue;
        const next = nextOn(dayStart, moment);
        if (next !== undefined) return next;
      }
      return null;
    },
  };
}

/** Which days are meant, asked of node-cron on a calendar without clock changes. Days are midnights as if UTC. */
function dayTest(expression: string, fields: ParsedFields): (dayStart: Millis) => boolean {
  const task = createTask(expression, () => undefined, { timezone: 'UTC' });
  // It never ran, and should not stay in node-cron's list of tasks.
  void task.destroy();
  const first = ((fields.hour[0] ?? 0) * 3600 + (fields.minute[0] ?? 0) * 60 + (fields.second[0] ?? 0)) * 1000;
  const months = new Set(fields.month);
  return (dayStart) => {
    const date = new Date(dayStart);
    // Cheaper than asking, and most days of rare schedules end here.
    if (!months.has(date.getUTCMonth() + 1)) return false;
    return task.match(new Date(dayStart + first));
  };
}

function timesOf({ hour, minute, second }: ParsedFields): Millis[] {
  const times = hour.flatMap((h) => minute.flatMap((m) => second.map((s) => (h * 3600 + m * 60 + s) * 1000)));
  return times.sort((a, b) => a - b); // `22-6` begins in the evening
}

function startOfDay(moment: Millis, zone: string): Millis {
  return asUtc({ ...wallOf(moment, zone), hour: 0, minute: 0, second: 0 });
}

/** Sunrise and its kin on this day of the sun at that place; null where it does not happen (polar days and nights). */
export function sunMoment(event: SunEvent, dayStart: Millis, { latitude, longitude }: SunPlace): Millis | null {
  // Noon there, so that it is that day's sun whatever the time zone.
  const noon = dayStart + day / 2 - (longitude / 360) * day;
  return getTimes(new Date(noon), latitude, longitude)[event]?.getTime() ?? null;
}

/** An event of the sun with an offset in ms, to the second. Days without it are passed over. */
export function sunSchedule(event: SunEvent, offset: Millis, place: SunPlace): Schedule {
  const shift = offset === 0 ? '' : `${offset < 0 ? ' - ' : ' + '}${sayDuration(Math.abs(offset))}`;
  return {
    text: `${event}${shift}`,
    after(moment) {
      const today = Math.floor(moment / day) * day;
      const margin = Math.ceil(Math.abs(offset) / day) + 2;
      for (let index = -margin; index <= 366 + margin; index++) {
        const found = sunMoment(event, today + index * day, place);
        if (found === null) continue;
        const next = Math.round((found + offset) / 1000) * 1000;
        if (next > moment) return next;
      }
      return null;
    },
  };
}
