import { createHmac, createPublicKey, verify } from 'node:crypto';
import { frameLengthBytes, helloMagic, unwrapFrame, wrapFrame } from './handshake-frames.ts';
import { decode, encode, keyexchange } from './proto/index.ts';
import { type LoginFailure, type LoginFailureInput, loginFailureMessage, loginFailureOf } from './login.ts';
import { WireError } from './wire-error.ts';

export { HandshakeFrames } from './handshake-frames.ts';

/** The access point's handshake, before anything is encrypted: `connect-session.md §3`. */

/** Platforms that matter (§3.2). 64-bit ARM Linux also calls itself `linuxArm`. */
export const Platform = { windowsX86: 0, macosX86: 1, linuxX86: 2, androidArm: 6, linuxX64: 8, macosX64: 9, freebsdX64: 13, linuxMips: 16, linuxArm: 17, genericPartner: 38 } as const;

export interface ClientHello {
  readonly publicKey: Uint8Array;
  /** 16 random bytes. */
  readonly nonce: Uint8Array;
  /** Of the client program we pass for; the one newer receivers use unless given. */
  readonly version?: number;
  /** A `Platform`; 64-bit Linux unless given. */
  readonly platform?: number;
  /** 0 is a client; with anything else some attributes never arrive. */
  readonly product?: number;
}

/** The whole first frame, with magic and length. Keep it: the keys are derived from the bytes that were sent. */
export function encodeClientHello({ publicKey, nonce, version = 127700358, platform = Platform.linuxX64, product = 0 }: ClientHello): Buffer {
  const message = encode(keyexchange.ClientHello, {
    buildInfo: { product, productFlags: [0], platform, version },
    cryptosuitesSupported: [0],
    loginCryptoHello: { diffieHellman: { gc: publicKey, serverKeysKnown: 1 } },
    clientNonce: nonce,
    padding: Buffer.of(0x1e),
  });
  return wrapFrame(message, helloMagic);
}

export interface DecodedClientHello {
  readonly publicKey: Buffer;
  readonly nonce: Buffer;
  readonly version: number;
  readonly platform: number;
  readonly product: number;
  /** 0 is Shannon. */
  readonly cryptoSuites: readonly number[];
  /** Everything, for whoever wants to be strict. */
  readonly message: keyexchange.ClientHello;
}

export function decodeClientHello(frame: Uint8Array): DecodedClientHello {
  const message = decode(keyexchange.ClientHello, unwrapFrame(frame, helloMagic));
  const hello = message.loginCryptoHello.diffieHellman;
  if (!hello) throw noKeyExchange();
  return {
    publicKey: hello.gc,
    nonce: message.clientNonce,
    version: message.buildInfo.version,
    platform: message.buildInfo.platform,
    product: message.buildInfo.product,
    cryptoSuites: message.cryptosuitesSupported,
    message,
  };
}

export interface ApChallenge {
  readonly publicKey: Uint8Array;
  /** RSA over the public key, 256 bytes. */
  readonly signature: Uint8Array;
  /** 16 random bytes. */
  readonly nonce: Uint8Array;
  /** Which of its keys signed: always 0 so far. */
  readonly serverKey?: number;
  /** Elements no receiver may accept (§3.8), to test that it does not. */
  readonly weaker?: Weaker;
}

/** Elements of a challenge that we refuse: a weaker cipher, or a puzzle nobody has described. */
export type Weaker = 'rc4' | 'hashcash' | 'fingerprint-grain' | 'fingerprint-hmac-ripemd';

export function encodeApChallenge({ publicKey, signature, nonce, serverKey = 0, weaker }: ApChallenge): Buffer {
  return wrapFrame(encode(keyexchange.APResponseMessage, {
    challenge: {
      loginCryptoChallenge: { diffieHellman: { gs: publicKey, serverSignatureKey: serverKey, gsSignature: signature } },
      fingerprintChallenge: {
        grain: weaker === 'fingerprint-grain' ? { kek: nonce } : null,
        hmacRipemd: weaker === 'fingerprint-hmac-ripemd' ? { challenge: nonce } : null,
      },
      powChallenge: { hashCash: weaker === 'hashcash' ? { prefix: nonce, length: 10, target: 0 } : null },
      cryptoChallenge: weaker === 'rc4' ? { rc4Sha1Hmac: {} } : { shannon: {} },
      serverNonce: nonce,
    },
  }));
}

/** The refusal in the clear, before or right after the third frame (§3.6). */
export function encodeApRefusal(failure: LoginFailureInput): Buffer {
  return wrapFrame(encode(keyexchange.APResponseMessage, { loginFailed: loginFailureMessage(failure) }));
}

/** "This version of the program is too old." */
export function encodeApUpgrade(suffix = ''): Buffer {
  return wrapFrame(encode(keyexchange.APResponseMessage, { upgrade: { upgradeSignedPart: Buffer.alloc(0), signature: Buffer.alloc(0), httpSuffix: suffix } }));
}

export type ApResponse =
  | {
      readonly kind: 'challenge';
      readonly publicKey: Buffer;
      readonly serverKey: number;
      readonly signature: Buffer;
      readonly nonce: Buffer;
      /** The name of an element that must not be accepted, if there is one: stop then. */
      readonly weaker: Weaker | null;
    }
  | { readonly kind: 'refused'; readonly failure: LoginFailure }
  | { readonly kind: 'upgrade' };

