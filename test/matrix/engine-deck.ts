import type { LoadId, Millis, Output, Playable } from '#core';
import { silentLog, sleep, throwIfAborted, type Clock } from '#foundation';
import { HttpWorld } from '../../src/audio/bytes/index.ts';
import { Engine } from '../../src/audio/thread/engine.ts';
import { OutputSlot } from '../../src/audio/thread/output-slot.ts';
import type { KitDeck } from '../kit/sounding-deck.ts';
import { SpokenDeck } from '../kit/spoken.ts';
import type { VirtualClock } from '../kit/virtual-clock.ts';

const rate = 44_100;
/** How much the pretended device takes ahead. */
const capacity = rate / 2;
const format = { rate, channels: 2 } as const;

/** A stretch of the track that was heard without a break, as frames of the reference. */
export interface Stretch {
  readonly from: number;
  to: number;
  /** Monotonic time of its first frame. */
  readonly at: Millis;
}

/** A device on a clock. It knows the one piece of music there is, and notes which part of it was heard when. */
class RecognisingOutput implements Output {
  readonly format = format;
  readonly #clock: Clock;
  readonly #music: Float32Array;
  readonly #stretches: Stretch[];
  /** Frames taken and not heard yet, by place. */
  #waiting: { from: number; to: number }[] = [];
  #at: number;
  /** What the next frame would be, if the music simply goes on. */
  #next = 0;

  constructor(clock: Clock, music: Float32Array, stretches: Stretch[]) {
    this.#clock = clock;
    this.#music = music;
    this.#stretches = stretches;
    this.#at = clock.monotonic();
  }

