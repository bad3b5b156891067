import { abortable, throwIfAborted, type TonearmError } from '#foundation';
import type { Millis, Output, PcmFormat } from '#core';
import { playbackOwners } from '../device-owner.ts';
import { deviceStuck, killPatience, stuckAfter } from '../device-trouble.ts';
import type { OutputWorld } from '../output-world.ts';
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

export interface SpeakerDevice {
  readonly name: string | null;
  /** Whether it stays open, playing silence, when there is nothing to play; else every drop and drain closes it. */
  readonly staysOpen: boolean;
}

/** Plays through the package `speaker` in a child process that says what the device has taken. A child that says nothing any more is killed. */
export class SpeakerOutput implements Output {
  readonly format: PcmFormat;
  readonly #device: SpeakerDevice;
  readonly #world: OutputWorld;
  readonly #encoder = new PcmEncoder('s16le');
  readonly #played: PlaybackClock;
  #child: SpeakerChild | null = null;
  /** The child has opened the device. */
  #isReady = false;
  #canDrop = false;
  /** How often this child was told to drop. */
  #round = 0;
  #sent = 0;
  #taken = 0;
  #memory = 0;
  /** Frames that went down with a lost child; `drop` gives them back. */
  #sunk = 0;
  /** The child before, that may still hold the device. */
  #leaving: Promise<unknown> = Promise.resolve();
  /** Told to play out; nothing new may be sent before it has. */
  #draining: Promise<void> | null = null;
  #drained: (() => void) | null = null;
  #wake: (() => void)[] = [];
  #isClosed = false;

  constructor(device: SpeakerDevice, format: PcmFormat, world: OutputWorld) {
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
      this.#replace();
    }
    if (this.#draining) await abortable(this.#draining, signal);
    await abortable(this.#leaving, signal);
    const child = this.#child ?? this.#start();
    const count = frames.length / this.format.channels;
    await this.#until(child, () => this.#isReady && this.#sent - this.#taken + count <= mostOutstanding, signal);
    if (count === 0) return;
    child.send(ToSpeaker.pcm, this.#encoder.encode(frames));
    this.#sent += count;
  }

  async drain(signal: AbortSignal): Promise<void> {
    if (!this.#child || this.#sent === 0) return;
    this.#draining ??= this.#playOut(this.#child);
    await abortable(this.#draining, signal);
  }

  /** A device that is not to stay open is silenced by the end of the child, which is the only safe way in the middle of a write. */
  drop(): number {
    const forgotten = this.#sunk + this.#sent - this.#taken + this.#played.forget();
    this.#sunk = 0;
    if (!this.#child || forgotten === 0) return forgotten;
    if (this.#device.staysOpen && this.#canDrop && !this.#child.error) {
      this.#round += 1;
      this.#child.send(ToSpeaker.drop);
      this.#reset();
    } else {
      this.#replace();
      this.#reset();
      this.#start();
    }
    return forgotten;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#replace();
    this.#reset();
    await this.#leaving;
  }

  #start(): SpeakerChild {
    const { rate, channels } = this.format;
    const { name, staysOpen } = this.#device;
    const child = new SpeakerChild(this.#world, { task: 'play', rate, channels, device: name, staysOpen }, (news) => {
      if (this.#child === child) this.#hear(news);
    });
    void child.ended.then(() => this.#changedNow());
    this.#child = child;
    this.#isReady = this.#canDrop = false;
    this.#round = this.#memory = this.#sunk = 0;
    return child;
  }

  async #playOut(child: SpeakerChild): Promise<void> {
    let isDrained = false;
    const drained = () => {
      isDrained = true;
      this.#changedNow();
    };
    this.#drained = drained;
    child.send(ToSpeaker.drain);
    const { signal } = new AbortController();
    const isCalledOff = () => this.#drained !== drained;
    await this.#until(child, () => isDrained || isCalledOff(), signal);
    // Only taken, where the device stays open.
    while (!isCalledOff() && this.#played.remaining > 0) await this.#change(Math.ceil(this.#played.remaining), signal);
    // A drop in the meantime has cleared everything already.
    if (isCalledOff()) return;
    this.#reset();
    if (this.#memory > softLimit) this.#replace();
  }

  #hear(news: FromSpeaker): void {
    switch (news.kind) {
      case 'ready':
        this.#isReady = true;
        this.#canDrop = news.canDrop;
        this.#changedNow();
        return;
      case 'taken': {
        this.#memory = news.memory;
        if (this.#sent === 0 && news.memory > softLimit) this.#renew();
        if (news.round !== this.#round || this.#sent === 0) return;
        const total = news.bytes / (2 * this.format.channels);
        this.#played.accept(total - this.#taken);
        this.#taken = total;
        const full = (deviceBuffer * this.format.rate) / 1000;
        if (this.#played.ahead > full) this.#played.settle(full);
        this.#changedNow();
        return;
      }
      case 'drained':
        if (news.round === this.#round) this.#drained?.();
        return;
      case 'failed':
        return;
    }
  }

  /** Waits for something. Throws when the child is lost, or has no news for so long that it hangs. */
  async #until(child: SpeakerChild, test: () => boolean, signal: AbortSignal): Promise<void> {
    const { clock } = this.#world;
    let news = this.#taken;
    for (let since = clock.monotonic(); !test(); ) {
      if (child.error) throw this.#lost(child.error);
      if (this.#taken !== news) [news, since] = [this.#taken, clock.monotonic()];
      const patience = stuckAfter + (this.#draining ? this.#played.remaining : 0);
      const left = since + patience - clock.monotonic();
      if (left <= 0) throw await this.#stuck(child);
      await this.#change(left, signal);
    }
    if (this.#child === child && child.error) throw this.#lost(child.error);
  }

  async #stuck(child: SpeakerChild): Promise<TonearmError> {
    child.kill();
    this.#leaving = atMost(this.#world, child.ended);
    return this.#lost(deviceStuck(this.#device.name ?? 'default', 'speaker', await (this.#world.owners ?? playbackOwners)()));
  }

  #lost(error: TonearmError): TonearmError {
    this.#sunk = this.#sent - this.#taken + this.#played.forget();
    this.#child = null;
    this.#reset();
    return error;
  }

  /** Ends the child; the next frames start a new one. */
  #replace(): void {
    const child = this.#child;
    this.#child = null;
    this.#memory = 0;
    if (!child) return;
    child.kill();
    this.#leaving = atMost(this.#world, child.ended);
  }

  /** A child that has grown while it played silence. */
  #renew(): void {
    this.#replace();
    const leaving = this.#leaving;
    void leaving.then(() => {
      if (!this.#child && this.#leaving === leaving && !this.#isClosed) this.#start();
    });
  }

  #reset(): void {
    this.#played.forget();
    this.#sent = this.#taken = 0;
    this.#draining = this.#drained = null;
    this.#changedNow();
  }

  /** Resolves at the next news, or after `limit`. */
  async #change(limit: Millis, signal: AbortSignal): Promise<void> {
    const timer = this.#world.clock.timer(limit, () => this.#changedNow());
    try {
      await abortable(new Promise<void>((resolve) => this.#wake.push(resolve)), signal);
    } finally {
      timer[Symbol.dispose]();
    }
  }

  #changedNow(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const run of wake) run();
  }
}

/** A killed process is waited for, but not for ever. */
function atMost({ clock }: OutputWorld, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.timer(killPatience, resolve);
    void work.then(() => {
      timer[Symbol.dispose]();
      resolve();
    });
  });
}
