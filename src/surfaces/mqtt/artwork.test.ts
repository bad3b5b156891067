import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, silentLog, systemClock } from '#foundation';
import { someTrack } from '../../../test/contract/surface-fake-player.ts';
import { openWebFetch } from '../web-fetch.ts';
import { Artwork, pickCover } from './artwork.ts';

const jpeg = (byte: number, size = 10) => Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(size - 2, byte)]);
const track = (name: string) => someTrack(`spotify:track:${name}`, { covers: [{ url: name, width: 640 }] });

let clock: FakeClock;
let shown: string[];
let asked: { readonly url: string; readonly signal: AbortSignal; answer(bytes: Uint8Array | Error): void }[];
let artwork: Artwork;

beforeEach(() => {
  clock = new FakeClock();
  shown = [];
  asked = [];
  artwork = new Artwork({
    clock,
    log: silentLog,
    fetchCover: (url, { signal }) => new Promise((resolve, reject) => void asked.push({ url, signal, answer: (answer) => (answer instanceof Error ? reject(answer) : resolve(answer)) })),
    show: (picture) => void shown.push(picture.length === 0 ? 'none' : `picture ${picture[2] ?? 0}`),
  });
});

describe('the picture of a zone', () => {
  it('is fetched once for each cover, and cleared when there is none', async () => {
    artwork.update(track('1'), false);
    artwork.update(track('1'), false);
    expect(asked.map(({ url }) => url)).toEqual(['1']);
    asked[0]?.answer(jpeg(1));
    await clock.advance(0);
    artwork.update(track('1'), false);
    artwork.update(null, false);
    artwork.update(null, false);
    expect(shown).toEqual(['picture 1', 'none']);
    // The last one is still there.
    artwork.update(track('1'), false);
    expect(shown).toEqual(['picture 1', 'none', 'picture 1']);
    expect(asked).toHaveLength(1);
  });

  it('is the newest one, whatever comes in which order', async () => {
    artwork.update(track('1'), false);
    artwork.update(track('2'), false);
    artwork.update(track('3'), false);
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true, false]);
    asked[2]?.answer(jpeg(3));
    asked[0]?.answer(jpeg(1));
    asked[1]?.answer(new Error('late'));
    await clock.advance(0);
    expect(shown).toEqual(['picture 3']);
  });

  it('is shown again to a new connection without being fetched again', async () => {
    artwork.update(track('1'), true);
    artwork.update(track('1'), true);
    asked[0]?.answer(jpeg(1));
    await clock.advance(0);
    artwork.update(track('1'), true);
    expect(shown).toEqual(['picture 1', 'picture 1']);
    expect(asked).toHaveLength(1);
  });

  it.each<[string, Uint8Array | Error]>([['is no JPEG', Buffer.from('<html>')], ['is too large', jpeg(1, 256 * 1024 + 1)], ['cannot be had', new Error('away')]])('is none when it %s', async (_, answer) => {
    artwork.update(track('1'), false);
    asked[0]?.answer(answer);
    await clock.advance(0);
    expect(shown).toEqual(['none']);
    // And it is tried again when somebody asks.
    artwork.update(track('1'), true);
    expect(asked).toHaveLength(2);
  });

  it('is none when it is larger than a message may be, so that the one before does not stay', async () => {
    let shows: Uint8Array | undefined;
    const small = new Artwork({ clock, log: silentLog, limit: 1000, fetchCover: () => Promise.resolve(jpeg(1, 1001)), show: (picture) => (shows = picture) });
    small.update(track('1'), false);
    await clock.advance(0);
    expect(shows).toEqual(new Uint8Array());
  });

  it('is not waited for for ever, nor after the end', async () => {
    artwork.update(track('1'), false);
    await clock.advance(10_000);
    expect(shown).toEqual(['none']);
    expect(asked[0]?.signal.aborted).toBe(true);
    artwork.update(track('2'), false);
    artwork[Symbol.dispose]();
    await clock.advance(0);
    expect(shown).toEqual(['none']);
    expect(clock.pending).toBe(0);
  });
});

