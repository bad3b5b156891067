import { expect, it } from 'vitest';
import { FakeClock } from '#foundation';
import { afterChanges } from './after-changes.ts';

function open() {
  const clock = new FakeClock();
  const control = { changes: Promise.resolve() as Promise<unknown> };
  let isOver = false;
  return { clock, control, begin: () => void afterChanges(clock, control).then(() => (isOver = true)), isOver: () => isOver };
}

it('gives the answer a moment', async () => {
  const { clock, begin, isOver } = open();
  begin();
  await clock.advance(249);
  expect(isOver()).toBe(false);
  await clock.advance(1);
  expect(isOver()).toBe(true);
});

it('waits for a change that is still being written, for its answer, and for those that come meanwhile', async () => {
  const { clock, control, begin, isOver } = open();
  begin();
  await clock.advance(200);
  let write = (): void => undefined;
  control.changes = new Promise<void>((done) => (write = done));
  await clock.advance(2000);
  expect(isOver()).toBe(false);
  write();
  await clock.advance(249);
  expect(isOver()).toBe(false);
  await clock.advance(1);
  expect(isOver()).toBe(true);
});

it('is not put off for ever', async () => {
  const { clock, control, begin, isOver } = open();
  begin();
  for (let at = 0; at < 60; at++) {
    control.changes = Promise.resolve();
    await clock.advance(100);
  }
  expect(isOver()).toBe(true);
});

it('does not wait for ever for one that hangs, and leaves no timer behind', async () => {
  const { clock, control, begin, isOver } = open();
  control.changes = new Promise(() => undefined);
  begin();
  await clock.advance(5000);
  expect(isOver()).toBe(false);
  await clock.advance(250);
  expect([isOver(), clock.pending]).toEqual([true, 0]);
});

it('leaves no timer behind when all is quiet', async () => {
  const { clock, begin, isOver } = open();
  begin();
  await clock.advance(250);
  expect([isOver(), clock.pending]).toEqual([true, 0]);
});
