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

test('what is taken back was not heard, and more than was thought to be left means that less was heard', async () => {
  const clock = new FakeClock();
  const device = new PlaybackClock(clock, rate);
  device.accept(1000);
  await clock.advance(200);
  device.retract(300);
  expect([device.accepted, device.ahead]).toEqual([700, 500]);
  await clock.advance(600);
  device.retract(100);
  expect([device.accepted, device.ahead, device.remaining]).toEqual([600, 0, 0]);
  device.accept(50);
  expect(device.remaining).toBe(50);
});

test('behind something else sound is heard later', async () => {
  const clock = new FakeClock();
  const device = new PlaybackClock(clock, rate, 10);
  device.accept(100);
  device.queueBehind(250);
  expect([device.ahead, device.remaining]).toEqual([0, 0]);
  device.accept(100);
  expect([device.ahead, device.remaining]).toEqual([100, 350]);
  await clock.advance(300);
  expect([device.ahead, device.remaining]).toEqual([50, 50]);
});
