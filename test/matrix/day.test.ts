import type * as Crypto from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Chance } from '../kit/chance.ts';
import { Day, hour, minute } from './day.ts';

const { product } = vi.hoisted(() => ({ product: { below: (limit: number): number => limit - 1 } }));

// What the product and the cloud leave to chance follows from the seed too.
vi.mock('node:crypto', async (original) => {
  const real = await original<typeof Crypto>();
  const randomBytes = (length: number) => Buffer.from(Array.from({ length }, () => product.below(256)));
  const randomInt = (from: number, to?: number) => (to === undefined ? product.below(from) : from + product.below(to - from));
  return { ...real, randomBytes, randomInt };
});

const wanted = process.env['TONEARM_SEED'];
const seed = wanted === undefined ? 20_261_121 : wanted === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(wanted);

const { random } = Math;
beforeAll(() => {
  const chance = new Chance(seed + 1);
  product.below = (limit) => chance.below(limit);
  // Not a mock of vitest's: it would remember every answer.
  Math.random = () => chance.next();
});
afterAll(() => {
  Math.random = random;
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** MB in use after everything that can be collected was. */
async function heap(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    collect();
    await setImmediate();
  }
  return process.memoryUsage().heapUsed / 2 ** 20;
}

it(`lives through a day (TONEARM_SEED=${seed})`, { timeout: 600_000 }, async () => {
  const began = performance.now();
  const day = await Day.open(new Chance(seed));
  const { room } = day;
  await day.live(150, { activity: 2.5, trouble: 0.2 });
  await day.rest();
  const before = { heap: await heap(), timers: room.clock.pending, connections: room.clock.traffic.open };
  // A morning, a day with visitors, an evening, and a night in which nobody touches anything.
  await day.live(4 * 60, { activity: 0.4, trouble: 0.02 });
  await day.live(6 * 60, { activity: 1.5, trouble: 0.05 });
  await day.live(6 * 60, { activity: 0.3, trouble: 0.06 });
  await day.live(8 * 60, { activity: 0, trouble: 0.02 });
  await day.rest();
  const after = { heap: await heap(), timers: room.clock.pending, connections: room.clock.traffic.open };
  const told = { seed, hours: Math.round(room.clock.monotonic() / hour), seconds: Math.round((performance.now() - began) / 1000), agreed: day.agreed, asTold: day.asTold, presses: day.presses, heard: Math.round((day.heard / hour) * 10) / 10, recoveries: day.judge.recoveries, before, after, counts: day.counts };
  process.stderr.write(`${JSON.stringify(told)}\n`);
  await day[Symbol.asyncDispose]();
  expect(day.disagreements, `seed ${seed}`).toEqual([]);
  expect(day.refusals, `seed ${seed}`).toEqual([]);
  // Every minute is judged.
  expect(day.agreed + day.asTold).toBe(150 + 24 * 60);
  expect(day.asTold).toBeLessThan(40);
  // A speaker that does nothing agrees with everybody.
  const { all, done, refused, refusedOutright } = day.presses;
  expect(refused / all, 'share of what people did that was refused').toBeLessThan(0.05);
  expect(refusedOutright / all, 'refused although nothing was wrong').toBeLessThan(0.02);
  expect(done / all, 'seen to come true').toBeGreaterThan(0.7);
  expect(day.heard / hour, 'hours of music').toBeGreaterThan(8);
  expect(room.left).toEqual({ timers: 0, connections: 0 });
  expect(after.heap - before.heap, `MB more, seed ${seed}`).toBeLessThan(3);
  expect(after.timers).toBeLessThanOrEqual(before.timers + 4);
  expect(room.clock.monotonic()).toBeGreaterThan(24 * hour - minute);
});
