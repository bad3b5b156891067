import type { Decoder, DecoderInput, SoundBlock } from '../decoder.ts';
import { damaged, tolerance } from '../decoder.ts';
import { OggPageReader, type OggPage } from '../ogg/page-reader.ts';
import { hasWholePacket, PacketSplitter } from '../ogg/packet-splitter.ts';
import { readVorbisHeaders } from './headers.ts';
import { VorbisKernel } from './kernel.ts';

/** Bytes without any page that are stepped over while playing: about two seconds at the highest bitrates. */
const patience = 160 * 1024;

/**
 * Ogg Vorbis. Foreign logical streams, such as the one-page stream in front of Spotify's files (connect-session.md §12.10), are left out.
 * Positions come from the pages' granules, so that lost pages cost what they held and nothing after. Chained streams end with the first.
 */
export async function openVorbis(input: DecoderInput, signal: AbortSignal): Promise<Decoder> {
  const pages = new OggPageReader(input.reader);
  // Made while the first bytes are on their way.
  using blank = VorbisKernel.prepare();
  const headers = await readVorbisHeaders(pages, input.deciphered, signal);
  return new VorbisDecoder(input, pages, await blank.open(headers), headers);
}

class VorbisDecoder implements Decoder {
  readonly rate: number;
  readonly #input: DecoderInput;
  readonly #pages: OggPageReader;
  readonly #kernel: VorbisKernel;
  readonly #serial: number;
  /** Where the first page with sound starts. */
  readonly #start: number;
  readonly #splitter: PacketSplitter;
  #scratch = new Float32Array(2 * 8192);
  /** Frame the next sample belongs to; null before the first page has told. */
  #position: number | null = null;
  /** Frames before this one are dropped: where a seek wants to be. */
  #target = 0;
  /** The first packet only prepares the overlap of the second. */
  #primed = false;
  /** Granule of the very first frame: above 0 in streams cut out of longer ones. */
  #origin = 0;
  #ended = false;
  #length: number | null = null;

  constructor(input: DecoderInput, pages: OggPageReader, kernel: VorbisKernel, headers: { readonly serial: number; readonly rate: number; readonly start: number }) {
    this.#input = input;
    this.#pages = pages;
    this.#kernel = kernel;
    this.#serial = headers.serial;
    this.#start = headers.start;
    this.#splitter = new PacketSplitter(kernel.largest);
    this.rate = headers.rate;
  }

  async read(signal: AbortSignal): Promise<SoundBlock | null> {
    while (!this.#ended) {
      const page = await this.#next(signal, Infinity, patience);
      if (!page) {
        this.#ended = true;
        break;
      }
      const block = this.#decode(page);
      if (block) return block;
    }
    return null;
  }

  async seek(frame: number, signal: AbortSignal): Promise<void> {
    const entry = await this.#findEntry(frame + this.#origin, signal);
    this.#pages.skipped = 0;
    this.#pages.seek(entry?.at ?? this.#start);
    this.#splitter.reset();
    this.#primed = false;
    this.#ended = false;
    this.#target = frame;
    this.#position = null;
    if (entry) {
      // The page's own samples end at its granule and are known; decoding it only prepares what follows.
      const page = await this.#next(signal, Infinity, patience);
      if (page) {
        for (const packet of this.#splitter.split(page)) this.#kernel.decode(packet);
        this.#primed = true;
        this.#position = entry.granule - this.#origin;
      }
    }
  }

  async measure(signal: AbortSignal): Promise<number | null> {
    this.#length ??= (await this.#pages.findLast(signal, this.#serial))?.granule ?? null;
    return this.#length === null ? null : Math.max(0, this.#length - this.#origin);
  }

  [Symbol.dispose](): void {
    this.#kernel[Symbol.dispose]();
  }

  /** The next page of our stream; throws when too much of the bytes is unusable. */
  async #next(signal: AbortSignal, limit: number, allowed: number): Promise<OggPage | null> {
    for (;;) {
      const page = await this.#pages.next(signal, limit, allowed);
      if (!page || page.serial === this.#serial) return page;
    }
  }

  #decode(page: OggPage): SoundBlock | null {
    let count = 0;
    for (const packet of this.#splitter.split(page)) {
      const frames = this.#kernel.decode(packet);
      if (this.#primed && frames > 0) {
        this.#reserve(count + frames);
        this.#kernel.take(this.#scratch, count, frames);
        count += frames;
      }
      this.#primed = true;
    }
    this.#pages.skipped = 0;
    if (page.last) this.#ended = true;
    return this.#place(page, count);
  }

