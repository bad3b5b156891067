import type { Clock } from '#foundation';
import type { TimerName } from './device-state.ts';

/** The machine's timers: one of each name; setting one anew takes the old one back. */
export class Timers implements Disposable {
  readonly #clock: Pick<Clock, 'timer'>;
  readonly #over: (name: TimerName) => void;
  readonly #running = new Map<TimerName, Disposable>();

  constructor(clock: Pick<Clock, 'timer'>, over: (name: TimerName) => void) {
    this.#clock = clock;
    this.#over = over;
  }

  /** Null: never mind. */
  set(name: TimerName, delay: number | null): void {
    this.#running.get(name)?.[Symbol.dispose]();
    this.#running.delete(name);
    if (delay === null) return;
    const timer = this.#clock.timer(delay, () => {
      this.#running.delete(name);
      this.#over(name);
    });
    this.#running.set(name, timer);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#running.values()) timer[Symbol.dispose]();
    this.#running.clear();
  }
}
