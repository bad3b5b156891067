import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Secret, Scope, TonearmError } from '#foundation';
import { readCalendar, type CalendarEntry } from './calendar.ts';
import { countryCalendar } from './countries/country-calendar.ts';
import { KeptCalendar, keptPrefix, type CalendarSource } from './kept-calendar.ts';
import type { AutomationsContext, FreeDays, Holidays } from './ports.ts';
import type { HolidayDate, HolidaysSettings } from './settings.ts';

export const noHolidays: HolidaysSettings = { dates: [], files: [], countries: [], urls: [] };
const day = 86_400_000;
const largest = 4 * 1024 * 1024;
/** There was no Tonearm before. */
const firstYear = 2026;

/** Joins all there is of free days. What cannot be read or had is a warning: alarms ring rather than not. */
export async function openHolidays({ dates, files, countries, urls }: HolidaysSettings, { host, fetch }: Pick<AutomationsContext, 'host' | 'fetch'>): Promise<Holidays & AsyncDisposable> {
  const { clock, log, store } = host;
  const scope = new Scope();
  const sources = [...countries.map((place) => countrySource(place, host)), ...(fetch ? urls.map((url) => webSource(url, fetch)) : [])];
  for (const kept of await store.sealed.names(keptPrefix)) if (!sources.some(({ id }) => kept === keptPrefix + id)) await store.sealed.remove(kept);

  let edition = 0;
  const changed = new Set<() => void>();
  const tell = () => {
    edition += 1;
    for (const one of changed) one();
  };
  const [inFiles, calendars] = await Promise.all([
    readFiles(files, (file, what) => log.warn(`The calendar file ${file}: ${what}`), ({ message, code }) => log.warn(message, { code })),
    Promise.all(sources.map(async (source) => scope.use(await KeptCalendar.open(source, { host: { clock, log, store }, changed: tell })))),
  ]);
  const listed = [...listedDays(dates), ...inFiles];
  return {
    on: (date) => nameOn(listed, date) ?? calendars.map(({ entries }) => nameOn(entries, date)).find((name) => name !== null) ?? null,
    get edition() {
      return edition;
    },
    onChanged: (run) => void changed.add(run),
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
}

/** Days that are listed, and nothing else. */
export function daysOf(dates: readonly HolidayDate[]): FreeDays {
  const listed = listedDays(dates);
  return { on: (date) => nameOn(listed, date) };
}

/** `doubt` is told what of a file is not understood. Rejects with `automations/calendar-unreadable`, unless `unreadable` wants to know. */
export async function readFiles(files: readonly string[], doubt: (file: string, what: string) => void, unreadable?: (error: TonearmError) => void): Promise<CalendarEntry[]> {
  const found: CalendarEntry[] = [];
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
    found.push(...entries);
    for (const what of doubts) doubt(file, what);
  }
  return found;
}

/** Rejects with `automations/unknown-country`. */
export async function checkCountries(countries: readonly string[], program: URL): Promise<void> {
  for (const place of countries) await countryCalendar({ place, years: [] }, program);
}

function countrySource(place: string, { clock, programs }: AutomationsContext['host']): CalendarSource {
  return {
    id: place.toLowerCase(),
    name: `The list of holidays of ${place}`,
    every: day,
    isNear: true,
    load(signal) {
      const year = new Date(clock.now()).getUTCFullYear();
      // A machine without a clock of its own, before it has asked the network: its days must not take the place of the right ones.
      if (year < firstYear) return Promise.reject(new TonearmError({ kind: 'unavailable', code: 'automations/clock-not-set', message: 'The clock of this machine is not set yet.' }));
      // Who asks for the next times of a leap day looks eight years ahead.
      return countryCalendar({ place, years: Array.from({ length: 11 }, (_, index) => year - 1 + index) }, programs.holidaysThread, signal);
    },
  };
}

/** The address may be a secret one; only its host is told. */
function webSource(url: Secret<string>, fetch: NonNullable<AutomationsContext['fetch']>): CalendarSource {
  const address = url.reveal().replace(/^webcal:/i, 'https:');
  return {
    id: createHash('sha256').update(address).digest('hex').slice(0, 16),
    name: `The calendar at ${new URL(address).host}`,
    every: day / 2,
    isNear: false,
    async load(signal) {
      const text = Buffer.from(await fetch(address, { signal, limit: largest, redirects: 5 })).toString('utf8');
      // A page that asks for a login must not take the place of what is known.
      if (!/^\uFEFF?\s*BEGIN:VCALENDAR/i.test(text)) throw new TonearmError({ kind: 'unavailable', code: 'automations/no-calendar', message: 'What came is no calendar (.ics).' });
      return text;
    },
  };
}

function nameOn(entries: readonly CalendarEntry[], date: string): string | null {
  return entries.find((entry) => entry.covers(date))?.name ?? null;
}

function listedDays(dates: readonly HolidayDate[]): CalendarEntry[] {
  return dates.map((entry) => (typeof entry === 'string' ? spanOf(entry, 'a holiday') : spanOf(entry.date, entry.name)));
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
