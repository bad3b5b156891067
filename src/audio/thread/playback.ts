import { abortable, sleep, toTonearmError, type Clock, type Log, type TonearmError } from '#foundation';
import type { Millis } from '#core';
import type { Decoder } from '../decoders/index.ts';
import type { Hearing, Tell } from './hearing.ts';
import type { LineUp } from './line-up.ts';
import type { LoadSet } from './load-set.ts';
import type { Load } from './load.ts';
import { OutputTrouble, type OutputFeed } from './output-feed.ts';
import type { OutputSlot } from './output-slot.ts';
import type { Rescue } from './rescue.ts';
import type { Chunk } from './sound-queue.ts';
import type { Speech } from './speech.ts';

/** Waiting for bytes so long is a stall. */
const stallAfter: Millis = 1000;
/** So long before the last sample is heard a follower is still waited for; then the output plays out. */
const lastCall: Millis = 150;
/** How long a device that was opened again is watched before it counts as working: a player program says only after a moment that it cannot. */
const proof: Millis = 300;
/** What nearly all music has; the output is opened with it while the first bytes are still on their way. */
export const usualRate = 44_100;

export interface PlaybackWorld {
  readonly clock: Clock;
  readonly log: Log;
  readonly slot: OutputSlot;
  readonly loads: LoadSet;
  readonly hearing: Hearing;
  readonly feed: OutputFeed;
  readonly lineUp: LineUp;
  readonly rescue: Rescue;
  readonly speech: Speech;
  readonly tell: Tell;
}

/** How what is lined up becomes sound, step by step: bytes → deciphering → decoding → gain → output; and what happens when one fails. */
export class Playback {
  readonly #world: PlaybackWorld;

  constructor(world: PlaybackWorld) {
    this.#world = world;
  }

  /** No music is heard or about to be: whatever is said may take its time. */
  get isFree(): boolean {
    const { lineUp, rescue } = this.#world;
    return !lineUp.decoding || (lineUp.isPaused && !lineUp.owesPaused && !rescue.isDue);
  }

  async step(signal: AbortSignal): Promise<void> {
    const { lineUp, rescue, hearing, tell } = this.#world;
    const load = lineUp.decoding;
    if (!load) return never(signal);
    if (rescue.isDue) return this.#tryAgain(signal);
    if (lineUp.isPaused) {
      if (lineUp.owesPaused) {
        await this.#ready(load, signal);
        lineUp.owesPaused = false;
        tell('paused', { id: load.id, position: hearing.position(load) });
      }
      return never(signal);
    }
    const chunk = hearing.queue.next;
    if (chunk) return this.#write(chunk, signal);
    if (!load.isDone) return this.#decode(load, signal);
    return load.failure ? this.#playOut(load, load.failure.thrown, signal) : this.#finish(load, signal);
  }

  /** Makes sure of an output for sound of this rate. */
  openOutput(signal: AbortSignal, rate = this.#world.hearing.queue.rate): Promise<void> {
    return this.#world.feed.open(rate, signal, () => this.#world.lineUp.follow());
  }

  async fail(thrown: unknown): Promise<void> {
    const { log, lineUp, hearing, loads, tell } = this.#world;
    const load = lineUp.decoding;
    if (!load) {
      log.error('The audio thread made a mistake', { reason: String(thrown) });
      return;
    }
    if (thrown instanceof OutputTrouble) {
      await this.#loseOutput(load, thrown.error);
      return;
    }
    if (load === hearing.load && !load.failure) {
      load.failure = { thrown };
      load.isDone = true;
      return;
    }
    const before = hearing.load;
    if (before && before !== load) tell('ended', { id: before.id });
    lineUp.forget();
    hearing.queue.withdraw(load);
    tell('failed', { id: load.id, error: toTonearmError(thrown, 'audio/unexpected') });
    await loads.discardAllBut();
  }

