import { abortable } from './lifecycle.ts';
import { TonearmError } from './errors.ts';

/** Time as a port. Wall time is for showing and reporting; measure and wait with monotonic time. All values in milliseconds. */
export interface Clock {
  /** Unix time. May jump. */
  now(): number;
  /** Never jumps, starts anywhere. */
  monotonic(): number;
  /** Runs `run` once after `delay`, unless disposed before. */
  timer(delay: number, run: () => void): Disposable;
}

/** The real one. `unref`: pending timers do not keep the process alive on their own unless asked to. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(delay, run) {
    const handle = setTimeout(run, Math.min(Math.max(delay, 0), 2 ** 31 - 1));
    return { [Symbol.dispose]: () => clearTimeout(handle) };
  },
};

/** Resolves after `delay`; rejects with the signal's reason when it fires first, leaving no timer behind. */
export function sleep(clock: Clock, delay: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const aborted = () => {
      timer[Symbol.dispose]();
      reject(signal?.reason as Error);
    };
    const timer = clock.timer(delay, () => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    });
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

/** Calls `run` every `period` until disposed. Never overlaps itself, because `run` is synchronous. */
export function every(clock: Clock, period: number, run: () => void): Disposable {
  let ended = false;
  let timer = clock.timer(period, tick);
  function tick() {
    if (ended) return;
    timer = clock.timer(period, tick);
    run();
  }
  return {
    [Symbol.dispose]() {
      ended = true;
      timer[Symbol.dispose]();
    },
  };
}

/**
 * Runs `work` with a signal that fires after `limit` or when the outer signal does.
 * On time-out the error is `timeout` with the given code and sentence.
 */
export async function withTimeout<T>(
  clock: Clock,
  limit: number,
  what: { readonly code: string; readonly message: string },
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const inner = new AbortController();
  const stop = () => inner.abort(signal?.reason);
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop, { once: true });
  const timer = clock.timer(limit, () => inner.abort(new TonearmError({ kind: 'timeout', ...what })));
  try {
    return await abortable(work(inner.signal), inner.signal);
  } finally {
    timer[Symbol.dispose]();
    signal?.removeEventListener('abort', stop);
  }
}

interface FakeTimer {
  readonly due: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that moves only when told to; for tests and simulated days. */
export class FakeClock implements Clock {
  #now: number;
  #monotonic = 0;
  #order = 0;
  readonly #timers = new Set<FakeTimer>();

  constructor(now = 1_700_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  timer(delay: number, run: () => void): Disposable {
    const timer: FakeTimer = { due: this.#monotonic + Math.max(delay, 0), order: this.#order++, run };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  /** How many timers are pending; a part that was closed must leave none. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves wall time without moving monotonic time: somebody set the clock. */
  jump(by: number): void {
    this.#now += by;
  }

  /** Moves both by `by`, running what falls due in order and letting promises settle in between. */
  async advance(by: number): Promise<void> {
    const end = this.#monotonic + by;
    await settle();
    for (;;) {
      let next: FakeTimer | undefined;
      for (const timer of this.#timers) {
        if (timer.due <= end && (!next || timer.due < next.due || (timer.due === next.due && timer.order < next.order))) next = timer;
      }
      if (!next) break;
      this.#timers.delete(next);
      this.#move(next.due);
      next.run();
      await settle();
    }
    this.#move(end);
    await settle();
  }

  #move(to: number): void {
    this.#now += to - this.#monotonic;
    this.#monotonic = to;
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}
