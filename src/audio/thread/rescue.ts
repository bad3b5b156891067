import type { Clock } from '#foundation';
import type { Millis } from '#core';

/** From one try to the next; the last one again and again. */
const pauses: readonly Millis[] = [1000, 2000, 4000, 8000, 10_000];
/** After so long nobody expects the music to begin by itself any more. */
const giveUpAfter: Millis = 120_000;
/** An output that took sound for so long works. */
const workedAfter: Millis = 3000;

/** When an output that failed is opened again. */
export class Rescue {
  readonly #clock: Clock;
  readonly #wake: () => void;
  /** When the trouble began that is not over yet. */
  #since: Millis | null = null;
  #tries = 0;
  #timer: Disposable | null = null;
  /** When the first sound was taken since the output was opened. */
  #tookSince: Millis | null = null;
  /** It is time for a try. */
  isDue = false;

  /** `wake` is called when a try falls due. */
  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  /** A try is due, now or later. */
  get isWaiting(): boolean {
    return this.isDue || this.#timer !== null;
  }

  /** The output took sound. */
  took(): void {
    const now = this.#clock.monotonic();
    this.#tookSince ??= now;
    if (this.#since === null || now - this.#tookSince < workedAfter) return;
    this.#since = null;
    this.#tries = 0;
  }

  /** The output failed. True when it had worked, so that it is to be opened again at once; else a try falls due later, or never. */
  failed(): boolean {
    const now = this.#clock.monotonic();
    const hasWorked = this.#tookSince !== null && now - this.#tookSince >= workedAfter;
    this.#tookSince = null;
    this.isDue = false;
    if (hasWorked) return true;
    this.#since ??= now;
    if (now - this.#since >= giveUpAfter) return false;
    const pause = pauses[Math.min(this.#tries++, pauses.length - 1)] ?? 0;
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#clock.timer(pause, () => {
      this.#timer = null;
      this.isDue = true;
      this.#wake();
    });
    return false;
  }

  /** The try worked so far. */
  reopened(): void {
    this.isDue = false;
  }

  /** Somebody decided otherwise. */
  callOff(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    this.#since = null;
    this.#tries = 0;
    this.isDue = false;
  }
}
