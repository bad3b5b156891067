import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PcmEncoder } from './pcm-encoding.ts';

const encode = (format: ConstructorParameters<typeof PcmEncoder>[0], ...samples: number[]) => new PcmEncoder(format).encode(Float32Array.from(samples));

test('16 bit: halves to even, clipped, silence for what is no number', () => {
  const bytes = encode('s16le', 0, 0.5 / 32_768, 1.5 / 32_768, -0.5 / 32_768, -1.5 / 32_768, 1, -1, 5, -5, Number.NaN, Infinity, -Infinity);
  expect(Array.from({ length: 12 }, (_, index) => bytes.readInt16LE(2 * index))).toEqual([0, 0, 2, 0, -2, 32_767, -32_768, 32_767, -32_768, 0, 32_767, -32_768]);
});

test('16 bit material comes out as it went in', () => {
  const encoder = new PcmEncoder('s16le');
  const all = Float32Array.from({ length: 65_536 }, (_, index) => (index - 32_768) / 32_768);
  const bytes = encoder.encode(all);
  for (let index = 0; index < 65_536; index++) if (bytes.readInt16LE(2 * index) !== index - 32_768) expect(bytes.readInt16LE(2 * index)).toBe(index - 32_768);
});

test.each([1, 2047, 2048, 2049, 5000])('16 bit: %i samples, with another encoder at work between', (count) => {
  const mine = new PcmEncoder('s16le');
  const other = new PcmEncoder('s16le');
  mine.encode(new Float32Array(6000).fill(0.5));
  other.encode(new Float32Array(6000).fill(-0.5));
  const bytes = mine.encode(Float32Array.from({ length: count }, (_, index) => index / 32_768));
  other.encode(new Float32Array(6000).fill(-0.25));
  expect(bytes.length).toBe(2 * count);
  expect(Array.from({ length: count }, (_, index) => bytes.readInt16LE(2 * index))).toEqual(Array.from({ length: count }, (_, index) => index));
});

test('24 bit', () => {
  const bytes = encode('s24le', 0, 1 / 8_388_608, -1 / 8_388_608, 1, -1, 0.5, Number.NaN);
  expect(Array.from({ length: 7 }, (_, index) => bytes.readIntLE(3 * index, 3))).toEqual([0, 1, -1, 8_388_607, -8_388_608, 4_194_304, 0]);
});

test('32 bit', () => {
  const bytes = encode('s32le', 0, 1 / 2 ** 31, 1, -1, -0.5, Number.NaN);
  expect(Array.from({ length: 6 }, (_, index) => bytes.readInt32LE(4 * index))).toEqual([0, 1, 2 ** 31 - 1, -(2 ** 31), -(2 ** 30), 0]);
});

test('floats are the samples themselves', () => {
  fc.assert(
    fc.property(fc.float32Array({ maxLength: 300 }), (samples) => {
      const bytes = new PcmEncoder('f32le').encode(samples);
      expect(new Float32Array(Uint8Array.from(bytes).buffer)).toEqual(samples);
    }),
  );
});

test('one encoder serves pieces of any size', () => {
  const encoder = new PcmEncoder('s24le');
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -8_388_608, max: 8_388_607 }), { maxLength: 200 }), (values) => {
      const bytes = encoder.encode(Float32Array.from(values, (value) => value / 8_388_608));
      expect(bytes.length).toBe(3 * values.length);
      values.forEach((value, index) => expect(bytes.readIntLE(3 * index, 3)).toBe(value));
    }),
  );
});
