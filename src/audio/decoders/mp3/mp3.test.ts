import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { calm, openFrom, readAll } from '../../test-kit/decode-all.ts';
import { encipher, encodeMp3, synthesise } from '../../test-kit/tune.ts';
import { parseFrameHeader } from './frame-header.ts';

const frames = 8 * 44_100;
const fixture = (name: string) => readFile(new URL(`../../../../test/fixtures/audio/${name}`, import.meta.url));

let source: [Float32Array, Float32Array];
beforeAll(() => {
  source = synthesise(8, 44_100, 6);
});

/** Largest difference between two sounds; after a seek the filter bank starts anew, and the last bits of a float may differ. */
function worst(a: Float32Array, b: Float32Array): number {
  let most = a.length === b.length ? 0 : Infinity;
  for (let index = 0; index < a.length; index++) most = Math.max(most, Math.abs((a[index] ?? 0) - (b[index] ?? 0)));
  return most;
}

describe.each(['cbr.mp3', 'vbr.mp3'])('%s', (name) => {
  let bytes: Buffer;
  let straight: Float32Array;
  beforeAll(async () => {
    bytes = await fixture(name);
    straight = (await readAll(await openFrom(bytes, 'mp3'))).samples;
  });

  test('is gapless: as many frames as were encoded, in their place', async () => {
    expect(straight.length / 2).toBe(frames);
    expect(await (await openFrom(bytes, 'mp3')).measure(calm)).toBe(frames);
    let signal = 0;
    let error = 0;
    for (let index = 0; index < frames; index++) {
      signal += source[0][index]! ** 2;
      error += (source[0][index]! - straight[2 * index]!) ** 2;
    }
    expect(10 * Math.log10(signal / error)).toBeGreaterThan(10);
  });

  test('seeks exactly', async () => {
    const decoder = await openFrom(bytes, 'mp3');
    await fc.assert(
      fc.asyncProperty(fc.nat(frames - 1), async (frame) => {
        await decoder.seek(frame, calm);
        const block = await decoder.read(calm);
        expect(block?.at).toBe(frame);
        expect(worst(block!.frames, straight.subarray(2 * frame, 2 * frame + block!.frames.length))).toBeLessThan(1e-5);
      }),
      { numRuns: 60, examples: [[0], [1], [frames - 1], [frames / 2], [84_143]] },
    );
    await decoder.seek(6 * 44_100, calm);
    expect(worst((await readAll(decoder)).samples, straight.subarray(12 * 44_100))).toBeLessThan(1e-5);
    await decoder.seek(frames + 1, calm);
    expect(await decoder.read(calm)).toBeNull();
  });

  test('with tags in front and behind', async () => {
    const tag = Buffer.alloc(10 + 3000);
    tag.write('ID3\x04\0\0', 'latin1');
    tag.writeUInt16BE(((3000 >> 7) << 8) | (3000 & 127), 8);
    const behind = Buffer.alloc(128);
    behind.write('TAG');
    const decoder = await openFrom(Buffer.concat([tag, bytes, behind]), 'mp3');
    expect(worst((await readAll(decoder)).samples, straight)).toBe(0);
  });
});

test('without a gapless tag every frame counts', async () => {
  const bytes = await encodeMp3(synthesise(20), 44_100, { bitrate: 128 });
  const decoder = await openFrom(bytes, 'mp3');
  const { samples } = await readAll(decoder);
  expect(samples.length / 2 / 44_100).toBeGreaterThan(20);
  expect(samples.length / 2 / 44_100).toBeLessThan(20.1);
  for (const frame of [15 * 44_100, 1000, 18 * 44_100, 9 * 44_100]) {
    const fresh = await openFrom(bytes, 'mp3');
    await fresh.seek(frame, calm);
    const block = await fresh.read(calm);
    expect(block?.at).toBe(frame);
    expect(worst(block!.frames, samples.subarray(2 * frame, 2 * frame + block!.frames.length))).toBeLessThan(1e-5);
  }
});

test('one channel at half the rate', async () => {
  const decoder = await openFrom(await encodeMp3([synthesise(2, 22_050)[0]], 22_050, { bitrate: 96 }), 'mp3');
  expect(decoder.rate).toBe(22_050);
  const { samples } = await readAll(decoder);
  expect(samples.length / 2 / 22_050).toBeGreaterThan(2);
  expect(samples.every((sample, index) => sample === samples[index ^ 1])).toBe(true);
});

describe('damage', () => {
  test('what is none is said to be none', async () => {
    await expect(openFrom(Buffer.alloc(200_000), 'mp3')).rejects.toMatchObject({ code: 'audio/not-this-format' });
    await expect(openFrom(encipher(await fixture('cbr.mp3')).bytes.subarray(0, 3000), 'mp3', { deciphered: true })).rejects.toMatchObject({ code: 'audio/wrong-key' });
  });

  test('a stretch of nonsense is stepped over, a long one fails', async () => {
    const bytes = await fixture('cbr.mp3');
    const with_ = (length: number) => Buffer.concat([bytes.subarray(0, 40_000), Buffer.alloc(length, 0x55), bytes.subarray(40_000)]);
    expect((await readAll(await openFrom(with_(5000), 'mp3'))).samples.length / 2).toBeGreaterThan(frames - 5 * 1152);
    await expect(readAll(await openFrom(with_(400_000), 'mp3'))).rejects.toMatchObject({ code: 'audio/damaged' });
  });

  test('any bytes give sound or a typed error', async () => {
    const bytes = (await fixture('vbr.mp3')).subarray(0, 20_000);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(19_999), fc.nat(255)), { maxLength: 20 }), fc.nat(20_000), async (changes, length) => {
        const changed = Buffer.from(bytes.subarray(0, length));
        for (const [at, value] of changes) if (at < length) changed[at] = value;
        try {
          const { samples } = await readAll(await openFrom(changed, 'mp3'));
          expect(samples.every(Number.isFinite)).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ name: 'TonearmError', kind: 'corrupt' });
        }
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

test.each([
  ['fffb9064', { version: 1, rate: 44_100, channels: 2, bitrate: 128, length: 417, samples: 1152 }],
  ['fffb9264', { length: 418 }],
  ['fff340c4', { version: 2, rate: 22_050, channels: 1, bitrate: 32, samples: 576, length: 104 }],
  ['ffe340c4', { version: 2.5, rate: 11_025, bitrate: 32, length: 208 }],
])('frame head %s', (hex, expected) => {
  expect(parseFrameHeader(Buffer.from(hex, 'hex'))).toMatchObject(expected);
});

test.each(['00000000', 'ffff9064', 'fffd9064', 'fffb0064', 'fffbf064', 'fffb9c64', 'ffeb9064'])('%s is no frame head', (hex) => {
  expect(parseFrameHeader(Buffer.from(hex, 'hex'))).toBeNull();
});
