import { abortable, every, sleep, toTonearmError, type Clock, type Log } from '#foundation';
import type { DeckEvents, LoadId, Millis, Playable } from '#core';
import type { HttpWorld } from '../bytes/index.ts';
import type { Decoder } from '../decoders/index.ts';
import { Gain } from '../gain/gain.ts';
import { Limiter } from '../gain/limiter.ts';
import { Load } from './load.ts';
import type { OutputSlot } from './output-slot.ts';
import { SoundQueue, type Chunk } from './sound-queue.ts';

/** Waiting for bytes so long is a stall. */
const stallAfter: Millis = 1000;
/** Waiting for the output so long is one too: outputs hold at most about a second. */
const blockedAfter: Millis = 2000;
const ticksPerSecond = 4;
/** So long before the last sample is heard a follower is still waited for; then the output plays out. */
const lastCall: Millis = 150;
/** What nearly all music has; the output is opened with it while the first bytes are still on their way. */
const usualRate = 44_100;

export interface EngineWorld {
  readonly clock: Clock;
  readonly log: Log;
  readonly http: HttpWorld;
  readonly slot: OutputSlot;
  /** Silence after which the output is closed. */
  readonly releaseAfter: Millis;
}

export type Tell = <Name extends keyof DeckEvents>(name: Name, event: DeckEvents[Name]) => void;

/** Thrown within the engine: the trouble is the output's, and the load is as good as before. */
class OutputTrouble extends Error {}

/**
 * The loop: bytes → deciphering → decoding → gain → output. One thing happens at a time: a command ends the step that is under way,
 * is carried out between steps, and the next step follows from the new state.
 */
export class Engine implements AsyncDisposable {
  readonly #world: EngineWorld;
  readonly #tell: Tell;
  readonly #gain = new Gain();
  readonly #limiter = new Limiter();
  #inbox: (() => Promise<void> | void)[] = [];
  #turn = new AbortController();
  #queue = new SoundQueue<Load>(usualRate);
  /** The load that is decoded now. */
  #decoding: Load | null = null;
  /** What follows it. */
  #next: Load | null = null;
  /** The load that is heard; another than `#decoding` for the moment in which the end of one waits in the output. */
  #audible: Load | null = null;
  #paused = false;
  /** `paused` is due as soon as the load is ready. */
  #owesPaused = false;
  #stalled = false;
  #isWriting = false;
  /** What the step under way waits for since when. */
  #waiting: { readonly since: Millis; readonly patience: Millis } | null = null;
  #ticks = 0;
  /** Every load not given back, oldest first. */
  readonly #alive = new Set<Load>();
  #ticker: Disposable | null = null;
  #border: Disposable | null = null;
  #release: Disposable | null = null;
  #closed = false;
  readonly #running: Promise<void>;

  constructor(world: EngineWorld, tell: Tell) {
    this.#world = world;
    this.#tell = tell;
    this.#running = this.#run();
  }

