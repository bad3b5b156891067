import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterEach, describe, expect, it } from 'vitest';
import { Scope, systemClock } from '#foundation';
import { surfaces } from '#surfaces';
import { fakeHost, fakeZone, keptLog, playing } from '../contract/surface-fake-player.ts';
import { Listener, mosquitto, Mosquitto } from './mqtt-peers.ts';

const [mqtt] = surfaces;
if (!mqtt) throw new Error('There is no mqtt surface.');
const publisher = ['/usr/bin/mosquitto_pub', '/usr/local/bin/mosquitto_pub'].find((path) => existsSync(path));

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

const generous = 60_000;

/** Publishes each line as a message, as fast as another process can. */
async function pour(broker: Mosquitto, topic: string, lines: readonly string[]): Promise<void> {
  const child = spawn(publisher ?? '', ['-h', '127.0.0.1', '-p', String(broker.port), '-t', topic, '-q', '0', '-l'], { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(`${lines.join('\n')}\n`);
  await new Promise((resolve) => child.once('exit', resolve));
}

describe.skipIf(mosquitto === undefined || publisher === undefined)('a flood', () => {
  it.each<[string, (at: number) => string, Record<string, unknown>]>([
    ['volumes', (at) => JSON.stringify({ volume: at % 101 }), { volume: 77 }],
    ['switches', (at) => JSON.stringify({ shuffle: at % 2 === 0 ? 'ON' : 'OFF', volume: at % 101 }), { volume: 77, shuffle: 'ON' }],
    ['nonsense', (at) => JSON.stringify({ volume: `loud ${at}` }), { volume: 77 }],
  ])('of 10,000 %s ends with the last one, and holds up nothing else', async (_, make, last) => {
    const broker = scope.use(await Mosquitto.open());
    const log = keptLog();
    const zone = fakeZone(systemClock, 'kitchen', playing(systemClock));
    scope.use(await mqtt.open({ url: broker.url }, { zones: [zone], host: fakeHost(systemClock, log), instance: '7f3a' }));
    const listener = scope.use(await Listener.open(broker.url));
    await listener.until('tonearm/kitchen', () => true, generous);
    const lag = monitorEventLoopDelay({ resolution: 5 });
    const before = process.memoryUsage().heapUsed;
    lag.enable();
    const began = systemClock.monotonic();
    await pour(broker, 'tonearm/kitchen/set', [...Array.from({ length: 10_000 }, (__, at) => make(at)), JSON.stringify(last)]);
    await listener.until('tonearm/kitchen', (state) => Object.entries(last).every(([key, value]) => state[key] === value), generous);
    lag.disable();
    const took = systemClock.monotonic() - began;
    const p99 = lag.percentile(99) / 1e6 - 5;
    const grown = (process.memoryUsage().heapUsed - before) / 1024 / 1024;
    process.stderr.write(`10,000 commands in ${Math.round(took)} ms: event loop p99 ${p99.toFixed(1)} ms, most ${(lag.max / 1e6).toFixed(1)} ms, heap ${grown.toFixed(1)} MB, ${zone.player.dispatched.length} reached the zone\n`);
    // Generous, because the machine may be loaded; the figure itself is printed.
    expect(p99).toBeLessThan(500);
    // Garbage that is not yet collected counts, too.
    expect(grown).toBeLessThan(500);
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect(log.lines.filter(({ level }) => level === 'warn').length).toBeLessThan(200);
  });

  it('of 100 zones is announced at once', async () => {
    const broker = scope.use(await Mosquitto.open());
    const listener = scope.use(await Listener.open(broker.url));
    const zones = Array.from({ length: 100 }, (_, at) => fakeZone(systemClock, `zone${at}`, playing(systemClock)));
    const began = systemClock.monotonic();
    scope.use(await mqtt.open({ url: broker.url }, { zones, host: fakeHost(systemClock), instance: '7f3a' }));
    await listener.until('homeassistant/device/tonearm_7f3a_zone99/config', () => true, generous);
    await listener.until('tonearm/zone99', () => true, generous);
    process.stderr.write(`100 zones announced and shown ${Math.round(systemClock.monotonic() - began)} ms after opening\n`);
    expect([...listener.held.keys()].filter((topic) => topic.startsWith('homeassistant/device/'))).toHaveLength(101);
  });
});

