import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bonjour } from 'bonjour-service';
import type { Ear } from '../../src/demo/ear.ts';
import { openHouse, pair, until, type House } from '../scenario/house.ts';
import { makeTunes } from '../scenario/tunes.ts';
import { median, type Bench } from './bench.ts';
import { entryOf, longTrack } from './music.ts';

const ticks = 100; // per second, on every Linux Node.js runs on

/** Resident memory of a process and its children, in MB. */
export function residentOf(pid: number): number {
  const own = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  return children.reduce((sum, child) => sum + residentOf(child), own);
}

/** CPU seconds a process has used so far. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/**
 * From the start of the process until another mDNS implementation has seen the speaker; and the same for the first start of a
 * version, when nothing of it has been compiled yet.
 */
export const startFigures: Bench = {
  names: ['start.announced_ms', 'start.first_announced_ms'],
  async run() {
    const tunes = await makeTunes([3]);
    const cache = mkdtempSync(join(tmpdir(), 'tonearm-compiled-'));
    try {
      await using house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) }, logLevel: 'info', env: { NODE_COMPILE_CACHE: cache } });
      await pair(house);
      const first: number[] = [];
      for (let turn = 0; turn < 3; turn++) first.push(await announced(house, () => rmSync(cache, { recursive: true, force: true })));
      await wait(6); // what was compiled is kept after three seconds
      const values: number[] = [];
      for (let turn = 0; turn < 5; turn++) values.push(await announced(house));
      const listed = (times: readonly number[]) => times.map((time) => time.toFixed(0)).join(', ');
      process.stderr.write(`announced after ${listed(values)} ms, for the first time after ${listed(first)} ms; node -e 0 takes ${bareStart().toFixed(0)} ms\n`);
      return [
        { name: 'start.announced_ms', value: median(values), unit: 'ms', goal: 500, peer: null },
        { name: 'start.first_announced_ms', value: median(first), unit: 'ms', goal: null, peer: null },
      ];
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  },
};

/** Starts the daemon anew; milliseconds until it is seen. */
async function announced(house: House, prepare: () => void = () => undefined): Promise<number> {
  await house.daemon.stop();
  prepare();
  let seen = 0;
  const bonjour = new Bonjour({ bind: '0.0.0.0' } as ConstructorParameters<typeof Bonjour>[0]);
  const browser = bonjour.find({ type: 'spotify-connect' });
  browser.on('up', (service: { name: string }) => {
    if (service.name === `House ${process.pid}` && seen === 0) seen = performance.now();
  });
  await wait(0.3);
  await house.restart();
  await until('the speaker is announced', () => seen > 0);
  browser.stop();
  await new Promise<void>((resolve) => {
    bonjour.destroy(() => resolve());
  });
  return seen - house.daemon.startedAt;
}

/** What Node.js itself takes to start and end, in ms: it tells how fast this machine is at the moment. */
function bareStart(): number {
  return median(
    Array.from({ length: 5 }, () => {
      const begin = performance.now();
      spawnSync(process.execPath, ['-e', '0']);
      return performance.now() - begin;
    }),
  );
}

/** The daemon as it ships, logged in: idle, and 20 s into a track. With the built-in broker, which most owners do not run, told apart. */
export const memoryFigures: Bench = {
  names: ['memory.idle_mb', 'memory.playing_mb', 'memory.idle_with_broker_mb'],
  async run(root) {
    const { path, seconds } = await longTrack(root);
    const catalogue = [entryOf('Long', path, seconds)];
    let broker: number;
    {
      await using house = await openHouse({ cloud: { catalogue }, logLevel: 'info' });
      await pair(house);
      await wait(5);
      broker = residentOf(house.daemon.pid);
    }
    await using other = await openHouse({ cloud: { catalogue }, logLevel: 'info', mqtt: { url: await spareBroker() } });
    await pair(other);
    await wait(5);
    const idle = residentOf(other.daemon.pid);
    await other.phone.play(other.cloud.contexts.everything);
    await until('music plays', () => other.mirror['state'] === 'playing');
    await wait(20);
    const playing = residentOf(other.daemon.pid);
    return [
      { name: 'memory.idle_mb', value: idle, unit: 'MB', goal: 65, peer: null },
      { name: 'memory.playing_mb', value: playing, unit: 'MB', goal: 85, peer: null },
      { name: 'memory.idle_with_broker_mb', value: broker, unit: 'MB', goal: null, peer: null },
    ];
  },
};

