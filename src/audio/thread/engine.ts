import { toTonearmError, type Clock, type Log } from '#foundation';
import type { LoadId, Millis, Playable } from '#core';
import type { HttpWorld } from '../bytes/index.ts';
import { Hearing, type Tell } from './hearing.ts';
import { LineUp } from './line-up.ts';
import { LoadSet } from './load-set.ts';
import type { Load } from './load.ts';
import { Loop } from './loop.ts';
import { OutputFeed } from './output-feed.ts';
import type { OpenOutput, OutputSlot } from './output-slot.ts';
import { Playback, usualRate } from './playback.ts';
import { Rescue } from './rescue.ts';
import { Speech } from './speech.ts';

export interface EngineWorld {
  readonly clock: Clock;
  readonly log: Log;
  readonly http: HttpWorld;
  readonly slot: OutputSlot;
  /** Silence after which the output is closed; infinite: never. */
  readonly releaseAfter: Millis;
}

/** Another way out for the sound. */
export interface OtherOutput {
  readonly open: OpenOutput;
  /** The only rate it can take, if that is so. */
  readonly fixed: number | null;
  readonly releaseAfter: Millis;
}

/** Carries out what the deck is told. In between the loop plays on by itself, step by step. */
export class Engine implements AsyncDisposable {
  readonly #world: EngineWorld;
  readonly #tell: Tell;
  readonly #loads: LoadSet;
  readonly #hearing: Hearing;
  readonly #feed: OutputFeed;
  readonly #lineUp: LineUp;
  readonly #rescue: Rescue;
  readonly #speech: Speech;
  readonly #playback: Playback;
  readonly #loop: Loop;
  #release: Disposable | null = null;
  #releaseAfter: Millis;

