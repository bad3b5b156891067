import type { Clock } from '#foundation';
import type { LoadId, Millis, Playable } from '#core';
import type { HttpWorld } from '../bytes/index.ts';
import type { Announcer } from './announcer.ts';
import type { Hearing, Tell } from './hearing.ts';
import { Load } from './load.ts';
import { OutputTrouble, type OutputFeed } from './output-feed.ts';
import type { OutputSlot } from './output-slot.ts';
import { chunkFrames } from './sound-queue.ts';

/** While music is waited for, so much of what is said is kept written: music that comes is heard after as long at most. */
const lowWater: Millis = 60;
/** What the music may take for a step in any case: decoding what is at hand takes less. */
const leastStep: Millis = 20;

export interface SpeechWorld {
  readonly clock: Clock;
  readonly http: HttpWorld;
  readonly slot: OutputSlot;
  readonly hearing: Hearing;
  readonly feed: OutputFeed;
  readonly tell: Tell;
  /** There is something new to be said, or to be told. */
  readonly onNews: () => void;
}

/** The engine's side of announcements: when it is their turn to write, because the music has nothing. Without any it costs nothing, not even its code. */
export class Speech {
  readonly #world: SpeechWorld;
  #timer: Disposable | null = null;
  /** The music took too long. */
  #isShort = false;

  constructor(world: SpeechWorld) {
    this.#world = world;
  }

  get #announcer(): Announcer | null {
    return this.#world.feed.announcer;
  }

  get isBusy(): boolean {
    return this.#announcer?.isBusy === true;
  }

  async say(id: LoadId, playable: Playable, options: { readonly gain: number; readonly duck: number }): Promise<void> {
    const { clock, http, slot, hearing, feed, tell, onNews } = this.#world;
    const { Announcer } = await import('./announcer.ts');
    feed.announcer ??= new Announcer(clock, slot.output?.format.rate ?? hearing.queue.rate, tell, onNews);
    feed.announcer.say(new Load(id, playable, http, () => undefined), options);
  }

  /** Ends it. What the output holds was taken back before. */
  hush(): void {
    this.#announcer?.hush();
  }

  /** It is to write now. `isFree`: no music is waited for. */
  isDue(isFree: boolean): boolean {
    if (this.#announcer?.isSpeaking !== true) return false;
    return isFree || (this.#isShort && !this.#world.hearing.queue.next);
  }

  /** Ends the music's step when it takes so long that speech would run dry. */
  limit(turn: AbortController): void {
    this.#isShort = false;
    if (this.#announcer?.isSpeaking !== true) return;
    this.#timer = this.#world.clock.timer(Math.max(leastStep, this.#left - lowWater), () => {
      this.#isShort = true;
      turn.abort(new DOMException('Something is to be said.', 'AbortError'));
    });
  }

  unlimit(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }

  /** Writes a piece of it; false when there is no output for it, and nobody to wait for one. */
  async write(openOutput: () => Promise<void>, signal: AbortSignal, isFree: boolean): Promise<void> {
    const { slot, feed } = this.#world;
    try {
      if (!slot.output) await openOutput();
      await feed.speak(chunkFrames, signal);
    } catch (error) {
      if (!(error instanceof OutputTrouble) || !isFree) throw error;
      this.lost(error);
      await slot.close().catch(() => undefined);
    }
  }

  /** There is no output to say it through. */
  lost(trouble: OutputTrouble): void {
    this.#announcer?.fail(trouble.error);
  }

  /** Tells what has been heard. */
  attend(): void {
    const { slot, feed } = this.#world;
    const announcer = this.#announcer;
    if (!announcer) return;
    announcer.attend(slot.unheard);
    if (!announcer.isIdle) return;
    feed.announcer = null;
    void announcer[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.unlimit();
    const announcer = this.#announcer;
    this.#world.feed.announcer = null;
    await announcer?.[Symbol.asyncDispose]();
  }

  /** How long what is written lasts. */
  get #left(): Millis {
    return this.#world.slot.output?.delay ?? 0;
  }
}
