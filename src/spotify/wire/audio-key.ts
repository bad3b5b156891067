import { WireError } from './wire-error.ts';

/** Audio keys over the access point: `connect-session.md §6.1`. */

export interface KeyRequest {
  /** 20 bytes. */
  readonly fileId: Uint8Array;
  /** 16 bytes: of the track or episode that owns the file, after relinking. */
  readonly gid: Uint8Array;
  readonly sequence: number;
}

export interface AudioKey {
  readonly sequence: number;
  /** 16 bytes of AES-128. */
  readonly key: Buffer;
}

export interface AudioKeyError {
  readonly sequence: number;
  /** 1 refused, 2 throttled, others unknown: treat as 1 (§6.2). */
  readonly code: number;
}

export const KeyErrorCode = { refused: 1, throttled: 2 } as const;

const fileIdLength = 20;
const gidLength = 16;
const keyLength = 16;

export function encodeKeyRequest({ fileId, gid, sequence }: KeyRequest): Buffer {
  if (fileId.length !== fileIdLength || gid.length !== gidLength) {
    throw new WireError('wire/bad-key-request', 'A key can only be asked for with a file id of 20 bytes and an item id of 16: the item cannot be played. Skip it.');
  }
  const out = Buffer.alloc(42);
  out.set(fileId, 0);
  out.set(gid, 20);
  out.writeUInt32BE(sequence >>> 0, 36);
  return out;
}

export function decodeKeyRequest(payload: Uint8Array): { fileId: Buffer; gid: Buffer; sequence: number } {
  const bytes = exactly(payload, 42, 'A request for an audio key');
  return { fileId: Buffer.from(bytes.subarray(0, 20)), gid: Buffer.from(bytes.subarray(20, 36)), sequence: bytes.readUInt32BE(36) };
}

export function encodeKey({ sequence, key }: { readonly sequence: number; readonly key: Uint8Array }): Buffer {
  const out = Buffer.alloc(4 + key.length);
  out.writeUInt32BE(sequence >>> 0, 0);
  out.set(key, 4);
  return out;
}

export function decodeKey(payload: Uint8Array): AudioKey {
  const bytes = exactly(payload, 4 + keyLength, 'An audio key');
  return { sequence: bytes.readUInt32BE(0), key: Buffer.from(bytes.subarray(4)) };
}

export function encodeKeyError({ sequence, code }: AudioKeyError): Buffer {
  const out = Buffer.alloc(6);
  out.writeUInt32BE(sequence >>> 0, 0);
  out.writeUInt16BE(code & 0xffff, 4);
  return out;
}

export function decodeKeyError(payload: Uint8Array): AudioKeyError {
  const bytes = exactly(payload, 6, 'The refusal of an audio key');
  return { sequence: bytes.readUInt32BE(0), code: bytes.readUInt16BE(4) };
}

/** Which request a malformed answer belongs to, so that only that one fails; `null` when not even that can be read. */
export function keySequence(payload: Uint8Array): number | null {
  return payload.length < 4 ? null : view(payload).readUInt32BE(0);
}

function exactly(payload: Uint8Array, length: number, what: string): Buffer {
  if (payload.length !== length) throw new WireError('wire/bad-audio-key', `${what} has ${payload.length} bytes where ${length} belong: it cannot be used.`);
  return view(payload);
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
