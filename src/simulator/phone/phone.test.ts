import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDhKeyPair, decodeClusterUpdate, decodePlaylistModification, decodeSetVolume, decodeTransferState, decryptPairingBlob, encodeGetInfo, encodeStatus, parseAddUser, parseForm } from '#spotify/wire';
import { openCloud, type Cloud, type Phone } from '../index.ts';
import { openSpeaker, speakerState, testDevice, type Speaker } from '../receiver.fixture.ts';

let cloud: Cloud;
let phone: Phone;
let speaker: Speaker;
const soon = () => AbortSignal.timeout(5000);

beforeAll(async () => {
  const file = { format: 2, content: { bytes: Buffer.from('OggS') } };
  cloud = await openCloud({
    noise: false,
    pushDelay: 5,
    linger: 30,
    rateLimit: false,
    catalogue: ['One', 'Two', 'Three'].map((title) => ({ title, album: 'Album', duration: 60_000, files: [file] })),
  });
});
afterAll(() => cloud[Symbol.asyncDispose]());
beforeEach(async () => {
  phone = await cloud.openPhone({ name: 'Anna' });
  speaker = await openSpeaker(cloud);
  await speaker.put(speakerState({ now: Date.now() }));
  await phone.until(({ device }) => testDevice in device, soon());
  cloud.journal.clear();
});
afterEach(async () => {
  await phone.leave();
  speaker.close();
  cloud.faults.clear();
});

/** The state of a speaker that plays. */
const claim = (startedPlayingAt = Date.now(), changes: object = {}) =>
  speakerState({
    now: Date.now(),
    isActive: true,
    startedPlayingAt,
    putStateReason: 4,
    device: {
      deviceInfo: { name: 'Kitchen', deviceId: testDevice, volume: 1, capabilities: { canBePlayer: true, supportsGzipPushes: true } },
      playerState: {
        timestamp: Date.now(),
        contextUri: cloud.contexts.everything,
        track: { uri: cloud.catalogue.get('Two').uri, uid: 'u2', provider: 'context' },
        isPlaying: true,
        playbackSpeed: 1,
        positionAsOfTimestamp: 5000,
        duration: 60_000,
        sessionId: 's1',
        queueRevision: '77',
        options: {},
        ...changes,
      },
    },
  });

