import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { type Clock, every, Scope, systemClock } from '#foundation';
import { openHomeMessages, surfaces, type SurfaceContext } from '#surfaces';
import { buildProgram } from '../kit/program.ts';
import { fakeHost, fakeZone, keptLog, playing, someVolume } from '../contract/surface-fake-player.ts';
import { selfSigned, signedBy } from './mqtt-certificate.ts';
import { Listener, mosquitto, Mosquitto, retainedAt } from './mqtt-peers.ts';

const [mqtt] = surfaces;
if (!mqtt) throw new Error('There is no mqtt surface.');

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

const generous = 60_000;
const said = (log: ReturnType<typeof keptLog>, text: string) => log.lines.filter(({ message }) => message.includes(text)).length;

async function open(settings: object, more: Partial<SurfaceContext> = {}, store = fakeHost(systemClock).store) {
  const log = keptLog();
  const zone = fakeZone(systemClock, 'kitchen', playing(systemClock));
  const surface = await mqtt!.open(settings, { zones: [zone], host: { ...fakeHost(systemClock, log), store }, instance: '7f3a', ...more });
  scope.use(surface);
  return { player: zone.player, log, surface, store };
}

async function until(test: () => boolean, what: string): Promise<void> {
  const end = systemClock.monotonic() + generous;
  while (!test()) {
    if (systemClock.monotonic() > end) throw new Error(`It never came true that ${what}.`);
    await new Promise<void>((resolve) => void systemClock.timer(20, resolve));
  }
}

