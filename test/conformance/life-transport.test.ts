import { expect, it } from 'vitest';
import type { ListeningRoom } from '../kit/listening-room.ts';
import { allIsWell, command, lookAfter, NEW_DEVICE, newest, openLife, playerState, playing, speakerId, told } from './life-room.ts';

let room: ListeningRoom;
lookAfter(() => room);

it('1 cold start: one NEW_DEVICE within 1 s of the connection id, with the real volume, idle, with a session id', async () => {
  room = await openLife({ latency: { http: 50, dealer: 50, accessPoint: 50 } });
  await room.run(10_000);
  const connected = room.cloud.journal.entries.find(({ what, phone }) => what === 'upgrade' && phone === null);
  const puts = told(room);
  expect(puts).toHaveLength(1);
  expect((puts[0]?.at ?? 0) - (connected?.at ?? 0)).toBeLessThan(1000);
  expect(puts[0]?.put).toMatchObject({ putStateReason: NEW_DEVICE, isActive: false, startedPlayingAt: 0, device: { deviceInfo: { volume: 26_214 } } });
  expect(puts[0]?.put.device?.playerState?.sessionId).not.toBe('');
  allIsWell(room);
});

it('4 transfer resent after 15 s: no audible change, the same reply', async () => {
  room = await openLife();
  const { phone, cloud } = room;
  await room.do(phone.playHere(room.albumOf('Song 0'), { track: 'Song 2', position: 10_000 }));
  cloud.faults.set('connect-state/resend', { count: 1, device: speakerId });
  await room.do(phone.transfer(speakerId));
  await room.plays('Song 2');
  await room.run(20_000);
  const replies = cloud.journal.entries.filter(({ what, detail }) => what === 'frame reply' && detail['device'] === speakerId).map(({ detail }) => [detail['key'], detail['success']]);
  expect(replies).toHaveLength(2);
  expect(replies[0]).toEqual(replies[1]);
  expect(replies[0]?.[1]).toBe(true);
  expect(room.deck.plays).toHaveLength(1);
  expect(room.deck.gaps).toEqual([]);
  allIsWell(room);
});

it('9 play initially_paused with seek_to 30000: paused at 30000, no sample before resume', async () => {
  room = await openLife();
  await room.do(room.phone.play(room.albumOf('Song 0'), { track: 'Song 1', paused: true, position: 30_000 }));
  await room.shows(({ status }) => status === 'paused');
  await room.run(30_000);
  expect(room.deck.heard).toEqual([]);
  expect(room.state.position.at).toBe(30_000);
  expect(newest(room)).toMatchObject({ isPlaying: true, isPaused: true, isBuffering: false, playbackSpeed: 0, positionAsOfTimestamp: 30_000 });
  await room.do(room.phone.resume());
  await room.run(1000);
  expect(room.deck.heard[0]).toMatchObject({ from: 30_000 });
  allIsWell(room);
});

it('10 pause 60 s, resume: position unchanged, speed 0 while paused', async () => {
  room = await openLife();
  await playing(room);
  await room.run(6000);
  const began = room.clock.now();
  await room.do(room.phone.pause());
  await room.run(1000);
  const { position } = room.deck;
  const paused = newest(room);
  expect(paused).toMatchObject({ isPlaying: true, isPaused: true, playbackSpeed: 0 });
  // What was heard, told once.
  expect(Math.abs(paused.positionAsOfTimestamp - position)).toBeLessThanOrEqual(1);
  await room.run(60_000);
  const puts = told(room, began).filter((each) => playerState(each).isPaused);
  expect(puts.map((each) => playerState(each).positionAsOfTimestamp)).toEqual([paused.positionAsOfTimestamp]);
  expect((puts[0]?.at ?? Infinity) - began).toBeLessThan(300);
  await room.do(room.phone.resume());
  await room.run(500);
  expect(room.deck.heard.at(-1)?.from).toBe(position);
  expect(newest(room)).toMatchObject({ isPaused: false, playbackSpeed: 1 });
  allIsWell(room);
});

it('11 seek in three forms, clamped, and during a load: positions exact', async () => {
  room = await openLife();
  await playing(room);
  const from = () => room.deck.heard.at(-1)?.from;
  const seek = async (json: object) => {
    expect(await command(room, { endpoint: 'seek_to', ...json })).toBe(true);
    // So many states in a few seconds are told up to 500 ms apart.
    await room.run(1500);
    allIsWell(room);
  };
  await seek({ value: 60_000, position: 60_000, relative: 'beginning' });
  expect(from()).toBe(60_000);
  const before = room.deck.position;
  await seek({ position: -15_000, relative: 'current' });
  expect(Math.abs((from() ?? 0) - (before - 15_000))).toBeLessThanOrEqual(50);
  await seek({ value: 42_000.0 });
  expect(from()).toBe(42_000);
  await seek({ position: -999_000, relative: 'current' });
  expect(from()).toBe(0);
  expect(await command(room, { endpoint: 'seek_to', position: 5, relative: 'sideways' })).toBe(false);
  // While it loads: one load, at the new place.
  room.cloud.faults.hang('metadata/extended', 800);
  room.deck.forget();
  await room.do(room.phone.skipTo({ uri: room.uri('Song 5'), uid: '', provider: 'context' }));
  await room.run(100);
  await seek({ value: 90_000, relative: 'beginning' });
  await room.plays('Song 5');
  expect(room.deck.plays).toMatchObject([{ uri: room.uri('Song 5'), at: 90_000 }]);
  room.cloud.faults.clear('metadata/extended');
  // Past the end is the end of the track.
  await seek({ value: 999_000, relative: 'beginning' });
  await room.plays('Song 6');
  allIsWell(room);
});