describe('a phone', () => {
  it('sees devices come, play and go', async () => {
    await speaker.put(claim());
    await phone.until(({ activeDeviceId }) => activeDeviceId === testDevice, soon());
    expect(phone.active?.name).toBe('Kitchen');
    expect(phone.track?.uid).toBe('u2');
    expect(phone.position).toBeGreaterThanOrEqual(5000);
    speaker.close();
    await phone.until(({ device }) => !(testDevice in device), soon());
    expect(phone.active).toBeNull();
  });

  it.each<[string, (of: Phone) => Promise<void>, object]>([
    ['play', (of) => of.play('spotify:album:x', { position: 3000, paused: true, shuffle: true, repeat: 'track' }), { endpoint: 'play', context: { uri: 'spotify:album:x', url: 'context://spotify:album:x' }, options: { seek_to: 3000, initially_paused: true, player_options_override: { shuffling_context: true, repeating_context: true, repeating_track: true } } }],
    ['pause', (of) => of.pause(), { endpoint: 'pause' }],
    ['resume', (of) => of.resume(), { endpoint: 'resume' }],
    ['seek', (of) => of.seek(42_000), { endpoint: 'seek_to', value: 42_000, position: 42_000, relative: 'beginning' }],
    ['next, under the name devices know', (of) => of.next(), { endpoint: 'skip_next' }],
    ['previous, likewise', (of) => of.previous(), { endpoint: 'skip_prev', options: { allow_seeking: true } }],
    ['a click on a row', (of) => of.skipTo({ uri: 'spotify:track:x', uid: 'u9', provider: 'context' }), { endpoint: 'skip_next', track: { uri: 'spotify:track:x', uid: 'u9' } }],
    ['shuffle', (of) => of.shuffle(true), { endpoint: 'set_shuffling_context', value: true }],
    ['repeat', (of) => of.repeat('context'), { endpoint: 'set_options', repeating_context: true, repeating_track: false }],
    ['add to queue', (of) => of.addToQueue('spotify:track:x'), { endpoint: 'add_to_queue', track: { uri: 'spotify:track:x' } }],
  ])('sends %s and waits for the reply', async (_, act, command) => {
    const done = act(phone);
    expect(await speaker.dealer.answer()).toMatchObject({ sent_by_device_id: phone.deviceId, target_alias_id: null, command });
    await done;
    expect(cloud.refusals).toEqual([]);
  });

  it('starts at a row, named by title, with the uid the list has', async () => {
    const done = phone.play(cloud.contexts.everything, { track: 'Three', withRows: true });
    const uid = cloud.catalogue.identity.uid(cloud.contexts.everything, 2);
    const body = await speaker.dealer.answer();
    expect(body).toMatchObject({ command: { options: { skip_to: { track_uri: cloud.catalogue.get('Three').uri, track_uid: uid, track_index: 2 } }, context: { pages: [{ tracks: [{}, {}, { uid }] }] } } });
    await done;
  });

  it('sends the revision of the queue as a number, which arrives as text', async () => {
    await speaker.put(claim());
    await phone.until(({ playerState }) => playerState?.queueRevision === '77', soon());
    const done = phone.setQueue([{ uri: 'spotify:track:x', uid: 'q0', provider: 'queue', metadata: { is_queued: 'true' } }]);
    expect(await speaker.dealer.answer()).toMatchObject({ command: { endpoint: 'set_queue', queue_revision: '77', next_tracks: [{ uid: 'q0', metadata: { is_queued: 'true' } }] } });
    await done;
  });

  it('hears a refusal, and that nobody is there', async () => {
    const refused = expect(phone.pause()).rejects.toThrow('the speaker refused it');
    await speaker.dealer.answer(false);
    await refused;
    await expect(phone.pause('e'.repeat(40))).rejects.toThrow('404');
    speaker.close();
    await phone.until(({ device }) => !(testDevice in device), soon());
    await expect(phone.pause()).rejects.toThrow('No speaker');
  });

  it('sends message ids that pass 2^31', async () => {
    const ids: number[] = [];
    for (let more = 0; more < 4; more++) {
      const done = phone.pause();
      ids.push((await speaker.dealer.answer() as { message_id: number }).message_id);
      await done;
    }
    expect(Math.max(...ids)).toBeGreaterThan(2 ** 31);
  });

  it('sets the volume by message', async () => {
    await phone.setVolume(12_345);
    const volume = await speaker.dealer.until((frame) => frame.type === 'message' && frame.uri === 'hm://connect-state/v1/connect/volume' && decodeSetVolume(frame.payload));
    expect(volume).toMatchObject({ volume: 12_345, sentByDeviceId: phone.deviceId });
  });

  it('plays by itself, hands over and takes back', async () => {
    await phone.playHere(cloud.contexts.everything, { track: 'Two', position: 7000, queue: [cloud.catalogue.get('One').uri] });
    await phone.until(({ activeDeviceId }) => activeDeviceId === phone.deviceId, soon());
    const moved = phone.transfer(testDevice, { paused: 'resume' });
    const body = (await speaker.dealer.answer()) as { command: { data: string; options: object; from_device_identifier: string } };
    await moved;
    expect(body.command).toMatchObject({ endpoint: 'transfer', from_device_identifier: phone.deviceId, options: { restore_paused: 'resume', restore_track: 'always_play_something' } });
    const state = decodeTransferState(Buffer.from(body.command.data, 'base64'));
    expect(state.playback).toMatchObject({ position: 7000, track: { gid: cloud.catalogue.get('Two').gid } });
    expect(state.queue.tracks).toHaveLength(1);

    await speaker.put(claim(Date.now() + 1));
    await phone.until(({ activeDeviceId }) => activeDeviceId === testDevice, soon());
    await phone.takeOver();
    await phone.until(({ activeDeviceId }) => activeDeviceId === phone.deviceId, soon());
    expect(phone.track?.uri).toBe(cloud.catalogue.get('Two').uri);
    await phone.stopHere();
    await phone.until(({ activeDeviceId }) => activeDeviceId === '', soon());
  });

  it('takes over from another phone', async () => {
    const other = await cloud.openPhone({ name: 'Ben' });
    await phone.playHere(cloud.contexts.everything);
    await other.until(({ activeDeviceId }) => activeDeviceId === phone.deviceId, soon());
    await other.takeOver();
    await phone.until(({ activeDeviceId }) => activeDeviceId === other.deviceId, soon());
    await other.leave();
  });

  it('belongs to its user: others see nothing of it', async () => {
    const other = await cloud.openPhone({ name: 'Cara', user: 'somebody else' });
    expect(other.devices.size).toBe(0);
    await expect(other.pause(testDevice)).rejects.toThrow('404');
    await other.leave();
  });
});

