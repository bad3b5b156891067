import { expect, test } from 'vitest';
import { FakeClock } from '#foundation';
import { PlaybackClock } from './playback-clock.ts';

const rate = 1000;

test('plays what it has at its rate, after the lag, and stands still when it has nothing', async () => {
  const clock = new FakeClock();
  const device = new PlaybackClock(clock, rate, 50);
  expect([device.ahead, device.remaining]).toEqual([0, 0]);
  device.accept(400);
  expect([device.ahead, device.remaining]).toEqual([400, 450]);
  await clock.advance(30);
  expect([device.ahead, device.remaining]).toEqual([400, 420]);
  await clock.advance(120);
  expect([device.ahead, device.remaining]).toEqual([300, 300]);
  device.accept(100);
  await clock.advance(5000);
  expect([device.ahead, device.remaining]).toEqual([0, 0]);
  device.accept(100);
  expect(device.remaining).toBe(150);
});

test('forgets what is not heard', async () => {
  const clock = new FakeClock();
  const device = new PlaybackClock(clock, rate);
  device.accept(400);
  await clock.advance(100);
  expect(device.forget()).toBe(300);
  expect(device.forget()).toBe(0);
  expect(device.accepted).toBe(100);
  device.accept(50);
  expect(device.remaining).toBe(50);
});

test('takes the word of who knows better', async () => {
  const clock = new FakeClock();
  const device = new PlaybackClock(clock, rate);
  device.accept(1000);
  await clock.advance(500);
  device.settle(700);
  expect(device.ahead).toBe(700);
  await clock.advance(100);
  expect(device.ahead).toBe(600);
});
