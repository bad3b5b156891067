import { every, type Clock } from '#foundation';
import type { Millis } from '#core';
import type { Link } from './link.ts';

/** A thread that has something to do is asked for a sign of life so often. */
const pingEvery: Millis = 1500;
/** So many questions without an answer, one after the other, and it counts as hanging. */
const mostUnanswered = 3;

/** Watches a thread while it has something to do: one that does not answer any more is given up. */
export class Heartbeat implements Disposable {
  readonly #clock: Clock;
  readonly #hangs: (link: Link, error: Error) => void;
  #link: Link | null = null;
  #timer: Disposable | null = null;
  #unanswered = 0;

  constructor(clock: Clock, hangs: (link: Link, error: Error) => void) {
    this.#clock = clock;
    this.#hangs = hangs;
  }

  /** Null: nothing is expected of any thread. */
  watch(link: Link | null): void {
    if (link === this.#link) return;
    this.#link = link;
    this.#timer?.[Symbol.dispose]();
    this.#timer = link && every(this.#clock, pingEvery, () => this.#ping(link));
    this.#unanswered = 0;
  }

  /** The thread said something. */
  heard(): void {
    this.#unanswered = 0;
  }

  [Symbol.dispose](): void {
    this.watch(null);
  }

  #ping(link: Link): void {
    if (this.#unanswered < mostUnanswered) {
      this.#unanswered += 1;
      link.send({ kind: 'ping' });
      return;
    }
    this.watch(null);
    link.abandon();
    this.#hangs(link, new Error(`It has not answered for ${(mostUnanswered * pingEvery) / 1000} seconds.`));
  }
}