it.each<[number[], number | null]>([
  [[], null],
  [[300, 640, 64], 640],
  [[2000, 640, 300], 640],
  [[2000, 1000], 1000],
  [[0], 0],
  [[2000, 0], 0],
])('of covers %j the one of %s pixels is taken', (widths, expected) => {
  expect(pickCover(widths.map((width) => ({ url: String(width), width })))?.width ?? null).toBe(expected);
});

describe('fetching', () => {
  let server: Server;
  let base: string;
  beforeEach(async () => {
    server = createServer((request, response) => {
      if (request.url === '/cover') response.end(jpeg(7));
      else if (request.url === '/large') response.end(Buffer.alloc(5000));
      else if (request.url === '/moved') response.writeHead(302, { Location: '/cover' }).end();
      else if (request.url === '/round') response.writeHead(302, { Location: '/round' }).end();
      else if (request.url === '/astray') response.writeHead(302, { Location: 'file:///etc/passwd' }).end();
      else if (request.url === '/said') {
        let text = '';
        request.setEncoding('utf8').on('data', (part: string) => void (text += part)).on('end', () => response.writeHead(text === 'héard' && request.method === 'PUT' && request.headers['x-room'] === 'kitchen' ? 204 : 400).end());
      } else if (request.url === '/other') response.socket?.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
      else if (request.url !== '/silent') response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
    base = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('gives bytes, up to the limit, and follows nobody elsewhere unless it is asked to', async () => {
    using covers = openWebFetch({ clock: systemClock });
    const fetch = (path: string) => covers.fetch(path, { signal: new AbortController().signal, limit: 1000 });
    expect(Buffer.from(await fetch(`${base}/cover`))).toEqual(jpeg(7));
    for (const path of ['/large', '/moved', '/none']) await expect(fetch(base + path)).rejects.toMatchObject({ code: 'surface/not-fetched' });
    expect(Buffer.from(await covers.fetch(`${base}/moved`, { signal: new AbortController().signal, limit: 1000, redirects: 1 }))).toEqual(jpeg(7));
    for (const path of ['/astray', '/round']) await expect(covers.fetch(base + path, { signal: new AbortController().signal, limit: 1000, redirects: 3 })).rejects.toMatchObject({ code: 'surface/not-fetched' });
    for (const address of ['', 'file:///etc/passwd', 'spotify:image:1']) await expect(fetch(address)).rejects.toMatchObject({ code: 'surface/not-fetched' });
  });

  it('asks for a status, says what it is told to, and follows nobody', async () => {
    using web = openWebFetch({ clock: systemClock });
    const { signal } = new AbortController();
    const ask = (path: string, method = 'GET') => web.request(base + path, { method, headers: {}, signal });
    expect([await ask('/moved'), await ask('/none', 'DELETE'), await ask('/large')]).toEqual([302, 404, 200]);
    expect(await web.request(`${base}/said`, { method: 'PUT', headers: { 'x-room': 'kitchen' }, body: 'héard', signal })).toBe(204);
    await expect(ask('/other')).rejects.toMatchObject({ message: expect.stringContaining('gave no answer') });
    await expect(web.request('http://127.0.0.1:1/', { method: 'GET', headers: {}, signal })).rejects.toMatchObject({ message: '127.0.0.1:1 cannot be reached (ECONNREFUSED).' });
    const abort = new AbortController();
    const asking = web.request(`${base}/silent`, { method: 'GET', headers: {}, signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(asking).rejects.toThrow('enough');
  });

  it('ends when it is told to', async () => {
    using covers = openWebFetch({ clock: systemClock });
    const abort = new AbortController();
    const fetching = covers.fetch(`${base}/silent`, { signal: abort.signal, limit: 1000 });
    abort.abort(new Error('enough'));
    await expect(fetching).rejects.toThrow('enough');
  });
});
