import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstDifference, join } from '../test-kit/decode-all.ts';
import { RateConverter } from './rate-converter.ts';

function tone(rate: number, seconds: number, pitch: number): Float32Array {
  const frames = Math.round(rate * seconds);
  return Float32Array.from({ length: 2 * frames }, (_, index) => (index % 2 === 0 ? 0.5 : -0.25) * Math.sin((2 * Math.PI * pitch * (index >> 1)) / rate));
}

test.each([
  [48_000, 44_100, 1000],
  [48_000, 44_100, 15_000],
  [22_050, 44_100, 5000],
  [32_000, 44_100, 440],
  [96_000, 44_100, 10_000],
  [44_100, 48_000, 12_000],
])('%i to %i keeps a tone of %i Hz where it is', (from, to, pitch) => {
  const converter = new RateConverter(from, to);
  const out = join([converter.convert(tone(from, 1, pitch)).slice(), converter.finish().slice()]);
  expect(out.length).toBe(2 * to);
  const ideal = tone(to, 1, pitch);
  let error = 0;
  for (let index = 400; index < out.length - 400; index++) error = Math.max(error, Math.abs((out[index] ?? 0) - (ideal[index] ?? 0)));
  expect(20 * Math.log10(error)).toBeLessThan(-66);
});

test('what the new rate cannot hold is left out, not folded back', () => {
  const out = new RateConverter(96_000, 44_100).convert(tone(96_000, 1, 30_000)).slice();
  expect(20 * Math.log10(Math.max(...out.subarray(1000).map(Math.abs)))).toBeLessThan(-60);
});

test('does not depend on how the sound comes', () => {
  const input = tone(48_000, 0.5, 3000);
  const whole = new RateConverter(48_000, 44_100);
  const expected = join([whole.convert(input).slice(), whole.finish().slice()]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1 }), (sizes) => {
      const converter = new RateConverter(48_000, 44_100);
      const parts: Float32Array[] = [];
      for (let at = 0, turn = 0; at < input.length; turn++) {
        const end = Math.min(input.length, at + 2 * (sizes[turn % sizes.length] ?? 1));
        parts.push(converter.convert(input.subarray(at, end)).slice());
        at = end;
      }
      parts.push(converter.finish().slice());
      expect(firstDifference(join(parts), expected)).toBe(-1);
    }),
    { numRuns: 30 },
  );
});
