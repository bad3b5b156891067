import { describe, expect, it } from 'vitest';
import type { Track } from '#core';
import { decodePutState, encodePutState, PutStateReason } from '#spotify/wire';
import type { Row } from './context/row.ts';
import { enqueue } from './context/queue.ts';
import { emptyList, type TrackList } from './context/track-list.ts';
import { initialState, type DeviceState } from './device-state.ts';
import { fromWireVolume, putStateOf, toWireVolume, type DeviceFacts, type StateReport } from './report.ts';

const now = 1_700_000_000_000;
const facts: DeviceFacts = { deviceId: 'd'.repeat(40), name: 'Kitchen', brand: 'T', model: 'M', version: '1', clientId: 'c', deviceType: 'speaker', volume: 0.5, publicIp: '', now };
const row = (n: number, more: Partial<Row> = {}): Row => ({ uri: `spotify:track:${String(n).padStart(22, '0')}`, uid: `u${n}`, provider: 'context', metadata: {}, index: { page: 0, track: n }, ...more });
const rows = Array.from({ length: 100 }, (_, n) => row(n));
const listOf = (cursor: number, patch: Partial<TrackList> = {}): TrackList => ({ ...emptyList('spotify:playlist:x'), rows, order: rows.map((_, n) => n), cursor, ...patch });
const track: Track = { uri: row(20).uri, kind: 'track', title: 'T', artists: ['A'], album: 'B', duration: 200_000, covers: [], explicit: false };
const playing: DeviceState = {
  ...initialState('session', now), isActive: true, activeSince: now - 5000, phase: 'playing', list: listOf(20), load: { id: 'load', row: row(20), isInDeck: true }, track,
  trackMetadata: { title: 'T', album_uri: 'spotify:album:a', artist_uri: 'spotify:artist:b' }, duration: 200_000, anchor: { timestamp: now - 1000, position: 61_000, isMoving: true },
};
/** What the cloud reads. */
const put = (state: DeviceState, kind: StateReport = 'state', isShort = false) => decodePutState(encodePutState(putStateOf(state, kind, facts, isShort)));
const stateOf = (state: DeviceState) => put(state).device?.playerState;

describe('play flags (§2.4)', () => {
  it.each([
    ['inactive', { ...playing, isActive: false }, [false, false, false, 1]],
    ['active and idle', { ...playing, phase: 'idle', load: null, track: null }, [false, false, false, 1]],
    ['loading, will play', { ...playing, phase: 'loading' }, [true, false, true, 0]],
    ['loading, will stay paused', { ...playing, phase: 'loading', isPauseWanted: true }, [true, true, true, 0]],
    ['playing', playing, [true, false, false, 1]],
    ['paused', { ...playing, phase: 'paused', isPauseWanted: true }, [true, true, false, 0]],
    ['stalled', { ...playing, phase: 'stalled' }, [true, false, true, 0]],
  ] as const)('%s', (_, state, [isPlaying, isPaused, isBuffering, playbackSpeed]) => {
    expect(stateOf(state)).toMatchObject({ isPlaying, isPaused, isBuffering, playbackSpeed, sessionId: 'session', isSystemInitiated: true });
  });
});

describe('restrictions (§2.5)', () => {
  const restrictions = (state: DeviceState) => stateOf(state)?.restrictions;
  it('says what would not work: resuming while it plays, pausing while it is paused', () => {
    expect(restrictions(playing)).toMatchObject({ disallowPausingReasons: [], disallowResumingReasons: ['not_paused'], disallowSkippingPrevReasons: [], disallowSettingPlaybackSpeedReasons: ['not_supported'] });
    expect(restrictions({ ...playing, phase: 'paused' })).toMatchObject({ disallowPausingReasons: ['not_playing'], disallowResumingReasons: [] });
  });
  it('nothing lies before the first row', () => {
    expect(restrictions({ ...playing, list: listOf(0) })).toMatchObject({ disallowSkippingPrevReasons: ['no previous tracks'], disallowPeekingPrevReasons: ['no previous tracks'] });
  });
  it('starts from the context’s own', () => {
    const context = { uri: 'spotify:playlist:x', url: '', metadata: {}, restrictions: { disallowSeekingReasons: ['ad'] } };
    const state = stateOf({ ...playing, list: listOf(20, { context }) });
    expect(state?.restrictions).toMatchObject({ disallowSeekingReasons: ['ad'] });
    expect(state?.contextRestrictions).toMatchObject({ disallowSeekingReasons: ['ad'], disallowResumingReasons: [] });
  });
  it.each([
    ['an autoplay row', listOf(20, { rows: rows.map((each) => ({ ...each, provider: 'autoplay' as const })) })],
    ['a station', listOf(20, { context: { uri: 'spotify:station:playlist:x', url: '', metadata: {}, restrictions: {} } })],
  ])('%s cannot be shuffled or repeated', (_, list) => {
    expect(restrictions({ ...playing, list })).toMatchObject({ disallowTogglingShuffleReasons: ['autoplay'], disallowTogglingRepeatContextReasons: ['autoplay'], disallowTogglingRepeatTrackReasons: ['autoplay'] });
  });
});

