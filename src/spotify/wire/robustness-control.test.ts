import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeAttributesMutation, decodeAttributesUpdate, decodeAudioFiles, decodeAutoplayRequest, decodeBatchedEntityRequest, decodeBatchedExtensionResponse,
  decodeClientTokenAnswer, decodeClientTokenRefusal, decodeClientTokenRequest, decodeCluster, decodeClusterUpdate, decodeContext, decodeContextPage, decodeDealerFrame,
  decodeEpisode, decodeListCurrentStates, decodeLogin5Answer, decodeLogin5Request, decodeLogout, decodePlaylistModification, decodePutState, decodeResumePosition, decodeResumeReport,
  decodeSetVolume, decodeStorageResolve, decodeTrack, decodeTransferState,
  cdnUrlExpiry, encodeAttributesMutation, encodeAttributesUpdate, encodeAudioFiles, encodeAudioHeader, encodeAutoplayRequest, encodeBatchedEntityRequest, encodeBatchedExtensionResponse,
  encodeClientTokenAnswer, encodeClientTokenAnswers, encodeClientTokenRefusal, encodeClientTokenRequest, encodeCluster, encodeClusterUpdate, encodeContext, encodeContextPage,
  encodeCurrentStates, encodeDealerMessage, encodeDealerReply, encodeDealerRequest, encodeEpisode, encodeListCurrentStates, encodeLogin5Answer, encodeLogin5Request, encodeLogout,
  encodePlaylistModification, encodePutState, encodeResumeReport, encodeSetVolume, encodeStorageResolve, encodeTrack, encodeTransferState, judgeAvailability, parseAudioHeader,
  parseCommandRequest, pickFormat, WireError,
} from './index.ts';
import { cutEverywhere, survive } from './robustness-cases.ts';

const uri = 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx';
const gid = Buffer.from('5e000000000000000000000000000001', 'hex');
const fileId = Buffer.alloc(20, 7);
const now = 1_700_000_000_000;
const restrictions = { disallowSeekingReasons: ['ad'], disallowSettingModes: { a: { values: { b: { reasons: ['c'] } } } } };
const provided = { uri, uid: 'q1', metadata: { is_queued: 'true' }, provider: 'queue', restrictions };
const playerState = { timestamp: now, contextUri: uri, track: provided, nextTracks: [{ uri: 'spotify:delimiter' }], options: { modes: { jam: 'off' }, playbackSpeed: 1 }, playbackSpeed: 1, sleepTimer: { endOfTrack: {} } };
const cluster = { changedTimestampMs: now, activeDeviceId: 'c', playerState, device: { c: { name: 'Phone', deviceAliases: { 3: { displayName: 'x' } } } }, transferData: gid };
const page = { tracks: [{ uri, uid: 'a', gid, metadata: { a: 'b' } }], nextPageUrl: 'hm://next' };
const context = { uri, url: `context://${uri}`, metadata: { a: 'b' }, restrictions: { disallowSeekingReasons: ['x'] }, pages: [page] };
const small = { uri: 'a', restrictions: { disallowSeekingReasons: ['x'] }, pages: [{ tracks: [{ uid: 'b', metadata: { c: 'd' } }] }] };
const rule = { countriesAllowed: 'DEFR', catalogueStr: ['premium'] };
const track = { gid, name: 'Tune', duration: 5000, artist: [{ name: 'a' }], restriction: [rule], alternative: [{ gid, restriction: [rule] }], file: [{ fileId, format: 2 }], availability: [{ start: { year: 2020 } }] };
const applicant = { clientId: 'c', deviceId: 'd', version: 'v', platform: { systemName: 'Linux', release: 'r', version: 'v', hardware: 'h' } };
const command = { message_id: 7, command: { endpoint: 'play', context: encodeContext({ uri: 'a' }), options: { skip_to: { track_uri: 'b' }, player_options_override: { repeating_track: true } } } };
const listener = { country: 'DE', catalogue: 'premium', filterExplicit: true, now };

