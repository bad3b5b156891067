import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fadeAt, type Fade } from './fade.ts';
import { gainOf, type VolumeCurve } from './volume.ts';

const fade = (patch: Partial<Fade>): Fade => ({ from: 0, to: 1, start: 0, over: 100_000, curve: 'perceptual', volume: 'log', ...patch });
const decibels = (level: number, curve: VolumeCurve) => 20 * Math.log10(gainOf(level, curve));

/** Every step as the shell would take it. */
function steps(way: Fade): { readonly at: number; readonly level: number }[] {
  const taken: { at: number; level: number }[] = [];
  for (let at = way.start; ; ) {
    const { level, next } = fadeAt(way, at);
    taken.push({ at, level });
    if (next === null) return taken;
    at += next;
  }
}

describe('a fade', () => {
  it.each<[name: string, way: Partial<Fade>, at: number, level: number]>([
    ['begins where it is', { from: 0.37 }, 0, 0.37],
    ['ends exactly there', { to: 0.333 }, 100_000, 0.333],
    ['stays there', { to: 0.333 }, 5_000_000, 0.333],
    ['linear: half the way is half the slider', { from: 0.2, to: 0.8, curve: 'linear', volume: 'linear' }, 50_000, 0.5],
    ['perceptual on a slider that is even in decibels', { from: 0.2, to: 0.8 }, 50_000, 0.5],
    // From 0 dB to -60 dB: half the way is -30 dB.
    ['perceptual on a linear slider', { from: 1, to: 0, volume: 'linear' }, 50_000, 0.03],
    ['perceptual on a cubic slider', { from: 1, to: 0, volume: 'cubic' }, 50_000, 0.24],
    ['perceptual out of silence', { from: 0, to: 0.5, volume: 'linear' }, 50_000, 0.02],
    ['nowhere', { from: 0.5, to: 0.5 }, 50_000, 0.5],
    ['in no time', { over: 0 }, 0, 1],
  ])('%s', (_, way, at, level) => {
    expect(fadeAt(fade(way), at).level).toBeCloseTo(level, 10);
  });

  it.each<VolumeCurve>(['log', 'cubic', 'linear'])('perceptual on a %s slider: every second is as many decibels as every other', (volume) => {
    const way = fade({ from: 0.3, to: 1, over: 20_000, volume });
    const whole = decibels(1, volume) - decibels(0.3, volume);
    for (let second = 1; second < 20; second++) {
      const { level } = fadeAt(way, second * 1000);
      // As near as whole percents can be.
      const [below, above] = [decibels(level - 0.005, volume), decibels(level + 0.005, volume)];
      const due = decibels(0.3, volume) + (whole * second) / 20;
      expect(due).toBeGreaterThanOrEqual(below - 0.01);
      expect(due).toBeLessThanOrEqual(above + 0.01);
    }
  });

  it('goes one way only, in whole percents, each once, at most ten times a second, and arrives in time', () => {
    const level = fc.double({ min: 0, max: 1, noNaN: true });
    const ways = fc.record({ from: level, to: level, over: fc.integer({ min: 0, max: 86_400_000 }), start: fc.integer({ min: 0, max: 1_000_000 }), curve: fc.constantFrom('perceptual', 'linear'), volume: fc.constantFrom('log', 'cubic', 'linear') });
    fc.assert(
      fc.property(ways, (way) => {
        const taken = steps(way);
        expect(taken.at(-1)?.level).toBe(way.to);
        expect(taken.length).toBeLessThanOrEqual(104);
        const late = (taken.at(-1)?.at ?? 0) - way.start - way.over;
        expect(late).toBeGreaterThanOrEqual(0);
        expect(late).toBeLessThanOrEqual(100);
        for (const [index, { at, level: now }] of taken.entries()) {
          const before = taken[index - 1];
          if (!before) continue;
          expect(at - before.at).toBeGreaterThanOrEqual(100);
          expect((now - before.level) * Math.sign(way.to - way.from)).toBeGreaterThanOrEqual(0);
          if (index < taken.length - 1) expect(now * 100).toBeCloseTo(Math.round(now * 100), 9);
        }
      }),
    );
  });
});
