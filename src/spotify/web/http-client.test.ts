import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#foundation';
import { HttpClient } from './http-client.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let handler: Handler;
let server: http.Server;
let origin: string;
let connections: number;
let clock: FakeClock;
let client: HttpClient;

beforeEach(async () => {
  connections = 0;
  handler = (_request, response) => response.end('hello');
  server = http.createServer((request, response) => handler(request, response));
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  clock = new FakeClock();
  client = new HttpClient({ clock, userAgent: 'tonearm/test' });
});

afterEach(async () => {
  client[Symbol.dispose]();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect(clock.pending).toBe(0);
});

describe('HttpClient', () => {
  it('keeps a connection and says the length of nothing', async () => {
    const seen: unknown[] = [];
    handler = ({ method, url, headers, socket }, response) => {
      seen.push([method, url, headers['content-length'], headers['user-agent'], headers['transfer-encoding']]);
      response.end(String(socket.remotePort));
    };
    const ports = new Set<string>();
    for (const method of ['GET', 'PUT', 'POST', 'DELETE'] as const) ports.add((await client.send({ method, origin, path: '/a' })).body.toString());
    expect(ports.size).toBe(1);
    expect(seen).toEqual(['GET', 'PUT', 'POST', 'DELETE'].map((method) => [method, '/a', '0', 'tonearm/test', undefined]));
  });

  it('sends the query byte for byte and escapes only what HTTP forbids', async () => {
    const paths: (string | undefined)[] = [];
    handler = ({ url }, response) => {
      paths.push(url);
      response.end();
    };
    await client.send({ method: 'GET', origin, path: '/radio?uri=spotify:track:1&x=%3A%zz' });
    await client.send({ method: 'GET', origin, path: '/caf\u00e9 \ud83d\ude00' });
    expect(paths).toEqual(['/radio?uri=spotify:track:1&x=%3A%zz', '/caf%C3%A9%20%F0%9F%98%80']);
  });

  it('asks nothing of a service while the pause lasts that it asked for, and nothing of a host when two of its services did', async () => {
    const seen: string[] = [];
    let isBusy = true;
    handler = ({ url = '' }, response) => {
      seen.push(url);
      if (isBusy) response.writeHead(429, { 'Retry-After': '3' });
      response.end();
    };
    const get = (path: string) => client.send({ method: 'GET', origin, path });
    expect((await get('/one/a')).status).toBe(429);
    await clock.advance(1000);
    await expect(get('/one/b')).rejects.toMatchObject({ code: 'spotify/rate-limited', retryAfter: 2000 });
    isBusy = false;
    expect((await get('/two')).status).toBe(200);
    isBusy = true;
    expect((await get('/two')).status).toBe(429);
    await expect(get('/three')).rejects.toMatchObject({ code: 'spotify/rate-limited', retryAfter: 2000 });
    isBusy = false;
    await clock.advance(2000);
    expect((await get('/one/b')).status).toBe(200);
    expect((await get('/three')).status).toBe(200);
    await expect(get('/two?x')).rejects.toMatchObject({ retryAfter: 1000 });
    expect(seen).toEqual(['/one/a', '/two', '/two', '/one/b', '/three']);
  });

  it('follows no redirect', async () => {
    handler = (_request, response) => response.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end();
    expect((await client.send({ method: 'GET', origin, path: '/' })).status).toBe(302);
  });

  it('hands an aborted request its reason and closes the connection', async () => {
    const arrived = new Promise<IncomingMessage>((resolve) => (handler = (request) => resolve(request)));
    const abort = new AbortController();
    const sent = client.send({ method: 'GET', origin, path: '/' }, abort.signal);
    const request = await arrived;
    const closed = new Promise((resolve) => request.on('close', resolve));
    abort.abort(new Error('no longer'));
    await expect(sent).rejects.toThrow('no longer');
    await closed;
    await expect(client.send({ method: 'GET', origin, path: '/' }, abort.signal)).rejects.toThrow('no longer');
  });

  it('gives up after its time, also in the middle of an answer', async () => {
    for (const silent of [() => undefined, (response: ServerResponse) => response.write('half')]) {
      const arrived = new Promise<void>((resolve) => {
        handler = (_request, response) => {
          silent(response);
          resolve();
        };
      });
      const sent = client.send({ method: 'GET', origin, path: '/', time: 1000 });
      const result = expect(sent).rejects.toMatchObject({ kind: 'timeout', code: 'spotify/no-answer' });
      await arrived;
      await clock.advance(1000);
      await result;
    }
  });

  it('drops an answer that is too large', async () => {
    handler = (_request, response) => response.end(Buffer.alloc(5000));
    await expect(client.send({ method: 'GET', origin, path: '/', limit: 4999 })).rejects.toMatchObject({ kind: 'corrupt', code: 'spotify/answer-too-large' });
    expect((await client.send({ method: 'GET', origin, path: '/', limit: 5000 })).body).toHaveLength(5000);
  });

  it('tells a cut answer from a whole one', async () => {
    handler = (_request, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('short', () => response.destroy());
    };
    await expect(client.send({ method: 'GET', origin, path: '/' })).rejects.toMatchObject({ kind: 'unavailable', code: 'spotify/answer-cut' });
  });

  it('names host and reason, and neither path nor query, when nobody listens', async () => {
    const spare = net.createServer();
    await new Promise<void>((resolve) => spare.listen(0, '127.0.0.1', resolve));
    const { port } = spare.address() as AddressInfo;
    await new Promise((resolve) => spare.close(resolve));
    const sent = client.send({ method: 'GET', origin: `http://127.0.0.1:${port}`, path: '/?access_token=hidden' });
    const error = await sent.then(() => new Error('answered'), (thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ kind: 'unavailable', code: 'spotify/no-connection' });
    expect(error.message).toContain('127.0.0.1');
    expect(error.message).not.toContain('hidden');
  });

  it('repeats a request once when a kept connection has silently died', async () => {
    let answered = 0;
    handler = ({ socket }, response) => {
      answered += 1;
      if (answered === 2) socket.resetAndDestroy();
      else response.end(String(answered));
    };
    await client.send({ method: 'GET', origin, path: '/' });
    expect((await client.send({ method: 'PUT', origin, path: '/', body: Buffer.from('again') })).body.toString()).toBe('3');
    // All kept connections die together; the second try is made on a new one.
    handler = (_request, response) => response.end();
    await Promise.all([1, 2, 3].map(() => client.send({ method: 'GET', origin, path: '/' })));
    let resets = 0;
    handler = ({ socket }, response) => (++resets === 1 ? socket.resetAndDestroy() : response.end('new'));
    const before = connections;
    expect((await client.send({ method: 'GET', origin, path: '/' })).body.toString()).toBe('new');
    expect(connections).toBe(before + 1);
    handler = ({ socket }) => socket.resetAndDestroy();
    await expect(client.send({ method: 'GET', origin, path: '/' })).rejects.toMatchObject({ code: 'spotify/no-connection' });
  });

  it('opens connections ahead of need and uses them', async () => {
    const arrived = new Promise<void>((resolve) => {
      let count = 0;
      server.on('connection', () => ++count === 2 && resolve());
    });
    client.warm(origin, 2);
    await arrived;
    client.warm(origin, 2);
    await Promise.all([client.send({ method: 'GET', origin, path: '/' }), client.send({ method: 'GET', origin, path: '/' })]);
    expect(connections).toBe(2);
    client.warm(origin, 2);
    await client.send({ method: 'GET', origin, path: '/' });
    expect(connections).toBe(2);
  });

  it('forgets a connection that the far side closed before it was needed', async () => {
    const opened = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
    client.warm(origin, 1);
    const socket = await opened;
    const gone = new Promise((resolve) => socket.on('close', resolve));
    socket.resetAndDestroy();
    await gone;
    expect((await client.send({ method: 'GET', origin, path: '/' })).body.toString()).toBe('hello');
  });
});
