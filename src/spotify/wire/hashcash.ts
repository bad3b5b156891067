import { createHash, hash } from 'node:crypto';
import { WireError } from './wire-error.ts';

/** Login puzzles: `connect-session.md §7.3, §8.4`. The hex spelling of client tokens is their codec's business. */

export interface HashcashPuzzle {
  /** The login context the puzzle came with; empty for client tokens. */
  readonly context: Uint8Array;
  readonly prefix: Uint8Array;
  /** How many bits at the end of the digest must be zero. */
  readonly length: number;
  /** How many candidates to try in this call. The default is minutes of work: pass less anywhere but in a thread. */
  readonly limitTries?: number;
  /** Where to go on: the number of candidates tried in earlier calls. */
  readonly from?: number;
}

export interface HashcashSolution {
  /** 16 bytes. */
  readonly suffix: Buffer;
  /** Candidates tried in all, this one included. */
  readonly tries: number;
}

const digestBits = 160;
const mostTries = 2 ** 26;

/** The first suffix that solves the puzzle, or `null` when none of the tried ones does. Pure and synchronous. */
export function solveHashcash({ context, prefix, length, limitTries = mostTries, from = 0 }: HashcashPuzzle): HashcashSolution | null {
  if (!Number.isInteger(length) || length < 0 || length > digestBits) {
    throw new WireError('wire/bad-puzzle', `The login puzzle asks for ${length} zero bits, which no digest of 160 can have: it cannot be solved.`);
  }
  const seed = createHash('sha1').update(context).digest();
  const seedHigh = seed.readUInt32BE(12);
  const seedLow = seed.readUInt32BE(16);
  const message = Buffer.alloc(prefix.length + 16);
  message.set(prefix);
  const suffix = message.subarray(prefix.length);
  const word = 2 ** 32;
  for (let n = from; n < from + limitTries; n++) {
    const low = n % word;
    const high = (n - low) / word;
    const sum = seedLow + low;
    suffix.writeUInt32BE((seedHigh + high + (sum >= word ? 1 : 0)) % word, 0);
    suffix.writeUInt32BE(sum % word, 4);
    suffix.writeUInt32BE(high, 8);
    suffix.writeUInt32BE(low, 12);
    // A digest as text of one character per byte is by far the quickest form Node can give.
    if (endsInZeroBits(hash('sha1', message, 'binary'), length)) return { suffix: Buffer.from(suffix), tries: n + 1 };
  }
  return null;
}

function endsInZeroBits(digest: string, length: number): boolean {
  if (length === 0) return true;
  if (length < 8) return (digest.charCodeAt(19) & ((1 << length) - 1)) === 0;
  return digest.charCodeAt(19) === 0 && trailingZeroBits(Buffer.from(digest, 'latin1')) >= length;
}

/** True when the suffix solves the puzzle, whichever way it was found. */
export function checkHashcash({ prefix, suffix, length }: { readonly prefix: Uint8Array; readonly suffix: Uint8Array; readonly length: number }): boolean {
  return trailingZeroBits(createHash('sha1').update(prefix).update(suffix).digest()) >= length;
}

/** Zero bits at the end, counted from the least significant bit of the last byte backwards. */
export function trailingZeroBits(digest: Uint8Array): number {
  let bits = 0;
  for (let i = digest.length - 1; i >= 0; i--) {
    const byte = digest[i] ?? 0;
    if (byte !== 0) return bits + 31 - Math.clz32(byte & -byte);
    bits += 8;
  }
  return bits;
}