/** Every decoder of this part, and bytes it accepts. What follows a decoder in real life runs too. */
const decoders: Readonly<Record<string, readonly [decode: (bytes: Uint8Array) => unknown, ...valid: Buffer[]]>> = {
  SetVolumeCommand: [decodeSetVolume, encodeSetVolume({ volume: 5, connectionType: 'wlan', loggingParams: { interactionIds: ['a'] } })],
  LogoutCommand: [decodeLogout, encodeLogout({ commandOptions: { messageId: 5 } })],
  PutStateRequest: [decodePutState, encodePutState({ device: { deviceInfo: { name: 'K', capabilities: { supportedTypes: ['a'] } }, playerState }, messageId: 4e9, clientSideTimestamp: now })],
  Cluster: [decodeCluster, encodeCluster(cluster)],
  ClusterUpdate: [decodeClusterUpdate, encodeClusterUpdate({ cluster: { activeDeviceId: 'c', serverTimestampMs: now }, updateReason: 2, devicesThatChanged: ['c'] })],
  TransferState: [decodeTransferState, encodeTransferState({ playback: { timestamp: now, speed: 1, track: { gid } }, session: { context }, queue: { tracks: [{ gid }] } })],
  AutoplayRequest: [decodeAutoplayRequest, encodeAutoplayRequest({ contextUri: uri, recentTrackUris: [uri, uri] })],
  AttributesUpdate: [decodeAttributesUpdate, encodeAttributesUpdate(new Map([['a', 'b']]))],
  AttributesMutation: [decodeAttributesMutation, encodeAttributesMutation(['a', 'b'])],
  PlaylistModification: [decodePlaylistModification, encodePlaylistModification({ uri, newRevision: gid })],
  ListCurrentStates: [decodeListCurrentStates, encodeListCurrentStates(uri)],
  ResumePosition: [(bytes) => decodeResumePosition(bytes, uri), encodeCurrentStates([{ uri, revisions: [{ position: 5000, updated: now }, { position: 'finished', updated: 0 }] }])],
  ResumeReport: [decodeResumeReport, encodeResumeReport({ uri, position: 5000, now })],
  Track: [(bytes) => judgeAvailability(decodeTrack(bytes), listener), encodeTrack(track)],
  Episode: [(bytes) => judgeAvailability(decodeEpisode(bytes), listener), encodeEpisode({ gid, duration: 5, audio: [{ fileId, format: 0 }], show: { name: 's' }, publishTime: { year: 2020 } })],
  AudioFiles: [(bytes) => pickFormat(decodeAudioFiles(bytes).files, 320), encodeAudioFiles({ files: [{ fileId, format: 2 }], loudness: { integrated: -8, peak: -1 } })],
  BatchedEntityRequest: [decodeBatchedEntityRequest, encodeBatchedEntityRequest([{ uri, kinds: [10, 5] }])],
  BatchedExtensionResponse: [decodeBatchedExtensionResponse, encodeBatchedExtensionResponse([{ uri, kind: 10, value: gid }, { uri, kind: 5, status: 404 }])],
  StorageResolve: [(bytes) => decodeStorageResolve(bytes).urls.map(cdnUrlExpiry), encodeStorageResolve({ urls: ['https://a.test/x?__token__=exp=5~hmac=6'], fileId })],
  ClientTokenRequest: [decodeClientTokenRequest, encodeClientTokenRequest(applicant), encodeClientTokenAnswers({ state: 's', suffixes: ['AB'] })],
  ClientTokenAnswer: [
    decodeClientTokenAnswer,
    encodeClientTokenAnswer({ kind: 'granted', token: 't', expiresAfter: 9, refreshAfter: 8, domains: ['d'] }),
    encodeClientTokenAnswer({ kind: 'challenges', state: 's', challenges: [{ kind: 'hashcash', prefix: 'AB', length: 9 }] }),
  ],
  ClientTokenRefusal: [decodeClientTokenRefusal, encodeClientTokenRefusal('no')],
  Login5Request: [decodeLogin5Request, encodeLogin5Request({ clientId: 'c', deviceId: 'd', username: 'u', data: gid, loginContext: gid, solutions: [{ suffix: gid, duration: 5 }] })],
  Login5Answer: [
    decodeLogin5Answer,
    encodeLogin5Answer({ kind: 'ok', username: 'u', accessToken: 't', storedCredential: gid, expiresIn: 3600 }),
    encodeLogin5Answer({ kind: 'error', code: 0, name: 'UNKNOWN_ERROR' }),
    encodeLogin5Answer({ kind: 'challenges', loginContext: gid, challenges: [{ kind: 'hashcash', prefix: gid, length: 9 }] }),
  ],
  AudioHeader: [parseAudioHeader, encodeAudioHeader({ samples: 5, bytes: 6, seek: { offset: 5, deltas: Buffer.alloc(100, 175) } })],
  Context: [decodeContext, Buffer.from(JSON.stringify(encodeContext(small)))],
  ContextPage: [decodeContextPage, Buffer.from(JSON.stringify(encodeContextPage({ tracks: [{ uid: 'a', gid: Buffer.of(1) }] })))],
  CommandRequest: [(bytes) => parseCommandRequest(json(bytes)), Buffer.from(JSON.stringify(command))],
  DealerFrame: [
    decodeDealerFrame,
    Buffer.from(encodeDealerMessage({ uri: 'hm://a', payload: gid })),
    Buffer.from(encodeDealerMessage({ uri: 'hm://a', payload: Buffer.from('abc'), gzip: true })),
    Buffer.from(encodeDealerRequest({ ident: 'hm://b', key: 'k', body: { a: 1 }, gzip: false })),
    Buffer.from(encodeDealerRequest({ ident: 'hm://b', key: 'k', body: { a: 1 } })),
    Buffer.from(encodeDealerReply('k', true)),
  ],
};

