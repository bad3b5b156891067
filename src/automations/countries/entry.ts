import { parentPort, workerData } from 'node:worker_threads';
import Holidays from 'date-holidays';
import type { Question } from './country-calendar.ts';

/** The thread that knows all countries: what it takes (27 MB) is given back when it has answered. */
const hour = 3_600_000;
const { place, years } = workerData as Question;
parentPort?.postMessage(answer());

/** An iCalendar text; null when nothing is known of that country; a list of its parts when it has none of that name. */
function answer(): string | readonly string[] | null {
  const [country = '', wantedState, wantedRegion] = place.split('-');
  const all = new Holidays();
  if (!Object.hasOwn(all.getCountries(), country)) return null;
  const states = keysOf(all.getStates(country));
  const state = nameIn(states, wantedState);
  if (wantedState !== undefined && state === undefined) return states.map((one) => `${country}-${one}`);
  const regions = state === undefined ? [] : keysOf(all.getRegions(country, state));
  const region = nameIn(regions, wantedRegion);
  if (wantedRegion !== undefined && region === undefined) return regions.map((one) => `${country}-${state ?? ''}-${one}`);

  const here = new Holidays({ country, ...(state !== undefined && { state }), ...(region !== undefined && { region }) }, { types: ['public'] });
  const events = years.flatMap((year) => here.getHolidays(year)).flatMap(({ date, name, start, end }) => {
    // Half a day is no free day, at either end; a day on which clocks are put forward has 23 hours.
    const days = date.includes(' 00:00:00') ? Math.floor((end.getTime() - start.getTime() + 2 * hour) / (24 * hour)) : 0;
    if (days === 0) return [];
    return ['BEGIN:VEVENT', `DTSTART;VALUE=DATE:${date.slice(0, 10).replaceAll('-', '')}`, `DURATION:P${days}D`, `SUMMARY:${name.replace(/\s+/g, ' ').replace(/[,;\\]/g, '\\$&')}`, 'END:VEVENT'];
  });
  return ['BEGIN:VCALENDAR', ...events, 'END:VCALENDAR'].join('\r\n');
}

/** Some are written in small letters: CK-Aitutaki. */
function nameIn(names: readonly string[], wanted: string | undefined): string | undefined {
  return wanted === undefined ? undefined : names.find((name) => name.toUpperCase() === wanted.toUpperCase());
}

/** Of countries without parts there are none, whatever the types say. */
function keysOf(parts: object | undefined): readonly string[] {
  return Object.keys(parts ?? {});
}
