import { unreadable } from '../decoder.ts';
import type { OggPage, OggPageReader } from '../ogg/page-reader.ts';
import { PacketSplitter } from '../ogg/packet-splitter.ts';

/** How far into the bytes the first Vorbis page may be. */
const beginning = 64 * 1024;
/** The set-up packet must fit the decoder; the comment packet may hold a cover and is not kept. */
const largest = 128 * 1024;

export interface VorbisHeaders {
  readonly serial: number;
  readonly rate: number;
  readonly channels: number;
  readonly identification: Buffer;
  readonly setup: Buffer;
  /** Where the first page with sound starts. */
  readonly start: number;
}

/** Reads the three header packets of the first Vorbis stream (Vorbis I §4.2). */
export async function readVorbisHeaders(pages: OggPageReader, deciphered: boolean, signal: AbortSignal): Promise<VorbisHeaders> {
  const refuse = () => unreadable('Ogg Vorbis', deciphered);
  let first: OggPage | null;
  do {
    first = await pages.next(signal, beginning);
    if (!first) throw refuse();
  } while (!first.first || !isHeader(first.body, 1));
  const identification = Buffer.from(first.body);
  if (identification.length < 30) throw refuse();
  const channels = identification[11] ?? 0;
  const rate = identification.readUInt32LE(12);
  if (identification.readUInt32LE(7) !== 0 || channels < 1 || channels > 8 || rate < 8000 || rate > 192_000) throw refuse();
  const { serial } = first;

  const splitter = new PacketSplitter(largest);
  for (;;) {
    const page = await pages.next(signal);
    // Sound or the end before the set-up packet: it was lost, or longer than any set-up is.
    if (!page || (page.serial === serial && page.granule > 0)) throw refuse();
    if (page.serial !== serial) continue;
    const setup = splitter.split(page).find((packet) => isHeader(packet, 5));
    if (setup) return { serial, rate, channels, identification, setup: Buffer.from(setup), start: page.at + page.length };
  }
}

function isHeader(packet: Buffer, type: number): boolean {
  return packet[0] === type && packet.toString('latin1', 1, 7) === 'vorbis';
}
