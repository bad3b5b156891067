import { describe, expect, it } from 'vitest';
import { usualSongs, type ListeningRoom, type ListeningRoomOptions } from '../kit/listening-room.ts';
import { allIsWell, asked, good, lookAfter, NEW_DEVICE, openLife, playing, speakerId, statePut, told } from './life-room.ts';

let room: ListeningRoom;
const open = async (options?: ListeningRoomOptions) => (room = await openLife(options));
const { last, isOnline, noGap } = lookAfter(() => room);

describe('connect-control §10.1', () => {
  type Call = 'put' | 'inactive' | 'delete' | 'resolve' | 'resume';
  type Status = 400 | 401 | 403 | 404 | 409 | 422 | 413 | 429 | 503 | 'time-out';
  const routes = { put: 'connect-state/put', inactive: 'connect-state/inactive', delete: 'connect-state/delete', resolve: 'context/resolve', resume: 'web/resume-write' } as const;
  const paths = {
    put: statePut, inactive: /^PUT .*\/inactive$/, delete: /^DELETE .*devices/, resolve: /^GET \/context-resolve/, resume: /CreateResumePointRevision$/,
  } as const;

  /** Makes the speaker ask. */
  const act: Readonly<Record<Call, () => Promise<void>>> = {
    put: async () => room.do(room.phone.pause()),
    inactive: async () => room.do(room.phone.takeOver()),
    delete: async () => room.do(room.speaker[Symbol.asyncDispose]()),
    resolve: async () => room.do(room.phone.play(room.albumOf('Short 0'))),
    resume: async () => room.do(room.phone.pause()),
  };

  // How often it is asked within 25 s while every answer is this one.
  const table: readonly (readonly [Call, Status, number])[] = [
    ['put', 400, 1], ['put', 403, 1], ['put', 404, 1], ['put', 409, 1], ['put', 422, 1], ['put', 413, 2],
    ['inactive', 400, 1], ['inactive', 403, 1], ['inactive', 404, 1], ['inactive', 409, 1], ['inactive', 422, 1], ['inactive', 429, 1], ['inactive', 503, 2], ['inactive', 'time-out', 1],
    ['delete', 400, 1], ['delete', 403, 1], ['delete', 404, 1], ['delete', 409, 1], ['delete', 429, 1], ['delete', 503, 1], ['delete', 'time-out', 1],
    ['resolve', 400, 1], ['resolve', 403, 1], ['resolve', 404, 1], ['resolve', 409, 1], ['resolve', 503, 2], ['resolve', 'time-out', 2],
    ['resume', 400, 1], ['resume', 403, 1], ['resume', 404, 1], ['resume', 409, 1], ['resume', 429, 1], ['resume', 503, 1], ['resume', 'time-out', 1],
  ];

  it.each(table)('%s answered with %s is asked %i times', async (call, status, times) => {
    await open({ catalogue: [...usualSongs, good('Talk', 'Show', 1, { kind: 'episode' })] });
    await playing(room, call === 'resume' ? 'Talk' : 'Song 0');
    await room.run(10_000);
    const began = room.clock.now();
    const { faults } = room.cloud;
    if (status === 'time-out') faults.hang(routes[call]);
    else faults.fail(routes[call], status, status === 429 ? { headers: { 'Retry-After': '60' } } : {});
    await act[call]();
    await room.run(25_000);
    const all = asked(room, paths[call], began).filter((at) => call !== 'put' || (status !== 400 && status !== 404) || at < began + 4900);
    expect(all).toHaveLength(times);
    if (call === 'put') expect(room.state.status).toBe('paused');
    if (call === 'resume') expect(room.speaker.failures).toEqual([]);
  });

  it.each(['put', 'inactive', 'resolve', 'resume'] as const)('%s answered with 401 gets a new token once', async (call) => {
    await open({ catalogue: [...usualSongs, good('Talk', 'Show', 1, { kind: 'episode' })] });
    await playing(room, call === 'resume' ? 'Talk' : 'Song 0');
    await room.run(10_000);
    const began = room.clock.now();
    const logins = room.cloud.counters.view.requests['login5'] ?? 0;
    room.cloud.faults.fail(routes[call], 401, { count: 1 });
    await act[call]();
    await room.run(5000);
    expect(asked(room, paths[call], began).length).toBeGreaterThanOrEqual(2);
    expect((room.cloud.counters.view.requests['login5'] ?? 0) - logins).toBe(1);
  });

  it('put answered with 403: reported as not allowed on every surface, and not tried again before a new connection', async () => {
    await open();
    await playing(room);
    room.cloud.faults.fail('connect-state/put', 403, { device: speakerId });
    const began = room.clock.now();
    for (const place of [10_000, 20_000, 30_000]) {
      await room.do(room.phone.seek(place));
      await room.run(5000);
    }
    expect(asked(room, statePut, began)).toHaveLength(1);
    expect(room.state.notice?.code).toBe('spotify/not-allowed');
    expect(room.speaker.failures.map(({ code }) => code)).toEqual(['spotify/not-allowed']);
    expect(room.deck.isSounding).toBe(true);
    room.cloud.faults.clear();
    room.cut(1000, ['dealer']);
    await room.until(() => !isOnline());
    await room.until(isOnline);
    await room.run(3000);
    expect(room.state.notice).toBeNull();
  });

  it.each([503, 'time-out'] as const)('put answered with %s: told again with pauses, the newest state at last', async (status) => {
    await open();
    await playing(room);
    const { faults } = room.cloud;
    const fault = status === 503 ? faults.fail('connect-state/put', 503, { device: speakerId }) : faults.hang('connect-state/put', undefined, { device: speakerId });
    const began = room.clock.now();
    await room.do(room.phone.seek(30_000));
    await room.run(20_000);
    await room.do(room.phone.pause());
    await room.run(5000);
    const tries = asked(room, statePut, began);
    expect(tries.length).toBeGreaterThanOrEqual(2);
    expect(tries.length).toBeLessThanOrEqual(9);
    expect(tries.slice(1).every((at, n) => at - (tries[n] ?? 0) >= 700)).toBe(true);
    fault[Symbol.dispose]();
    await room.run(40_000);
    expect(last()).toMatchObject({ isPaused: true });
    expect(room.disagreements()).toEqual([]);
    expect(room.cloud.refusals).toEqual([]);
  });

  it('put answered with 429 without a time: 10 s, then one', async () => {
    await open();
    await playing(room);
    room.cloud.faults.fail('connect-state/put', 429, { device: speakerId, count: 1 });
    const began = room.clock.now();
    await room.do(room.phone.pause());
    await room.run(30_000);
    const tries = asked(room, statePut, began);
    expect(tries).toHaveLength(2);
    expect((tries[1] ?? 0) - (tries[0] ?? 0)).toBeGreaterThanOrEqual(10_000);
    expect((tries[1] ?? 0) - (tries[0] ?? 0)).toBeLessThan(10_500);
    expect(last().isPaused).toBe(true);
  });

  it.each([400, 401, 404, 429, 503] as const)('dealer upgrade answered with %i: tried again with pauses, on 401 with a new token; the music goes on and the state is told on return', async (status) => {
    await open();
    await playing(room);
    const logins = room.cloud.counters.view.requests['login5'] ?? 0;
    const upgrades = room.count('dealer/upgrade');
    const began = room.clock.now();
    room.cloud.faults.set('dealer/refuse', { status, count: status === 401 ? 1 : 3 });
    room.cut(1, ['dealer']);
    await room.until(() => !isOnline());
    await room.until(isOnline, 120_000);
    await room.run(3000);
    expect((room.cloud.counters.view.requests['login5'] ?? 0) - logins).toBe(status === 401 ? 1 : 0);
    expect(room.count('dealer/upgrade') - upgrades).toBeLessThanOrEqual(status === 401 ? 3 : 5);
    expect(told(room, began)[0]?.put).toMatchObject({ putStateReason: NEW_DEVICE, isActive: true });
    noGap();
    allIsWell(room);
  });

  it('dealer upgrade answered with 403: the session ends and says why', async () => {
    await open();
    await playing(room);
    room.cloud.faults.set('dealer/refuse', { status: 403 });
    room.cut(1, ['dealer']);
    await room.shows(({ notice }) => notice?.code === 'spotify/dealer-forbidden', 60_000);
    const upgrades = room.count('dealer/upgrade');
    await room.run(600_000);
    expect(room.count('dealer/upgrade')).toBe(upgrades);
    expect(room.state.account.connected).toBe(false);
  });

  it.each([400, 403, 404, 409, 503] as const)('autoplay answered with %i: the context ends, paused at its first row', async (status) => {
    await open();
    room.cloud.faults.fail('context/autoplay', status);
    await room.do(room.phone.play(room.albumOf('Short 0'), { track: 'Short 1' }));
    await room.plays('Short 1');
    await room.shows(({ status: shown, track }) => shown === 'paused' && track?.title === 'Short 0', 60_000);
    await room.run(300_000);
    expect(last()).toMatchObject({ isPlaying: true, isPaused: true, positionAsOfTimestamp: 0 });
    expect(asked(room, /^POST \/context-resolve\/v1\/autoplay/).length).toBeLessThanOrEqual(status === 503 ? 8 : 1);
    allIsWell(room);
  });

  it('context-resolve answered with 429: waited for, at most 10 s', async () => {
    await open();
    await playing(room);
    room.cloud.faults.fail('context/resolve', 429, { headers: { 'Retry-After': '3' }, count: 1 });
    const began = room.clock.now();
    await room.do(room.phone.play(room.albumOf('Short 0')));
    await room.plays('Short 0');
    expect(room.clock.now() - began).toBeGreaterThanOrEqual(3000);
    expect(room.clock.now() - began).toBeLessThan(4000);
  });

  it('context-resolve answered with 400: what the command brought along is played', async () => {
    await open();
    room.cloud.faults.fail('context/resolve', 400);
    await room.do(room.phone.play(room.albumOf('Short 0'), { withRows: true, track: 'Short 1' }));
    await room.plays('Short 1');
    await room.run(1000);
    allIsWell(room);
  });
});
