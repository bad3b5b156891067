import { describe, expect, it } from 'vitest';
import type { PlayerState, PlayStatus } from '#core';
import { FakeClock, TonearmError } from '#foundation';
import { FakePlayer, playing, someTrack, someVolume } from '../../../../test/contract/surface-fake-player.ts';
import { announcementEvent, type Before, beforeOf, errorEvent, eventsBetween, positionAt, settle, type Settled, sleepMinutes, sourceWord, toPercent, zoneAttributes, zonePosition, zoneQueue, zoneState as shown } from './index.ts';

const clock = new FakeClock();
const zoneState = (state: PlayerState, preset: string | null = null) => shown(state, { now: clock.now(), preset });
const picture = (change: Partial<PlayerState> = {}): PlayerState => new FakePlayer(clock, change).state;

describe('state', () => {
  it('is the object of the documentation', () => {
    const state = picture({ ...playing(clock), volume: someVolume(0.344, true), order: { shuffle: true, repeat: 'queue' } });
    expect(zoneState(state, 'Morning')).toEqual({
      state: 'playing', volume: 34, mute: 'ON', shuffle: 'ON', repeat: 'all', source: 'spotify', title: 'Title of spotify:track:1',
      artist: 'First Artist, Second Artist', album: 'The Album', duration: 214, media_type: 'music', uri: 'spotify:track:1', image_url: 'https://covers.example/1',
      preset: 'Morning', sleep_timer: 0, volume_cap: 100, output: 'speaker', announcing: 'OFF',
    });
  });

  it('is empty, not unknown, when nothing plays', () => {
    expect(zoneState(picture())).toEqual({
      state: 'off', volume: 50, mute: 'OFF', shuffle: 'OFF', repeat: 'off', source: 'none', title: '', artist: '', album: '', duration: 0, media_type: '', uri: '', image_url: '',
      preset: '', sleep_timer: 0, volume_cap: 100, output: 'speaker', announcing: 'OFF',
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

  it.each([['connect', 'spotify'], ['sounds', 'announcement'], ['soloist', 'spotify'], ['queue', 'library'], ['radio', 'radio'], ['toString', 'other'], ['x', 'other'], [null, 'none']])('the source %s is called %s', (source, word) => {
    expect(sourceWord(source)).toBe(word);
  });

  it('calls an episode a podcast', () => {
    expect(zoneState(picture({ track: someTrack('spotify:episode:1', { kind: 'episode', covers: [], artists: [] }) }))).toMatchObject({ media_type: 'podcast', image_url: '', artist: '' });
  });

  it.each([[-1, 0], [0, 0], [0.004, 0], [0.005, 1], [0.999, 100], [2, 100]])('the level %d is %d percent', (level, percent) => {
    expect(toPercent(level)).toBe(percent);
  });

  it.each([[0, 0], [1, 1], [60_000, 1], [60_001, 2], [1_800_000, 30], [-5, 0]])('%d ms of sleep timer are %d minutes', (left, minutes) => {
    expect(sleepMinutes({ ends: 1000 + left }, 1000)).toBe(minutes);
  });

  it('says what comes next, and not too much of it', () => {
    const next = Array.from({ length: 80 }, (_, at) => ({ uri: `spotify:track:${at}`, title: null, queued: false }));
    expect(zoneQueue(picture({ queue: { context: { uri: 'spotify:album:1', title: 'An album' }, next } }))).toMatchObject({ context: { uri: 'spotify:album:1' }, next: expect.objectContaining({ length: 50 }) as object });
  });
});

describe('attributes', () => {
  // home-integrations.md §1.10: Home Assistant drops these.
  const blocked = ['assumed_state', 'available', 'device_class', 'device_info', 'entity_category', 'entity_picture', 'friendly_name', 'icon', 'name', 'state', 'supported_features', 'unique_id', 'unit_of_measurement'];

  it('says who did it, and never where the track is', () => {
    const { track: plain } = playing(clock);
    const track = plain ? { ...plain, format: { codec: 'vorbis', bitrate: 320 } } : null;
    const attributes = zoneAttributes(picture({ ...playing(clock), track, notice: { code: 'a/b', message: 'Mend it.' }, queue: { context: { uri: 'spotify:album:1', title: 'An album' }, next: [] }, accepts: new Set(['play', 'next']), sleep: { ends: 60_000 }, account: { name: 'listener', connected: true } }), { account: 'li****er', lastError: null });
    expect(attributes).toEqual({
      changed_by: 'phone', started_by: 'phone', engine: 'connect', context_uri: 'spotify:album:1', context_title: 'An album', next_title: null, explicit: false, codec: 'vorbis', bitrate: 320, connected: true,
      notice: { code: 'a/b', message: 'Mend it.' }, accepts: ['next', 'play'], spotify_user: 'li****er', account: 'li****er', preset_id: null, fading_to: null, fading_ends: null,
      sleep_ends: '1970-01-01T00:01:00.000Z', last_error: null,
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
  const before = (more: Partial<Before>): Before => ({ uri: 'spotify:track:1', settled: 'playing', source: 'connect', account: 'someone', ...more });
  const types = (change: Partial<Before>, state: PlayerState) => eventsBetween(before(change), state, null).map(({ event_type }) => event_type);

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
    expect(eventsBetween(before({}), state, 'skipped')).toEqual([
      { event_type: 'track_changed', title: 'Title of spotify:track:2', artist: 'First Artist, Second Artist', album: 'The Album', uri: 'spotify:track:2', source: 'spotify', reason: 'skipped', by: 'phone' },
    ]);
    expect(types({ uri: 'spotify:track:2', settled: 'playing' }, state)).toEqual([]);
    expect(errorEvent(new TonearmError({ kind: 'forbidden', code: 'a/b', message: 'No.' }))).toEqual({ event_type: 'error', error: 'a/b', message: 'No.' });
  });

  it('tells when the last track has run out', () => {
    const end = picture({ ...playing(clock), status: 'stopped' });
    expect(eventsBetween(before({}), end, 'finished').map(({ event_type }) => event_type)).toEqual(['queue_ended', 'playback_stopped']);
    expect(eventsBetween(before({}), end, 'skipped').map(({ event_type }) => event_type)).toEqual(['playback_stopped']);
  });

  it.each<[string, Partial<Before>, Partial<PlayerState>, string, string[]]>([
    ['a phone takes it', { source: null, account: null, settled: 'paused' }, { status: 'paused' }, 'phone', ['session_taken']],
    ['another account takes it', { account: 'somebody' }, {}, 'phone', ['session_taken']],
    ['another source takes it', { source: 'queue' }, {}, 'mqtt', ['session_taken']],
    ['nothing happens', {}, {}, 'phone', []],
    ['it goes on elsewhere', { settled: 'stopped' }, { status: 'stopped', source: null }, 'phone', ['session_lost']],
    ['somebody stops it here', { settled: 'stopped' }, { status: 'stopped', source: null }, 'mqtt', []],
  ])('of the session when %s', (_, change, state, by, expected) => {
    expect(types(change, picture({ ...playing(clock), ...state, by: { started: null, changed: by } }))).toEqual(expected);
  });

  it('tells of announcements, but not the key that may be in their address', () => {
    expect(announcementEvent({ uri: 'http://home.lan:8123/tts.mp3?token=planted', phase: 'started', error: null })).toEqual({ event_type: 'announcement_started', from: 'home.lan:8123' });
    expect(announcementEvent({ uri: 'sound:chime', phase: 'finished', error: new TonearmError({ kind: 'corrupt', code: 'a/b', message: 'No.' }) })).toEqual({ event_type: 'announcement_finished', from: 'sound:chime', error: 'a/b', message: 'No.' });
  });

  it('remembers what it was compared with', () => {
    expect(beforeOf(picture(playing(clock)), { uri: null, settled: 'stopped' })).toEqual({ uri: 'spotify:track:1', settled: 'playing', source: 'connect', account: 'someone' });
    expect(beforeOf(picture(), { uri: 'kept', settled: 'paused' })).toEqual({ uri: 'kept', settled: 'stopped', source: null, account: null });
  });
});
