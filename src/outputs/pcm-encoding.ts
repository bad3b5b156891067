import { z } from 'zod';

/** How samples are written: signed little-endian integers of 16, 24 or 32 bits, or 32-bit floats. */
export const SampleFormat = z.enum(['s16le', 's24le', 's32le', 'f32le']);
export type SampleFormat = z.infer<typeof SampleFormat>;

export const bytesPerSample: Readonly<Record<SampleFormat, number>> = { s16le: 2, s24le: 3, s32le: 4, f32le: 4 };

/** Adding and taking away 1.5 · 2^52 rounds a double to the nearest integer, halves to even, as `cvtsd2si` in oggdec does. */
const rounder = 6_755_399_441_055_744;

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
        for (let index = 0; index < samples.length; index++) this.#words[index] = integer(samples[index] ?? 0, 32_768, 32_767);
        break;
      case 's24le':
        for (let index = 0, at = 0; index < samples.length; index++, at += 3) this.#buffer.writeIntLE(integer(samples[index] ?? 0, 8_388_608, 8_388_607), at, 3);
        break;
      case 's32le':
        for (let index = 0; index < samples.length; index++) this.#longs[index] = integer(samples[index] ?? 0, 2_147_483_648, 2_147_483_647);
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

function integer(sample: number, scale: number, top: number): number {
  const value = sample * scale + rounder - rounder;
  // Written so that NaN becomes silence.
  return value >= top ? top : value >= -scale ? value : value < -scale ? -scale : 0;
}
