/** Whole days of a calendar file, both included, as `2026-12-25`. */
export interface CalendarDays {
  readonly name: string;
  readonly first: string;
  readonly last: string;
}

/** Entries of one calendar that are looked at. */
const most = 5000;

/** Whole-day entries of an iCalendar text (RFC 5545 §3.6.1); yearly ones for 20 years. Never throws: what is not understood is left out. */
export function readCalendar(text: string): readonly CalendarDays[] {
  // A line that begins with a blank goes on from the one before (§3.1).
  const lines = text.replace(/\r?\n[ \t]/g, '').split(/\r?\n/);
  const found: CalendarDays[] = [];
  let event: Map<string, string> | null = null;
  for (const line of lines) {
    const match = /^([A-Za-z-]+)(;[^:]*)?:(.*)$/.exec(line);
    if (!match) continue;
    const [, name = '', , value = ''] = match;
    const key = name.toUpperCase();
    if (key === 'BEGIN' && value.toUpperCase() === 'VEVENT') event = new Map();
    else if (key === 'END' && value.toUpperCase() === 'VEVENT') {
      if (event && found.length < most) found.push(...daysOf(event));
      event = null;
    } else event?.set(key, value);
  }
  return found;
}

function daysOf(event: ReadonlyMap<string, string>): CalendarDays[] {
  const first = dayIn(event.get('DTSTART'));
  if (first === null || event.get('STATUS')?.toUpperCase() === 'CANCELLED') return [];
  // The end is the first day that is not meant any more (§3.6.1).
  const end = dayIn(event.get('DTEND'));
  const length = end === null ? 1 : Math.max(1, Math.round((end - first) / day));
  const name = (event.get('SUMMARY') ?? 'a holiday').replace(/\\n/gi, ' ').replace(/\\([,;\\])/g, '$1').trim() || 'a holiday';
  const years = /FREQ=YEARLY/i.test(event.get('RRULE') ?? '') ? 20 : 1;
  return Array.from({ length: years }, (_, year): CalendarDays => {
    const begin = addYears(first, year);
    return { name, first: iso(begin), last: iso(begin + (length - 1) * day) };
  });
}

const day = 86_400_000;

/** `20261225` as midnight UTC; null for a time of day, which is no whole day. */
function dayIn(value: string | undefined): number | null {
  const match = /^(\d{4})(\d{2})(\d{2})$/.exec(value?.trim() ?? '');
  return match ? Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) : null;
}

function addYears(moment: number, years: number): number {
  const date = new Date(moment);
  return Date.UTC(date.getUTCFullYear() + years, date.getUTCMonth(), date.getUTCDate());
}

function iso(moment: number): string {
  return new Date(moment).toISOString().slice(0, 10);
}
