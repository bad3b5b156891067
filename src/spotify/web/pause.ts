import { sleep, type Clock } from '#foundation';
import { TokenBucket } from './token-bucket.ts';

/**
 * The wait between two attempts, which good news may cut short: when one connection to the cloud is back, the others need
 * not sit out their pauses. At most three times a minute, so that news cannot become a storm.
 */
export class Pause {
  readonly #clock: Clock;
  readonly #allowance = new TokenBucket(3, 60_000);
  #cut: AbortController | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rejects with the signal's reason. `isFirm`: somebody asked for this wait, nothing cuts it short. */
  async wait(delay: number, signal: AbortSignal, isFirm = false): Promise<void> {
    if (delay <= 0) return;
    const cut = new AbortController();
    const stop = () => cut.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (!isFirm) this.#cut = cut;
    try {
      await sleep(this.#clock, delay, cut.signal).catch(() => undefined);
    } finally {
      this.#cut = null;
      signal.removeEventListener('abort', stop);
    }
    if (signal.aborted) throw signal.reason;
  }

  /** Ends a wait that is going on. */
  hurry(): void {
    const cut = this.#cut;
    if (!cut || this.#allowance.peek(this.#clock.monotonic()) > 0) return;
    this.#allowance.take(this.#clock.monotonic());
    cut.abort();
  }
}
