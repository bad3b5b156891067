import { describe, expect, it } from 'vitest';
import handshake from '../../../test/fixtures/vectors/handshake.json' with { type: 'json' };
import ids from '../../../test/fixtures/vectors/ids.json' with { type: 'json' };
import shannon from '../../../test/fixtures/vectors/shannon.json' with { type: 'json' };
import zeroconf from '../../../test/fixtures/vectors/zeroconf.json' with { type: 'json' };
import { decodeKey, decodeKeyError, decodeKeyRequest, encodeKey, encodeKeyError, encodeKeyRequest, keySequence } from './audio-key.ts';
import { assertPublicKey, createDhKeyPair, type DhKeyPair } from './diffie-hellman.ts';
import { HandshakeFrames } from './handshake-frames.ts';
import {
  decodeApResponse, decodeClientHello, decodeClientResponse, detectRefusal, encodeApChallenge, encodeApRefusal, encodeApUpgrade, verifyServerSignature,
} from './handshake.ts';
import { checkHashcash, solveHashcash } from './hashcash.ts';
import { base62ToGid, fileIdToHex, gidToBase62, hexToGid, isPlayableUri, itemKindOfContext, parseShareLink, parseSpotifyUri } from './ids.ts';
import { decodeLogin, decodeLoginFailure, decodeWelcome, encodeLoginFailure } from './login.ts';
import { decodeSubscriptions, encodeMercury, encodeSubscription, MercuryAssembler } from './mercury.ts';
import { PacketReader } from './packet.ts';
import { decodePairingCredentials, decryptPairingBlob, encodePairingCredentials } from './pairing.ts';
import { encodeProductInfo, parseProductInfo } from './product-info.ts';
import { type CodecCase, cutEverywhere, receive, survive, textCase } from './robustness-cases.ts';
import { WireError } from './wire-error.ts';
import { encodeGetInfo, encodeStatus, judgeGetInfo, parseAddUser, parseForm, parseGetInfo, parseStatus } from './zeroconf.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'hex');
const session = handshake.sessions[0]!;
const pairing = zeroconf.cases[0]!;
const fileId = bytes(ids.file_ids[0]!.bytes);
const gid = bytes(ids.ids[0]!.gid_hex);
const streamKey = bytes(shannon.stream.key);
const modulus = bytes(handshake.test_server_key.modulus);
/** Modular exponentiation is OpenSSL's; 100,000 of them would only test patience. Ranges are checked as in earnest. */
const speaker: DhKeyPair = {
  publicKey: bytes(pairing.device_public),
  secretWith: (peer) => {
    assertPublicKey(peer);
    return bytes(pairing.shared_secret);
  },
};
const getInfo = encodeGetInfo({ deviceId: pairing.device_id, name: 'Küche', publicKey: pairing.device_public_base64, brand: 'b', model: 'm', libraryVersion: '1', activeUser: '' });
const mercury = [
  ...encodeMercury({ sequence: bytes('0000000000000001'), uri: 'hm://x', status: 200, fields: [{ key: 'k', value: gid }], parts: [fileId, gid] }),
  ...encodeMercury({ sequence: bytes('0001'), uri: 'hm://y', method: 'GET', parts: [Buffer.alloc(100, 1)] }, 60),
];

