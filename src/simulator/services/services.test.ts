import { createDecipheriv, createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  AUDIO_IV,
  ExtensionKind,
  cdnUrlExpiry,
  decodeAudioFiles,
  decodeBatchedExtensionResponse,
  decodeEpisode,
  decodeLogin5Answer,
  decodeResumePosition,
  decodeStorageResolve,
  decodeTrack,
  encodeAutoplayRequest,
  encodeBatchedEntityRequest,
  encodeClientTokenAnswers,
  encodeListCurrentStates,
  encodeLogin5Request,
  encodeResumeReport,
} from '#spotify/wire';
import { keymaster, oddCatalogue, oddTitles, openCloud, type Cloud } from '../index.ts';
import { ask, getClientToken, logIn5, openSpeaker, testDevice, type Speaker } from '../receiver.fixture.ts';

let cloud: Cloud;
let speaker: Speaker;
const music = Buffer.from(Array.from({ length: 50_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff));

beforeAll(async () => {
  cloud = await openCloud({ noise: false, rateLimit: false, catalogue: oddCatalogue({ bytes: music }, 12_000) });
  speaker = await openSpeaker(cloud);
});
afterAll(async () => {
  speaker.close();
  await cloud[Symbol.asyncDispose]();
});
beforeEach(() => {
  cloud.journal.clear();
  cloud.faults.clear();
});

const blob = () => cloud.accounts.pairingCredential(cloud.accounts.get('listener')).data;

describe('client tokens', () => {
  it('are granted at once, or after a puzzle', async () => {
    expect(cloud.accounts.clientToken(await getClientToken(cloud.endpoints))).toMatchObject({ deviceId: testDevice, clientId: keymaster });
    cloud.faults.set('client-token/challenge', { length: 8, count: 1 });
    expect(cloud.accounts.clientToken(await getClientToken(cloud.endpoints))).not.toBeNull();
    expect(cloud.refusals).toEqual([]);
  });

  it('are not granted for wrong or repeated answers', async () => {
    const body = encodeClientTokenAnswers({ state: 'unknown', suffixes: ['00'] });
    expect((await ask(`${speaker.base}/v1/clienttoken`, { method: 'POST', body })).status).toBe(400);
    expect(cloud.refusals).toMatchObject([{ clause: 'connect-session §7.2' }]);
    expect((await ask(`${speaker.base}/v1/clienttoken`, { method: 'POST', body: Buffer.from('ff', 'hex') })).status).toBe(400);
  });
});

describe('login5', () => {
  it('gives tokens, through one puzzle or two', async () => {
    const clientToken = await getClientToken(cloud.endpoints);
    for (const rounds of [0, 1, 2]) {
      if (rounds > 0) cloud.faults.set('login5/challenge', { length: 9, count: rounds });
      expect(cloud.accounts.accessToken(await logIn5(cloud.endpoints, clientToken, 'listener', blob()))?.account.name).toBe('listener');
    }
    expect(cloud.refusals).toEqual([]);
  });

  it.each<[string, () => Partial<Parameters<typeof encodeLogin5Request>[0]>, string]>([
    ['a wrong secret', () => ({ data: Buffer.alloc(64) }), 'INVALID_CREDENTIALS'],
    ['an unknown user', () => ({ username: 'stranger' }), 'INVALID_CREDENTIALS'],
    ['another client id than the token’s', () => ({ clientId: '9'.repeat(32) }), 'BAD_REQUEST'],
    ['another device than the token’s', () => ({ deviceId: '9'.repeat(40) }), 'BAD_REQUEST'],
    ['a context it never gave', () => ({ loginContext: Buffer.alloc(8), solutions: [{ suffix: Buffer.alloc(16), duration: 1 }] }), 'BAD_REQUEST'],
  ])('refuses %s', async (_, changes, name) => {
    const body = encodeLogin5Request({ clientId: keymaster, deviceId: testDevice, username: 'listener', data: blob(), ...changes() });
    const reply = await ask(`${speaker.base}/v3/login`, { method: 'POST', headers: { 'client-token': speaker.clientToken }, body });
    expect(reply.status).toBe(200);
    expect(decodeLogin5Answer(reply.body)).toMatchObject({ kind: 'error', name });
    expect(cloud.refusals).toHaveLength(1);
  });

  it('wants a client token', async () => {
    expect((await ask(`${speaker.base}/v3/login`, { method: 'POST', body: '' })).status).toBe(400);
    expect(cloud.refusals).toMatchObject([{ clause: 'connect-session §8.1' }]);
  });

  it('can refuse, ask for a code, say nothing, and give short lives', async () => {
    const body = encodeLogin5Request({ clientId: keymaster, deviceId: testDevice, username: 'listener', data: blob() });
    const post = async () => (await ask(`${speaker.base}/v3/login`, { method: 'POST', headers: { 'client-token': speaker.clientToken }, body })).body;
    cloud.faults.set('login5/error', { code: 6, count: 1 });
    expect(decodeLogin5Answer(await post())).toMatchObject({ kind: 'error', name: 'TOO_MANY_ATTEMPTS' });
    cloud.faults.set('login5/code-challenge', { count: 1 });
    expect(decodeLogin5Answer(await post())).toMatchObject({ kind: 'challenges', challenges: [{ kind: 'code' }] });
    cloud.faults.set('login5/no-member', { count: 1 });
    expect(await post()).toHaveLength(0);
    cloud.faults.set('login5/expires-in', { seconds: 2, count: 1 });
    expect(decodeLogin5Answer(await post())).toMatchObject({ kind: 'ok', expiresIn: 2 });
  });
});

describe('metadata', () => {
  const extended = async (uri: string, ...kinds: number[]) => {
    const reply = await speaker.post('/extended-metadata/v0/extended-metadata', encodeBatchedEntityRequest([{ uri, kinds }]));
    return decodeBatchedExtensionResponse(reply.body);
  };
  const uri = (title: string) => cloud.catalogue.get(title).uri;

  it('tells track and files in one answer, with the names of their types', async () => {
    const [track, files] = await extended(uri(oddTitles.plain), ExtensionKind.TRACK_V4, ExtensionKind.AUDIO_FILES);
    expect([track?.status, files?.status]).toEqual([200, 200]);
    expect([track?.typeUrl, files?.typeUrl]).toEqual(['type.googleapis.com/spotify.metadata.Track', 'type.googleapis.com/spotify.extendedmetadata.audiofiles.AudioFilesExtensionResponse']);
    const decoded = decodeTrack(track?.value ?? Buffer.alloc(0));
    expect(decoded).toMatchObject({ name: oddTitles.plain, duration: 12_000, album: { name: 'Odd cases' }, artist: [{ name: 'Odd' }], file: [] });
    expect(decoded.gid).toHaveLength(16);
    expect(decoded.album?.coverGroup?.image.map(({ width }) => width)).toEqual([300, 64, 640]);
    expect(decodeAudioFiles(files?.value ?? Buffer.alloc(0))).toMatchObject({ files: [{ format: 2 }], loudness: { integrated: -14, peak: -1 } });
    expect(cloud.refusals).toEqual([]);
  });

  it('tells every odd case as it is', async () => {
    const track = async (title: string) => decodeTrack((await extended(uri(title), ExtensionKind.TRACK_V4))[0]?.value ?? Buffer.alloc(0));
    const files = async (title: string) => decodeAudioFiles((await extended(uri(title), ExtensionKind.AUDIO_FILES))[0]?.value ?? Buffer.alloc(0));
    expect((await track(oddTitles.relinked)).alternative[0]?.gid).toEqual(cloud.catalogue.get(oddTitles.standIn).gid);
    expect((await track(oddTitles.restricted)).restriction).toMatchObject([{ countriesForbidden: 'SENO', countriesAllowed: null }]);
    expect((await track(oddTitles.nowhere)).restriction).toMatchObject([{ countriesAllowed: '', countriesForbidden: null }]);
    expect((await track(oddTitles.otherCatalogue)).restriction.map(({ catalogueStr }) => catalogueStr)).toEqual([['free'], ['premium']]);
    expect((await track(oddTitles.explicit)).explicit).toBe(true);
    expect((await track(oddTitles.embargoed)).earliestLiveTimestamp).toBe(4_102_444_800);
    expect((await track(oddTitles.notYetAvailable)).availability).toMatchObject([{ catalogueStr: ['premium'], start: { year: 2100, month: 1, day: 1 } }]);
    expect((await files(oddTitles.noFiles)).files).toEqual([]);
    expect((await files(oddTitles.shortId)).files[0]?.fileId).toHaveLength(16);
    expect((await files(oddTitles.onlyFlac)).files.map(({ format }) => format)).toEqual([16]);
    expect((await files(oddTitles.unknownFormat)).files.map(({ format }) => format)).toEqual([99, 2]);
    expect((await files(oddTitles.noLoudness)).loudness).toBeNull();
    expect((await track(oddTitles.filesInTrack)).file).toHaveLength(1);
    const [episode] = await extended(uri(oddTitles.episode), ExtensionKind.EPISODE_V4);
    expect(decodeEpisode(episode?.value ?? Buffer.alloc(0))).toMatchObject({ name: oddTitles.episode, show: { name: 'Odd show', publisher: 'Publisher' } });
  });

  it('fails single entries only', async () => {
    const reply = await speaker.post('/extended-metadata/v0/extended-metadata', encodeBatchedEntityRequest([{ uri: uri(oddTitles.plain), kinds: [ExtensionKind.TRACK_V4] }, { uri: 'spotify:track:0000000000000000000000', kinds: [ExtensionKind.TRACK_V4] }]));
    expect(decodeBatchedExtensionResponse(reply.body).map(({ status }) => status)).toEqual([200, 404]);
    expect((await extended(uri(oddTitles.plain), ExtensionKind.EPISODE_V4))[0]?.status).toBe(404);
  });

  it('is still told the old way, with files', async () => {
    const item = cloud.catalogue.get(oddTitles.plain);
    const reply = await speaker.get(`/metadata/4/track/${item.gid.toString('hex')}?product=0&country=SE&salt=1`);
    expect(decodeTrack(reply.body)).toMatchObject({ name: oddTitles.plain, file: [{ format: 2 }] });
  });
});

describe('addresses and bytes', () => {
  const file = (title: string) => {
    const found = cloud.catalogue.get(title).files[0];
    if (!found) throw new Error('no file');
    return found;
  };
  const resolve = async (title: string) => decodeStorageResolve((await speaker.get(`/storage-resolve/v2/files/audio/interactive/${file(title).format}/${file(title).hex}`)).body);
  const range = (url: string, wanted?: string) => ask(url, wanted === undefined ? {} : { headers: { Range: wanted } });

  it('come in every style, all of them working, none of them expired', async () => {
    const { result, urls, fileId } = await resolve(oddTitles.plain);
    expect({ result, fileId }).toEqual({ result: 'cdn', fileId: file(oddTitles.plain).id });
    expect(urls.map((url) => url.replace(/^.*\?/, '').replace(/\d{10}/, 'T').replace(/[\w-]{32}=?$/, 'S'))).toEqual(['T_S', '__token__=exp=T~hmac=S', 'verify=T-S', 'Expires=T~FullPath~hmac=S']);
    for (const url of urls) {
      expect(cdnUrlExpiry(url)).toBeGreaterThan(Date.now() / 1000 + 3600);
      expect((await range(url, 'bytes=0-9')).status).toBe(206);
    }
    expect(cloud.refusals).toEqual([]);
  });

  it('are had the old way too, but not with the wrong format', async () => {
    const { hex } = file(oddTitles.plain);
    expect(decodeStorageResolve((await speaker.get(`/storage-resolve/files/audio/interactive/${hex}?product=0`)).body).urls).toHaveLength(4);
    expect((await speaker.get(`/storage-resolve/v2/files/audio/interactive/0/${hex}`)).status).toBe(404);
  });

  it.each<[string | undefined, number, string | undefined, readonly [number, number] | null]>([
    [undefined, 200, undefined, [0, 50_167]],
    ['bytes=0-9', 206, 'bytes 0-9/50167', [0, 10]],
    ['bytes=100-', 206, 'bytes 100-50166/50167', [100, 50_167]],
    ['bytes=-7', 206, 'bytes 50160-50166/50167', [50_160, 50_167]],
    ['bytes=50000-99999', 206, 'bytes 50000-50166/50167', [50_000, 50_167]],
    ['bytes=50167-', 416, 'bytes */50167', null],
    ['bytes=9-3', 200, undefined, [0, 50_167]],
    ['bytes=0-1,3-4', 200, undefined, [0, 50_167]],
  ])('serve %s with %i', async (wanted, status, contentRange, part) => {
    const { urls } = await resolve(oddTitles.plain);
    const reply = await range(urls[0] ?? '', wanted);
    expect([reply.status, reply.headers['content-range']]).toEqual([status, contentRange]);
    if (!part) return;
    const whole = (await range(urls[0] ?? '')).body;
    expect(reply.body.equals(whole.subarray(...part))).toBe(true);
    const plain = createDecipheriv('aes-128-ctr', file(oddTitles.plain).key ?? Buffer.alloc(0), AUDIO_IV).update(whole);
    expect(plain.subarray(167).equals(music)).toBe(true);
  });

  it('are refused when altered, expired, or with a token along', async () => {
    const { urls } = await resolve(oddTitles.plain);
    const url = urls[0] ?? '';
    expect((await range(url.replace(/(\d{10})_/, '9999999999_'))).status).toBe(403);
    expect((await range(url.replace(/\?.*/, ''))).status).toBe(403);
    expect(cloud.refusals).toMatchObject([{ clause: 'connect-session §12.7', refused: true }, { clause: 'connect-session §12.7', refused: true }]);
    cloud.journal.clear();
    cloud.time.shift = 90_000_000;
    expect((await range(url)).status).toBe(403);
    cloud.time.shift = 0;
    expect(cloud.refusals).toEqual([]);
    expect((await ask(url, { headers: speaker.headers })).status).toBe(200);
    expect(cloud.refusals).toMatchObject([{ clause: 'connect-session §12.7', refused: false }]);
  });

  it('can be restricted, missing, old, expired or dead', async () => {
    cloud.faults.set('storage/restricted', { count: 1 });
    expect((await resolve(oddTitles.plain)).result).toBe('restricted');
    cloud.faults.set('storage/old-result', { count: 1 });
    expect((await resolve(oddTitles.plain)).result).toBe('storage');
    cloud.faults.set('storage/empty', { count: 1 });
    expect((await resolve(oddTitles.plain)).urls).toEqual([]);
    cloud.faults.set('storage/no-expiry', { count: 1 });
    const eternal = await resolve(oddTitles.plain);
    expect([eternal.fileId.length, eternal.urls.length, cdnUrlExpiry(eternal.urls[0] ?? '')]).toEqual([0, 1, null]);
    expect((await range(eternal.urls[0] ?? '')).status).toBe(200);
    cloud.faults.set('storage/expired', { count: 1 });
    const [expired = ''] = (await resolve(oddTitles.plain)).urls;
    expect((await range(expired)).status).toBe(403);
    cloud.faults.set('storage/dead-host', { count: 1 });
    const [dead = ''] = (await resolve(oddTitles.plain)).urls;
    await expect(range(dead)).rejects.toThrow();
  });

  it('can ignore ranges, lie about them, be wrong, cut short and slow', async () => {
    const { urls } = await resolve(oddTitles.plain);
    const url = urls[0] ?? '';
    cloud.faults.set('cdn/no-ranges', { count: 1 });
    expect((await range(url, 'bytes=0-9')).status).toBe(200);
    cloud.faults.set('cdn/wrong-range', { count: 1 });
    expect((await range(url, 'bytes=0-9')).headers['content-range']).toBe('bytes 1-10/50167');
    const whole = (await range(url)).body;
    cloud.faults.set('cdn/corrupt', { from: 5, to: 7, count: 1 });
    const corrupt = (await range(url)).body;
    expect([...corrupt.keys()].filter((at) => corrupt[at] !== whole[at])).toEqual([5, 6]);
    for (const name of ['cdn/truncate', 'cdn/reset'] as const) {
      cloud.faults.set(name, { bytes: 100, count: 1 });
      await expect(range(url)).rejects.toThrow();
    }
    cloud.faults.set('cdn/slow', { bytesPerSecond: 20_000, count: 1, host: 'elsewhere' });
    cloud.faults.set('cdn/slow', { bytesPerSecond: 20_000, count: 1, host: '127.0.0.1' });
    const started = performance.now();
    expect((await range(url, 'bytes=0-1999')).body).toEqual(whole.subarray(0, 2000));
    expect(performance.now() - started).toBeGreaterThan(90);
  });

  it('include pictures', async () => {
    const [picture] = cloud.catalogue.get(oddTitles.plain).pictures;
    const url = cloud.accounts.get('listener').attributes.get('image-url')?.replace('{file_id}', picture?.hex ?? '') ?? '';
    const reply = await ask(url);
    expect([reply.status, reply.headers['content-type']]).toEqual([200, 'image/png']);
  });
});

describe('small services', () => {
  it('go on where a context ends', async () => {
    const album = cloud.catalogue.get(oddTitles.plain).album.uri;
    const reply = await speaker.post('/context-resolve/v1/autoplay', encodeAutoplayRequest({ contextUri: album, recentTrackUris: ['spotify:track:a'] }));
    const station = JSON.parse(reply.body.toString()) as { uri: string; pages: { next_page_url: string }[] };
    expect(station.uri).toBe(album.replace('spotify:', 'spotify:station:'));
    const next = await speaker.get((station.pages[0]?.next_page_url ?? '').replace('hm:/', ''));
    expect(next.status).toBe(200);
    expect(cloud.journal.find('autoplay')[1]?.detail).toMatchObject({ contextUri: album, recent: ['spotify:track:a'] });
    expect((await speaker.get((station.pages[0]?.next_page_url ?? '').replace('hm:/', '').replaceAll('&page', '%26page'))).status).toBe(404);
  });

  it('say loading, nothing, or something unknown when told to', async () => {
    const get = async () => JSON.parse((await speaker.get(`/context-resolve/v1/${cloud.contexts.everything}`)).body.toString()) as object;
    cloud.faults.set('context/loading', { count: 1 });
    expect(await get()).toMatchObject({ loading: true, pages: [] });
    cloud.faults.set('context/empty', { count: 1 });
    expect(await get()).toMatchObject({ pages: [{ tracks: [] }] });
    cloud.faults.set('context/unknown-key', { count: 1 });
    expect(Object.keys(await get())).toContain('simulator_unknown_key');
    expect(Object.keys(await get())).toEqual(['uri', 'url', 'metadata', 'restrictions', 'pages']);
  });

  it('remember where somebody stopped', async () => {
    const read = '/herodotus/spotify.resumption.v1.CurrentStateService/ListCurrentStates';
    const write = '/herodotus/spotify.resumption.v1.ResumePointRevisionService/CreateResumePointRevision';
    const uri = cloud.catalogue.get(oddTitles.episode).uri;
    const position = async () => decodeResumePosition((await speaker.post(read, encodeListCurrentStates(uri))).body, uri);
    expect(await position()).toBe(0);
    await speaker.post(write, encodeResumeReport({ uri, position: 61_500, now: Date.now() }));
    expect(await position()).toBe(61_000);
    cloud.resumePoints.add('listener', uri, 5000, Date.now() - 1_000_000);
    expect(await position()).toBe(61_000);
    expect(cloud.refusals).toEqual([]);
    await speaker.post(write, encodeResumeReport({ uri: cloud.catalogue.get(oddTitles.plain).uri, position: 1000, now: 1 }));
    expect(cloud.refusals).toMatchObject([{ clause: 'connect-control §7.6' }]);
  });

  it('tell the time and take events', async () => {
    expect(JSON.parse((await speaker.get('/melody/v1/time')).body.toString())).toHaveProperty('timestamp');
    expect((await speaker.post('/gabo-receiver-service/v3/events/', Buffer.alloc(0))).status).toBe(200);
    expect(cloud.counters.view.byName['web/events']).toBe(1);
  });
});

describe('OAuth', () => {
  const verifier = 'v'.repeat(43);
  const form = (fields: Record<string, string>) => ({ method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams(fields).toString() });
  const redirect = 'http://127.0.0.1:5588/login';
  const authorize = (changes: Record<string, string> = {}) =>
    ask(
      `${speaker.base}/authorize?${new URLSearchParams({ response_type: 'code', client_id: keymaster, redirect_uri: redirect, scope: 'streaming', code_challenge_method: 'S256', code_challenge: createHash('sha256').update(verifier).digest('base64url'), state: 'st', ...changes }).toString()}`,
    );
  const token = async (fields: Record<string, string>) => {
    const reply = await ask(`${speaker.base}/api/token`, form({ client_id: keymaster, ...fields }));
    return { status: reply.status, json: JSON.parse(reply.body.toString()) as Record<string, string> };
  };

  it('gives a code, once, for the right verifier', async () => {
    const reply = await authorize();
    const back = new URL(String(reply.headers['location']));
    expect([reply.status, back.origin, back.searchParams.get('state')]).toEqual([302, 'http://127.0.0.1:5588', 'st']);
    const fields = { grant_type: 'authorization_code', code: back.searchParams.get('code') ?? '', redirect_uri: redirect, code_verifier: verifier };
    const granted = await token(fields);
    expect(granted).toMatchObject({ status: 200, json: { token_type: 'Bearer', expires_in: 3600, scope: 'streaming', username: 'listener' } });
    expect(cloud.accounts.accessToken(granted.json['access_token'] ?? '')?.account.name).toBe('listener');
    expect(cloud.refusals).toEqual([]);
    expect(await token(fields)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    const renewed = await token({ grant_type: 'refresh_token', refresh_token: granted.json['refresh_token'] ?? '' });
    expect(renewed.status).toBe(200);
  });

  it('is strict', async () => {
    expect((await authorize({ redirect_uri: 'http://localhost:5588/login' })).status).toBe(400);
    expect((await authorize({ code_challenge_method: 'plain' })).status).toBe(400);
    expect((await authorize({ client_id: 'x' })).status).toBe(400);
    expect((await authorize({ scope: 'streaming everything' })).status).toBe(400);
    const code = new URL(String((await authorize()).headers['location'])).searchParams.get('code') ?? '';
    expect((await token({ grant_type: 'authorization_code', code, redirect_uri: redirect, code_verifier: 'w'.repeat(43) })).json['error']).toBe('invalid_grant');
    cloud.faults.set('accounts/deny', { count: 1 });
    expect(String((await authorize()).headers['location'])).toContain('error=access_denied');
  });

  async function startDevice(interval: number) {
    cloud.authorizations.deviceInterval = interval;
    const started = await ask(`${speaker.base}/oauth2/device/authorize`, form({ client_id: keymaster, scope: 'streaming' }));
    cloud.authorizations.deviceInterval = 1;
    const { device_code: deviceCode = '', user_code: userCode = '' } = JSON.parse(started.body.toString()) as Record<string, string>;
    return { userCode, poll: () => token({ grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: deviceCode }) };
  }

  it('tells a device that polls too soon to slow down, and grants nothing meanwhile', async () => {
    const { userCode, poll } = await startDevice(1);
    expect((await poll()).json['error']).toBe('authorization_pending');
    cloud.authorizations.approve(userCode, 'listener');
    expect((await poll()).json['error']).toBe('slow_down');
    expect(cloud.refusals).toMatchObject([{ clause: 'connect-session §9.4', refused: true, what: expect.stringContaining('the interval is 1 s') as string }]);
    expect((await poll()).json['error']).toBe('slow_down');
    expect(cloud.refusals.at(-1)?.what).toContain('the interval is 6 s');
  });

  it('lets a device wait for its user', async () => {
    const { userCode, poll } = await startDevice(0);
    expect(await poll()).toMatchObject({ status: 400, json: { error: 'authorization_pending' } });
    expect(cloud.refusals).toEqual([]);
    expect(cloud.authorizations.waiting).toEqual([userCode]);
    expect(cloud.authorizations.approve(userCode, 'listener')).toBe(true);
    const granted = await poll();
    expect(granted.status).toBe(200);
    expect(granted.json).not.toHaveProperty('username');
    expect(cloud.authorizations.deny('no such code')).toBe(false);
  });
});
