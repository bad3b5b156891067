import { fits, readRule, type Yearly } from './yearly.ts';

/** A whole-day entry of a calendar file, with all its repetitions. */
export interface CalendarEntry {
  readonly name: string;
  /** Whether it is on then: `2026-12-25`. */
  covers(day: string): boolean;
}

export interface Calendar {
  readonly entries: readonly CalendarEntry[];
  /** What was not understood, a sentence each. */
  readonly doubts: readonly string[];
}

type Event = ReadonlyMap<string, readonly string[]>;

/** Entries of one calendar that are looked at. */
const most = 5000;
/** Doubts that are told; the rest will be of the same kind. */
const mostDoubts = 10;

/** Whole-day entries of an iCalendar text (RFC 5545 §3.6.1). Never throws. */
export function readCalendar(text: string): Calendar {
  const events = eventsOf(text);
  const doubts: string[] = [];
  // One time of several that was moved or cancelled is an entry of its own (§3.8.4.4).
  const replaced = new Map<string, number[]>();
  for (const event of events) {
    const [uid, moment] = [event.get('UID')?.[0], event.get('RECURRENCE-ID')?.[0]];
    const day = dayIn(moment);
    if (uid !== undefined && day !== null) replaced.set(uid, [...(replaced.get(uid) ?? []), day]);
  }
  const entries = events.slice(0, most).flatMap((event) => entryOf(event, event.has('RECURRENCE-ID') ? [] : (replaced.get(event.get('UID')?.[0] ?? '') ?? []), doubts));
  if (events.length > most) doubts.unshift(`It has ${events.length} entries, of which the first ${most} count.`);
  if (entries.length === 0) doubts.unshift('It has no whole-day entries, so no day of it is free.');
  return { entries, doubts: doubts.slice(0, mostDoubts) };
}

/** The properties of each VEVENT by name, in the order they were written. */
function eventsOf(text: string): readonly Event[] {
  const found: Event[] = [];
  let event: Map<string, string[]> | null = null;
  // A line that begins with a blank goes on from the one before (§3.1).
  for (const line of text.replace(/\r?\n[ \t]/g, '').split(/\r?\n/)) {
    const match = /^([A-Za-z-]+)(?:;[^:]*)?:(.*)$/.exec(line);
    if (!match) continue;
    const [, name = '', value = ''] = match;
    const key = name.toUpperCase();
    if (key === 'BEGIN' && value.toUpperCase() === 'VEVENT') event = new Map();
    else if (key === 'END' && value.toUpperCase() === 'VEVENT') {
      if (event) found.push(event);
      event = null;
    } else event?.set(key, [...(event.get(key) ?? []), value]);
  }
  return found;
}

function entryOf(event: Event, replaced: readonly number[], doubts: string[]): CalendarEntry[] {
  const first = dayIn(event.get('DTSTART')?.[0]);
  if (first === null || event.get('STATUS')?.[0]?.toUpperCase() === 'CANCELLED') return [];
  const name = (event.get('SUMMARY')?.[0] ?? '').replace(/\\n/gi, ' ').replace(/\\([,;\\])/g, '$1').trim() || 'a holiday';
  const doubt = (what: string) => void doubts.push(`“${name.slice(0, 60)}” (${iso(first)}) ${what}`);
  const days = (key: string) => (event.get(key) ?? []).flatMap((line) => line.split(',')).map(dayIn);

  const length = lengthOf(event, first);
  if (length === null) doubt('lasts for a time that is not understood: one day counts.');
  const [more, less] = [days('RDATE'), days('EXDATE')];
  if (more.includes(null) || less.includes(null)) doubt('has single dates (RDATE, EXDATE) that are no whole days: these do not count.');
  const starts = new Set([first, ...more]);
  const gaps = new Set([...less, ...replaced]);
  const rules = (event.get('RRULE') ?? []).map((rule) => readRule(rule, first));
  for (const rule of rules) if ('problem' in rule) doubt(`repeats in a way that is not understood (${rule.problem}): only its first time counts. List the others under "dates".`);
  const yearly = rules.filter((rule): rule is Yearly => !('problem' in rule));

  const begins = (day: number) => !gaps.has(day) && (starts.has(day) || (day > first && yearly.some((rule) => day <= rule.last && fits(rule, day))));
  return [
    {
      name,
      covers(text) {
        const day = Date.parse(text);
        for (let back = 0; back < (length ?? 1); back++) if (begins(day - back * oneDay)) return true;
        return false;
      },
    },
  ];
}

const oneDay = 86_400_000;
/** No holidays are longer. */
const longest = 366;

/** In days; null where it is not understood. */
function lengthOf(event: Event, first: number): number | null {
  const [end, duration] = [event.get('DTEND')?.[0], event.get('DURATION')?.[0]];
  if (end === undefined && duration === undefined) return 1;
  const [, weeks = '0', days = '0'] = /^P(?:(\d+)W)?(?:(\d+)D)?$/.exec(duration?.trim() ?? '') ?? [];
  // The end is the first day that is not meant any more (§3.6.1).
  const length = end === undefined ? Number(weeks) * 7 + Number(days) : Math.round(((dayIn(end) ?? NaN) - first) / oneDay);
  if (end !== undefined && length === 0) return 1;
  return length >= 1 && length <= longest ? length : null;
}

/** `20261225` as midnight UTC; null for a time of day, which is no whole day. */
function dayIn(value: string | undefined): number | null {
  const match = /^(\d{4})(\d{2})(\d{2})$/.exec(value?.trim() ?? '');
  return match ? Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) : null;
}

function iso(moment: number): string {
  return new Date(moment).toISOString().slice(0, 10);
}
