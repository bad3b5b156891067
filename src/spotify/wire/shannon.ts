/**
 * The Shannon stream cipher with its built-in MAC: `connect-session.md §4.1-4.4`.
 *
 * Both registers shift by one word per clock. Nothing is moved for that: `#at` and `#macAt` say where word 0 is now, and
 * 16 being a power of two, `& 15` finds the others.
 */
const initial = 0x6996c53a;
const size = 16;

export class Shannon {
  readonly #register = new Uint32Array(size);
  readonly #mac = new Uint32Array(size);
  readonly #keyed = new Uint32Array(size);
  #at = 0;
  #macAt = 0;
  #constant = initial;
  #output = 0;
  #collected = 0;
  #left = 0;

  constructor(key: Uint8Array) {
    const r = this.#register;
    r[0] = r[1] = 1;
    for (let i = 2; i < size; i++) r[i] = word(r, i - 1) + word(r, i - 2);
    this.#load(key);
    this.#constant = this.#word(0);
    for (let i = 0; i < size; i++) this.#keyed[i] = this.#word(i);
  }

  /** Starts a new message: a packet counter (sent as four bytes, most significant first) or raw bytes. */
  nonce(counter: number | Uint8Array): void {
    this.#register.set(this.#keyed);
    this.#at = 0;
    this.#constant = initial;
    if (typeof counter === 'number') {
      const bytes = Buffer.allocUnsafe(4);
      bytes.writeUInt32BE(counter >>> 0);
      counter = bytes;
    }
    this.#load(counter);
    this.#constant = this.#word(0);
    this.#left = 0;
  }

  /** The ciphertext of the next bytes of the message, as a copy. */
  encrypt(bytes: Uint8Array): Buffer {
    return this.#crypt(bytes, false);
  }

  /** The plain text of the next bytes of the message, as a copy. */
  decrypt(bytes: Uint8Array): Buffer {
    return this.#crypt(bytes, true);
  }

  /** The MAC over the plain text since `nonce`. The message is over after this. */
  finish(length = 4): Buffer {
    if (this.#left !== 0) this.#macWord(this.#collected);
    this.#cycle();
    this.#mix(initial ^ (this.#left * 64));
    this.#left = 0;
    this.#foldMac();
    this.#diffuse();
    const out = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) {
      if ((i & 3) === 0) this.#cycle();
      out[i] = this.#output >>> (8 * (i & 3));
    }
    return out;
  }

  #crypt(bytes: Uint8Array, decrypting: boolean): Buffer {
    const length = bytes.length;
    const out = Buffer.allocUnsafe(length);
    let i = 0;
    while (i < length && this.#left !== 0) i = this.#cryptByte(bytes, out, i, decrypting);
    for (; i + 4 <= length; i += 4) {
      this.#cycle();
      const given = little(bytes, i);
      const made = given ^ this.#output;
      this.#macWord(decrypting ? made : given);
      out[i] = made;
      out[i + 1] = made >>> 8;
      out[i + 2] = made >>> 16;
      out[i + 3] = made >>> 24;
    }
    while (i < length) i = this.#cryptByte(bytes, out, i, decrypting);
    return out;
  }

  /** One byte of a word that arrives in pieces. The MAC takes the word when it is complete, not before (§4.8). */
  #cryptByte(bytes: Uint8Array, out: Buffer, i: number, decrypting: boolean): number {
    if (this.#left === 0) {
      this.#cycle();
      this.#collected = 0;
      this.#left = 4;
    }
    const shift = 8 * (4 - this.#left);
    const given = bytes[i] ?? 0;
    const made = given ^ ((this.#output >>> shift) & 0xff);
    this.#collected |= (decrypting ? made : given) << shift;
    out[i] = made;
    this.#left -= 1;
    if (this.#left === 0) this.#macWord(this.#collected);
    return i + 1;
  }

  /** One clock: shifts the register and leaves a word of key stream in `#output`. */
  #cycle(): void {
    const r = this.#register;
    const at = this.#at;
    let t = word(r, (at + 12) & 15) ^ word(r, (at + 13) & 15) ^ this.#constant;
    t ^= rotate(t, 5) | rotate(t, 7);
    t ^= rotate(t, 19) | rotate(t, 22);
    t ^= rotate(word(r, at), 1);
    r[at] = t; // the place of the dropped word 0 is the place of the new word 15
    const next = (at + 1) & 15;
    let u = word(r, (next + 2) & 15) ^ t;
    u ^= rotate(u, 7) | rotate(u, 22);
    u ^= rotate(u, 5) | rotate(u, 19);
    r[next] = word(r, next) ^ u;
    this.#output = u ^ word(r, (next + 8) & 15) ^ word(r, (next + 12) & 15);
    this.#at = next;
  }

  #macWord(plain: number): void {
    const c = this.#mac;
    const at = this.#macAt;
    c[at] = word(c, at) ^ word(c, (at + 2) & 15) ^ word(c, (at + 15) & 15) ^ plain;
    this.#macAt = (at + 1) & 15;
    this.#mix(plain);
  }

  #load(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i += 4) {
      this.#mix(little(bytes, i));
      this.#cycle();
    }
    this.#mix(bytes.length);
    this.#cycle();
    this.#mac.set(this.#register);
    this.#macAt = this.#at;
    this.#diffuse();
    this.#foldMac();
  }

  #diffuse(): void {
    for (let i = 0; i < size; i++) this.#cycle();
  }

  #foldMac(): void {
    for (let i = 0; i < size; i++) {
      const index = (this.#at + i) & 15;
      this.#register[index] = word(this.#register, index) ^ word(this.#mac, (this.#macAt + i) & 15);
    }
  }

  #mix(value: number): void {
    const index = (this.#at + 13) & 15;
    this.#register[index] = word(this.#register, index) ^ value;
  }

  #word(index: number): number {
    return word(this.#register, (this.#at + index) & 15);
  }
}

/** Indices are masked or bounded by the callers, so nothing is ever missing. */
function word(words: Uint32Array, index: number): number {
  return words[index] as number;
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

/** Four bytes, least significant first; bytes past the end count as zero. */
function little(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}
