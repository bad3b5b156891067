import { describe, expect, it } from 'vitest';
import { FakeClock } from '#foundation';
import { openHousekeeper } from './housekeeper.ts';

const megabyte = 1 << 20;

/** A heap of which `live` stays. */
function heapOf(live: number) {
  const heap = {
    bytes: live + 6 * megabyte,
    collections: 0,
    used: () => heap.bytes,
    collect: () => {
      heap.collections += 1;
      heap.bytes = live;
    },
  };
  return heap;
}

describe('housekeeper', () => {
  it('looks eight times once the start is over, and not before', async () => {
    const clock = new FakeClock();
    const heap = heapOf(15 * megabyte);
    const keeper = openHousekeeper(clock, heap);
    await clock.advance(3999);
    expect(heap.collections).toBe(0);
    await clock.advance(1000);
    expect(heap.collections).toBe(8);
    await keeper[Symbol.asyncDispose]();
  });

  it('collects what is worth it, at most every ten seconds', async () => {
    const clock = new FakeClock();
    const heap = heapOf(15 * megabyte);
    const keeper = openHousekeeper(clock, heap);
    await clock.advance(6000);
    heap.bytes += 2 * megabyte;
    await clock.advance(60_000);
    expect(heap.collections).toBe(8);
    heap.bytes += 2 * megabyte;
    await clock.advance(10_000);
    expect(heap.collections).toBe(9);
    await clock.advance(600_000);
    expect(heap.collections).toBe(9);
    await keeper[Symbol.asyncDispose]();
  });

  it('leaves nothing behind, whenever it is closed', async () => {
    const clock = new FakeClock();
    for (const at of [0, 4100, 60_000]) {
      const heap = heapOf(15 * megabyte);
      const keeper = openHousekeeper(clock, heap);
      await clock.advance(at);
      await keeper[Symbol.asyncDispose]();
      const { collections } = heap;
      heap.bytes += 100 * megabyte;
      await clock.advance(60_000);
      expect(heap.collections).toBe(collections);
    }
  });
});
