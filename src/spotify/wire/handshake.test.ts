import { createHash, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import vectors from '../../../test/fixtures/vectors/handshake.json' with { type: 'json' };
import { hex } from '#foundation';
import { assertPublicKey, createDhKeyPair, dhKeyPairFrom, dhPrime, withLeadingZeros } from './diffie-hellman.ts';
import {
  decodeApResponse, decodeClientHello, decodeClientResponse, deriveSessionKeys, detectRefusal, encodeApChallenge, encodeApRefusal, encodeApUpgrade,
  encodeClientHello, encodeClientResponse, PRODUCTION_SERVER_MODULUS, verifyServerSignature, type Weaker,
} from './handshake.ts';
import { encode, keyexchange } from './proto/index.ts';
import { HandshakeFrames, wrapFrame } from './handshake-frames.ts';
import { decodeLogin, decodeLoginFailure, decodeWelcome, encodeLogin, encodeLoginFailure, encodeWelcome, LoginFailureCode } from './login.ts';
import { WireError } from './wire-error.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'hex');
const modulus = bytes(vectors.test_server_key.modulus);
const sessions = vectors.sessions.map((session, index) => ({ index, session }));
const serverKey = { key: Buffer.from(vectors.test_server_key.pkcs8_der_base64, 'base64'), format: 'der', type: 'pkcs8' } as const;
const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
  return 'nothing thrown';
};

describe('key exchange', () => {
  it.each(sessions)('session $index', ({ session }) => {
    expect(hex(dhPrime)).toBe(vectors.prime);
    const client = dhKeyPairFrom(bytes(session.client_private));
    const server = dhKeyPairFrom(bytes(session.server_private));
    expect(hex(client.publicKey)).toBe(session.client_public_gc);
    expect(hex(server.publicKey)).toBe(session.server_public_gs);
    expect(hex(client.secretWith(server.publicKey))).toBe(session.shared_secret);
    expect(hex(server.secretWith(client.publicKey))).toBe(session.shared_secret);
    expect(client.secretWith(server.publicKey)).toHaveLength(session.shared_secret_length);
  });

  it('accepts a peer key of any length within the range, and none outside', () => {
    const pair = dhKeyPairFrom(Buffer.of(5)); // the secret is peer^5
    expect(hex(pair.publicKey)).toBe('20');
    expect(hex(pair.secretWith(Buffer.of(0, 0, 2)))).toBe('20');
    const below = (by: number): Buffer => withLeadingZeros(bytes((BigInt(`0x${vectors.prime}`) - BigInt(by)).toString(16)), 96);
    expect(hex(pair.secretWith(below(2)))).toBe(hex(below(32)));
    for (const peer of [Buffer.alloc(0), Buffer.alloc(96), Buffer.of(1), withLeadingZeros(Buffer.of(1), 96), below(1), below(0), Buffer.alloc(96, 0xff), Buffer.alloc(97, 1), Buffer.alloc(5000, 3)]) {
      expect(codeOf(() => pair.secretWith(peer))).toBe('wire/bad-public-key');
      expect(codeOf(() => assertPublicKey(peer))).toBe('wire/bad-public-key');
    }
  });

  it('fresh keys have 96 bytes, differ and agree', () => {
    const [one, two] = [createDhKeyPair(), createDhKeyPair()];
    expect(one.publicKey).toHaveLength(96);
    expect(one.publicKey.equals(two.publicKey)).toBe(false);
    expect(one.secretWith(two.publicKey).equals(two.secretWith(one.publicKey))).toBe(true);
  });

  it.each([[Buffer.alloc(0)], [Buffer.alloc(95)], [Buffer.alloc(97, 1)]])('refuses a private key that is none', (key) => {
    expect(codeOf(() => dhKeyPairFrom(key))).toBe('wire/bad-private-key');
  });
});

