import net, { type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from './clock.ts';
import { Dialler, type DiallerOptions } from './dialler.ts';
import { Secret } from './log.ts';
import { parseProxy } from './proxy.ts';

let clock: FakeClock;
const servers: net.Server[] = [];
const sockets: Socket[] = [];
const diallers: Dialler[] = [];

beforeEach(() => {
  clock = new FakeClock();
});
afterEach(async () => {
  for (const dialler of diallers.splice(0)) dialler[Symbol.dispose]();
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  await setImmediate();
  expect(clock.pending).toBe(0);
});

/** A listener on loopback; every connection is noted. */
async function listen(onSocket: (socket: Socket) => void = () => undefined, host = '127.0.0.1'): Promise<number> {
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

function make(options: Partial<DiallerOptions> = {}): Dialler {
  const dialler = new Dialler({ clock, ...options });
  diallers.push(dialler);
  return dialler;
}

/** Lets sockets work until the promise has settled, moving time on by `step` each turn. */
async function during<T>(work: Promise<T>, step = 0): Promise<T> {
  const progress = { isOver: false };
  const over = () => void (progress.isOver = true);
  work.then(over, over);
  for (let turn = 0; !progress.isOver && turn < 3000; turn++) {
    await setImmediate();
    if (step > 0) await clock.advance(step);
  }
  if (!progress.isOver) throw new Error('still waiting');
  const done = await work;
  if (done instanceof net.Socket) sockets.push(done);
  return done;
}

const codeOf = (work: Promise<unknown>, step = 0) => during(work, step).then(() => 'opened', (error: unknown) => (error as { code?: string }).code);

/** Stands for an address from which nothing comes back; never really dialled. */
const nobody = '192.0.2.1';

describe('Dialler', () => {
  it('gives a dead address a quarter of a second, then tries the next beside it', async () => {
    const port = await listen();
    const dialler = make({ lookup: () => Promise.resolve([{ address: nobody, family: 4 }, { address: '127.0.0.1', family: 4 }]) });
    const real = net.connect;
    net.connect = ((options: net.TcpNetConnectOpts) => (options.host === nobody ? new net.Socket() : real(options))) as typeof net.connect;
    try {
      const socket = await during(dialler.plain({ host: 'two.test', port }), 10);
      expect(socket.remoteAddress).toBe('127.0.0.1');
      expect(clock.monotonic()).toBeGreaterThanOrEqual(250);
      expect(clock.monotonic()).toBeLessThan(400);
    } finally {
      net.connect = real;
    }
  });

  it('goes on at once when an address refuses', async () => {
    const port = await listen();
    const dialler = make({ lookup: () => Promise.resolve([{ address: '127.0.0.9', family: 4 }, { address: '127.0.0.1', family: 4 }]) });
    expect((await during(dialler.plain({ host: 'two.test', port }))).remoteAddress).toBe('127.0.0.1');
    expect(clock.monotonic()).toBe(0);
  });

  it('puts a family that lost second for ten minutes', async () => {
    const port = await listen();
    const asked: string[] = [];
    const dialler = make({
      lookup: (host) => {
        asked.push(host);
        // An IPv6 address nobody listens on, then one that works.
        return Promise.resolve([{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }]);
      },
    });
    await during(dialler.plain({ host: 'both.test', port }));
    let seen = '';
    const spy = net.connect;
    net.connect = ((options: net.NetConnectOpts) => {
      seen += `${(options as { host: string }).host} `;
      return spy(options);
    }) as typeof net.connect;
    try {
      await during(dialler.plain({ host: 'both.test', port }));
      expect(seen).toBe('127.0.0.1 ');
      await clock.advance(600_001);
      await during(dialler.plain({ host: 'both.test', port }));
      expect(seen).toBe('127.0.0.1 ::1 127.0.0.1 ');
      // Connected, and then mute: half-dead IPv4 makes way, too.
      dialler.suspect('IPv4');
      seen = '';
      await during(dialler.plain({ host: 'both.test', port }));
      expect(seen).toBe('::1 127.0.0.1 ');
    } finally {
      net.connect = spy;
    }
    expect(asked).toHaveLength(4);
  });

  it('uses the last known addresses when the resolver is away', async () => {
    const port = await listen();
    let isAway = false;
    const dialler = make({ lookup: () => (isAway ? Promise.reject(Object.assign(new Error('no'), { code: 'EAI_AGAIN' })) : Promise.resolve([{ address: '127.0.0.1', family: 4 }])) });
    await during(dialler.plain({ host: 'known.test', port }));
    isAway = true;
    await during(dialler.plain({ host: 'known.test', port }));
    expect(await codeOf(dialler.plain({ host: 'unknown.test', port }))).toBe('EAI_AGAIN');
  });

  it('gives up after its limit, when told to, and when it is closed', async () => {
    const never = make({ lookup: () => new Promise(() => undefined) });
    expect(await codeOf(never.plain({ host: 'x.test', port: 1 }, { limit: 5000 }), 500)).toBe('ETIMEDOUT');
    const abort = new AbortController();
    const work = never.plain({ host: 'x.test', port: 1 }, { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(during(work)).rejects.toThrow('enough');
    const last = never.plain({ host: 'x.test', port: 1 });
    never[Symbol.dispose]();
    await expect(during(last)).rejects.toThrow('Nobody connects any more.');
  });
});

describe('through a proxy', () => {
  /** Answers CONNECT with what `answer` says; 200 opens the way. */
  async function openProxy(answer: (head: string) => string | null): Promise<{ readonly port: number; readonly heads: string[] }> {
    const heads: string[] = [];
    const port = await listen((socket) => {
      socket.once('data', (bytes: Buffer) => {
        const head = bytes.toString();
        heads.push(head);
        const status = answer(head);
        if (status === null) {
          socket.destroy();
          return;
        }
        if (!status.startsWith('200')) {
          socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\nno`);
          return;
        }
        const [, host = '', to = ''] = /^CONNECT (.*):(\d+) /.exec(head) ?? [];
        const far = net.connect(Number(to), host.replace('far.test', '127.0.0.1'));
        sockets.push(far);
        far.on('error', () => socket.destroy());
        // The answer in two pieces, the second with bytes of the far side.
        socket.write(`HTTP/1.1 ${status}\r\nX-Something: `);
        socket.write('1\r\n\r\nearly ');
        far.pipe(socket);
        socket.pipe(far);
      });
    });
    return { port, heads };
  }

  it('asks for a tunnel by name, with the password, and hands on what came behind the answer', async () => {
    const port = await listen((socket) => socket.on('data', (bytes: Buffer) => socket.write(bytes)));
    const proxy = await openProxy(() => '200 OK');
    const socket = await during(make({ proxy: new Secret(`http://me:p%40ss@127.0.0.1:${proxy.port}`) }).plain({ host: 'far.test', port }));
    let got = '';
    socket.on('data', (bytes: Buffer) => (got += bytes.toString()));
    socket.write('echo');
    for (let turn = 0; got.length < 10 && turn < 1000; turn++) await setImmediate();
    expect(got).toBe('early echo');
    expect(proxy.heads).toEqual([`CONNECT far.test:${port} HTTP/1.1\r\nHost: far.test:${port}\r\nProxy-Authorization: Basic ${Buffer.from('me:p@ss').toString('base64')}\r\n\r\n`]);
  });

  it.each([
    ['407 Proxy Authentication Required', 'network/proxy-login'],
    ['403 Forbidden', 'network/proxy-refused'],
    ['502 Bad Gateway', 'network/proxy-failed'],
    [null, 'network/proxy-unreachable'],
  ])('says what is wrong: %s', async (status, code) => {
    const proxy = await openProxy(() => status);
    const dialler = make({ proxy: new Secret(`http://me:planted@127.0.0.1:${proxy.port}`) });
    const error: unknown = await during(dialler.plain({ host: 'far.test', port: 443 })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'unavailable', code });
    expect((error as Error).message).toContain(`The proxy 127.0.0.1:${proxy.port} `);
    expect((error as Error).message).not.toContain('planted');
  });

  it('says that it is away, or mute', async () => {
    const port = await listen();
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(await codeOf(make({ proxy: new Secret(`http://127.0.0.1:${port}`) }).plain({ host: 'far.test', port: 443 }))).toBe('network/proxy-unreachable');
    const mute = await listen();
    expect(await codeOf(make({ proxy: new Secret(`http://127.0.0.1:${mute}`) }).plain({ host: 'far.test', port: 443 }), 500)).toBe('network/proxy-unreachable');
  });

  it('reads only addresses of proxies', () => {
    expect(parseProxy('http://proxy:3128')).toEqual({ host: 'proxy', port: 3128, isSecure: false, authorization: null });
    expect(parseProxy('https://[::1]/')).toEqual({ host: '::1', port: 443, isSecure: true, authorization: null });
    for (const wrong of ['proxy:3128', 'socks5://proxy:1080', '', 'http://']) expect(parseProxy(wrong)).toBeNull();
    expect(() => make({ proxy: new Secret('nonsense') })).toThrow('cannot be understood');
  });
});