/** Text that is no JSON is the frame decoder's business. */
function json(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes).toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const table = Object.entries(decoders);

/** What a decoder threw that it may not throw. */
function offence(decode: (bytes: Uint8Array) => unknown, bytes: Buffer): string | null {
  try {
    decode(bytes);
    return null;
  } catch (error) {
    return error instanceof WireError && error.kind === 'corrupt' ? null : inspect(error);
  }
}

const stackTraceLimit = Error.stackTraceLimit;
beforeAll(() => {
  Error.stackTraceLimit = 0; // a hundred thousand traces take seconds
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

/** Seconds suffice on an idle machine; on a busy one slowness is no failure. */
const patience = 120_000;

describe.each(table)('%s', (name, [decode, ...valid]) => {
  const codec = { name, valid, decode };

  it('accepts what its encoder makes, as a Buffer and as plain bytes', () => {
    for (const message of valid) expect(decode(new Uint8Array(message))).toEqual(decode(message));
  });

  it('survives truncation at every byte', () => cutEverywhere(codec));

  it('survives 100,000 hostile inputs', () => {
    const { accepted, refused } = survive(codec, 100_000, 20_260_801);
    expect(accepted + refused).toBe(100_000);
  }, patience);
});

describe('every decoder', () => {
  it.each<[string, Buffer]>([
    ['nested lists', Buffer.from('['.repeat(100_000))],
    ['nested objects', Buffer.from('{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000))],
    ['nested commands', Buffer.from(`{"command":{"endpoint":"play","context":${'{"pages":['.repeat(50_000)}${']}'.repeat(50_000)}}}`)],
    ['a zip bomb', Buffer.from(encodeDealerMessage({ uri: 'a', headers: { 'Transfer-Encoding': 'gzip' }, payload: gzipSync(Buffer.alloc(20 * 1024 * 1024)) }))],
    ['many rows', Buffer.from(`{"pages":[{"tracks":[${'{},'.repeat(30_000)}{}]}]}`)],
    ['a long run of groups', Buffer.alloc(1_000_000, 0x0b)],
    ['many empty messages', Buffer.alloc(600_000, Buffer.from('9a0100', 'hex'))],
    ['many empty map entries', Buffer.alloc(200_000, Buffer.from('2200', 'hex'))],
    ['a long varint', Buffer.alloc(1_000_000, 0xff)],
    ['more than anybody sends', Buffer.alloc(9 * 1024 * 1024, 0x08)],
  ])('is done with %s within bounds', (_, bytes) => {
    const heap = process.memoryUsage().heapUsed;
    const started = process.cpuUsage();
    for (const [name, [decode]] of table) {
      const thrown = offence(decode, bytes);
      if (thrown !== null) expect.unreachable(`${name}: ${thrown}`);
    }
    const { user, system } = process.cpuUsage(started);
    expect(user + system).toBeLessThan(8_000_000);
    expect(process.memoryUsage().heapUsed - heap).toBeLessThan(400 * 1024 * 1024);
  });
});
