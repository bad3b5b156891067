import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as connectSocket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openBroker } from '#broker';
import { Scope, Secret, systemClock } from '#foundation';
import { surfaces } from '#surfaces';
import { buildProgram } from '../kit/program.ts';
import { fakeHost, fakeZone, keptLog, playing, someVolume } from '../contract/surface-fake-player.ts';
import { freePort, Listener, mosquitto, Mosquitto, retainedAt } from './mqtt-peers.ts';
import { selfSigned } from './mqtt-certificate.ts';

const [mqtt] = surfaces;
if (!mqtt) throw new Error('There is no mqtt surface.');

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

async function open(settings: object) {
  const log = keptLog();
  const zone = fakeZone(systemClock, 'kitchen', playing(systemClock));
  const surface = await mqtt!.open(settings, { zones: [zone], host: fakeHost(systemClock, log), instance: '7f3a' });
  scope.use(surface);
  return { player: zone.player, log, surface };
}

const said = (log: ReturnType<typeof keptLog>, text: string) => log.lines.filter(({ message }) => message.includes(text)).length;

describe.skipIf(mosquitto === undefined)('the line to a real broker', () => {
  it.each(['5', '3.1.1'] as const)('is right again within 2 s of a restart of the broker, MQTT %s', async (version) => {
    const broker = scope.use(await Mosquitto.open());
    const { player } = await open({ url: broker.url, version });
    const before = await Listener.open(broker.url);
    await before.until('tonearm/kitchen', ({ state }) => state === 'playing');
    await before[Symbol.asyncDispose]();
    await broker.stop();
    player.set({ status: 'paused', volume: someVolume(0.2) });
    await broker.start();
    const started = systemClock.monotonic();
    const after = scope.use(await Listener.open(broker.url));
    await after.until('tonearm/kitchen', ({ state, volume }) => state === 'paused' && volume === 20);
    await after.until('tonearm/bridge/state', ({ state }) => state === 'online');
    expect(systemClock.monotonic() - started).toBeLessThan(2000);
    // Commands are heard again, too.
    await after.until('homeassistant/device/tonearm_7f3a_kitchen/config', () => true);
    await after.say('tonearm/kitchen/set/volume', '33');
    await after.until('tonearm/kitchen', ({ volume }) => volume === 33);
  });

  it('comes up when the broker comes later', async () => {
    const broker = scope.use(await Mosquitto.open());
    await broker.stop();
    const { log, player } = await open({ url: broker.url });
    player.set({ status: 'paused' });
    await new Promise<void>((resolve) => void systemClock.timer(1500, resolve));
    expect(said(log, 'Nothing answers at')).toBeGreaterThanOrEqual(1);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    await broker.start();
    const listener = scope.use(await Listener.open(broker.url));
    await listener.until('tonearm/kitchen', ({ state }) => state === 'paused', 10_000);
  });

  it('leaves offline behind when it closes, without the will', async () => {
    const broker = scope.use(await Mosquitto.open());
    const listener = scope.use(await Listener.open(broker.url));
    const { surface } = await open({ url: broker.url });
    await listener.until('tonearm/kitchen', () => true);
    const began = systemClock.monotonic();
    await surface[Symbol.asyncDispose]();
    expect(systemClock.monotonic() - began).toBeLessThan(500);
    const kept = await retainedAt(broker.url, 'tonearm/#');
    expect(kept.get('tonearm/bridge/state')).toBe('{"state":"offline"}');
    expect(kept.get('tonearm/kitchen/availability')).toBe('{"state":"offline"}');
    expect(listener.heard.filter(({ topic, text }) => topic === 'tonearm/bridge/state' && text.includes('offline'))).toHaveLength(1);
    expect(broker.output).toMatch(/Received DISCONNECT from tonearm_7f3a/);
  });

  it('leaves its will when the process is killed', async () => {
    const broker = scope.use(await Mosquitto.open());
    const listener = scope.use(await Listener.open(broker.url));
    const program = scope.use(await buildProgram(new URL('mqtt-client-process.ts', import.meta.url)));
    const child = spawn(process.execPath, [program.path, broker.url], { stdio: 'ignore' });
    scope.defer(() => child.kill('SIGKILL'));
    await listener.until('tonearm/bridge/state', ({ state }) => state === 'online', 20_000);
    await listener.until('tonearm/kitchen', ({ state }) => state === 'playing');
    const killed = systemClock.monotonic();
    child.kill('SIGKILL');
    await listener.until('tonearm/bridge/state', ({ state }) => state === 'offline');
    expect(systemClock.monotonic() - killed).toBeLessThan(2000);
    expect((await retainedAt(broker.url, 'tonearm/bridge/state')).get('tonearm/bridge/state')).toBe('{"state":"offline"}');
  });

  it('answers to the response topic of MQTT 5', async () => {
    const broker = scope.use(await Mosquitto.open());
    await open({ url: broker.url });
    const listener = scope.use(await Listener.open(broker.url, { protocolVersion: 5 }));
    await listener.until('tonearm/kitchen', () => true);
    const answer = new Promise<[string, Buffer | undefined]>((resolve) => {
      listener.client.on('message', (topic, payload, { properties }) => {
        if (topic === 'my/answer') resolve([payload.toString(), properties?.correlationData]);
      });
    });
    await listener.client.publishAsync('tonearm/kitchen/set', '{"volume":11}', { qos: 1, properties: { responseTopic: 'my/answer', correlationData: Buffer.from('abc') } });
    expect(await answer).toEqual(['{"status":"ok","data":{}}', Buffer.from('abc')]);
  });

  it('publishes at most five states a second under 200 volumes a second, and the last is right', async () => {
    const broker = scope.use(await Mosquitto.open());
    const { player } = await open({ url: broker.url });
    const listener = scope.use(await Listener.open(broker.url));
    await listener.until('tonearm/kitchen', () => true);
    listener.heard.length = 0;
    for (let step = 1; step <= 200; step++) {
      await listener.say('tonearm/kitchen/set/volume', String(step % 100), { qos: 0 });
      await new Promise<void>((resolve) => void systemClock.timer(5, resolve));
    }
    await listener.say('tonearm/kitchen/set/volume', '77');
    await listener.until('tonearm/kitchen', ({ volume }) => volume === 77);
    const times = listener.heard.filter(({ topic }) => topic === 'tonearm/kitchen').map(({ at }) => at);
    // A little slack: what left within a second may arrive within a little less.
    for (const start of times) expect(times.filter((at) => at >= start && at < start + 900).length).toBeLessThanOrEqual(5);
    expect(player.dispatched.length).toBeLessThan(30);
  });

  it('ignores the echo when somebody sends every state back as a command', async () => {
    const broker = scope.use(await Mosquitto.open());
    const { player } = await open({ url: broker.url });
    const listener = scope.use(await Listener.open(broker.url));
    listener.client.on('message', (topic, payload) => {
      if (topic !== 'tonearm/kitchen') return;
      const { volume, mute, shuffle, repeat, state } = JSON.parse(payload.toString()) as Record<string, unknown>;
      void listener.say('tonearm/kitchen/set', { volume, mute, shuffle, repeat, ...(state === 'playing' || state === 'paused' ? { state } : {}) });
    });
    const quiet = () => new Promise<void>((resolve) => void systemClock.timer(700, resolve));
    await quiet();
    player.set({ volume: someVolume(0.333, true) });
    await quiet();
    player.set({ status: 'paused' });
    await quiet();
    expect(listener.held.get('tonearm/kitchen')).toContain('paused');
    expect(player.dispatched).toEqual([]);
    expect(player.state.volume.level).toBe(0.333);
  });

  it('says what to do about a wrong password, never shows it, and keeps trying', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tonearm-mqtt-'));
    scope.defer(() => rm(folder, { recursive: true, force: true }));
    const broker = scope.use(await Mosquitto.open('allow_anonymous false'));
    const { log } = await open({ url: broker.url, username: 'me', password: 'planted-password' });
    await new Promise<void>((resolve) => void systemClock.timer(1500, resolve));
    expect(said(log, 'Check "username" and "password"')).toBeGreaterThanOrEqual(1);
    expect(JSON.stringify(log.lines)).not.toContain('planted');
  });

  it('checks the certificate of the broker', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tonearm-mqtt-'));
    scope.defer(() => rm(folder, { recursive: true, force: true }));
    const { certificate, key } = selfSigned();
    const ca = join(folder, 'ca.pem');
    await writeFile(ca, certificate);
    await writeFile(join(folder, 'key.pem'), key);
    const broker = scope.use(await Mosquitto.open(`certfile ${ca}\nkeyfile ${join(folder, 'key.pem')}\nallow_anonymous true\nuser root`));
    const url = broker.url.replace('mqtt:', 'mqtts:');
    const { log, surface } = await open({ url });
    await new Promise<void>((resolve) => void systemClock.timer(1000, resolve));
    expect(said(log, 'certificate of the MQTT broker')).toBeGreaterThanOrEqual(1);
    await surface[Symbol.asyncDispose]();
    await open({ url, ca });
    const listener = scope.use(await Listener.open(url, { ca: [await readFile(ca)] }));
    await listener.until('tonearm/kitchen', () => true);
  });
});

