import { decode, encode, mercury } from './proto/index.ts';
import { WireError } from './wire-error.ts';

/** The access point's layer of requests, answers and events, packets 0xb2-0xb5: `connect-session.md §5.9`. */

export interface MercuryHeader {
  readonly uri?: string | null;
  /** `GET`, `SEND`, `SUB`, `UNSUB`. */
  readonly method?: string | null;
  readonly contentType?: string | null;
  /** Answers only; like HTTP. */
  readonly status?: number | null;
  readonly fields?: readonly { readonly key: string; readonly value: Uint8Array }[];
}

export interface MercuryInput extends MercuryHeader {
  /** Chosen by who asks, echoed in the answer. */
  readonly sequence: Uint8Array;
  readonly parts?: readonly Uint8Array[];
}

export interface MercuryMessage {
  readonly sequence: Buffer;
  readonly uri: string;
  readonly method: string | null;
  readonly contentType: string | null;
  readonly status: number | null;
  readonly fields: readonly { readonly key: string; readonly value: Buffer }[];
  /** The body; the header is not among them. */
  readonly parts: readonly Buffer[];
}

const Flag = { more: 0, final: 1, partial: 2 } as const;
const longestPayload = 0xffff;
const longestSequence = 64;
const mostPending = 16;
const mostPieces = 1024;
const longestMessage = 2 * 1024 * 1024;

/** The sequence of our n-th request: eight bytes, most significant first. */
export function mercurySequence(counter: number): Buffer {
  const out = Buffer.allocUnsafe(8);
  out.writeBigUInt64BE(BigInt(counter));
  return out;
}

/** The payloads of the packets that carry a message: one, unless it does not fit `limit` bytes. */
export function encodeMercury({ sequence, parts = [], uri, method, contentType, status, fields }: MercuryInput, limit = longestPayload): Buffer[] {
  const header = encode(mercury.Header, { uri, contentType, method, statusCode: status, userFields: fields ?? [] });
  const waiting = [header, ...parts];
  const payloads: Buffer[] = [];
  const overhead = 2 + sequence.length + 1 + 2;
  if (limit < overhead + 3) throw new WireError('wire/bad-limit', 'A request to the access point was to be cut into packets too small to hold anything: it was not sent.');
  do {
    const pieces: Uint8Array[] = [];
    let room = limit - overhead;
    let flag: number = Flag.final;
    for (let part = waiting[0]; part; part = waiting[0]) {
      if (part.length + 2 <= room) {
        pieces.push(part);
        room -= part.length + 2;
        waiting.shift();
        continue;
      }
      flag = Flag.more;
      if (room > 2) {
        // The rest of this part opens the next packet.
        flag = Flag.partial;
        pieces.push(part.subarray(0, room - 2));
        waiting[0] = Buffer.from(part.subarray(room - 2));
      }
      break;
    }
    payloads.push(payloadOf(sequence, flag, pieces));
  } while (waiting.length > 0);
  return payloads;
}

function payloadOf(sequence: Uint8Array, flag: number, pieces: readonly Uint8Array[]): Buffer {
  const chunks: Uint8Array[] = [u16(sequence.length), sequence, Buffer.of(flag), u16(pieces.length)];
  for (const piece of pieces) chunks.push(u16(piece.length), piece);
  return Buffer.concat(chunks);
}

interface Pending {
  readonly parts: Buffer[];
  /** The beginnings of a part whose end is still to come. */
  tail: Buffer[];
  size: number;
  pieces: number;
}

/**
 * Joins packets into messages. Bounded: a message of more than 2 MiB or 1024 pieces is an error, and of more than 16 unfinished
 * ones the oldest is forgotten.
 */
export class MercuryAssembler {
  readonly #pending = new Map<string, Pending>();

  /** How many messages have begun and not ended. */
  get pending(): number {
    return this.#pending.size;
  }

  /** The message that is complete with this payload, or `null`. After an error the message it belonged to is forgotten. */
  push(payload: Uint8Array): MercuryMessage | null {
    const { sequence, flag, parts } = readPayload(payload);
    const key = sequence.toString('latin1');
    const pending = this.#pending.get(key) ?? { parts: [], tail: [], size: 0, pieces: 0 };
    this.#pending.delete(key);
    parts.forEach((piece, index) => {
      pending.size += piece.length;
      pending.pieces += 1;
      if (flag === Flag.partial && index === parts.length - 1) {
        pending.tail.push(piece);
      } else {
        pending.parts.push(Buffer.concat([...pending.tail, piece]));
        pending.tail = [];
      }
    });
    if (pending.size > longestMessage || pending.pieces > mostPieces) throw new WireError('wire/mercury-too-large', 'The access point sent an answer that is larger than any should be: it was ignored.');
    if (flag !== Flag.final) {
      this.#pending.set(key, pending);
      const oldest = this.#pending.keys().next();
      if (this.#pending.size > mostPending && !oldest.done) this.#pending.delete(oldest.value);
      return null;
    }
    if (pending.tail.length > 0) pending.parts.push(Buffer.concat(pending.tail));
    return messageOf(sequence, pending.parts);
  }
}

function messageOf(sequence: Buffer, [head, ...parts]: readonly Buffer[]): MercuryMessage {
  if (!head) throw badMercury();
  const header = decode(mercury.Header, head);
  return {
    sequence,
    uri: header.uri ?? '',
    method: header.method,
    contentType: header.contentType,
    status: header.statusCode,
    fields: header.userFields.map(({ key, value }) => ({ key: key ?? '', value: value ?? Buffer.alloc(0) })),
    parts,
  };
}

function readPayload(payload: Uint8Array): { readonly sequence: Buffer; readonly flag: number; readonly parts: Buffer[] } {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  let at = 0;
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw badMercury();
    at += length;
    return bytes.subarray(at - length, at);
  };
  const sequenceLength = take(2).readUInt16BE();
  if (sequenceLength > longestSequence) throw badMercury();
  const sequence = Buffer.from(take(sequenceLength));
  const flag = take(1).readUInt8();
  const count = take(2).readUInt16BE();
  const parts: Buffer[] = [];
  for (let i = 0; i < count; i++) parts.push(Buffer.from(take(take(2).readUInt16BE())));
  if (at !== bytes.length) throw badMercury();
  return { sequence, flag, parts };
}

export interface MercurySubscription {
  readonly uri: string;
  /** Seconds, as far as known. */
  readonly expiry: number | null;
  readonly status: number | null;
}

/** The body parts of an answer to `SUB`: the addresses that are really watched. None: the one that was asked for. */
export function decodeSubscriptions(parts: readonly Uint8Array[]): MercurySubscription[] {
  return parts.map((part) => {
    const { uri, expiry, statusCode } = decode(mercury.Subscription, part);
    return { uri: uri ?? '', expiry, status: statusCode };
  });
}

export function encodeSubscription({ uri, expiry, status }: MercurySubscription): Buffer {
  return encode(mercury.Subscription, { uri, expiry, statusCode: status });
}

function u16(value: number): Buffer {
  if (value > 0xffff) throw new WireError('wire/mercury-too-large', 'A request to the access point has a part that is too large: it was not sent.');
  const out = Buffer.allocUnsafe(2);
  out.writeUInt16BE(value);
  return out;
}

function badMercury(): WireError {
  return new WireError('wire/bad-mercury', 'The access point sent an answer that is cut off or malformed: it was ignored.');
}
