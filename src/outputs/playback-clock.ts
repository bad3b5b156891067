import type { Clock } from '#foundation';

/**
 * Estimates what a device has played of what it was given: it plays at its rate while it has something, and stands still when it has not.
 * Whoever knows better, because the device made them wait, says so with `settle`.
 */
export class PlaybackClock {
  readonly #clock: Clock;
  readonly #rate: number;
  /** Milliseconds from the first frame given to the first frame heard, after a start or when the device had run empty. */
  readonly #lag: number;
  #accepted = 0;
  /** `#base` frames had been heard at `#since`. */
  #base = 0;
  #since = 0;

  constructor(clock: Clock, rate: number, lag = 0) {
    this.#clock = clock;
    this.#rate = rate;
    this.#lag = lag;
  }

  /** Frames given so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Frames given and not heard. */
  get ahead(): number {
    return this.#accepted - this.#heard();
  }

  /** How long until all is heard, in milliseconds. */
  get remaining(): number {
    const waiting = Math.max(0, this.#since - this.#clock.monotonic());
    return this.ahead === 0 ? 0 : waiting + (this.ahead / this.#rate) * 1000;
  }

  accept(frames: number): void {
    if (this.#heard() >= this.#accepted) {
      this.#base = this.#accepted;
      this.#since = Math.max(this.#since, this.#clock.monotonic() + this.#lag);
    }
    this.#accepted += frames;
  }

  /** The device is known to hold so many frames now. */
  settle(ahead: number): void {
    this.#base = Math.max(0, this.#accepted - ahead);
    this.#since = this.#clock.monotonic();
  }

  /** The last frames given were taken back. */
  retract(frames: number): void {
    const heard = this.#heard();
    this.#accepted -= frames;
    // More than was thought to be left: then less was heard than was thought.
    if (heard > this.#accepted) this.settle(0);
  }

  /** What was given so far counts as heard; what comes is not heard for `wait` milliseconds, because something else is in front of it. */
  queueBehind(wait: number): void {
    this.#base = this.#accepted;
    this.#since = this.#clock.monotonic() + wait;
  }

  /** What is not heard will never be. Returns how many frames that were. */
  forget(): number {
    const forgotten = Math.round(this.ahead);
    this.#accepted -= forgotten;
    this.#base = this.#accepted;
    return forgotten;
  }

  #heard(): number {
    const passed = Math.max(0, this.#clock.monotonic() - this.#since);
    return Math.min(this.#accepted, this.#base + Math.floor((passed * this.#rate) / 1000));
  }
}
