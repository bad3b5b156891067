import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distance, nearest } from './nearest.ts';

describe('the nearest known word', () => {
  it.each([
    ['outpt', 'output'],
    ['bitRate', 'bitrate'],
    ['normalization', 'normalisation'],
    ['norm', 'normalisation'],
    ['user_name', 'username'],
    ['zoens', 'zones'],
    ['colour', null],
    ['x', null],
  ])('%s → %s', (word, meant) => {
    expect(nearest(word, ['output', 'bitrate', 'normalisation', 'username', 'zones', 'id'])).toBe(meant);
  });

  it('measures as everybody does', () => {
    expect(distance('kitten', 'sitting')).toBe(3);
    expect(distance('', 'abc')).toBe(3);
    expect(distance('ab', 'ba')).toBe(1);
  });

  it('is the same both ways, zero for equals only, and never more than the longer word', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        const steps = distance(a, b);
        expect(steps).toBe(distance(b, a));
        expect(steps === 0).toBe(a === b);
        expect(steps).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
