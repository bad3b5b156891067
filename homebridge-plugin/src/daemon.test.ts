import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../src/foundation/clock.ts';
import { Daemon } from './daemon.ts';
import { FakeDaemon } from './test-kit/fake-daemon.ts';

const home = 'http://home:8484';
const other = 'http://other:8484';

let clock: FakeClock;
/** What answers at an address. Where nothing is, an attempt takes all its time. */
let there: Map<string, FakeDaemon>;
let announced: string[];
let said: string[];
let daemon: Daemon;

beforeEach(() => {
  clock = new FakeClock();
  there = new Map([[home, new FakeDaemon(clock)]]);
  announced = [];
  said = [];
  const say = (sentence: string) => said.push(sentence);
  daemon = new Daemon({
    settings: { name: null, url: home, instance: 'house1', key: 'key' },
    clock,
    dial: (url, key, hearer) => {
      const answering = there.get(`http://${new URL(url).host}`);
      if (answering) return answering.dial(url, key, hearer);
      const timer = clock.timer(1500, () => hearer.ended({ kind: 'away', why: 'it did not answer in time' }));
      return { send: () => undefined, ping: () => undefined, drop: () => timer[Symbol.dispose]() };
    },
    log: { info: say, warn: say, debug: () => undefined },
    whereabouts: () => announced,
    pictured: () => undefined,
    // The longest pauses.
    random: () => 1,
  });
});
afterEach(() => daemon[Symbol.dispose]());

function at(base: string): FakeDaemon {
  const found = there.get(base) ?? new FakeDaemon(clock);
  there.set(base, found);
  return found;
}

describe('many announced addresses', () => {
  it.each([0, 300, 700, 1100, 1500, 1900, 2300, 2700])('do not keep a daemon away that comes back %d ms later', async (later) => {
    daemon.connect();
    await clock.advance(10);
    announced = Array.from({ length: 12 }, (_, index) => `http://192.0.2.${index}:1`);
    at(home).mode = 'down';
    at(home).cut();
    await clock.advance(20_000 + later);
    at(home).mode = 'up';
    await clock.advance(3000);
    expect(at(home).isConnected).toBe(true);
  });

  it('are all tried, also after a greeting', async () => {
    daemon.connect();
    await clock.advance(10);
    announced = ['http://192.0.2.1:1', 'http://192.0.2.2:1', other];
    at(home).mode = 'down';
    at(home).cut();
    at(other);
    await clock.advance(10_000);
    expect(at(other).isConnected).toBe(true);
  });
});

describe('a refusal', () => {
  it('from one address of two is no reason to wait, and is said as what it is', async () => {
    announced = [other];
    at(other).mode = 'refusing';
    at(home).mode = 'down';
    daemon.connect();
    await clock.advance(30_000);
    expect(said).toEqual([expect.stringMatching(/cannot be reached: .* What answers at http:\/\/other:8484 refuses our key\. If that is it: .*makes a new key/)]);
    at(home).mode = 'up';
    await clock.advance(3000);
    expect(at(home).isConnected).toBe(true);
  });

  it('from every address is believed', async () => {
    announced = [other];
    for (const base of [home, other]) at(base).mode = 'refusing';
    daemon.connect();
    await clock.advance(30_000);
    expect(said).toEqual([expect.stringContaining('refuses us: ')]);
    expect(at(home).dialled + at(other).dialled).toBeLessThan(6);
  });

  it('of who greeted us is believed at once, whatever others say', async () => {
    announced = [other];
    at(other).mode = 'down';
    daemon.connect();
    await clock.advance(1000);
    expect(daemon.picture).not.toBeNull();
    at(home).mode = 'refusing';
    at(home).cut({ kind: 'refused', why: 'the key was revoked' });
    for (let step = 0; step < 100; step++) {
      expect(daemon.picture).toBeNull();
      await clock.advance(100);
    }
    expect(said.slice(1)).toEqual([expect.stringContaining('refuses us: the key was revoked.')]);
  });
});
