import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { FakeClock, Secret, silentLog, type TonearmError } from '#foundation';
import { decodeDealerFrame, encodeDealerMessage, encodeDealerRequest } from '#spotify/wire';
import { Dealer, type DealerMessage, type DealerRequest } from './dealer.ts';

const ident = 'hm://connect-state/v1/player/command';
const command = { message_id: 7, sent_by_device_id: 'phone', command: { endpoint: 'pause' } };

let clock: FakeClock;
let server: http.Server;
let sockets: WebSocket[];
let raw: Duplex[];
let upgrades: { url: string; agent: string | undefined; at: number }[];
/** What each coming upgrade is answered with; 101 when there is nothing left. */
let statuses: (number | 'hang')[];
/** Sent at once on a fresh socket; the connection id unless told. */
let greeting: (n: number) => string[];
let received: string[];
let dealer: Dealer;
let ids: string[];
let reasons: TonearmError[];
let requests: DealerRequest[];
let messages: DealerMessage[];
let ended: TonearmError | null;
let moved: string[];
let token: Secret<string>;
let renewals: number;
let random: number;

const hello = (n: number) => [encodeDealerMessage({ uri: `hm://pusher/v1/connections/id${n}`, headers: { 'spotify-CONNECTION-id': `id${n}` } })];

async function until(test: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!test()) {
    if (performance.now() > end) throw new Error(`never came: ${test.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

beforeEach(async () => {
  clock = new FakeClock();
  sockets = [];
  raw = [];
  upgrades = [];
  statuses = [];
  greeting = hello;
  received = [];
  [ids, reasons, requests, messages, moved] = [[], [], [], [], []];
  ended = null;
  token = new Secret('token-0&x');
  renewals = 0;
  random = 0.5;
  const ws = new WebSocketServer({ noServer: true });
  server = http.createServer();
  server.on('upgrade', (request, socket, head) => {
    upgrades.push({ url: request.url ?? '', agent: request.headers['user-agent'], at: clock.monotonic() });
    const status = statuses.shift();
    raw.push(socket);
    if (status === 'hang') return;
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} no\r\nContent-Length: 0\r\nConnection: close\r\n${status === 429 ? 'Retry-After: 40\r\n' : ''}\r\n`);
      return;
    }
    ws.handleUpgrade(request, socket, head, (accepted) => {
      sockets.push(accepted);
      accepted.on('error', () => undefined);
      accepted.on('message', (data: Buffer) => received.push(data.toString()));
      accepted.on('ping', () => received.push('control ping'));
      for (const frame of greeting(sockets.length)) accepted.send(frame);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  dealer = new Dealer({
    directory: { current: () => Promise.resolve(address), failed: (_service, failed) => void moved.push(failed) },
    authority: {
      accessToken: () => Promise.resolve(token),
      renew: () => {
        token = new Secret(`token-${++renewals}`);
        return Promise.resolve();
      },
    },
    agent: new http.Agent(),
    insecure: true,
    userAgent: 'tonearm/test',
    clock,
    log: silentLog,
    random: () => random,
  });
  dealer.events.on('connected', ({ connectionId }) => ids.push(connectionId));
  dealer.events.on('disconnected', ({ reason }) => reasons.push(reason));
  dealer.events.on('request', (request) => requests.push(request));
  dealer.events.on('message', (message) => messages.push(message));
  dealer.events.on('ended', ({ error }) => (ended = error));
});

