import { abortable, sleep, toTonearmError, type Clock, type Log, type TonearmError } from '#foundation';
import type { LoadId, Millis, Playable } from '#core';
import type { HttpWorld } from '../bytes/index.ts';
import type { Decoder } from '../decoders/index.ts';
import { Hearing, type Tell } from './hearing.ts';
import { LoadSet } from './load-set.ts';
import type { Load } from './load.ts';
import { OutputFeed, OutputTrouble } from './output-feed.ts';
import type { OpenOutput, OutputSlot } from './output-slot.ts';
import { Rescue } from './rescue.ts';
import type { Chunk } from './sound-queue.ts';
import { Speech } from './speech.ts';

/** Waiting for bytes so long is a stall. */
const stallAfter: Millis = 1000;
/** So long before the last sample is heard a follower is still waited for; then the output plays out. */
const lastCall: Millis = 150;
/** How long a device that was opened again is watched before it counts as working: a player program says only after a moment that it cannot. */
const proof: Millis = 300;
/** What nearly all music has; the output is opened with it while the first bytes are still on their way. */
const usualRate = 44_100;

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

/**
 * The loop: bytes → deciphering → decoding → gain → output. One thing happens at a time: a command ends the step that is under way,
 * is carried out between steps, and the next step follows from the new state.
 */
export class Engine implements AsyncDisposable {
  readonly #world: EngineWorld;
  readonly #tell: Tell;
  #inbox: (() => Promise<void> | void)[] = [];
  #turn = new AbortController();
  readonly #loads: LoadSet;
  readonly #hearing: Hearing;
  readonly #feed: OutputFeed;
  /** The load that is decoded now. */
  #decoding: Load | null = null;
  /** What follows it. */
  #next: Load | null = null;
  #paused = false;
  /** `paused` is due as soon as the load is ready. */
  #owesPaused = false;
  #release: Disposable | null = null;
  readonly #rescue: Rescue;
  readonly #speech: Speech;
  #releaseAfter: Millis;
  #closed = false;
  readonly #running: Promise<void>;

  constructor(world: EngineWorld, tell: Tell) {
    this.#world = world;
    this.#tell = tell;
    this.#loads = new LoadSet(world.http, (id) => tell('wanted', { id }));
    this.#hearing = new Hearing(world.clock, world.slot, this.#loads, usualRate, tell);
    this.#feed = new OutputFeed(world.slot, this.#hearing);
    this.#rescue = new Rescue(world.clock, () => this.#command(() => undefined));
    this.#speech = new Speech({ clock: world.clock, http: world.http, slot: world.slot, hearing: this.#hearing, feed: this.#feed, tell, onNews: () => this.#command(() => undefined) });
    this.#releaseAfter = world.releaseAfter;
    this.#running = this.#run();
  }

