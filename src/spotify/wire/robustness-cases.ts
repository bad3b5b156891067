import { WireError } from './wire-error.ts';

/** For tests: hostile input, the same on every run. */

export interface CodecCase {
  readonly name: string;
  /** Messages the decoder accepts: the seeds of everything that is altered. At least one. */
  readonly valid: readonly Uint8Array[];
  /** Decodes the bytes in one go. */
  readonly decode: (bytes: Buffer) => unknown;
  /** Of a stream codec: a fresh receiver, called with one piece after the other. What it returned in all must not depend on the pieces. */
  readonly open?: () => (chunk: Uint8Array) => readonly unknown[];
}

export interface Survival {
  readonly accepted: number;
  readonly refused: number;
}

/** The text decoders, as takers of bytes. */
export function textCase(name: string, valid: readonly string[], decode: (text: string) => unknown): CodecCase {
  return { name, valid: valid.map((text) => Buffer.from(text, 'utf8')), decode: (bytes) => decode(bytes.toString('utf8')) };
}

/** Every beginning of every valid message; the message itself must be accepted. */
export function cutEverywhere({ valid, decode }: CodecCase): void {
  for (const message of valid.map((bytes) => Buffer.from(bytes))) {
    decode(message);
    for (let end = 0; end < message.length; end++) attempt(decode, message.subarray(0, end));
  }
}

/** `count` inputs: random bytes and altered messages in turn. Throws at the first error that is not a `WireError`. */
export function survive({ valid, decode }: CodecCase, count: number, seed: number): Survival {
  const hostile = new Hostile(seed, valid);
  let accepted = 0;
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0; // stack traces would be most of the work
  try {
    for (let i = 0; i < count; i++) if (attempt(decode, hostile.next())) accepted += 1;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return { accepted, refused: count - accepted };
}

/** What a receiver returns for a stream in pieces of the given size, with the code of the error that ended it. */
export function receive(open: () => (chunk: Uint8Array) => readonly unknown[], stream: Uint8Array, size: number): unknown[] {
  const push = open();
  const out: unknown[] = [];
  try {
    for (let at = 0; at < stream.length; at += size) out.push(...push(stream.subarray(at, at + size)));
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    out.push(error.code);
  }
  return out;
}

function attempt(decode: (bytes: Buffer) => unknown, bytes: Buffer): boolean {
  try {
    decode(bytes);
    return true;
  } catch (error) {
    if (error instanceof WireError) return false;
    throw new Error(`not a WireError for ${bytes.toString('hex')}`, { cause: error });
  }
}

const longest = 4096;
/** Bytes that mean something somewhere: lengths, continuation bits, tags, quotes. */
const telling = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x08, 0x0a, 0x12, 0x1a, 0x22, 0x3c, 0x5b, 0x7b, 0x7d];

/** An endless supply of hostile input. The bytes returned are valid until the next call only. */
export class Hostile {
  readonly #valid: readonly Uint8Array[];
  readonly #scratch = Buffer.alloc(longest);
  /** Random bytes to take pieces from: making each anew would be most of the work. */
  readonly #pool = Buffer.alloc(16 * longest);
  #state: number;

  constructor(seed: number, valid: readonly Uint8Array[]) {
    this.#state = seed >>> 0 || 1;
    this.#valid = valid;
    for (let i = 0; i < this.#pool.length; i++) this.#pool[i] = this.#byte();
  }

  next(): Buffer {
    return this.#below(3) === 0 ? this.#random() : this.#altered();
  }

  /** Mostly short, now and then long: most decoders decide within the first bytes. */
  #random(): Buffer {
    const length = this.#below(200) === 0 ? this.#below(longest) : this.#below(64);
    return this.#scratch.subarray(0, this.#copy(this.#piece(length), 0));
  }

  #altered(): Buffer {
    let length = this.#copy(this.#pick(), 0);
    for (let changes = 1 + this.#below(4); changes > 0; changes--) length = this.#alter(length);
    return this.#scratch.subarray(0, length);
  }

  #alter(length: number): number {
    const scratch = this.#scratch;
    const at = this.#below(length + 1);
    switch (this.#below(7)) {
      case 0:
        if (at < length) scratch[at] = (scratch[at] ?? 0) ^ (1 << this.#below(8));
        return length;
      case 1:
        if (at < length) scratch[at] = this.#byte();
        return length;
      case 2:
        return at;
      case 3: // the end of one message behind the beginning of another
        return this.#copy(this.#tail(this.#pick()), at);
      case 4: {
        // a piece is lost
        const lost = Math.min(length - at, 1 + this.#below(8));
        scratch.copyWithin(at, at + lost, length);
        return length - lost;
      }
      case 5: {
        // a piece comes twice
        const piece = Math.min(length - at, 1 + this.#below(32), longest - length);
        scratch.copyWithin(at + piece, at, length);
        return length + piece;
      }
      default: {
        const room = Math.min(longest - length, 1 + this.#below(4));
        scratch.copyWithin(at + room, at, length);
        this.#copy(this.#piece(room), at);
        return length + room;
      }
    }
  }

  #piece(length: number): Uint8Array {
    const at = this.#below(this.#pool.length - length);
    return this.#pool.subarray(at, at + length);
  }

  #copy(bytes: Uint8Array, at: number): number {
    const piece = bytes.subarray(0, longest - at);
    this.#scratch.set(piece, at);
    return at + piece.length;
  }

  #tail(bytes: Uint8Array): Uint8Array {
    return bytes.subarray(this.#below(bytes.length + 1));
  }

  #pick(): Uint8Array {
    return this.#valid[this.#below(this.#valid.length)] ?? this.#scratch.subarray(0, 0);
  }

  #byte(): number {
    return this.#below(3) === 0 ? (telling[this.#below(telling.length)] ?? 0) : this.#below(256);
  }

  /** xorshift32, scaled. */
  #below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }
}
