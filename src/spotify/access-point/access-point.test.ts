import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Dialler, FakeClock, Secret, silentLog, type TonearmError } from '#foundation';
import { AuthType, encodeLoginFailure, encodeProductInfo, LoginFailureCode, Packet } from '#spotify/wire';
import { AccessPoint } from './access-point.ts';
import { ScriptedPeer, type PeerScript } from './scripted-peer.ts';

const identity = { deviceId: 'a'.repeat(40), name: 'Kitchen', brand: 'Tonearm', model: 'Tonearm', version: '0.1.0', clientId: 'c'.repeat(32) };
const failure = (code: number, retryDelay?: number): PeerScript => ({
  answer: [{ command: Packet.loginFailure, payload: encodeLoginFailure({ code, ...(retryDelay !== undefined && { retryDelay }) }) }],
});

interface Guest {
  readonly socket: Socket;
  readonly peer: ScriptedPeer;
  readonly at: number;
  readonly port: number;
}

let clock: FakeClock;
let servers: Server[];
let addresses: string[];
/** What each coming connection meets; the last one stays. */
let scripts: PeerScript[];
let guests: Guest[];
let accessPoint: AccessPoint;
let troubles: TonearmError[];
let ended: TonearmError | null;

async function listen(): Promise<void> {
  const server = net.createServer((socket) => {
    const peer = new ScriptedPeer(scripts.length > 1 ? scripts.shift() : scripts[0]);
    guests.push({ socket, peer, at: clock.monotonic(), port: (server.address() as AddressInfo).port });
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      const answer = peer.receive(bytes);
      if (answer.length > 0) socket.write(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  addresses.push(`127.0.0.1:${(server.address() as AddressInfo).port}`);
}

/** Lets sockets and promises work until `test` holds; no time passes on the clock. */
async function until(test: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!test()) {
    if (performance.now() > end) throw new Error(`never came: ${test.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The same while time passes in small steps. */
async function passing(test: () => boolean, step = 250, most = 4000): Promise<void> {
  for (let n = 0; n < most && !test(); n++) {
    // Sockets are given real time before the clock moves, or its deadlines would outrun them.
    for (let turn = 0; turn < 40 && !test(); turn++) await new Promise((resolve) => setImmediate(resolve));
    if (!test()) await clock.advance(step);
  }
  expect(test()).toBe(true);
}

beforeEach(async () => {
  clock = new FakeClock();
  servers = [];
  addresses = [];
  scripts = [{}];
  guests = [];
  troubles = [];
  ended = null;
  await listen();
  await listen();
  let cursor = 0;
  accessPoint = new AccessPoint({
    identity,
    credentials: { username: 'phone-name', type: AuthType.stored, data: new Secret<Uint8Array>(Buffer.from('from the phone')) },
    directory: {
      current: () => Promise.resolve(addresses[cursor % addresses.length] ?? ''),
      list: () => Promise.resolve(addresses),
      failed: () => void (cursor += 1),
    },
    dialler: new Dialler({ clock }),
    serverKey: ScriptedPeer.modulus,
    clock,
    log: silentLog,
    random: () => 0.5,
  });
  accessPoint.events.on('trouble', ({ error }) => troubles.push(error));
  accessPoint.events.on('ended', ({ error }) => (ended = error));
});

afterEach(async () => {
  await accessPoint[Symbol.asyncDispose]();
  await accessPoint[Symbol.asyncDispose]();
  expect(clock.pending).toBe(0);
  for (const { socket } of guests) socket.destroy();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});

const never = new AbortController().signal;

describe('the access point', () => {
  it('logs in, tells what it hears, and comes back with the reusable credentials', async () => {
    const heard: unknown[] = [];
    accessPoint.events.on('country', (event) => heard.push(event));
    accessPoint.events.on('product', ({ attributes }) => heard.push([...attributes]));
    accessPoint.events.on('time', (event) => heard.push(event));
    accessPoint.start();
    await accessPoint.whenOnline(never);
    const first = guests[0];
    expect(first?.peer.login).toMatchObject({ username: 'phone-name', type: AuthType.stored, deviceId: identity.deviceId });
    for (const [command, payload] of [
      [Packet.countryCode, Buffer.from('de')],
      [Packet.countryCode, Buffer.from('\0\0')],
      [Packet.productInfo, encodeProductInfo(new Map([['type', 'premium']]))],
      [Packet.ping, Buffer.from('00000007', 'hex')],
    ] as const) first?.socket.write(first.peer.packet(command, payload));
    await until(() => heard.length === 3);
    expect(heard).toEqual([{ country: 'DE' }, [['type', 'premium']], { seconds: 7 }]);

    first?.socket.destroy();
    await passing(() => guests.length === 2);
    await accessPoint.whenOnline(never);
    expect(guests[1]?.peer.login).toMatchObject({ username: 'somebody', type: 1 });
    expect(guests[1]?.peer.login?.data.toString()).toBe('reusable');
    expect(troubles.map(({ code }) => code)).toEqual(['spotify/access-point-closed']);
  });

  it('goes to the next address at once when told so', async () => {
    scripts = [failure(LoginFailureCode.TryAnotherAP), {}];
    accessPoint.start();
    await accessPoint.whenOnline(never);
    expect(guests.map(({ at }) => at)).toEqual([0, 0]);
    expect(guests[0]?.port).not.toBe(guests[1]?.port);
  });

  it('passes over a dead address', async () => {
    const dead = servers[0];
    await new Promise((resolve) => dead?.close(resolve));
    servers.shift();
    accessPoint.start();
    await passing(() => guests.length === 1);
    await accessPoint.whenOnline(never);
    expect(clock.monotonic()).toBeLessThan(1000);
  });

  it('keeps its pauses when everything is dead', async () => {
    scripts = [{ answer: [{ command: 0x01, payload: Buffer.alloc(0) }] }];
    accessPoint.start();
    await passing(() => clock.monotonic() >= 600_000, 1000);
    // Two addresses a round, and a round at most every minute once the pauses have grown.
    expect(guests.length).toBeLessThan(60);
    const last = guests.slice(-4).map(({ at }) => at);
    expect((last[3] ?? 0) - (last[0] ?? 0)).toBeGreaterThan(55_000);
    expect(ended).toBeNull();
  });

  it('is slower still when somebody seems to listen in', async () => {
    scripts = [{ forged: true }];
    accessPoint.start();
    await passing(() => clock.monotonic() >= 600_000, 1000);
    expect(guests.length).toBeLessThan(14);
    expect(troubles[0]).toMatchObject({ code: 'spotify/server-not-genuine' });
  });

  it('gives up on bad credentials the second time', async () => {
    scripts = [failure(LoginFailureCode.BadCredentials)];
    accessPoint.start();
    await passing(() => ended !== null);
    expect(guests).toHaveLength(2);
    expect(ended).toMatchObject({ kind: 'unauthorized', code: 'spotify/credentials-refused' });
    await expect(accessPoint.whenOnline(never)).rejects.toBe(ended);
  });

  it.each([
    [LoginFailureCode.PremiumAccountRequired, 'spotify/not-premium'],
    [LoginFailureCode.TravelRestriction, 'spotify/travel-restriction'],
    [LoginFailureCode.ApplicationBanned, 'spotify/application-banned'],
    [LoginFailureCode.ExtraVerificationRequired, 'spotify/verification-required'],
    [LoginFailureCode.ProtocolError, 'spotify/protocol-error'],
    [99, 'spotify/login-refused'],
  ])('gives up at once on code %s', async (code, expected) => {
    scripts = [failure(code)];
    accessPoint.start();
    await expect(accessPoint.whenOnline(never)).rejects.toMatchObject({ code: expected });
    expect(guests).toHaveLength(1);
    await clock.advance(600_000);
    expect(guests).toHaveLength(1);
  });

  it('waits as long as it is asked to', async () => {
    scripts = [failure(LoginFailureCode.CouldNotValidateCredentials, 45), {}];
    accessPoint.start();
    await passing(() => guests.length === 2, 1000);
    expect(guests[1]?.at).toBeGreaterThanOrEqual(45_000);
    await accessPoint.whenOnline(never);
  });

  it('notices a silent death', async () => {
    accessPoint.start();
    await accessPoint.whenOnline(never);
    await clock.advance(30_000);
    await passing(() => guests.length === 2);
    expect(troubles[0]).toMatchObject({ code: 'spotify/access-point-lost' });
    await accessPoint.whenOnline(never);
    const second = guests.at(-1);
    const before = guests.length;
    second?.socket.write(second.peer.packet(Packet.ping, Buffer.alloc(4)));
    await until(() => second?.peer.packets.length === 1);
    await clock.advance(149_000);
    expect(guests).toHaveLength(before);
    await clock.advance(1000);
    await passing(() => guests.length === before + 1);
  });

  it('sends nothing while it is away', async () => {
    expect(accessPoint.send(Packet.requestKey, Buffer.alloc(42))).toBe(false);
    accessPoint.start();
    await accessPoint.whenOnline(never);
    expect(accessPoint.send(Packet.requestKey, Buffer.alloc(42))).toBe(true);
    await until(() => guests[0]?.peer.packets.length === 1);
    guests[0]?.socket.destroy();
    await until(() => troubles.length === 1);
    expect(accessPoint.send(Packet.requestKey, Buffer.alloc(42))).toBe(false);
  });

  it('can be closed in the middle of everything', async () => {
    accessPoint.start();
    await until(() => guests.length === 1);
    await accessPoint[Symbol.asyncDispose]();
    await clock.advance(60_000);
    expect(guests).toHaveLength(1);
  });
});
