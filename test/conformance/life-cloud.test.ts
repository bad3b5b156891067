import { expect, it } from 'vitest';
import type { ListeningRoom } from '../kit/listening-room.ts';
import { allIsWell, asked, lookAfter, NEW_DEVICE, newest, openLife, PLAYER_STATE_CHANGED, playerState, playing, speakerId, statePut, told, VOLUME_CHANGED } from './life-room.ts';

let room: ListeningRoom;
lookAfter(() => room);

it('24 401 on a PUT, then ok: one token renewal, state delivered', async () => {
  room = await openLife();
  await playing(room);
  const logins = (room.cloud.counters.view.requests['login5'] ?? 0);
  const began = room.clock.now();
  room.cloud.faults.fail('connect-state/put', 401, { count: 1, device: speakerId });
  await room.do(room.phone.pause());
  await room.run(2000);
  expect((room.cloud.counters.view.requests['login5'] ?? 0) - logins).toBe(1);
  expect(asked(room, statePut, began)).toHaveLength(2);
  expect(told(room, began)).toHaveLength(1);
  expect(newest(room).isPaused).toBe(true);
  allIsWell(room);
});

it('25 429 with Retry-After 3: silence for 3 s, then one PUT with the newest state', async () => {
  room = await openLife();
  await playing(room);
  room.cloud.faults.set('connect-state/rate-limit', { retryAfter: 3, count: 1, device: speakerId });
  const began = room.clock.now();
  await room.do(room.phone.seek(10_000));
  await room.run(500);
  for (const place of [20_000, 30_000, 40_000]) {
    await room.do(room.phone.seek(place));
    await room.run(300);
  }
  await room.do(room.phone.pause());
  await room.run(10_000);
  const tries = asked(room, statePut, began);
  expect(tries).toHaveLength(2);
  const pause = (tries[1] ?? 0) - (tries[0] ?? 0);
  expect(pause).toBeGreaterThanOrEqual(3000);
  expect(pause).toBeLessThan(3500);
  const put = told(room, began);
  expect(put).toHaveLength(1);
  expect(playerState(put[0] ?? expect.fail())).toMatchObject({ isPaused: true, playbackSpeed: 0 });
  allIsWell(room);
});

it('26 a PUT that hangs 40 s: playback and commands are not affected', async () => {
  room = await openLife();
  await playing(room);
  const hang = room.cloud.faults.hang('connect-state/put', 40_000, { device: speakerId });
  const timed = async (work: () => Promise<unknown>) => {
    const began = room.clock.monotonic();
    await room.do(work());
    return room.clock.monotonic() - began;
  };
  const replies = [await timed(() => room.phone.seek(50_000))];
  await room.run(1000);
  expect(room.deck.heard.at(-1)?.from).toBe(50_000);
  replies.push(await timed(() => room.phone.pause()));
  await room.run(100);
  expect(room.deck.isSounding).toBe(false);
  replies.push(await timed(() => room.phone.resume()));
  await room.run(15_000);
  expect(room.deck.isSounding).toBe(true);
  replies.push(await timed(() => room.phone.next()));
  await room.plays('Song 1');
  expect(Math.max(...replies)).toBeLessThan(200);
  expect(room.deck.heard.every(({ from, to, at, until }) => Math.abs(to - from - (until - at)) <= 1)).toBe(true);
  hang[Symbol.dispose]();
  await room.run(60_000);
  allIsWell(room);
});

it('30 volume burst: 50 messages in a second make at most 4 VOLUME_CHANGED, the last value exact; inactive, wild, lost, after a restart', async () => {
  room = await openLife();
  const { pushes } = room.cloud;
  // To an inactive device.
  pushes.volume(speakerId, 13_107);
  await room.run(1000);
  expect(room.phone.cluster.device[speakerId]?.volume).toBe(13_107);
  await playing(room);
  const began = room.clock.now();
  for (let n = 1; n <= 50; n++) {
    pushes.volume(speakerId, n * 1000 + 7);
    await room.run(20);
  }
  await room.run(2000);
  const kinds = told(room, began).map(({ put }) => put.putStateReason);
  expect(kinds.filter((kind) => kind === VOLUME_CHANGED).length).toBeLessThanOrEqual(4);
  expect(kinds.filter((kind) => kind === VOLUME_CHANGED).length).toBeGreaterThanOrEqual(1);
  expect(kinds.at(-1)).toBe(PLAYER_STATE_CHANGED);
  expect(room.phone.cluster.device[speakerId]?.volume).toBe(50_007);
  expect(room.deck.gain).toBeCloseTo(50_007 / 65_535, 6);
  for (const [wild, tame] of [[70_000, 65_535], [-1, 0], [20_000, 20_000]] as const) {
    pushes.volume(speakerId, wild);
    await room.run(1000);
    expect(room.phone.cluster.device[speakerId]?.volume).toBe(tame);
  }
  // While nobody hears it, it is lost.
  room.cut(2000, ['dealer']);
  await room.run(100);
  pushes.volume(speakerId, 60_000);
  await room.until(() => room.state.account.connected);
  await room.run(3000);
  expect(room.phone.cluster.device[speakerId]?.volume).toBe(20_000);
  const restarted = room.clock.now();
  await room.restart();
  await room.until(() => told(room, restarted).length > 0);
  expect(told(room, restarted)[0]?.put).toMatchObject({ putStateReason: NEW_DEVICE, device: { deviceInfo: { volume: 20_000 } } });
  expect(room.deck.gain).toBeCloseTo(20_000 / 65_535, 6);
  expect(room.cloud.refusals).toEqual([]);
});

