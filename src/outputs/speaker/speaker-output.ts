import { abortable, throwIfAborted, TonearmError } from '#foundation';
import type { Millis, Output, PcmFormat } from '#core';
import type { OutputWorld } from '../output-definition.ts';
import { PcmEncoder } from '../pcm-encoding.ts';
import { PlaybackClock } from '../playback-clock.ts';
import { SpeakerChild } from './child.ts';
import { ToSpeaker, type FromSpeaker } from './messages.ts';

/** What may be with the child and not yet with the device: two of its large writes and what we add. */
const mostOutstanding = 20_480;
/** The native code's fixed buffer. */
const deviceBuffer: Millis = 500;
/** Resident bytes at which a silent child is replaced, and at which a playing one is, in a short gap. */
const softLimit = 120 * 1024 * 1024;
const hardLimit = 256 * 1024 * 1024;

/** Plays through the package `speaker` in a child process that says what the device has taken. */
export class SpeakerOutput implements Output {
  readonly format: PcmFormat;
  readonly #device: string | null;
  readonly #world: OutputWorld;
  readonly #encoder = new PcmEncoder('s16le');
  readonly #played: PlaybackClock;
  #child: SpeakerChild | null = null;
  #sent = 0;
  #taken = 0;
  #memory = 0;
  /** Drops that the child has not confirmed: its news are of before. */
  #drops = 0;
  #drained: (() => void) | null = null;
  #wake: (() => void)[] = [];

  constructor(device: string | null, format: PcmFormat, world: OutputWorld) {
    this.format = format;
    this.#device = device;
    this.#world = world;
    this.#played = new PlaybackClock(world.clock, format.rate);
  }

  /** Starts the child, so that it is ready when the first frames come. */
  start(signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    this.#start();
    return Promise.resolve();
  }

  get delay(): Millis {
    return ((this.#sent - this.#taken) * 1000) / this.format.rate + this.#played.remaining;
  }

  async write(frames: Float32Array, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.#memory > hardLimit) {
      this.#world.log.info('The speaker process has grown and is replaced', { memory: this.#memory });
      await this.drain(signal);
    }
    const child = this.#child ?? this.#start();
    const count = frames.length / this.format.channels;
    while (!child.error && this.#sent - this.#taken + count > mostOutstanding) await abortable(this.#changed(), signal);
    if (child.error) throw this.#lost(child.error);
    child.send(ToSpeaker.pcm, this.#encoder.encode(frames));
    this.#sent += count;
  }

  async drain(signal: AbortSignal): Promise<void> {
    const child = this.#child;
    if (!child || this.#sent === 0) return;
    const drained = new Promise<void>((resolve) => (this.#drained = resolve));
    child.send(ToSpeaker.drain);
    const error = await abortable(Promise.race([drained, child.ended]), signal);
    if (error instanceof TonearmError) throw this.#lost(error);
    this.#reset();
    if (this.#memory > softLimit) this.#replace();
  }

  drop(): number {
    const forgotten = this.#sent - this.#taken + this.#played.forget();
    if (this.#child && this.#sent > 0) {
      if (this.#memory > softLimit) {
        this.#replace();
      } else {
        this.#child.send(ToSpeaker.drop);
        this.#drops += 1;
      }
    }
    this.#reset();
    return forgotten;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    this.#replace();
    await child?.ended;
  }

  #start(): SpeakerChild {
    const { rate, channels } = this.format;
    const child = new SpeakerChild(this.#world.programs.speakerChild, { task: 'play', rate, channels, device: this.#device }, (news) => {
      if (this.#child === child) this.#hear(news);
    });
    void child.ended.then(() => this.#changedNow());
    this.#child = child;
    return child;
  }

  #hear(news: FromSpeaker): void {
    switch (news.kind) {
      case 'taken': {
        this.#memory = news.memory;
        if (this.#drops > 0) return;
        const total = news.bytes / (2 * this.format.channels);
        this.#played.accept(total - this.#taken);
        this.#taken = total;
        const full = (deviceBuffer * this.format.rate) / 1000;
        if (this.#played.ahead > full) this.#played.settle(full);
        this.#changedNow();
        return;
      }
      case 'dropped':
        this.#drops -= 1;
        return;
      case 'drained':
        this.#drained?.();
        return;
      case 'ready':
      case 'failed':
        return;
    }
  }

  #lost(error: TonearmError): TonearmError {
    this.#child = null;
    this.#drops = 0;
    return error;
  }

  /** Ends the child; the next frames start a new one. */
  #replace(): void {
    this.#child?.kill();
    this.#child = null;
    this.#drops = this.#memory = 0;
  }

  #reset(): void {
    this.#played.forget();
    this.#sent = this.#taken = 0;
    this.#drained = null;
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #changedNow(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const run of wake) run();
  }
}
