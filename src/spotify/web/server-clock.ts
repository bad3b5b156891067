import type { Clock } from '#foundation';

const kept = 16;
const ignored = 500;
const jump = 10 * 60_000;
const agreement = 5000;
/** So long a sample in milliseconds is better than a new one in whole seconds: two good clocks part by less than half a second. */
const fineFor = 2 * 60 * 60_000;

interface Sample {
  /** Server time when our monotonic clock stood at 0. */
  readonly base: number;
  readonly at: number;
  readonly coarse: boolean;
}

/**
 * The cloud's clock as far as we can tell (`connect-control.md §10.4`): the median of the newest samples, or of those near it
 * the one that took least, used only when it differs from ours by more than half a second. Samples are kept against monotonic time, so setting the machine's
 * clock does not spoil them; those in whole seconds count only while there are no better ones.
 */
export class ServerClock {
  readonly #clock: Clock;
  #samples: readonly Sample[] = [];
  #strange: readonly Sample[] = [];

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
    const at = this.#clock.monotonic();
    const sample = { base: serverTime + (coarse ? 500 : 0) - at, at, coarse };
    if (Math.abs(sample.base - this.#base()) > jump) {
      this.#strange = [...this.#strange.filter(({ base }) => Math.abs(base - sample.base) < agreement), sample];
      if (this.#strange.length < 3) return;
      this.#samples = this.#strange;
      this.#strange = [];
      return;
    }
    this.#strange = [];
    const alike = this.#samples.filter((other) => other.coarse === coarse);
    this.#samples = [...this.#samples.filter((other) => other.coarse !== coarse), ...alike.slice(1 - kept), sample];
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
    const fine = this.#samples.filter(({ coarse, at }) => !coarse && this.#clock.monotonic() - at < fineFor);
    const sorted = (fine.length > 0 ? fine : this.#samples).map(({ base }) => base).sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? this.#clock.now() - this.#clock.monotonic();
    // An answer may come late, never early.
    return fine.length > 0 ? (sorted.findLast((base) => base - median < agreement) ?? median) : median;
  }
}
