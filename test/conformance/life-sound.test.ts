import { beforeAll, expect, it } from 'vitest';
import type { CatalogueEntry } from '#simulator';
import { openFrom, readAll } from '../../src/audio/test-kit/decode-all.ts';
import { encodeVorbis, synthesise } from '../../src/audio/test-kit/tune.ts';
import type { ListeningRoom } from '../kit/listening-room.ts';
import { EngineDeck } from '../matrix/engine-deck.ts';
import { lookAfter, NEW_DEVICE, newest, openLife, playing, told } from './life-room.ts';

// The scenarios that are about samples, with the real engine: it fetches, deciphers and decodes, on the clock of the room.

/** Seconds, at half a megabit per second: what is fetched ahead lasts about 15 s. */
const length = 70;
let samples: Float32Array;
let catalogue: readonly CatalogueEntry[];
let room: ListeningRoom;
let deck: EngineDeck;

beforeAll(async () => {
  const file = await encodeVorbis(synthesise(length), 44_100, 10);
  ({ samples } = await readAll(await openFrom(file, 'vorbis')));
  catalogue = Array.from({ length: 3 }, (_, n): CatalogueEntry => ({ title: `Song ${n}`, artists: ['Somebody'], album: 'Song', number: n + 1, duration: length * 1000, files: [{ format: 2, content: { bytes: file } }] }));
}, 120_000);

lookAfter(() => room);

const open = async () => {
  room = await openLife({ catalogue, speaker: { openDeck: (clock) => (deck = new EngineDeck(clock, samples)) } });
  await playing(room);
};

it('22 dealer drop mid-track, real engine: not one sample is missing, NEW_DEVICE with is_active=true on return', async () => {
  await open();
  await room.run(5000);
  const dropped = room.clock.now();
  room.cut(10_000, ['dealer']);
  await room.until(() => !room.state.account.connected);
  await room.until(() => room.state.account.connected);
  await room.run(5000);
  expect(told(room, dropped)[0]?.put).toMatchObject({ putStateReason: NEW_DEVICE, isActive: true });
  expect(deck.gaps).toEqual([]);
  expect(deck.stretches).toHaveLength(1);
  expect(deck.stretches[0]?.from).toBe(0);
  expect(room.disagreements()).toEqual([]);
});

it('29 CDN cut 30 s with some seconds buffered, real engine: Stalled, resumes, goes on with the very next sample, not skipped', async () => {
  await open();
  await room.run(10_000);
  const cut = room.clock.monotonic();
  const fault = room.cloud.faults.drop('cdn', 'before');
  await room.shows(({ status }) => status === 'stalled', 29_000);
  // What was buffered was heard.
  expect(room.clock.monotonic() - cut).toBeGreaterThan(5000);
  await room.run(1000);
  expect(newest(room)).toMatchObject({ isPlaying: true, isPaused: false, isBuffering: true, playbackSpeed: 0 });
  expect(room.disagreements()).toEqual([]);
  await room.run(30_000 - (room.clock.monotonic() - cut));
  fault[Symbol.dispose]();
  await room.plays('Song 0', 20_000);
  await room.run(3000);
  expect(room.state.track?.title).toBe('Song 0');
  expect(deck.stretches).toHaveLength(2);
  expect(deck.stretches[1]?.from).toBe(deck.stretches[0]?.to);
  expect(room.disagreements()).toEqual([]);
  expect(room.cloud.refusals).toEqual([]);
});