  /** Opens the load and moves it to where it is to begin. */
  async #ready(load: Load, signal: AbortSignal): Promise<Decoder> {
    const decoder = await abortable(load.open(), signal);
    const to = load.seekTo;
    if (to !== null) {
      await decoder.seek(Math.round((to * decoder.rate) / 1000), signal);
      load.seekTo = null;
    }
    if (load.owesMoved) {
      load.owesMoved = false;
      this.#world.tell('moved', { id: load.id, position: load.from });
    }
    return decoder;
  }

  async #decode(load: Load, signal: AbortSignal): Promise<void> {
    const { slot, hearing } = this.#world;
    // The output is opened while the first bytes are on their way.
    const both = Promise.allSettled([this.#ready(load, signal), slot.output ? null : this.openOutput(signal, usualRate)]);
    const [opened, warmed] = await hearing.watch({ patience: stallAfter }, both);
    if (opened.status === 'rejected') throw opened.reason;
    if (warmed.status === 'rejected') throw warmed.reason;
    const decoder = opened.value;
    if (!slot.fits(decoder.rate)) await this.openOutput(signal, decoder.rate);
    load.isTouched = true;
    const block = await hearing.watch({ patience: stallAfter }, decoder.read(signal));
    const sound = load.adapt(block, decoder.rate, hearing.queue.rate);
    if (sound) hearing.queue.push(load, sound.at, sound.frames);
    load.isDone = !block;
  }

  async #write(chunk: Chunk<Load>, signal: AbortSignal): Promise<void> {
    const { slot, hearing, feed, rescue, lineUp } = this.#world;
    const { load, position } = chunk;
    if (!slot.output) await this.openOutput(signal);
    await feed.write(chunk, signal);
    hearing.queue.sent();
    rescue.took();
    if (load.owesPlaying && (hearing.load === null || hearing.load === load)) hearing.announce(load, position);
    lineUp.follow();
  }

  /** Everything is decoded and written: goes on with what follows, or lets the output play out. */
  async #finish(load: Load, signal: AbortSignal): Promise<void> {
    const { clock, lineUp, hearing, loads, tell } = this.#world;
    if (lineUp.next) {
      lineUp.decoding = lineUp.next;
      lineUp.decoding.owesPlaying = true;
      lineUp.next = null;
      return;
    }
    const left = this.#musicLeft;
    if (left > lastCall) return sleep(clock, Math.ceil(left - lastCall), signal);
    await this.#letHear(signal);
    lineUp.follow();
    lineUp.forget();
    hearing.queue.clear();
    tell('ended', { id: load.id });
    await loads.discard(load);
  }

  /** Lets what was decoded before a failure be heard; where that ends the failure takes effect, and the silence begins. */
  async #playOut(load: Load, failure: unknown, signal: AbortSignal): Promise<void> {
    await this.#letHear(signal);
    this.#world.tell('stalled', { id: load.id, position: this.#world.hearing.position(load) });
    throw failure;
  }

  /** How long until the last of the music that was written is heard. */
  get #musicLeft(): Millis {
    const { speech, slot, hearing } = this.#world;
    return speech.isBusy ? (hearing.queue.musicLeft(slot.unheard) * 1000) / hearing.queue.rate : (slot.output?.delay ?? 0);
  }

  /** Resolves when the music that was written was heard, whatever is said behind it. */
  #letHear(signal: AbortSignal): Promise<void> {
    const { clock, speech, feed } = this.#world;
    return speech.isBusy ? sleep(clock, Math.ceil(this.#musicLeft), signal) : feed.drain(signal);
  }

  /**
   * The output is gone. One that had worked is opened again at once, and the gap is a stall. Else the failure is told, playback stands
   * still, and the output is tried again from time to time.
   */
  async #loseOutput(load: Load, error: TonearmError): Promise<void> {
    const { log, slot, lineUp, hearing, rescue, tell } = this.#world;
    const isRetry = rescue.isDue;
    const heard = hearing.load ?? load;
    lineUp.takeBack();
    const position = hearing.position(heard);
    await slot.close().catch(() => undefined);
    if (rescue.failed()) {
      log.warn('The output was lost and is opened again', { code: error.code, reason: error.message });
    } else if (isRetry) {
      log.debug('The output does not work yet', { code: error.code, reason: error.message });
      return;
    } else {
      lineUp.isPaused = true;
      lineUp.owesPaused = false;
    }
    if (hearing.load && !hearing.isStalled) tell('stalled', { id: heard.id, position });
    hearing.isStalled = !lineUp.isPaused;
    heard.owesPlaying = true;
    if (lineUp.isPaused) tell('failed', { id: heard.id, error });
  }

  /** Opens the output that failed; playback goes on when it holds. */
  async #tryAgain(signal: AbortSignal): Promise<void> {
    const { clock, feed, rescue, lineUp } = this.#world;
    await this.openOutput(signal);
    await sleep(clock, proof, signal);
    await feed.probe(signal);
    rescue.reopened();
    lineUp.resume();
  }
}

/** Waits for the next command. */
function never(signal: AbortSignal): Promise<void> {
  return abortable(new Promise<void>(() => undefined), signal);
}
