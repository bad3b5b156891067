import { parentPort, workerData } from 'node:worker_threads';
import Holidays from 'date-holidays';
import type { Question } from './country-calendar.ts';

/** The thread that knows all countries: what it takes (27 MB) is given back when it has answered. */
const { place, years } = workerData as Question;
parentPort?.postMessage(answer());

/** An iCalendar text; null when nothing is known of that country; a list of its parts when it has none of that name. */
function answer(): string | readonly string[] | null {
  const [country = '', state, region] = place.split('-');
  const all = new Holidays();
  if (!Object.hasOwn(all.getCountries(), country)) return null;
  const states = keysOf(all.getStates(country));
  if (state !== undefined && !states.includes(state)) return states.map((one) => `${country}-${one}`);
  const regions = state === undefined ? [] : keysOf(all.getRegions(country, state));
  if (region !== undefined && !regions.includes(region)) return regions.map((one) => `${country}-${state ?? ''}-${one}`);

  const here = new Holidays({ country, ...(state !== undefined && { state }), ...(region !== undefined && { region }) }, { types: ['public'] });
  const events = years.flatMap((year) => here.getHolidays(year)).flatMap(({ date, name, start, end }) => {
    const days = Math.max(1, Math.round((end.getTime() - start.getTime()) / 86_400_000));
    return ['BEGIN:VEVENT', `DTSTART;VALUE=DATE:${date.slice(0, 10).replaceAll('-', '')}`, `DURATION:P${days}D`, `SUMMARY:${name.replace(/\s+/g, ' ').replace(/[,;\\]/g, '\\$&')}`, 'END:VEVENT'];
  });
  return ['BEGIN:VCALENDAR', ...events, 'END:VCALENDAR'].join('\r\n');
}

/** Of countries without parts there are none, whatever the types say. */
function keysOf(parts: object | undefined): readonly string[] {
  return Object.keys(parts ?? {});
}
