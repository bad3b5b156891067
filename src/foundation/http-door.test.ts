import http from 'node:http';
import net from 'node:net';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { type HttpDoorOptions, isOwnHost, isPortTaken, openHttpDoor, readBody } from './http-door.ts';

async function withDoor(options: Partial<HttpDoorOptions>, work: (door: Awaited<ReturnType<typeof openHttpDoor>>, troubles: unknown[]) => Promise<void>): Promise<void> {
  const troubles: unknown[] = [];
  const door = await openHttpDoor({ address: '127.0.0.1', port: 0, serve: async (_request, response) => void response.end('hello'), trouble: (error) => troubles.push(error), ...options });
  try {
    await work(door, troubles);
  } finally {
    await door[Symbol.asyncDispose]();
  }
}

/** What came back until the far side hung up. */
const say = (port: number, ...parts: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    let got = '';
    const socket = net.connect(port, '127.0.0.1', () => {
      for (const part of parts) socket.write(part);
    });
    socket.setEncoding('utf8').on('data', (part: string) => (got += part));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(got));
  });

describe('an HTTP door', () => {
  it('answers, and tells who listens already', async () => {
    await withDoor({}, async ({ port }) => {
      expect(await say(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 [^]*hello$/);
      const error: unknown = await openHttpDoor({ address: '127.0.0.1', port, serve: () => Promise.resolve(), trouble: () => undefined }).catch((thrown: unknown) => thrown);
      expect(isPortTaken(error)).toBe(true);
    });
  });

  it('goes on after faults of connections, requests and the listening socket', async () => {
    const serve = () => Promise.reject(new Error('ours'));
    await withDoor({ serve }, async ({ port, server }, troubles) => {
      expect(await say(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('');
      expect(await say(port, 'nonsense\r\n\r\n')).toBe('');
      server.emit('error', new Error('no more files'));
      expect(troubles.map((error) => (error as Error).message)).toEqual(['ours', 'no more files']);
    });
  });

  it('closes at once, whoever is there, and twice is as once', async () => {
    const door = await openHttpDoor({ address: '127.0.0.1', port: 0, serve: () => new Promise(() => undefined), trouble: () => undefined });
    const hanging = say(door.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => door.server.once('request', resolve));
    await Promise.all([door[Symbol.asyncDispose](), door[Symbol.asyncDispose]()]);
    expect(await hanging).toBe('');
  });

  it('lets answers get out when it was told to', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    const door = await openHttpDoor({ address: '127.0.0.1', port: 0, grace: 60_000, serve: async (_request, response) => (await gate, void response.end('done')), trouble: () => undefined });
    const waiting = say(door.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => door.server.once('request', resolve));
    const closed = door[Symbol.asyncDispose]();
    open();
    expect(await waiting).toMatch(/done$/);
    await closed;
  });
});

describe('a body', () => {
  it.each([
    ['nothing', 0, 'length 0'],
    ['as much as may be', 100, 'length 100'],
    ['a byte too much', 101, 'too long'],
    ['far too much', 1_000_000, 'too long'],
  ])('of %s', async (_what, length, answer) => {
    await withDoor({ serve: async (request, response) => void response.end(await readBody(request, 100).then((body) => (body === null ? 'too long' : `length ${body.length}`))) }, async ({ port }) => {
      const got = await new Promise<string>((resolve, reject) => {
        const request = http.request({ port, host: '127.0.0.1', method: 'POST', agent: false }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => (text += part)).on('end', () => resolve(text));
        });
        request.on('error', reject);
        request.end('x'.repeat(length));
      });
      expect(got).toBe(answer);
    });
  });

  it('whose sender goes away is an error', async () => {
    await withDoor({ serve: async (request) => {
      await readBody(request, 100);
    } }, async ({ port, server }, troubles) => {
      const socket = net.connect(port, '127.0.0.1', () => socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc'));
      await new Promise((resolve) => server.once('request', resolve));
      const closed = new Promise((resolve) => server.once('connection', resolve));
      socket.destroy();
      await Promise.all([closed, say(port, 'nonsense\r\n\r\n')]);
      while (troubles.length === 0) await new Promise((resolve) => setImmediate(resolve));
      expect(troubles).toHaveLength(1);
    });
  });
});

describe('a name we may be asked by', () => {
  it.each([
    ['127.0.0.1', true], ['192.0.2.7:8484', true], ['[::1]:8484', true], ['[fd00::1]', true], ['Speaker.Example', true], ['localhost:8484', true], ['LOCALHOST', true], ['tonearm.local', true], ['box.lan', true], ['box.home.arpa', true], [hostname(), true], ['speaker.example', true],
    ['evil.example', false], ['evil.example:8484', false], ['127.0.0.1.evil.example', false], ['local', false], ['localhost.evil.example', false], ['x.local.evil.example', false], ['', false], ['a b', false], [undefined, false],
  ])('%s: %s', (name, isOurs) => {
    expect(isOwnHost(name, ['speaker.example'])).toBe(isOurs);
  });
});
