/** Where the limiter begins to hold back, so that its knee ends at full scale. */
const threshold = 10 ** (-1 / 20);
const release = 0.1;

/**
 * Keeps what was raised above full scale from being clipped: gain falls at once to what the sample allows and comes back within
 * about a tenth of a second. Only used where a loudness correction makes music louder.
 */
export class Limiter {
  #gain = 1;
  #scratch = new Float32Array(0);

  /** Where the next frame begins; `rewind` goes back to it when frames were not taken after all. */
  get mark(): number {
    return this.#gain;
  }

  rewind(mark: number): void {
    this.#gain = mark;
  }

  /** The frames held back where they have to be, in memory that is good until the next call. The samples themselves stay as they are: they may be needed again. */
  apply(samples: Float32Array, rate: number): Float32Array {
    if (this.#scratch.length < samples.length) this.#scratch = new Float32Array(samples.length);
    const out = this.#scratch.subarray(0, samples.length);
    const back = 1 - Math.exp(-1 / (release * rate));
    for (let at = 0; at < samples.length; at += 2) {
      const left = samples[at] ?? 0;
      const right = samples[at + 1] ?? 0;
      const peak = Math.max(Math.abs(left), Math.abs(right));
      const allowed = peak > threshold ? threshold / peak : 1;
      this.#gain = allowed < this.#gain ? allowed : this.#gain + (1 - this.#gain) * back;
      const isOpen = this.#gain >= 0.999_999;
      out[at] = isOpen ? left : left * this.#gain;
      out[at + 1] = isOpen ? right : right * this.#gain;
    }
    return out;
  }
}
