import { expect, it } from 'vitest';
import type { Command } from '#core';
import { FakeClock } from '#foundation';
import { Damper } from './damper.ts';

it('holds back longer only when it goes on after what was held back', async () => {
  const clock = new FakeClock();
  const damper = new Damper(clock);
  const holds: number[] = [];
  // A switch turned on and off a thousand times a second for seven seconds: never held back beyond 1, then 2, then 4 seconds.
  for (let at = 0; at < 7000; at++) {
    const command: Command = { kind: 'shuffle', on: at % 2 === 0 };
    const hold = damper.weigh([['shuffle', command]]);
    if (hold > 0) holds.push(clock.monotonic() + hold);
    await clock.advance(1);
  }
  const ends = [...new Set(holds)];
  expect(ends.map((end) => Math.round(end / 1000))).toEqual([1, 3, 7]);
});
