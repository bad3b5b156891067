export interface BackoffOptions {
  /** First delay in milliseconds. */
  readonly first: number;
  readonly factor: number;
  /** Largest delay in milliseconds, before jitter. */
  readonly cap: number;
  /** Share of the delay that is random, 0 to 1: 0.5 means ± 50 %. */
  readonly jitter?: number;
}

/** Growing pauses between tries. Pure but for the random source. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #tries = 0;

  constructor(options: BackoffOptions, random: () => number = Math.random) {
    this.#options = options;
    this.#random = random;
  }

  get tries(): number {
    return this.#tries;
  }

  /** The next pause in milliseconds. */
  next(): number {
    const { first, factor, cap, jitter = 0.5 } = this.#options;
    const plain = Math.min(first * factor ** this.#tries, cap);
    this.#tries += 1;
    return Math.round(plain * (1 + jitter * (2 * this.#random() - 1)));
  }

  reset(): void {
    this.#tries = 0;
  }
}