const cases: readonly CodecCase[] = [
  textCase('base62', ids.ids.map(({ base62 }) => base62), (text) => gidToBase62(base62ToGid(text))),
  textCase('hexadecimal ids', ids.ids.map(({ gid_hex }) => gid_hex), hexToGid),
  textCase('addresses', [...ids.uris.map(({ uri }) => uri), 'spotify:user:me:collection', 'spotify:local:a:b:c:1'], (text) => {
    isPlayableUri(text);
    itemKindOfContext(text);
    return parseSpotifyUri(text);
  }),
  textCase('links', ['https://open.spotify.com/intl-de/track/5sWHDYs0csV6RS48xBl0tH?si=1'], parseShareLink),
  { name: 'file ids', valid: [fileId], decode: fileIdToHex },
  { name: 'public keys', valid: [bytes(session.client_public_gc)], decode: assertPublicKey },
  { name: 'ClientHello', valid: [bytes(session.client_hello_packet)], decode: decodeClientHello },
  {
    name: 'APResponse',
    valid: [
      bytes(session.ap_response_packet), encodeApRefusal({ code: 12, retryDelay: 3, description: 'no' }), encodeApUpgrade('x'),
      encodeApChallenge({ publicKey: gid, signature: gid, nonce: gid, weaker: 'hashcash' }),
    ],
    decode: decodeApResponse,
  },
  { name: 'ClientResponse', valid: [bytes(session.client_response_plaintext_packet)], decode: decodeClientResponse },
  { name: 'refusal in the clear', valid: [encodeApRefusal({ code: 12 }), bytes(session.welcome.wire)], decode: detectRefusal },
  {
    name: 'frames for a client',
    valid: [bytes(session.ap_response_packet + session.welcome.wire)],
    decode: (stream) => new HandshakeFrames('client').push(stream),
    open: () => framesOf('client'),
  },
  {
    name: 'frames for a server',
    valid: [bytes(session.client_hello_packet + session.client_response_plaintext_packet + session.login.wire)],
    decode: (stream) => new HandshakeFrames('server').push(stream),
    open: () => framesOf('server'),
  },
  {
    name: 'packets',
    valid: [bytes(shannon.stream.wire)],
    decode: (stream) => new PacketReader(streamKey).push(stream),
    open: () => {
      const reader = new PacketReader(streamKey);
      return (chunk) => reader.push(chunk);
    },
  },
  { name: 'login', valid: [bytes(session.login.payload)], decode: decodeLogin },
  { name: 'welcome', valid: [bytes(session.welcome.payload)], decode: decodeWelcome },
  { name: 'login failure', valid: [encodeLoginFailure({ code: 13, retryDelay: 9, description: 'later' })], decode: decodeLoginFailure },
  {
    name: 'product information',
    valid: [encodeProductInfo(new Map([['type', 'premium'], ['autoplay', '1'], ['x', 'a & b']])), Buffer.from('<product><!-- c --><a><![CDATA[x]]>&#65;</a><b/></product>')],
    decode: parseProductInfo,
  },
  { name: 'key request', valid: [encodeKeyRequest({ fileId, gid, sequence: 1 })], decode: decodeKeyRequest },
  { name: 'audio key', valid: [encodeKey({ sequence: 1, key: gid })], decode: decodeKey },
  { name: 'key refusal', valid: [encodeKeyError({ sequence: 1, code: 2 })], decode: decodeKeyError },
  { name: 'key sequence', valid: [encodeKeyError({ sequence: 1, code: 2 })], decode: keySequence },
  { name: 'Mercury', valid: mercury.slice(0, 1), decode: (payload) => new MercuryAssembler().push(payload) },
  { name: 'Mercury, one after the other', valid: mercury, decode: pushTo(new MercuryAssembler()) },
  { name: 'Mercury subscriptions', valid: [encodeSubscription({ uri: 'hm://x', expiry: 1, status: 200 })], decode: (part) => decodeSubscriptions([part]) },
  { name: 'pairing blob', valid: [Buffer.from(pairing.blob_base64, 'base64')], decode: (blob) => decryptPairingBlob({ ...pairingOf(blob), clientKey: pairing.client_key_base64 }) },
  textCase('pairing key', [pairing.client_key_base64], checkPairingKey),
  {
    name: 'pairing credentials',
    valid: [bytes(pairing.inner_plaintext_padded), encodePairingCredentials({ username: 'ü'.repeat(70), type: 200, data: Buffer.alloc(200, 0x49) })],
    decode: (plain) => decodePairingCredentials(Buffer.from(plain), 'me'),
  },
  textCase('getInfo', [getInfo, '{"status":"101","remoteName":null}'], (text) => {
    const info = parseGetInfo(text);
    return [info, judgeGetInfo(text)];
  }),
  textCase('status', [encodeStatus('invalidPublicKey', { publicKey: 'k' }).body, '{"status":"202"}'], parseStatus),
  { name: 'form', valid: [Buffer.from(pairing.form_body)], decode: (body) => parseAddUser(parseForm(body)) },
  {
    name: 'login puzzle',
    valid: [Buffer.concat([Buffer.of(33), gid])],
    decode: (input) => solveHashcash({ context: input, prefix: input, length: (input[0] ?? 0) - 32, limitTries: 2 })?.suffix ?? checkHashcash({ prefix: input, suffix: input, length: 1 }),
  },
];

