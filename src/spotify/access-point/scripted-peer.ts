import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import {
  createDhKeyPair,
  decodeClientResponse,
  decodeLogin,
  deriveSessionKeys,
  encodeApChallenge,
  encodeApRefusal,
  encodeWelcome,
  HandshakeFrames,
  Packet,
  PacketReader,
  PacketWriter,
  type DecodedLogin,
  type Weaker,
} from '#spotify/wire';

/** What a scripted access point does differently from a good one. */
export interface PeerScript {
  readonly weaker?: Weaker;
  /** Signs with another key. */
  readonly forged?: boolean;
  /** Answers the hello with this refusal. */
  readonly refuseHello?: { readonly code: number; readonly retryDelay?: number };
  /** Answers the login in the clear, as after a wrong reply. */
  readonly refuseReply?: { readonly code: number; readonly description?: string };
  /** Derives its keys from altered bytes. */
  readonly altered?: boolean;
  readonly publicKey?: Uint8Array;
  /** Packets to answer the login with, instead of a welcome. */
  readonly answer?: readonly { readonly command: number; readonly payload: Uint8Array }[];
  /** Spoils the last bit of what answers the login. */
  readonly flipLast?: boolean;
}

let rsa: { readonly privateKey: KeyObject; readonly modulus: Buffer } | undefined;

function serverKey(): NonNullable<typeof rsa> {
  if (!rsa) {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    rsa = { privateKey, modulus: Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url') };
  }
  return rsa;
}

/** For tests: the far side of one access point connection, without a socket. Bytes in, bytes out. */
export class ScriptedPeer {
  readonly #script: PeerScript;
  readonly #frames = new HandshakeFrames('server');
  #transcript: Buffer = Buffer.alloc(0);
  #keyPair = createDhKeyPair();
  #clientKey: Buffer = Buffer.alloc(0);
  #reader: PacketReader | null = null;
  writer: PacketWriter | null = null;
  login: DecodedLogin | null = null;
  readonly packets: { readonly command: number; readonly payload: Buffer }[] = [];

  constructor(script: PeerScript = {}) {
    this.#script = script;
  }

  /** What the client must be given as the server's key. */
  static get modulus(): Buffer {
    return serverKey().modulus;
  }

  receive(bytes: Uint8Array): Buffer {
    if (this.#reader) return this.#packets(bytes);
    const out: Buffer[] = [];
    for (const frame of this.#frames.push(bytes)) out.push(this.#transcript.length === 0 ? this.#hello(frame) : this.#response(frame));
    if (this.writer) out.push(this.#packets(this.#frames.rest()));
    return Buffer.concat(out);
  }

  packet(command: number, payload: Uint8Array): Buffer {
    if (!this.writer) throw new Error('not yet');
    return this.writer.encode(command, payload);
  }

  #hello(frame: Buffer): Buffer {
    const { weaker, forged, refuseHello, altered, publicKey } = this.#script;
    if (refuseHello) return encodeApRefusal(refuseHello);
    // ClientHello: the only 96 bytes after the tag of `gc` (connect-session.md §3.2).
    const at = frame.indexOf(Buffer.of(0x52, 0x60));
    this.#clientKey = frame.subarray(at + 2, at + 98);
    const own = publicKey ?? this.#keyPair.publicKey;
    const signature = forged ? randomBytes(256) : sign('RSA-SHA1', own, serverKey().privateKey);
    const challenge = encodeApChallenge({ publicKey: own, signature, nonce: randomBytes(16), ...(weaker && { weaker }) });
    const hello = Buffer.from(frame);
    if (altered) hello.writeUInt8(hello.readUInt8(hello.length - 1) ^ 1, hello.length - 1);
    this.#transcript = Buffer.concat([hello, challenge]);
    return challenge;
  }

  #response(frame: Buffer): Buffer {
    decodeClientResponse(frame);
    if (this.#script.refuseReply) return encodeApRefusal(this.#script.refuseReply);
    const keys = deriveSessionKeys(this.#keyPair.secretWith(this.#clientKey), this.#transcript);
    this.writer = new PacketWriter(keys.serverToClient);
    this.#reader = new PacketReader(keys.clientToServer);
    return Buffer.alloc(0);
  }

  #packets(bytes: Uint8Array): Buffer {
    const out: Buffer[] = [];
    // With altered keys nothing can be read; a welcome is sent all the same.
    const packets = this.#script.altered ? [{ command: Packet.login, payload: null }] : (this.#reader?.push(bytes) ?? []);
    for (const { command, payload } of packets) {
      if (command === Packet.login) {
        if (payload) this.login = decodeLogin(payload);
        const answer = this.#script.answer ?? [{ command: Packet.welcome, payload: encodeWelcome({ username: 'somebody', type: 1, data: Buffer.from('reusable') }) }];
        for (const { command: kind, payload: content } of answer) out.push(this.packet(kind, content));
        const last = out.at(-1);
        if (this.#script.flipLast && last) last.writeUInt8(last.readUInt8(last.length - 1) ^ 1, last.length - 1);
      } else if (payload) this.packets.push({ command, payload });
    }
    return Buffer.concat(out);
  }
}
