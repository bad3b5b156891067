import { WireError } from './wire-error.ts';

/** The length-prefixed messages before encryption: `connect-session.md §3.1`. The length counts the whole frame. */

/** Only the very first frame begins with it. */
export const helloMagic: Buffer = Buffer.of(0x00, 0x04);
export const frameLengthBytes = 4;
const longestFrame = 64 * 1024;
const noMagic = Buffer.alloc(0);

export function wrapFrame(message: Uint8Array, magic: Buffer = noMagic): Buffer {
  const length = Buffer.allocUnsafe(frameLengthBytes);
  length.writeUInt32BE(magic.length + frameLengthBytes + message.length);
  return Buffer.concat([magic, length, message]);
}

/** The message inside exactly one frame. */
export function unwrapFrame(frame: Uint8Array, magic: Buffer = noMagic): Buffer {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  if (!bytes.subarray(0, magic.length).equals(magic)) throw badMagic();
  if (bytes.length < magic.length + frameLengthBytes) throw badLength();
  const length = bytes.readUInt32BE(magic.length);
  assertFrameLength(length, magic.length);
  if (length !== bytes.length) throw badLength();
  return bytes.subarray(magic.length + frameLengthBytes);
}

/**
 * Cuts a stream into the frames of the handshake: the server is sent two, the client one. What follows belongs to the
 * ciphers and is kept for `rest`.
 */
export class HandshakeFrames {
  readonly #side: 'client' | 'server';
  #bytes: Buffer = Buffer.alloc(0);
  #pieces: Buffer[] = [];
  #length = 0;
  #done = 0;

  constructor(side: 'client' | 'server') {
    this.#side = side;
  }

  /** True when all frames of the handshake have been read. */
  get complete(): boolean {
    return this.#done === (this.#side === 'server' ? 2 : 1);
  }

  /** The frames that are whole with this chunk, magic and length included. `WireError` as soon as a length cannot be. */
  push(chunk: Uint8Array): Buffer[] {
    this.#pieces.push(Buffer.from(chunk));
    this.#length += chunk.length;
    const frames: Buffer[] = [];
    while (!this.complete) {
      const start = this.#side === 'server' && this.#done === 0 ? helloMagic.length : 0;
      const head = this.#peek(start + frameLengthBytes);
      if (start > 0 && !helloMagic.subarray(0, head.length).equals(head.subarray(0, helloMagic.length))) throw badMagic();
      if (head.length < start + frameLengthBytes) break;
      const length = head.readUInt32BE(start);
      assertFrameLength(length, start);
      if (this.#length < length) break;
      frames.push(this.#take(length));
      this.#done += 1;
    }
    return frames;
  }

  /** Removes and returns everything after the frames read so far. */
  rest(): Buffer {
    return this.#take(this.#length);
  }

  #peek(count: number): Buffer {
    this.#join(count);
    return this.#bytes.subarray(0, count);
  }

  #take(count: number): Buffer {
    this.#join(count);
    const out = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    this.#length -= count;
    return out;
  }

  /** Joins the pieces only when more bytes are asked for than are joined: single bytes then cost no more than large chunks. */
  #join(count: number): void {
    if (this.#bytes.length >= count || this.#pieces.length === 0) return;
    this.#bytes = Buffer.concat([this.#bytes, ...this.#pieces]);
    this.#pieces = [];
  }
}

function assertFrameLength(length: number, start: number): void {
  if (length < start + frameLengthBytes || length > longestFrame) throw badLength();
}

function badLength(): WireError {
  return new WireError('wire/bad-frame-length', 'A message of the handshake has an impossible length: this is no access point, or something altered the traffic. The connection is closed and another one tried.');
}

function badMagic(): WireError {
  return new WireError('wire/bad-magic', 'The connection does not begin like one of an access point client: it is closed.');
}
