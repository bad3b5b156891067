import type { ByteReader } from '../../bytes/byte-reader.ts';
import { damaged } from '../decoder.ts';
import { parseFrameHeader, type FrameHeader } from './frame-header.ts';

/** Bytes without a frame that are stepped over while playing. */
const patience = 160 * 1024;

export interface Mp3Frame {
  readonly at: number;
  readonly header: FrameHeader;
  /** Good until the next call. */
  readonly bytes: Buffer;
}

/** Reads layer III frames one after another, steps over tags and damage. */
export class Mp3FrameReader {
  readonly #reader: ByteReader;
  #like: FrameHeader | null = null;
  /** After a jump any four bytes may look like a head. */
  #isLost = true;

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  get at(): number {
    return this.#reader.at;
  }

  /** To where a frame starts, or, with `isGuess`, to just anywhere. */
  seek(at: number, isGuess = false): void {
    this.#isLost = isGuess;
    this.#reader.seek(at);
  }

  /** Steps over an ID3v2 tag at the beginning, covers and all. */
  async skipTag(signal: AbortSignal): Promise<void> {
    const head = await this.#reader.peek(10, signal);
    if (head.toString('latin1', 0, 3) !== 'ID3' || head.length < 10) return;
    const size = ((head[6] ?? 0) << 21) | ((head[7] ?? 0) << 14) | ((head[8] ?? 0) << 7) | (head[9] ?? 0);
    this.#reader.skip(10 + size);
  }

  /** The next whole frame; null at the end. `limit` bounds how far it is looked for. */
  async next(signal: AbortSignal, limit = patience): Promise<Mp3Frame | null> {
    const reader = this.#reader;
    for (let skipped = 0; ; skipped += 1) {
      if (skipped > limit) throw damaged(`${Math.round(limit / 1024)} KiB of it make no sense`);
      let bytes = await reader.peek(4, signal);
      if (bytes.length < 4) return null;
      const header = parseFrameHeader(bytes);
      if (header && this.#isLike(header)) {
        bytes = await reader.peek(header.length + 4, signal);
        if (bytes.length < header.length) return null;
        const after = bytes.length >= header.length + 4 ? parseFrameHeader(bytes, header.length) : null;
        // After a jump or damage a head counts only when another follows it, or nothing, or a tag of the end.
        const isSure = skipped === 0 && !this.#isLost;
        if (isSure || after || bytes.length < header.length + 4 || bytes.toString('latin1', header.length, header.length + 3) === 'TAG') {
          this.#like ??= header;
          this.#isLost = false;
          const frame = { at: reader.at, header, bytes: bytes.subarray(0, header.length) };
          reader.skip(header.length);
          return frame;
        }
      }
      if (bytes.toString('latin1', 0, 3) === 'TAG') return null;
      reader.skip(1);
    }
  }

  #isLike({ version, rate }: FrameHeader): boolean {
    return this.#like === null || (version === this.#like.version && rate === this.#like.rate);
  }
}
