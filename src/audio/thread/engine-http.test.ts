import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Playable } from '#core';
import { firstDifference, join, openFrom, readAll } from '../test-kit/decode-all.ts';
import { openEngineBench, track, type EngineBench } from '../test-kit/engine-bench.ts';
import { openRangeServer, type RangeServer } from '../test-kit/range-server.ts';
import { encipher, encodeVorbis, foreignPage, synthesise, type Enciphered } from '../test-kit/tune.ts';

const seconds = 30;
let stored: Enciphered;
let sound: Float32Array;
let bench: EngineBench;
let server: RangeServer;

beforeAll(async () => {
  const plain = await encodeVorbis(synthesise(seconds), 44_100, 5);
  sound = (await readAll(await openFrom(plain, 'vorbis'))).samples;
  stored = encipher(Buffer.concat([foreignPage(), plain]));
});
beforeEach(async () => {
  bench = await openEngineBench();
  server = await openRangeServer(stored.bytes);
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  expect(bench.clock.pending).toBe(0);
});

const playable = (...urls: string[]): Playable => ({ track: track(seconds * 1000), bytes: { urls: urls.length > 0 ? urls : [server.url], live: false }, cipher: stored.cipher, format: 'vorbis' });
const heard = () => join(bench.outputs.map((output) => output.heard));
const asked = async (count: number) => {
  while (server.requests.length < count) await setImmediate();
};

test('plays, with one request before the first sound, and a look at the end after it', async () => {
  bench.engine.play('a', playable(), 0, false);
  await bench.until('playing');
  await bench.until('measured');
  await bench.until('ended');
  expect(firstDifference(heard(), sound)).toBe(-1);
  expect(server.requests[0]).toMatchObject({ from: 0, to: 65_536 });
  expect(new Set(server.requests.map(({ from }) => from)).size).toBe(server.requests.length);
  expect(bench.news.find(({ name }) => name === 'measured')).toMatchObject({ duration: seconds * 1000 });
});

test('starts far inside with one request for the head and one for the place', async () => {
  bench.engine.play('a', playable(), 20_000, false);
  expect(await bench.until('playing')).toMatchObject({ position: 20_000 });
  const before = server.requests.filter(({ from }) => from > 0);
  expect(before[0]!.from).toBeGreaterThan(200_000);
  await bench.until('ended');
  expect(firstDifference(heard(), sound.subarray(2 * 20 * 44_100))).toBe(-1);
});

test('seeks ahead of what has come', async () => {
  bench.engine.play('a', playable(), 0, false);
  await bench.until('playing');
  bench.engine.seek(25_000);
  expect(await bench.until('playing')).toMatchObject({ position: 25_000 });
  await bench.until('ended');
  const all = heard();
  expect(firstDifference(all.subarray(-5 * 2 * 44_100), sound.subarray(-5 * 2 * 44_100))).toBe(-1);
});

describe('stall', () => {
  test('a second without samples is told, and when it is over', async () => {
    server.fault = ({ from }) => (from > 0 ? { hold: true } : null);
    bench.engine.play('a', playable(), 0, false);
    await bench.until('playing');
    const { position } = await bench.until('stalled');
    // All of the first 64 KiB have been heard.
    expect(position).toBeGreaterThan(2000);
    const before = bench.output().heard.length;
    await bench.pass(3000);
    expect(bench.output().heard.length).toBe(before);
    server.fault = () => null;
    server.release();
    expect((await bench.until('playing')).position).toBeCloseTo(position, 3);
    await bench.until('ended');
    expect(firstDifference(heard(), sound)).toBe(-1);
    expect(bench.said().filter((text) => /stalled|playing/.test(text))).toEqual(['playing a', 'stalled a', 'playing a']);
  });

  test('pausing and resuming in a stall', async () => {
    server.fault = ({ from }) => (from > 0 ? { hold: true } : null);
    bench.engine.play('a', playable(), 0, false);
    await bench.until('stalled');
    bench.engine.pause();
    await bench.until('paused');
    server.fault = () => null;
    server.release();
    await bench.pass(500);
    bench.engine.resume();
    await bench.until('playing');
    await bench.until('ended');
    expect(firstDifference(heard(), sound)).toBe(-1);
  });

  test('seeking out of a stall', async () => {
    server.fault = ({ from }) => (from > 0 && from < 300_000 ? { hold: true } : null);
    bench.engine.play('a', playable(), 0, false);
    await bench.until('stalled');
    bench.engine.seek(25_000);
    expect(await bench.until('playing')).toMatchObject({ position: 25_000 });
  });

  test('a long wait before the first sound is loading, not a stall', async () => {
    server.fault = () => ({ hold: true });
    bench.engine.play('a', playable(), 0, false);
    await asked(1);
    await bench.pass(4000);
    expect(bench.said()).toEqual([]);
    server.fault = () => null;
    server.release();
    await bench.until('playing');
  });
});

