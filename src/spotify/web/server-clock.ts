import type { Clock } from '#foundation';

const kept = 8;
const ignored = 500;
const jump = 10 * 60_000;
const agreement = 5000;

/**
 * The cloud's clock as far as we can tell (`connect-control.md §10.4`): the median of the newest samples, used only when
 * it differs from ours by more than half a second. Samples are kept against monotonic time, so setting the machine's
 * clock does not spoil them.
 */
export class ServerClock {
  readonly #clock: Clock;
  #bases: number[] = [];
  #strange: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Server time in milliseconds. */
  now(): number {
    return this.#clock.now() + this.skew;
  }

  /** What must be added to our clock, in milliseconds. */
  get skew(): number {
    const skew = this.#measured();
    return Math.abs(skew) > ignored ? skew : 0;
  }

  /** Notes a moment the server called now, in Unix milliseconds. `coarse`: it was cut to whole seconds. */
  sample(serverTime: number, coarse = false): void {
    if (!Number.isFinite(serverTime) || serverTime <= 0) return;
    const base = serverTime + (coarse ? 500 : 0) - this.#clock.monotonic();
    if (Math.abs(base - this.#base()) > jump) {
      this.#strange = [...this.#strange.filter((other) => Math.abs(other - base) < agreement), base];
      if (this.#strange.length < 3) return;
      this.#bases = this.#strange;
      this.#strange = [];
      return;
    }
    this.#strange = [];
    this.#bases = [...this.#bases, base].slice(-kept);
  }

  /** Notes the `Date` header of an answer. */
  sampleDate(header: string | undefined): void {
    const at = header === undefined ? Number.NaN : Date.parse(header);
    if (!Number.isNaN(at)) this.sample(at, true);
  }

  #measured(): number {
    return Math.round(this.#base() + this.#clock.monotonic() - this.#clock.now());
  }

  #base(): number {
    const sorted = [...this.#bases].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? this.#clock.now() - this.#clock.monotonic();
  }
}
