import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { calm, firstDifference, openFrom, readAll } from '../../test-kit/decode-all.ts';
import { encipher, encodeVorbis, foreignPage, synthesise } from '../../test-kit/tune.ts';
import { pageChecksum } from '../ogg/crc.ts';

let tune: Buffer;
let source: [Float32Array, Float32Array];
let straight: Float32Array;
const seconds = 40;

beforeAll(async () => {
  source = synthesise(seconds);
  tune = await encodeVorbis(source);
  straight = (await readAll(await openFrom(tune, 'vorbis'))).samples;
});

/** Offsets of all pages. */
function pagesOf(bytes: Buffer): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf('OggS'); at >= 0; at = bytes.indexOf('OggS', at + 1)) found.push(at);
  return found;
}

describe('straight decoding', () => {
  test('gives as many frames as went in, close to what went in', () => {
    expect(straight.length / 2).toBe(seconds * 44_100);
    let signal = 0;
    let error = 0;
    source[0].forEach((sample, index) => {
      signal += sample ** 2;
      error += (sample - (straight[2 * index] ?? 0)) ** 2;
    });
    expect(10 * Math.log10(signal / error)).toBeGreaterThan(12);
  });

  test('does not depend on how the bytes come', async () => {
    for (const piece of [1, 777, 200_000]) {
      const again = await readAll(await openFrom(piece === 1 ? await encodeVorbis(synthesise(2)) : tune, 'vorbis', { piece }));
      if (piece > 1) expect(firstDifference(again.samples, straight)).toBe(-1);
      else expect(again.samples.length / 2).toBe(2 * 44_100);
    }
  });

  test('leaves out the foreign stream in front', async () => {
    const { samples } = await readAll(await openFrom(Buffer.concat([foreignPage(), tune]), 'vorbis'));
    expect(firstDifference(samples, straight)).toBe(-1);
  });

  test('doubles one channel and keeps other rates', async () => {
    const mono = await openFrom(await encodeVorbis([synthesise(1, 22_050)[0]], 22_050), 'vorbis');
    expect(mono.rate).toBe(22_050);
    const { samples } = await readAll(mono);
    expect(samples.length).toBe(2 * 22_050);
    expect(samples.filter((sample, index) => sample !== samples[index ^ 1])).toHaveLength(0);
  });

  test('trims odd lengths at the end', async () => {
    for (const frames of [1, 63, 1000, 44_101]) {
      const bytes = await encodeVorbis(synthesise(frames / 44_100));
      expect((await readAll(await openFrom(bytes, 'vorbis'))).samples.length / 2).toBe(frames);
    }
  });
});

describe('seek', () => {
  test('is exact to the frame everywhere', async () => {
    const decoder = await openFrom(tune, 'vorbis', { expected: seconds });
    await fc.assert(
      fc.asyncProperty(fc.nat(seconds * 44_100 - 5000), async (frame) => {
        await decoder.seek(frame, calm);
        const block = await decoder.read(calm);
        expect(block?.at).toBe(frame);
        expect(firstDifference(block!.frames, straight.subarray(2 * frame, 2 * frame + block!.frames.length))).toBe(-1);
      }),
      { numRuns: 60, examples: [[0], [1], [44_100], [44_101], [1_000_000]] },
    );
  });

  test('needs few looks, also without an expected length', async () => {
    for (const expected of [0, seconds, seconds * 3, 5]) {
      const decoder = await openFrom(tune, 'vorbis', { expected });
      await decoder.seek(30 * 44_100, calm);
      expect((await decoder.read(calm))?.at).toBe(30 * 44_100);
    }
  });

  test('goes on to the very end, and back', async () => {
    const decoder = await openFrom(tune, 'vorbis', { expected: seconds });
    await decoder.seek(39 * 44_100, calm);
    const tail = await readAll(decoder);
    expect(tail).toMatchObject({ at: 39 * 44_100, jumps: [] });
    expect(firstDifference(tail.samples, straight.subarray(2 * 39 * 44_100))).toBe(-1);
    await decoder.seek(0, calm);
    expect(firstDifference((await readAll(decoder)).samples, straight)).toBe(-1);
  });

  test('behind the end is the end', async () => {
    const decoder = await openFrom(tune, 'vorbis', { expected: seconds });
    await decoder.seek(seconds * 44_100 + 1, calm);
    expect(await decoder.read(calm)).toBeNull();
  });
});

