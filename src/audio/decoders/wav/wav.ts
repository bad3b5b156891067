import { TonearmError } from '#foundation';
import type { ByteReader } from '../../bytes/byte-reader.ts';
import type { Decoder, DecoderInput, SoundBlock } from '../decoder.ts';
import { unreadable } from '../decoder.ts';

/** Frames read at a time. */
const most = 4096;
/** Chunks before the sound that are stepped over: titles, covers. */
const mostChunks = 64;
/** Writers that do not know the length yet put something like this in its place. */
const endless = 0x7fff_0000;

/** Samples of one kind of encoding, as -1 to 1. */
type Sampler = (bytes: Buffer, at: number) => number;

const integers: Readonly<Record<number, Sampler>> = {
  8: (bytes, at) => (bytes.readUInt8(at) - 128) / 128,
  16: (bytes, at) => bytes.readInt16LE(at) / 0x8000,
  24: (bytes, at) => bytes.readIntLE(at, 3) / 0x80_0000,
  32: (bytes, at) => bytes.readInt32LE(at) / 0x8000_0000,
};
const floats: Readonly<Record<number, Sampler>> = {
  32: (bytes, at) => bounded(bytes.readFloatLE(at)),
  64: (bytes, at) => bounded(bytes.readDoubleLE(at)),
};

interface WavForm {
  readonly rate: number;
  readonly channels: number;
  /** Bytes of one sample of one channel. */
  readonly width: number;
  readonly sample: Sampler;
}

/** RIFF WAVE of integers or floats. Where its length is not told, as in what is written while it is spoken, it goes to the end. */
export async function openWav(input: DecoderInput, signal: AbortSignal): Promise<Decoder> {
  const { reader } = input;
  const head = await reader.peek(12, signal);
  if (head.length < 12 || head.toString('latin1', 0, 4) !== 'RIFF' || head.toString('latin1', 8, 12) !== 'WAVE') throw unreadable('WAV', input.deciphered);
  reader.skip(12);
  let form: WavForm | null = null;
  for (let chunks = 0; chunks < mostChunks; chunks++) {
    const chunk = await reader.peek(8, signal);
    if (chunk.length < 8) break;
    const name = chunk.toString('latin1', 0, 4);
    const size = chunk.readUInt32LE(4);
    reader.skip(8);
    if (name === 'data') {
      if (!form) break;
      return new WavDecoder(reader, form, reader.at, size === 0 || size >= endless ? null : Math.floor(size / (form.width * form.channels)));
    }
    if (name === 'fmt ') form = parseForm((await reader.peek(Math.min(size, 40), signal)).subarray(0, Math.min(size, 40)));
    // Chunks begin at even places.
    reader.skip(size + (size % 2));
  }
  throw unreadable('WAV', input.deciphered);
}

function parseForm(bytes: Buffer): WavForm {
  if (bytes.length < 16) throw unreadable('WAV', false);
  const told = bytes.readUInt16LE(0);
  // In the extensible form the real kind comes later.
  const kind = told === 0xfffe && bytes.length >= 26 ? bytes.readUInt16LE(24) : told;
  const channels = bytes.readUInt16LE(2);
  const rate = bytes.readUInt32LE(4);
  const bits = bytes.readUInt16LE(14);
  const sample = kind === 1 ? integers[bits] : kind === 3 ? floats[bits] : undefined;
  if (!sample || channels < 1 || channels > 8 || rate < 4000 || rate > 192_000) {
    throw new TonearmError({
      kind: 'invalid',
      code: 'audio/unknown-format',
      message: `This WAV file has a form that cannot be played (kind ${kind}, ${bits} bits, ${channels} channels, ${rate} Hz). Plain PCM works: 8 to 32 bits or floats, 4 to 192 kHz.`,
    });
  }
  return { rate, channels, width: bits / 8, sample };
}

class WavDecoder implements Decoder {
  readonly rate: number;
  readonly #reader: ByteReader;
  readonly #form: WavForm;
  readonly #start: number;
  readonly #length: number | null;
  readonly #frame: number;
  readonly #scratch = new Float32Array(2 * most);

  constructor(reader: ByteReader, form: WavForm, start: number, length: number | null) {
    this.rate = form.rate;
    this.#reader = reader;
    this.#form = form;
    this.#start = start;
    this.#length = length;
    this.#frame = form.width * form.channels;
  }

  async read(signal: AbortSignal): Promise<SoundBlock | null> {
    const { width, channels, sample } = this.#form;
    const at = (this.#reader.at - this.#start) / this.#frame;
    const bytes = await this.#reader.peek(this.#frame, signal);
    const frames = Math.min(most, Math.floor(bytes.length / this.#frame), (this.#length ?? Infinity) - at);
    if (frames <= 0) return null;
    const right = channels > 1 ? width : 0;
    for (let index = 0, place = 0; index < frames; index++, place += this.#frame) {
      this.#scratch[2 * index] = sample(bytes, place);
      this.#scratch[2 * index + 1] = sample(bytes, place + right);
    }
    this.#reader.skip(frames * this.#frame);
    return { frames: this.#scratch.subarray(0, 2 * frames), at };
  }

  async seek(frame: number, signal: AbortSignal): Promise<void> {
    this.#reader.seek(this.#start + Math.min(frame, (await this.measure(signal)) ?? frame) * this.#frame);
  }

  async measure(signal: AbortSignal): Promise<number | null> {
    return this.#length ?? Math.max(0, Math.floor(((await this.#reader.size(signal)) - this.#start) / this.#frame));
  }

  [Symbol.dispose](): void {
    // Holds nothing.
  }
}

/** Floats may be anything; what is no number would stay in every filter after it. */
function bounded(sample: number): number {
  return Number.isNaN(sample) ? 0 : Math.min(4, Math.max(-4, sample));
}
