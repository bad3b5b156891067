import { ByteQueue, sameBytes } from '#foundation';
import { Shannon } from './shannon.ts';
import { WireError } from './wire-error.ts';

/** The commands of access point packets: `connect-session.md §5.1`. Others exist and are to be ignored. */
export const Packet = {
  secretBlock: 0x02,
  ping: 0x04,
  streamChunk: 0x08,
  streamChunkResult: 0x09,
  channelError: 0x0a,
  channelAbort: 0x0b,
  requestKey: 0x0c,
  aesKey: 0x0d,
  aesKeyError: 0x0e,
  image: 0x19,
  countryCode: 0x1b,
  zeros: 0x1f,
  pong: 0x49,
  pongAck: 0x4a,
  pause: 0x4b,
  productInfo: 0x50,
  legacyWelcome: 0x69,
  preferredLocale: 0x74,
  licenseVersion: 0x76,
  trackEndedTime: 0x82,
  login: 0xab,
  welcome: 0xac,
  loginFailure: 0xad,
  mercuryRequest: 0xb2,
  mercurySubscribe: 0xb3,
  mercuryUnsubscribe: 0xb4,
  mercuryEvent: 0xb5,
} as const;

export interface AccessPointPacket {
  readonly command: number;
  readonly payload: Buffer;
}

const headerLength = 3;
const macLength = 4;
const longestPayload = 0xffff;

/** One direction of a session, sending side. Packets must reach the wire in the order of `encode` (§5.11). */
export class PacketWriter {
  readonly #cipher: Shannon;
  #counter: number;

  /** `counter` is the number of the first packet: 0 in every real session. */
  constructor(key: Uint8Array, counter = 0) {
    this.#cipher = new Shannon(key);
    this.#counter = counter;
  }

  /** Header, payload and MAC, encrypted. Payload at most 65,535 bytes. */
  encode(command: number, payload: Uint8Array): Buffer {
    if (payload.length > longestPayload) {
      throw new WireError('wire/packet-too-long', `A packet of ${payload.length} bytes does not fit the access point protocol (65,535 at most): it was not sent.`);
    }
    this.#cipher.nonce(nextCounter(this.#counter));
    this.#counter += 1;
    const plain = Buffer.allocUnsafe(headerLength + payload.length);
    plain[0] = command;
    plain.writeUInt16BE(payload.length, 1);
    plain.set(payload, headerLength);
    return Buffer.concat([this.#cipher.encrypt(plain), this.#cipher.finish(macLength)]);
  }
}

/** One direction of a session, receiving side. Bytes may arrive in any pieces. */
export class PacketReader {
  readonly #cipher: Shannon;
  readonly #bytes = new ByteQueue();
  #counter: number;
  /** The decrypted header of a packet whose rest is still on its way: headers are decrypted exactly once (§4.8). */
  #header: { readonly command: number; readonly length: number } | null = null;
  #broken = false;

  constructor(key: Uint8Array, counter = 0) {
    this.#cipher = new Shannon(key);
    this.#counter = counter;
  }

  /** How many packets have been received whole. */
  get received(): number {
    return this.#counter;
  }

  /**
   * Takes what arrived and returns the packets that are complete with it. A wrong MAC throws `wire/bad-mac`, and from then
   * on every call does: there is no way to find the next packet.
   */
  push(chunk: Uint8Array): AccessPointPacket[] {
    if (this.#broken) throw badMac();
    this.#bytes.push(chunk);
    const packets: AccessPointPacket[] = [];
    for (;;) {
      const packet = this.#next();
      if (!packet) return packets;
      packets.push(packet);
    }
  }

  #next(): AccessPointPacket | null {
    if (!this.#header) {
      const bytes = this.#bytes.take(headerLength);
      if (!bytes) return null;
      this.#cipher.nonce(nextCounter(this.#counter));
      const plain = this.#cipher.decrypt(bytes);
      this.#header = { command: plain.readUInt8(0), length: plain.readUInt16BE(1) };
    }
    const { command, length } = this.#header;
    const bytes = this.#bytes.take(length + macLength);
    if (!bytes) return null;
    const payload = this.#cipher.decrypt(bytes.subarray(0, length));
    if (!sameBytes(this.#cipher.finish(macLength), bytes.subarray(length))) {
      this.#broken = true;
      throw badMac();
    }
    this.#header = null;
    this.#counter += 1;
    return { command, payload };
  }
}

function nextCounter(counter: number): number {
  if (counter > 0xffff_ffff) throw new WireError('wire/counter-exhausted', 'The connection has carried 2^32 packets and may carry no more: connect again.');
  return counter;
}

function badMac(): WireError {
  return new WireError('wire/bad-mac', 'A packet from the access point was altered on its way, repeated or encrypted with another key: nothing after it can be trusted. The connection must be closed and opened anew.');
}
