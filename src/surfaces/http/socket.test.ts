import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TonearmError } from '#foundation';
import { someVolume } from '../../../test/contract/surface-fake-player.ts';
import { WebSocket } from 'ws';
import { Client, openHouse, readTag, type TestHouse } from './house.fixture.ts';
import { networkOf } from './open.ts';
import { encodeLogin, isDaemonProof, keyHash, type Login, makeLogin, parseChallenge } from './wire/login.ts';

let house: TestHouse;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house[Symbol.asyncDispose]());

const pause = { zone: 'kitchen', commands: { kind: 'pause' } };

describe('the socket', () => {
  it('first says everything there is', async () => {
    const client = await house.connect();
    const hello = await client.message('hello');
    expect(hello.daemon).toMatchObject({ api: 1, id: '7f3a', version: '0.0.0-test', now: house.clock.now() });
    expect(hello).toMatchObject({ scope: 'control', beat: 10_000, zones: [{ id: 'kitchen', name: 'Kitchen', state: { status: 'playing' } }, { id: 'bath' }], presets: [{ id: 'jazz' }], automations: { automations: [{ id: 'wake' }] }, tags: { tags: [{ tag: '04A2197B' }] } });
    expect(client.heard).toHaveLength(1);
  });

  it('then shows what changes, whole, and says who did it', async () => {
    const client = await house.connect({ query: '?by=homekit' });
    house.kitchen.player.set({ volume: someVolume(0.2) }, 'phone');
    const { zone } = await client.message('zone');
    expect(zone).toMatchObject({ id: 'kitchen', state: { revision: 2, status: 'playing', volume: { level: 0.2 }, by: { changed: 'phone' }, account: { name: 'so***ne' }, accepts: expect.arrayContaining(['play', 'pause']) } });
    house.automations.show({ quiet: true });
    expect((await client.message('automations')).automations.quiet).toBe(true);
    expect((await client.message('run')).run.automation).toBe('wake');
    house.automations.tags.emitter.emit('changed', { ...house.automations.tags.picture, learning: { name: null, until: 1 } });
    expect((await client.message('tags')).tags.learning).toEqual({ name: null, until: 1 });
    house.automations.tags.emitter.emit('read', readTag);
    expect((await client.message('tag')).read).toEqual(readTag);
    await house.presets.add({ name: 'New', uri: 'spotify:playlist:new' });
    expect((await client.message('presets')).presets).toHaveLength(2);
    house.bath.player.fail(new TonearmError({ kind: 'unavailable', code: 'some/thing', message: 'It did not work.' }));
    expect(await client.message('failed')).toMatchObject({ zone: 'bath', error: { code: 'some/thing' } });
    house.bath.player.announce('sound:chime', 'finished');
    house.bath.player.announce('http://192.0.2.1/x.mp3', 'finished', new TonearmError({ kind: 'unavailable', code: 'some/other', message: 'It could not be said.' }));
    expect((await client.message('failed', ({ error }) => error.code !== 'some/thing')).error).toMatchObject({ code: 'some/other', message: 'It could not be said.' });
  });

  it('does commands as whoever the client says it is, and answers each exactly once', async () => {
    const [home, web, other] = await Promise.all([house.connect({ query: '?by=homekit' }), house.connect({ query: '?by=web' }), house.connect()]);
    expect(await home.ask(1, 'zone/command', pause)).toMatchObject({ id: 1, ok: { by: 'homekit', revision: 2 } });
    expect(await web.ask('x', 'zone/command', { zone: 'kitchen', commands: [{ kind: 'volume', level: 0.1 }, { kind: 'play' }] })).toMatchObject({ id: 'x', ok: { by: 'web' } });
    expect(await other.ask(1, 'automation/run', { automation: 'wake' })).toMatchObject({ ok: {} });
    expect(house.kitchen.player.dispatched).toEqual([
      { by: 'homekit', commands: [{ kind: 'pause' }] },
      { by: 'web', commands: [{ kind: 'volume', level: 0.1 }, { kind: 'play' }] },
    ]);
    expect(house.automations.asked).toEqual([['run', 'wake', 'http']]);
    expect((await other.message('zone', ({ zone }) => zone.state.status === 'paused')).zone.state.by.changed).toBe('homekit');
    expect(home.heard.filter(({ kind }) => kind === 'answer')).toHaveLength(1);
  });

  it('says why not', async () => {
    const client = await house.connect();
    house.kitchen.player.refusal = new TonearmError({ kind: 'conflict', code: 'zones/nothing-loaded', message: 'There is nothing.' });
    expect(await client.ask(1, 'zone/command', pause)).toEqual({ kind: 'answer', id: 1, error: { kind: 'conflict', code: 'zones/nothing-loaded', message: 'There is nothing.' } });
    expect(await client.ask(2, 'zone/command', { ...pause, zone: 'cellar' })).toMatchObject({ error: { kind: 'not-found', code: 'http/no-such-zone' } });
    expect(await client.ask(3, 'zone/command', { zone: 'kitchen', commands: { kind: 'explode' } })).toMatchObject({ error: { kind: 'invalid', code: 'http/bad-request' } });
    expect(await client.ask(4, 'explode')).toMatchObject({ error: { code: 'http/not-found' } });
    house.kitchen.player.refusal = new TonearmError({ kind: 'internal', code: 'some/thing', message: 'secret inside' });
    const answer = await client.ask(5, 'zone/command', pause);
    expect(answer).toMatchObject({ error: { code: 'internal/unexpected' } });
    expect(JSON.stringify(answer)).not.toContain('secret inside');
  });

  it.each([
    ['no key', { key: null }, '401'],
    ['a wrong key', { key: 'tak_wrong' }, '401'],
    ['a foreign page', { headers: { origin: 'http://evil.example' } }, '403'],
    ['a bent name', { headers: { host: 'evil.example' } }, '403'],
    ['an unknown name of its own', { query: '?by=phone' }, '400'],
  ])('turns away %s at the door', async (_what, more, status) => {
    await expect(house.connect(more)).rejects.toThrow(status);
  });

  describe('and a login that shows no key', () => {
    /** What it says to whoever comes without one. */
    const challenge = async () => {
      const { headers } = await turnedAway({});
      return parseChallenge(headers['www-authenticate']) ?? '';
    };
    const turnedAway = (headers: Readonly<Record<string, string>>): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`${house.base.replace('http', 'ws')}/api/v1/events`, { headers });
        socket.once('open', () => reject(new Error('It was let in.')));
        socket.on('error', () => undefined);
        socket.once('unexpected-response', (request, response) => (response.resume().on('close', () => resolve(response)), request));
      });

    it('lets in who has the key, with its scope, and proves that it knows it', async () => {
      const login = makeLogin(house.readKey, await challenge());
      const client = new Client(`${house.base.replace('http', 'ws')}/api/v1/events?by=homekit`, { authorization: encodeLogin(login) });
      let said: string | undefined;
      client.socket.on('upgrade', ({ headers }) => (said = headers['authentication-info'] as string | undefined));
      expect(await client.message('hello')).toMatchObject({ scope: 'read' });
      expect(isDaemonProof(said, login, keyHash(house.readKey))).toBe(true);
      expect(isDaemonProof(said, login, keyHash(house.key))).toBe(false);
      expect(house.keys.list.find(({ id }) => id === house.reader.id)?.used).not.toBeNull();
      await house.keys.remove(house.reader.id);
      expect(await client.closed).toBe(4401);
      expect((await turnedAway({ authorization: encodeLogin(makeLogin(house.readKey, await challenge())) })).statusCode).toBe(401);
    });

    it('lets nobody in with what was read along, with the hash alone, late, or with a challenge of another', async () => {
      const login = makeLogin(house.key, await challenge());
      const first = new Client(`${house.base.replace('http', 'ws')}/api/v1/events`, { authorization: encodeLogin(login) });
      await first.opened;
      const late = makeLogin(house.key, await challenge());
      const statuses = async (...logins: readonly Login[]) => Promise.all(logins.map(async (one) => (await turnedAway({ authorization: encodeLogin(one) })).statusCode));
      expect(await statuses(login, makeLogin(house.key, '1.abc.def'), { ...makeLogin(house.key, await challenge()), proof: keyHash(house.key) })).toEqual([503, 503, 401]);
      await house.clock.advance(10_001);
      expect(await statuses(late)).toEqual([503]);
      first.socket.terminate();
    });

    it('is for the socket: over HTTP a key is sent', async () => {
      expect((await house.ask('/zones', { key: null, headers: { authorization: encodeLogin(makeLogin(house.key, await challenge())) } })).status).toBe(401);
    });
  });

  it('lets nobody who was turned away hold a connection, or the door', async () => {
    // Their half stays open, and more comes than is asked for.
    const stubborn = net.connect({ port: house.port, host: '127.0.0.1', allowHalfOpen: true });
    stubborn.on('error', () => undefined);
    const answered = new Promise((resolve) => stubborn.once('data', (data) => resolve(String(data).split('\r\n')[0])));
    stubborn.write(`GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:${house.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    expect(await answered).toBe('HTTP/1.1 401 Refused');
    const closed = house.surface[Symbol.asyncDispose]().then(() => 'closed');
    expect(await Promise.race([closed, new Promise((resolve) => setTimeout(() => resolve('held open'), 1000))])).toBe('closed');
    stubborn.destroy();
  });

  it('takes a key as a subprotocol, which is what browsers can send', async () => {
    const client = await house.connect({ key: null, protocols: ['tonearm', `tonearm-key.${house.key}`], headers: { origin: house.base } });
    expect(client.socket.protocol).toBe('tonearm');
    await client.message('hello');
  });

  it('cuts off whoever has a key that is revoked, at once, and nobody else', async () => {
    const [gone, stays] = await Promise.all([house.connect({ key: house.readKey }), house.connect()]);
    await house.keys.remove(house.reader.id);
    expect(await gone.closed).toBe(4401);
    await expect(house.connect({ key: house.readKey })).rejects.toThrow('401');
    expect(await stays.ask(1, 'info')).toHaveProperty('ok');
  });

  it('says goodbye when Tonearm stops', async () => {
    const client = await house.connect();
    await house.surface[Symbol.asyncDispose]();
    expect(await client.closed).toBe(1001);
    await expect(house.connect()).rejects.toThrow();
  });

  it('lets go of a client that is no longer there', async () => {
    const client = await house.connect();
    await client.message('hello');
    const pinged = new Promise<void>((resolve) => client.socket.once('ping', () => resolve()));
    await house.clock.advance(10_000);
    await pinged;
    await client.ask(1, 'info');
    await house.clock.advance(10_000);
    expect(await client.ask(2, 'info')).toHaveProperty('ok');
    // From here on it does not read.
    client.socket.pause();
    await house.clock.advance(30_000);
    client.socket.resume();
    expect(await client.closed).toBe(1006);
  });

  it('hangs up on bytes and on frames that are too long', async () => {
    const [bytes, long] = await Promise.all([house.connect(), house.connect()]);
    bytes.socket.send(Buffer.from('{"id":1,"do":"info"}'));
    expect(await bytes.closed).toBe(1003);
    long.socket.send('x'.repeat(64 * 1024 + 1));
    expect(await long.closed).toBe(1009);
    expect(await (await house.connect()).ask(1, 'info')).toHaveProperty('ok');
  });

  it('takes a frame of 64 KiB', async () => {
    const client = await house.connect();
    client.socket.send(JSON.stringify({ id: 1, do: 'info', with: { long: '' } }).replace('""', `"${'x'.repeat(64 * 1024 - 39)}"`));
    expect(await client.message('answer')).toMatchObject({ id: 1, error: { code: 'http/bad-request' } });
  });

  it('answers what it cannot read, and survives any of it', async () => {
    const client = await house.connect();
    const text = fc.oneof(fc.string(), fc.json(), fc.record({ id: fc.oneof(fc.integer(), fc.string(), fc.constant(null)), do: fc.constantFrom('zone/command', 'account/login', 'preset/add', 'automation/time', '__proto__', 'constructor', 'toString'), with: fc.jsonValue() }).map((value) => JSON.stringify(value)));
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(text, async (frame) => {
        client.socket.send(frame);
        sent += 1;
        while (client.heard.filter(({ kind }) => kind === 'answer').length < sent) await client.message('answer', (answer) => client.heard.filter(({ kind }) => kind === 'answer').indexOf(answer) === sent - 1);
      }),
      { numRuns: 150 },
    );
    expect(client.heard.filter((message) => 'error' in message && message.error.kind === 'internal')).toEqual([]);
    expect(house.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('slows down whoever asks without end, and hangs up at last', async () => {
    const client = await house.connect();
    for (let id = 0; id < 1000; id++) client.socket.send(JSON.stringify({ id, do: 'info' }));
    expect(await client.closed).toBe(1008);
    expect(client.heard.filter((message) => 'ok' in message).length).toBeLessThan(210);
    expect(client.heard).toContainEqual(expect.objectContaining({ error: expect.objectContaining({ code: 'http/too-many-requests', retryAfter: 1000 }) }));
    await house.clock.advance(10_000);
    expect(await (await house.connect()).ask(1, 'info')).toHaveProperty('ok');
  });

  it('bears with a client that is wrong now and then for months', async () => {
    const client = await house.connect();
    await client.message('hello');
    for (let turn = 1; turn <= 6; turn++) {
      for (let times = 0; times < 100; times++) client.socket.send('nonsense');
      expect(await client.ask(turn, 'info')).toHaveProperty('ok');
      await house.clock.advance(61_000);
    }
  });

  it('does commands also for those who leave at once', async () => {
    const client = await house.connect();
    let open = () => {};
    house.kitchen.player.gate = new Promise<void>((resolve) => (open = resolve));
    client.socket.send(JSON.stringify({ id: 1, do: 'zone/command', with: pause }));
    await client.ask(2, 'info');
    client.socket.terminate();
    await client.closed;
    const changed = house.kitchen.player.events.once('changed');
    open();
    expect((await changed).state.status).toBe('paused');
  });

  it('gives up on a command that takes half a minute', async () => {
    const client = await house.connect();
    house.kitchen.player.gate = new Promise<void>(() => undefined);
    client.socket.send(JSON.stringify({ id: 1, do: 'zone/command', with: pause }));
    await client.ask(2, 'info');
    await house.clock.advance(30_000);
    expect(await client.message('answer', ({ id }) => id === 1)).toMatchObject({ error: { kind: 'timeout', code: 'http/command-timeout' } });
  });
});

describe('a client that reads slowly', () => {
  const title = (turn: number) => ({ uri: `spotify:track:${turn}`, kind: 'track', title: `${turn} ${'long '.repeat(2000)}`, artists: [], album: '', duration: 1, covers: [], explicit: false }) as const;

  it('gets the newest picture of each zone, not all that were', async () => {
    const [slow, quick] = await Promise.all([house.connect(), house.connect()]);
    await Promise.all([slow.message('hello'), quick.message('hello')]);
    slow.socket.pause();
    const turns = 3000;
    for (let turn = 1; turn <= turns; turn++) {
      (turn % 2 === 0 ? house.kitchen : house.bath).player.set({ track: title(turn) });
      // Lets the other one read.
      if (turn % 100 === 0) await quick.ask(turn, 'info');
    }
    const isLast = (client: Client, zone: string, turn: number) => client.message('zone', (message) => message.zone.id === zone && message.zone.state.track?.uri === `spotify:track:${turn}`);
    await Promise.all([isLast(quick, 'kitchen', turns), isLast(quick, 'bath', turns - 1)]);
    slow.socket.resume();
    await Promise.all([isLast(slow, 'kitchen', turns), isLast(slow, 'bath', turns - 1)]);
    // What fitted on its way, and the newest.
    expect(slow.heard.length).toBeLessThan(turns * 0.9);
    const seen = slow.heard.flatMap((message) => (message.kind === 'zone' && message.zone.id === 'kitchen' ? [message.zone.state.revision] : []));
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });
});

describe('who comes to the port', () => {
  const raw = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let got = '';
      const socket = net.connect(house.port, '127.0.0.1', () => socket.write(text));
      socket.setEncoding('utf8').on('data', (part: string) => (got += part));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(got));
    });

  it.each([
    ['nonsense', 'HELLO THERE\r\n\r\n'],
    ['an upgrade to something else', 'GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'],
    ['an upgrade elsewhere', 'GET /elsewhere HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['long headers', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['an address nobody can read', 'GET //[ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
    ['two hosts', 'GET /api/v1/health HTTP/1.1\r\nHost: a\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
  ])('does no harm with %s', async (_what, text) => {
    expect(await raw(text)).not.toMatch(/^HTTP\/1\.1 [25]/);
    expect((await house.ask('/health', { key: null })).json).toEqual({ status: 'ok' });
    expect(house.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it.each([
    ['GET', '/api/v1/zones', ''],
    ['POST', '/api/v1/zones/kitchen/commands', '{"kind":"pause"}'],
  ])('is answered as always when it offers HTTP/2 with a %s, on the same connection', async (method, path, body) => {
    const offer = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${house.key}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const said = await raw(`${offer}GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(said.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
    expect(said).toContain('{"status":"ok"}');
    expect(house.kitchen.player.dispatched).toHaveLength(method === 'POST' ? 1 : 0);
  });

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:aaaa:bbbb:cccc:dddd', '2001:db8:1:2'],
    ['2001:db8:1:2::5', '2001:db8:1:2'],
    ['2001:db8::5', '2001:db8:0:0'],
    ['fe80::1', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
  ])('counts as one network: %s is in %s', (address, network) => expect(networkOf(address)).toBe(network));

  it('is refused when there are too many', async () => {
    const all = await Promise.allSettled(Array.from({ length: 40 }, () => house.connect()));
    const failed = all.filter(({ status }) => status === 'rejected').length;
    expect(failed).toBeGreaterThanOrEqual(8);
    expect(failed).toBeLessThan(12);
  });
});
