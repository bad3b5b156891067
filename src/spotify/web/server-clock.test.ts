import { describe, expect, it } from 'vitest';
import { FakeClock } from '#foundation';
import { ServerClock } from './server-clock.ts';

describe('ServerClock', () => {
  it('trusts the own clock while the difference is small or unknown', () => {
    const clock = new FakeClock();
    const server = new ServerClock(clock);
    expect(server.now()).toBe(clock.now());
    server.sample(clock.now() + 400);
    expect(server.skew).toBe(0);
  });

  it('takes what came fastest near the median, so neither slow answers nor a strange one change anything', () => {
    const clock = new FakeClock();
    const server = new ServerClock(clock);
    for (const offset of [3000, 3010, 2990, 90_000, 3005, 1700, 1750, 1760]) server.sample(clock.now() + offset);
    expect(server.skew).toBe(3010);
  });

  it('ignores a jump of more than ten minutes until three samples agree', () => {
    const clock = new FakeClock();
    const server = new ServerClock(clock);
    const year = 365 * 86_400_000;
    server.sample(clock.now() + year);
    server.sample(clock.now() + 20);
    server.sample(clock.now() + year);
    server.sample(clock.now() + year + 100);
    expect(server.skew).toBe(0);
    server.sample(clock.now() + year + 50);
    expect(server.skew).toBe(year + 100);
  });

  it('survives somebody setting the clock', async () => {
    const clock = new FakeClock();
    const server = new ServerClock(clock);
    const truth = clock.now() + 2000;
    server.sample(truth);
    clock.jump(-60_000);
    await clock.advance(1000);
    expect(server.now()).toBe(truth + 1000);
  });

  it('believes milliseconds more than whole seconds, for two hours', async () => {
    const clock = new FakeClock();
    const server = new ServerClock(clock);
    server.sample(clock.now() + 3210);
    for (let more = 0; more < 20; more++) server.sample(clock.now() + 2000 + 50 * more, true);
    expect(server.skew).toBe(3210);
    await clock.advance(2 * 60 * 60_000);
    server.sample(clock.now() + 2700, true);
    expect(server.skew).not.toBe(3210);
    server.sample(clock.now() + 3250);
    expect(server.skew).toBe(3250);
  });

  it('reads Date headers and leaves nonsense alone', () => {
    const clock = new FakeClock(Date.parse('2026-08-01T12:00:00Z'));
    const server = new ServerClock(clock);
    server.sampleDate('nonsense');
    server.sampleDate(undefined);
    server.sample(Number.NaN);
    expect(server.skew).toBe(0);
    server.sampleDate('Sat, 01 Aug 2026 12:00:10 GMT');
    expect(server.skew).toBe(10_500);
  });
});