  constructor(world: EngineWorld, tell: Tell) {
    const { clock, log, http, slot } = world;
    const wake = () => this.#loop.command(() => undefined);
    this.#world = world;
    this.#tell = tell;
    this.#releaseAfter = world.releaseAfter;
    const loads = (this.#loads = new LoadSet(http, (id) => tell('wanted', { id })));
    const hearing = (this.#hearing = new Hearing(clock, slot, loads, usualRate, tell));
    const feed = (this.#feed = new OutputFeed(slot, hearing));
    const lineUp = (this.#lineUp = new LineUp(loads, hearing, feed));
    const rescue = (this.#rescue = new Rescue(clock, wake));
    const speech = (this.#speech = new Speech({ clock, http, slot, hearing, feed, tell, onNews: wake }));
    this.#playback = new Playback({ clock, log, slot, loads, hearing, feed, lineUp, rescue, speech, tell });
    this.#loop = new Loop({ step: (turn) => this.#step(turn), failed: (thrown) => this.#playback.fail(thrown), settle: () => this.#settle() });
  }

  play(id: LoadId, playable: Playable, at: Millis, paused: boolean): void {
    this.#loop.command(async () => {
      const lineUp = this.#lineUp;
      const prepared = lineUp.next?.id === id ? lineUp.next : null;
      await this.#unload(prepared);
      const load = prepared ?? this.#loads.make(id, playable);
      if (at > 0 || !prepared) load.startAt(at);
      load.owesPlaying = true;
      lineUp.decoding = load;
      lineUp.isPaused = lineUp.owesPaused = paused;
    });
  }

  follow(next: { readonly id: LoadId; readonly playable: Playable } | null): void {
    this.#loop.command(async () => {
      const lineUp = this.#lineUp;
      if (next && (next.id === lineUp.next?.id || (next.id === lineUp.decoding?.id && lineUp.decoding !== this.#hearing.load))) return;
      await lineUp.unjoin();
      await this.#loads.discard(lineUp.next);
      lineUp.next = next ? this.#loads.make(next.id, next.playable) : null;
      // A failure shows when its turn comes, after a second try.
      lineUp.next?.open().catch((error: unknown) => this.#world.log.debug('What comes next is not ready', { reason: toTonearmError(error).code }));
    });
  }

  /** No command: whoever waits for the addresses is the step that is under way. */
  refresh(id: LoadId, playable: Playable): void {
    for (const load of this.#loads) if (load.id === id) load.refresh(playable);
  }

  pause(): void {
    this.#loop.command(() => {
      const lineUp = this.#lineUp;
      const load = lineUp.heard;
      this.#rescue.callOff();
      if (!load || lineUp.isPaused) return;
      lineUp.pause();
      if (load.owesPlaying) lineUp.owesPaused = true;
      else this.#tell('paused', { id: load.id, position: this.#hearing.position(load) });
    });
  }

  resume(): void {
    this.#loop.command(() => {
      if (!this.#lineUp.heard || !this.#lineUp.isPaused) return;
      this.#rescue.callOff();
      this.#lineUp.resume();
    });
  }

  seek(to: Millis): void {
    this.#loop.command(async () => {
      this.#lineUp.follow();
      const load = this.#lineUp.heard;
      if (load) await this.#lineUp.seek(load, to);
    });
  }

  stop(): void {
    this.#loop.command(() => this.#unload());
  }

  /** Takes effect with the frames that wait for the output now. */
  setGain(gain: number): void {
    this.#feed.setGain(gain);
    if (this.#feed.isWriting) this.#loop.interrupt('The volume changed.');
  }

  announce(id: LoadId, playable: Playable, options: { readonly gain: number; readonly duck: number }): void {
    this.#loop.command(() => this.#speech.say(id, playable, options));
  }

  hush(): void {
    this.#loop.command(() => {
      if (!this.#speech.isBusy) return;
      this.#lineUp.takeBack();
      this.#speech.hush();
    });
  }

  /** The sound goes on elsewhere, from where it is heard. */
  useOutput({ open, fixed, releaseAfter }: OtherOutput): void {
    this.#loop.command(async () => {
      const lineUp = this.#lineUp;
      lineUp.follow();
      const isWaiting = this.#rescue.isWaiting;
      this.#rescue.callOff();
      lineUp.takeBack();
      const load = lineUp.heard;
      const { slot } = this.#world;
      await slot.change(open, fixed);
      this.#releaseAfter = releaseAfter;
      if (load && !slot.suits(this.#hearing.queue.rate)) {
        // Decoded for the rate of the other one.
        load.startAt(this.#hearing.position(load));
        await lineUp.unjoin();
        this.#hearing.queue.clear();
      }
      if (load && isWaiting) lineUp.resume();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#loop.close(async () => {
      await this.#unload();
      await this.#speech[Symbol.asyncDispose]();
      this.#release?.[Symbol.dispose]();
      await this.#world.slot.close().catch(() => undefined);
    });
  }

  async #step(turn: AbortController): Promise<void> {
    const { isFree } = this.#playback;
    const { signal } = turn;
    if (this.#speech.isDue(isFree)) return this.#speech.write(() => this.#playback.openOutput(signal), signal, isFree);
    this.#speech.limit(turn);
    await this.#playback.step(signal);
  }

  async #unload(except: Load | null = null): Promise<void> {
    this.#rescue.callOff();
    await this.#lineUp.unload(except);
  }

  #settle(): void {
    this.#speech.unlimit();
    this.#arrangeTimers();
  }

  /** Listens while something sounds; lets the output go after a silence. */
  #arrangeTimers(): void {
    const { clock, slot } = this.#world;
    const { isClosed } = this.#loop;
    const { decoding, isPaused } = this.#lineUp;
    if (!isClosed) this.#speech.attend();
    const isSounding = decoding !== null && !isPaused && !isClosed;
    this.#hearing.attend(isSounding, decoding, () => {
      this.#lineUp.follow();
      this.#arrangeTimers();
    });
    if (isSounding || this.#speech.isBusy) {
      this.#release?.[Symbol.dispose]();
      this.#release = null;
    } else if (slot.output && !isClosed && this.#releaseAfter !== Infinity) {
      this.#release ??= clock.timer(this.#releaseAfter, () => this.#loop.command(() => this.#letGo()));
    }
  }

  async #letGo(): Promise<void> {
    this.#release = null;
    if ((this.#lineUp.decoding && !this.#lineUp.isPaused) || this.#speech.isBusy) return;
    this.#lineUp.takeBack();
    await this.#world.slot.close().catch(() => undefined);
  }
}
