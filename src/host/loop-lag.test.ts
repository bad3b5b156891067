import { expect, it } from 'vitest';
import { FakeClock } from '#foundation';
import { openLoopLag } from './loop-lag.ts';

it('knows the longest lag since the last question, however long ago', async () => {
  const clock = new FakeClock();
  let busy = 0;
  const lag = openLoopLag({ now: () => clock.now(), monotonic: () => clock.monotonic() + busy, timer: (delay, run) => clock.timer(delay, run) });
  await clock.advance(1000);
  busy = 700;
  await clock.advance(3_600_000);
  expect(lag.take()).toEqual({ p99: 0, most: 700 });
  await clock.advance(1000);
  expect(lag.take()).toEqual({ p99: 0, most: 0 });
  lag[Symbol.dispose]();
  expect(clock.pending).toBe(0);
});