describe('a report', () => {
  it.each([
    ['hello', PutStateReason.NEW_DEVICE],
    ['claim', PutStateReason.PLAYER_STATE_CHANGED],
    ['state', PutStateReason.PLAYER_STATE_CHANGED],
    ['volume', PutStateReason.VOLUME_CHANGED],
  ] as const)('%s has reason %d', (kind, reason) => {
    expect(put(playing, kind)).toMatchObject({ putStateReason: reason, isActive: true, startedPlayingAt: now - 5000, clientSideTimestamp: now });
  });

  it('names position and moment together, the track with uid and provider, and where it stands', () => {
    expect(stateOf(playing)).toMatchObject({
      timestamp: now - 1000, positionAsOfTimestamp: 61_000, duration: 200_000, playbackId: 'load', index: { page: 0, track: 20 },
      contextUri: 'spotify:playlist:x', contextUrl: 'context://spotify:playlist:x',
      track: { uri: row(20).uri, uid: 'u20', provider: 'context', albumUri: 'spotify:album:a', artistUri: 'spotify:artist:b', metadata: { title: 'T', context_uri: 'spotify:playlist:x', entity_uri: 'spotify:playlist:x' } },
    });
  });

  it('is never past the end', () => {
    expect(stateOf({ ...playing, anchor: { timestamp: now, position: 900_000.4, isMoving: true } })?.positionAsOfTimestamp).toBe(200_000);
  });

  it.each([
    ['queued', listOf(20, { aside: { row: row(1, { provider: 'queue' }), from: 'queue' } })],
    ['injected', listOf(20, { aside: { row: row(1), from: 'injected' } })],
    ['autoplay', listOf(20, { rows: rows.map((each) => ({ ...each, provider: 'autoplay' as const })) })],
  ])('a row that is %s has no place in the context', (_, list) => {
    expect(stateOf({ ...playing, list })?.index ?? null).toBeNull();
  });

  it('keeps lists short, half of that after the cloud found them too long, queued rows first and without a context', () => {
    const state = { ...playing, list: enqueue(listOf(20), { uri: row(1).uri }) };
    const shown = stateOf(state);
    expect(shown?.nextTracks).toHaveLength(50);
    expect(shown?.prevTracks.map((each) => each.uid)).toEqual(Array.from({ length: 10 }, (_, n) => `u${n + 10}`));
    expect(shown?.nextTracks[0]).toMatchObject({ uid: 'q0', provider: 'queue', metadata: { is_queued: 'true' } });
    expect(shown?.nextTracks[0]?.metadata).not.toHaveProperty('context_uri');
    expect(put(state, 'state', true).device?.playerState?.nextTracks).toHaveLength(25);
  });

  it('has a decimal revision that changes with what comes next, and only then', () => {
    const revision = (state: DeviceState) => stateOf(state)?.queueRevision;
    expect(revision(playing)).toMatch(/^\d+$/);
    expect(revision({ ...playing, phase: 'paused' })).toBe(revision(playing));
    expect(revision({ ...playing, list: listOf(21) })).not.toBe(revision(playing));
  });

  it('shows nothing of the last session while inactive, but who commanded last', () => {
    const request = put({ ...playing, isActive: false, activeSince: 0, lastCommand: { messageId: 3_000_000_000, sentBy: 'p' } });
    expect(request).toMatchObject({ isActive: false, startedPlayingAt: 0, lastCommandMessageId: 3_000_000_000, lastCommandSentByDeviceId: 'p' });
    expect(request.device?.playerState).toMatchObject({ contextUri: '', nextTracks: [], prevTracks: [], sessionId: 'session' });
    expect(request.device?.playerState?.track ?? null).toBeNull();
  });

  it('shows sleep timers', () => {
    expect(stateOf({ ...playing, sleepAt: now + 1000 })?.sleepTimer).toMatchObject({ timestamp: { timestamp: now + 1000 } });
    expect(stateOf({ ...playing, sleepAtEnd: true })?.sleepTimer?.endOfTrack).toBeTruthy();
  });
});

describe('volume', () => {
  it.each([[0, 0], [1, 65_535], [0.5, 32_768], [2, 65_535], [-1, 0]])('%d is %d on the wire', (level, wire) => {
    expect(toWireVolume(level)).toBe(wire);
  });
  it.each([[70_000, 1], [-1, 0], [65_535, 1]])('%d from the wire is %d', (wire, level) => {
    expect(fromWireVolume(wire)).toBe(level);
  });
  it('survives the way there and back', () => {
    for (let wire = 0; wire <= 65_535; wire += 13) expect(toWireVolume(fromWireVolume(wire))).toBe(wire);
  });
});
