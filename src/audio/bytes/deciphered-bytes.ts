import { createDecipheriv } from 'node:crypto';
import type { Playable } from '#core';
import type { ByteSource } from './byte-source.ts';

type Decipher = ReturnType<typeof createDecipheriv>;
type Cipher = NonNullable<Playable['cipher']>;

/** Plain bytes of an AES-128-CTR source at any place: byte `p` uses counter block `iv + p div 16` (connect-session.md §12.9). */
export class DecipheredBytes implements ByteSource {
  readonly #inner: ByteSource;
  readonly #cipher: Cipher;
  #decipher: Decipher | null = null;
  /** The byte the running decipher is at. */
  #at = -1;

  constructor(inner: ByteSource, cipher: Cipher) {
    this.#inner = inner;
    this.#cipher = cipher;
  }

  size(signal: AbortSignal): Promise<number> {
    return this.#inner.size(signal);
  }

  async read(at: number, length: number, signal: AbortSignal, options?: { readonly ahead?: boolean }): Promise<Uint8Array> {
    const bytes = await this.#inner.read(at, length, signal, options);
    if (bytes.length === 0) return bytes;
    // A look to the side gets a decipher of its own, so that the running one keeps its place.
    if (options?.ahead === false) return decipherAt(this.#cipher, at).update(bytes);
    if (this.#at !== at || !this.#decipher) this.#decipher = decipherAt(this.#cipher, at);
    this.#at = at + bytes.length;
    return this.#decipher.update(bytes);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#inner[Symbol.asyncDispose]());
  }
}

function decipherAt({ key, iv }: Cipher, at: number): Decipher {
  const decipher = createDecipheriv('aes-128-ctr', key, counterAt(iv, at));
  const inside = at % 16;
  if (inside > 0) decipher.update(Buffer.alloc(inside));
  return decipher;
}

/** The counter block of the byte at `at`: 128-bit big-endian addition of `at div 16`. */
export function counterAt(iv: Uint8Array, at: number): Buffer {
  const counter = Buffer.from(iv);
  let carry = Math.floor(at / 16);
  for (let index = 15; index >= 0 && carry > 0; index--) {
    const sum = (counter[index] ?? 0) + (carry % 256);
    counter[index] = sum % 256;
    carry = Math.floor(carry / 256) + (sum > 255 ? 1 : 0);
  }
  return counter;
}
