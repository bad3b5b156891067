import type { TonearmError } from '#foundation';

/** The first chunk is small, so that the first sample does not wait for a large one. */
const firstLength = 64 * 1024;
const length = 256 * 1024;

export interface ChunkRange {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** Which chunk a byte is in. */
export function chunkAt(at: number): number {
  return at < firstLength ? 0 : 1 + Math.floor((at - firstLength) / length);
}

export function chunkRange(index: number, size: number | null): ChunkRange {
  const from = index === 0 ? 0 : firstLength + (index - 1) * length;
  const to = index === 0 ? firstLength : from + length;
  return { from, to: size === null ? to : Math.min(to, size) };
}

/** A part of a file on its way. What has come can be read at once. */
export class Chunk {
  readonly index: number;
  readonly from: number;
  to: number;
  /** How many bytes have come. */
  filled = 0;
  error: TonearmError | null = null;
  /** How many wait for it now. */
  readers = 0;
  #data: Buffer | null;
  readonly #abort = new AbortController();
  #wake: (() => void)[] = [];

  /** `spare` is memory of one that is no longer needed. */
  constructor(index: number, { from, to }: ChunkRange, spare?: Buffer) {
    this.#data = spare && spare.length >= to - from ? spare : null;
    this.index = index;
    this.from = from;
    this.to = to;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Memory that can serve another chunk. */
  get memory(): Buffer | null {
    return this.#data?.length === length ? this.#data : null;
  }

  get length(): number {
    return this.to - this.from;
  }

  get isComplete(): boolean {
    return this.filled === this.length;
  }

  holds(at: number): boolean {
    return at >= this.from && at < this.from + this.filled;
  }

  view(at: number, count: number): Buffer {
    const start = at - this.from;
    return this.#space().subarray(start, Math.min(start + count, this.filled));
  }

  add(bytes: Buffer): void {
    const room = this.length - this.filled;
    bytes.copy(this.#space(), this.filled, 0, Math.min(room, bytes.length));
    this.filled += Math.min(room, bytes.length);
    this.#changed();
  }

  /** The file ends before the chunk would. */
  shorten(size: number): void {
    this.to = Math.max(this.from, Math.min(this.to, size));
    this.#changed();
  }

  /** Its bytes come elsewhere. */
  finish(): void {
    this.filled = 0;
    this.to = this.from;
    this.#changed();
  }

  restart(): void {
    this.filled = 0;
  }

  fail(error: TonearmError): void {
    this.error = error;
    this.#changed();
  }

  cancel(): void {
    this.#abort.abort(new DOMException('This part is not needed any more.', 'AbortError'));
  }

  /** Resolves at the next change. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #space(): Buffer {
    return (this.#data ??= Buffer.allocUnsafeSlow(this.length));
  }

  #changed(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const run of wake) run();
  }
}
