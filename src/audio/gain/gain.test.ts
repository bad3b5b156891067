import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromDecibels, Gain } from './gain.ts';
import { Limiter } from './limiter.ts';

const ones = (frames: number) => new Float32Array(2 * frames).fill(1);

test('at one the very samples are handed back', () => {
  const samples = ones(10);
  const gain = new Gain();
  expect(gain.apply(samples, 1)).toBe(samples);
  gain.aim(0.5, 44_100);
  expect(gain.apply(samples, 1)).not.toBe(samples);
  gain.reset(1);
  expect(gain.apply(samples, 1)).toBe(samples);
});

test('a change takes ten milliseconds and both channels alike', () => {
  const gain = new Gain();
  gain.aim(0, 44_100);
  const out = gain.apply(ones(1000), 1);
  expect(out[0]).toBeCloseTo(1 - 1 / 441, 5);
  expect(out[2 * 220]).toBeCloseTo(0.5, 2);
  expect([out[2 * 441], out[2 * 441 + 1], out[1999]]).toEqual([0, 0, 0]);
  for (let frame = 0; frame < 1000; frame++) expect(out[2 * frame]).toBe(out[2 * frame + 1]);
});

test('goes on over pieces of any size, and may turn round on the way', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 30 }), fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 }), (sizes, aims) => {
      const gain = new Gain();
      let last = 1;
      for (const [turn, size] of sizes.entries()) {
        if (turn % 4 === 0) gain.aim(aims[(turn / 4) % aims.length] ?? 1, 44_100);
        for (const [index, sample] of gain.apply(ones(size), 1).entries()) {
          if (index % 2 === 0) expect(Math.abs(sample - last)).toBeLessThan(1 / 440);
          last = sample;
        }
      }
      const end = gain.apply(ones(500), 1);
      expect(gain.apply(ones(1), 1)[0]).toBeCloseTo(end[998] ?? 0, 6);
    }),
  );
});

test('frames that were not taken do not move the ramp', () => {
  const gain = new Gain();
  gain.aim(0, 44_100);
  const mark = gain.mark;
  const first = gain.apply(ones(100), 1).slice();
  gain.rewind(mark);
  expect(gain.apply(ones(100), 1)).toEqual(first);
});

test('decibels', () => {
  expect(fromDecibels(0)).toBe(1);
  expect(fromDecibels(-6.0206)).toBeCloseTo(0.5, 4);
});

test('the limiter keeps below full scale and lets quiet sound pass', () => {
  const quiet = ones(500).map((_, index) => 0.8 * Math.sin(index / 20));
  expect(new Limiter().apply(quiet.slice(), 44_100)).toEqual(quiet);
  fc.assert(
    fc.property(fc.float32Array({ noNaN: true, noDefaultInfinity: true, min: -8, max: 8, minLength: 2, maxLength: 2000 }), (samples) => {
      const out = new Limiter().apply(samples.slice(0, samples.length - (samples.length % 2)), 44_100);
      expect(out.every((sample) => Math.abs(sample) <= 1)).toBe(true);
    }),
  );
});

test('the limiter leaves what it was given as it was, and frames that were not taken do not move it', () => {
  const limiter = new Limiter();
  const loud = ones(500).map((_, index) => 4 * Math.sin(index / 20));
  const before = loud.slice();
  const mark = limiter.mark;
  const first = limiter.apply(loud, 44_100).slice();
  expect(loud).toEqual(before);
  expect(limiter.mark).toBeLessThan(1);
  limiter.rewind(mark);
  expect(limiter.apply(loud, 44_100)).toEqual(first);
});

test('a change that is under way can be ended', () => {
  const gain = new Gain();
  gain.aim(0.25, 44_100);
  gain.settle();
  expect([...gain.apply(ones(3), 1)]).toEqual([0.25, 0.25, 0.25, 0.25, 0.25, 0.25]);
});