afterEach(async () => {
  const closing = dealer[Symbol.asyncDispose]();
  for (const socket of sockets) socket.terminate();
  await closing;
  await dealer[Symbol.asyncDispose]();
  expect(clock.pending).toBe(0);
  for (const socket of raw) socket.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function connect(): Promise<WebSocket> {
  dealer.start();
  await until(() => ids.length === 1);
  return sockets[0]!;
}

const replies = () => received.flatMap((text) => (text === 'control ping' ? [] : [decodeDealerFrame(text)])).filter((frame) => frame.type === 'reply');

describe('the dealer', () => {
  it('connects with the token, and takes the connection id whatever the spelling of its header', async () => {
    await connect();
    expect(upgrades).toEqual([{ url: '/?access_token=token-0%26x', agent: 'tonearm/test', at: 0 }]);
    expect(dealer.connectionId).toBe('id1');
  });

  it('pings in both ways every half minute', async () => {
    const socket = await connect();
    await clock.advance(30_000);
    await until(() => received.length === 2);
    expect([...received].sort()).toEqual(['control ping', '{"type":"ping"}']);
    socket.send('{"type":"pong"}');
    await until(() => true);
    expect(reasons).toEqual([]);
  });

  it('takes 40 s of silence for death, and any frame for life', async () => {
    const socket = await connect();
    for (let n = 0; n < 5; n++) {
      await clock.advance(29_000);
      socket.send('not even json');
      socket.ping();
      const before = clock.monotonic();
      await new Promise((resolve) => socket.once('pong', resolve));
      expect(clock.monotonic()).toBe(before);
    }
    expect(ids).toHaveLength(1);
    // From here on nothing is answered: not even control pings.
    socket.pause();
    await clock.advance(40_000);
    await until(() => reasons.length > 0);
    expect(reasons[0]).toMatchObject({ kind: 'timeout', code: 'spotify/dealer-lost' });
    expect(dealer.connectionId).toBeNull();
    await clock.advance(500);
    await until(() => ids.length === 2);
  });

  it('connects again with growing pauses and a fresh token each time', async () => {
    const socket = await connect();
    token = new Secret('later');
    statuses = [503, 500, 404];
    socket.close(1001, 'going to be redeployed');
    await until(() => reasons.length === 1);
    expect(reasons[0]).toMatchObject({ code: 'spotify/dealer-closed', message: expect.stringContaining('1001') });
    for (const pause of [500, 750, 1125, 1688]) {
      const before = upgrades.length;
      await clock.advance(pause - 1);
      expect(upgrades).toHaveLength(before);
      await clock.advance(1);
      await until(() => upgrades.length === before + 1 && (reasons.length === before + 1 || ids.length === 2));
    }
    await until(() => ids.length === 2);
    expect(upgrades.slice(1).every(({ url }) => url === '/?access_token=later')).toBe(true);
    expect(moved).toHaveLength(3);
  });

  it('is back ten seconds after a long trouble at the latest, however the dice fall', async () => {
    random = 1;
    statuses = Array<number>(30).fill(503);
    dealer.start();
    for (let tries = 1; tries <= 30; tries++) {
      await until(() => reasons.length === tries);
      for (let waited = 0; upgrades.length === tries && waited < 10_000; waited += 250) await clock.advance(250);
      await until(() => upgrades.length === tries + 1);
    }
    await until(() => ids.length === 1);
    expect(upgrades).toHaveLength(31);
  });

  it('gets a new token on 401, once and at once', async () => {
    statuses = [401];
    await connect();
    expect(renewals).toBe(1);
    expect(upgrades.map(({ url, at }) => [url, at])).toEqual([['/?access_token=token-0%26x', 0], ['/?access_token=token-1', 0]]);
  });

  it('does not renew in a storm when 401 stays', async () => {
    statuses = Array<number>(50).fill(401);
    dealer.start();
    await until(() => reasons.length === 2);
    for (let n = 0; n < 60; n++) {
      await clock.advance(1000);
      await until(() => reasons.length === upgrades.length);
    }
    expect(renewals).toBe(1);
    expect(upgrades.length).toBeLessThan(15);
  });

  it('waits as long as a throttle asks for', async () => {
    statuses = [429];
    dealer.start();
    await until(() => reasons.length === 1);
    dealer.hurry();
    await clock.advance(39_000);
    expect(upgrades).toHaveLength(1);
    await clock.advance(1000);
    await until(() => ids.length === 1);
  });

  it('is over on 403', async () => {
    statuses = [403];
    dealer.start();
    await until(() => ended !== null);
    expect(ended).toMatchObject({ kind: 'forbidden', code: 'spotify/dealer-forbidden' });
    await clock.advance(600_000);
    expect(upgrades).toHaveLength(1);
  });

  it('gives up on an upgrade that hangs, and on a socket that does not say who we are', async () => {
    statuses = ['hang'];
    dealer.start();
    await until(() => upgrades.length === 1);
    await clock.advance(10_000);
    await until(() => reasons.length === 1);
    expect(reasons[0]).toMatchObject({ code: 'spotify/dealer-silent' });
    greeting = (n) => (n === 1 ? [] : n === 2 ? [encodeDealerMessage({ uri: 'hm://pusher/v1/connections/x' })] : hello(n));
    await clock.advance(500);
    await until(() => sockets.length === 1);
    await clock.advance(10_000);
    await until(() => reasons.length === 2);
    await clock.advance(1000);
    await until(() => reasons.length === 3);
    expect(reasons.slice(1).map(({ code }) => code)).toEqual(['spotify/dealer-nameless', 'spotify/dealer-nameless']);
    await clock.advance(2000);
    await until(() => ids.length === 1);
  });

  it('delivers messages that come in one piece with the connection id', async () => {
    greeting = (n) => [...hello(n), encodeDealerMessage({ uri: 'hm://a/b', payload: Buffer.from('x'), gzip: true }), '{"type":"new"}', '[]', encodeDealerMessage({ uri: 'social-connect/v2/x', json: { a: 1 } })];
    await connect();
    await until(() => messages.length === 2);
    expect(messages.map(({ uri, payload, json }) => [uri, payload.toString(), json])).toEqual([
      ['hm://a/b', 'x', null],
      ['social-connect/v2/x', '{"a":1}', { a: 1 }],
    ]);
  });

  it.each([true, false])('answers a request exactly once (gzip: %s)', async (gzip) => {
    const socket = await connect();
    socket.send(encodeDealerRequest({ ident, key: 'k1', body: command, gzip }));
    socket.send(encodeDealerRequest({ ident, key: 'k1', body: command, gzip }));
    await until(() => requests.length === 1);
    expect(requests[0]?.request).toMatchObject({ messageId: 7, sentBy: 'phone', endpoint: 'pause' });
    requests[0]?.reply(true);
    requests[0]?.reply(false);
    await until(() => replies().length > 0);
    await clock.advance(10_000);
    expect(replies()).toEqual([{ type: 'reply', key: 'k1', success: true }]);
    expect(requests).toHaveLength(1);
  });

  it('declines what it cannot read, what is not for players, and what nobody answers', async () => {
    const socket = await connect();
    socket.send(encodeDealerRequest({ ident, key: 'broken', body: Buffer.from('{'), gzip: false }));
    socket.send(encodeDealerRequest({ ident: 'hm://else', key: 'foreign', body: command }));
    socket.send(encodeDealerRequest({ ident, key: 'no-object', body: [1] }));
    socket.send(encodeDealerRequest({ ident, key: 'unanswered', body: command }));
    await until(() => requests.length === 1 && replies().length === 3);
    await clock.advance(8000);
    await until(() => replies().length === 4);
    expect(replies().map(({ key, success }) => [key, success])).toEqual([
      ['broken', false],
      ['foreign', false],
      ['no-object', false],
      ['unanswered', false],
    ]);
    requests[0]?.reply(true);
    await clock.advance(0);
    expect(replies()).toHaveLength(4);
  });

  it('does not answer on a new socket what was asked on an old one', async () => {
    const socket = await connect();
    socket.send(encodeDealerRequest({ ident, key: 'old', body: command }));
    await until(() => requests.length === 1);
    dealer.reopen();
    await until(() => reasons.length === 1);
    expect(reasons[0]).toMatchObject({ code: 'spotify/stale-connection' });
    await clock.advance(500);
    await until(() => ids.length === 2);
    requests[0]?.reply(true);
    await clock.advance(8000);
    expect(replies()).toEqual([]);
  });

  it('declines what is open when it closes', async () => {
    const socket = await connect();
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.send(encodeDealerRequest({ ident, key: 'late', body: command }));
    await until(() => requests.length === 1);
    await dealer[Symbol.asyncDispose]();
    expect(await closed).toBe(1001);
    expect(replies()).toEqual([{ type: 'reply', key: 'late', success: false }]);
    await clock.advance(600_000);
    expect(upgrades).toHaveLength(1);
  });

  it('survives a listener that throws', async () => {
    dealer.events.on('message', () => {
      throw new Error('bug');
    });
    const socket = await connect();
    socket.send(encodeDealerMessage({ uri: 'hm://a/b' }));
    await until(() => messages.length === 1);
    expect(dealer.connectionId).toBe('id1');
  });

  it('need not sit out its pause when there is good news', async () => {
    const socket = await connect();
    socket.terminate();
    await until(() => reasons.length === 1);
    dealer.hurry();
    await until(() => ids.length === 2);
    expect(clock.monotonic()).toBe(0);
  });
});
