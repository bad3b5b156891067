import { createCipheriv } from 'node:crypto';
import type { Picture } from './pictures.ts';
import type { CatalogueEntry, LoudnessEntry } from './entry.ts';

/** An artist, album, show or playlist: something that has an id and a name. */
export interface Named {
  readonly gid: Buffer;
  readonly uri: string;
  readonly name: string;
}

/** Something that can be asked for: a track or an episode, as the cloud keeps it. */
export interface CatalogueItem {
  readonly kind: 'track' | 'episode';
  readonly gid: Buffer;
  readonly uri: string;
  readonly title: string;
  readonly artists: readonly Named[];
  /** Album of a track, show of an episode. */
  readonly album: Named;
  readonly number: number;
  readonly disc: number;
  /** Milliseconds. */
  readonly duration: number;
  readonly explicit: boolean;
  readonly pictures: readonly Picture[];
  readonly files: readonly AudioFile[];
  readonly loudness: LoudnessEntry | null;
  readonly isListed: boolean;
  /** Where the rest of what was given can be read. */
  readonly entry: CatalogueEntry;
}

/** One file of an item, as the CDN keeps it. */
export interface AudioFile {
  readonly id: Buffer;
  /** 40 hex digits, or fewer for odd ones. */
  readonly hex: string;
  readonly format: number;
  /** kbit/s. */
  readonly bitrate: number;
  /** 16 bytes; null for files without encryption. */
  readonly key: Buffer | null;
  /** Whether the access point hands the key out. */
  readonly isKeyed: boolean;
  readonly owner: () => CatalogueItem;
  /** The file before encryption, extra page included. */
  readonly source: ByteSource;
}

/** Bytes that can be read in pieces. */
export interface ByteSource {
  size(): Promise<number>;
  /** `from` up to but without `to`. */
  read(from: number, to: number): Promise<Buffer>;
}

/** The counter block of byte 0 of every file (connect-session §12.9). */
const firstBlock = 0x72e067fbddcbcf77ebe8bc643f630d93n;

/** The bytes of a file as the CDN serves them: encrypted from any place on. */
export async function readStored({ source, key }: Pick<AudioFile, 'source' | 'key'>, from: number, to: number): Promise<Buffer> {
  const plain = await source.read(from, to);
  if (!key) return plain;
  const counter = Buffer.from(BigInt.asUintN(128, firstBlock + BigInt(from >> 4)).toString(16).padStart(32, '0'), 'hex');
  const cipher = createCipheriv('aes-128-ctr', key, counter);
  cipher.update(Buffer.alloc(from & 15));
  return cipher.update(plain);
}
