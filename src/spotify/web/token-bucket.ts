/** Lets `size` go at once and refills them evenly over `period` milliseconds. Pure: the caller brings the time. */
export class TokenBucket {
  readonly #size: number;
  readonly #cost: number;
  /** When the bucket would be full again; everything follows from this one number. */
  #full = Number.NEGATIVE_INFINITY;

  constructor(size: number, period: number) {
    this.#size = size;
    this.#cost = period / size;
  }

  /** Takes a place and returns how long to wait for it, 0 when it is free. Places are given in order of asking. */
  take(now: number): number {
    const wait = this.peek(now);
    this.#full = Math.max(this.#full, now) + this.#cost;
    return wait;
  }

  /** How long one would have to wait, without taking a place. */
  peek(now: number): number {
    return Math.max(0, Math.max(this.#full, now) + this.#cost - now - this.#size * this.#cost);
  }
}
