import { describe, expect, it } from 'vitest';
import { ClusterUpdateReason, PutStateReason, decodePutState, decodeTransferState, encodePutState, type Input, type PutStateRequest } from '#spotify/wire';
import { judgePut, type PutCircumstances } from './put-checks.ts';
import { transferOf } from './transfer.ts';
import { UserCluster } from './user-cluster.ts';

const now = 1_700_000_000_000;
const playing = {
  timestamp: now,
  contextUri: 'spotify:playlist:2RnhhsLPpUvzQ23I6FTEL7',
  track: { uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIy', uid: 'u1', provider: 'context' },
  positionAsOfTimestamp: 61_000,
  duration: 200_000,
  isPlaying: true,
  playbackSpeed: 1,
  sessionId: 's',
  queueRevision: '1',
  options: { repeatingContext: true },
} as const;

function request({ device = {}, ...rest }: Input<PutStateRequest> = {}): PutStateRequest {
  const info = { name: 'Kitchen', capabilities: {}, deviceId: 'a' };
  return decodePutState(encodePutState({ memberType: 2, clientSideTimestamp: now, putStateReason: 4, device: { deviceInfo: info, playerState: playing, ...device }, ...rest }));
}

const put = (cluster: UserCluster, id: string, changes: Input<PutStateRequest> = {}, isNew = false) => cluster.put(id, request(changes), `connection ${id}`, { isNew, now });

describe('UserCluster', () => {
  it('tells new devices, volumes and states apart', () => {
    const cluster = new UserCluster();
    expect(put(cluster, 'a', {}, true)).toEqual({ reason: ClusterUpdateReason.NEW_DEVICE_APPEARED, devices: ['a'] });
    expect(put(cluster, 'a', { putStateReason: PutStateReason.VOLUME_CHANGED }).reason).toBe(ClusterUpdateReason.DEVICE_VOLUME_CHANGED);
    expect(put(cluster, 'a').reason).toBe(ClusterUpdateReason.DEVICE_STATE_CHANGED);
    expect(cluster.active).toBe('');
    expect(cluster.view({ now }).device).toMatchObject({ a: { publicIp: '127.0.0.1' } });
  });

  it('gives playback to whoever claims it last', () => {
    const cluster = new UserCluster();
    put(cluster, 'a', { isActive: true, startedPlayingAt: 100 });
    expect(cluster.active).toBe('a');
    put(cluster, 'b', { isActive: true, startedPlayingAt: 200 });
    expect(cluster.active).toBe('b');
    // The loser's late state changes nothing.
    put(cluster, 'a', { isActive: true, startedPlayingAt: 100 });
    expect(cluster.active).toBe('b');
  });

  it('keeps what was played when it is given up, for the next device', () => {
    const cluster = new UserCluster();
    expect(cluster.transferData(now)).toHaveLength(0);
    put(cluster, 'a', { isActive: true, startedPlayingAt: 100 });
    expect(cluster.inactive('b', now)).toEqual({ reason: ClusterUpdateReason.DEVICE_STATE_CHANGED, devices: ['b'] });
    expect(cluster.active).toBe('a');
    cluster.inactive('a', now);
    expect(cluster.active).toBe('');
    expect(decodeTransferState(cluster.transferData(now)).playback.position).toBe(61_000);
    put(cluster, 'a', { isActive: true, startedPlayingAt: 300 });
    put(cluster, 'a', { isActive: false });
    expect(cluster.active).toBe('');
  });

  it('forgets devices, once', () => {
    const cluster = new UserCluster();
    put(cluster, 'a', { isActive: true, startedPlayingAt: 100 });
    expect(cluster.remove('a', now)).toEqual({ reason: ClusterUpdateReason.DEVICES_DISAPPEARED, devices: ['a'] });
    expect(cluster.remove('a', now)).toBeNull();
    expect(cluster.view({ now })).toMatchObject({ activeDeviceId: '', device: {} });
  });
});

describe('transferOf', () => {
  const state = (changes: object) => {
    const decoded = request({ device: { playerState: { ...playing, ...changes } } }).device?.playerState;
    if (!decoded) throw new Error('no state');
    return decodeTransferState(transferOf(decoded, now));
  };

  it('names the track by its id only, and keeps options, session and place', () => {
    const out = state({ contextMetadata: { context_description: 'Test' } });
    expect(out.playback).toMatchObject({ timestamp: now, position: 61_000, speed: 1, isPaused: false, track: { uri: '', uid: 'u1', gid: Buffer.from('5e000000000000000000000000000002', 'hex') } });
    expect(out.options).toMatchObject({ repeatingContext: true, shufflingContext: false });
    expect(out.session).toMatchObject({ currentUid: 'u1', originalSessionId: 's', context: { uri: playing.contextUri, url: `context://${playing.contextUri}`, metadata: { context_description: 'Test' }, pages: [] } });
    expect(out.queue).toEqual({ tracks: [], isPlaying: false });
  });

  it('carries the queue, and where the context goes on while a queued row plays', () => {
    const queued = (n: number) => ({ uri: playing.track.uri, uid: `q${n}`, provider: 'queue', metadata: { is_queued: 'true' } });
    const out = state({ track: queued(0), nextTracks: [queued(1), { uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIz', uid: 'u2', provider: 'context' }], isPaused: true });
    expect(out.queue.isPlaying).toBe(true);
    expect(out.queue.tracks.map(({ uid }) => uid)).toEqual(['q0', 'q1']);
    expect(out.session.currentUid).toBe('u2');
    expect(out.playback).toMatchObject({ isPaused: true, speed: 0 });
  });

  it('sends rows along when the context has no home', () => {
    const out = state({ contextUri: '-', prevTracks: [{ uri: 'spotify:track:1', uid: 'p' }], nextTracks: [{ uri: 'spotify:track:2', uid: 'n', provider: 'context' }] });
    expect(out.session.context.pages[0]?.tracks.map(({ uid }) => uid)).toEqual(['p', 'u1', 'n']);
  });
});

describe('judgePut', () => {
  const fine: PutCircumstances = { now, previous: null, lastStateAt: null, monotonic: 10_000, isFirstOnConnection: false, commands: [], isClaim: false };
  const state = (changes: object) => request({ device: { playerState: { ...playing, ...changes } } });

  it('finds nothing wrong with a good state', () => {
    expect(judgePut(request(), fine)).toEqual([]);
  });

  it.each<[string, PutStateRequest, Partial<PutCircumstances>]>([
    ['member_type', request({ memberType: 1 }), {}],
    ['client_side_timestamp', request({ clientSideTimestamp: now - 6000 }), {}],
    ['not NEW_DEVICE', request(), { isFirstOnConnection: true }],
    ['NEW_DEVICE although', request({ putStateReason: 3 }), {}],
    ['started_playing_at', request({ isActive: true }), {}],
    ['100 ms after', request(), { lastStateAt: 9900 }],
    ['last_command', request(), { commands: [{ messageId: 7, sentBy: 'phone' }] }],
    ['session_id', state({ sessionId: '' }), {}],
    ['past the end', state({ positionAsOfTimestamp: 201_500 }), {}],
    ['in the future', state({ timestamp: now + 2000 }), {}],
    ['without uid', state({ track: { uri: 'spotify:track:1', provider: 'context' } }), {}],
    ['without provider', state({ track: { uri: 'spotify:track:1', uid: '1' } }), {}],
    ['fit no row', state({ isPaused: true, playbackSpeed: 1 }), {}],
    ['fit no row', state({ playbackSpeed: 0 }), {}],
    ['fit no row', state({ isPlaying: false, isPaused: true, playbackSpeed: 0 }), {}],
    ['queue_revision did not', state({ nextTracks: [{ uri: 'spotify:track:1', uid: '1' }] }), { previous: request() }],
    ['next_tracks did not', state({ queueRevision: '2' }), { previous: request() }],
  ])('finds "%s"', (what, put, circumstances) => {
    const found = judgePut(put, { ...fine, ...circumstances });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(what);
  });

  it('lets a claim come at any time', () => {
    expect(judgePut(request(), { ...fine, lastStateAt: 9900, isClaim: true })).toEqual([]);
  });
});
