import { readFile } from 'node:fs/promises';
import { TonearmError } from '#foundation';
import { readCalendar, type CalendarEntry } from './calendar.ts';
import type { Holidays } from './ports.ts';
import type { HolidaysSettings } from './settings.ts';

/**
 * Reads the calendar files and joins them with the list; `doubt` is told what of a file is not understood. A file that cannot be read is
 * `automations/calendar-unreadable`: rejects with it, unless `unreadable` wants to know.
 */
export async function openHolidays({ dates, files }: HolidaysSettings, doubt: (file: string, what: string) => void = () => undefined, unreadable?: (error: TonearmError) => void): Promise<Holidays> {
  const spans: CalendarEntry[] = dates.map((entry) => (typeof entry === 'string' ? spanOf(entry, 'a holiday') : spanOf(entry.date, entry.name)));
  for (const file of files) {
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      const told = new TonearmError({
        kind: 'invalid',
        code: 'automations/calendar-unreadable',
        message: `The calendar file ${file} under "holidays" cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}), so nobody knows which of its days are free. Correct the path or remove it.`,
        cause: error,
      });
      if (!unreadable) throw told;
      unreadable(told);
      continue;
    }
    const { entries, doubts } = readCalendar(text);
    spans.push(...entries);
    for (const what of doubts) doubt(file, what);
  }
  return { on: (day) => spans.find((span) => span.covers(day))?.name ?? null };
}

/** `2026-12-25`, `12-25`, and ranges of either. Days as ISO texts compare as days. */
function spanOf(text: string, name: string): CalendarEntry {
  const [first = '', last = first] = text.split('..');
  if (first.length > 5) return { name, covers: (day) => day >= first && day <= last };
  // Every year; a range may cross New Year.
  return {
    name,
    covers(day) {
      const date = day.slice(5);
      return first <= last ? date >= first && date <= last : date >= first || date <= last;
    },
  };
}
