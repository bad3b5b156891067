import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { FakeClock, Scope, silentLog, TonearmError } from '#foundation';
import { openRangeServer, type RangeServer } from '../test-kit/range-server.ts';
import { HttpBytes, HttpWorld } from './http-bytes.ts';

const calm = new AbortController().signal;
const bytes = randomBytes(1_500_000);
let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

async function open({ servers = 1, data = bytes, urls = (list: RangeServer[]) => list.map(({ url }) => url) } = {}) {
  const list = await Promise.all(Array.from({ length: servers }, async () => scope.use(await openRangeServer(data))));
  const clock = new FakeClock();
  const world = scope.use(new HttpWorld(clock, silentLog));
  let wanted = 0;
  const http = scope.use(new HttpBytes(urls(list), world, () => (wanted += 1)));
  const read = async (at: number, length: number) => {
    const out = Buffer.alloc(length);
    let filled = 0;
    while (filled < length) {
      const part = await http.read(at + filled, length - filled, calm);
      if (part.length === 0) break;
      out.set(part, filled);
      filled += part.length;
    }
    return out.subarray(0, filled);
  };
  /** Runs fake time until the promise settles. */
  const settle = async <T>(promise: Promise<T>, step = 100): Promise<T> => {
    let done = false;
    const end = () => (done = true);
    promise.then(end, end);
    for (let turn = 0; !done; turn++) {
      if (turn > 20_000) throw new Error('It never settled.');
      await setImmediate();
      if (turn % 10 === 9) await clock.advance(step);
    }
    return promise;
  };
  return { servers: list, server: list[0]!, clock, world, http, read, settle, wanted: () => wanted };
}

test('reads everything, in few requests, in order, without any token but the address', async () => {
  const { server, read, http } = await open();
  expect((await read(0, bytes.length + 10)).equals(bytes)).toBe(true);
  expect(await http.size(calm)).toBe(bytes.length);
  expect(server.requests.map(({ from, to }) => [from, to])).toEqual([
    [0, 65_536],
    [65_536, 327_680],
    [327_680, 589_824],
    [589_824, 851_968],
    [851_968, 1_114_112],
    [1_114_112, 1_376_256],
    [1_376_256, 1_500_000],
  ]);
  for (const { headers } of server.requests) {
    expect(Object.keys(headers).sort()).toEqual(['connection', 'host', 'range', 'user-agent']);
  }
});

test('keeps its connections', async () => {
  const { server, read } = await open();
  await read(0, bytes.length);
  expect(new Set(server.requests.map(({ socket }) => socket)).size).toBeLessThanOrEqual(4);
});

test('asks at most three chunks ahead and four at once', async () => {
  const { server, read, http } = await open();
  await read(0, 65_536);
  // The read that completes the first chunk sets the next three going.
  await http.read(65_535, 1, calm);
  while (server.requests.length < 4) await setImmediate();
  await http.read(65_536, 1, calm);
  await setImmediate();
  expect(server.requests.length).toBeLessThanOrEqual(5);
  expect(server.most()).toBeLessThanOrEqual(4);
});

test('hands out what has come before the chunk is complete', async () => {
  const { server, http } = await open();
  server.fault = () => ({ cutAfter: 10_000 });
  const first = await http.read(0, 100, calm);
  expect(Buffer.from(first).equals(bytes.subarray(0, 100))).toBe(true);
});

