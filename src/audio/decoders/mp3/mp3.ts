import { MPEGDecoder } from 'mpg123-decoder';
import type { Decoder, DecoderInput, SoundBlock } from '../decoder.ts';
import { unreadable } from '../decoder.ts';
import { interleave } from '../interleave.ts';
import { parseInfoTag, type InfoTag } from './frame-header.ts';
import { Mp3FrameReader, type Mp3Frame } from './frame-reader.ts';

/** Where the first frame may be, after any tag. */
const beginning = 64 * 1024;
/** Samples every layer III decoder adds in front, as mpg123 counts them. */
const decoderDelay = 529;
/** Frames decoded before the one wanted: the bit reservoir reaches back 511 bytes, the overlap one frame. */
const runUp = 10;
/** Frames decoded at a time. */
const batch = 8;
/** Every so many frames the place of one is remembered. */
const markEvery = 64;

/** MPEG layer III without and with an encoder's gapless tag, constant or variable bitrate. */
export async function openMp3(input: DecoderInput, signal: AbortSignal): Promise<Decoder> {
  const frames = new Mp3FrameReader(input.reader);
  await frames.skipTag(signal);
  const first = await frames.next(signal, beginning).catch(() => null);
  if (!first) {
    signal.throwIfAborted();
    throw unreadable('MP3', input.deciphered);
  }
  const info = parseInfoTag(first.bytes, first.header);
  const start = info ? first.at + first.header.length : first.at;
  frames.seek(start);
  const decoder = new MPEGDecoder({ enableGapless: false });
  await decoder.ready;
  return new Mp3Decoder(input, frames, decoder, first, info, start);
}

class Mp3Decoder implements Decoder {
  readonly rate: number;
  readonly #input: DecoderInput;
  readonly #frames: Mp3FrameReader;
  readonly #decoder: MPEGDecoder;
  /** Samples per frame. */
  readonly #step: number;
  readonly #bitrate: number;
  readonly #start: number;
  readonly #count: number | null;
  /** Decoded samples to leave out at the very beginning, and the length after that, if told. */
  readonly #lead: number;
  readonly #length: number | null;
  /** Places of frames 0, 64, 128 …, as far as known. */
  readonly #marks: (number | undefined)[];
  #isConstant: boolean;
  /** Number of the frame that is read next. */
  #index = 0;
  #target = 0;
  #scratch: Float32Array = new Float32Array(0);

  constructor(input: DecoderInput, frames: Mp3FrameReader, decoder: MPEGDecoder, first: Mp3Frame, info: InfoTag | null, start: number) {
    this.#input = input;
    this.#frames = frames;
    this.#decoder = decoder;
    this.rate = first.header.rate;
    this.#step = first.header.samples;
    this.#bitrate = first.header.bitrate;
    this.#start = start;
    this.#marks = [start];
    this.#isConstant = info?.isConstant ?? true;
    this.#count = info?.frames ?? null;
    this.#lead = info?.delay === null || info === null ? 0 : info.delay + decoderDelay;
    const tail = Math.max(0, (info?.padding ?? decoderDelay) - decoderDelay);
    this.#length = this.#count === null ? null : Math.max(0, this.#count * this.#step - this.#lead - tail);
  }

  async read(signal: AbortSignal): Promise<SoundBlock | null> {
    for (;;) {
      const from = this.#index;
      let samples = 0;
      while (this.#index - from < batch) {
        const frame = await this.#next(signal);
        if (!frame) break;
        const { channelData, samplesDecoded } = this.#decoder.decode(frame.bytes);
        this.#scratch = interleave(channelData, samplesDecoded, this.#scratch, samples);
        samples += samplesDecoded;
      }
      if (this.#index === from) return null;
      const block = this.#trim(from * this.#step - this.#lead, samples);
      if (block) return block;
      if (this.#length !== null && this.#index * this.#step - this.#lead >= this.#length && this.#target >= this.#length) return null;
    }
  }

  async seek(frame: number, signal: AbortSignal): Promise<void> {
    const wanted = Math.max(0, Math.floor((frame + this.#lead) / this.#step) - runUp);
    await this.#moveTo(wanted, signal);
    await this.#decoder.reset();
    this.#target = frame;
  }

  async measure(signal: AbortSignal): Promise<number | null> {
    if (this.#length !== null || !this.#isConstant) return this.#length;
    const size = await this.#input.reader.size(signal);
    return Math.max(0, Math.floor((size - this.#start) / this.#meanLength()) * this.#step - this.#lead);
  }

  [Symbol.dispose](): void {
    this.#decoder.free();
  }

  async #next(signal: AbortSignal): Promise<Mp3Frame | null> {
    const frame = await this.#frames.next(signal);
    if (!frame) return null;
    if (this.#index % markEvery === 0) this.#marks[this.#index / markEvery] ??= frame.at;
    if (frame.header.bitrate !== this.#bitrate) this.#isConstant = false;
    this.#index += 1;
    return frame;
  }

  #trim(at: number, samples: number): SoundBlock | null {
    const from = Math.max(0, this.#target - at);
    const to = Math.min(samples, (this.#length ?? Infinity) - at);
    return to > from ? { frames: this.#scratch.subarray(2 * from, 2 * to), at: at + from } : null;
  }

  /** So that the frame of that number is read next: by arithmetic where every frame is alike, else from the nearest place known. */
  async #moveTo(wanted: number, signal: AbortSignal): Promise<void> {
    // A leap leaves some of them unknown.
    let mark = Math.floor(wanted / markEvery);
    while (mark > 0 && this.#marks[mark] === undefined) mark -= 1;
    this.#index = mark * markEvery;
    this.#frames.seek(this.#marks[mark] ?? this.#start);
    if (this.#isConstant && wanted - this.#index > markEvery) await this.#leap(wanted, signal);
    while (this.#index < wanted && (await this.#next(signal))) {
      // Only heads are looked at.
    }
  }

  /** Near the wanted frame, if every frame is where arithmetic says; else stays where it is. */
  async #leap(wanted: number, signal: AbortSignal): Promise<void> {
    const from = this.#frames.at;
    const size = await this.#input.reader.size(signal);
    // Padding keeps every frame within a byte of its place; half a frame back is safely inside the one before.
    this.#frames.seek(Math.min(size, this.#start + Math.floor((wanted - 0.5) * this.#meanLength())), true);
    const frame = await this.#frames.next(signal);
    const number = frame ? Math.round((frame.at - this.#start) / this.#meanLength()) : wanted;
    const isInPlace = !frame || Math.abs(frame.at - this.#start - number * this.#meanLength()) < 2;
    this.#frames.seek(isInPlace && frame ? frame.at : isInPlace ? size : from);
    if (isInPlace) this.#index = number;
  }

  #meanLength(): number {
    return (this.#step * this.#bitrate * 125) / this.rate;
  }
}
