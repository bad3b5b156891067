import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeClock, Secret, silentLog, TonearmError, type Log } from '#foundation';
import { HomeStore } from '../../test/kit/home.ts';
import { noPrograms } from '../../test/kit/no-programs.ts';
import { buildProgram, type BuiltProgram } from '../../test/kit/program.ts';
import { readCalendar } from './calendar.ts';
import { countryCalendar } from './countries/country-calendar.ts';
import { daysOf, noHolidays, openHolidays, readFiles } from './holidays.ts';
import { KeptCalendar, type CalendarSource } from './kept-calendar.ts';
import type { AutomationsContext } from './ports.ts';

const hour = 3_600_000;

describe('what is listed', () => {
  it('are days, days of every year, and ranges of both', () => {
    const holidays = daysOf(['2026-05-14', { date: '12-25', name: 'Christmas' }, '2026-07-20..2026-08-30', '12-31..01-02']);
    const on = (...days: string[]) => days.map((day) => holidays.on(day));
    expect(on('2026-05-14', '2027-05-14', '2031-12-25', '2026-07-20', '2026-08-30', '2026-08-31', '2026-12-31', '2027-01-02', '2027-01-03')).toEqual(['a holiday', null, 'Christmas', 'a holiday', 'a holiday', null, 'a holiday', 'a holiday', null]);
  });

  it('a file that cannot be read is told, and keeps nobody from starting', async () => {
    await expect(readFiles(['/nowhere/at/all.ics'], () => undefined)).rejects.toMatchObject({ kind: 'invalid', code: 'automations/calendar-unreadable' });
    const house = new House();
    await using holidays = await house.open({ dates: ['05-14'], files: ['/nowhere/at/all.ics'] });
    expect([house.said.length, holidays.on('2026-05-14')]).toEqual([1, 'a holiday']);
  });
});

/** What the web says, and what the log was told. */
class House {
  readonly clock: FakeClock;
  readonly store = new HomeStore().store;
  readonly said: string[] = [];
  asked: string[] = [];
  /** Null: no answer ever comes. */
  web: string | TonearmError | null = '';
  changes = 0;

  constructor(now = Date.UTC(2026, 10, 22)) {
    this.clock = new FakeClock(now);
  }

  async open(settings: Partial<typeof noHolidays>) {
    const note = (message: string) => void this.said.push(message);
    const log: Log = { ...silentLog, info: note, warn: note, child: () => log };
    const fetch: AutomationsContext['fetch'] = (url) => {
      this.asked.push(url);
      if (this.web === null) return new Promise(() => undefined);
      return this.web instanceof TonearmError ? Promise.reject(this.web) : Promise.resolve(Buffer.from(this.web));
    };
    const holidays = await openHolidays({ ...noHolidays, ...settings }, { host: { clock: this.clock, log, store: this.store, programs: noPrograms }, fetch });
    holidays.onChanged(() => (this.changes += 1));
    await this.clock.advance(0);
    return holidays;
  }
}

const calendar = (day: string) => `BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:${day}\r\nSUMMARY:School is out\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`;
const away = new TonearmError({ kind: 'unavailable', code: 'test/away', message: 'example.org answered with status 503.' });
const urls = [new Secret('webcal://example.org/private-4711/school.ics')];

describe('a calendar on the web', () => {
  it('is asked at the start and twice a day, and says when days have changed', async () => {
    const house = new House();
    house.web = calendar('20261223');
    await using holidays = await house.open({ urls });
    expect([house.asked, holidays.on('2026-12-23'), holidays.edition]).toEqual([['https://example.org/private-4711/school.ics'], 'School is out', 1]);
    house.web = calendar('20261224');
    await house.clock.advance(12 * hour);
    expect([house.asked.length, holidays.on('2026-12-23'), holidays.on('2026-12-24'), house.changes]).toEqual([2, null, 'School is out', 2]);
    await house.clock.advance(12 * hour);
    expect([house.asked.length, house.changes, house.said]).toEqual([3, 2, []]);
  });

  it('is the same one where only the moment of asking is another, and what is not understood is said once', async () => {
    const house = new House();
    const asked = (at: string) => calendar('20261223').replace('DTSTART', `DTSTAMP:${at}\r\nDTSTART`).replace('END:VEVENT', 'END:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT');
    house.web = asked('20261122T000000Z');
    await using holidays = await house.open({ urls });
    const said = [...house.said];
    expect(said).toHaveLength(1);
    house.web = asked('20261122T120000Z');
    await house.clock.advance(12 * hour);
    expect([house.asked.length, holidays.edition, house.said]).toEqual([2, 1, said]);
    house.web = asked('20261123T000000Z').replace('20261223', '20261224');
    await house.clock.advance(12 * hour);
    expect([holidays.edition, holidays.on('2026-12-24'), house.said]).toEqual([2, 'School is out', said]);
  });

  it('that is away or is none leaves its last good copy, over a restart too, and is told once, without the address', async () => {
    const house = new House();
    house.web = calendar('20261223');
    await (await house.open({ urls }))[Symbol.asyncDispose]();
    house.web = away;
    await using holidays = await house.open({ urls });
    expect(holidays.on('2026-12-23')).toBe('School is out');
    house.web = '<html>Log in</html>';
    await house.clock.advance(hour);
    await house.clock.advance(hour);
    expect([house.asked.length, holidays.on('2026-12-23')]).toEqual([4, 'School is out']);
    house.web = calendar('20261224');
    await house.clock.advance(hour);
    expect([holidays.on('2026-12-23'), holidays.on('2026-12-24')]).toEqual([null, 'School is out']);
    expect(house.said).toEqual(['The calendar at example.org cannot be had now (example.org answered with status 503). What it said last holds; it is asked again every hour.', 'The calendar at example.org is there again.']);
  });

  it('that has never been there leaves its days unknown, and a start does not wait for it', async () => {
    const house = new House();
    house.web = away;
    await using holidays = await house.open({ urls });
    expect([holidays.on('2026-12-23'), house.said]).toEqual([null, ['The calendar at example.org cannot be had now (example.org answered with status 503). None of its days are free until it can be; it is asked again every hour.']]);
  });

  it('that does not answer is waited for a minute, and not at the end', async () => {
    const house = new House();
    house.web = null;
    const holidays = await house.open({ urls });
    await house.clock.advance(60_000);
    expect(house.said).toEqual([expect.stringContaining('cannot be had now (There was no answer in time).')]);
    await house.clock.advance(hour);
    expect(house.asked.length).toBe(2);
    await holidays[Symbol.asyncDispose]();
    expect(house.clock.pending).toBe(0);
  });

  it('is forgotten when it is not wanted any more', async () => {
    const house = new House();
    house.web = calendar('20261223');
    await (await house.open({ urls }))[Symbol.asyncDispose]();
    expect(await house.store.sealed.names('')).toHaveLength(1);
    await (await house.open({}))[Symbol.asyncDispose]();
    expect(await house.store.sealed.names('')).toEqual([]);
  });
});