let spare: Promise<string> | undefined;
function spareBroker(): Promise<string> {
  spare ??= import('#broker').then(async ({ openBroker }) => (await openBroker({ port: 0 })).url);
  return spare;
}

/** From a tap on the phone to the first sample at the end of the wire, on a session that is warm. */
export const latencyFigures: Bench = {
  names: ['tap_to_sample.rtt0_ms', 'tap_to_sample.rtt50_ms', 'tap_to_sample.round_trips'],
  async run() {
    const tunes = await makeTunes([20, 20, 20, 20, 20, 20, 20]);
    await using house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) }, isHeard: true, logLevel: 'info' });
    await pair(house);
    // Warm: something has played before, as on any evening but the first.
    await house.phone.play(house.cloud.contexts.everything);
    await until('music plays', () => house.ear.total > 100_000);
    // Never the row after the one that plays: its metadata is asked for ahead of time.
    const near = await taps(house, [2, 4, 6], 0);
    const far = await taps(house, [1, 3, 5], 50);
    process.stderr.write(`${far.chain.join(' → ')}\n`);
    return [
      { name: 'tap_to_sample.rtt0_ms', value: median(near.times), unit: 'ms', goal: null, peer: null },
      { name: 'tap_to_sample.rtt50_ms', value: median(far.times), unit: 'ms', goal: null, peer: null },
      { name: 'tap_to_sample.round_trips', value: far.trips, unit: 'round trips', goal: 4, peer: null },
    ];
  },
};

async function taps(house: House, tracks: readonly number[], latency: number): Promise<{ readonly times: readonly number[]; readonly trips: number; readonly chain: readonly string[] }> {
  const times: number[] = [];
  let trips = 0;
  let chain: readonly string[] = [];
  for (const track of tracks) {
    Object.assign(house.cloud.network.latency, { accessPoint: 0, http: 0, cdn: 0, dealer: 0 });
    await house.phone.pause();
    await wait(1);
    const before = house.ear.total;
    Object.assign(house.cloud.network.latency, { accessPoint: latency, http: latency, cdn: latency, dealer: latency });
    house.cloud.counters.mark();
    const began = performance.now();
    const tapped = house.phone.play(house.cloud.contexts.everything, { track });
    const heard = await firstSample(house.ear, before);
    const { sequential, chain: links } = house.cloud.counters.view;
    times.push(heard - began);
    if (sequential > trips) [trips, chain] = [sequential, links];
    await tapped;
    await wait(0.5);
  }
  return { times, trips, chain };
}

async function firstSample(ear: Ear, before: number): Promise<number> {
  const end = performance.now() + 15_000;
  while (ear.total <= before) {
    if (performance.now() > end) throw new Error('No sample came.');
    await new Promise((resolve) => setImmediate(resolve));
  }
  return performance.now();
}

/** CPU seconds the daemon needs to play a whole track to a reader that takes it as fast as it comes. */
export async function playedCpu(path: string, seconds: number): Promise<number> {
  await using house = await openHouse({ cloud: { catalogue: [entryOf('Long', path, seconds)] }, isHeard: true, earSpeed: 'fast', logLevel: 'info' });
  await pair(house);
  const before = cpuSeconds(house.daemon.pid);
  await house.phone.play(house.cloud.contexts.everything);
  const all = seconds * 44_100 * 4;
  await until('the whole track has come out', () => house.ear.total >= all * 0.999, 120_000);
  return cpuSeconds(house.daemon.pid) - before;
}
