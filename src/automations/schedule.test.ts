import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { cronProblem, cronSchedule, sunMoment, sunSchedule } from './schedule.ts';
import { parseSun } from './sun-event.ts';
import { dayOf, timeOfDay, wallOf, weekdayOf } from './zone-time.ts';

const at = (text: string) => Date.parse(text);
const iso = (moment: number | null) => (moment === null ? null : new Date(moment).toISOString().slice(0, 19));

describe('cron', () => {
  it.each([
    // expression, zone, after, next
    ['30 6 * * MON-FRI', 'Europe/Berlin', '2026-11-20T06:00:00Z', '2026-11-23T05:30:00'],
    ['30 6 * * MON-FRI', 'Europe/Berlin', '2026-11-23T05:30:00Z', '2026-11-24T05:30:00'],
    ['*/10 * * * * *', 'UTC', '2026-11-20T06:00:05Z', '2026-11-20T06:00:10'],
    ['@daily', 'Asia/Kolkata', '2026-11-20T06:00:00Z', '2026-11-20T18:30:00'],
    ['0 22-6 * * *', 'UTC', '2026-11-20T06:30:00Z', '2026-11-20T22:00:00'],
    ['0 9 L * *', 'UTC', '2026-02-10T00:00:00Z', '2026-02-28T09:00:00'],
    ['0 9 * * MON#1', 'UTC', '2026-11-20T00:00:00Z', '2026-12-07T09:00:00'],
    ['0 0 1 1 *', 'Pacific/Auckland', '2026-06-01T00:00:00Z', '2026-12-31T11:00:00'],
    // Both a day of the month and a weekday must fit.
    ['0 0 13 * FRI', 'UTC', '2026-03-14T00:00:00Z', '2026-11-13T00:00:00'],
    // Midnight does not exist on this day in Chile: clocks go from 23:59:59 to 01:00.
    ['15 0 * * *', 'America/Santiago', '2026-09-05T12:00:00Z', '2026-09-06T04:00:00'],
    // Samoa had no 30 December 2011 at all.
    ['0 12 30 12 *', 'Pacific/Apia', '2011-12-28T00:00:00Z', '2011-12-30T10:00:00'],
  ])('%s in %s after %s', (expression, zone, after, next) => {
    expect(iso(cronSchedule(expression, zone).after(at(after)))).toBe(next);
  });

  it.each(['99 * * * *', '* * *', '@reboot', 'soon', '0 0 * * FUNDAY', '0 0 30 2 *'])('refuses %s', (expression) => {
    expect(cronProblem(expression)).toContain('a schedule is');
  });

  it('is always later, always fits the clock on the wall or follows a gap, and never comes twice for one time of day', () => {
    const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago', 'Africa/Casablanca', 'Asia/Kathmandu'];
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }), fc.integer({ min: at('2024-01-01'), max: at('2030-01-01') }), (zone, hour, minute, after) => {
        const schedule = cronSchedule(`${minute} ${hour} * * *`, zone);
        const first = schedule.after(after) ?? 0;
        const second = schedule.after(first) ?? 0;
        expect(first).toBeGreaterThan(after);
        expect(dayOf(second, zone)).not.toBe(dayOf(first, zone));
        const wall = wallOf(first, zone);
        const late = (wall.hour - hour) * 60 + wall.minute - minute;
        expect(late).toBeGreaterThanOrEqual(0);
        // On time, or as far behind as the gap is wide.
        if (late > 0) expect(timeOfDay(first - 60_000, zone)).toBeLessThanOrEqual((hour * 60 + minute) * 60_000);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the sun', () => {
  // From published almanacs, local time; they round to the minute and differ by another.
  it.each([
    ['Berlin', 52.52, 13.405, '2026-06-21', 'sunrise', '2026-06-21T02:43Z'],
    ['Berlin', 52.52, 13.405, '2026-06-21', 'sunset', '2026-06-21T19:33Z'],
    ['London', 51.507, -0.128, '2026-12-21', 'sunrise', '2026-12-21T08:04Z'],
    ['London', 51.507, -0.128, '2026-12-21', 'sunset', '2026-12-21T15:53Z'],
    ['New York', 40.713, -74.006, '2026-03-20', 'sunrise', '2026-03-20T10:59Z'],
    ['New York', 40.713, -74.006, '2026-03-20', 'sunset', '2026-03-20T23:08Z'],
    ['Sydney', -33.868, 151.209, '2026-12-21', 'sunrise', '2026-12-20T18:41Z'],
    ['Sydney', -33.868, 151.209, '2026-12-21', 'sunset', '2026-12-21T09:05Z'],
  ] as const)('%s (%d, %d) on %s: %s', (_, latitude, longitude, day, event, expected) => {
    const found = sunMoment(event, at(`${day}T00:00:00Z`), { latitude, longitude }) ?? 0;
    expect(Math.abs(found - at(expected))).toBeLessThanOrEqual(2 * 60_000);
  });

  it('does not rise or set on polar days and nights, and says when it does again', () => {
    const tromso = { latitude: 69.649, longitude: 18.956 };
    expect(sunMoment('sunset', at('2026-06-21T00:00:00Z'), tromso)).toBeNull();
    expect(sunMoment('sunrise', at('2026-12-21T00:00:00Z'), tromso)).toBeNull();
    expect(iso(sunSchedule('sunset', 0, tromso).after(at('2026-06-21T00:00:00Z')))?.slice(0, 7)).toBe('2026-07');
    expect(iso(sunSchedule('sunrise', 0, tromso).after(at('2026-12-21T00:00:00Z')))?.slice(0, 7)).toBe('2027-01');
    expect(sunSchedule('sunrise', 0, { latitude: 90, longitude: 0 }).after(at('2026-12-21T00:00:00Z'))).toBeNull();
  });

  it('comes once a day all the year round, everywhere', () => {
    fc.assert(
      fc.property(fc.integer({ min: -60, max: 60 }), fc.integer({ min: -180, max: 180 }), fc.integer({ min: -12, max: 12 }), (latitude, longitude, hours) => {
        const schedule = sunSchedule('sunset', hours * 3_600_000, { latitude, longitude });
        let moment = at('2026-01-01T00:00:00Z');
        for (let day = 0; day < 30; day++) {
          const next = schedule.after(moment) ?? 0;
          if (day > 0) expect(Math.abs(next - moment - 86_400_000)).toBeLessThan(10 * 60_000);
          moment = next;
        }
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['sunset', { event: 'sunset', offset: 0 }],
    ['sunset+15m', { event: 'sunset', offset: 900_000 }],
    ['Sunrise - 00:30', { event: 'sunrise', offset: -1_800_000 }],
    ['dusk + 1h30m', { event: 'dusk', offset: 5_400_000 }],
    ['noon', null],
    ['sunset+13h', null],
    ['sunset 15m', null],
  ])('%s', (text, expected) => {
    expect(parseSun(text)).toEqual(expected);
  });
});

it('knows the days of the week', () => {
  expect(weekdayOf(at('2026-11-22T23:30:00Z'), 'Europe/Berlin')).toBe('mon');
  expect(weekdayOf(at('2026-11-22T22:30:00Z'), 'Europe/Berlin')).toBe('sun');
  expect(weekdayOf(at('1969-12-29T12:00:00Z'), 'UTC')).toBe('mon');
});
