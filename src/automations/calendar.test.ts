import { describe, expect, it } from 'vitest';
import { readCalendar } from './calendar.ts';

const event = (...lines: readonly string[]) => ['BEGIN:VEVENT', ...lines, 'END:VEVENT'];
const file = (...events: readonly (readonly string[])[]) => readCalendar(['BEGIN:VCALENDAR', ...events.flat(), 'END:VCALENDAR'].join('\r\n'));

/** Its days from 2024 to 2027. */
function days(...lines: readonly string[]): string {
  const { entries, doubts } = file(event('SUMMARY:Free', ...lines), event('DTSTART:20000101'));
  expect(doubts).toEqual([]);
  const found: string[] = [];
  for (let day = Date.UTC(2024, 0, 1); day < Date.UTC(2028, 0, 1); day += 86_400_000) {
    const text = new Date(day).toISOString().slice(0, 10);
    if (entries.some((entry) => entry.covers(text))) found.push(text);
  }
  return found.join(' ');
}

describe('whole-day entries', () => {
  it('have a name, a first and a last day; times of day are not meant', () => {
    const { entries } = file(event('DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20270102', 'SUMMARY:School\\, no', ' ne'), event('DTSTART:20260101T100000Z', 'SUMMARY:Meeting'));
    expect(entries).toMatchObject([{ name: 'School, none' }]);
    expect(['2026-12-23', '2026-12-24', '2027-01-01', '2027-01-02'].map((day) => entries[0]?.covers(day))).toEqual([false, true, true, false]);
  });

  it.each([
    ['once', ['DTSTART:20260501'], '2026-05-01'],
    ['for two days by their length', ['DTSTART:20260501', 'DURATION:P2D'], '2026-05-01 2026-05-02'],
    ['cancelled', ['DTSTART:20260501', 'STATUS:CANCELLED'], ''],
    ['in an old calendar', ['DTSTART:19610501', 'RRULE:FREQ=YEARLY'], '2024-05-01 2025-05-01 2026-05-01 2027-05-01'],
    ['on a leap day', ['DTSTART:19600229', 'RRULE:FREQ=YEARLY'], '2024-02-29'],
    ['every other year', ['DTSTART:19980501', 'RRULE:FREQ=YEARLY;INTERVAL=2'], '2024-05-01 2026-05-01'],
    ['until', ['DTSTART:20000501', 'RRULE:FREQ=YEARLY;UNTIL=20250601T000000Z'], '2024-05-01 2025-05-01'],
    ['so many times', ['DTSTART:20220501', 'RRULE:FREQ=YEARLY;COUNT=4'], '2024-05-01 2025-05-01'],
    ['fourth Thursday of November', ['DTSTART:19981126', 'RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH'], '2024-11-28 2025-11-27 2026-11-26 2027-11-25'],
    ['last Monday of May', ['DTSTART:19710531', 'RRULE:FREQ=YEARLY;BYDAY=-1MO;BYMONTH=5'], '2024-05-27 2025-05-26 2026-05-25 2027-05-31'],
    ['first and last Monday of the year', ['DTSTART:20010101', 'RRULE:FREQ=YEARLY;BYDAY=1MO,-1MO;UNTIL=20241231'], '2024-01-01 2024-12-30'],
    ['Friday the 13th', ['DTSTART:19980213', 'RRULE:FREQ=YEARLY;BYMONTHDAY=13;BYDAY=FR'], '2024-09-13 2024-12-13 2025-06-13 2026-02-13 2026-03-13 2026-11-13 2027-08-13'],
    ['last day of two months', ['DTSTART:20200229', 'RRULE:FREQ=YEARLY;BYMONTH=2,4;BYMONTHDAY=-1;UNTIL=20250301'], '2024-02-29 2024-04-30 2025-02-28'],
    ['without some, and with others', ['DTSTART:20000501', 'RRULE:FREQ=YEARLY', 'EXDATE;VALUE=DATE:20240501,20250501', 'EXDATE;VALUE=DATE:20260501', 'RDATE;VALUE=DATE:20260502'], '2026-05-02 2027-05-01'],
    ['over New Year', ['DTSTART:20101231', 'DTEND:20110102', 'RRULE:FREQ=YEARLY;UNTIL=20241231'], '2024-01-01 2024-12-31 2025-01-01'],
  ] as const)('%s', (_, lines, wanted) => {
    expect(days(...lines)).toBe(wanted);
  });

  it('one of several that was moved is not on its old day', () => {
    const { entries } = file(event('UID:a', 'DTSTART:20200501', 'RRULE:FREQ=YEARLY'), event('UID:a', 'RECURRENCE-ID;VALUE=DATE:20260501', 'DTSTART:20260504'));
    expect(['2026-05-01', '2026-05-04', '2027-05-01'].map((day) => entries.some((entry) => entry.covers(day)))).toEqual([false, true, true]);
  });
});

describe('what is not understood is said', () => {
  const repeats = (problem: string) => `“Free” (2026-05-01) repeats in a way that is not understood (${problem}): only its first time counts. List the others under "dates".`;
  it.each([
    [['RRULE:FREQ=WEEKLY;BYDAY=FR'], repeats('FREQ=WEEKLY')],
    [['RRULE:FREQ=YEARLY;BYWEEKNO=20'], repeats('BYWEEKNO=20')],
    [['RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=MO,TU;BYSETPOS=-1'], repeats('BYSETPOS=-1')],
    [['RRULE:FREQ=YEARLY;INTERVAL=0'], repeats('INTERVAL=0')],
    [['RRULE:FREQ=YEARLY;BYDAY=XX'], repeats('BYDAY=XX')],
    [['DURATION:PT36H'], '“Free” (2026-05-01) lasts for a time that is not understood: one day counts.'],
    [['EXDATE:20260501T000000Z'], '“Free” (2026-05-01) has single dates (RDATE, EXDATE) that are no whole days: these do not count.'],
  ])('%s', (lines, wanted) => {
    const { entries, doubts } = file(event('SUMMARY:Free', 'DTSTART:20260501', ...lines));
    expect(doubts).toEqual([wanted]);
    expect(['2026-05-01', '2026-05-08', '2027-05-01'].map((day) => entries[0]?.covers(day))).toEqual([true, false, false]);
  });

  it('a file without any day, such as the page of a server that has moved', () => {
    expect(readCalendar('<html><body>Moved</body></html>')).toEqual({ entries: [], doubts: ['It has no whole-day entries, so no day of it is free.'] });
  });
});
