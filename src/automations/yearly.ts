/** A yearly rule of RFC 5545 §3.3.10. Days are midnights as if UTC, in ms. */
export interface Yearly {
  readonly first: number;
  /** No time is later. */
  readonly last: number;
  readonly interval: number;
  /** 1 to 12. */
  readonly months: readonly number[];
  /** Negative ones count from the end of the month. */
  readonly monthDays: readonly number[];
  /** `nth` is 0 where every such day is meant; `weekday` as in JavaScript, Sunday 0. */
  readonly weekdays: readonly { readonly nth: number; readonly weekday: number }[];
}

const oneDay = 86_400_000;
const week = 7 * oneDay;
const names = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];
/** What a rule may say. WKST changes nothing without numbers of weeks. */
const known = ['FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'BYMONTH', 'BYMONTHDAY', 'BYDAY', 'WKST'];
/** Rules with COUNT are counted so far. */
const mostDays = 100 * 366;

/** Reads an RRULE; `problem` is the part of it that is not understood. */
export function readRule(text: string, first: number): Yearly | { readonly problem: string } {
  const parts = new Map(text.toUpperCase().split(';').filter(Boolean).map((part): [string, string] => [part.split('=')[0] ?? '', part.split('=')[1] ?? '']));
  const say = (key: string) => ({ problem: `${key}=${parts.get(key) ?? ''}` });
  if (parts.get('FREQ') !== 'YEARLY') return say('FREQ');
  const odd = [...parts.keys()].find((key) => !known.includes(key));
  if (odd !== undefined) return say(odd);

  const interval = Number(parts.get('INTERVAL') ?? 1);
  if (!Number.isInteger(interval) || interval < 1) return say('INTERVAL');
  const months = numbers(parts.get('BYMONTH'), 1, 12);
  if (!months) return say('BYMONTH');
  const monthDays = numbers(parts.get('BYMONTHDAY'), -31, 31);
  if (!monthDays) return say('BYMONTHDAY');
  const weekdays = (parts.get('BYDAY')?.split(',') ?? []).map((day) => {
    const [, nth = '', name = ''] = /^([+-]?\d{1,2})?([A-Z]{2})$/.exec(day) ?? [];
    return { nth: Number(nth), weekday: names.indexOf(name) };
  });
  if (weekdays.some(({ weekday }) => weekday < 0)) return say('BYDAY');
  const until = /^(\d{4})(\d{2})(\d{2})/.exec(parts.get('UNTIL') ?? '');
  if (parts.has('UNTIL') && !until) return say('UNTIL');
  const count = Number(parts.get('COUNT') ?? Infinity);
  if (!(count >= 1)) return say('COUNT');

  const last = until ? Date.UTC(Number(until[1]), Number(until[2]) - 1, Number(until[3])) : Infinity;
  const rule: Yearly = { first, last, interval, months, monthDays, weekdays };
  return count === Infinity ? rule : { ...rule, last: lastOf(rule, count) };
}

function numbers(list: string | undefined, least: number, greatest: number): readonly number[] | null {
  const found = (list?.split(',') ?? []).map(Number);
  return found.every((one) => Number.isInteger(one) && one !== 0 && one >= least && one <= greatest) ? found : null;
}

/** The first one is the first of those that are counted, whatever the rule says. */
function lastOf(rule: Yearly, count: number): number {
  let left = count - 1;
  let day = rule.first;
  for (const end = day + mostDays * oneDay; left > 0 && day < end; ) if (fits(rule, (day += oneDay))) left -= 1;
  return left > 0 ? Infinity : day;
}

/** Whether the rule means this day, apart from where it begins and ends. */
export function fits({ first, interval, months, monthDays, weekdays }: Yearly, day: number): boolean {
  const [start, date] = [new Date(first), new Date(day)];
  const [year, month, dayOfMonth] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if ((year - start.getUTCFullYear()) % interval !== 0) return false;
  // Without anything else it is the day of the first one; 29 February comes in leap years only.
  const isAsFirst = monthDays.length === 0 && weekdays.length === 0;
  if (months.length > 0 ? !months.includes(month + 1) : isAsFirst && month !== start.getUTCMonth()) return false;
  if (isAsFirst) return dayOfMonth === start.getUTCDate();

  const [begin, end] = [Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)];
  if (monthDays.length > 0 && !monthDays.some((one) => (one > 0 ? one === dayOfMonth : end + one * oneDay === day))) return false;
  if (weekdays.length === 0) return true;
  // The third Thursday is that of the month where months are named, and otherwise that of the year.
  const [from, until] = months.length > 0 ? [begin, end] : [Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1)];
  const nth = Math.floor((day - from) / week) + 1;
  const nthLast = -Math.ceil((until - day) / week);
  return weekdays.some((one) => one.weekday === date.getUTCDay() && [0, nth, nthLast].includes(one.nth));
}
