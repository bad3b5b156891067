import { describe, expect, it } from 'vitest';
import { loudnessFactor, replayGainFactor } from './normalisation.ts';

describe('loudnessFactor (connect-session.md §12.12)', () => {
  it.each([
    [-8.2, -0.1, 0, 0.512861],
    [-20, -6, 0, 1.995262],
    [-20, -3, 0, 1.412538],
    [-14, 0.5, 0, 0.944061],
    [-9.5, 1.2, 3, 0.841395],
  ])('%f LUFS, %f dBTP, %f dB', (integrated, peak, pregain, factor) => {
    expect(loudnessFactor({ integrated, peak }, pregain)).toBeCloseTo(factor, 6);
  });

  it('is 1 without loudness, or with nonsense', () => {
    expect(loudnessFactor(null)).toBe(1);
    expect(loudnessFactor({ integrated: NaN, peak: 0 })).toBe(1);
    expect(loudnessFactor({ integrated: -Infinity, peak: -Infinity })).toBe(1);
  });
});

describe('replayGainFactor (connect-session.md §12.12, basic)', () => {
  it.each([
    [-6.02, 0.98, 0, 0.500035],
    [3.5, 0.5, 0, 1],
    [-2, 1.2, 0, 0.794328],
    [-8, 1, 3, 0.562341],
    [0, 2, 0, 0.5],
    [0, 0, 0, 1],
  ])('%f dB, peak %f, %f dB', (gain, peak, pregain, factor) => {
    expect(replayGainFactor({ gain, peak }, pregain)).toBeCloseTo(factor, 6);
  });
});