  /** Says which frames of the track the decoded ones are, and leaves out what is before the start, the target, or after the end. */
  #place(page: OggPage, count: number): SoundBlock | null {
    if (page.granule < 0) return null;
    let from = 0;
    let to = count;
    let at: number;
    if (this.#position === null) {
      // First sound of the stream: a granule below the count says how much of the beginning, or at the last page of the end, is not meant to be heard.
      const surplus = count - page.granule;
      if (page.last) to = Math.min(count, page.granule);
      else if (surplus > 0) from = surplus;
      else this.#origin = -surplus;
      at = 0;
    } else {
      const granule = page.granule - this.#origin;
      at = this.#position;
      if (page.last && at + count > granule) to = Math.max(0, granule - at);
      else at = granule - count;
      const gap = at - this.#position;
      if (gap > tolerance * this.rate) throw damaged(`${(gap / this.rate).toFixed(1)} seconds are missing`);
    }
    this.#position = at + (to - from);
    if (at < this.#target) {
      const drop = Math.min(this.#target - at, to - from);
      from += drop;
      at += drop;
    }
    return to > from ? { frames: this.#scratch.subarray(2 * from, 2 * to), at } : null;
  }

  #reserve(frames: number): void {
    if (2 * frames <= this.#scratch.length) return;
    const larger = new Float32Array(Math.max(2 * this.#scratch.length, 2 * frames));
    larger.set(this.#scratch);
    this.#scratch = larger;
  }

  /**
   * A page whose last sample is at most `target` and near before it, so that decoding from there reaches the target exactly;
   * null for the beginning. Interpolates between known places; on music of even bitrate one look is enough.
   */
  async #findEntry(target: number, signal: AbortSignal): Promise<{ readonly at: number; readonly granule: number } | null> {
    const near = this.rate;
    if (target <= near) return null;
    let low: { at: number; granule: number } | null = null;
    let high = { at: await this.#input.reader.size(signal), granule: this.#length ?? this.#input.expected * this.rate };
    if (high.granule <= target) {
      await this.measure(signal);
      high = { ...high, granule: this.#length ?? target + near };
    }
    for (let looks = 0; looks < 12; looks++) {
      const lowAt: number = low?.at ?? this.#start;
      const lowGranule: number = low?.granule ?? this.#origin;
      if (high.at - lowAt < 8 * 1024) break;
      const share = Math.min(1, (target - near / 3 - lowGranule) / Math.max(1, high.granule - lowGranule));
      // The second half of many looks halves the rest, whatever the bitrate does.
      const guess = looks < 6 ? Math.floor(lowAt + share * (high.at - lowAt)) : Math.floor((lowAt + high.at) / 2);
      const probe = Math.max(lowAt + 1, Math.min(guess, high.at - 4 * 1024));
      const page = await this.#probe(probe, high.at, signal);
      if (!page) high = { at: probe, granule: Math.max(lowGranule + 1, high.granule) };
      else if (page.granule > target) high = { at: probe, granule: page.granule };
      else {
        low = page;
        if (target - page.granule < near) break;
      }
    }
    return low;
  }

  /** The first page from `at` on that says where it ends and can prepare the decoder. */
  async #probe(at: number, limit: number, signal: AbortSignal): Promise<{ at: number; granule: number } | null> {
    this.#pages.seek(at);
    for (;;) {
      const page = await this.#next(signal, limit, Infinity);
      if (!page) return null;
      if (page.granule >= 0 && !page.last && hasWholePacket(page)) return { at: page.at, granule: page.granule };
    }
  }
}

