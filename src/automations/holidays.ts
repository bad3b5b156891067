import { readFile } from 'node:fs/promises';
import { TonearmError } from '#foundation';
import { readCalendar } from './calendar.ts';
import type { Holidays } from './ports.ts';
import type { HolidaysSettings } from './settings.ts';

interface Span {
  readonly name: string;
  covers(day: string): boolean;
}

/** Reads the calendar files and joins them with the list. Rejects with `automations/calendar-unreadable`. */
export async function openHolidays({ dates, files }: HolidaysSettings): Promise<Holidays> {
  const spans: Span[] = dates.map((entry) => (typeof entry === 'string' ? spanOf(entry, 'a holiday') : spanOf(entry.date, entry.name)));
  for (const file of files) {
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      throw new TonearmError({
        kind: 'invalid',
        code: 'automations/calendar-unreadable',
        message: `The calendar file ${file} under "holidays" cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}), so nobody would know which days are free. Correct the path or remove it.`,
        cause: error,
      });
    }
    for (const { name, first, last } of readCalendar(text)) spans.push({ name, covers: (day) => day >= first && day <= last });
  }
  return { on: (day) => spans.find((span) => span.covers(day))?.name ?? null };
}

/** `2026-12-25`, `12-25`, and ranges of either. Days as ISO texts compare as days. */
function spanOf(text: string, name: string): Span {
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
