import { abortable, throwIfAborted, TonearmError } from '#foundation';
import type { Millis, Output, PcmFormat } from '#core';
import type { OutputWorld } from '../output-world.ts';
import { PcmEncoder } from '../pcm-encoding.ts';
import { PlaybackClock } from '../playback-clock.ts';
import { SpeakerChild } from './child.ts';
import { ToSpeaker, type FromSpeaker } from './messages.ts';

/** What may be with the child and not yet with the device: two of its large writes and what we add. */
const mostOutstanding = 20_480;
/** The native code's fixed buffer. */
const deviceBuffer: Millis = 500;
/** Resident bytes at which a child that has played out is replaced, and at which a playing one is, in a short gap. */
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
  /** The child before, that may still hold the device. */
  #leaving: Promise<unknown> = Promise.resolve();
  /** Told to play out; nothing new may be sent before it has. */
  #draining: Promise<void> | null = null;
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
    if (this.#draining) await abortable(this.#draining, signal);
    await abortable(this.#leaving, signal);
    const child = this.#child ?? this.#start();
    const count = frames.length / this.format.channels;
    while (!child.error && this.#sent - this.#taken + count > mostOutstanding) await abortable(this.#changed(), signal);
    if (child.error) throw this.#lost(child.error);
    child.send(ToSpeaker.pcm, this.#encoder.encode(frames));
    this.#sent += count;
  }

  async drain(signal: AbortSignal): Promise<void> {
    if (!this.#child || this.#sent === 0) return;
    this.#draining ??= this.#playOut(this.#child);
    await abortable(this.#draining, signal);
  }

  /** Ends the child, which is the only safe way to stop it in a write, and has the next one ready for what comes. */
  drop(): number {
    if (!this.#child || this.#sent === 0) return 0;
    const forgotten = this.#sent - this.#taken + this.#played.forget();
    this.#replace();
    this.#reset();
    this.#start();
    return forgotten;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#replace();
    this.#reset();
    await this.#leaving;
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

  async #playOut(child: SpeakerChild): Promise<void> {
    const drained = new Promise<void>((resolve) => (this.#drained = resolve));
    child.send(ToSpeaker.drain);
    const error = await Promise.race([drained, child.ended]);
    // A drop in the meantime has cleared everything already.
    if (this.#child !== child) return;
    if (error instanceof TonearmError) throw this.#lost(error);
    this.#reset();
    if (this.#memory > softLimit) this.#replace();
  }

  #hear(news: FromSpeaker): void {
    switch (news.kind) {
      case 'taken': {
        this.#memory = news.memory;
        const total = news.bytes / (2 * this.format.channels);
        this.#played.accept(total - this.#taken);
        this.#taken = total;
        const full = (deviceBuffer * this.format.rate) / 1000;
        if (this.#played.ahead > full) this.#played.settle(full);
        this.#changedNow();
        return;
      }
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
    this.#draining = null;
    return error;
  }

  /** Ends the child; the next frames start a new one. */
  #replace(): void {
    const child = this.#child;
    this.#child = null;
    this.#memory = 0;
    if (!child) return;
    child.kill();
    this.#leaving = child.ended;
  }

  #reset(): void {
    this.#played.forget();
    this.#sent = this.#taken = 0;
    this.#draining = this.#drained = null;
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
