/** Length of a volume change in milliseconds: short enough to feel immediate, long enough not to click. */
const ramp = 10;

/** The factor of a loudness correction. */
export function fromDecibels(decibels: number): number {
  return 10 ** (decibels / 20);
}

/** Applies volume and loudness correction to stereo frames. */
export class Gain {
  #volume = 1;
  #target = 1;
  #step = 0;
  #scratch = new Float32Array(0);

  /** Sets the volume at once, for when nothing is heard. */
  reset(volume: number): void {
    this.#volume = this.#target = volume;
  }

  /** Moves the volume there within 10 ms of sound. */
  aim(volume: number, rate: number): void {
    this.#target = volume;
    this.#step = (volume - this.#volume) / Math.max(1, Math.ceil((ramp * rate) / 1000));
  }

  /** Ends a change that is under way. */
  settle(): void {
    this.#volume = this.#target;
  }

  /** The volume the next frame begins with; `rewind` goes back to it when frames were not taken after all. */
  get mark(): number {
    return this.#volume;
  }

  rewind(mark: number): void {
    this.#volume = mark;
  }

  /**
   * The frames times volume times `factor`. With both at exactly 1 the samples themselves are returned, untouched;
   * else memory that is good until the next call.
   */
  apply(samples: Float32Array, factor: number): Float32Array {
    if (this.#volume === this.#target && this.#target * factor === 1) return samples;
    if (this.#scratch.length < samples.length) this.#scratch = new Float32Array(samples.length);
    const out = this.#scratch.subarray(0, samples.length);
    let at = 0;
    for (; at < samples.length && this.#volume !== this.#target; at += 2) {
      const next = this.#volume + this.#step;
      this.#volume = (this.#step > 0 ? next >= this.#target : next <= this.#target) ? this.#target : next;
      out[at] = (samples[at] ?? 0) * this.#volume * factor;
      out[at + 1] = (samples[at + 1] ?? 0) * this.#volume * factor;
    }
    const rest = this.#target * factor;
    for (; at < samples.length; at++) out[at] = (samples[at] ?? 0) * rest;
    return out;
  }
}
