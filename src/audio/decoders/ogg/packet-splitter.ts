import type { OggPage } from './page-reader.ts';

/**
 * Cuts the pages of one logical stream into packets and joins those that go over a page border.
 * Pages must belong to the stream; a missing one costs the packet it cut through.
 */
export class PacketSplitter {
  #pieces: Buffer[] = [];
  #held = 0;
  #sequence = -1;
  readonly #largest: number;
  /** A page was missing before the one given last. */
  lost = false;

  /** Packets above `largest` bytes are left out. */
  constructor(largest: number) {
    this.#largest = largest;
  }

  /** Forgets the unfinished packet and the sequence: the next page may be any. */
  reset(): void {
    this.#pieces = [];
    this.#held = 0;
    this.#sequence = -1;
    this.lost = false;
  }

  /** The packets that end in this page. Those wholly inside it are views. */
  split(page: OggPage): Buffer[] {
    this.lost = this.#sequence >= 0 && page.sequence !== (this.#sequence + 1) % 2 ** 32;
    this.#sequence = page.sequence;
    if (this.lost || !page.continued) this.#drop();
    // What a missing or skipped page began cannot be used.
    let headless = page.continued && this.#pieces.length === 0;
    const packets: Buffer[] = [];
    let start = 0;
    let end = 0;
    for (const length of page.lacing) {
      end += length;
      if (length === 255) continue;
      if (!headless) {
        const packet = this.#join(page.body.subarray(start, end));
        if (packet) packets.push(packet);
      }
      headless = false;
      start = end;
    }
    const open = page.lacing.length > 0 && page.lacing[page.lacing.length - 1] === 255;
    if (open && !headless) this.#hold(page.body.subarray(start, end));
    return packets;
  }

  #join(tail: Buffer): Buffer | null {
    if (this.#pieces.length === 0) return tail.length <= this.#largest ? tail : null;
    this.#hold(tail);
    const packet = this.#held <= this.#largest ? Buffer.concat(this.#pieces) : null;
    this.#drop();
    return packet;
  }

  /** Bytes beyond the bound are counted, not kept. */
  #hold(piece: Buffer): void {
    this.#held += piece.length;
    this.#pieces.push(this.#held <= this.#largest ? Buffer.from(piece) : Buffer.alloc(0));
  }

  #drop(): void {
    this.#pieces = [];
    this.#held = 0;
  }
}

/** Whether a packet both begins and ends inside the page. */
export function hasWholePacket(page: OggPage): boolean {
  let ends = 0;
  for (const length of page.lacing) if (length < 255) ends += 1;
  return ends > (page.continued ? 1 : 0);
}