describe('handshake', () => {
  it.each(sessions)('client side of session $index', ({ session }) => {
    const { message } = decodeClientHello(bytes(session.client_hello_packet));
    const hello = encodeClientHello({
      publicKey: bytes(session.client_public_gc), nonce: bytes(session.client_nonce), version: message.buildInfo.version, platform: message.buildInfo.platform,
    });
    expect(hex(hello)).toBe(session.client_hello_packet);
    const [frame] = new HandshakeFrames('client').push(bytes(session.ap_response_packet));
    const response = decodeApResponse(frame ?? Buffer.alloc(0));
    if (response.kind !== 'challenge') throw new Error(response.kind);
    expect(hex(response.publicKey)).toBe(session.server_public_gs);
    expect(hex(response.nonce)).toBe(session.server_nonce);
    expect(response).toMatchObject({ serverKey: 0, weaker: null });
    expect(verifyServerSignature(response.publicKey, response.signature, modulus)).toBe(true);
    expect(verifyServerSignature(response.publicKey, response.signature, PRODUCTION_SERVER_MODULUS)).toBe(false);
    const transcript = Buffer.concat([hello, frame ?? Buffer.alloc(0)]);
    expect(transcript).toHaveLength(session.exchange_data_length);
    expect(createHash('sha1').update(transcript).digest('hex')).toBe(session.exchange_data_sha1);
    const keys = deriveSessionKeys(dhKeyPairFrom(bytes(session.client_private)).secretWith(response.publicKey), transcript);
    expect(hex(keys.reply)).toBe(session.challenge_hmac);
    expect(hex(keys.clientToServer)).toBe(session.client_send_key);
    expect(hex(keys.serverToClient)).toBe(session.client_recv_key);
    expect(hex(encodeClientResponse(keys.reply))).toBe(session.client_response_plaintext_packet);
  });

  it.each(sessions)('server side of session $index', ({ session }) => {
    const stream = bytes(session.client_hello_packet + session.client_response_plaintext_packet + session.login.wire);
    const frames = new HandshakeFrames('server');
    const [hello, response] = frames.push(stream);
    expect(frames.complete).toBe(true);
    expect(hex(frames.rest())).toBe(session.login.wire);
    const decoded = decodeClientHello(hello!);
    expect(hex(decoded.publicKey)).toBe(session.client_public_gc);
    expect(hex(decoded.nonce)).toBe(session.client_nonce);
    expect(decoded).toMatchObject({ product: 0, platform: 8, cryptoSuites: [0] });
    const gs = bytes(session.server_public_gs);
    const signature = sign('RSA-SHA1', gs, serverKey);
    expect(hex(signature)).toBe(session.gs_signature);
    expect(hex(encodeApChallenge({ publicKey: gs, signature, nonce: bytes(session.server_nonce) }))).toBe(session.ap_response_packet);
    const secret = dhKeyPairFrom(bytes(session.server_private)).secretWith(decoded.publicKey);
    const keys = deriveSessionKeys(secret, Buffer.concat([hello!, bytes(session.ap_response_packet)]));
    const answer = decodeClientResponse(response!);
    expect(answer).toMatchObject({ hasPow: true, hasCrypto: true });
    expect(hex(answer.hmac)).toBe(hex(keys.reply));
  });

  it.each(vectors.negative)('$expect', ({ gs, gs_signature }) => {
    expect(verifyServerSignature(bytes(gs), bytes(gs_signature), modulus)).toBe(false);
  });

  it('a signature over altered bytes, a broken signature and a broken key are all just wrong', () => {
    const gs = bytes(vectors.sessions[0]!.server_public_gs);
    const signature = bytes(vectors.sessions[0]!.gs_signature);
    expect(verifyServerSignature(Buffer.concat([gs, Buffer.alloc(1)]), signature, modulus)).toBe(false);
    for (const [wrongSignature, key] of [[signature.subarray(1), modulus], [Buffer.alloc(0), modulus], [signature, Buffer.alloc(0)], [signature, Buffer.of(1)]] as const) {
      expect(verifyServerSignature(gs, wrongSignature, key)).toBe(false);
    }
  });

  it.each(sessions)('login, welcome and refusal of session $index', ({ session }) => {
    const { login, welcome, alt_auth_failure, alt_plaintext_failure_packet } = session;
    const decoded = decodeLogin(bytes(login.payload));
    expect(decoded).toMatchObject({ username: login.username, type: login.auth_type, deviceId: login.device_id });
    expect(hex(decoded.data)).toBe(login.auth_data);
    expect(hex(encodeLogin(decoded))).toBe(login.payload);
    const { username, type, data } = decodeWelcome(bytes(welcome.payload));
    expect({ username, type, data: hex(data) }).toEqual({ username: welcome.canonical_username, type: welcome.reusable_auth_credentials_type, data: welcome.reusable_auth_credentials });
    expect(hex(encodeWelcome({ username, type, data }))).toBe(welcome.payload);
    expect(decodeLoginFailure(bytes(alt_auth_failure.payload))).toEqual({ code: alt_auth_failure.error_code, name: 'BadCredentials' });
    expect(hex(encodeLoginFailure({ code: 12 }))).toBe(alt_auth_failure.payload);
    expect(decodeApResponse(bytes(alt_plaintext_failure_packet.packet))).toEqual({ kind: 'refused', failure: { code: 12, name: 'BadCredentials' } });
    expect(hex(encodeApRefusal({ code: 12 }))).toBe(alt_plaintext_failure_packet.packet);
  });

  it.each<Weaker>(['rc4', 'hashcash', 'fingerprint-grain', 'fingerprint-hmac-ripemd'])('names the weaker element %s', (weaker) => {
    const frame = encodeApChallenge({ publicKey: Buffer.alloc(96, 9), signature: Buffer.alloc(256), nonce: Buffer.alloc(16), weaker, serverKey: 1 });
    expect(decodeApResponse(frame)).toMatchObject({ kind: 'challenge', weaker, serverKey: 1 });
  });

  it('accepts an empty cipher choice, and RC4 beside Shannon', () => {
    for (const cryptoChallenge of [{}, { shannon: {}, rc4Sha1Hmac: {} }]) {
      const frame = wrapFrame(encode(keyexchange.APResponseMessage, {
        challenge: {
          loginCryptoChallenge: { diffieHellman: { gs: Buffer.alloc(96, 9), serverSignatureKey: 0, gsSignature: Buffer.alloc(256) } },
          fingerprintChallenge: {}, powChallenge: {}, cryptoChallenge, serverNonce: Buffer.alloc(16), padding: Buffer.from('any padding'),
        },
      }));
      expect(decodeApResponse(frame)).toMatchObject({ kind: 'challenge', weaker: null });
    }
  });

  it('tells upgrade, refusal and nonsense apart', () => {
    expect(decodeApResponse(encodeApUpgrade('/download'))).toEqual({ kind: 'upgrade' });
    expect(decodeApResponse(encodeApRefusal({ code: 2, retryDelay: 30, description: 'busy' }))).toEqual({ kind: 'refused', failure: { code: 2, name: 'TryAnotherAP', retryDelay: 30, description: 'busy' } });
    expect(decodeApResponse(encodeApRefusal({ code: 99 }))).toEqual({ kind: 'refused', failure: { code: 99, name: 'Unknown' } });
    expect(codeOf(() => decodeApResponse(Buffer.of(0, 0, 0, 4)))).toBe('wire/no-key-exchange');
    for (const [name, code] of Object.entries(LoginFailureCode)) expect(decodeLoginFailure(encodeLoginFailure({ code }))).toEqual({ code, name });
  });

  it('insists on the two empty answers', () => {
    const frame = encodeClientResponse(Buffer.alloc(20));
    const cut = wrapFrame(frame.subarray(4, -3)); // without crypto_response
    expect(codeOf(() => decodeClientResponse(cut))).toBe('wire/missing-field');
    expect(codeOf(() => decodeClientResponse(wrapFrame(frame.subarray(4, -6))))).toBe('wire/missing-field');
  });
});

