import { afterEach, beforeEach, expect, it } from 'vitest';
import { ListeningRoom } from './listening-room.ts';

let room: ListeningRoom;

beforeEach(async () => {
  room = await ListeningRoom.open();
});
afterEach(async () => {
  await room[Symbol.asyncDispose]();
  expect(room.left).toEqual({ timers: 0, connections: 0 });
});

it('plays an album as the phone says, in its own time, track after track without a gap', async () => {
  await room.do(room.phone.play(room.albumOf('Song 0'), { track: 0 }));
  await room.plays('Song 0');
  await room.run(3 * 200_000 + 2000);
  expect(room.state.track?.title).toBe('Song 3');
  expect(room.disagreements()).toEqual([]);
  expect(room.deck.gaps).toEqual([0, 0, 0]);
  expect(room.deck.heard.slice(0, 3).map(({ from, to }) => [from, to])).toEqual([[0, 200_000], [0, 200_000], [0, 200_000]]);
  expect(room.cloud.refusals).toEqual([]);
});

it('sees the phone and the speaker agree after every button', async () => {
  const { phone } = room;
  await room.do(phone.play(room.albumOf('Song 0'), { track: 2 }));
  for (const press of [() => phone.next(), () => phone.pause(), () => phone.seek(90_000), () => phone.resume(), () => phone.previous(), () => phone.setVolume(30_000), () => phone.shuffle(true), () => phone.repeat('context')]) {
    await room.do(press());
    await room.run(2000);
    expect(room.disagreements()).toEqual([]);
  }
  expect(room.state.volume.level).toBeCloseTo(30_000 / 65_535, 4);
});

it('notices when they do not', async () => {
  await room.do(room.phone.play(room.albumOf('Song 0')));
  await room.run(5000);
  expect(room.phoneAgrees()).toBe(true);
  room.deck.cut();
  room.deck.stop();
  expect(room.disagreements().join()).toMatch(/sounds.*position of the sound/);
});

it('lives through a minute without any network', async () => {
  await room.do(room.phone.play(room.albumOf('Song 0')));
  await room.run(10_000);
  room.cut(20_000);
  await room.run(15_000);
  expect(room.deck.isSounding).toBe(true);
  await room.run(45_000);
  expect(room.disagreements()).toEqual([]);
});

it('starts again with what was stored', async () => {
  await room.restart();
  await room.until(() => room.state.account.connected);
  await room.until(() => room.speaker.id in room.phone.cluster.device);
});
