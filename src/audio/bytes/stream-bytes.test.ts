import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock, silentLog } from '#foundation';
import { chunked, openSoundServer, redirect, whole, type SoundServer } from '../test-kit/sound-server.ts';
import { HttpWorld } from './http-bytes.ts';
import { isNear } from './near.ts';
import { StreamBytes } from './stream-bytes.ts';

const bytes = randomBytes(300_000);
const calm = new AbortController().signal;
let clock: FakeClock;
let world: HttpWorld;
let server: SoundServer;
const opened: StreamBytes[] = [];

beforeEach(async () => {
  clock = new FakeClock();
  world = new HttpWorld(clock, silentLog);
  server = await openSoundServer({
    '/whole': whole(bytes, 'audio/wav'),
    '/chunked': chunked(bytes),
    '/moved': redirect('/whole'),
    '/far': redirect('ftp://127.0.0.1/x'),
    '/loop': redirect('/loop'),
    '/page': whole(Buffer.from('<html></html>'), 'text/html; charset=utf-8'),
    '/forbidden': (response) => void response.writeHead(403).end(),
    '/broken': (response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write(Buffer.alloc(100), () => response.destroy());
    },
    '/silent': () => undefined,
    '/halting': (response) => {
      response.writeHead(200).write(bytes.subarray(0, 100));
    },
    '/huge': (response) => {
      response.writeHead(200, { 'content-length': 65 * 1024 * 1024 }).flushHeaders();
    },
  });
});
afterEach(async () => {
  for (const stream of opened.splice(0)) await stream[Symbol.asyncDispose]();
  world[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

const open = (...paths: string[]) => {
  const stream = new StreamBytes(paths.map((path) => (path.startsWith('/') ? server.url(path) : path)), world, false);
  opened.push(stream);
  return stream;
};
async function all(stream: StreamBytes): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (let at = 0, part = await stream.read(0, 7000, calm); part.length > 0; part = await stream.read(at, 7000, calm)) {
    parts.push(Buffer.from(part));
    at += part.length;
  }
  return Buffer.concat(parts);
}

test.each(['/whole', '/chunked', '/moved'])('%s: the same bytes, fetched once, again from any place', async (path) => {
  const stream = open(path);
  expect((await all(stream)).equals(bytes)).toBe(true);
  expect(await stream.size(calm)).toBe(bytes.length);
  expect(Buffer.from(await stream.read(1234, 50, calm)).equals(bytes.subarray(1234, 1284))).toBe(true);
  expect(server.requests.filter((one) => one !== '/moved')).toHaveLength(1);
});

test.each([
  ['/nothing', 'audio/not-on-server', 'not-found'],
  ['/forbidden', 'audio/server-refused', 'forbidden'],
  ['/page', 'audio/web-page', 'invalid'],
  ['/loop', 'audio/too-many-redirects', 'unavailable'],
  ['/far', 'audio/bad-address', 'invalid'],
  ['/huge', 'audio/too-large', 'invalid'],
  ['http://127.0.0.1:9/', 'audio/server-unreachable', 'unavailable'],
  ['file:///etc/hostname', 'audio/bad-address', 'invalid'],
])('%s: %s', async (path, code, kind) => {
  const error = await open(path).read(0, 10, calm).then(() => null, (thrown: unknown) => thrown as Error);
  expect(error).toMatchObject({ code, kind });
  expect(error?.message).toMatch(/^[A-Z].*\.$/);
});

test('redirects are followed five times and not more', async () => {
  await open('/loop').read(0, 10, calm).catch(() => null);
  expect(server.requests).toHaveLength(6);
});

test('an address that does not answer is passed over for the next', async () => {
  expect((await all(open('http://127.0.0.1:9/', '/whole'))).equals(bytes)).toBe(true);
});

test('a download that is cut tells so, and keeps what came', async () => {
  const stream = open('/broken');
  expect((await stream.read(0, 1000, calm)).length).toBe(100);
  await expect(stream.read(100, 10, calm)).rejects.toMatchObject({ code: 'audio/download-cut' });
});

test.each([
  ['/silent', 'audio/server-unreachable'],
  ['/halting', 'audio/download-cut'],
])('%s: ten seconds without a byte are enough', async (path, code) => {
  const stream = open(path);
  const failed = expect(stream.read(100, 10, calm)).rejects.toMatchObject({ code });
  while (server.requests.length === 0 || (path === '/halting' && (await stream.read(0, 1, calm)).length === 0)) await clock.advance(0);
  for (let passed = 0; passed < 11_000; passed += 500) await clock.advance(500);
  await failed;
});

test('who stops waiting does not stop the download', async () => {
  const stream = open('/chunked');
  const impatient = new AbortController();
  const waiting = stream.read(299_000, 10, impatient.signal);
  impatient.abort(new DOMException('No.', 'AbortError'));
  await expect(waiting).rejects.toThrow('No.');
  expect((await all(stream)).equals(bytes)).toBe(true);
});

test('what has no end is kept only near the reader, and not fetched faster than it is read', async () => {
  let sent = 0;
  const radio = await openSoundServer({
    '/radio': (response) => {
      const more = () => {
        while (!response.destroyed) {
          const part = Buffer.alloc(64 * 1024, (sent / (64 * 1024)) & 0xff);
          sent += part.length;
          if (!response.write(part)) break;
        }
      };
      response.on('drain', more);
      response.writeHead(200);
      more();
    },
  });
  const stream = new StreamBytes([radio.url('/radio')], world, true);
  for (let at = 0; at < 12 * 1024 * 1024; ) {
    const part = await stream.read(at, 64 * 1024, calm);
    expect(part[0]).toBe((Math.floor(at / (64 * 1024))) & 0xff);
    at += part.length;
  }
  expect(sent).toBeLessThan(30 * 1024 * 1024);
  await expect(stream.read(0, 10, calm)).rejects.toMatchObject({ code: 'audio/no-way-back' });
  await stream[Symbol.asyncDispose]();
  await radio[Symbol.asyncDispose]();
});

test.each([
  ['127.0.0.1', true], ['192.168.1.5', true], ['10.1.2.3', true], ['172.20.0.1', true], ['172.32.0.1', false], ['8.8.8.8', false],
  ['[::1]', true], ['[fe80::1]', true], ['fd12::5', true], ['[2001:db8::1]', false],
  ['homeassistant', true], ['homeassistant.local', true], ['ha.home.arpa', true], ['example.com', false], ['local.example.com', false],
])('%s at home: %s', (host, expected) => {
  expect(isNear(host)).toBe(expected);
});
