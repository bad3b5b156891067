import { sleep, throwIfAborted, type Clock } from '#foundation';
import type { Output, PcmFormat } from '#core';

/** How much it takes ahead of what is heard. */
const capacity = 22_050;

/** A device on a clock that remembers what was heard of what it was given; what it was told to forget is not in there. */
export class RecordingOutput implements Output {
  readonly format: PcmFormat;
  readonly #clock: Clock;
  #samples: number[] = [];
  #heard = 0;
  #at: number;
  isClosed = false;
  /** Thrown by the next write. */
  trouble: Error | null = null;
  /** Writes wait. */
  isStuck = false;
  /** The first samples written since the last `drop`, a thousand at most. */
  firstAfter: number[] = [];

  constructor(clock: Clock, rate: number) {
    this.format = { rate, channels: 2 };
    this.#clock = clock;
    this.#at = clock.monotonic();
  }

  get accepted(): number {
    return this.#samples.length / 2;
  }

  get delay(): number {
    return ((this.accepted - this.#move()) / this.format.rate) * 1000;
  }

  /** Everything heard until now, interleaved. */
  get heard(): Float32Array {
    return Float32Array.from(this.#samples.slice(0, 2 * this.#move()));
  }

  async write(frames: Float32Array, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.trouble) throw this.trouble;
    while (this.isStuck || this.accepted - this.#move() > capacity) await sleep(this.#clock, 10, signal);
    this.#move();
    for (const sample of frames) this.#samples.push(sample);
    for (const sample of frames) if (this.firstAfter.length < 1000) this.firstAfter.push(sample);
  }

  async drain(signal: AbortSignal): Promise<void> {
    while (this.#move() < this.accepted) await sleep(this.#clock, 5, signal);
  }

  drop(): number {
    const forgotten = this.accepted - this.#move();
    this.#samples.length -= 2 * forgotten;
    this.firstAfter = [];
    return forgotten;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  /** Plays on to the present. */
  #move(): number {
    const now = this.#clock.monotonic();
    this.#heard = Math.min(this.accepted, this.#heard + Math.floor(((now - this.#at) * this.format.rate) / 1000));
    this.#at = now;
    return this.#heard;
  }
}