/** Public-key arithmetic in earnest: half a minute each, so they have a guard of their own. */
const agreement = createDhKeyPair();
const slow: readonly CodecCase[] = [
  { name: 'server signature', valid: [bytes(session.gs_signature)], decode: (signature) => verifyServerSignature(bytes(session.server_public_gs), signature, modulus) },
  { name: 'server key', valid: [modulus], decode: (key) => verifyServerSignature(bytes(session.server_public_gs), bytes(session.gs_signature), key) },
  { name: 'key agreement', valid: [bytes(session.server_public_gs)], decode: (peer) => agreement.secretWith(peer) },
];

/** Seconds suffice on an idle machine; on a busy one slowness is no failure. */
const patience = 120_000;

describe.each(cases)('$name', (codec) => {
  it('survives truncation at every byte', () => cutEverywhere(codec));

  it('survives 100,000 hostile inputs in bounded memory', () => {
    const before = process.memoryUsage.rss();
    const { accepted, refused } = survive(codec, 100_000, 20_261_121);
    expect(accepted + refused).toBe(100_000);
    expect(process.memoryUsage.rss() - before).toBeLessThan(256 * 1024 * 1024);
  }, patience);
});

describe.each(slow)('$name', (codec) => {
  it('survives truncation at every byte', () => cutEverywhere(codec));

  it('survives 100,000 hostile inputs', () => {
    const { accepted, refused } = survive(codec, 100_000, 7);
    expect(accepted + refused).toBe(100_000);
  }, 4 * patience);
});

describe.each(cases.filter(({ open }) => open))('$name as a stream', ({ valid, open }) => {
  it('gives the same in pieces of any size', () => {
    for (const stream of valid) {
      const whole = receive(open!, stream, stream.length);
      expect(whole.length).toBeGreaterThan(0);
      for (let size = 1; size < 70; size++) expect(receive(open!, stream, size)).toEqual(whole);
    }
  });

  it('gives the same in single bytes for damaged streams', () => {
    for (const stream of valid) {
      for (let at = 0; at < stream.length; at++) {
        const damaged = Buffer.from(stream);
        damaged[at] = (damaged[at] ?? 0) ^ 0x10;
        const pieces = receive(open!, damaged, 1);
        // In one go an error hides what came whole before it.
        const whole = receive(open!, damaged, damaged.length);
        expect(pieces.slice(-whole.length)).toEqual(whole);
      }
    }
  });
});

function framesOf(side: 'client' | 'server'): (chunk: Uint8Array) => readonly unknown[] {
  const frames = new HandshakeFrames(side);
  return (chunk) => frames.push(chunk);
}

function pushTo(assembler: MercuryAssembler): (payload: Uint8Array) => unknown {
  return (payload) => assembler.push(payload);
}

function pairingOf(blob: Uint8Array): { blob: Uint8Array; keyPair: DhKeyPair; deviceId: string; username: string } {
  return { blob, keyPair: speaker, deviceId: pairing.device_id, username: pairing.username };
}

/** Stops behind the check of the key, before the costly part. */
function checkPairingKey(clientKey: string): void {
  const keyPair: DhKeyPair = {
    publicKey: speaker.publicKey,
    secretWith: (peer) => {
      assertPublicKey(peer);
      throw new WireError('wire/pairing-mac', 'far enough');
    },
  };
  try {
    decryptPairingBlob({ ...pairingOf(Buffer.alloc(40)), clientKey, keyPair });
  } catch (error) {
    if (!(error instanceof WireError && error.code === 'wire/pairing-mac')) throw error;
  }
}