/** Reads the second frame. A refusal beside a challenge counts as a refusal. */
export function decodeApResponse(frame: Uint8Array): ApResponse {
  const { challenge, upgrade, loginFailed } = decode(keyexchange.APResponseMessage, unwrapFrame(frame));
  if (loginFailed) return { kind: 'refused', failure: loginFailureOf(loginFailed) };
  if (upgrade) return { kind: 'upgrade' };
  const exchange = challenge?.loginCryptoChallenge.diffieHellman;
  if (!challenge || !exchange) throw noKeyExchange();
  return {
    kind: 'challenge',
    publicKey: exchange.gs,
    serverKey: exchange.serverSignatureKey,
    signature: exchange.gsSignature,
    nonce: challenge.serverNonce,
    weaker: weakerElement(challenge),
  };
}

function weakerElement({ cryptoChallenge, powChallenge, fingerprintChallenge }: keyexchange.APChallenge): Weaker | null {
  if (cryptoChallenge.rc4Sha1Hmac && !cryptoChallenge.shannon) return 'rc4';
  if (powChallenge.hashCash) return 'hashcash';
  if (fingerprintChallenge.grain) return 'fingerprint-grain';
  return fingerprintChallenge.hmacRipemd ? 'fingerprint-hmac-ripemd' : null;
}

/** The whole third frame. The two empty unions must be there: the far side insists (§3.10). */
export function encodeClientResponse(hmac: Uint8Array): Buffer {
  return wrapFrame(encode(keyexchange.ClientResponsePlaintext, { loginCryptoResponse: { diffieHellman: { hmac } }, powResponse: {}, cryptoResponse: {} }));
}

export interface DecodedClientResponse {
  readonly hmac: Buffer;
  readonly hasPow: boolean;
  readonly hasCrypto: boolean;
}

/** A frame without one of the required unions throws `wire/missing-field`, as the far side refuses it. */
export function decodeClientResponse(frame: Uint8Array): DecodedClientResponse {
  const response = decode(keyexchange.ClientResponsePlaintext, unwrapFrame(frame));
  const answer = response.loginCryptoResponse.diffieHellman;
  if (!answer) throw noKeyExchange();
  return { hmac: answer.hmac, hasPow: true, hasCrypto: true };
}

/** Whether bytes that arrive where the first packet is due are a refusal in the clear instead (§3.6). */
export function detectRefusal(bytes: Uint8Array): { readonly kind: 'wait' } | { readonly kind: 'packets' } | { readonly kind: 'refused'; readonly failure: LoginFailure } {
  const buffer = view(bytes);
  if (buffer.length < frameLengthBytes) return { kind: 'wait' };
  const length = buffer.readUInt32BE(0);
  if (length < 9 || length > 1024) return { kind: 'packets' };
  if (buffer.length < length) return { kind: 'wait' };
  try {
    const { loginFailed } = decode(keyexchange.APResponseMessage, buffer.subarray(frameLengthBytes, length));
    return loginFailed ? { kind: 'refused', failure: loginFailureOf(loginFailed) } : { kind: 'packets' };
  } catch (error) {
    if (error instanceof WireError) return { kind: 'packets' };
    throw error;
  }
}

/** What both sides make of the shared secret and of every byte of the first two frames (§3.5). */
export function deriveSessionKeys(secret: Uint8Array, transcript: Uint8Array): { readonly reply: Buffer; readonly clientToServer: Buffer; readonly serverToClient: Buffer } {
  const material = Buffer.concat([1, 2, 3, 4, 5].map((round) => createHmac('sha1', secret).update(transcript).update(Buffer.of(round)).digest()));
  return {
    reply: createHmac('sha1', material.subarray(0, 20)).update(transcript).digest(),
    clientToServer: material.subarray(20, 52),
    serverToClient: material.subarray(52, 84),
  };
}

/** The 2048-bit key of the real access points; its exponent is 65537 (§3.4). */
export const PRODUCTION_SERVER_MODULUS: Buffer = Buffer.from(
  'ace0460bffc230aff46bfec3bfbf863da191c6cc336c93a14fb3b01612acac6af180e7f614d9429dbe2e346643e362d2327a1a0d923baedd1402b18155056104' +
    'd52c96a44c1ecc024ad4b20c001f17edc22fc43521c8f0cbaed2add72b0f9db3c5321a2afe59f35a0dac68f1fa621efb2c8d0cb7392d9247e3d7351a6dbd24c2' +
    'ae255b88ffab73298a0bcccd0c58673189e8bd3480784a5fc96b899d956bfc86d74f33a6781796c9c32d0d32a5abcd0527e2f710a39613c42f99c027bfed049c' +
    '3c275804b6b219f9c12f02e94863eca1b642a09d4825f8b39dd0e86af9484da1c2ba863042ea9db3086c190e48b39d66eb0006a25aeea11b13873cd719e655bd',
  'hex',
);

/** True when the signature over the server's public key `gs` was made by the owner of the modulus. */
export function verifyServerSignature(gs: Uint8Array, signature: Uint8Array, modulus: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: { kty: 'RSA', n: view(modulus).toString('base64url'), e: 'AQAB' }, format: 'jwk' });
    return verify('RSA-SHA1', gs, key, signature);
  } catch {
    return false; // not even a key or a signature
  }
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function noKeyExchange(): WireError {
  return new WireError('wire/no-key-exchange', 'The handshake lacks its key exchange: no safe connection is possible this way. The connection is closed and another one tried.');
}
