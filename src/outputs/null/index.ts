import { sleep, throwIfAborted, type Clock } from '#foundation';
import type { Millis, Output, PcmFormat } from '#core';
import type { OutputWorld } from '../output-world.ts';
import { PlaybackClock } from '../playback-clock.ts';
import type { NullSettings } from './settings.ts';

/** How much it takes ahead of time, as a sound card's buffer does. */
const buffer: Millis = 250;

/** Plays into nothing, in real time: position and track changes are as on a real device. */
export function openNull({ delay }: NullSettings, format: PcmFormat, { clock }: OutputWorld): Promise<Output> {
  return Promise.resolve(new NullOutput(format, clock, delay));
}

class NullOutput implements Output {
  readonly format: PcmFormat;
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #device: PlaybackClock;

  constructor(format: PcmFormat, clock: Clock, delay: Millis) {
    this.format = format;
    this.#clock = clock;
    this.#capacity = ((buffer + delay) * format.rate) / 1000;
    this.#device = new PlaybackClock(clock, format.rate, delay);
  }

  get delay(): Millis {
    return this.#device.remaining;
  }

  async write(frames: Float32Array, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    while (this.#device.ahead > this.#capacity) await sleep(this.#clock, ((this.#device.ahead - this.#capacity) / this.format.rate) * 1000 + 1, signal);
    this.#device.accept(frames.length / this.format.channels);
  }

  async drain(signal: AbortSignal): Promise<void> {
    while (this.#device.ahead > 0) await sleep(this.#clock, Math.ceil(this.#device.remaining), signal);
  }

  drop(): number {
    return this.#device.forget();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
