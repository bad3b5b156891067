import type { Clock } from '#foundation';

/** Publishes of one topic in any second, at most. */
const perSecond = 5;
/** So many of them go out without waiting; the others are spaced. */
const free = 3;
/** Milliseconds. */
const spacing = 250;

/** Decides how long a new picture has to wait. What people notice (play, pause, a new track) does not wait for spacing. */
export class Pace {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #sent: number[] = [];

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Milliseconds until the next may go out. */
  wait(edge: boolean): number {
    const now = this.#clock.monotonic();
    this.#sent = this.#sent.filter((at) => now - at < 1000);
    const [oldest] = this.#sent;
    if (oldest !== undefined && this.#sent.length >= perSecond) return oldest + 1000 - now;
    if (edge || this.#sent.length < free) return 0;
    return Math.max((this.#sent.at(-1) ?? -Infinity) + spacing - now, 0);
  }

  sent(): void {
    this.#sent.push(this.#clock.monotonic());
  }
}
