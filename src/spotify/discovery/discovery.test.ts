import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, silentLog } from '#foundation';
import { parseGetInfo } from '#spotify/wire';
import { openDiscovery, type Discovery, type DiscoveryHost } from './discovery.ts';

const identity = { deviceId: 'a'.repeat(40), name: 'Kitchen', brand: 'Tonearm', model: 'Tonearm', version: '0.1.0', clientId: 'c'.repeat(32) };
const name = `${'é'.repeat(31)}😀 Kitchen`;

type Announcement = Parameters<DiscoveryHost['announce']>[0];

let announced: Announcement[];
let withdrawn: number;
let discovery: Discovery;

function open(port = 0): Promise<Discovery> {
  const host: DiscoveryHost = {
    clock: new FakeClock(),
    log: silentLog,
    announce: (announcement) => {
      announced.push(announcement);
      return Promise.resolve({ [Symbol.asyncDispose]: async () => void (withdrawn += 1) });
    },
  };
  return openDiscovery({ identity, host, port, address: '127.0.0.1', name, onUser: () => Promise.resolve('ok'), activeUser: () => null, onReset: () => undefined });
}

beforeEach(async () => {
  announced = [];
  withdrawn = 0;
  discovery = await open();
});

afterEach(() => discovery[Symbol.asyncDispose]());

function url(query = ''): string {
  return `http://127.0.0.1:${discovery.port}${announced[0]?.txt['CPath'] ?? ''}${query}`;
}

describe('discovery', () => {
  it('is announced with a name that fits, and answers where it says', async () => {
    expect(announced).toEqual([{ name: 'é'.repeat(31), type: 'spotify-connect', port: discovery.port, txt: { VERSION: '1.0', CPath: '/zc', Stack: 'SP' }, address: '127.0.0.1', proof: { id: identity.deviceId, ask: expect.any(Function) } }]);
    const proof = announced[0]?.proof;
    expect(await proof?.ask(url(), AbortSignal.timeout(5000))).toBe(identity.deviceId);
    expect(await proof?.ask(url('/else'), AbortSignal.timeout(5000))).toBeNull();
    expect(await proof?.ask('http://127.0.0.1:9/zc', AbortSignal.timeout(5000))).toBeNull();
    const response = await fetch(url('?action=getInfo'));
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    expect(parseGetInfo(await response.text()).deviceId).toBe(identity.deviceId);
  });

  it.each<[string, RequestInit, number, number]>([
    ['', {}, 400, 301],
    ['?action=nothing', {}, 400, 302],
    ['?action=resetUsers', { method: 'POST' }, 200, 101],
    ['?action=addUser', { method: 'POST', body: 'action=resetUsers' }, 200, 101],
    ['?action=resetUsers', { method: 'POST', headers: { Origin: 'https://evil.example' } }, 403, 102],
    ['/else', {}, 404, 102],
    ['', { method: 'POST', body: 'x'.repeat(17_000) }, 413, 102],
    [`?${'y'.repeat(5000)}`, { method: 'POST', body: 'x'.repeat(16_000) }, 400, 301],
  ])('%s %o', async (query, init, status, inner) => {
    const response = await fetch(url(query), init);
    expect([response.status, ((await response.json()) as { status: number }).status]).toEqual([status, inner]);
  });

  it('survives nonsense on the socket', async () => {
    const socket = net.connect(discovery.port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    socket.write('\x00\x01nonsense\r\n\r\n');
    await closed;
    expect((await fetch(url('?action=getInfo'))).status).toBe(200);
  });

  it('says which port is taken', async () => {
    await expect(open(discovery.port)).rejects.toMatchObject({ kind: 'conflict', code: 'spotify/discovery-port', message: expect.stringContaining(String(discovery.port)) });
  });

  it('is announced anew when asked, one after the other, and not after the end', async () => {
    await Promise.all([discovery.announceAnew(), discovery.announceAnew()]);
    expect([announced.length, withdrawn]).toEqual([3, 2]);
    expect(announced[2]).toEqual(announced[0]);
    await discovery[Symbol.asyncDispose]();
    await discovery.announceAnew();
    expect([announced.length, withdrawn]).toEqual([3, 3]);
  });

  it('withdraws and closes once, busy or not', async () => {
    const idle = net.connect(discovery.port, '127.0.0.1');
    await new Promise((resolve) => idle.on('connect', resolve));
    const ended = new Promise((resolve) => idle.on('close', resolve));
    await Promise.all([discovery[Symbol.asyncDispose](), discovery[Symbol.asyncDispose]()]);
    await ended;
    expect(withdrawn).toBe(1);
    await expect(fetch(url())).rejects.toThrow();
  });
});
