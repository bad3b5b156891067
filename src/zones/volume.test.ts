import { describe, expect, it } from 'vitest';
import { gainOf, type VolumeCurve } from './volume.ts';

// connect-session.md §12.13
const table: [wire: number, linear: number, log: number, cubic: number][] = [
  [0, 0, 0, 0],
  [1, 0.000015259, 0.001000105, 0.001000412],
  [655, 0.009994659, 0.00107148, 0.001294858],
  [16384, 0.250003815, 0.005623561, 0.034329213],
  [32768, 0.50000763, 0.031624443, 0.166381231],
  [49151, 0.749996185, 0.177823255, 0.465478189],
  [65535, 1, 1, 1],
];

describe('volume curves', () => {
  it.each(table)('wire volume %i', (wire, linear, log, cubic) => {
    const gain = (curve: VolumeCurve) => gainOf(wire / 65535, curve);
    expect(gain('linear')).toBeCloseTo(linear, 8);
    expect(gain('log')).toBeCloseTo(log, 8);
    expect(gain('cubic')).toBeCloseTo(cubic, 8);
  });

  it.each<VolumeCurve>(['linear', 'log', 'cubic'])('%s: silence and unity are exact and the curve never falls', (curve) => {
    expect(gainOf(0, curve)).toBe(0);
    expect(gainOf(1, curve)).toBe(1);
    let before = 0;
    for (let step = 1; step <= 100; step++) {
      const gain = gainOf(step / 100, curve);
      expect(gain).toBeGreaterThan(before);
      before = gain;
    }
  });
});
