import { beforeAll, describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { calm, firstDifference, openFrom, readAll } from '../test-kit/decode-all.ts';
import { encodeMp3, encodeVorbis, synthesise } from '../test-kit/tune.ts';
import { encodeWav } from '../test-kit/wav.ts';
import { recognise } from './any.ts';

const rate = 22_050;
let left: Float32Array;
let right: Float32Array;
beforeAll(() => {
  [left, right] = synthesise(1, rate, 3);
});

const id3 = Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\x07\x76', 'latin1'), Buffer.alloc(1014)]);

describe('WAV', () => {
  test.each([
    [{ bits: 8 as const }, 1 / 100], [{ bits: 16 as const }, 1 / 30_000], [{ bits: 24 as const }, 1e-6], [{ bits: 32 as const }, 1e-7], [{ bits: 32 as const, isFloat: true }, 0], [{ bits: 16 as const, extensible: true }, 1 / 30_000],
  ])('%o, stereo and mono', async (form, tolerance) => {
    for (const channels of [[left, right], [left]]) {
      const decoder = await openFrom(encodeWav(channels, rate, form), 'any');
      expect(decoder.rate).toBe(rate);
      expect(await decoder.measure(calm)).toBe(left.length);
      const { samples, jumps } = await readAll(decoder);
      expect(samples.length).toBe(2 * left.length);
      expect(jumps).toEqual([]);
      let most = 0;
      for (let index = 0; index < left.length; index++) {
        most = Math.max(most, Math.abs((samples[2 * index] ?? 0) - (left[index] ?? 0)), Math.abs((samples[2 * index + 1] ?? 0) - ((channels[1] ?? left)[index] ?? 0)));
      }
      expect(most).toBeLessThanOrEqual(tolerance);
    }
  });

  test.each([0, 0xffff_ffff, 0x7fff_ffff])('a length of %i is none: it goes to the end', async (length) => {
    const decoder = await openFrom(encodeWav([left], rate, { length }), 'any');
    expect((await readAll(decoder)).samples.length).toBe(2 * left.length);
    expect(await decoder.measure(calm)).toBe(left.length);
  });

  test('seeks exactly', async () => {
    const file = encodeWav([left, right], rate, { bits: 24 });
    const { samples } = await readAll(await openFrom(file, 'any'));
    const decoder = await openFrom(file, 'any');
    for (const frame of [0, 12_345, 3, left.length - 1, left.length, left.length + 5]) {
      await decoder.seek(frame, calm);
      expect(firstDifference((await readAll(decoder)).samples, samples.subarray(2 * frame))).toBe(-1);
    }
  });

  test('what is no number is silence', async () => {
    const { samples } = await readAll(await openFrom(encodeWav([new Float32Array([Number.NaN, 1, Infinity])], rate, { bits: 32, isFloat: true }), 'any'));
    expect([...samples]).toEqual([0, 0, 1, 1, 4, 4]);
  });

  test('forms nobody can play are told', async () => {
    const file = encodeWav([left], rate);
    file.writeUInt16LE(6, 20);
    await expect(openFrom(file, 'any')).rejects.toMatchObject({ code: 'audio/unknown-format', message: expect.stringContaining('kind 6') as string });
  });

  test('cut anywhere or spoilt anywhere: sound, an end or a sentence', async () => {
    const file = encodeWav([left.subarray(0, 500)], rate);
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length), fc.nat(60), fc.nat(255), async (length, place, value) => {
        const spoilt = Buffer.from(file.subarray(0, length));
        if (place < spoilt.length) spoilt[place] = value;
        const outcome = await openFrom(spoilt, 'any').then(readAll).catch((error: unknown) => (error as { code: string }).code);
        expect(typeof outcome === 'string' ? outcome : 'sound').toMatch(/^(sound|audio\/[a-z-]+)$/);
      }),
      { numRuns: 300 },
    );
  });
});

test('each kind is recognised, and decoded as if it had been named', async () => {
  for (const [format, file] of [['vorbis', await encodeVorbis([left, right], rate)], ['mp3', await encodeMp3([left, right], rate)]] as const) {
    const { samples } = await readAll(await openFrom(file, format));
    expect(firstDifference((await readAll(await openFrom(file, 'any'))).samples, samples)).toBe(-1);
  }
});

test('MP3 behind a tag', async () => {
  const file = await encodeMp3([left], rate);
  const plain = await readAll(await openFrom(file, 'mp3'));
  const tagged = await readAll(await openFrom(Buffer.concat([id3, file]), 'any'));
  expect(firstDifference(tagged.samples, plain.samples)).toBe(-1);
});

test.each([
  ['', 'empty'],
  ['<!DOCTYPE html><html>', 'a web page or a message, not sound'],
  ['{"error": "no such voice"}', 'a web page or a message, not sound'],
  ['\xff\xf1\x50\x80', 'AAC'],
  ['\0\0\0\x20ftypM4A ', 'MP4 or M4A'],
  ['\x1a\x45\xdf\xa3', 'WebM or Matroska'],
  ['#EXTM3U\n', 'a list of streams (HLS)'],
  [`OggS${'\0'.repeat(24)}OpusHead`, 'Ogg Opus'],
])('%j is said to be %s', async (text, not) => {
  const head = Buffer.from(text, 'latin1');
  expect(recognise(head)).toEqual({ not });
  await expect(openFrom(head, 'any')).rejects.toMatchObject({ code: 'audio/unknown-format', message: expect.stringContaining(not) as string });
});
