import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { TimerHeap } from '../../test/kit/timer-heap.ts';
import type { Clock } from './foundation.ts';
import { TonearmPlatform } from './platform.ts';
import { FakeDaemon } from './test-kit/fake-daemon.ts';
import { FakeHomebridge } from './test-kit/fake-homebridge.ts';
import { zonePicture } from './test-kit/pictures.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heap = () => {
  collect();
  return process.memoryUsage().heapUsed;
};

/** Moves without letting promises settle between timers: a day has tens of thousands of heartbeats. */
class QuickClock implements Clock {
  readonly timers = new TimerHeap();
  #time = 0;
  now(): number {
    return 1_700_000_000_000 + this.#time;
  }
  monotonic(): number {
    return this.#time;
  }
  timer(delay: number, run: () => void): Disposable {
    return this.timers.add(this.#time + Math.max(delay, 1), run);
  }
  async advance(by: number): Promise<void> {
    const end = this.#time + by;
    for (let next = this.timers.take(end); next; next = this.timers.take(end)) {
      this.#time = Math.max(this.#time, next.due);
      next.run();
    }
    this.#time = end;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A busy day of a large home: every accessory there is, somebody always plays, turns, presses; the daemon restarts now and then. */
it('a day of events leaves memory flat and the log quiet', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tonearm-day-'));
  const clock = new QuickClock();
  const daemon = new FakeDaemon(clock);
  const zones = ['kitchen', 'bath', 'living', 'bedroom'];
  daemon.zones = zones.map((id) => zonePicture({ id, name: `The ${id}` }));
  daemon.presets = Array.from({ length: 12 }, (_, index) => ({ id: `p${index}`, name: `Preset ${index}` }));
  daemon.automations = [{ id: 'wake', name: 'Wake up', enabled: true, alarm: 'idle' }, { id: 'bath', name: 'Bath', enabled: true, alarm: null }];
  const homebridge = new FakeHomebridge(folder);
  new TonearmPlatform(homebridge.log, { platform: 'Tonearm', servers: [{ url: 'http://a:1', key: 'k' }], face: 'both', volume: 'fan', playing: 'occupancy', button: true, switches: true, automations: true, alarms: true }, homebridge.api, { clock, dial: daemon.dial, openFinder: () => ({ found: new Map(), [Symbol.dispose]: () => undefined }) });
  homebridge.emit('didFinishLaunching');
  await new Promise((resolve) => setTimeout(resolve, 20));
  await clock.advance(10);
  expect(homebridge.names.length).toBeGreaterThan(60);
  homebridge.said.length = 0;

  let events = 0;
  const minute = async (index: number) => {
    for (const [place, id] of zones.entries()) {
      const turn = index * zones.length + place;
      // Two pictures a minute and zone: tracks, positions, volume, pauses.
      for (let step = 0; step < 2; step++) {
        daemon.change(id, { status: turn % 7 === 3 ? 'paused' : 'playing', level: ((turn + step) % 100) / 100, preset: `p${turn % 12}`, track: { uri: `spotify:track:${turn}`, title: `Track ${turn}`, artists: ['Somebody'] }, position: { at: step * 30_000, measured: clock.now() } });
        events += 1;
      }
      if (turn % 5 === 0) void homebridge.write(`The ${id}`, 'TelevisionSpeaker', 'Volume', turn % 100).catch(() => undefined);
      if (turn % 11 === 0) void homebridge.read(`The ${id}`, 'Television', 'Active').catch(() => undefined);
    }
    if (index % 60 === 30) {
      daemon.mode = 'down';
      daemon.cut();
      await clock.advance(1000);
      daemon.mode = 'up';
    }
    await clock.advance(30_000);
    await clock.advance(30_000);
    homebridge.told.length = 0;
    daemon.asked.length = 0;
  };

  for (let index = 0; index < 120; index++) await minute(index);
  const early = heap();
  for (let index = 120; index < 24 * 60; index++) await minute(index);
  const growth = heap() - early;
  expect(events).toBe(24 * 60 * 4 * 2);
  expect(homebridge.said).toEqual([]);
  expect(daemon.isConnected).toBe(true);
  expect(growth, `grew by ${Math.round(growth / 1024)} KiB in 22 hours`).toBeLessThan(1024 * 1024);
  console.info(`24 h: ${events} pictures, heap ${growth >= 0 ? '+' : ''}${Math.round(growth / 1024)} KiB in the last 22 h, ${homebridge.said.length} lines of log`);
  homebridge.emit('shutdown');
  await clock.advance(1000);
  expect(clock.timers.size).toBe(0);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});
