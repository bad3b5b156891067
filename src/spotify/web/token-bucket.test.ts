import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

describe('TokenBucket', () => {
  it('lets a burst of its size go at once and spaces the rest', () => {
    const bucket = new TokenBucket(3, 300);
    expect([0, 0, 0, 0, 0].map(() => bucket.take(1000))).toEqual([0, 0, 0, 100, 200]);
  });

  it('refills with time, and never beyond its size', () => {
    const bucket = new TokenBucket(2, 200);
    bucket.take(0);
    bucket.take(0);
    expect(bucket.take(100)).toBe(0);
    expect(bucket.take(100)).toBe(100);
    expect([bucket.take(10_000), bucket.take(10_000), bucket.take(10_000)]).toEqual([0, 0, 100]);
  });

  it('never lets more than size + elapsed/cost through', () => {
    const bucket = new TokenBucket(300, 30_000);
    const starts: number[] = [];
    for (let n = 0; n < 1000; n++) starts.push(n + bucket.take(n));
    const within = starts.filter((start) => start < 30_000).length;
    expect(within).toBeLessThanOrEqual(600);
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
  });
});
