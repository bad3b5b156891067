import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { encodeChallenge, encodeDaemonProof, holdsKey, keyHash, parseLogin } from '../../src/surfaces/http/wire/login.ts';
import { attemptTime, dial, type Ending } from './socket.ts';

const key = 'tak_0123456789';
const challenge = '1.abc.def';

/** What answers at an address: the daemon, or whoever says it is. */
let answer: (request: IncomingMessage, stream: Duplex, open: (proof?: string) => void) => void;
/** Everything that came in. */
let sent: string;
let url: string;
let close: () => void;

beforeEach(async () => {
  sent = '';
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on('connection', (socket) => socket.on('data', (data: Buffer) => (sent += data.toString('latin1'))));
  server.on('upgrade', (request, stream, head) => {
    answer(request, stream, (proof) => {
      sockets.once('headers', (lines) => lines.push(`Authentication-Info: ${proof ?? 'none'}`));
      sockets.handleUpgrade(request, stream, head, (socket) => socket.send('hello'));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = () => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
    server.closeAllConnections();
  };
});
afterEach(() => close());

const refuse = (stream: Duplex, more = '', status = 401) => stream.end(`HTTP/1.1 ${status} Refused\r\n${more}Content-Length: 0\r\nConnection: close\r\n\r\n`);
const invite = (stream: Duplex) => refuse(stream, `WWW-Authenticate: ${encodeChallenge(challenge)}\r\n`);

/** What the plugin makes of it: what it heard, or how it ended. */
function call(own: string | null = key): Promise<string | Ending> {
  return new Promise((resolve) => {
    dial(url, own, { opened: () => undefined, alive: () => undefined, ended: resolve, heard: resolve });
  });
}

describe('coming in with a key', () => {
  it('proves it has the key without sending it, and hears the daemon’s proof', async () => {
    answer = (request, stream, open) => {
      const login = parseLogin(request.headers.authorization);
      if (!login) invite(stream);
      else if (holdsKey(login, keyHash(key))) open(encodeDaemonProof(login, keyHash(key)));
      else refuse(stream);
    };
    expect(await call()).toBe('hello');
    expect(await call('tak_another')).toEqual({ kind: 'refused', why: 'it answered with HTTP 401' });
    expect(sent).toContain('authorization: Tonearm challenge');
    for (const secret of [Buffer.from(key), keyHash(key)]) for (const form of ['latin1', 'hex', 'base64', 'base64url'] as const) expect(sent).not.toContain(secret.toString(form));
  });

  const impostors: readonly [string, typeof answer][] = [
    ['asks for no key', (_request, _stream, open) => open()],
    ['asks for one and takes anything', (request, stream, open) => (parseLogin(request.headers.authorization) ? open() : invite(stream))],
    ['makes its proof up', (request, stream, open) => {
      const login = parseLogin(request.headers.authorization);
      if (login) open(encodeDaemonProof(login, keyHash('guessed')));
      else invite(stream);
    }],
  ];
  it.each(impostors)('hears nothing of who %s', async (_what, pretend) => {
    answer = pretend;
    expect(await call()).toEqual({ kind: 'away', why: 'what answers there does not know our key, so it is not the Tonearm the key is from' });
    expect(sent).not.toContain(key);
  });

  it('is not asked again and again', async () => {
    let times = 0;
    answer = (_request, stream) => {
      times += 1;
      invite(stream);
    };
    expect(await call()).toMatchObject({ kind: 'refused' });
    expect(times).toBe(2);
  });

  it('needs none where there is none', async () => {
    answer = (_request, _stream, open) => open();
    expect(await call(null)).toBe('hello');
  });

  it('comes again where it was only late', async () => {
    answer = (request, stream) => (parseLogin(request.headers.authorization) ? refuse(stream, '', 503) : invite(stream));
    expect(await call()).toEqual({ kind: 'away', why: 'it answered with HTTP 503' });
  });
});

describe('the time of an attempt', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  it.each(['HTTP/1.1 401 Refused\r\nContent-Length: 99999\r\n\r\n', 'HTTP/1.1 401 Refused\r\nWarning: '])('ends also while bytes drip after %j', async (beginning) => {
    const gone = new Promise<void>((resolve) => {
      answer = (_request, stream) => {
        stream.write(beginning);
        let drops = 0;
        const drip = setInterval(() => {
          stream.write('x');
          if ((drops += 1) === 3) vi.advanceTimersByTime(attemptTime);
        }, 2);
        stream.on('error', () => undefined).on('close', () => {
          clearInterval(drip);
          resolve();
        });
      };
    });
    expect(await call()).toEqual({ kind: 'away', why: 'it did not answer in time' });
    await gone;
  });

  it.each(['opened', 'refused', 'dropped'])('is over once it is %s', async (how) => {
    answer = (_request, stream, open) => (how === 'opened' ? open() : refuse(stream));
    if (how === 'dropped') dial(url, null, { opened: () => undefined, alive: () => undefined, ended: () => undefined, heard: () => undefined }).drop();
    else await call(null);
    expect(vi.getTimerCount()).toBe(0);
  });
});
