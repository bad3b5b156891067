/** Counts failed attempts per address within a sliding window. Pure: the caller brings the time. Bounded memory. */
export class AttemptLimit {
  readonly #most: number;
  readonly #window: number;
  readonly #failures = new Map<string, number[]>();

  constructor(most = 10, window = 60_000) {
    this.#most = most;
    this.#window = window;
  }

  allows(address: string, now: number): boolean {
    return this.#recent(address, now).length < this.#most;
  }

  failed(address: string, now: number): void {
    const recent = [...this.#recent(address, now), now].slice(-this.#most);
    this.#failures.delete(address);
    this.#failures.set(address, recent);
    const oldest = this.#failures.keys().next().value;
    if (this.#failures.size > 1024 && oldest !== undefined) this.#failures.delete(oldest);
  }

  #recent(address: string, now: number): number[] {
    return (this.#failures.get(address) ?? []).filter((at) => now - at < this.#window);
  }
}