describe('brokers of the old kind', () => {
  it('that hang up on MQTT 5 are spoken to in 3.1.1, and that is said once', async () => {
    const embedded = scope.use(await openBroker({ port: 0 }));
    const port = await freePort();
    let hungUp = 0;
    const proxy = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (first: Buffer) => {
        // Protocol level: after the fixed header and "MQTT" with its length.
        if (first[first.indexOf('MQTT') + 4] === 5) {
          hungUp += 1;
          socket.destroy();
          return;
        }
        const far = connectSocket(embedded.port, '127.0.0.1');
        far.on('error', () => undefined);
        far.write(first);
        socket.pipe(far).pipe(socket);
      });
    });
    await new Promise<void>((resolve) => proxy.listen({ port, host: '127.0.0.1' }, resolve));
    scope.defer(() => new Promise((resolve) => proxy.close(resolve)));
    const { log, surface } = await open({ url: `mqtt://127.0.0.1:${port}` });
    const listener = scope.use(await Listener.open(embedded.url));
    await listener.until('tonearm/kitchen', ({ state }) => state === 'playing');
    expect(hungUp).toBe(1);
    expect(said(log, 'MQTT 3.1.1 is used')).toBe(1);
    expect(log.lines.filter(({ level }) => level === 'warn')).toEqual([]);
    await surface[Symbol.asyncDispose]();
  });

  it('with a login of their own work, and a wrong one is refused with a sentence', async () => {
    const embedded = scope.use(await openBroker({ port: 0, username: 'me', password: new Secret('right') }));
    const wrong = await open({ url: embedded.url, username: 'me', password: 'planted' });
    await new Promise<void>((resolve) => void systemClock.timer(500, resolve));
    expect(said(wrong.log, 'Check "username" and "password"')).toBe(1);
    await wrong.surface[Symbol.asyncDispose]();
    await open({ url: embedded.url, username: 'me', password: 'right' });
    const listener = scope.use(await Listener.open(embedded.url, { username: 'me', password: 'right' }));
    await listener.until('tonearm/kitchen', () => true);
  });

  it('two with the same name are told apart', async () => {
    const embedded = scope.use(await openBroker({ port: 0 }));
    const first = await open({ url: embedded.url, version: '3.1.1' });
    const listener = scope.use(await Listener.open(embedded.url));
    await listener.until('tonearm/kitchen', () => true);
    await open({ url: embedded.url, version: '3.1.1' });
    await new Promise<void>((resolve) => void systemClock.timer(700, resolve));
    // MQTT 3.1.1 cannot say why; it must at least not become a storm.
    expect(said(first.log, 'was closed')).toBe(1);
  });
});
