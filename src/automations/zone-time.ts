import { weekdays, type Millis, type Weekday } from '#core';

/** A wall clock's hands and calendar, without a place. `month` and `day` count from 1. */
export interface Wall {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Whether the system's time-zone data know this name. */
export function isTimeZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/** What the system itself is set to. */
export function systemTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' });
    formats.set(zone, format);
  }
  return format;
}

/** What clocks on the wall show there at this moment. */
export function wallOf(moment: Millis, zone: string): Wall {
  const found: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(moment)) if (type !== 'literal') found[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = found;
  return { year, month, day, hour, minute, second };
}

/** The wall's time as if it were UTC, in ms: fit for arithmetic. */
export function asUtc({ year, month, day, hour, minute, second }: Wall): Millis {
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** How far clocks there are ahead of UTC at this moment, ms. */
export function offsetAt(moment: Millis, zone: string): Millis {
  return asUtc(wallOf(moment, zone)) - Math.floor(moment / 1000) * 1000;
}

const day = 86_400_000;
const minute = 60_000;

/** How clocks there run around one day: ahead of UTC by `before`, and from `at` on by `after`. */
export interface ClockChange {
  readonly before: Millis;
  readonly after: Millis;
  readonly at: Millis;
}

/** Around the day that begins at `dayStart` (midnight as if UTC). A day without a change has `before` and `after` the same. */
export function clockChange(dayStart: Millis, zone: string): ClockChange {
  // A day to each side, so that it holds for every offset; zones do not change twice in so short a time.
  let low = dayStart - day;
  let high = dayStart + 2 * day;
  const before = offsetAt(low, zone);
  const after = offsetAt(high, zone);
  if (before === after) return { before, after, at: high };
  while (high - low > 1000) {
    const middle = low + Math.floor((high - low) / 2000) * 1000;
    if (offsetAt(middle, zone) === before) low = middle;
    else high = middle;
  }
  return { before, after, at: high };
}

/** Every moment at which clocks show `wall` (ms as if UTC): one, two where an hour is repeated, none where it is skipped. Earliest first. */
export function momentsOf(wall: Millis, { before, after, at }: ClockChange): readonly Millis[] {
  if (before === after) return [wall - before];
  return [wall - before, wall - after].filter((moment, index) => (index === 0 ? moment < at : moment >= at));
}

/** When clocks show `wall` for the first time; where they never do, the first whole minute after the skipped time. */
export function momentOf(wall: Millis, change: ClockChange): Millis {
  return momentsOf(wall, change)[0] ?? Math.ceil(change.at / minute) * minute;
}

/** When the next calendar day begins there. */
export function nextMidnight(moment: Millis, zone: string): Millis {
  const next = asUtc({ ...wallOf(moment, zone), hour: 0, minute: 0, second: 0 }) + day;
  return momentOf(next, clockChange(next, zone));
}

/** The calendar day there: `2026-12-25`. */
export function dayOf(moment: Millis, zone: string): string {
  const { year, month, day: date } = wallOf(moment, zone);
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(date)}`;
}

/** The time of day there, ms since midnight as clocks show it. */
export function timeOfDay(moment: Millis, zone: string): Millis {
  const wall = wallOf(moment, zone);
  return (wall.hour * 3600 + wall.minute * 60 + wall.second) * 1000;
}

export function weekdayOf(moment: Millis, zone: string): Weekday {
  const { year, month, day: date } = wallOf(moment, zone);
  // weekdays[0] is Monday, and so was the fifth of January 1970.
  const index = (((Date.UTC(year, month - 1, date) / day - 4) % 7) + 7) % 7;
  return weekdays[index] as Weekday; // 0 to 6 by the line above
}

/** `2026-03-29 03:00 Europe/Berlin`: for people. */
export function sayMoment(moment: Millis, zone: string): string {
  const { hour, minute: minutes, second } = wallOf(moment, zone);
  return `${dayOf(moment, zone)} ${two(hour)}:${two(minutes)}${second === 0 ? '' : `:${two(second)}`} ${zone}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