describe('frames', () => {
  const session = vectors.sessions[0]!;

  it.each(['client', 'server'] as const)('arrive in any pieces (%s)', (side) => {
    const stream = bytes(side === 'server' ? session.client_hello_packet + session.client_response_plaintext_packet : session.ap_response_packet);
    const rest = Buffer.from('bytes that belong to the cipher');
    const whole = new HandshakeFrames(side).push(stream);
    expect(Buffer.concat(whole).equals(stream)).toBe(true);
    for (const size of [1, 2, 5, 64]) {
      const frames = new HandshakeFrames(side);
      const all = Buffer.concat([stream, rest]);
      const found: Buffer[] = [];
      for (let at = 0; at < all.length; at += size) found.push(...frames.push(all.subarray(at, at + size)));
      expect(found.map(hex)).toEqual(whole.map(hex));
      expect(frames.rest().toString()).toBe(rest.toString());
      expect(frames.rest()).toHaveLength(0);
    }
    for (let end = 0; end < stream.length; end++) {
      const frames = new HandshakeFrames(side);
      const first = frames.push(stream.subarray(0, end));
      expect(frames.complete).toBe(false);
      expect([...first, ...frames.push(stream.subarray(end))].map(hex)).toEqual(whole.map(hex));
    }
  });

  it.each([
    ['client', '00000003'], ['client', '00000000'], ['client', '00010001'], ['client', 'ffffffff'],
    ['server', '000400000005'], ['server', '000400010001'], ['server', '0004ffffffff'],
  ] as const)('refuse impossible lengths at once (%s %s)', (side, start) => {
    const frames = new HandshakeFrames(side);
    const codes = [...bytes(start)].map((byte) => codeOf(() => frames.push(Buffer.of(byte))));
    expect(codes.at(-1)).toBe('wire/bad-frame-length');
    expect(new Set(codes.slice(0, -1))).toEqual(new Set(['nothing thrown']));
  });

  it('refuse a stranger by its first bytes', () => {
    expect(codeOf(() => new HandshakeFrames('server').push(Buffer.from('GET / HTTP/1.1\r\n')))).toBe('wire/bad-magic');
    expect(codeOf(() => new HandshakeFrames('server').push(Buffer.of(1)))).toBe('wire/bad-magic');
    expect(codeOf(() => decodeClientHello(bytes(session.ap_response_packet)))).toBe('wire/bad-magic');
  });

  it('carry exactly one message each', () => {
    for (const frame of [bytes(session.ap_response_packet).subarray(0, -1), Buffer.concat([bytes(session.ap_response_packet), Buffer.alloc(1)]), Buffer.alloc(0), Buffer.alloc(3)]) {
      expect(codeOf(() => decodeApResponse(frame))).toBe('wire/bad-frame-length');
    }
  });
});

