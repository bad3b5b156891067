import type { ByteReader } from '../../bytes/byte-reader.ts';
import { damaged } from '../decoder.ts';
import { pageChecksum } from './crc.ts';

/** One Ogg page. Views are good until the reader's next call. */
export interface OggPage {
  /** Where it starts. */
  readonly at: number;
  readonly length: number;
  /** Begins with the rest of a packet of the page before. */
  readonly continued: boolean;
  readonly first: boolean;
  readonly last: boolean;
  /** Position at the end of the last packet that ends here; -1 when none does. For Vorbis in frames. */
  readonly granule: number;
  readonly serial: number;
  readonly sequence: number;
  /** Segment lengths; a packet ends where one is below 255. */
  readonly lacing: Buffer;
  readonly body: Buffer;
}

const headerLength = 27;
const largest = headerLength + 255 + 255 * 255;
const capture = Buffer.from('OggS');
const captureWord = capture.readUInt32BE(0);

/** Reads Ogg pages (RFC 3533) one after another, steps over anything that is none or is damaged, and counts what it stepped over. */
export class OggPageReader {
  readonly #reader: ByteReader;
  /** Bytes stepped over since the counter was last set to 0 by the user. */
  skipped = 0;
  /** Where the page handed out last ends: its bytes are given up with the next call. */
  #next = -1;

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  get at(): number {
    return this.#next < 0 ? this.#reader.at : this.#next;
  }

  seek(at: number): void {
    this.#next = -1;
    this.#reader.seek(at);
  }

  /** The next whole, undamaged page; null at the end, or when none starts before `limit`. Throws when more than `patience` bytes were none. */
  async next(signal: AbortSignal, limit = Infinity, patience = Infinity): Promise<OggPage | null> {
    const reader = this.#reader;
    if (this.#next >= 0) reader.seek(this.#next);
    this.#next = -1;
    for (;;) {
      if (reader.at >= limit) return null;
      if (this.skipped > patience) throw damaged(`${Math.round(this.skipped / 1024)} KiB of it make no sense`);
      let bytes = await reader.peek(headerLength, signal);
      if (bytes.length < headerLength) {
        this.skipped += bytes.length;
        return null;
      }
      if (bytes.readUInt32BE(0) !== captureWord) {
        const found = bytes.indexOf(capture);
        // The pattern may begin in the last three bytes.
        const step = found < 0 ? bytes.length - 3 : found;
        this.skipped += step;
        reader.skip(step);
        continue;
      }
      const segments = bytes[26] ?? 0;
      bytes = await reader.peek(headerLength + segments, signal);
      let length = headerLength + segments;
      for (let index = headerLength; index < headerLength + segments; index++) length += bytes[index] ?? 0;
      bytes = await reader.peek(length, signal);
      if (bytes.length < length || bytes[4] !== 0 || pageChecksum(bytes.subarray(0, length)) !== bytes.readUInt32LE(22)) {
        this.skipped += 1;
        reader.skip(1);
        continue;
      }
      this.#next = reader.at + length;
      return parsePage(bytes.subarray(0, length), reader.at, segments);
    }
  }

  /** The last page of the source that says where it ends; the search goes back at most 128 KiB. */
  async findLast(signal: AbortSignal, serial: number): Promise<{ readonly granule: number; readonly at: number } | null> {
    const size = await this.#reader.size(signal);
    for (const span of [16 * 1024, 2 * largest]) {
      const from = Math.max(0, size - span);
      const bytes = await this.#reader.look(from, size - from, signal);
      for (let at = bytes.lastIndexOf(capture); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(capture, at - 1)) {
        const page = pageIn(bytes.subarray(at), from + at);
        if (page?.serial === serial && page.granule >= 0) return { granule: page.granule, at: page.at };
      }
      if (from === 0) break;
    }
    return null;
  }
}

function pageIn(bytes: Buffer, at: number): OggPage | null {
  if (bytes.length < headerLength || bytes[4] !== 0) return null;
  const segments = bytes[26] ?? 0;
  let length = headerLength + segments;
  if (bytes.length < length) return null;
  for (let index = headerLength; index < headerLength + segments; index++) length += bytes[index] ?? 0;
  const page = bytes.subarray(0, length);
  return page.length === length && pageChecksum(page) === page.readUInt32LE(22) ? parsePage(page, at, segments) : null;
}

function parsePage(bytes: Buffer, at: number, segments: number): OggPage {
  const flags = bytes[5] ?? 0;
  return {
    at,
    length: bytes.length,
    continued: (flags & 1) !== 0,
    first: (flags & 2) !== 0,
    last: (flags & 4) !== 0,
    // Good to 2^53 frames, six thousand years of sound; -1 stays -1.
    granule: bytes.readUInt32LE(6) + bytes.readInt32LE(10) * 2 ** 32,
    serial: bytes.readUInt32LE(14),
    sequence: bytes.readUInt32LE(18),
    lacing: bytes.subarray(headerLength, headerLength + segments),
    body: bytes.subarray(headerLength + segments),
  };
}
