import { randomBytes, sign, type KeyObject } from 'node:crypto';
import { sameBytes } from '#foundation';
import {
  assertPublicKey,
  createDhKeyPair,
  decodeClientHello,
  decodeClientResponse,
  deriveSessionKeys,
  dhKeyPairFrom,
  encodeApChallenge,
  encodeApRefusal,
  encodeApUpgrade,
  type DhKeyPair,
  type Weaker,
} from '#spotify/wire';
import type { Faults } from '../faults.ts';
import { Refused } from '../refused.ts';

/** What the second frame is, and the keys if it was a challenge. */
export type Reply =
  | { readonly kind: 'challenge'; readonly frame: Buffer; readonly secrets: SessionSecrets }
  | { readonly kind: 'refusal'; readonly frame: Buffer };

export interface SessionSecrets {
  /** What the client must answer. */
  readonly reply: Buffer;
  readonly clientToServer: Buffer;
  readonly serverToClient: Buffer;
}

/** Error code of a refusal (connect-session §5.5). */
export const Code = { protocol: 0, tryAnother: 2, badCredentials: 12 } as const;

const androidArm = 6;

/** Answers message 1. Throws `Refused` for a hello no access point would accept (connect-session §3.2). */
export function answerHello(frame: Buffer, keys: { readonly own: KeyObject; readonly wrong: () => KeyObject }, faults: Faults, notice: (clause: string, what: string) => void): Reply {
  const refusal = faults.take('access-point/refuse-before');
  if (refusal) return { kind: 'refusal', frame: encodeApRefusal(refusal) };
  if (faults.take('access-point/upgrade')) return { kind: 'refusal', frame: encodeApUpgrade('/upgrade') };
  const hello = decodeClientHello(frame);
  if (!hello.cryptoSuites.includes(0)) throw new Refused(Code.protocol, 'connect-session §3.2', 'the hello does not offer Shannon');
  if (hello.nonce.length !== 16) throw new Refused(Code.protocol, 'connect-session §3.2', `the client nonce has ${hello.nonce.length} bytes where 16 belong`);
  if (hello.publicKey.length > 96) throw new Refused(Code.protocol, 'connect-session §3.3', `the client public key has ${hello.publicKey.length} bytes`);
  assertPublicKey(hello.publicKey);
  if (hello.platform === androidArm) throw new Refused(Code.tryAnother, 'connect-session §3.2', 'ANDROID_ARM is answered with TryAnotherAP');
  if (hello.product !== 0) notice('connect-session §3.2', `product ${hello.product}: several attributes are not sent to anything but clients (0)`);
  const exchange = hello.message.loginCryptoHello.diffieHellman;
  if (exchange && (exchange.serverKeysKnown & 1) === 0) notice('connect-session §3.2', 'server_keys_known does not name key 0');

  const pair = faults.take('access-point/short-public-key') ? shortKeyPair() : createDhKeyPair();
  const gs = faults.take('access-point/public-key-out-of-range') ? Buffer.of(1) : pair.publicKey;
  const signature = signatureOver(gs, keys, faults);
  const weaker = weakerElement(faults);
  const answer = encodeApChallenge({ publicKey: gs, signature, nonce: randomBytes(16), ...(weaker ? { weaker } : {}) });
  const secrets = deriveSessionKeys(pair.secretWith(hello.publicKey), Buffer.concat([frame, answer]));
  const length = faults.take('access-point/frame-length');
  if (length) answer.writeUInt32BE(length.length >>> 0, 0);
  return { kind: 'challenge', frame: answer, secrets };
}

/** Checks message 3. Throws `Refused` when the client does not hold the keys (connect-session §3.9). */
export function checkResponse(frame: Buffer, { reply }: SessionSecrets): void {
  const response = decodeClientResponse(frame);
  if (!response.hasPow) throw new Refused(Code.protocol, 'connect-session §3.10', 'pow_response is missing');
  if (!response.hasCrypto) throw new Refused(Code.protocol, 'connect-session §3.10', 'crypto_response is missing');
  if (!sameBytes(response.hmac, reply)) throw new Refused(Code.badCredentials, 'connect-session §3.5', 'the reply does not prove possession of the keys');
}

function signatureOver(gs: Buffer, keys: { readonly own: KeyObject; readonly wrong: () => KeyObject }, faults: Faults): Buffer {
  const key = faults.take('access-point/wrong-key') ? keys.wrong() : keys.own;
  const signature = sign('RSA-SHA1', gs, key);
  if (faults.take('access-point/wrong-signature')) signature[100] = (signature[100] ?? 0) ^ 1;
  return signature;
}

function weakerElement(faults: Faults): Weaker | null {
  if (faults.take('access-point/rc4')) return 'rc4';
  if (faults.take('access-point/hashcash')) return 'hashcash';
  return faults.take('access-point/fingerprint') ? 'fingerprint-grain' : null;
}

/** A key pair whose public key begins with a zero byte: one in 256 does. */
function shortKeyPair(): DhKeyPair {
  for (;;) {
    const pair = dhKeyPairFrom(randomBytes(95));
    if (pair.publicKey.length === 95) return pair;
  }
}

