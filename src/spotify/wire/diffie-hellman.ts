import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject, randomBytes } from 'node:crypto';
import { WireError } from './wire-error.ts';

/** Key agreement of the access point and of pairing: Oakley group 1, `connect-session.md §3.3`. */

export const dhPrime = Buffer.from(
  'ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74' +
    '020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437' +
    '4fe1356d6d51c245e485b576625e7ec6f44c42e9a63a3620ffffffffffffffff',
  'hex',
);
const publicLength = 96;
const privateLength = 95;
const largest = Buffer.from(dhPrime);
largest.writeUInt8(0xfe, publicLength - 1); // p - 1
/** The algorithm and its parameters, as they stand in every key: PKCS #3 key agreement with prime and generator 2. */
const group = der(0x30, Buffer.from('06092a864886f70d010301', 'hex'), der(0x30, derInteger(dhPrime), derInteger(Buffer.of(2))));

export interface DhKeyPair {
  /** Most significant byte first, without leading zeros; 96 bytes unless made by `dhKeyPairFrom` of a rare key. */
  readonly publicKey: Buffer;
  /** The shared number, most significant byte first, without leading zeros. `WireError` unless 1 < peer < p - 1. */
  secretWith(peer: Uint8Array): Buffer;
}

/** A fresh key pair. Its public key has all 96 bytes, so that nobody's padding convention matters (§3.10). */
export function createDhKeyPair(): DhKeyPair {
  for (;;) {
    const pair = dhKeyPairFrom(randomBytes(privateLength));
    if (pair.publicKey.length === publicLength) return pair;
  }
}

/** The key pair of a given private number of up to 96 bytes, most significant byte first. For tests and the simulator. */
export function dhKeyPairFrom(privateKey: Uint8Array): DhKeyPair {
  const number = withoutLeadingZeros(privateKey);
  if (number.length === 0 || number.length > publicLength) throw new WireError('wire/bad-private-key', 'A private key for the key exchange must be a number of 1 to 96 bytes that is not zero.');
  return keyPairOf(createPrivateKey({ key: der(0x30, der(0x02, Buffer.alloc(1)), group, der(0x04, derInteger(number))), format: 'der', type: 'pkcs8' }));
}

function keyPairOf(privateKey: KeyObject): DhKeyPair {
  return {
    publicKey: publicNumber(createPublicKey(privateKey)),
    secretWith: (peer) => {
      assertPublicKey(peer);
      const bits = Buffer.concat([Buffer.alloc(1), derInteger(withoutLeadingZeros(peer))]);
      const publicKey = createPublicKey({ key: der(0x30, group, der(0x03, bits)), format: 'der', type: 'spki' });
      return withoutLeadingZeros(diffieHellman({ privateKey, publicKey }));
    },
  };
}

/*
 * Keys enter and leave OpenSSL as DER. Its older interface (`createDiffieHellman`) would take bare numbers, but examines the
 * well-known prime anew for 40 ms each time.
 */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length = body.length < 0x80 ? [body.length] : body.length < 0x100 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

function derInteger(number: Buffer): Buffer {
  return der(0x02, ...(number.readUInt8(0) >= 0x80 ? [Buffer.alloc(1)] : []), number);
}

/** The number at the very end of an exported key: a BIT STRING of at most 98 bytes holding one INTEGER. */
function publicNumber(key: KeyObject): Buffer {
  const exported = key.export({ format: 'der', type: 'spki' });
  const start = exported.indexOf(group) + group.length;
  return withoutLeadingZeros(exported.subarray(start + 5));
}

/** Throws `wire/bad-public-key` unless 1 < peer < p - 1: outside of that the secret would be known to anyone (§3.8). */
export function assertPublicKey(peer: Uint8Array): void {
  const value = withoutLeadingZeros(peer);
  const tooSmall = value.length === 0 || (value.length === 1 && value[0] === 1);
  const tooLarge = value.length > publicLength || (value.length === publicLength && value.compare(largest) >= 0);
  if (tooSmall || tooLarge) throw new WireError('wire/bad-public-key', 'The far side sent a public key that would make the shared secret guessable: the exchange was stopped. If it happens again, something on the network is altering the traffic.');
}

/** Fills up with zeros in front. */
export function withLeadingZeros(bytes: Uint8Array, length: number): Buffer {
  const out = Buffer.alloc(Math.max(length, bytes.length));
  out.set(bytes, out.length - bytes.length);
  return out;
}

function withoutLeadingZeros(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length && bytes[start] === 0) start += 1;
  return Buffer.from(bytes.subarray(start));
}
