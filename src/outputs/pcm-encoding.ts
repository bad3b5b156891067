/** How samples are written: signed little-endian integers of 16, 24 or 32 bits, or 32-bit floats. */
export type SampleFormat = 's16le' | 's24le' | 's32le' | 'f32le';

export const bytesPerSample: Readonly<Record<SampleFormat, number>> = { s16le: 2, s24le: 3, s32le: 4, f32le: 4 };

/**
 * Turns float samples into bytes, in memory that is reused: the result is good until the next call.
 * Full scale is 2^(bits-1), values beyond it are clipped, no dither: 16-bit material comes out as it went in.
 */
export class PcmEncoder {
  readonly #format: SampleFormat;
  #buffer = Buffer.alloc(0);
  #words = new Int16Array(0);
  #longs = new Int32Array(0);
  #floats = new Float32Array(0);

  constructor(format: SampleFormat) {
    this.#format = format;
  }

  encode(samples: Float32Array): Buffer {
    const length = samples.length * bytesPerSample[this.#format];
    if (this.#buffer.length < length) this.#grow(length);
    switch (this.#format) {
      case 's16le':
        toWords(samples, this.#words);
        break;
      case 's24le':
        if (this.#longs.length < samples.length) this.#longs = new Int32Array(samples.length);
        toLongs(samples, 2 ** 23, this.#longs);
        pack(this.#longs, samples.length, this.#buffer);
        break;
      case 's32le':
        toLongs(samples, 2 ** 31, this.#longs);
        break;
      case 'f32le':
        this.#floats.set(samples);
        break;
    }
    return this.#buffer.subarray(0, length);
  }

  #grow(length: number): void {
    // Memory of its own, never the pool, so that the typed views are aligned. Every host Node runs Tonearm on is little-endian.
    const memory = new ArrayBuffer(Math.ceil(length / 4) * 4);
    this.#buffer = Buffer.from(memory);
    this.#words = new Int16Array(memory);
    this.#longs = new Int32Array(memory);
    this.#floats = new Float32Array(memory);
  }
}

/** Samples that are converted at a time; a multiple of eight. */
const piece = 2048;

/* eslint-disable @typescript-eslint/no-non-null-assertion -- within its length; the hottest loops but for decoding */
/**
 * Converts piece by piece in memory of its own, eight samples a turn. A loop over arrays that never change, of one length, is compiled
 * without the checks at each sample that cost as much as the arithmetic: this takes half the time of going straight from one to the
 * other. For that, arrays and numbers have to be constants of a function or stand in it: at the top level a bundler makes variables of them.
 * NaN fails every comparison and is stored as 0: silence. Adding and taking away 1.5 · 2^52 rounds a double to the nearest
 * integer, halves to even, as `cvtsd2si` in oggdec does.
 */
const toWords = ((): ((samples: Float32Array, out: Int16Array) => void) => {
  const given = new Float32Array(piece);
  const words = new Int16Array(piece);
  const toWord = (sample: number) => {
    const value = sample * 32_768;
    return (value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value) + 6_755_399_441_055_744 - 6_755_399_441_055_744;
  };
  const convert = () => {
    for (let index = 0; index < piece; index += 8) {
      words[index] = toWord(given[index]!);
      words[index + 1] = toWord(given[index + 1]!);
      words[index + 2] = toWord(given[index + 2]!);
      words[index + 3] = toWord(given[index + 3]!);
      words[index + 4] = toWord(given[index + 4]!);
      words[index + 5] = toWord(given[index + 5]!);
      words[index + 6] = toWord(given[index + 6]!);
      words[index + 7] = toWord(given[index + 7]!);
    }
  };
  return (samples, out) => {
    for (let at = 0; at < samples.length; at += piece) {
      const count = Math.min(piece, samples.length - at);
      given.set(count === samples.length ? samples : samples.subarray(at, at + count));
      convert();
      out.set(count === piece ? words : words.subarray(0, count), at);
    }
  };
})();

/** For wider integers, which few outputs take: straight from one to the other. */
function toLongs(samples: Float32Array, scale: number, out: Int32Array): void {
  const top = scale - 1;
  const count = samples.length;
  for (let index = 0; index < count; index++) {
    const value = samples[index]! * scale;
    out[index] = (value > top ? top : value < -scale ? -scale : value) + 6_755_399_441_055_744 - 6_755_399_441_055_744;
  }
}
/* eslint-enable @typescript-eslint/no-non-null-assertion */

function pack(longs: Int32Array, count: number, out: Buffer): void {
  for (let index = 0, at = 0; index < count; index++, at += 3) {
    const value = longs[index] ?? 0;
    out[at] = value;
    out[at + 1] = value >> 8;
    out[at + 2] = value >> 16;
  }
}