it('33 local clock 90 s ahead: published timestamps are server time within 1 s', async () => {
  room = await openLife({ isPaired: false });
  room.cloud.time.shift = -90_000;
  await room.pair();
  await playing(room);
  await room.do(room.phone.seek(60_000));
  await room.run(5000);
  await room.do(room.phone.pause());
  await room.run(5000);
  await room.do(room.phone.resume());
  await room.run(5000);
  const puts = told(room);
  expect(puts.length).toBeGreaterThan(4);
  for (const each of puts) {
    const server = each.at - 90_000;
    expect(Math.abs(each.put.clientSideTimestamp - server)).toBeLessThanOrEqual(1000);
    const { timestamp } = playerState(each);
    expect(timestamp - server).toBeLessThanOrEqual(1000);
    expect(timestamp - server).toBeGreaterThan(-60_000);
  }
  expect(Math.abs(room.phone.position - room.deck.position)).toBeLessThanOrEqual(1000);
  expect(room.cloud.refusals).toEqual([]);
});

it.each(['35 shutdown while playing', 'shutdown while playing and the cloud hangs'])('%s: /inactive, DELETE, close 1001, all in 3 s', async (name) => {
  const how = name.startsWith('35') ? 'an answering cloud' : 'a cloud that hangs';
  room = await openLife();
  await playing(room);
  if (how === 'a cloud that hangs') room.cloud.faults.hang('connect-state');
  const began = room.clock.now();
  await room.do(room.speaker[Symbol.asyncDispose]());
  expect(room.clock.now() - began).toBeLessThanOrEqual(3000);
  await room.run(100);
  const order = room.cloud.journal.entries
    .filter(({ at, phone, what }) => phone === null && at >= began && /inactive$|^DELETE|^closed$/.test(what) && !what.startsWith('fault'))
    .map(({ what, detail }) => (what === 'closed' ? `closed ${String(detail['code'])}` : what.startsWith('DELETE') ? 'DELETE' : 'inactive'));
  expect([...new Set(order)]).toEqual(['inactive', 'DELETE', 'closed 1001']);
  expect(room.deck.isSounding).toBe(false);
  if (how === 'an answering cloud') {
    expect([room.speaker.count('inactive'), room.speaker.count('removed')]).toEqual([1, 1]);
    await room.until(() => !(speakerId in room.phone.cluster.device));
  }
  expect(room.cloud.refusals).toEqual([]);
});

it('a cloud that asks for the full state gets it, and not again and again', async () => {
  room = await openLife();
  await playing(room);
  await room.run(10_000);
  const began = room.clock.now();
  room.cloud.faults.set('connect-state/need-full-state');
  await room.openPhone({ name: 'Other phone' });
  await room.run(20_000);
  expect(told(room, began)).toHaveLength(1);
});

it('T13: sound never begins louder than what is set and shown, whatever happened before', async () => {
  room = await openLife();
  const atSet = () => {
    const { level, muted } = room.state.volume;
    const gain = muted ? 0 : level;
    expect(room.deck.gain).toBeCloseTo(gain, 6);
    for (const each of told(room)) expect(each.put.device?.deviceInfo?.volume).not.toBe(65_535);
    expect(room.phone.cluster.device[speakerId]?.volume).toBe(Math.round(gain * 65_535));
  };
  expect(told(room)[0]?.put.device?.deviceInfo?.volume).toBe(26_214);
  await playing(room);
  atSet();
  await room.do(room.phone.setVolume(6554, speakerId));
  await room.run(5000);
  atSet();
  // A reconnect keeps it, a restart finds it saved.
  room.cut(2000, ['dealer']);
  await room.until(() => !room.state.account.connected);
  await room.until(() => room.state.account.connected);
  await room.run(3000);
  atSet();
  for (const isMuted of [false, true]) {
    await room.dispatch({ kind: 'mute', muted: isMuted });
    await room.run(5000);
    await room.restart();
    // Before anybody could have said anything.
    expect(room.deck.gain).toBeCloseTo(isMuted ? 0 : 0.1, 4);
    await room.until(() => room.state.account.connected);
    await room.run(3000);
    await playing(room);
    atSet();
  }
});
