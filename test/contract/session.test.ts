import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, describe, expect, it, vi } from 'vitest';
import tls from 'node:tls';
import { systemClock } from '#foundation';
import { openDiscovery } from '#spotify';
import { PutStateReason } from '#spotify/wire';
import { hello, identity, patience, Table, until } from './session-fixture.ts';

let table: Table;

afterEach(async () => {
  await table[Symbol.asyncDispose]();
});

describe('a session', () => {
  it.each([true, false])('logs in, registers and leaves without a breach of the protocol (secure: %s)', async (secure) => {
    table = await Table.open({ secure });
    const session = await table.session();
    await session.ready(patience());
    expect(session).toMatchObject({ username: 'listener', country: 'SE' });
    expect(session.attributes.get('type')).toBe('premium');
    expect(session.credentials).toMatchObject({ username: 'listener', type: 1 });
    const cluster = await session.putState(hello(session), patience());
    expect(Object.keys(cluster.device)).toContain(identity.deviceId);
    await session.putInactive(patience());
    await session.removeDevice(patience());
    await session[Symbol.asyncDispose]();
    expect(table.cloud.refusals).toEqual([]);
    await until(() => table.cloud.dealer.connections.length === 0);
  });

  it('keeps to three logins deep at the first start, and starts faster with known credentials', async () => {
    table = await Table.open({ latency: { accessPoint: 20, http: 20, dealer: 20 } });
    table.cloud.counters.mark();
    const first = await table.session();
    await first.ready(patience());
    expect(table.cloud.counters.view.requests).toMatchObject({ directory: 1, 'client-token': 1, login5: 1 });
    const { credentials } = first;
    await first[Symbol.asyncDispose]();
    table.cloud.counters.mark();
    const second = await table.session({ credentials });
    await second.ready(patience());
    const { requests } = table.cloud.counters.view;
    // Both were kept.
    expect([requests['client-token'] ?? 0, requests.directory ?? 0, requests.login5]).toEqual([0, 0, 1]);
  });

  it('resolves contexts, pages and autoplay', async () => {
    table = await Table.open();
    const session = await table.session();
    const album = table.cloud.catalogue.get('Plain').album.uri;
    const context = await session.resolveContext(album, patience());
    expect(context.pages[0]?.tracks.map(({ uri }) => uri)).toContain(table.uri('Plain'));
    const station = await session.autoplay(album, [table.uri('Plain')], patience());
    expect(station.uri).toMatch(/^spotify:station:/);
    const next = station.pages.at(-1)?.nextPageUrl ?? '';
    expect(next).toMatch(/^hm:\/\//);
    const page = await session.fetchPage(next, patience());
    expect(page.pages[0]?.tracks.length).toBeGreaterThan(0);
    await expect(session.fetchPage('https://evil.example/', patience())).rejects.toMatchObject({ code: 'spotify/bad-page' });
    expect(table.cloud.refusals).toEqual([]);
  });

  it('describes what it plays with one request, and a relinked item with two', async () => {
    table = await Table.open();
    const session = await table.session({ bitrate: 96 });
    const { cloud } = table;
    cloud.counters.mark();
    const plain = await session.metadata(table.uri('Plain'), patience());
    expect(table.count('metadata/extended')).toBe(1);
    expect(plain).toMatchObject({
      uri: table.uri('Plain'),
      kind: 'track',
      title: 'Plain',
      artists: ['Somebody', 'Somebody Else'],
      album: 'Album',
      albumUri: cloud.catalogue.get('Plain').album.uri,
      artistUri: cloud.catalogue.get('Plain').artists[0]?.uri,
      duration: 200_000,
      explicit: true,
      file: { format: 0, kind: 'vorbis', bitrate: 96 },
    });
    expect(plain.loudness?.integrated).toBeCloseTo(-9.5, 4);
    expect(plain.loudness?.albumPeak).toBeCloseTo(-0.25, 4);
    expect(plain.images.length).toBeGreaterThan(0);
    for (const { url } of plain.images) expect(url).toMatch(/^http.*[0-9a-f]{40}$/);

    cloud.counters.mark();
    const relinked = await session.metadata(table.uri('Relinked'), patience());
    expect(table.count('metadata/extended')).toBe(2);
    expect(relinked).toMatchObject({ uri: table.uri('Relinked'), title: 'Relinked', gid: cloud.catalogue.get('Stand-in').gid });
    expect(relinked.file.id).toEqual(cloud.catalogue.get('Stand-in').files[0]?.id);
    expect(await session.audioKey(relinked.gid, relinked.file.id, patience())).toEqual(cloud.catalogue.get('Stand-in').files[0]?.key);

    expect(await session.metadata(table.uri('Second'), patience())).toMatchObject({ file: { format: 2 }, loudness: null });
    expect(await session.metadata(table.uri('Talk'), patience())).toMatchObject({ kind: 'episode', album: 'Show', artists: ['Show'] });
    expect(cloud.refusals).toEqual([]);
  });

  it('says why an item cannot be played', async () => {
    table = await Table.open();
    const session = await table.session();
    await expect(session.metadata(table.uri('Forbidden'), patience())).rejects.toMatchObject({ kind: 'forbidden', code: 'spotify/restricted' });
    await expect(session.metadata(table.uri('Flac only'), patience())).rejects.toMatchObject({ kind: 'not-found', code: 'spotify/no-file' });
    await expect(session.metadata(table.uri('Short id'), patience())).rejects.toMatchObject({ code: 'spotify/no-file' });
    await expect(session.metadata('spotify:track:0000000000000000000001', patience())).rejects.toMatchObject({ kind: 'not-found' });
    await expect(session.metadata('spotify:album:0000000000000000000001', patience())).rejects.toMatchObject({ code: 'spotify/not-playable' });
    table.account.attributes.set('filter-explicit-content', '1');
    const seen = session.events.once('account', { signal: patience(), test: ({ attributes }) => attributes.get('filter-explicit-content') === '1' });
    for (const accessPoint of table.cloud.accessPoint.sessions) accessPoint.pushAccount();
    await seen;
    await expect(session.metadata(table.uri('Plain'), patience())).rejects.toMatchObject({ code: 'spotify/explicit' });
  });

  it('gets key and addresses side by side, and the same key twice for one question', async () => {
    table = await Table.open();
    const session = await table.session();
    const { gid, file } = await session.metadata(table.uri('Plain'), patience());
    const [key, stored] = await Promise.all([session.audioKey(gid, file.id, patience()), session.storage(file.id, file.format, patience())]);
    expect(key).toEqual(table.cloud.catalogue.get('Plain').files[0]?.key);
    expect(stored.urls[0]).toMatch(/^https?:/);
    expect(stored.expires).toBeGreaterThan(session.now());
    expect(await session.audioKey(gid, file.id, patience())).toEqual(key);
    expect(table.cloud.journal.find('key request')).toHaveLength(1);
  });

  it('hands a phone\'s commands over and answers each once', async () => {
    table = await Table.open();
    const session = await table.session();
    await session.ready(patience());
    await session.putState(hello(session), patience());
    const phone = await table.cloud.openPhone({ user: 'listener' });
    session.events.on('request', ({ request, reply }) => {
      reply(request.endpoint === 'pause');
      reply(false);
    });
    const asked = session.events.once('request', { signal: patience() });
    const answer = await phone.command({ endpoint: 'pause' }, identity.deviceId);
    expect((await asked).request).toMatchObject({ endpoint: 'pause', command: { endpoint: 'pause' } });
    expect(answer.outcome).toBe('succeeded');
    expect(table.cloud.refusals).toEqual([]);
  });

  it('pairs a phone through discovery', async () => {
    table = await Table.open();
    const { host } = table;
    let user: string | null = null;
    const discovery = await openDiscovery({
      identity,
      name: 'Kitchen',
      address: '127.0.0.1',
      host: { clock: systemClock, log: host.log, announce: () => Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() }) },
      activeUser: () => user,
      onReset: () => void (user = null),
      async onUser(credentials, signal) {
        user = (await table.session({ credentials, signal })).username;
        return 'ok';
      },
    });
    const url = `http://127.0.0.1:${discovery.port}/zc`;
    const phone = await table.cloud.openPhone({ user: 'listener' });
    expect(await phone.pair(url)).toMatchObject({ isOk: true, tries: 1 });
    expect(user).toBe('listener');
    expect(await phone.pair(url, { mischief: 'old-key' })).toMatchObject({ isOk: true, tries: 2 });
    for (const mischief of ['wrong-mac', 'short-blob', 'no-blob', 'no-client-key', 'no-user-name', 'wake-up'] as const) {
      expect(await phone.pair(url, { mischief })).toMatchObject({ isOk: false });
    }
    for (const mischief of ['raw-plus', 'no-device-name'] as const) expect(await phone.pair(url, { mischief })).toMatchObject({ isOk: true });
    expect(await phone.resetUsers(url)).toMatchObject({ isOk: true });
    expect(user).toBeNull();
    await discovery[Symbol.asyncDispose]();
    expect(table.cloud.refusals).toEqual([]);
  });

  it.each([true, false])('needs no new connection from a command to key and addresses (secure: %s)', async (secure) => {
    table = await Table.open({ secure, latency: { accessPoint: 30, http: 30, dealer: 30 } });
    const session = await table.session();
    await session.ready(patience());
    await session.putState(hello(session), patience());
    const album = table.cloud.catalogue.get('Plain').album.uri;
    const { cloud } = table;
    let opened = 0;
    const count = () => void (opened += 1);
    subscribe('net.client.socket', count);
    const handshakes = vi.spyOn(tls, 'connect');
    cloud.counters.mark();
    const report = session.putState(hello(session, PutStateReason.PLAYER_STATE_CHANGED), patience());
    const [context, item] = await Promise.all([session.resolveContext(album, patience()), session.metadata(table.uri('Plain'), patience())]);
    await Promise.all([session.audioKey(item.gid, item.file.id, patience()), session.storage(item.file.id, item.file.format, patience())]);
    await report;
    expect(context.pages.length).toBeGreaterThan(0);
    unsubscribe('net.client.socket', count);
    expect(opened + handshakes.mock.calls.length).toBe(0);
    handshakes.mockRestore();
    expect(cloud.counters.view.byName).toEqual({ 'connect-state/put': 1, 'context/resolve': 1, 'metadata/extended': 1, 'access-point/key': 1, 'storage/resolve': 1 });
  });

  it('shows no secret in its log or its plain store', async () => {
    table = await Table.open();
    table.cloud.faults.set('access-point/flip-mac', { skip: 6, count: 1 });
    const session = await table.session();
    await session.ready(patience());
    await session.metadata(table.uri('Plain'), patience());
    table.cloud.accounts.expireAccessTokens();
    await session.resolveContext(table.cloud.catalogue.get('Plain').album.uri, patience());
    const plain = [...table.stored].filter(([name]) => name.startsWith('plain/'));
    const said = JSON.stringify([table.lines, table.troubles.map((error) => [error.message, String(error.cause)]), plain]);
    expect(table.lines.length).toBeGreaterThan(3);
    for (const secret of table.cloud.accounts.secrets) expect(said).not.toContain(secret);
  });
});