  play(id: LoadId, playable: Playable, at: Millis, paused: boolean): void {
    this.#command(async () => {
      const prepared = this.#next?.id === id ? this.#next : null;
      await this.#unload(prepared);
      const load = prepared ?? this.#loads.make(id, playable);
      if (at > 0 || !prepared) load.startAt(at);
      load.owesPlaying = true;
      this.#decoding = load;
      this.#paused = this.#owesPaused = paused;
    });
  }

  follow(next: { readonly id: LoadId; readonly playable: Playable } | null): void {
    this.#command(async () => {
      if (next && (next.id === this.#next?.id || (next.id === this.#decoding?.id && this.#decoding !== this.#hearing.load))) return;
      await this.#unjoin();
      await this.#loads.discard(this.#next);
      this.#next = next ? this.#loads.make(next.id, next.playable) : null;
      // A failure shows when its turn comes, after a second try.
      this.#next?.open().catch((error: unknown) => this.#world.log.debug('What comes next is not ready', { reason: toTonearmError(error).code }));
    });
  }

  /** Not in the inbox: whoever waits for the addresses is the step that is under way. */
  refresh(id: LoadId, playable: Playable): void {
    for (const load of this.#loads) if (load.id === id) load.refresh(playable);
  }

  pause(): void {
    this.#command(() => {
      const load = this.#heard;
      this.#rescue.callOff();
      if (!load || this.#paused) return;
      this.#paused = true;
      this.#hearing.isStalled = false;
      this.#takeBack();
      this.#feed.settleGain();
      if (load.owesPlaying) this.#owesPaused = true;
      else this.#tell('paused', { id: load.id, position: this.#hearing.position(load) });
    });
  }

  resume(): void {
    this.#command(() => {
      const load = this.#heard;
      if (!load || !this.#paused) return;
      this.#rescue.callOff();
      this.#paused = this.#owesPaused = false;
      load.owesPlaying = true;
    });
  }

  seek(to: Millis): void {
    this.#command(async () => {
      this.#follow();
      const load = this.#heard;
      if (!load) return;
      this.#feed.takeBack();
      this.#feed.settleGain();
      this.#hearing.queue.clear();
      if (this.#decoding && this.#decoding !== load) {
        // The follower had begun behind the scenes: it goes back to waiting.
        this.#decoding.startAt(0);
        this.#next = this.#decoding;
        this.#decoding = load;
        await this.#loads.discardAllBut(load, this.#next);
      }
      load.startAt(to);
      load.owesPlaying = true;
      load.owesMoved = true;
      this.#hearing.isStalled = false;
      if (this.#paused) this.#owesPaused = true;
    });
  }

  stop(): void {
    this.#command(() => this.#unload());
  }

  /** Takes effect with the frames that wait for the output now. */
  setGain(gain: number): void {
    this.#feed.setGain(gain);
    if (this.#feed.isWriting) this.#turn.abort(new DOMException('The volume changed.', 'AbortError'));
  }

  announce(id: LoadId, playable: Playable, options: { readonly gain: number; readonly duck: number }): void {
    this.#command(() => this.#speech.say(id, playable, options));
  }

  hush(): void {
    this.#command(() => {
      if (!this.#speech.isBusy) return;
      this.#takeBack();
      this.#speech.hush();
    });
  }

  /** The sound goes on elsewhere, from where it is heard. */
  useOutput({ open, fixed, releaseAfter }: OtherOutput): void {
    this.#command(async () => {
      this.#follow();
      const isWaiting = this.#rescue.isWaiting;
      this.#rescue.callOff();
      this.#takeBack();
      const load = this.#heard;
      const { slot } = this.#world;
      await slot.change(open, fixed);
      this.#releaseAfter = releaseAfter;
      if (load && !slot.suits(this.#hearing.queue.rate)) {
        // Decoded for the rate of the other one.
        load.startAt(this.#hearing.position(load));
        await this.#unjoin();
        this.#hearing.queue.clear();
      }
      if (!load || !isWaiting) return;
      this.#paused = this.#owesPaused = false;
      load.owesPlaying = true;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) {
      this.#command(async () => {
        this.#closed = true;
        await this.#unload();
        await this.#speech[Symbol.asyncDispose]();
        this.#release?.[Symbol.dispose]();
        await this.#world.slot.close().catch(() => undefined);
      });
    }
    await this.#running;
  }

  #command(run: () => Promise<void> | void): void {
    this.#inbox.push(run);
    this.#turn.abort(new DOMException('A command came.', 'AbortError'));
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const command = this.#inbox.shift();
      if (this.#turn.signal.aborted) this.#turn = new AbortController();
      const { signal } = this.#turn;
      try {
        if (command) await command();
        else if (this.#speech.isDue(this.#isFree)) await this.#speech.write(() => this.#openOutput(this.#hearing.queue.rate, signal), signal, this.#isFree);
        else {
          this.#speech.limit(this.#turn);
          await this.#step(signal);
        }
      } catch (error) {
        if (command || !signal.aborted) await this.#fail(error);
      }
      this.#speech.unlimit();
      this.#arrangeTimers();
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    const load = this.#decoding;
    if (!load) return never(signal);
    if (this.#rescue.isDue) return this.#tryAgain(signal);
    if (this.#paused) {
      if (this.#owesPaused) {
        await this.#ready(load, signal);
        this.#owesPaused = false;
        this.#tell('paused', { id: load.id, position: this.#hearing.position(load) });
      }
      return never(signal);
    }
    const chunk = this.#hearing.queue.next;
    if (chunk) return this.#write(chunk, signal);
    if (!load.isDone) return this.#decode(load, signal);
    return load.failure ? this.#playOut(load, load.failure.thrown, signal) : this.#finish(load, signal);
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
      this.#tell('moved', { id: load.id, position: load.from });
    }
    return decoder;
  }

  async #decode(load: Load, signal: AbortSignal): Promise<void> {
    const { slot } = this.#world;
    // The output is opened while the first bytes are on their way.
    const both = Promise.allSettled([this.#ready(load, signal), slot.output ? null : this.#openOutput(usualRate, signal)]);
    const [opened, warmed] = await this.#hearing.watch({ patience: stallAfter }, both);
    if (opened.status === 'rejected') throw opened.reason;
    if (warmed.status === 'rejected') throw warmed.reason;
    const decoder = opened.value;
    if (!slot.fits(decoder.rate)) await this.#openOutput(decoder.rate, signal);
    load.isTouched = true;
    const block = await this.#hearing.watch({ patience: stallAfter }, decoder.read(signal));
    const sound = load.adapt(block, decoder.rate, this.#hearing.queue.rate);
    if (sound) this.#hearing.queue.push(load, sound.at, sound.frames);
    load.isDone = !block;
  }

  #openOutput(rate: number, signal: AbortSignal): Promise<void> {
    return this.#feed.open(rate, signal, () => this.#follow());
  }

  async #write(chunk: Chunk<Load>, signal: AbortSignal): Promise<void> {
    const { load, position } = chunk;
    const hearing = this.#hearing;
    if (!this.#world.slot.output) await this.#openOutput(hearing.queue.rate, signal);
    await this.#feed.write(chunk, signal);
    hearing.queue.sent();
    this.#rescue.took();
    if (load.owesPlaying && (hearing.load === null || hearing.load === load)) hearing.announce(load, position);
    this.#follow();
  }

  /** Everything is decoded and written: goes on with what follows, or lets the output play out. */
  async #finish(load: Load, signal: AbortSignal): Promise<void> {
    if (this.#next) {
      this.#decoding = this.#next;
      this.#decoding.owesPlaying = true;
      this.#next = null;
      return;
    }
    const left = this.#musicLeft;
    if (left > lastCall) return sleep(this.#world.clock, Math.ceil(left - lastCall), signal);
    await this.#letHear(signal);
    this.#follow();
    this.#decoding = this.#hearing.load = null;
    this.#hearing.queue.clear();
    this.#tell('ended', { id: load.id });
    await this.#loads.discard(load);
  }

  /** Lets what was decoded before a failure be heard; where that ends the failure takes effect, and the silence begins. */
  async #playOut(load: Load, failure: unknown, signal: AbortSignal): Promise<void> {
    await this.#letHear(signal);
    this.#tell('stalled', { id: load.id, position: this.#hearing.position(load) });
    throw failure;
  }

  /** How long until the last of the music that was written is heard. */
  get #musicLeft(): Millis {
    const { queue } = this.#hearing;
    return this.#speech.isBusy ? (queue.musicLeft(this.#world.slot.unheard) * 1000) / queue.rate : (this.#world.slot.output?.delay ?? 0);
  }

  /** Resolves when the music that was written was heard, whatever is said behind it. */
  #letHear(signal: AbortSignal): Promise<void> {
    return this.#speech.isBusy ? sleep(this.#world.clock, Math.ceil(this.#musicLeft), signal) : this.#feed.drain(signal);
  }

  /** No music is heard or about to be: whatever is said may take its time. */
  get #isFree(): boolean {
    return !this.#decoding || (this.#paused && !this.#owesPaused && !this.#rescue.isDue);
  }

  /** Gets back from the output what was not heard. */
  #takeBack(): void {
    this.#hearing.queue.restore(this.#feed.takeBack());
  }

  /** The follower's sound that is not heard yet is taken back, so that something else can follow. */
  async #unjoin(): Promise<void> {
    this.#follow();
    const heard = this.#hearing.load;
    if (!heard || this.#decoding === heard) return;
    this.#takeBack();
    for (const load of this.#loads) if (load !== heard) this.#hearing.queue.withdraw(load);
    this.#decoding = heard;
    await this.#loads.discardAllBut(heard, this.#next);
  }

  async #unload(except: Load | null = null): Promise<void> {
    this.#feed.takeBack();
    this.#rescue.callOff();
    this.#feed.settleGain();
    this.#hearing.queue.clear();
    this.#decoding = this.#next = this.#hearing.load = null;
    this.#paused = this.#owesPaused = this.#hearing.isStalled = false;
    await this.#loads.discardAllBut(except);
  }

  async #fail(thrown: unknown): Promise<void> {
    const load = this.#decoding;
    if (!load) {
      this.#world.log.error('The audio thread made a mistake', { reason: String(thrown) });
      return;
    }
    if (thrown instanceof OutputTrouble) {
      await this.#loseOutput(load, thrown.error);
      return;
    }
    if (load === this.#hearing.load && !load.failure) {
      load.failure = { thrown };
      load.isDone = true;
      return;
    }
    const before = this.#hearing.load;
    if (before && before !== load) this.#tell('ended', { id: before.id });
    this.#decoding = this.#next = this.#hearing.load = null;
    this.#hearing.queue.withdraw(load);
    this.#tell('failed', { id: load.id, error: toTonearmError(thrown, 'audio/unexpected') });
    await this.#loads.discardAllBut();
  }

  /**
   * The output is gone. One that had worked is opened again at once, and the gap is a stall. Else the failure is told, playback stands
   * still, and the output is tried again from time to time.
   */
  async #loseOutput(load: Load, error: TonearmError): Promise<void> {
    const { log, slot } = this.#world;
    const isRetry = this.#rescue.isDue;
    const heard = this.#hearing.load ?? load;
    this.#takeBack();
    const position = this.#hearing.position(heard);
    await slot.close().catch(() => undefined);
    if (this.#rescue.failed()) {
      log.warn('The output was lost and is opened again', { code: error.code, reason: error.message });
    } else if (isRetry) {
      log.debug('The output does not work yet', { code: error.code, reason: error.message });
      return;
    } else {
      this.#paused = true;
      this.#owesPaused = false;
    }
    if (this.#hearing.load && !this.#hearing.isStalled) this.#tell('stalled', { id: heard.id, position });
    this.#hearing.isStalled = !this.#paused;
    heard.owesPlaying = true;
    if (this.#paused) this.#tell('failed', { id: heard.id, error });
  }

  /** Opens the output that failed; playback goes on when it holds. */
  async #tryAgain(signal: AbortSignal): Promise<void> {
    await this.#openOutput(this.#hearing.queue.rate, signal);
    await sleep(this.#world.clock, proof, signal);
    await this.#feed.probe(signal);
    this.#rescue.reopened();
    this.#paused = this.#owesPaused = false;
    const load = this.#heard;
    if (load) load.owesPlaying = true;
  }

  /** The load a command is about. */
  get #heard(): Load | null {
    return this.#hearing.load ?? this.#decoding;
  }

  #follow(): void {
    this.#hearing.follow(this.#decoding, this.#next);
  }

  /** Listens while something sounds; lets the output go after a silence. */
  #arrangeTimers(): void {
    const { clock, slot } = this.#world;
    if (!this.#closed) this.#speech.attend();
    const isSounding = this.#decoding !== null && !this.#paused && !this.#closed;
    this.#hearing.attend(isSounding, this.#decoding, () => {
      this.#follow();
      this.#arrangeTimers();
    });
    if (isSounding || this.#speech.isBusy) {
      this.#release?.[Symbol.dispose]();
      this.#release = null;
    } else if (slot.output && !this.#closed && this.#releaseAfter !== Infinity) {
      this.#release ??= clock.timer(this.#releaseAfter, () => this.#command(() => this.#letGo()));
    }
  }

  async #letGo(): Promise<void> {
    this.#release = null;
    if ((this.#decoding && !this.#paused) || this.#speech.isBusy) return;
    this.#takeBack();
    await this.#world.slot.close().catch(() => undefined);
  }
}

/** Waits for the next command. */
function never(signal: AbortSignal): Promise<void> {
  return abortable(new Promise<void>(() => undefined), signal);
}
