import { describe, expect, it } from 'vitest';
import { isAllowed, judgeAvailability, millisOf, type Availability, type Listener } from './availability.ts';
import { decodeEpisode, decodeTrack, encodeEpisode, encodeTrack } from './metadata.ts';
import type { Input, metadata } from './proto/index.ts';

type TrackInput = Input<metadata.Track>;
const listener: Listener = { country: 'DE', catalogue: 'premium', filterExplicit: false, now: Date.UTC(2024, 5, 1) };
const gid = (last: number) => Buffer.from(`5e0000000000000000000000000000${last.toString(16).padStart(2, '0')}`, 'hex');

function track(input: TrackInput) {
  return decodeTrack(encodeTrack({ duration: 1000, ...input }));
}

const yes = { isPlayable: true, relinked: null, alternatives: [] };
const no = (reason: string) => ({ isPlayable: false, reason });

describe('judgeAvailability (connect-session.md §12.5)', () => {
  it.each<[string, TrackInput, Partial<Listener>, object]>([
    ['nothing said', {}, {}, yes],
    ['no duration', { duration: 0 }, {}, no('no-duration')],
    ['negative duration', { duration: -1 }, {}, no('no-duration')],
    ['explicit', { explicit: true }, {}, yes],
    ['explicit and filtered', { explicit: true }, { filterExplicit: true }, no('explicit')],
    ['not explicit and filtered', { explicit: false }, { filterExplicit: true }, yes],

    ['live in seconds, past', { earliestLiveTimestamp: Date.UTC(2024, 4, 31) / 1000 }, {}, yes],
    ['live in seconds, future', { earliestLiveTimestamp: Date.UTC(2024, 5, 2) / 1000 }, {}, no('embargo')],
    ['live in milliseconds, past', { earliestLiveTimestamp: Date.UTC(2024, 4, 31) }, {}, yes],
    ['live in milliseconds, future', { earliestLiveTimestamp: Date.UTC(2024, 5, 2) }, {}, no('embargo')],
    ['available since', { availability: [{ start: { year: 2030 } }, { start: { year: 2024, month: 6, day: 1 } }] }, {}, yes],
    ['available later', { availability: [{ start: { year: 2030 } }, { start: { year: 2024, month: 6, day: 1, minute: 1 } }] }, {}, no('embargo')],
    ['available without a start', { availability: [{}] }, {}, yes],

    ['allowed here', { restriction: [{ countriesAllowed: 'FRDEGB', catalogueStr: ['premium'] }] }, {}, yes],
    ['allowed elsewhere', { restriction: [{ countriesAllowed: 'FRGB', catalogueStr: ['premium'] }] }, {}, no('country')],
    ['allowed nowhere', { restriction: [{ countriesAllowed: '' }] }, {}, no('country')],
    ['the letters, but not as a pair', { restriction: [{ countriesAllowed: 'ADEX' }] }, {}, no('country')],
    ['forbidden here', { restriction: [{ countriesForbidden: 'FRDE' }] }, {}, no('country')],
    ['forbidden elsewhere', { restriction: [{ countriesForbidden: 'FRGB' }] }, {}, yes],
    ['forbidden nowhere', { restriction: [{ countriesForbidden: '' }] }, {}, yes],
    ['lower case', { restriction: [{ countriesAllowed: 'frde' }] }, { country: 'de' }, yes],
    ['country unknown', { restriction: [{ countriesAllowed: '' }] }, { country: null }, yes],
    ['country nonsense', { restriction: [{ countriesAllowed: '' }] }, { country: 'DEU' }, yes],

    ['of another catalogue', { restriction: [{ countriesAllowed: '', catalogueStr: ['free'] }] }, {}, yes],
    ['of that catalogue', { restriction: [{ countriesAllowed: '', catalogueStr: ['free'] }] }, { catalogue: 'free' }, no('country')],
    ['first of our catalogue decides', { restriction: [{ countriesAllowed: '', catalogueStr: ['free'] }, { countriesAllowed: 'DE', catalogueStr: ['premium'] }, { countriesForbidden: 'DE' }] }, {}, yes],
    ['without a country rule', { restriction: [{ catalogueStr: ['premium'] }, { countriesForbidden: 'DE' }] }, {}, no('country')],

    ['embargo before country', { earliestLiveTimestamp: 2e12, restriction: [{ countriesAllowed: '' }] }, {}, no('embargo')],
    ['explicit before country', { explicit: true, restriction: [{ countriesAllowed: '' }] }, { filterExplicit: true }, no('explicit')],
  ])('%s', (_, input, who, expected) => {
    expect(judgeAvailability(track(input), { ...listener, ...who })).toEqual(expected);
  });

  it.each<[string, TrackInput['alternative'], number | null, number[]]>([
    ['takes the first that is allowed', [{ gid: gid(1), restriction: [{ countriesAllowed: 'FR' }] }, { gid: gid(2), restriction: [{ countriesAllowed: 'DE' }] }, { gid: gid(3) }], 2, [3]],
    ['takes none that has no id', [{}, { gid: gid(4) }], 4, []],
    ['gives up when none is', [{ gid: gid(1), restriction: [{ countriesForbidden: 'DE' }] }], null, []],
  ])('%s', (_, alternative, relinked, others) => {
    const verdict: Availability = judgeAvailability(track({ restriction: [{ countriesAllowed: 'FR' }], alternative }), listener);
    if (relinked === null) expect(verdict).toEqual(no('country'));
    else {
      expect(verdict.isPlayable && verdict.relinked?.gid).toEqual(gid(relinked));
      expect(verdict.isPlayable && verdict.alternatives.map((other) => other.gid)).toEqual(others.map(gid));
    }
  });

  it('keeps alternatives of an allowed track, in case it has no files', () => {
    const verdict = judgeAvailability(track({ alternative: [{ gid: gid(1), restriction: [{ countriesForbidden: 'DE' }] }, { gid: gid(2) }] }), listener);
    expect(verdict.isPlayable && verdict.relinked).toBeNull();
    expect(verdict.isPlayable && verdict.alternatives.map((other) => other.gid)).toEqual([gid(2)]);
  });

  it('does not relink for other reasons', () => {
    expect(judgeAvailability(track({ explicit: true, alternative: [{ gid: gid(1) }] }), { ...listener, filterExplicit: true })).toEqual(no('explicit'));
  });

  it('judges episodes', () => {
    const episode = (input: Input<metadata.Episode>) => decodeEpisode(encodeEpisode({ duration: 1000, ...input }));
    expect(judgeAvailability(episode({}), listener)).toEqual(yes);
    expect(judgeAvailability(episode({ restriction: [{ countriesAllowed: 'FR' }] }), listener)).toEqual(no('country'));
    expect(judgeAvailability(episode({ explicit: true }), { ...listener, filterExplicit: true })).toEqual(no('explicit'));
    expect(judgeAvailability(episode({ availability: [{ start: { year: 2099 } }] }), listener)).toEqual(no('embargo'));
  });

  it('judges restrictions on their own', () => {
    expect(isAllowed([], listener)).toBe(true);
  });
});

describe('millisOf', () => {
  it.each([
    [{ year: 2024, month: null, day: null, hour: null, minute: null }, Date.UTC(2024, 0, 1)],
    [{ year: 2024, month: 0, day: 0, hour: 0, minute: 0 }, Date.UTC(2024, 0, 1)],
    [{ year: 2024, month: 2, day: 29, hour: 23, minute: 59 }, Date.UTC(2024, 1, 29, 23, 59)],
  ])('%j', (date, millis) => {
    expect(millisOf(date)).toBe(millis);
  });
});
