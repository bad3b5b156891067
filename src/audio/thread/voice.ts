import { toTonearmError, TonearmError } from '#foundation';
import type { LoadId, Millis } from '#core';
import { RateConverter } from '../gain/rate-converter.ts';
import type { Load } from './load.ts';

/** Decoded ahead of what is taken. */
const ahead: Millis = 2000;
/** So much has to be there before it begins, so that it need not stop at once. */
const enough: Millis = 600;
/** And so much before a piece of it is written into silence, where the output takes it faster than it is spoken. */
const piece: Millis = 100;
/** Nobody is talked to for longer. */
const longest: Millis = 10 * 60_000;
/** Rates are taken as multiples of this: the filter of an odd one would be as long as the odd one is odd. */
const rateStep = 50;

/** One announcement: its own bytes and decoder, brought to the output's rate and its own level, a little ahead of what is heard. */
export class Voice implements AsyncDisposable {
  readonly id: LoadId;
  /** What the music is lowered to. */
  readonly duck: number;
  readonly #load: Load;
  readonly #gain: number;
  readonly #onNews: () => void;
  #rate: number;
  #source = 0;
  #converter: RateConverter | null = null;
  #pieces: Float32Array[] = [];
  #held = 0;
  /** Frames so far, for the bound. */
  #total = 0;
  #room: (() => void) | null = null;
  #isOver = false;
  isTold = false;
  error: TonearmError | null = null;

  constructor(load: Load, { gain, duck }: { readonly gain: number; readonly duck: number }, rate: number, onNews: () => void) {
    this.id = load.id;
    this.duck = duck;
    this.#load = load;
    this.#gain = gain * load.factor;
    this.#rate = rate;
    this.#onNews = onNews;
    void this.#decode();
  }

  /** Enough is there to begin, or to be over. */
  get isReady(): boolean {
    return this.#isOver || this.#held >= (enough * this.#rate) / 1000;
  }

  /** There is a piece to go on with. */
  get hasSound(): boolean {
    return this.#held >= (piece * this.#rate) / 1000 || (this.#isOver && this.#held > 0);
  }

  /** Everything was taken. */
  get isDone(): boolean {
    return this.#isOver && this.#held === 0;
  }

  /** The next frames, at most so many; null when there are none now. The caller's to keep. */
  take(most: number): Float32Array | null {
    const next = this.#pieces[0];
    if (!next || most <= 0) return null;
    const count = Math.min(most, next.length / 2);
    if (count === next.length / 2) this.#pieces.shift();
    else this.#pieces[0] = next.subarray(2 * count);
    this.#held -= count;
    this.#makeRoom();
    return next.subarray(0, 2 * count);
  }

  /** The output has another rate now. */
  changeRate(rate: number): void {
    this.#pieces = this.#pieces.length === 0 ? [] : [resample(joined(this.#pieces), this.#rate, rate)];
    this.#held = (this.#pieces[0]?.length ?? 0) / 2;
    this.#rate = rate;
    this.#converter = this.#source === 0 ? null : converterFor(this.#source, rate);
    this.#makeRoom();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#pieces = [];
    this.#held = 0;
    this.#makeRoom();
    await this.#load[Symbol.asyncDispose]();
  }

  async #decode(): Promise<void> {
    const { signal } = this.#load;
    try {
      const decoder = await this.#load.open();
      this.#source = Math.max(rateStep, Math.round(decoder.rate / rateStep) * rateStep);
      this.#converter = converterFor(this.#source, this.#rate);
      for (let block = await decoder.read(signal); block && !this.#isOver; block = await decoder.read(signal)) {
        this.#push(this.#converter ? this.#converter.convert(block.frames) : block.frames);
        if (this.#total > (longest * this.#rate) / 1000) break;
        while (this.#held > (ahead * this.#rate) / 1000) await new Promise<void>((resolve) => (this.#room = resolve));
      }
      if (this.#converter) this.#push(this.#converter.finish());
      if (this.#total === 0) throw new TonearmError({ kind: 'corrupt', code: 'audio/no-sound', message: 'There is no sound in this announcement, so nothing could be said.' });
    } catch (error) {
      if (!this.#isOver) this.error = toTonearmError(error, 'audio/unexpected');
    }
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onNews();
  }

  #push(frames: Float32Array): void {
    if (frames.length === 0 || this.#isOver) return;
    const wasReady = this.isReady;
    const hadSound = this.hasSound;
    this.#pieces.push(frames.map((sample) => sample * this.#gain));
    this.#held += frames.length / 2;
    this.#total += frames.length / 2;
    if (this.hasSound !== hadSound || this.isReady !== wasReady) this.#onNews();
  }

  #makeRoom(): void {
    if (this.#held > (ahead * this.#rate) / 2000) return;
    this.#room?.();
    this.#room = null;
  }
}

/** All of this sound at another rate. */
export function resample(frames: Float32Array, from: number, to: number): Float32Array {
  const converter = converterFor(from, to);
  if (!converter) return frames;
  return joined([converter.convert(frames).slice(), converter.finish()]);
}

function converterFor(from: number, to: number): RateConverter | null {
  return from === to ? null : new RateConverter(from, to);
}

function joined(pieces: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const one of pieces) {
    out.set(one, at);
    at += one.length;
  }
  return out;
}
