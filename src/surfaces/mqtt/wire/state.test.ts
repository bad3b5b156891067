import { describe, expect, it } from 'vitest';
import type { PlayerState, PlayStatus } from '#core';
import { FakeClock, TonearmError } from '#foundation';
import { FakePlayer, playing, someTrack } from '../../../../test/contract/surface-fake-player.ts';
import { errorEvent, eventsBetween, positionAt, settle, type Settled, sourceWord, toPercent, zoneAttributes, zonePosition, zoneState } from './index.ts';

const clock = new FakeClock();
const picture = (change: Partial<PlayerState> = {}): PlayerState => new FakePlayer(clock, change).state;

describe('state', () => {
  it('is the object of the documentation', () => {
    const state = picture({ ...playing(clock), volume: { level: 0.344, muted: true }, order: { shuffle: true, repeat: 'queue' } });
    expect(zoneState(state)).toEqual({
      state: 'playing', volume: 34, mute: 'ON', shuffle: 'ON', repeat: 'all', source: 'spotify', title: 'Title of spotify:track:1',
      artist: 'First Artist, Second Artist', album: 'The Album', duration: 214, media_type: 'music', uri: 'spotify:track:1', image_url: 'https://covers.example/1',
    });
  });

  it('is empty, not unknown, when nothing plays', () => {
    expect(zoneState(picture())).toEqual({
      state: 'off', volume: 50, mute: 'OFF', shuffle: 'OFF', repeat: 'off', source: 'none', title: '', artist: '', album: '', duration: 0, media_type: '', uri: '', image_url: '',
    });
  });

  it.each<[PlayStatus, string | null, string]>([
    ['stopped', null, 'off'],
    ['stopped', 'connect', 'idle'],
    ['loading', 'connect', 'buffering'],
    ['stalled', 'connect', 'buffering'],
    ['playing', 'connect', 'playing'],
    ['paused', 'connect', 'paused'],
  ])('%s by %s is %s', (status, source, expected) => {
    expect(zoneState(picture({ status, source })).state).toBe(expected);
  });

  it.each([['connect', 'spotify'], ['soloist', 'spotify'], ['queue', 'library'], ['radio', 'radio'], ['toString', 'other'], ['x', 'other'], [null, 'none']])('the source %s is called %s', (source, word) => {
    expect(sourceWord(source)).toBe(word);
  });

  it('calls an episode a podcast', () => {
    expect(zoneState(picture({ track: someTrack('spotify:episode:1', { kind: 'episode', covers: [], artists: [] }) }))).toMatchObject({ media_type: 'podcast', image_url: '', artist: '' });
  });

  it.each([[-1, 0], [0, 0], [0.004, 0], [0.005, 1], [0.999, 100], [2, 100]])('the level %d is %d percent', (level, percent) => {
    expect(toPercent(level)).toBe(percent);
  });
});

describe('attributes', () => {
  // home-integrations.md §1.10: Home Assistant drops these.
  const blocked = ['assumed_state', 'available', 'device_class', 'device_info', 'entity_category', 'entity_picture', 'friendly_name', 'icon', 'name', 'state', 'supported_features', 'unique_id', 'unit_of_measurement'];

  it('says who did it, and never where the track is', () => {
    const attributes = zoneAttributes(picture({ ...playing(clock), notice: { code: 'a/b', message: 'Mend it.' }, queue: { context: { uri: 'spotify:album:1', title: 'An album' }, next: [] }, accepts: new Set(['play', 'next']) }));
    expect(attributes).toEqual({
      changed_by: 'phone', started_by: 'phone', engine: 'connect', context_uri: 'spotify:album:1', context_title: 'An album', next_title: null, explicit: false, connected: true,
      notice: { code: 'a/b', message: 'Mend it.' }, accepts: ['next', 'play'],
    });
    for (const key of [...blocked, 'position', 'elapsed']) expect(attributes).not.toHaveProperty(key);
  });
});

describe('position', () => {
  it('moves while playing, and stays within the track', () => {
    const state = picture({ ...playing(clock), position: { at: 40_000, measured: 1000 } });
    expect(positionAt(state, 3120)).toBe(42_120);
    expect(positionAt(state, 0)).toBe(40_000);
    expect(positionAt(state, 10 ** 9)).toBe(214_000);
    expect(positionAt({ ...state, status: 'paused' }, 10 ** 9)).toBe(40_000);
    expect(positionAt({ ...state, status: 'stalled' }, 10 ** 9)).toBe(40_000);
    expect(positionAt({ ...state, track: someTrack('x', { duration: 0 }) }, 501_000)).toBe(540_000);
    expect(zonePosition(state, 3120)).toEqual({ position: 42.1, duration: 214, updated_at: '1970-01-01T00:00:03.120Z', rate: 1 });
    expect(zonePosition({ ...state, status: 'paused' }, 3120)).toMatchObject({ position: 40, rate: 0 });
  });
});

describe('events', () => {
  const types = (before: { uri: string | null; settled: Settled }, state: PlayerState) => eventsBetween(before, state, null).map(({ event_type }) => event_type);

  it.each<[Settled, PlayStatus, string[]]>([
    ['stopped', 'loading', []],
    ['stopped', 'playing', ['playback_started']],
    ['paused', 'playing', ['playback_started']],
    ['playing', 'playing', []],
    ['playing', 'stalled', []],
    ['playing', 'loading', []],
    ['playing', 'paused', ['playback_paused']],
    ['playing', 'stopped', ['playback_stopped']],
    ['paused', 'stopped', ['playback_stopped']],
    ['stopped', 'stopped', []],
  ])('from %s to %s: %j', (settled, status, expected) => {
    expect(types({ uri: 'spotify:track:1', settled }, picture({ ...playing(clock), status }))).toEqual(expected);
  });

  it('remembers through a stall what was', () => {
    expect(settle('playing', picture({ source: 'connect', status: 'stalled' }))).toBe('playing');
    expect(settle('stopped', picture({ source: 'connect', status: 'loading' }))).toBe('stopped');
  });

  it('tells of a new track, and why the old one ended', () => {
    const state = picture(playing(clock, 'spotify:track:2'));
    expect(eventsBetween({ uri: 'spotify:track:1', settled: 'playing' }, state, 'skipped')).toEqual([
      { event_type: 'track_changed', title: 'Title of spotify:track:2', artist: 'First Artist, Second Artist', album: 'The Album', uri: 'spotify:track:2', source: 'spotify', reason: 'skipped', by: 'phone' },
    ]);
    expect(types({ uri: 'spotify:track:2', settled: 'playing' }, state)).toEqual([]);
    expect(errorEvent(new TonearmError({ kind: 'forbidden', code: 'a/b', message: 'No.' }))).toEqual({ event_type: 'error', error: 'a/b', message: 'No.' });
  });
});