test('any reads at any places give the right bytes', async () => {
  const { read, http } = await open();
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length), fc.nat(200_000), fc.boolean(), async (at, length, aside) => {
      if (aside) {
        const part = await http.read(at, 500, calm, { ahead: false });
        expect(bytes.subarray(at, at + part.length).equals(part)).toBe(true);
      }
      expect((await read(at, length)).equals(bytes.subarray(at, at + length))).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test('a file shorter than the first request', async () => {
  const { read, server } = await open({ data: bytes.subarray(0, 1000) });
  expect((await read(0, 5000)).equals(bytes.subarray(0, 1000))).toBe(true);
  expect(server.requests).toHaveLength(1);
});

test('a server without ranges is read as a whole', async () => {
  const { server, read } = await open({ data: bytes.subarray(0, 500_000) });
  server.fault = () => ({ whole: true });
  expect((await read(300_000, 100_000)).equals(bytes.subarray(300_000, 400_000))).toBe(true);
  expect((await read(0, 500_000)).equals(bytes.subarray(0, 500_000))).toBe(true);
  expect(server.requests.length).toBeLessThanOrEqual(2);
});

test('an aborted read leaves the source usable', async () => {
  const { server, http, read } = await open();
  server.fault = () => ({ hold: true });
  const abort = new AbortController();
  const pending = http.read(0, 10, abort.signal);
  while (server.requests.length === 0) await setImmediate();
  abort.abort(new Error('enough'));
  await expect(pending).rejects.toThrow('enough');
  server.fault = () => null;
  server.release();
  expect((await read(0, 100)).equals(bytes.subarray(0, 100))).toBe(true);
});

test('a jump calls off what is no longer wanted', async () => {
  const { server, http, read } = await open();
  await read(0, 65_536);
  server.fault = ({ from }) => (from < 1_000_000 ? { hold: true } : null);
  const abort = new AbortController();
  const pending = http.read(65_536, 10, abort.signal).catch(() => 'aborted');
  while (server.requests.length < 2) await setImmediate();
  abort.abort();
  expect(await pending).toBe('aborted');
  expect((await read(1_400_000, 10)).equals(bytes.subarray(1_400_000, 1_400_010))).toBe(true);
  server.fault = () => null;
  expect((await read(65_536, 10)).equals(bytes.subarray(65_536, 65_546))).toBe(true);
});

describe('faults', () => {
  test.each([
    ['a connection that breaks', { cutAfter: 20_000 } as const],
    ['a body that is too short', { shortBy: 500 } as const],
    ['status 503', { status: 503 } as const],
    ['status 429', { status: 429 } as const],
    ['another range than asked for', { wrongRange: true } as const],
  ])('%s once is survived', async (_name, fault) => {
    const { server, read, settle } = await open();
    const hit = new Set<number>();
    server.fault = ({ from }) => {
      if (hit.has(from)) return null;
      hit.add(from);
      return from % 65_536 === 0 ? fault : null;
    };
    expect((await settle(read(0, bytes.length))).equals(bytes)).toBe(true);
  });

  test.each([
    ['truncated', { shortBy: 500 } as const, 'audio/download-cut', 'unavailable'],
    ['503', { status: 503 } as const, 'audio/server-refused', 'unavailable'],
    ['403', { status: 403 } as const, 'audio/address-expired', 'unavailable'],
    ['404', { status: 404 } as const, 'audio/not-on-server', 'not-found'],
    ['416', { status: 416 } as const, 'audio/wrong-size', 'corrupt'],
    ['slow', { hold: true } as const, 'audio/server-slow', 'timeout'],
  ])('always %s: addresses are wanted, then the error says so; no storm', async (_name, fault, code, kind) => {
    const { server, read, settle, wanted } = await open();
    server.fault = () => fault;
    const error = await settle(read(65_530, 10), 500).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code, kind });
    expect(error).toBeInstanceOf(TonearmError);
    expect(wanted()).toBe(1);
    expect(server.requests.length).toBeLessThanOrEqual(4);
  });

  test('a refused address is not asked again; the next one is, at once', async () => {
    const { servers, read, clock } = await open({ servers: 2 });
    servers[0]!.fault = () => ({ status: 403 });
    expect((await read(0, bytes.length)).equals(bytes)).toBe(true);
    expect(servers[0]!.requests).toHaveLength(1);
    expect(clock.monotonic()).toBe(0);
  });

  test('a host that failed is passed over for fifteen minutes', async () => {
    const { servers, read, clock, world } = await open({ servers: 2 });
    servers[0]!.fault = () => ({ status: 500 });
    expect((await read(0, bytes.length)).equals(bytes)).toBe(true);
    expect(servers[0]!.requests).toHaveLength(1);
    const host = new URL(servers[0]!.url).host;
    expect(world.health.isTrusted(host)).toBe(false);
    await clock.advance(15 * 60_000);
    expect(world.health.isTrusted(host)).toBe(true);
  });

  test('fresh addresses are taken up where the old ones stopped', async () => {
    const { server, read, settle, http, wanted } = await open({ urls: ([only]) => [`${only!.url}&old`] });
    server.fault = ({ path, from }) => (path.endsWith('old') && from > 500_000 ? { status: 403 } : null);
    const all = read(0, bytes.length);
    while (wanted() === 0) await setImmediate();
    http.refresh([`${server.url}&new`]);
    expect((await settle(all)).equals(bytes)).toBe(true);
    expect(wanted()).toBe(1);
  });

  test('fresh addresses that are no better are asked for once, then it is over', async () => {
    const { server, read, settle, http, wanted } = await open();
    server.fault = () => ({ status: 404 });
    const failed = settle(read(0, 10)).catch((error: unknown) => error);
    while (wanted() < 1) await setImmediate();
    http.refresh([server.url]);
    expect(await failed).toMatchObject({ code: 'audio/not-on-server' });
    expect(server.requests).toHaveLength(2);
  });

  test('a server with another file of the same name is not believed', async () => {
    const { servers, http, read, settle } = await open({ servers: 1 });
    const shorter = scope.use(await openRangeServer(bytes.subarray(0, 900_000)));
    await read(0, 10);
    servers[0]!.fault = () => ({ status: 403 });
    const failed = settle(read(600_000, 10), 1000).catch((error: unknown) => error);
    while (servers[0]!.requests.length < 2) await setImmediate();
    http.refresh([shorter.url]);
    expect(await failed).toMatchObject({ code: 'audio/wrong-size' });
  });

  test('no usable address at all', async () => {
    const { read, settle, wanted } = await open({ urls: () => ['ftp://nowhere', 'not an address'] });
    await expect(settle(read(0, 10), 1000)).rejects.toMatchObject({ code: 'audio/no-address' });
    expect(wanted()).toBe(1);
  });
});