describe('a refusal where packets are due', () => {
  const refusal = encodeApRefusal({ code: 13, retryDelay: 5, description: 'not now' });

  it('is found, however long, once it is whole', () => {
    for (let end = 0; end < refusal.length; end++) expect(detectRefusal(refusal.subarray(0, end))).toEqual({ kind: 'wait' });
    expect(detectRefusal(refusal)).toEqual({ kind: 'refused', failure: { code: 13, name: 'CouldNotValidateCredentials', retryDelay: 5, description: 'not now' } });
    expect(detectRefusal(bytes(vectors.sessions[0]!.alt_plaintext_failure_packet.packet))).toMatchObject({ kind: 'refused' });
  });

  it('is not seen in ciphertext', () => {
    for (const session of vectors.sessions) expect(detectRefusal(bytes(session.welcome.wire))).toEqual({ kind: 'packets' });
    expect(detectRefusal(Buffer.concat([Buffer.of(0, 0, 0, 12), Buffer.alloc(8, 0xff)]))).toEqual({ kind: 'packets' });
    expect(detectRefusal(encodeApUpgrade())).toEqual({ kind: 'packets' });
    expect(detectRefusal(Buffer.of(0, 0, 4, 1))).toEqual({ kind: 'packets' });
    expect(detectRefusal(Buffer.of(0, 0, 0, 8))).toEqual({ kind: 'packets' });
  });
});
