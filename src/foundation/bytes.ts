import { timingSafeEqual } from 'node:crypto';

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Bytes of an even-length hex text, either case; `null` when it is none. */
export function fromHex(text: string): Buffer | null {
  return text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text) ? Buffer.from(text, 'hex') : null;
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Bytes of standard base64 with or without padding; `null` when a character does not belong. */
export function fromBase64(text: string): Buffer | null {
  const body = text.replace(/=+$/, '');
  return /^[A-Za-z0-9+/]*$/.test(body) && body.length % 4 !== 1 ? Buffer.from(text, 'base64') : null;
}

/** Equal in constant time for equal lengths. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A queue of bytes that arrive in any pieces and leave in the pieces asked for. */
export class ByteQueue {
  #chunks: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#length += chunk.length;
  }

  /** Puts bytes back in front. */
  unshift(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.unshift(Buffer.from(chunk));
    this.#length += chunk.length;
  }

  /** A copy of the first `count` bytes, left in place; `null` while there are fewer. */
  peek(count: number): Buffer | null {
    if (this.#length < count) return null;
    const out = Buffer.allocUnsafe(count);
    let at = 0;
    for (const chunk of this.#chunks) {
      if (at === count) break;
      at += chunk.copy(out, at, 0, Math.min(chunk.length, count - at));
    }
    return out;
  }

  /** Removes and returns the first `count` bytes; `null` while there are fewer. */
  take(count: number): Buffer | null {
    if (this.#length < count) return null;
    const first = this.#chunks[0];
    if (first && first.length > count) {
      this.#chunks[0] = first.subarray(count);
      this.#length -= count;
      return first.subarray(0, count);
    }
    const out = this.peek(count);
    if (!out) return null;
    let left = count;
    let used = 0;
    for (const chunk of this.#chunks) {
      if (chunk.length > left) break;
      left -= chunk.length;
      used += 1;
    }
    this.#chunks.splice(0, used); // at once: shifting 64 K single bytes one by one takes seconds
    const next = this.#chunks[0];
    if (left > 0 && next) this.#chunks[0] = next.subarray(left);
    this.#length -= count;
    return out;
  }
}
