import type { Clock } from '#foundation';

/** Timers with one owner: when the cloud closes none is left behind. */
export class Timers implements Disposable {
  readonly #clock: Clock;
  readonly #pending = new Set<Disposable>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `run` once after `delay` ms, unless disposed or closed before. */
  after(delay: number, run: () => void): Disposable {
    if (this.#isClosed) return { [Symbol.dispose]: () => undefined };
    const timer = this.#clock.timer(delay, () => {
      this.#pending.delete(timer);
      run();
    });
    this.#pending.add(timer);
    return {
      [Symbol.dispose]: () => {
        this.#pending.delete(timer);
        timer[Symbol.dispose]();
      },
    };
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const timer of this.#pending) timer[Symbol.dispose]();
    this.#pending.clear();
  }
}