test('tells the length by the last page', async () => {
  expect(await (await openFrom(tune, 'vorbis')).measure(calm)).toBe(seconds * 44_100);
});

describe('damage', () => {
  test('a lost page costs its sound and no more; positions stay true', async () => {
    const pages = pagesOf(tune);
    const [from = 0, to = 0] = pages.slice(20, 22);
    const { samples, jumps } = await readAll(await openFrom(Buffer.concat([tune.subarray(0, from), tune.subarray(to)]), 'vorbis'));
    expect(jumps).toHaveLength(1);
    const missing = jumps[0] ?? 0;
    expect(missing).toBeGreaterThan(0);
    expect(samples.length / 2 + missing).toBe(seconds * 44_100);
    expect(firstDifference(samples.subarray(-40_000), straight.subarray(-40_000))).toBe(-1);
  });

  test('a page with a wrong checksum counts as lost', async () => {
    const damaged = Buffer.from(tune);
    const page = pagesOf(tune)[25] ?? 0;
    damaged[page + 200] = (damaged[page + 200] ?? 0) ^ 1;
    const { jumps } = await readAll(await openFrom(damaged, 'vorbis'));
    expect(jumps).toHaveLength(1);
  });

  test('more than two seconds missing fail the track', async () => {
    const pages = pagesOf(tune);
    const [from = 0] = pages.slice(20, 21);
    const [to = 0] = pages.slice(45, 46);
    const decoder = await openFrom(Buffer.concat([tune.subarray(0, from), tune.subarray(to)]), 'vorbis');
    await expect(readAll(decoder)).rejects.toMatchObject({ code: 'audio/damaged', kind: 'corrupt' });
  });

  test('a long stretch of nonsense fails the track', async () => {
    const nonsense = Buffer.alloc(400_000, 7);
    const decoder = await openFrom(Buffer.concat([tune.subarray(0, 100_000), nonsense, tune.subarray(100_000)]), 'vorbis');
    await expect(readAll(decoder)).rejects.toMatchObject({ code: 'audio/damaged' });
  });

  test('a cut file plays to the cut', async () => {
    const { samples } = await readAll(await openFrom(tune.subarray(0, tune.length / 2), 'vorbis'));
    expect(samples.length / 2).toBeGreaterThan((seconds / 2 - 4) * 44_100);
    expect(firstDifference(samples, straight.subarray(0, samples.length))).toBe(-1);
  });

  test('a wrong key is said to be one', async () => {
    await expect(openFrom(encipher(tune).bytes, 'vorbis', { deciphered: true })).rejects.toMatchObject({ code: 'audio/wrong-key' });
    await expect(openFrom(Buffer.alloc(100_000), 'vorbis')).rejects.toMatchObject({ code: 'audio/not-this-format' });
    await expect(openFrom(Buffer.alloc(0), 'vorbis')).rejects.toMatchObject({ code: 'audio/not-this-format' });
  });

  test('any change of any bytes gives sound or a typed error, never a hang', async () => {
    const short = tune.subarray(0, 60_000);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(short.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 }), fc.nat(short.length), async (changes, length) => {
        const bytes = Buffer.from(short.subarray(0, length));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        try {
          await readAll(await openFrom(bytes, 'vorbis'));
        } catch (error) {
          expect(error).toMatchObject({ name: 'TonearmError', kind: 'corrupt' });
        }
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  test('packets made up behind a right checksum do no harm', async () => {
    const pages = pagesOf(tune);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.integer({ min: 3, max: 30 }), async (noise, number) => {
        const bytes = Buffer.from(tune.subarray(0, 150_000));
        const [from = 0, to = 0] = pages.slice(number, number + 2);
        bytes.set(noise.subarray(0, to - from - 300), from + 27 + (bytes[from + 26] ?? 0));
        bytes.writeUInt32LE(pageChecksum(bytes.subarray(from, to)), from + 22);
        const { samples } = await readAll(await openFrom(bytes, 'vorbis'));
        expect(samples.every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 30 },
    );
  }, 60_000);
});
