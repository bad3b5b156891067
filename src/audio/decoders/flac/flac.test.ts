import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { calm, firstDifference, openFrom, readAll } from '../../test-kit/decode-all.ts';
import { encipher, synthesise } from '../../test-kit/tune.ts';
import { frameStart } from './frame-header.ts';

let flac: Buffer;
let straight: Float32Array;
const frames = 3 * 44_100;
const fixture = (name: string) => readFile(new URL(`../../../../test/fixtures/audio/${name}`, import.meta.url));

beforeAll(async () => {
  flac = await fixture('tune.flac');
  straight = (await readAll(await openFrom(flac, 'flac'))).samples;
});

test('gives back the very samples that went in', () => {
  const [left, right] = synthesise(3, 44_100, 5);
  const source = Float32Array.from({ length: 2 * frames }, (_, index) => Math.round(((index % 2 === 0 ? left : right)[index >> 1] ?? 0) * 32_767) / 32_768);
  expect(firstDifference(straight, source)).toBe(-1);
});

test('24 bit, one channel, another rate', async () => {
  const decoder = await openFrom(await fixture('mono24.flac'), 'flac');
  expect(decoder.rate).toBe(48_000);
  expect(await decoder.measure(calm)).toBe(24_000);
  const { samples } = await readAll(decoder);
  const [left] = synthesise(0.5, 48_000, 7);
  let worst = 0;
  left.forEach((sample, index) => {
    expect(samples[2 * index]).toBe(samples[2 * index + 1]);
    worst = Math.max(worst, Math.abs((samples[2 * index] ?? 0) * 2 ** 23 - Math.round(sample * (2 ** 23 - 1))));
  });
  expect(samples.length).toBe(48_000);
  expect(worst).toBeLessThan(0.6);
});

test('tells its length', async () => {
  expect(await (await openFrom(flac, 'flac')).measure(calm)).toBe(frames);
});

test('seeks exactly', async () => {
  const decoder = await openFrom(flac, 'flac');
  await fc.assert(
    fc.asyncProperty(fc.nat(frames - 1), async (frame) => {
      await decoder.seek(frame, calm);
      const block = await decoder.read(calm);
      expect(block?.at).toBe(frame);
      expect(firstDifference(block!.frames, straight.subarray(2 * frame, 2 * frame + block!.frames.length))).toBe(-1);
    }),
    { numRuns: 30, examples: [[0], [frames - 1]] },
  );
  await decoder.seek(2 * 44_100, calm);
  expect(firstDifference((await readAll(decoder)).samples, straight.subarray(4 * 44_100))).toBe(-1);
  await decoder.seek(frames + 5, calm);
  expect(await decoder.read(calm)).toBeNull();
});

describe('what is none', () => {
  test('is said to be none', async () => {
    await expect(openFrom(Buffer.alloc(1000), 'flac')).rejects.toMatchObject({ code: 'audio/not-this-format' });
    await expect(openFrom(encipher(flac).bytes, 'flac', { deciphered: true })).rejects.toMatchObject({ code: 'audio/wrong-key' });
    await expect(openFrom(flac.subarray(0, 60), 'flac')).rejects.toMatchObject({ kind: 'corrupt' });
  });

  test('a cut file plays to the cut', async () => {
    const { samples } = await readAll(await openFrom(flac.subarray(0, flac.length / 2), 'flac'));
    expect(samples.length).toBeGreaterThan(44_100);
    expect(firstDifference(samples, straight.subarray(0, samples.length))).toBe(-1);
  });
});

test('frame heads are known by their checksum', () => {
  const info = { rate: 44_100, channels: 2, bits: 16, length: frames, blockSize: 4096, largestFrame: 0 };
  const starts: number[] = [];
  for (let at = 42; at < flac.length - 16; at++) {
    const frame = frameStart(flac, at, info);
    if (frame !== null) starts.push(frame);
  }
  const expected = Array.from({ length: Math.ceil(frames / 4096) }, (_, index) => index * 4096);
  expect(expected.every((frame) => starts.includes(frame))).toBe(true);
  expect(starts.length - expected.length).toBeLessThan(3);
});