describe('addresses', () => {
  test('expired in the middle: wanted, refreshed, and not a sample lost', async () => {
    server.fault = ({ path, from }) => (path.includes('old') && from > 100_000 ? { status: 403 } : null);
    bench.engine.play('a', playable(`${server.url}&old`), 0, false);
    expect(await bench.until('wanted')).toMatchObject({ id: 'a' });
    bench.engine.refresh('a', playable(`${server.url}&new`));
    await bench.until('ended');
    expect(firstDifference(heard(), sound)).toBe(-1);
    expect(bench.said().filter((text) => /wanted|stalled|failed/.test(text))).toEqual(['wanted a']);
  });

  test('not answered for thirty seconds: the track fails with a sentence', async () => {
    server.fault = () => ({ status: 403 });
    bench.engine.play('a', playable(), 0, false);
    await bench.until('wanted');
    const since = bench.clock.monotonic();
    const { error } = await bench.until('failed');
    expect(error).toMatchObject({ code: 'audio/address-expired' });
    expect(bench.clock.monotonic() - since).toBeGreaterThanOrEqual(29_000);
    expect(bench.clock.monotonic() - since).toBeLessThan(32_000);
    bench.engine.play('b', playable(), 0, true);
  });

  test('a pause long enough for them to expire', async () => {
    let expired = false;
    server.fault = ({ path, from }) => (from < 300_000 || path.includes('new') ? null : expired ? { status: 403 } : { hold: true });
    bench.engine.play('a', playable(`${server.url}&old`), 0, false);
    await bench.until('playing');
    bench.engine.pause();
    await bench.pass(60_000);
    expired = true;
    server.release();
    bench.engine.seek(28_000);
    bench.engine.resume();
    await bench.until('wanted');
    bench.engine.refresh('a', playable(`${server.url}&new`));
    expect(await bench.until('playing')).toMatchObject({ position: 28_000 });
    await bench.until('ended');
    expect(firstDifference(bench.output().heard, sound.subarray(2 * 28 * 44_100))).toBe(-1);
  });

  test('the second host serves when the first is dead', async () => {
    bench.engine.play('a', playable('http://127.0.0.1:1/dead', server.url), 0, false);
    await bench.until('ended');
    expect(firstDifference(heard(), sound)).toBe(-1);
  });
});

test('what follows is fetched before its time, so that it joins without a gap', async () => {
  bench.engine.play('a', playable(), 28_000, false);
  await bench.until('playing');
  bench.engine.follow({ id: 'b', playable: playable() });
  await bench.until('ended', 'b');
  expect(firstDifference(heard(), join([sound.subarray(2 * 28 * 44_100), sound]))).toBe(-1);
});

test('nothing on the wire tells more than the address does', async () => {
  bench.engine.play('a', playable(), 0, false);
  await bench.until('ended');
  for (const { headers } of server.requests) expect(Object.keys(headers).sort()).toEqual(['connection', 'host', 'range', 'user-agent']);
});
