import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, silentLog } from '#foundation';
import { productionEndpoints } from '../ports.ts';
import { Directory, splitAddress } from './directory.ts';
import { HttpClient, type HttpRequest, type HttpResponse } from './http-client.ts';
import { ServerClock } from './server-clock.ts';

const good = { accesspoint: ['a:1', 'b:2'], dealer: ['d:1'], spclient: ['s:1', 's:2', 's:3'] };

let clock: FakeClock;
let answer: { status: number; body: string };
let asked: string[];
let directory: Directory;

function make(url: string, more: { friendlyPorts?: boolean; store?: { read(name: string): Promise<unknown>; write(name: string, value: unknown): Promise<void> } } = {}): Directory {
  const fake = {
    send: ({ path }: HttpRequest): Promise<HttpResponse> => {
      asked.push(path);
      return Promise.resolve({ status: answer.status, headers: {}, body: Buffer.from(answer.body) });
    },
  };
  return new Directory({ url, http: fake as unknown as HttpClient, clock, log: silentLog, serverClock: new ServerClock(clock), ...more });
}

beforeEach(() => {
  clock = new FakeClock();
  asked = [];
  answer = { status: 200, body: JSON.stringify(good) };
  directory = make('http://127.0.0.1:1');
});

describe('Directory', () => {
  it('asks once for all services and keeps the answer for an hour', async () => {
    expect(await Promise.all([directory.current('accesspoint'), directory.current('dealer'), directory.current('spclient')])).toEqual(['a:1', 'd:1', 's:1']);
    await clock.advance(3_599_000);
    await directory.current('dealer');
    expect(asked).toEqual(['/?type=accesspoint&type=dealer&type=spclient']);
    await clock.advance(2000);
    await directory.current('dealer');
    expect(asked).toHaveLength(2);
  });

  it('moves on when an address fails, once per failure, and asks again at the end of the list', async () => {
    expect(await directory.current('spclient')).toBe('s:1');
    directory.failed('spclient', 's:1');
    directory.failed('spclient', 's:1');
    expect(await directory.current('spclient')).toBe('s:2');
    directory.failed('spclient', 's:2');
    directory.failed('spclient', 's:3');
    await clock.advance(6000);
    expect(await directory.current('spclient')).toBe('s:1');
    await clock.advance(0);
    expect(asked).toHaveLength(2);
    expect(await directory.current('accesspoint')).toBe('a:1');
  });

  it('puts ports that firewalls let through first when told to, each group in its order, and drops nothing', async () => {
    const accesspoint = ['a:4070', 'b:80', 'c:443', 'd:4070', 'e:443', 'f:80'];
    answer.body = JSON.stringify({ ...good, accesspoint });
    expect(await directory.list('accesspoint')).toEqual(accesspoint);
    const friendly = make('http://127.0.0.1:1', { friendlyPorts: true });
    expect(await friendly.list('accesspoint')).toEqual(['c:443', 'e:443', 'b:80', 'f:80', 'a:4070', 'd:4070']);
    expect(await friendly.list('spclient')).toEqual(good.spclient);
  });

  describe('over restarts', () => {
    let kept: unknown;
    const store = { read: () => Promise.resolve(kept), write: (_name: string, value: unknown) => Promise.resolve(void (kept = value)) };
    const again = (url = 'http://127.0.0.1:1') => make(url, { store });
    beforeEach(async () => {
      kept = undefined;
      await again().current('dealer');
      asked = [];
    });

    it('needs no question while the answer is fresh', async () => {
      await clock.advance(1_800_000);
      const next = again();
      expect(await next.current('accesspoint')).toBe('a:1');
      await clock.advance(1_700_000);
      await next.current('dealer');
      expect(asked).toHaveLength(0);
      await clock.advance(200_000);
      await next.current('dealer');
      expect(asked).toHaveLength(1);
    });

    it('waits a moment for a new answer when the old one is of yesterday, and uses it when none comes', async () => {
      await clock.advance(86_400_000);
      answer.body = JSON.stringify({ ...good, dealer: ['new:1'] });
      expect(await again().current('dealer')).toBe('new:1');
      await clock.advance(86_400_000);
      answer.status = 502;
      expect(await again().current('dealer')).toBe('new:1');
    });

    it('does not wait longer than two seconds for it', async () => {
      await clock.advance(86_400_000);
      const mute = new Directory({ url: 'http://127.0.0.1:1', http: { send: () => new Promise(() => undefined) } as unknown as HttpClient, clock, log: silentLog, serverClock: new ServerClock(clock), store });
      const current = mute.current('dealer');
      await clock.advance(2000);
      expect(await current).toBe('d:1');
    });

    it('forgets what another directory said, what is from the future and what is damaged', async () => {
      await again('http://127.0.0.1:2').current('dealer');
      expect(asked).toHaveLength(1);
      for (const value of [null, 7, { url: 'http://127.0.0.1:2', at: clock.now(), lists: { dealer: [] } }, { ...(kept as object), at: clock.now() + 1000 }]) {
        asked = [];
        kept = value;
        expect(await again('http://127.0.0.1:2').current('dealer')).toBe('d:1');
        expect(asked).toHaveLength(1);
      }
    });
  });

  it('starts a changed list from its beginning', async () => {
    await directory.current('spclient');
    directory.failed('spclient', 's:1');
    answer.body = JSON.stringify({ ...good, spclient: ['n:1', 'n:2'] });
    await clock.advance(3_600_000);
    await directory.current('spclient');
    await clock.advance(0);
    expect(await directory.current('spclient')).toBe('n:1');
  });

  it('serves the last good list while the directory is broken, without asking in a storm', async () => {
    await directory.current('dealer');
    answer = { status: 502, body: '' };
    await clock.advance(3_600_000);
    for (let n = 0; n < 20; n++) expect(await directory.current('dealer')).toBe('d:1');
    await clock.advance(0);
    expect(asked).toHaveLength(2);
  });

  it.each([
    [502, ''],
    [200, 'not json'],
    [200, '{}'],
    [200, JSON.stringify({ ...good, dealer: [] })],
    [200, JSON.stringify({ ...good, dealer: ['no port'] })],
  ])('says what is wrong with %s %s, and uses the usual hosts only for the real directory', async (status, body) => {
    answer = { status, body };
    await expect(directory.current('dealer')).rejects.toMatchObject({ kind: 'unavailable', code: 'spotify/directory-broken' });
    expect(await make(productionEndpoints.directory).current('dealer')).toBe('dealer.spotify.com:443');
  });

  it('does not let one caller who leaves spoil it for others', async () => {
    const abort = new AbortController();
    const leaving = directory.current('dealer', abort.signal);
    const staying = directory.current('dealer');
    abort.abort(new Error('left'));
    await expect(leaving).rejects.toThrow('left');
    expect(await staying).toBe('d:1');
  });
});

describe('splitAddress', () => {
  it.each([
    ['host.example:443', { host: 'host.example', port: 443 }],
    ['[::1]:4070', { host: '::1', port: 4070 }],
    ['::1:80', { host: '::1', port: 80 }],
    ['host', null],
    ['host:0', null],
    ['host:99999', null],
    [':443', null],
    ['a/b:1', null],
    ['user@host:1', null],
  ])('%s', (text, expected) => expect(splitAddress(text)).toEqual(expected));
});

describe('over a real connection', () => {
  let server: http.Server;
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  it('works with the real client', async () => {
    server = http.createServer((_request, response) => response.end(JSON.stringify(good)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = new HttpClient({ clock, userAgent: 'test' });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const real = new Directory({ url, http: client, clock, log: silentLog, serverClock: new ServerClock(clock) });
    expect(await real.current('accesspoint')).toBe('a:1');
    client[Symbol.dispose]();
  });
});
