import type { Clock, TonearmError } from '#foundation';
import type { Millis } from '#core';
import type { Tell } from './hearing.ts';
import { Envelope } from './envelope.ts';
import type { Load } from './load.ts';
import { resample, Voice } from './voice.ts';

/** How the music gives way, and comes back. */
const down: Millis = 150;
const up: Millis = 400;
/** Between one announcement and the next, the music low all the while. */
const pause: Millis = 250;
/** An announcement that is hushed fades out over so long. */
const hushed: Millis = 10;
/** The limiter lets go within about this many seconds. */
const release = 0.1;
const open = 0.999_999;

/** Sound of announcements by its place in what is written. */
interface Laid {
  readonly at: number;
  readonly samples: Float32Array;
}

/**
 * Puts announcements over what is written to the output. Everything is a function of the place, counted in frames that were written: what
 * the output gives back is written again with the same announcement at the same place, whatever music then lies under it.
 */
export class Announcer implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #tell: Tell;
  readonly #onNews: () => void;
  #rate: number;
  /** Place of the next frame to be written. */
  #at = 0;
  /** In order; the first one is being said once `#next` is set. */
  #voices: Voice[] = [];
  /** Where the next sound of the first voice lies; null while none is being said. */
  #next: number | null = null;
  /** Where the one before ended. */
  #end = Number.NEGATIVE_INFINITY;
  #laid: Laid[] = [];
  readonly #music = new Envelope();
  /** What is to be told when this place is heard. */
  #due: { readonly at: number; readonly isEnd: boolean; readonly voice: Voice }[] = [];
  /** Where the limiter stands, and where after the frames that were mixed last. */
  #limit = 1;
  #limitAfter = 1;
  #heard = 0;
  /** What was mixed last lay over music. */
  #hasMusic = false;
  #scratch = new Float32Array(0);
  #timer: Disposable | null = null;
  readonly #closing = new Set<Promise<void>>();

  constructor(clock: Clock, rate: number, tell: Tell, onNews: () => void) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tell = tell;
    this.#onNews = onNews;
  }

  /** Something is being said, is still to be said, or not heard to its end. */
  get isBusy(): boolean {
    return this.#voices.length > 0 || this.#due.length > 0;
  }

  /** What it was given back later would be as it was given. */
  get isIdle(): boolean {
    return !this.isBusy && this.#laid.length === 0 && this.#limit > open && this.#music.isFlat(this.#heard, Infinity);
  }

  /** There is sound to be written now. */
  get isSpeaking(): boolean {
    const voice = this.#voices[0];
    return this.#laid.some(({ at, samples }) => at + samples.length / 2 > this.#at) || (voice !== undefined && (this.#next === null ? voice.isReady : voice.hasSound));
  }

  say(load: Load, options: { readonly gain: number; readonly duck: number }): void {
    this.#voices.push(new Voice(load, options, this.#rate, this.#onNews));
  }

  /** Ends what is being said at the next frame, and forgets the rest. What the output holds is to be taken back before. */
  hush(): void {
    const fade = this.#frames(hushed);
    const kept = this.#laid.flatMap(({ at, samples }) => {
      const count = Math.min(samples.length / 2, this.#at + fade - at);
      return count <= 0 ? [] : [{ at, samples: samples.slice(0, 2 * count).map((sample, index) => sample * Math.min(1, Math.max(0, 1 - (at + (index >> 1) - this.#at) / fade))) }];
    });
    this.#laid = kept;
    this.#giveUp(null);
  }

  /** None of what was to be said can be: there is no output. */
  fail(error: TonearmError): void {
    // What lies behind here, the rest of a piece that was taken back as well, would go on wanting an output.
    this.#laid = this.#laid.flatMap(({ at, samples }) => (at < this.#at ? [{ at, samples: samples.subarray(0, 2 * (this.#at - at)) }] : []));
    this.#giveUp(error);
  }

  /** The samples as they are to be written: lowered, with what is said on top. Without either, the very samples. */
  mix(samples: Float32Array, hasMusic: boolean): Float32Array {
    const count = samples.length / 2;
    this.#hasMusic = hasMusic;
    this.#lay(count);
    this.#limitAfter = this.#limit;
    const to = this.#at + count;
    const laid = this.#laid.filter(({ at, samples: sound }) => at < to && at + sound.length / 2 > this.#at);
    if (laid.length === 0 && this.#limit > open && this.#music.isFlat(this.#at, to)) return samples;
    if (this.#scratch.length < samples.length) this.#scratch = new Float32Array(samples.length);
    const out = this.#scratch.subarray(0, samples.length);
    for (let index = 0; index < count; index++) {
      const level = this.#music.level(this.#at + index);
      out[2 * index] = (samples[2 * index] ?? 0) * level;
      out[2 * index + 1] = (samples[2 * index + 1] ?? 0) * level;
    }
    for (const { at, samples: sound } of laid) {
      const from = Math.max(0, this.#at - at);
      const until = Math.min(sound.length / 2, to - at);
      for (let frame = from; frame < until; frame++) {
        const place = 2 * (at + frame - this.#at);
        out[place] = (out[place] ?? 0) + (sound[2 * frame] ?? 0);
        out[place + 1] = (out[place + 1] ?? 0) + (sound[2 * frame + 1] ?? 0);
      }
    }
    this.#keepBelow(out, laid);
    return out;
  }

  /** The output has taken so many frames. */
  wrote(frames: number): void {
    this.#at += frames;
    this.#limit = this.#limitAfter;
  }

  /** The output gave so many frames back. */
  takenBack(frames: number): void {
    this.#at -= frames;
  }

  /** What is written from here on has this rate; everything before was heard, or never will be. */
  setRate(rate: number): void {
    if (rate === this.#rate) return;
    const factor = rate / this.#rate;
    const place = (at: number) => Math.round((at - this.#at) * factor);
    this.#laid = this.#laid
      .filter(({ at, samples }) => at + samples.length / 2 > this.#at)
      .map(({ at, samples }) => {
        const from = Math.max(0, this.#at - at);
        return { at: place(at + from), samples: resample(samples.subarray(2 * from), this.#rate, rate) };
      });
    this.#music.rescale(this.#at, factor);
    this.#due = this.#due.map((due) => ({ ...due, at: place(due.at) }));
    if (this.#next !== null) this.#next = place(this.#next);
    this.#end = place(this.#end);
    this.#at = this.#heard = 0;
    for (const voice of this.#voices) voice.changeRate(rate);
    this.#rate = rate;
  }

  /** Tells what has been heard by now, when so many frames that were written were not; and comes back for the rest. */
  attend(unheard: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    this.#lay(0);
    const heard = this.#at - unheard;
    this.#heard = heard;
    for (let due = this.#due[0]; due && due.at <= heard; due = this.#due[0]) {
      this.#due.shift();
      if (due.isEnd) this.#tell('announced', { id: due.voice.id, error: due.voice.error });
      else this.#tell('announcing', { id: due.voice.id });
    }
    this.#laid = this.#laid.filter(({ at, samples }) => at + samples.length / 2 > heard);
    this.#music.forget(heard);
    const due = this.#due[0];
    // Beyond what is written nothing can be foreseen.
    if (due && due.at <= this.#at) this.#timer = this.#clock.timer(Math.max(1, Math.ceil(((due.at - heard) * 1000) / this.#rate)), this.#onNews);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    for (const voice of this.#voices.splice(0)) this.#close(voice);
    await Promise.all(this.#closing);
  }

  /** Sees to it that for the next frames everything that is said lies in its place. */
  #lay(count: number): void {
    const to = this.#at + count;
    for (let voice = this.#voices[0]; voice; voice = this.#voices[0]) {
      if (voice.isDone) {
        this.#over(voice);
        continue;
      }
      if (this.#next === null) {
        if (count === 0 || !voice.isReady) return;
        this.#next = this.#begin(voice);
      }
      // Nothing is laid into the past: it ran dry for a moment.
      this.#next = Math.max(this.#next, this.#at);
      if (this.#next >= to) return;
      const samples = voice.take(to - this.#next);
      if (!samples) return;
      if (!voice.isTold) this.#due.push({ at: this.#next, isEnd: false, voice });
      voice.isTold = true;
      this.#laid.push({ at: this.#next, samples });
      this.#next += samples.length / 2;
    }
  }

  /** Makes the music give way; returns where the voice begins. */
  #begin(voice: Voice): number {
    const at = Math.max(this.#at, this.#end + this.#frames(pause));
    const frames = this.#hasMusic && this.#music.level(at) !== voice.duck ? this.#frames(down) : 0;
    this.#music.aim(voice.duck, at, frames);
    return at + frames;
  }

  /** Its last sound lies in its place, or there never was any. */
  #over(voice: Voice): void {
    const at = this.#next ?? this.#at;
    this.#due.push({ at, isEnd: true, voice });
    this.#voices.shift();
    this.#close(voice);
    if (this.#next === null) return;
    this.#next = null;
    this.#end = at;
    // Where there was none it need not come back: it begins as loud as it is.
    if (this.#voices[0]?.isReady !== true) this.#music.aim(1, at, this.#hasMusic ? this.#frames(up) : 0);
  }

  #giveUp(error: TonearmError | null): void {
    const voices = [...new Set([...this.#due.map(({ voice }) => voice), ...this.#voices])];
    for (const voice of this.#voices.splice(0)) this.#close(voice);
    if (this.#music.level(this.#at) !== 1 || this.#next !== null) this.#music.aim(1, this.#at, this.#hasMusic ? this.#frames(up) : 0);
    this.#next = null;
    this.#end = Number.NEGATIVE_INFINITY;
    this.#due = [];
    for (const voice of voices) this.#tell('announced', { id: voice.id, error: error ?? voice.error });
  }

  /** Keeps the sum below full scale where something is said: at once where it has to, and back slowly. */
  #keepBelow(out: Float32Array, laid: readonly Laid[]): void {
    let limit = this.#limit;
    const back = 1 - Math.exp(-1 / (release * this.#rate));
    const from = Math.min(...laid.map(({ at }) => at - this.#at));
    const until = Math.max(...laid.map(({ at, samples }) => at + samples.length / 2 - this.#at));
    for (let index = 0; index < out.length; index += 2) {
      const frame = index >> 1;
      const peak = frame >= from && frame < until ? Math.max(Math.abs(out[index] ?? 0), Math.abs(out[index + 1] ?? 0)) : 0;
      const allowed = peak > 1 ? 1 / peak : 1;
      limit = allowed < limit ? allowed : limit + (1 - limit) * back;
      if (limit > open) continue;
      out[index] = (out[index] ?? 0) * limit;
      out[index + 1] = (out[index + 1] ?? 0) * limit;
    }
    this.#limitAfter = limit;
  }

  #frames(length: Millis): number {
    return Math.round((length * this.#rate) / 1000);
  }

  #close(voice: Voice): void {
    const closing = voice[Symbol.asyncDispose]()
      .catch(() => undefined)
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
