import type { ByteSource } from './byte-source.ts';

const refill = 16 * 1024;

/**
 * A cursor over a source that starts `offset` bytes into it. Looks ahead without moving; moves without copying.
 * Views it hands out are good until its next asynchronous call.
 */
export class ByteReader {
  readonly #source: ByteSource;
  readonly #offset: number;
  #buffer = Buffer.allocUnsafeSlow(4 * refill);
  #start = 0;
  #end = 0;
  /** Where `#start` is in the source, after `offset`. */
  #at = 0;

  constructor(source: ByteSource, offset = 0) {
    this.#source = source;
    this.#offset = offset;
  }

  /** Bytes from the reader's own beginning. */
  get at(): number {
    return this.#at;
  }

  /** Bytes at hand without waiting. */
  get buffered(): Buffer {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  async size(signal: AbortSignal): Promise<number> {
    return Math.max(0, (await this.#source.size(signal)) - this.#offset);
  }

  /** Moves to any place; what is at hand is kept if the place is in it. */
  seek(at: number): void {
    const step = at - this.#at;
    if (step >= 0 && step <= this.#end - this.#start) this.#start += step;
    else this.#start = this.#end = 0;
    this.#at = at;
  }

  /** Steps over bytes that are at hand. */
  skip(count: number): void {
    this.seek(this.#at + count);
  }

  /** At least `count` bytes from the cursor on, fewer only at the end. Does not move. */
  async peek(count: number, signal: AbortSignal): Promise<Buffer> {
    while (this.#end - this.#start < count) {
      if (!(await this.#fill(count, signal))) break;
    }
    return this.buffered;
  }

  /** Bytes from anywhere, without moving or read-ahead: for looking at the far end. */
  async look(at: number, count: number, signal: AbortSignal): Promise<Buffer> {
    const out = Buffer.allocUnsafe(count);
    let filled = 0;
    while (filled < count) {
      const bytes = await this.#source.read(this.#offset + at + filled, count - filled, signal, { ahead: false });
      if (bytes.length === 0) break;
      out.set(bytes, filled);
      filled += bytes.length;
    }
    return out.subarray(0, filled);
  }

  async #fill(count: number, signal: AbortSignal): Promise<boolean> {
    const have = this.#end - this.#start;
    const wanted = Math.max(count - have, refill);
    const bytes = await this.#source.read(this.#offset + this.#at + have, wanted, signal);
    if (bytes.length === 0) return false;
    if (this.#end + bytes.length > this.#buffer.length) {
      if (have + bytes.length > this.#buffer.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, have + bytes.length));
        this.#buffer.copy(larger, 0, this.#start, this.#end);
        this.#buffer = larger;
      } else {
        this.#buffer.copy(this.#buffer, 0, this.#start, this.#end);
      }
      this.#start = 0;
      this.#end = have;
    }
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
    return true;
  }
}