it('a machine that does not know the year yet works no holidays out, and says so', async () => {
  const house = new House(Date.UTC(1970, 0, 1));
  await using holidays = await house.open({ countries: ['DE'] });
  expect(house.said).toEqual([expect.stringContaining('The clock of this machine is not set yet')]);
  expect([holidays.edition, await house.store.sealed.names('')]).toEqual([0, []]);
});

it('a calendar on this machine is waited for the first time; later its kept copy will do, until the start is over', async () => {
  const { clock, store } = new House();
  let asked = 0;
  const source: CalendarSource = { id: 'xx', name: 'It', every: 1000 * hour, isNear: true, load: () => Promise.resolve(calendar(`2026122${++asked}`)) };
  const open = () => KeptCalendar.open(source, { host: { clock, log: silentLog, store }, changed: () => undefined });
  const covers = ({ entries }: KeptCalendar, day: string) => entries.some((entry) => entry.covers(day));
  const first = await open();
  expect([asked, covers(first, '2026-12-21')]).toEqual([1, true]);
  await first[Symbol.asyncDispose]();
  await using second = await open();
  await clock.advance(59_000);
  expect([asked, covers(second, '2026-12-21')]).toEqual([1, true]);
  await clock.advance(1000);
  expect([asked, covers(second, '2026-12-22')]).toEqual([2, true]);
});

describe('holidays of a country', () => {
  let program: BuiltProgram;

  beforeAll(async () => {
    program = await buildProgram(new URL('countries/entry.ts', import.meta.url));
  });

  afterAll(() => program[Symbol.asyncDispose]());

  const ask = (place: string, years = [2026]) => countryCalendar({ place, years }, program.url);
  const days = async (place: string, ...asked: readonly string[]) => {
    const { entries, doubts } = readCalendar(await ask(place));
    expect(doubts).toEqual([]);
    return asked.map((day) => entries.find((entry) => entry.covers(day))?.name ?? null);
  };

  it('are those of the country and of the part of it', async () => {
    expect(await days('DE', '2026-04-03', '2026-06-04', '2026-12-24', '2026-12-25')).toEqual(['Karfreitag', null, null, '1. Weihnachtstag']);
    expect(await days('DE-BY', '2026-06-04', '2026-08-15')).toEqual(['Fronleichnam', null]);
    expect(await days('DE-BY-A', '2026-08-08')).toEqual(['Augsburger Friedensfest']);
    expect(await days('US', '2026-11-26', '2026-11-27')).toEqual(['Thanksgiving Day', null]);
    // An evening or an afternoon off is no free day, at neither end.
    expect(await days('AU-QLD', '2026-12-24', '2026-12-25')).toEqual([null, 'Christmas Day']);
    expect((await days('TR', '2026-03-20', '2026-03-22', '2026-03-23')).map((name) => name !== null)).toEqual([true, true, false]);
    // Some parts are written in small letters.
    expect((await days('CK-AITUTAKI', '2026-12-25')).map((name) => name !== null)).toEqual([true]);
    // The Spring Festival is one entry of several days.
    expect(await days('JP', '2026-01-01')).not.toEqual([null]);
    expect((await days('CN', '2026-02-15', '2026-02-16', '2026-02-17', '2026-02-18', '2026-02-19')).map((name) => name !== null)).toEqual([false, true, true, true, false]);
  });

  it.each([
    ['XX', 'No holidays are known of “XX” under "holidays", so none of its days are free. Write a country as its two letters, and a part of it behind a dash: DE, DE-BY, US-CA.'],
    ['AT-99', 'No holidays are known of “AT-99” under "holidays", so none of its days are free. There is AT-1, AT-2, AT-3, AT-4, AT-5, AT-6, AT-7, AT-8, AT-9. Write a country as its two letters, and a part of it behind a dash: DE, DE-BY, US-CA.'],
  ])('%s is told', async (place, message) => {
    await expect(ask(place)).rejects.toMatchObject({ kind: 'invalid', code: 'automations/unknown-country', message });
  });
});