  get delay(): Millis {
    this.move();
    return (this.#ahead / rate) * 1000;
  }

  get isSounding(): boolean {
    this.move();
    return this.#waiting.length > 0;
  }

  async write(frames: Float32Array, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    while (this.delay > (capacity / rate) * 1000) await sleep(this.#clock, 100, signal);
    this.move();
    const count = frames.length / 2;
    if (!this.#isAt(frames, this.#next)) this.#next = this.#find(frames);
    const last = this.#waiting.at(-1);
    if (last?.to === this.#next) last.to += count;
    else this.#waiting.push({ from: this.#next, to: this.#next + count });
    this.#next += count;
  }

  async drain(signal: AbortSignal): Promise<void> {
    while (this.delay > 0) await sleep(this.#clock, Math.ceil(this.delay), signal);
  }

  drop(): number {
    this.move();
    const forgotten = this.#ahead;
    this.#next = this.#waiting[0]?.from ?? this.#next;
    this.#waiting = [];
    return forgotten;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.move();
    return Promise.resolve();
  }

  /** Plays on to the present. */
  move(): void {
    const now = this.#clock.monotonic();
    let frames = Math.floor(((now - this.#at) * rate) / 1000);
    let began = this.#at;
    // What is less than a frame stays for the next time.
    this.#at = this.#waiting.length === 0 ? now : began + (frames * 1000) / rate;
    for (let piece = this.#waiting[0]; piece && frames > 0; piece = this.#waiting[0]) {
      const heard = Math.min(frames, piece.to - piece.from);
      const last = this.#stretches.at(-1);
      if (last && last.to === piece.from && Math.abs(last.at + ((last.to - last.from) * 1000) / rate - began) < 1) last.to += heard;
      else this.#stretches.push({ from: piece.from, to: piece.from + heard, at: began });
      piece.from += heard;
      frames -= heard;
      began += (heard * 1000) / rate;
      if (piece.from === piece.to) this.#waiting.shift();
    }
    if (this.#waiting.length === 0) this.#at = now;
  }

  get #ahead(): number {
    return this.#waiting.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  #isAt(frames: Float32Array, place: number): boolean {
    const at = 2 * place;
    if (at + frames.length > this.#music.length) return false;
    for (let index = 0; index < frames.length; index++) if (frames[index] !== this.#music[at + index]) return false;
    return true;
  }

  #find(frames: Float32Array): number {
    for (let place = 0; 2 * place + frames.length <= this.#music.length; place++) {
      if (this.#music[2 * place] === frames[0] && this.#music[2 * place + 1] === frames[1] && this.#isAt(frames, place)) return place;
    }
    throw new Error('Something came out that is not in the music.');
  }
}

/** The real audio engine, on the clock of the room: it fetches, deciphers and decodes what the simulator serves. */
export class EngineDeck extends SpokenDeck implements KitDeck {
  readonly plays: { readonly id: LoadId; readonly uri: string; readonly at: Millis; readonly paused: boolean }[] = [];
  readonly stretches: Stretch[] = [];
  readonly heard = [];
  readonly #http: HttpWorld;
  readonly #engine: Engine;
  readonly #uris = new Map<LoadId, string>();
  #output: RecognisingOutput | null = null;
  #loaded: LoadId | null = null;
  #next: LoadId | null = null;
  #paused = false;
  /** Where it was told to be, until it is heard. */
  #told: Millis | null = null;

  constructor(clock: VirtualClock, music: Float32Array) {
    super(clock);
    this.#http = new HttpWorld(clock, silentLog);
    const slot = new OutputSlot(() => Promise.resolve((this.#output = new RecognisingOutput(clock, music, this.stretches))), rate);
    this.#engine = new Engine({ clock, log: silentLog, http: this.#http, slot, releaseAfter: 600_000 }, (name, event) => {
      if (!('id' in event)) return;
      if (name === 'playing' && event.id === this.#next) this.#loaded = event.id;
      if ((name === 'ended' && this.#next === null) || (name === 'failed' && event.id === this.#loaded)) this.#loaded = null;
      this.emitter.emit(name, event as never);
    });
  }

  get gaps(): readonly Millis[] {
    this.#output?.move();
    return this.stretches.slice(1).map(({ at }, index) => {
      const before = this.stretches[index];
      return before ? at - before.at - ((before.to - before.from) * 1000) / rate : 0;
    });
  }

  get isSounding(): boolean {
    return this.#output?.isSounding ?? false;
  }

  get isPaused(): boolean {
    return this.#loaded !== null && this.#paused;
  }

  get uri(): string | null {
    return this.#loaded === null ? null : (this.#uris.get(this.#loaded) ?? null);
  }

  get loaded(): LoadId | null {
    return this.#loaded;
  }

  get follower(): string | null {
    return this.#next === null ? null : (this.#uris.get(this.#next) ?? null);
  }

  get position(): Millis {
    this.#output?.move();
    const last = this.stretches.at(-1);
    return last && !(this.#paused && this.#told !== null) ? (last.to / rate) * 1000 : (this.#told ?? 0);
  }

  forget(): void {
    this.stretches.length = this.plays.length = 0;
  }

  cut(): void {
    throw new Error('The bytes of this deck come from the simulator: switch a fault on there.');
  }

  mend(): void {
    this.cut();
  }

  fail(): void {
    this.cut();
  }

  unplug(): void {
    this.cut();
  }

  plug(): void {
    this.cut();
  }

  play(playable: Playable, { id, at, paused }: { readonly id: LoadId; readonly at: Millis; readonly paused: boolean }): void {
    this.#uris.set(id, playable.track.uri);
    this.plays.push({ id, uri: playable.track.uri, at, paused });
    this.#loaded = id;
    this.#next = null;
    this.#paused = paused;
    this.#told = at;
    this.#engine.play(id, playable, at, paused);
  }

  follow(next: { readonly playable: Playable; readonly id: LoadId } | null): void {
    if (next) this.#uris.set(next.id, next.playable.track.uri);
    this.#next = next?.id ?? null;
    this.#engine.follow(next);
  }

  refresh(id: LoadId, playable: Playable): void {
    this.#engine.refresh(id, playable);
  }

  pause(): void {
    this.#paused = true;
    this.#told = null;
    this.#engine.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#engine.resume();
  }

  seek(to: Millis): void {
    this.#told = to;
    this.#engine.seek(to);
  }

  stop(): void {
    this.#loaded = this.#next = null;
    this.#engine.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.spoken[Symbol.dispose]();
    await this.#engine[Symbol.asyncDispose]();
    this.#http[Symbol.dispose]();
  }
}
