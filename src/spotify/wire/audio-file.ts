import { oggChecksum } from './ogg-checksum.ts';
import type { SeekTable } from './seek-table.ts';

/** The counter block of byte 0 of every file, AES-128-CTR (connect-session.md §12.9). */
export const AUDIO_IV: Buffer = Buffer.from('72e067fbddcbcf77ebe8bc643f630d93', 'hex');

const block = 16;

/**
 * The counter block of the 16-byte block that holds `byteOffset`. Start a cipher with it and drop the first
 * `byteOffset % 16` bytes it gives.
 */
export function counterBlock(byteOffset: number): Buffer {
  const counter = BigInt(`0x${AUDIO_IV.toString('hex')}`) + BigInt(Math.floor(byteOffset / block));
  return Buffer.from(BigInt.asUintN(128, counter).toString(16).padStart(block * 2, '0'), 'hex');
}

/** What the extra first page of a Vorbis file tells (connect-session.md §12.10). */
export interface AudioHeader {
  /** Length of the page: where the Vorbis stream begins. */
  readonly length: number;
  /** Of the whole file; 0 when there is no seek table. */
  readonly samples: number;
  /** Of the file without this page; 0 when there is no seek table. */
  readonly bytes: number;
  readonly seek: SeekTable | null;
  /** dB. */
  readonly trackGain: number;
  /** Linear. */
  readonly trackPeak: number;
  readonly albumGain: number;
  readonly albumPeak: number;
}

/** Length of the page as all known files have it. */
export const AUDIO_HEADER_LENGTH = 0xa7;

const Segment = { seekTable: 0, gain: 1, end: 2 } as const;
const pageHead = 27;
const mark = 0x81;
const seekEntries = 100;

/**
 * Reads the first page of a decrypted file; `null` when it is an ordinary Ogg page or no Ogg at all (a wrong key, or MP3).
 * Missing parts become gain 0, peak 1 and no seek table. Never throws.
 */
export function parseAudioHeader(page: Uint8Array): AudioHeader | null {
  const bytes = Buffer.from(page.buffer, page.byteOffset, page.byteLength);
  if (bytes.length < pageHead || bytes.toString('latin1', 0, 4) !== 'OggS') return null;
  const lacing = bytes.subarray(pageHead, pageHead + bytes.readUInt8(26));
  const start = pageHead + bytes.readUInt8(26);
  const body = bytes.subarray(start, start + lacing.reduce((sum, value) => sum + value, 0));
  if (body[0] !== mark) return null;
  let header: AudioHeader = { length: start + body.length, samples: 0, bytes: 0, seek: null, trackGain: 0, trackPeak: 1, albumGain: 0, albumPeak: 1 };
  for (let at = 1; at + 2 <= body.length; ) {
    const size = body.readUInt16LE(at);
    const segment = body.subarray(at + 2, at + 2 + size);
    header = { ...header, ...parseSegment(segment) };
    at += 2 + size;
  }
  return header;
}

function parseSegment(segment: Buffer): Partial<AudioHeader> {
  if (segment[0] === Segment.seekTable && segment.length >= 10 + seekEntries) {
    const seek = { offset: segment.readUInt8(9), deltas: Buffer.from(segment.subarray(10, 10 + seekEntries)) };
    return { samples: segment.readUInt32LE(1), bytes: segment.readUInt32LE(5), seek };
  }
  if (segment[0] === Segment.gain && segment.length >= 17) {
    return {
      trackGain: finite(segment.readFloatLE(1), 0),
      trackPeak: finite(segment.readFloatLE(5), 1),
      albumGain: finite(segment.readFloatLE(9), 0),
      albumPeak: finite(segment.readFloatLE(13), 1),
    };
  }
  return {};
}

function finite(value: number, otherwise: number): number {
  return Number.isFinite(value) ? value : otherwise;
}

export interface AudioHeaderInput {
  readonly samples: number;
  readonly bytes: number;
  readonly seek: SeekTable;
  readonly trackGain?: number;
  readonly trackPeak?: number;
  readonly albumGain?: number;
  readonly albumPeak?: number;
  readonly serial?: number;
}

/** The extra page, ready to be put before a Vorbis stream; for the far side's part. */
export function encodeAudioHeader({ samples, bytes, seek, trackGain = 0, trackPeak = 1, albumGain = trackGain, albumPeak = trackPeak, serial = 0 }: AudioHeaderInput): Buffer {
  const table = Buffer.alloc(12);
  table.writeUInt16LE(10 + seekEntries, 0);
  table.writeUInt8(Segment.seekTable, 2);
  table.writeUInt32LE(samples, 3);
  table.writeUInt32LE(bytes, 7);
  table.writeUInt8(seek.offset, 11);
  const gain = Buffer.alloc(19);
  gain.writeUInt16LE(17, 0);
  gain.writeUInt8(Segment.gain, 2);
  [trackGain, trackPeak, albumGain, albumPeak].forEach((value, index) => gain.writeFloatLE(value, 3 + index * 4));
  const body = Buffer.concat([Buffer.of(mark), table, seek.deltas.subarray(0, seekEntries), gain, Buffer.of(5, 0, Segment.end, 255, 255, 255, 255)]);
  const head = Buffer.alloc(pageHead + 1);
  head.write('OggS', 0, 'latin1');
  head.writeUInt8(0x06, 5); // begin and end of a stream of its own
  head.writeUInt32LE(serial, 14);
  head.writeUInt8(1, 26);
  head.writeUInt8(body.length, 27);
  const page = Buffer.concat([head, body]);
  page.writeUInt32LE(oggChecksum(page), 22);
  return page;
}
