import { createPublicKey, generateKeyPair, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { TonearmError } from '#foundation';

const generate = promisify(generateKeyPair);

/** A new RSA key; takes a tenth of a second to half a second. */
export async function makeKey(): Promise<KeyObject> {
  return (await generate('rsa', { modulusLength: 2048 })).privateKey;
}

/** The access point's RSA key: signs the key exchange. */
export interface ServerKey {
  readonly privateKey: KeyObject;
  /** 256 bytes, big-endian. */
  readonly modulus: Buffer;
  readonly publicPem: string;
}

export function serverKeyOf(privateKey: KeyObject): ServerKey {
  const publicKey = createPublicKey(privateKey);
  const { n } = publicKey.export({ format: 'jwk' });
  if (typeof n !== 'string') throw new TonearmError({ kind: 'invalid', code: 'simulator/key', message: 'The access point key is not an RSA key.' });
  return { privateKey, modulus: Buffer.from(n, 'base64url'), publicPem: publicKey.export({ type: 'spki', format: 'pem' }) as string };
}

let other: KeyObject | undefined;

/** Another key, to sign wrongly with. Made when first needed, which blocks for a moment. */
export function wrongKey(): KeyObject {
  other ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return other;
}
