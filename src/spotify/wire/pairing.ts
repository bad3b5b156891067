import { createCipheriv, createDecipheriv, createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { fromBase64, sameBytes } from '#foundation';
import { type DhKeyPair, withLeadingZeros } from './diffie-hellman.ts';
import { WireError } from './wire-error.ts';

/** The encrypted credentials a phone hands to a speaker: `connect-session.md §10.5`. */

export interface PairingCredentials {
  readonly username: string;
  /** An `AuthType`, normally 1. */
  readonly type: number;
  readonly data: Uint8Array;
}

export interface PairingBlob {
  /** Base64 as it came in the form, or the bytes. Spaces count as `+`: sloppy clients do not encode them (§10.4). */
  readonly blob: string | Uint8Array;
  /** The phone's public key, base64 or bytes. */
  readonly clientKey: string | Uint8Array;
  /** The speaker's keys. */
  readonly keyPair: DhKeyPair;
  readonly deviceId: string;
  readonly username: string;
}

export interface DecryptedPairing {
  readonly username: string;
  readonly type: number;
  readonly data: Buffer;
  /** What was not as it should be, though it could be read. For the log. */
  readonly oddities: readonly string[];
}

const ivLength = 16;
const macLength = 20;
const blockLength = 16;
const shortestBlob = ivLength + 1 + macLength;
const longestBlob = 1 << 16;
const fullSecret = 96;
const tags = { username: 0x49, type: 0x50, data: 0x51 } as const;

/**
 * Reads the credentials (the speaker's side). `WireError` codes: `wire/pairing-encoding` not base64 · `wire/pairing-short`
 * · `wire/bad-public-key` · `wire/pairing-mac` the phone used another key of ours, usually one from before a restart
 * · `wire/pairing-structure` the inside makes no sense.
 */
export function decryptPairingBlob({ blob, clientKey, keyPair, deviceId, username }: PairingBlob): DecryptedPairing {
  const raw = bytesOf(blob);
  if (raw.length < shortestBlob) throw new WireError('wire/pairing-short', 'The phone sent credentials that are too short to be any: pairing did not happen. Choose the speaker on the phone again.');
  if (raw.length > longestBlob) throw badStructure('are far too long');
  const iv = raw.subarray(0, ivLength);
  const body = raw.subarray(ivLength, -macLength);
  const mac = raw.subarray(-macLength);
  const secret = keyPair.secretWith(bytesOf(clientKey));
  const keys = [secret, ...(secret.length < fullSecret ? [withLeadingZeros(secret, fullSecret)] : [])]
    .map(outerKeys)
    .find(({ checksum }) => sameBytes(hmac(checksum, body), mac));
  if (!keys) throw new WireError('wire/pairing-mac', 'The phone encrypted its credentials for another key than ours, most likely one from before a restart: pairing did not happen. Choose the speaker on the phone again.');
  const outer = createDecipheriv('aes-128-ctr', keys.encryption, iv);
  const encrypted = fromBase64(Buffer.concat([outer.update(body), outer.final()]).toString('latin1'));
  if (!encrypted || encrypted.length === 0 || encrypted.length % blockLength !== 0) throw badStructure('have an inner part that is not whole blocks of base64');
  const inner = createDecipheriv('aes-192-ecb', innerKey(deviceId, username), null).setAutoPadding(false);
  const chained = Buffer.concat([inner.update(encrypted), inner.final()]);
  const plain = Buffer.from(chained);
  for (let i = blockLength; i < plain.length; i++) plain[i] = (chained[i] ?? 0) ^ (chained[i - blockLength] ?? 0);
  return decodePairingCredentials(plain, username);
}

export interface PairingRecipe {
  readonly credentials: PairingCredentials;
  readonly deviceId: string;
  /** The speaker's public key, base64 or bytes. */
  readonly deviceKey: string | Uint8Array;
  /** The phone's keys. */
  readonly keyPair: DhKeyPair;
  /** 16 bytes; random unless given. */
  readonly iv?: Uint8Array;
}

/** Writes the credentials (the phone's side): two base64 texts for the form. */
export function encryptPairingBlob({ credentials, deviceId, deviceKey, keyPair, iv = randomBytes(ivLength) }: PairingRecipe): { readonly blob: string; readonly clientKey: string } {
  const chained = encodePairingCredentials(credentials);
  for (let i = blockLength; i < chained.length; i++) chained[i] = (chained[i] ?? 0) ^ (chained[i - blockLength] ?? 0);
  const inner = createCipheriv('aes-192-ecb', innerKey(deviceId, credentials.username), null).setAutoPadding(false);
  const encrypted = Buffer.concat([inner.update(chained), inner.final()]);
  const { checksum, encryption } = outerKeys(keyPair.secretWith(bytesOf(deviceKey)));
  const outer = createCipheriv('aes-128-ctr', encryption, iv);
  const body = Buffer.concat([outer.update(encrypted.toString('base64'), 'latin1'), outer.final()]);
  return { blob: Buffer.concat([iv, body, hmac(checksum, body)]).toString('base64'), clientKey: keyPair.publicKey.toString('base64') };
}

function outerKeys(secret: Uint8Array): { readonly checksum: Buffer; readonly encryption: Buffer } {
  const base = createHash('sha1').update(secret).digest().subarray(0, 16);
  return { checksum: hmac(base, 'checksum'), encryption: hmac(base, 'encryption').subarray(0, 16) };
}

function innerKey(deviceId: string, username: string): Buffer {
  const password = createHash('sha1').update(deviceId, 'utf8').digest();
  const derived = pbkdf2Sync(password, Buffer.from(username, 'utf8'), 256, 20, 'sha1');
  return Buffer.concat([createHash('sha1').update(derived).digest(), Buffer.from([0, 0, 0, 20])]);
}

/** The innermost structure (§10.5.2). Its tags are looked at but not insisted on, as in the receivers in the field. */
export function decodePairingCredentials(plain: Buffer, username: string): DecryptedPairing {
  const oddities: string[] = [];
  let at = 0;
  const byte = (): number => {
    const value = plain[at];
    if (value === undefined) throw badStructure('end in the middle');
    at += 1;
    return value;
  };
  const tag = (name: keyof typeof tags): void => {
    if (byte() !== tags[name]) oddities.push(`the tag before the ${name} is not the usual one`);
  };
  const number = (): number => {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const next = byte();
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    throw badStructure('hold a length that does not end');
  };
  const block = (): Buffer => {
    const length = number();
    if (length > plain.length - at) throw badStructure('claim to be longer than they are');
    at += length;
    return Buffer.from(plain.subarray(at - length, at));
  };
  tag('username');
  if (block().toString('utf8') !== username) oddities.push('the user name inside differs from the one in the form');
  tag('type');
  const type = number();
  tag('data');
  const data = block();
  const padding = plain.length - at;
  if (padding < 1 || padding > blockLength || plain[plain.length - 1] !== padding) oddities.push('the padding is not the usual one');
  return { username, type, data, oddities };
}

/** §10.5.2, with the padding: zeros, the last byte says how many bytes of padding there are. Real hardware checks all of it. */
export function encodePairingCredentials({ username, type, data }: PairingCredentials): Buffer {
  const name = Buffer.from(username, 'utf8');
  const plain = Buffer.concat([
    Buffer.from([tags.username, ...number(name.length)]), name,
    Buffer.from([tags.type, ...number(type)]),
    Buffer.from([tags.data, ...number(data.length)]), data,
  ]);
  const padding = blockLength - (plain.length % blockLength);
  const filled = Buffer.alloc(plain.length + padding);
  plain.copy(filled);
  filled.writeUInt8(padding, filled.length - 1);
  return filled;
}

function number(value: number): number[] {
  if (!Number.isInteger(value) || value < 0 || value >= 1 << 14) throw badStructure('are too long to be written');
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7];
}

function bytesOf(value: string | Uint8Array): Buffer {
  if (typeof value !== 'string') return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const bytes = value.length <= longestBlob * 2 ? fromBase64(value.replace(/ /g, '+')) : null;
  if (!bytes) throw new WireError('wire/pairing-encoding', 'The phone sent credentials or a key that are not base64: pairing did not happen. Choose the speaker on the phone again.');
  return bytes;
}

function hmac(key: Uint8Array, message: string | Uint8Array): Buffer {
  return createHmac('sha1', key).update(message).digest();
}

function badStructure(what: string): WireError {
  return new WireError('wire/pairing-structure', `The credentials from the phone ${what}: pairing did not happen. Choose the speaker on the phone again; if that does not help, restart the app.`);
}
