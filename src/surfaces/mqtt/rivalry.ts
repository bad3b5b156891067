import { Backoff, type Clock } from '#foundation';

/** A connection that lasted this long shows that nobody else wants our name any more. Milliseconds. */
const peace = 600_000;
/** One that was ended sooner than this, without a word, may have been taken over: MQTT 3.1.1 does not say. Milliseconds. */
const short = 60_000;
/** So many of them in a row are no accident. */
const suspicious = 3;

/** Notices that another client uses our name at the broker, and keeps the two from throwing each other out for ever. */
export class Rivalry {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #backoff: Backoff;
  #shortLived = 0;
  #view: { readonly since: number; readonly times: number } | null = null;

  constructor(clock: Pick<Clock, 'now'>, random?: () => number) {
    this.#clock = clock;
    this.#backoff = new Backoff({ first: 20_000, factor: 2, cap: 600_000, jitter: 0.5 }, random);
  }

  /** Since when (Unix ms), and how often we were thrown out; null while there is no sign of it. */
  get view(): { readonly since: number; readonly times: number } | null {
    return this.#view;
  }

  /** A connection that stood has ended. Gives the milliseconds to stay away, or null when nothing points to a rival. */
  ended({ lasted, takenOver, silent }: { readonly lasted: number; readonly takenOver: boolean; readonly silent: boolean }): number | null {
    if (lasted > peace) this.#calm();
    this.#shortLived = silent && lasted < short ? this.#shortLived + 1 : 0;
    if (!takenOver && this.#shortLived < suspicious) return null;
    this.#view = { since: this.#view?.since ?? this.#clock.now(), times: (this.#view?.times ?? 0) + 1 };
    // A suspicion may be wrong: a broker that comes and goes looks the same, and is not to be left alone for long.
    return takenOver ? this.#backoff.next() : Math.min(this.#backoff.next(), short);
  }

  #calm(): void {
    this.#view = null;
    this.#shortLived = 0;
    this.#backoff.reset();
  }
}
