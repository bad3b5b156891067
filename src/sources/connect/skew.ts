import type { Millis } from '#core';
import type { Clock } from '#foundation';
import type { Session } from '#spotify';

/** Differences between two clocks below this come from reading them one after the other. */
const tolerance = 50;

/** Server time minus the machine's. */
export class Skew {
  readonly #session: Pick<Session, 'now'>;
  readonly #clock: Clock;
  #seen: Millis = 0;

  constructor(session: Pick<Session, 'now'>, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
  }

  get now(): Millis {
    const skew = this.#session.now() - this.#clock.now();
    return Math.abs(skew - this.#seen) <= tolerance ? this.#seen : skew;
  }

  /** Whether somebody has set the machine's clock since this was asked last, or the cloud's has become known. */
  hasChanged(): boolean {
    const { now } = this;
    const changed = now !== this.#seen;
    this.#seen = now;
    return changed;
  }
}