describe('what devices are told', () => {
  it('is zipped for those who say they can unzip it, and only for them', async () => {
    const plain = await openSpeaker(cloud, 'e'.repeat(40));
    await plain.put(speakerState({ now: Date.now(), deviceId: 'e'.repeat(40), device: { deviceInfo: { name: 'Plain', deviceId: 'e'.repeat(40), capabilities: {} }, playerState: { sessionId: 's', playbackSpeed: 1 } } }));
    await phone.playHere(cloud.contexts.everything);
    const pushTo = (dealer: typeof plain.dealer) =>
      dealer.until((frame) => frame.type === 'message' && frame.uri === 'hm://connect-state/v1/cluster' && decodeClusterUpdate(frame.payload).devicesThatChanged[0] === phone.deviceId && frame);
    expect((await pushTo(speaker.dealer)).headers.get('transfer-encoding')).toBe('gzip');
    expect((await pushTo(plain.dealer)).headers.has('transfer-encoding')).toBe(false);
    plain.close();
  });

  it('is not what they say themselves while they play, unless asked for', async () => {
    const pushes = () => speaker.dealer.frames.filter((frame) => frame.type === 'message' && frame.uri === 'hm://connect-state/v1/cluster').length;
    await speaker.dealer.until((frame) => frame.type === 'message' && frame.uri === 'hm://connect-state/v1/cluster');
    speaker.dealer.frames.length = 0;
    const pushed = phone.events.once('cluster', { test: ({ cluster }) => cluster.activeDeviceId === testDevice, signal: soon() });
    await speaker.put(claim());
    await pushed;
    expect(pushes()).toBe(0);
    cloud.faults.set('connect-state/push-to-sender', { count: 1 });
    await speaker.put(claim());
    await speaker.dealer.until((frame) => frame.type === 'message' && frame.uri === 'hm://connect-state/v1/cluster');
    expect(pushes()).toBe(1);
  });

  it('names the command that led to it', async () => {
    const acknowledged = phone.events.once('cluster', { test: ({ ackId }) => ackId !== '', signal: soon() });
    const done = phone.pause();
    await speaker.dealer.answer();
    await done;
    await speaker.put(speakerState({ now: Date.now(), putStateReason: 4 }));
    expect((await acknowledged).ackId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('covers logouts, playlists and attributes', async () => {
    const account = cloud.accounts.get('listener');
    expect(cloud.pushes.logout(testDevice)).toBe(true);
    cloud.pushes.playlistChanged(account, cloud.contexts.everything);
    cloud.pushes.flipped(account, ['autoplay']);
    await speaker.dealer.until((frame) => frame.type === 'message' && frame.uri === 'hm://connect-state/v1/connect/logout');
    const changed = await speaker.dealer.until((frame) => frame.type === 'message' && frame.uri.startsWith('hm://playlist/v2/playlist/') && decodePlaylistModification(frame.payload));
    expect(changed.uri).toBe(cloud.contexts.everything);
    await speaker.dealer.until((frame) => frame.type === 'message' && frame.uri === 'spotify:user:attributes:mutated');
    expect(account.attributes.get('autoplay')).toBe('0');
    expect(cloud.pushes.close(testDevice)).toBe(true);
    await expect(speaker.dealer.until(() => false)).rejects.toThrow('1001');
  });
});

describe('the dealer', () => {
  it('counts replies', async () => {
    const done = phone.pause();
    await speaker.dealer.answer();
    await done;
    const key = speaker.dealer.frames.find((frame) => frame.type === 'request')?.key ?? '';
    const twice = cloud.journal.until(({ what }) => what === 'frame reply');
    cloud.journal.clear();
    const both = cloud.journal.events.once('refusal', { signal: soon() });
    speaker.dealer.socket.send(JSON.stringify({ type: 'reply', key, payload: { success: true } }));
    await both;
    await twice;
    speaker.dealer.socket.send(JSON.stringify({ type: 'reply', key: 'nobody asked', payload: { success: true } }));
    await cloud.journal.events.once('refusal', { signal: soon() });
    expect(cloud.refusals.map(({ clause }) => clause)).toEqual(['connect-control §1.6', 'connect-control §1.6']);
  });

  it('answers pings, unless muted', async () => {
    speaker.dealer.socket.send('{"type":"ping"}');
    await speaker.dealer.until((frame) => frame.type === 'pong');
    const ponged = new Promise((done) => speaker.dealer.socket.once('pong', done));
    speaker.dealer.socket.ping();
    await ponged;
    cloud.faults.set('dealer/mute', { device: testDevice });
    speaker.dealer.frames.length = 0;
    speaker.dealer.socket.send('{"type":"ping"}');
    await cloud.journal.until(({ what }) => what === 'fault dealer/mute');
    expect(speaker.dealer.frames.some((frame) => frame.type === 'pong')).toBe(false);
  });

  it('loses, doubles and swaps frames when told to', async () => {
    const texts = () => speaker.dealer.frames.flatMap((frame) => (frame.type === 'message' && frame.uri.startsWith('test') ? [frame.uri] : []));
    const push = (uri: string) => cloud.pushes.raw(testDevice, JSON.stringify({ type: 'message', uri, headers: {}, payloads: [] }));
    cloud.faults.set('dealer/duplicate', { count: 1 });
    push('test/1');
    cloud.faults.set('dealer/lose', { count: 1 });
    push('test/2');
    cloud.faults.set('dealer/reorder', { count: 1 });
    push('test/3');
    push('test/4');
    await speaker.dealer.until((frame) => frame.type === 'message' && frame.uri === 'test/3');
    expect(texts()).toEqual(['test/1', 'test/1', 'test/4', 'test/3']);
  });

  it('refuses tokens nobody issued', async () => {
    const { RawDealer } = await import('../receiver.fixture.ts');
    const stranger = new RawDealer(`${speaker.base.replace('http', 'ws')}/?access_token=made-up`);
    await expect(stranger.until(() => false)).rejects.toThrow('closed');
    expect(cloud.refusals).toMatchObject([{ clause: 'connect-control §1.1', refused: true }]);
  });

  it('notes frames no client sends', async () => {
    speaker.dealer.socket.send('{"type":"message","uri":"x"}');
    await cloud.journal.events.once('refusal', { signal: soon() });
    speaker.dealer.socket.send(Buffer.from([1, 2, 3]));
    await cloud.journal.events.once('refusal', { signal: soon() });
    expect(cloud.refusals.every(({ clause }) => clause === 'connect-control §1.3')).toBe(true);
  });
});

describe('stale pushes', () => {
  it('come 50 ms after a claim, with the owner before', async () => {
    await phone.playHere(cloud.contexts.everything);
    await phone.until(({ activeDeviceId }) => activeDeviceId === phone.deviceId, soon());
    const hear = (owner: string) =>
      speaker.dealer.until((frame) => frame.type === 'message' && frame.uri === 'hm://connect-state/v1/cluster' && decodeClusterUpdate(frame.payload).cluster?.activeDeviceId === owner);
    await hear(phone.deviceId);
    cloud.faults.set('connect-state/stale-push', { count: 1 });
    speaker.dealer.frames.length = 0;
    await speaker.put(claim(Date.now() + 1));
    await hear(phone.deviceId);
    expect(cloud.connectState.of(cloud.accounts.get('listener')).active).toBe(testDevice);
  });
});

describe('pairing', () => {
  let server: Server;
  let url: string;
  let key = createDhKeyPair();
  const got: { username: string; type: number; data: Buffer }[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const send = (status: number, body: string) => response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
        if (request.method === 'GET') {
          send(200, encodeGetInfo({ deviceId: testDevice, name: 'Kitchen', publicKey: key.publicKey.toString('base64'), brand: 'b', model: 'm', libraryVersion: '1', activeUser: '' }));
          return;
        }
        const { username, blob, clientKey } = parseAddUser(parseForm(Buffer.concat(chunks)));
        try {
          got.push(decryptPairingBlob({ blob, clientKey, keyPair: key, deviceId: testDevice, username }));
          send(200, encodeStatus('ok').body);
        } catch {
          const mismatch = encodeStatus('invalidPublicKey', { deviceId: testDevice, publicKey: key.publicKey.toString('base64') });
          send(mismatch.http, mismatch.body);
        }
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => new Promise((done) => server.close(done)));

  it('hands over credentials the access point takes', async () => {
    expect(await phone.pair(url)).toMatchObject({ isOk: true, http: 200, tries: 1 });
    const { username, type, data } = got.at(-1) ?? {};
    expect({ username, type }).toEqual({ username: 'listener', type: 1 });
    expect(cloud.accounts.checkStored(cloud.accounts.get('listener'), data ?? Buffer.alloc(0), '')).not.toBeNull();
    expect(cloud.refusals).toEqual([]);
  });

  it('tries once more with the key of the answer', async () => {
    expect(await phone.pair(url, { mischief: 'old-key' })).toMatchObject({ isOk: true, tries: 2 });
    key = createDhKeyPair();
    expect(await phone.pair(url)).toMatchObject({ isOk: true, tries: 1 });
  });

  it('can do it wrongly', async () => {
    for (const mischief of ['wrong-mac', 'short-blob', 'wake-up', 'no-blob', 'no-client-key'] as const) {
      expect(await phone.pair(url, { mischief })).toMatchObject({ isOk: false, answer: { name: 'invalidPublicKey' } });
    }
    expect(await phone.pair(url, { mischief: 'raw-plus' })).toMatchObject({ isOk: true });
  });

  it('notes an answer a strict phone would not take', async () => {
    const odd = createServer((_, response) => response.writeHead(200).end('{"status":"101","deviceID":"x"}'));
    await new Promise<void>((done) => odd.listen(0, '127.0.0.1', done));
    await phone.info(`http://127.0.0.1:${(odd.address() as AddressInfo).port}/`);
    odd.close();
    const what = cloud.refusals.map((refusal) => refusal.what).join('\n');
    expect(what).toContain('Content-Type missing');
    expect(what).toContain('status is not an integer');
    expect(what).toContain('publicKey is missing');
  });
});