test('memory stays bounded on long files', async () => {
  const long = Buffer.alloc(40 * 1024 * 1024, 1);
  const { http } = await open({ data: long });
  let most = 0;
  for (let at = 0; at < long.length; ) {
    const part = await http.read(at, 65_536, calm);
    at += part.length;
    most = Math.max(most, http.held);
  }
  expect(most).toBeGreaterThan(4 * 1024 * 1024);
  expect(most).toBeLessThan(8 * 1024 * 1024);
});

test('a slow network is not taken for a slow server, as long as the requests together bring enough', async () => {
  const { server, clock, http, read } = await open();
  await read(0, 65_536);
  // Of three requests two bring all that eight seconds have to bring, the other next to nothing.
  server.fault = ({ from }) => (from < 300_000 ? { trickle: 100 } : null);
  expect((await http.read(65_536, 1000, calm)).length).toBe(100);
  for (const at of [600_000, 900_000]) {
    await http.read(at, 10, calm, { ahead: false });
    await clock.advance(7000);
    server.release();
  }
  expect((await http.read(65_636, 10, calm)).length).toBe(10);
  expect(server.requests.filter(({ from }) => from === 65_536)).toHaveLength(1);
});

test('a request that brings nothing while others do is dead, and asked for again', async () => {
  const { server, clock, http, read } = await open();
  await read(0, 65_536);
  server.fault = ({ from, index }) => (from < 300_000 && index === 1 ? { hold: true } : null);
  const pending = http.read(65_536, 10, calm);
  while (server.requests.length < 2) await setImmediate();
  for (const at of [600_000, 900_000]) {
    await http.read(at, 10, calm, { ahead: false });
    await clock.advance(7000);
  }
  expect((await pending).length).toBe(10);
  expect(server.requests.filter(({ from }) => from === 65_536)).toHaveLength(2);
});

test('closed in the middle it leaves no timer', async () => {
  const { server, http, clock } = await open();
  server.fault = () => ({ hold: true });
  const pending = http.read(0, 10, calm).catch((error: unknown) => error);
  while (server.requests.length === 0) await setImmediate();
  await http[Symbol.asyncDispose]();
  expect(await pending).toMatchObject({ kind: 'cancelled' });
  await setImmediate();
  expect(clock.pending).toBe(0);
});
