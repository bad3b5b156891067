import { type Clock, TonearmError } from '#foundation';

/** So many requests of one key at once; a scene that sets every room is far below. */
const burst = 200;
/** And so many more each second. */
const perSecond = 50;

/** How fast the holders of keys may ask. */
export class Pace {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #buckets = new Map<string, { left: number; at: number }>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Throws `http/too-many-requests` when it is too fast. */
  take(key: string): void {
    const now = this.#clock.monotonic();
    const before = this.#buckets.get(key) ?? { left: burst, at: now };
    const left = Math.min(before.left + ((now - before.at) * perSecond) / 1000, burst);
    this.#buckets.set(key, { left: Math.max(left - 1, 0), at: now });
    if (left < 1) throw new TonearmError({ kind: 'unavailable', code: 'http/too-many-requests', message: `These are too many requests: ${perSecond} a second is the most one key may send for long.`, retryAfter: 1000 });
  }

  forget(key: string): void {
    this.#buckets.delete(key);
  }
}
