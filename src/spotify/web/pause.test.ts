import { describe, expect, it } from 'vitest';
import { FakeClock } from '#foundation';
import { Pause } from './pause.ts';

const never = new AbortController().signal;

function watch(work: Promise<void>): { over: boolean } {
  const state = { over: false };
  work.then(() => (state.over = true), () => undefined);
  return state;
}

describe('Pause', () => {
  it('waits, and can be cut short three times a minute', async () => {
    const clock = new FakeClock();
    const pause = new Pause(clock);
    pause.hurry();
    for (let n = 0; n < 3; n++) {
      const state = watch(pause.wait(60_000, never));
      pause.hurry();
      await clock.advance(0);
      expect(state.over).toBe(true);
    }
    const state = watch(pause.wait(15_000, never));
    pause.hurry();
    await clock.advance(14_999);
    expect(state.over).toBe(false);
    await clock.advance(1);
    expect(state.over).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('sits out a firm wait, and stops when aborted', async () => {
    const clock = new FakeClock();
    const pause = new Pause(clock);
    const abort = new AbortController();
    const wait = pause.wait(1000, abort.signal, true);
    const state = watch(wait);
    pause.hurry();
    await clock.advance(500);
    expect(state.over).toBe(false);
    abort.abort(new Error('closing'));
    await expect(wait).rejects.toThrow('closing');
    expect(clock.pending).toBe(0);
    await pause.wait(0, never);
  });
});
