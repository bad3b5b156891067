import type { Millis } from '#core';
import type { Hearing } from './hearing.ts';
import type { LoadSet } from './load-set.ts';
import type { Load } from './load.ts';
import type { OutputFeed } from './output-feed.ts';

/** What is to be heard: one load after the other, and whether it stands still. What is decoded already may not be heard yet. */
export class LineUp {
  readonly #loads: LoadSet;
  readonly #hearing: Hearing;
  readonly #feed: OutputFeed;
  /** The load that is decoded now. */
  decoding: Load | null = null;
  /** What follows it. */
  next: Load | null = null;
  isPaused = false;
  /** `paused` is due as soon as the load is ready. */
  owesPaused = false;

  constructor(loads: LoadSet, hearing: Hearing, feed: OutputFeed) {
    this.#loads = loads;
    this.#hearing = hearing;
    this.#feed = feed;
  }

  /** The load a command is about. */
  get heard(): Load | null {
    return this.#hearing.load ?? this.decoding;
  }

  /** Notices which load is heard by now. */
  follow(): void {
    this.#hearing.follow(this.decoding, this.next);
  }

  pause(): void {
    this.isPaused = true;
    this.#hearing.isStalled = false;
    this.takeBack();
    this.#feed.settleGain();
  }

  /** The load that is heard sounds, or goes on as soon as it can. */
  resume(): void {
    this.isPaused = this.owesPaused = false;
    if (this.heard) this.heard.owesPlaying = true;
  }

  /** The load that is heard goes on elsewhere. */
  async seek(load: Load, to: Millis): Promise<void> {
    this.#feed.takeBack();
    this.#feed.settleGain();
    this.#hearing.queue.clear();
    if (this.decoding && this.decoding !== load) {
      // The follower had begun behind the scenes: it goes back to waiting.
      this.decoding.startAt(0);
      this.next = this.decoding;
      this.decoding = load;
      await this.#loads.discardAllBut(load, this.next);
    }
    load.startAt(to);
    load.owesPlaying = true;
    load.owesMoved = true;
    this.#hearing.isStalled = false;
    if (this.isPaused) this.owesPaused = true;
  }

  /** Gets back from the output what was not heard. */
  takeBack(): void {
    this.#hearing.queue.restore(this.#feed.takeBack());
  }

  /** The follower's sound that is not heard yet is taken back, so that something else can follow. */
  async unjoin(): Promise<void> {
    this.follow();
    const heard = this.#hearing.load;
    if (!heard || this.decoding === heard) return;
    this.takeBack();
    for (const load of this.#loads) if (load !== heard) this.#hearing.queue.withdraw(load);
    this.decoding = heard;
    await this.#loads.discardAllBut(heard, this.next);
  }

  /** Nothing is to be heard any more. */
  async unload(except: Load | null = null): Promise<void> {
    this.#feed.takeBack();
    this.#feed.settleGain();
    this.#hearing.queue.clear();
    this.forget();
    this.isPaused = this.owesPaused = this.#hearing.isStalled = false;
    await this.#loads.discardAllBut(except);
  }

  /** What was lined up is over, or failed. */
  forget(): void {
    this.decoding = this.next = this.#hearing.load = null;
  }
}
