/** Where the limiter begins to hold back, so that its knee ends at full scale. */
const threshold = 10 ** (-1 / 20);
const release = 0.1;

/**
 * Keeps what was raised above full scale from being clipped: gain falls at once to what the sample allows and comes back within
 * about a tenth of a second. Only used where a loudness correction makes music louder.
 */
export class Limiter {
  #gain = 1;

  /** Changes the samples in place. */
  apply(samples: Float32Array, rate: number): Float32Array {
    const back = 1 - Math.exp(-1 / (release * rate));
    for (let at = 0; at < samples.length; at += 2) {
      const left = samples[at] ?? 0;
      const right = samples[at + 1] ?? 0;
      const peak = Math.max(Math.abs(left), Math.abs(right));
      const allowed = peak > threshold ? threshold / peak : 1;
      this.#gain = allowed < this.#gain ? allowed : this.#gain + (1 - this.#gain) * back;
      if (this.#gain < 0.999_999) {
        samples[at] = left * this.#gain;
        samples[at + 1] = right * this.#gain;
      }
    }
    return samples;
  }
}
