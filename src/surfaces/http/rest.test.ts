import fc from 'fast-check';
import nodeHttp from 'node:http';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, TonearmError } from '#foundation';
import { fakeHost, keptLog } from '../../../test/contract/surface-fake-player.ts';
import { openHouse, type TestHouse } from './house.fixture.ts';
import { http } from './index.ts';

let house: TestHouse;
beforeEach(async () => {
  house = await openHouse({ origins: ['https://panel.example/app'] });
});
afterEach(() => house[Symbol.asyncDispose]());

describe('requests', () => {
  it('say that it lives to everybody', async () => {
    expect(await house.ask('/health', { key: null })).toMatchObject({ status: 200, json: { status: 'ok' } });
    expect((await house.ask('/health', { key: null, headers: { host: 'evil.example' } })).status).toBe(403);
  });

  it('carry commands, alone or as one step, and whom they are from', async () => {
    const one = await house.ask('/zones/kitchen/commands', { method: 'POST', body: { kind: 'pause' } });
    expect(one).toMatchObject({ status: 200, json: { revision: 2, by: 'http' } });
    await house.ask('/zones/kitchen/commands?by=web', { method: 'POST', body: [{ kind: 'fade', to: 0.3, over: 1000 }, { kind: 'play' }] });
    expect(house.kitchen.player.dispatched).toEqual([
      { by: 'http', commands: [{ kind: 'pause' }] },
      { by: 'web', commands: [{ kind: 'fade', to: 0.3, over: 1000, curve: 'perceptual' }, { kind: 'play' }] },
    ]);
  });

  it.each([
    ['/zones/cellar', 'GET', undefined, 404, 'http/no-such-zone'],
    ['/nothing', 'GET', undefined, 404, 'http/not-found'],
    ['/zones/%E0%A4%A', 'GET', undefined, 404, 'http/not-found'],
    ['/zones', 'DELETE', undefined, 400 + 5, 'http/method'],
    ['/presets', 'PUT', { name: 'x' }, 405, 'http/method'],
    ['/accounts/explode', 'POST', {}, 404, 'http/not-found'],
    ['/accounts/__proto__', 'POST', {}, 404, 'http/not-found'],
    ['/zones?sparkle=1', 'GET', undefined, 400, 'http/bad-request'],
    ['/zones?by=phone', 'GET', undefined, 400, 'http/bad-request'],
    ['/automations/history?count=1000', 'GET', undefined, 400, 'http/bad-request'],
    ['/automations/wake/time', 'POST', { time: '25:00' }, 400, 'http/bad-request'],
    ['/automations', 'POST', {}, 400, 'http/bad-request'],
    ['/automations', 'POST', { rule: { id: 'a' }, alarm: { id: 'a' } }, 400, 'http/bad-request'],
    ['/presets/none', 'DELETE', undefined, 404, 'zones/no-such-preset'],
    ['/zones/kitchen/commands', 'POST', undefined, 400, 'http/bad-request'],
    ['/zones/kitchen/commands', 'POST', [], 400, 'http/bad-request'],
    ['/zones/kitchen/commands', 'POST', { kind: 'volume', level: 2 }, 400, 'http/bad-request'],
    ['/zones/kitchen/commands', 'POST', { kind: 'pause', sparkle: 1 }, 400, 'http/bad-request'],
    ['/automations/enable', 'POST', [true], 400, 'http/bad-request'],
  ])('%s %s %j → %i %s', async (path, method, body, status, code) => {
    const reply = await house.ask(path, { method, ...(body !== undefined && { body }) });
    expect([reply.status, reply.json.error?.code]).toEqual([status, code]);
    expect(reply.json.error?.message).toMatch(/^[A-Z“"].{10,}/s);
  });

  it.each([
    ['conflict', 409], ['unavailable', 503], ['timeout', 504], ['forbidden', 403], ['unauthorized', 409], ['corrupt', 502], ['cancelled', 503], ['internal', 500],
  ] as const)('a zone that refuses as %s answers %i', async (kind, status) => {
    house.kitchen.player.refusal = new TonearmError({ kind, code: 'some/thing', message: 'Not now.', ...(kind === 'unavailable' && { retryAfter: 1500 }) });
    const reply = await house.ask('/zones/kitchen/commands', { method: 'POST', body: { kind: 'play' } });
    expect(reply.status).toBe(status);
    expect(reply.headers['retry-after']).toBe(kind === 'unavailable' ? '2' : undefined);
    expect(reply.headers['www-authenticate']).toBeUndefined();
  });

  it('define and remove automations, and what was switched by hand is forgotten then', async () => {
    await house.ask('/automations', { method: 'POST', body: { alarm: { id: 'wake', time: '06:30' } } });
    await house.ask('/automations/wake', { method: 'DELETE' });
    expect([house.daemon.asked, house.automations.asked]).toEqual([[['alarm', { id: 'wake', time: '06:30' }], ['remove', 'wake']], [['forget', 'id'], ['forget', 'wake']]]);
  });

  it('want JSON that says so', async () => {
    const send = (raw: string, type?: string) => house.ask('/automations/enable', { method: 'POST', raw, headers: type === undefined ? {} : { 'content-type': type } });
    expect((await send('on=true', 'application/x-www-form-urlencoded')).status).toBe(415);
    expect((await send('{"on":true}', 'text/plain')).status).toBe(415);
    expect((await send('{"on":true}', 'application/json; charset=utf-8')).status).toBe(200);
    expect((await send('{"on":tru', 'application/json')).json.error?.code).toBe('http/bad-request');
    expect((await house.ask('/automations/stop', { method: 'POST' })).status).toBe(200);
  });

  it('hold 64 KiB and no more, told or untold', async () => {
    const padded = (length: number) => `{"on":true}${' '.repeat(length - 11)}`;
    expect((await house.ask('/automations/enable', { method: 'POST', raw: padded(65_536) })).status).toBe(200);
    const told = await house.ask('/automations/enable', { method: 'POST', raw: padded(65_537) });
    expect([told.status, told.json.error?.code]).toEqual([413, 'http/too-large']);
    const untold = await new Promise<number>((resolve, reject) => {
      const request = nodeHttp.request(`${house.base}/api/v1/automations/enable`, { method: 'POST', headers: { authorization: `Bearer ${house.key}`, 'content-type': 'application/json', 'transfer-encoding': 'chunked' } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.on('error', reject);
      for (let part = 0; part < 80; part++) request.write(' '.repeat(1000));
    });
    expect(untold).toBe(413);
  });

  it('survive any body', async () => {
    const seen = new Set<number>();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('/zones/kitchen/commands', '/presets', '/automations/wake/time', '/accounts/login', '/accounts/answer'), fc.oneof(fc.json(), fc.string(), fc.uint8Array().map((bytes) => Buffer.from(bytes))), async (path, raw) => {
        seen.add((await house.ask(path, { method: 'POST', raw })).status);
        await house.clock.advance(100);
      }),
      { numRuns: 150 },
    );
    expect([...seen].filter((status) => status >= 500)).toEqual([]);
    expect(house.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('are counted', async () => {
    const statuses = [];
    for (let turn = 0; turn < 205; turn++) statuses.push((await house.ask('/info')).status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(5);
    expect((await house.ask('/info')).headers['retry-after']).toBe('1');
    expect((await house.ask('/info', { key: house.readKey })).status).toBe(200);
  });

  it('let the owner’s pages in, and answer their question beforehand', async () => {
    const asked = await house.ask('/zones', { method: 'OPTIONS', key: null, headers: { origin: 'https://panel.example', 'access-control-request-headers': 'authorization' } });
    expect(asked.status).toBe(204);
    expect(asked.headers).toMatchObject({ 'access-control-allow-origin': 'https://panel.example', 'access-control-allow-headers': 'Authorization, Content-Type', vary: 'Origin' });
    expect((await house.ask('/zones', { method: 'OPTIONS', key: null, headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect((await house.ask('/zones', { headers: { origin: house.base } })).status).toBe(200);
  });

  it('show no whole name of a user, no key, and nothing that may be kept', async () => {
    const replies = await Promise.all(['/zones', '/accounts', '/info', '/conditions'].map((path) => house.ask(path)));
    const text = JSON.stringify(replies.map(({ json }) => json));
    expect(text).not.toMatch(/someone|somebody|"listener"|tak_/);
    for (const { headers } of replies) expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    expect(JSON.stringify(house.log.lines)).not.toContain('tak_');
  });

  it('end when whoever waits has left', async () => {
    let signal: AbortSignal | undefined;
    house.accounts.wait = ((_id: string, given: AbortSignal) => ((signal = given), new Promise(() => undefined))) as never;
    const request = nodeHttp.request(`${house.base}/api/v1/accounts/wait`, { method: 'POST', headers: { authorization: `Bearer ${house.key}`, 'content-type': 'application/json' } });
    request.on('error', () => undefined);
    request.end('{"id":"1"}');
    while (!signal) await house.ask('/health', { key: null });
    const ended = new Promise((resolve) => signal?.addEventListener('abort', resolve));
    request.destroy();
    await ended;
  });
});

describe('the way in', () => {
  it('is announced, for those who can reach it', () => {
    expect(house.announced).toEqual([{ name: expect.stringMatching(/^Tonearm on /), type: 'tonearm', port: house.port, address: '127.0.0.1', txt: { id: '7f3a', name: expect.any(String), version: '0.0.0-test', api: '1', path: '/api/v1', scheme: 'http' } }]);
  });

  it('is no longer announced when it is closed', async () => {
    await house.surface[Symbol.asyncDispose]();
    expect(house.announced).toEqual([]);
  });

  it('can be left out', async () => {
    const log = keptLog();
    const surface = await http.open({ enabled: false }, { zones: [], host: fakeHost(new FakeClock(), log) });
    expect(log.lines).toEqual([]);
    await surface[Symbol.asyncDispose]();
  });

  it('takes the next port when none was asked for and the usual one is taken', async () => {
    const log = keptLog();
    const blocker = net.createServer();
    await new Promise<void>((resolve) => {
      blocker.once('error', () => resolve());
      blocker.listen({ port: 8484, host: '127.0.0.1' }, resolve);
    });
    const surface = await http.open({}, { zones: [], host: fakeHost(new FakeClock(), log) });
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(JSON.stringify(log.lines))?.[1]);
    expect(port).toBeGreaterThan(8484);
    expect(port).toBeLessThan(8504);
    await surface[Symbol.asyncDispose]();
    blocker.close();
  });

  it.each([
    ['a port that is taken', () => ({ port: house.port }), 'conflict', 'http/port'],
    ['an address that is not ours', () => ({ host: '192.0.2.1', port: 0 }), 'invalid', 'http/address'],
  ])('says so when it was asked for %s', async (_what, settings, kind, code) => {
    await expect(http.open(settings(), { zones: [], host: fakeHost(new FakeClock()) })).rejects.toMatchObject({ kind, code });
  });
});
