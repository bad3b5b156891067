import type { Clock } from './clock.ts';

/** How long a candidate has before the next one is tried beside it (RFC 8305, section 5). */
const headStart = 250;
/** The same once it has shown that somebody is there. */
const patience = 2000;

export interface Race<C, T> {
  readonly candidates: readonly C[];
  /** `progress` tells that the candidate is on a good way. */
  readonly start: (candidate: C, signal: AbortSignal, progress: () => void) => Promise<T>;
  /** For what comes too late. */
  readonly discard: (result: T) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Tries candidates one after another without waiting for any to fail: the first that is ready wins, the others are given up.
 * Rejects with the last failure when all have failed, or with the signal's reason.
 */
export function firstReady<C, T>({ candidates, start, discard, clock, signal }: Race<C, T>): Promise<{ readonly result: T; readonly index: number }> {
  return new Promise((resolve, reject) => {
    const losers = new AbortController();
    let over = false;
    let next = 0;
    let running = 0;
    let timer: Disposable | null = null;

    const finish = (settle: () => void) => {
      if (over) return;
      over = true;
      timer?.[Symbol.dispose]();
      signal.removeEventListener('abort', aborted);
      settle();
      losers.abort(new DOMException('Another address was faster.', 'AbortError'));
    };
    const aborted = () => finish(() => reject(signal.reason as Error));
    const wait = (delay: number) => {
      timer?.[Symbol.dispose]();
      timer = next < candidates.length ? clock.timer(delay, launch) : null;
    };

    function launch(): void {
      const index = next++;
      const candidate = candidates[index] as C;
      running += 1;
      wait(headStart);
      const progress = () => {
        if (!over) wait(patience);
      };
      start(candidate, losers.signal, progress).then(
        (result) => {
          if (over) discard(result);
          finish(() => resolve({ result, index }));
        },
        (error: unknown) => {
          running -= 1;
          if (over) return;
          if (next < candidates.length) launch();
          else if (running === 0) finish(() => reject(error instanceof Error ? error : new Error(String(error))));
        },
      );
    }

    if (signal.aborted) reject(signal.reason as Error);
    else if (candidates.length === 0) reject(new Error('There is no candidate.'));
    else {
      signal.addEventListener('abort', aborted, { once: true });
      launch();
    }
  });
}
