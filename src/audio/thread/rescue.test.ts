import { expect, test } from 'vitest';
import { FakeClock } from '#foundation';
import { Rescue } from './rescue.ts';

test('an output that never worked is tried again after growing pauses, for two minutes', async () => {
  const clock = new FakeClock();
  const at: number[] = [];
  const rescue = new Rescue(clock, () => {
    at.push(clock.monotonic());
    expect(rescue.isDue).toBe(true);
    expect(rescue.failed()).toBe(false);
    expect(rescue.isDue).toBe(false);
  });
  expect(rescue.failed()).toBe(false);
  await clock.advance(600_000);
  expect(at.slice(0, 6)).toEqual([1000, 3000, 7000, 15_000, 25_000, 35_000]);
  expect(at.at(-1)).toBeGreaterThanOrEqual(120_000);
  expect(at.at(-1)).toBeLessThan(131_000);
  expect(clock.pending).toBe(0);
});

test('one that had taken sound for three seconds is opened at once, one that had not is not', async () => {
  const clock = new FakeClock();
  const rescue = new Rescue(clock, () => undefined);
  rescue.took();
  await clock.advance(2900);
  rescue.took();
  expect(rescue.failed()).toBe(false);
  rescue.callOff();
  rescue.took();
  await clock.advance(3000);
  expect(rescue.failed()).toBe(true);
  expect(rescue.failed()).toBe(false);
  rescue.callOff();
  expect(clock.pending).toBe(0);
});

test('one that flaps is not trusted anew before it has held for three seconds', async () => {
  const clock = new FakeClock();
  const tries: number[] = [];
  const rescue = new Rescue(clock, () => {
    tries.push(clock.monotonic());
    rescue.reopened();
    rescue.took();
    rescue.failed();
  });
  rescue.failed();
  await clock.advance(20_000);
  expect(tries).toEqual([1000, 3000, 7000, 15_000]);
  rescue.callOff();
});
