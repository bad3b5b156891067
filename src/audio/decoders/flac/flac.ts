import { FLACDecoder } from '@wasm-audio-decoders/flac';
import type { Decoder, DecoderInput, SoundBlock } from '../decoder.ts';
import { damaged, unreadable } from '../decoder.ts';
import { interleave } from '../interleave.ts';
import { frameStart, parseStreamInfo, type StreamInfo } from './frame-header.ts';

/** Bytes given to the decoder at a time. */
const feed = 16 * 1024;
/** How far a frame head is looked for: the largest frames of 24-bit stereo are below this. */
const span = 256 * 1024;

/** FLAC in its own container. */
export async function openFlac(input: DecoderInput, signal: AbortSignal): Promise<Decoder> {
  const { reader } = input;
  const refuse = () => unreadable('FLAC', input.deciphered);
  const head = await reader.peek(42, signal);
  if (head.length < 42 || head.toString('latin1', 0, 4) !== 'fLaC' || ((head[4] ?? 0) & 0x7f) !== 0) throw refuse();
  const info = parseStreamInfo(head.subarray(8, 42));
  if (!info) throw refuse();
  // What a decoder needs to know after a jump: STREAMINFO alone, marked as the last block.
  const prelude = Buffer.from(head.subarray(0, 42));
  prelude[4] = 0x80;
  let isLast = ((head[4] ?? 0) & 0x80) !== 0;
  reader.skip(42);
  while (!isLast) {
    const block = await reader.peek(4, signal);
    if (block.length < 4) throw refuse();
    isLast = ((block[0] ?? 0) & 0x80) !== 0;
    reader.skip(4 + block.readUIntBE(1, 3));
  }
  const first = await reader.peek(2, signal);
  if (first.length < 2 || first[0] !== 0xff || ((first[1] ?? 0) & 0xfc) !== 0xf8) throw refuse();
  const decoder = new FLACDecoder();
  await decoder.ready;
  await decoder.decode(prelude);
  return new FlacDecoder(input, decoder, info, prelude, reader.at);
}

class FlacDecoder implements Decoder {
  readonly rate: number;
  readonly #input: DecoderInput;
  readonly #decoder: FLACDecoder;
  readonly #info: StreamInfo;
  readonly #prelude: Buffer;
  /** Where the first frame starts. */
  readonly #start: number;
  /** The package scales by one less than full scale, so this gives back the very integers. */
  readonly #scale: number;
  #position = 0;
  #target = 0;
  #isAtEnd = false;
  #scratch: Float32Array = new Float32Array(0);

  constructor(input: DecoderInput, decoder: FLACDecoder, info: StreamInfo, prelude: Buffer, start: number) {
    this.#input = input;
    this.#decoder = decoder;
    this.#info = info;
    this.#prelude = prelude;
    this.#start = start;
    this.#scale = 1 - 2 ** (1 - info.bits);
    this.rate = info.rate;
  }

  async read(signal: AbortSignal): Promise<SoundBlock | null> {
    const { reader } = this.#input;
    while (!this.#isAtEnd) {
      const bytes = (await reader.peek(1, signal)).subarray(0, feed);
      this.#isAtEnd = bytes.length === 0;
      const { channelData, samplesDecoded, errors } = this.#isAtEnd ? await this.#decoder.flush() : await this.#decoder.decode(Buffer.from(bytes));
      reader.skip(bytes.length);
      if (errors.length > 0) throw damaged('a frame cannot be decoded');
      if (samplesDecoded === 0) continue;
      this.#scratch = interleave(channelData, samplesDecoded, this.#scratch, 0, this.#scale);
      const at = this.#position;
      this.#position += samplesDecoded;
      const from = Math.max(0, this.#target - at);
      if (from < samplesDecoded) return { frames: this.#scratch.subarray(2 * from, 2 * samplesDecoded), at: at + from };
    }
    return null;
  }

  async seek(frame: number, signal: AbortSignal): Promise<void> {
    const { reader } = this.#input;
    const place = await this.#find(frame, signal);
    await this.#decoder.reset();
    await this.#decoder.decode(this.#prelude);
    reader.seek(place.at);
    this.#position = place.frame;
    this.#target = frame;
    this.#isAtEnd = false;
  }

  measure(): Promise<number | null> {
    return Promise.resolve(this.#info.length);
  }

  [Symbol.dispose](): void {
    this.#decoder.free();
  }

  /** A frame that starts at most a second before `target`, by interpolation, then by halving. */
  async #find(target: number, signal: AbortSignal): Promise<{ readonly at: number; readonly frame: number }> {
    const { reader, expected } = this.#input;
    let low = { at: this.#start, frame: 0 };
    let high = { at: await reader.size(signal), frame: this.#info.length ?? expected * this.rate };
    for (let looks = 0; looks < 24 && target - low.frame > this.rate && high.at - low.at > feed; looks++) {
      const share = Math.min(1, Math.max(0, (target - this.rate / 2 - low.frame) / Math.max(1, high.frame - low.frame)));
      const probe = looks < 6 ? low.at + Math.floor(share * (high.at - low.at)) : Math.floor((low.at + high.at) / 2);
      const found = await this.#frameAfter(Math.min(probe, high.at - feed / 2), signal);
      if (!found || found.at >= high.at || found.frame > target) high = { at: Math.max(low.at, probe), frame: found ? Math.max(found.frame, target) : high.frame };
      else if (found.at <= low.at) break;
      else low = found;
    }
    return low;
  }

  async #frameAfter(at: number, signal: AbortSignal): Promise<{ readonly at: number; readonly frame: number } | null> {
    const { reader } = this.#input;
    reader.seek(at);
    for (let wanted = feed; wanted <= span; wanted *= 2) {
      const bytes = await reader.peek(wanted, signal);
      for (let index = bytes.indexOf(0xff); index >= 0 && index < bytes.length - 16; index = bytes.indexOf(0xff, index + 1)) {
        const frame = frameStart(bytes, index, this.#info);
        if (frame !== null) return { at: at + index, frame };
      }
      if (bytes.length < wanted) return null;
    }
    return null;
  }
}