  play(id: LoadId, playable: Playable, at: Millis, paused: boolean): void {
    this.#command(async () => {
      const prepared = this.#next?.id === id ? this.#next : null;
      await this.#unload(prepared);
      const load = prepared ?? this.#makeLoad(id, playable);
      if (at > 0 || !prepared) load.startAt(at);
      load.owesPlaying = true;
      this.#decoding = load;
      this.#paused = this.#owesPaused = paused;
    });
  }

  follow(next: { readonly id: LoadId; readonly playable: Playable } | null): void {
    this.#command(async () => {
      if (next && (next.id === this.#next?.id || (next.id === this.#decoding?.id && this.#decoding !== this.#audible))) return;
      await this.#unjoin();
      await this.#discard(this.#next);
      this.#next = next ? this.#makeLoad(next.id, next.playable) : null;
      // A failure shows when its turn comes, after a second try.
      this.#next?.open().catch((error: unknown) => this.#world.log.debug('What comes next is not ready', { reason: toTonearmError(error).code }));
    });
  }

  /** Not in the inbox: whoever waits for the addresses is the step that is under way. */
  refresh(id: LoadId, playable: Playable): void {
    for (const load of this.#alive) if (load.id === id) load.refresh(playable);
  }

  pause(): void {
    this.#command(() => {
      const load = this.#audible ?? this.#decoding;
      if (!load || this.#paused) return;
      this.#paused = true;
      this.#stalled = false;
      this.#takeBack();
      if (load.owesPlaying) this.#owesPaused = true;
      else this.#tell('paused', { id: load.id, position: this.#position(load) });
    });
  }

  resume(): void {
    this.#command(() => {
      const load = this.#audible ?? this.#decoding;
      if (!load || !this.#paused) return;
      this.#paused = this.#owesPaused = false;
      load.owesPlaying = true;
    });
  }

  seek(to: Millis): void {
    this.#command(async () => {
      this.#follow();
      const load = this.#audible ?? this.#decoding;
      if (!load) return;
      this.#world.slot.drop();
      this.#queue.clear();
      if (this.#decoding && this.#decoding !== load) {
        // The follower had begun behind the scenes: it goes back to waiting.
        this.#decoding.startAt(0);
        this.#next = this.#decoding;
        this.#decoding = load;
        await this.#discard(...[...this.#alive].filter((other) => other !== load && other !== this.#next));
      }
      load.startAt(to);
      load.owesPlaying = true;
      load.owesMoved = true;
      this.#stalled = false;
      if (this.#paused) this.#owesPaused = true;
    });
  }

  stop(): void {
    this.#command(() => this.#unload());
  }

  /** Takes effect with the frames that wait for the output now. */
  setGain(gain: number): void {
    if (this.#ticker) this.#gain.aim(gain, this.#queue.rate);
    else this.#gain.reset(gain);
    if (this.#isWriting) this.#turn.abort(new DOMException('The volume changed.', 'AbortError'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) {
      this.#command(async () => {
        this.#closed = true;
        await this.#unload();
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

  #makeLoad(id: LoadId, playable: Playable): Load {
    const load = new Load(id, playable, this.#world.http, () => this.#tell('wanted', { id }));
    this.#alive.add(load);
    return load;
  }

  async #discard(...loads: readonly (Load | null)[]): Promise<void> {
    for (const load of loads) {
      if (!load || !this.#alive.delete(load)) continue;
      this.#queue.withdraw(load);
      await load[Symbol.asyncDispose]();
    }
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const command = this.#inbox.shift();
      if (this.#turn.signal.aborted) this.#turn = new AbortController();
      const { signal } = this.#turn;
      try {
        if (command) await command();
        else await this.#step(signal);
      } catch (error) {
        if (command || !signal.aborted) await this.#fail(error);
      }
      this.#arrangeTimers();
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    const load = this.#decoding;
    if (!load) return never(signal);
    if (this.#paused) {
      if (this.#owesPaused) {
        await this.#ready(load, signal);
        this.#owesPaused = false;
        this.#tell('paused', { id: load.id, position: this.#position(load) });
      }
      return never(signal);
    }
    const chunk = this.#queue.next;
    if (chunk) return this.#write(chunk, signal);
    return load.isDone ? this.#finish(load, signal) : this.#decode(load, signal);
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
    const [opened, warmed] = await Promise.allSettled([this.#ready(load, signal), slot.output ? null : this.#openOutput(usualRate, signal)]);
    if (opened.status === 'rejected') throw opened.reason;
    if (warmed.status === 'rejected') throw warmed.reason;
    const decoder = opened.value;
    if (!slot.fits(decoder.rate)) await this.#openOutput(decoder.rate, signal);
    load.isTouched = true;
    const block = await this.#watch(stallAfter, decoder.read(signal));
    const sound = load.adapt(block ?? null, decoder.rate, this.#queue.rate);
    if (sound) this.#queue.push(load, sound.at, sound.frames);
    load.isDone = !block;
  }

  async #openOutput(rate: number, signal: AbortSignal): Promise<void> {
    const output = await this.#world.slot.open(rate, signal).catch(asTrouble(signal));
    if (output.format.rate === this.#queue.rate) return;
    this.#follow();
    this.#queue = new SoundQueue(output.format.rate);
  }

  async #write(chunk: Chunk<Load>, signal: AbortSignal): Promise<void> {
    const { slot } = this.#world;
    if (!slot.output) await this.#openOutput(this.#queue.rate, signal);
    const { load } = chunk;
    const mark = this.#gain.mark;
    let samples = this.#gain.apply(chunk.samples, load.factor);
    if (load.factor > 1) samples = this.#limiter.apply(samples, this.#queue.rate);
    this.#isWriting = true;
    try {
      await this.#watch(blockedAfter, slot.output?.write(samples, signal).catch(asTrouble(signal)));
    } catch (error) {
      this.#gain.rewind(mark);
      throw error;
    } finally {
      this.#isWriting = false;
    }
    this.#queue.sent();
    if (load.owesPlaying && (this.#audible === null || this.#audible === load)) this.#announce(load, chunk.position);
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
    const { output } = this.#world.slot;
    const left = output?.delay ?? 0;
    if (left > lastCall) return sleep(this.#world.clock, Math.ceil(left - lastCall), signal);
    await output?.drain(signal).catch(asTrouble(signal));
    this.#follow();
    this.#decoding = this.#audible = null;
    this.#queue.clear();
    this.#tell('ended', { id: load.id });
    await this.#discard(load);
  }

  #announce(load: Load, position: Millis): void {
    load.owesPlaying = false;
    this.#stalled = false;
    this.#audible = load;
    this.#tell('playing', { id: load.id, position });
    if (!load.isMeasured) void this.#measure(load);
  }

  async #measure(load: Load): Promise<void> {
    load.isMeasured = true;
    try {
      const decoder = await load.open();
      const frames = await decoder.measure(load.signal);
      if (frames !== null) this.#tell('measured', { id: load.id, duration: (frames * 1000) / decoder.rate });
    } catch {
      // The length is only told; what cannot be read shows when it is played.
    }
  }

  /** Notices when the audible load has become another one. */
  #follow(): void {
    const place = this.#queue.audible(this.#world.slot.unheard);
    const before = this.#audible;
    if (!before || before === this.#decoding) return;
    // The last frames of a load that was taken back may still be in there.
    const heard = place && this.#alive.has(place.load) ? place.load : before;
    const isOver = heard === before && this.#queue.isSilent;
    if (heard === before && !isOver) return;
    const now = isOver ? this.#decoding : heard;
    // Very short loads may have come and gone since the last look.
    for (const load of [...this.#alive]) {
      if (load === now) break;
      if (load === this.#next) continue;
      if (load !== before) this.#tell('playing', { id: load.id, position: 0 });
      this.#tell('ended', { id: load.id });
      void this.#discard(load);
    }
    this.#audible = null;
    if (place && !isOver) this.#announce(place.load, place.position);
  }

  #position(load: Load): Millis {
    const place = this.#queue.audible(this.#world.slot.unheard);
    return place?.load === load ? place.position : load.from;
  }

  /** Waits for what may take long; the ticker says so when it does. */
  async #watch<T>(patience: Millis, work: Promise<T> | undefined): Promise<T | undefined> {
    this.#waiting = { since: this.#world.clock.monotonic(), patience };
    try {
      return await work;
    } finally {
      this.#waiting = null;
    }
  }

  /** Gets back from the output what was not heard. */
  #takeBack(): void {
    this.#queue.restore(this.#world.slot.drop());
  }

  /** The follower's sound that is not heard yet is taken back, so that something else can follow. */
  async #unjoin(): Promise<void> {
    this.#follow();
    const heard = this.#audible;
    if (!heard || this.#decoding === heard) return;
    this.#takeBack();
    this.#decoding = heard;
    await this.#discard(...[...this.#alive].filter((load) => load !== heard && load !== this.#next));
  }

  async #unload(except: Load | null = null): Promise<void> {
    this.#world.slot.drop();
    this.#queue.clear();
    this.#decoding = this.#next = this.#audible = null;
    this.#paused = this.#owesPaused = this.#stalled = false;
    await this.#discard(...[...this.#alive].filter((load) => load !== except));
  }

  async #fail(thrown: unknown): Promise<void> {
    const load = this.#decoding;
    if (!load) {
      this.#world.log.error('The audio thread made a mistake', { reason: String(thrown) });
      return;
    }
    if (thrown instanceof OutputTrouble) {
      const heard = this.#audible ?? load;
      this.#takeBack();
      await this.#world.slot.close().catch(() => undefined);
      this.#paused = true;
      this.#owesPaused = false;
      this.#tell('failed', { id: heard.id, error: toTonearmError(thrown.cause, 'output/failed') });
      return;
    }
    if (this.#audible && this.#audible !== load) this.#tell('ended', { id: this.#audible.id });
    this.#decoding = this.#next = this.#audible = null;
    this.#tell('failed', { id: load.id, error: toTonearmError(thrown, 'audio/unexpected') });
    await this.#discard(...this.#alive);
  }

  /** Ticks while something is heard, looks out for the border between two loads, lets the output go after a silence. */
  #arrangeTimers(): void {
    const { clock, slot, releaseAfter } = this.#world;
    const isSounding = this.#decoding !== null && !this.#paused && !this.#closed;
    if (isSounding) {
      this.#ticker ??= every(clock, 1000 / ticksPerSecond, () => this.#tick());
      this.#release?.[Symbol.dispose]();
      this.#release = null;
    } else {
      this.#ticker?.[Symbol.dispose]();
      this.#ticker = null;
      if (slot.output && !this.#closed) this.#release ??= clock.timer(releaseAfter, () => this.#command(() => this.#letGo()));
    }
    this.#border?.[Symbol.dispose]();
    this.#border = null;
    if (isSounding && this.#audible && this.#audible !== this.#decoding) {
      const frames = this.#queue.border(slot.unheard) ?? slot.unheard;
      this.#border = clock.timer(Math.max(10, (frames * 1000) / this.#queue.rate), () => {
        this.#follow();
        this.#arrangeTimers();
      });
    }
  }

  #tick(): void {
    const load = this.#audible;
    if (!load || load.owesPlaying || this.#stalled) return;
    const { clock } = this.#world;
    if (this.#waiting && clock.monotonic() - this.#waiting.since >= this.#waiting.patience && this.#world.slot.unheard === 0) {
      this.#stalled = load.owesPlaying = true;
      this.#tell('stalled', { id: load.id, position: this.#position(load) });
    } else if (++this.#ticks % ticksPerSecond === 0) {
      this.#tell('moved', { id: load.id, position: this.#position(load) });
    }
  }

  async #letGo(): Promise<void> {
    this.#release = null;
    if (this.#decoding && !this.#paused) return;
    this.#takeBack();
    await this.#world.slot.close().catch(() => undefined);
  }
}

/** Waits for the next command. */
function never(signal: AbortSignal): Promise<void> {
  return abortable(new Promise<void>(() => undefined), signal);
}

/** Marks an output's errors as such; our own interruption stays what it is. */
function asTrouble(signal: AbortSignal): (error: unknown) => never {
  return (error) => {
    throw signal.aborted ? error : new OutputTrouble('The output failed.', { cause: error });
  };
}
