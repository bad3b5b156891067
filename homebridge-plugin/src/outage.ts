/** Pauses between complaints about one outage, milliseconds: at once, then ever less often. */
const pauses = [60_000, 10 * 60_000, 60 * 60_000, 6 * 60 * 60_000];

/** Decides what of an outage is worth a line in the log: its beginning, reminders at growing intervals, its end. Pure but for its own count. */
export class Outage {
  #since: number | null = null;
  #told = 0;
  #due = 0;

  /** A try failed at `now` (ms). True when that should be said. */
  failed(now: number): boolean {
    this.#since ??= now;
    if (this.#told > 0 && now < this.#due) return false;
    this.#due = now + (pauses[Math.min(this.#told, pauses.length - 1)] ?? 0);
    this.#told += 1;
    return true;
  }

  /** It is back: how long it was away, if anything was said about it; else null. */
  over(now: number): number | null {
    const away = this.#since !== null && this.#told > 0 ? now - this.#since : null;
    this.#since = null;
    this.#told = 0;
    return away;
  }
}