describe.skipIf(mosquitto === undefined)('a life with a broker', () => {
  it('says everything again to a broker that has lost its memory, state as it is now', async () => {
    const broker = scope.use(await Mosquitto.open());
    const { player } = await open({ url: broker.url });
    await using before = await Listener.open(broker.url);
    await before.until('tonearm/kitchen', ({ state }) => state === 'playing', generous);
    await broker.stop();
    player.set({ volume: someVolume(0.22) });
    await broker.start();
    const after = scope.use(await Listener.open(broker.url));
    await after.until('tonearm/kitchen', ({ volume }) => volume === 22, generous);
    const kept = await retainedAt(broker.url, 'tonearm/#');
    expect([...kept.keys()].sort()).toEqual([
      'tonearm/bridge/health', 'tonearm/bridge/info', 'tonearm/bridge/players', 'tonearm/bridge/state', 'tonearm/kitchen', 'tonearm/kitchen/attributes', 'tonearm/kitchen/availability', 'tonearm/kitchen/image_url',
    ]);
  });

  it('notices that the broker has not kept what it said, and says it again', async () => {
    const broker = scope.use(await Mosquitto.open());
    const listener = scope.use(await Listener.open(broker.url));
    const { log } = await open({ url: broker.url });
    await listener.until('tonearm/kitchen', () => true, generous);
    // Somebody clears our topics while the connection stands.
    for (const topic of (await retainedAt(broker.url, 'tonearm/#')).keys()) await listener.say(topic, '', { retain: true });
    await until(() => said(log, 'has not kept what we said') === 1, 'the loss was noticed');
    await until(() => listener.held.get('tonearm/kitchen') !== '' && listener.held.get('tonearm/bridge/state') !== '', 'it was said again');
    expect((await retainedAt(broker.url, 'tonearm/kitchen')).has('tonearm/kitchen')).toBe(true);
  });

  it('cleans up what an earlier self left there, although it remembers nothing of it', async () => {
    const broker = scope.use(await Mosquitto.open());
    const listener = scope.use(await Listener.open(broker.url));
    await listener.say('homeassistant/device/tonearm_7f3a_attic/config', { components: { volume: { platform: 'number' } } }, { retain: true });
    await listener.say('homeassistant/device/other_device/config', { components: {} }, { retain: true });
    await listener.say('tonearm/attic/availability', { state: 'online' }, { retain: true });
    await open({ url: broker.url });
    await listener.until('homeassistant/device/tonearm_7f3a_attic/config', (text: unknown) => text === '', generous);
    // A second later, when Home Assistant has let go of what it was told there.
    await listener.until('tonearm/attic/availability', (text: unknown) => text === '', generous);
    const kept = await retainedAt(broker.url, '#');
    expect(kept.has('homeassistant/device/tonearm_7f3a_attic/config')).toBe(false);
    expect(kept.has('tonearm/attic/availability')).toBe(false);
    expect(kept.has('homeassistant/device/other_device/config')).toBe(true);
  });

  it('leaves the line to a rival with its name for ever longer, and says so', async () => {
    const broker = scope.use(await Mosquitto.open());
    const one = await open({ url: broker.url, version: '5' });
    const listener = scope.use(await Listener.open(broker.url));
    await listener.until('tonearm/kitchen', () => true, generous);
    await open({ url: broker.url, version: '5' });
    await until(() => said(one.log, 'Another client uses our name') === 1, 'the first was told');
    // It stays away for 10 s at least: no war.
    expect(one.log.lines.find(({ message }) => message.includes('Another client'))?.fields).toMatchObject({ pause: expect.any(Number) as number });
    const { pause } = one.log.lines.find(({ message }) => message.includes('Another client'))?.fields as { pause: number };
    expect(pause).toBeGreaterThanOrEqual(10_000);
  });

  it('comes back when the rival is gone, and still says that there was one', async () => {
    const broker = scope.use(await Mosquitto.open());
    const listener = scope.use(await Listener.open(broker.url));
    // Its pauses are short, so that nobody has to wait half a minute.
    const hasty: Clock = { now: () => systemClock.now(), monotonic: () => systemClock.monotonic(), timer: (milliseconds, run) => systemClock.timer(milliseconds / 10, run) };
    const log = keptLog();
    const zone = fakeZone(systemClock, 'kitchen', playing(systemClock));
    scope.use(await mqtt.open({ url: broker.url, version: '5' }, { zones: [zone], host: { ...fakeHost(hasty, log), store: fakeHost(systemClock).store }, instance: '7f3a' }));
    await until(() => said(log, 'Connected to the MQTT broker') === 1, 'the first is there');
    const two = await open({ url: broker.url, version: '5' });
    await until(() => said(log, 'Another client uses our name') > 0, 'the first knows why it was thrown out');
    await two.surface[Symbol.asyncDispose]();
    const answer = 'tonearm/bridge/response/health_check';
    const asking = every(systemClock, 500, () => void listener.say('tonearm/bridge/request/health_check'));
    await until(() => listener.held.has(answer), 'the first is back');
    asking[Symbol.dispose]();
    expect(listener.held.get(answer)).toContain('"mqtt/taken-over"');
  });

  it('tells both of two bridges that write on the same topics', async () => {
    const broker = scope.use(await Mosquitto.open());
    const listener = scope.use(await Listener.open(broker.url));
    const one = await open({ url: broker.url });
    await listener.until('tonearm/bridge/info', () => true, generous);
    await until(() => broker.output.includes('Received SUBSCRIBE from tonearm_7f3a') && /tonearm_7f3a.*\n?.*tonearm\/bridge\/info/s.test(broker.output), 'the first looks after its topics');
    await new Promise<void>((resolve) => void systemClock.timer(2500, resolve));
    const two = await open({ url: broker.url }, { instance: 'beef' });
    await until(() => said(one.log, 'Another Tonearm writes on our MQTT topics') === 1, 'the first was told');
    await new Promise<void>((resolve) => void systemClock.timer(3000, resolve));
    await listener.say('tonearm/bridge/request/health_check', { transaction: 'x' });
    const answer = await listener.until<{ data: { healthy: boolean; problems: { code: string }[] } }>('tonearm/bridge/response/health_check', ({ data }) => !data.healthy, generous);
    expect(answer.data.problems[0]?.code).toBe('mqtt/another-bridge');
    // No ping-pong: each says who it is at most once more.
    expect(listener.heard.filter(({ topic, retained }) => topic === 'tonearm/bridge/info' && !retained).length).toBeLessThanOrEqual(6);
    expect(said(two.log, 'Another Tonearm')).toBeLessThanOrEqual(1);
  });

  it('shows its certificate to a broker that asks for one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tonearm-mqtt-'));
    scope.defer(() => rm(folder, { recursive: true, force: true }));
    const authority = selfSigned('An authority of our own');
    const [server, client] = [signedBy(authority, 'broker.home'), signedBy(authority, 'kitchen-pi')];
    const write = async (name: string, text: string) => {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    };
    const ca = await write('ca.pem', authority.certificate);
    const [cert, key] = [await write('client.pem', client.certificate), await write('client.key', client.key)];
    const broker = scope.use(
      await Mosquitto.open(`cafile ${ca}\ncertfile ${await write('server.pem', server.certificate)}\nkeyfile ${await write('server.key', server.key)}\nrequire_certificate true\nuse_identity_as_username true\nuser root`),
    );
    const url = broker.url.replace('mqtt:', 'mqtts:');
    const { log } = await open({ url, ca });
    await until(() => log.lines.some(({ level }) => level === 'warn'), 'without a certificate it was refused');
    const wrong = await open({ url, ca, cert, key, serverName: 'elsewhere.home' }, { instance: 'dead' });
    await until(() => wrong.log.lines.some(({ level }) => level === 'warn'), 'the broker is not the one that was meant');
    await open({ url, ca, cert, key, serverName: 'broker.home' }, { instance: 'beef' });
    const listener = scope.use(await Listener.open(url, { ca: [await readFile(ca)], cert: await readFile(cert), key: await readFile(key) }));
    await listener.until('tonearm/kitchen', ({ state }) => state === 'playing', generous);
    expect(broker.output).toContain("u'kitchen-pi'");
  });

  it('speaks over WebSockets', async () => {
    const broker = scope.use(await Mosquitto.open());
    // This mosquitto cannot bind its own to one address, so they are taken apart in front of it.
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'mqtt' });
    await new Promise((resolve) => server.once('listening', resolve));
    scope.defer(() => {
      for (const socket of server.clients) socket.terminate();
      return new Promise((resolve) => server.close(resolve));
    });
    server.on('connection', (socket) => {
      const near = createWebSocketStream(socket);
      const far = connectSocket(broker.port, '127.0.0.1');
      for (const end of [near, far]) end.on('error', () => undefined);
      near.pipe(far).pipe(near);
    });
    // In a process of its own: the test runner changes how a WebSocket's errors travel.
    const program = scope.use(await buildProgram(new URL('mqtt-client-process.ts', import.meta.url)));
    const child = spawn(process.execPath, [program.path, `ws://127.0.0.1:${(server.address() as { port: number }).port}`], { stdio: 'ignore' });
    scope.defer(() => child.kill('SIGKILL'));
    const listener = scope.use(await Listener.open(broker.url));
    await listener.until('tonearm/kitchen', ({ state }) => state === 'playing', generous);
    await listener.say('tonearm/kitchen/set/volume', '33');
    await listener.until('tonearm/kitchen', ({ volume }) => volume === 33, generous);
  });

  it.each(['5', '3.1.1'] as const)('carries the messages of the home, kept ones first, also after the broker was away (MQTT %s)', async (version) => {
    const broker = scope.use(await Mosquitto.open());
    const home = openHomeMessages((error) => {
      throw error;
    });
    const heard: string[] = [];
    home.messages.events.on('up', () => heard.push('up'));
    home.messages.events.on('down', () => heard.push('down'));
    home.messages.events.on('born', () => heard.push('born'));
    const hear = (name: string) => (message: { topic: string; payload: Uint8Array; retained: boolean }) => {
      heard.push(`${name} ${message.topic} ${Buffer.from(message.payload).toString()}${message.retained ? ' kept' : ''}`);
    };
    home.messages.subscribe('presence/+', hear('one'));
    home.messages.subscribe('presence/+', hear('two'));
    home.messages.subscribe('presence/#', hear('all'));
    const speaker = scope.use(await Listener.open(broker.url));
    await speaker.say('presence/anna', 'home', { retain: true });
    await open({ url: broker.url, version }, { carry: home.carry });
    await until(() => heard.length >= 4, 'the kept one was heard');
    expect(heard[0]).toBe('up');
    expect([...heard].sort()).toEqual(['all presence/anna home kept', 'one presence/anna home kept', 'two presence/anna home kept', 'up']);
    heard.length = 0;
    await speaker.say('presence/anna', 'away');
    await speaker.say('homeassistant/status', 'online');
    await until(() => heard.includes('born'), 'Home Assistant was heard');
    expect([...heard].sort()).toEqual(['all presence/anna away', 'born', 'one presence/anna away', 'two presence/anna away']);
    heard.length = 0;
    expect(await home.messages.publish({ topic: 'lamp/set', payload: 'ON' })).toBe(true);
    await until(() => speaker.held.get('lamp/set') === 'ON', 'it was said');
    await broker.stop();
    await until(() => heard.includes('down'), 'the line is down');
    expect(await home.messages.publish({ topic: 'lamp/set', payload: 'OFF' })).toBe(false);
    await broker.start();
    await until(() => heard.includes('up'), 'the line is up again');
    const again = scope.use(await Listener.open(broker.url));
    await again.say('presence/ben', 'home');
    await until(() => heard.some((line) => line === 'one presence/ben home'), 'it is listened to again');
  });
});
