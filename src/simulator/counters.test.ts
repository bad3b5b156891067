import { describe, expect, it } from 'vitest';
import { FakeClock } from '#foundation';
import { Counters } from './counters.ts';
import { Journal } from './journal.ts';
import { Lane, Network } from './latency.ts';

describe('Counters', () => {
  it('count questions by service and name', () => {
    const counters = new Counters();
    counters.begin('cdn', 'cdn/audio').end();
    counters.begin('cdn', 'cdn/audio').end();
    counters.note('dealer', 'dealer/ping');
    counters.connected('cdn');
    expect(counters.view).toMatchObject({ requests: { cdn: 2, dealer: 1 }, byName: { 'cdn/audio': 2, 'dealer/ping': 1 }, connections: { cdn: 1 }, sequential: 2 });
  });

  it('tell what waited for what', () => {
    const counters = new Counters();
    const context = counters.begin('context', 'context');
    const state = counters.begin('connect-state', 'state');
    context.end();
    state.end();
    const metadata = counters.begin('metadata', 'metadata');
    metadata.end();
    const key = counters.begin('access-point', 'key');
    const storage = counters.begin('storage', 'storage');
    storage.end();
    key.end();
    counters.begin('cdn', 'cdn', 2).end();
    expect(counters.view.sequential).toBe(6);
    expect(counters.view.chain).toEqual(['context', 'metadata', 'storage', 'cdn (+2 to connect)']);
  });

  it('start anew at a mark, and forget what was under way', () => {
    const counters = new Counters();
    const before = counters.begin('cdn', 'before');
    counters.mark();
    before.end();
    expect(counters.view).toEqual({ requests: {}, byName: {}, connections: {}, sequential: 0, chain: [] });
  });
});

describe('the simulated network', () => {
  it('delays by round trips, and not at all without latency', async () => {
    const clock = new FakeClock();
    const network = new Network(clock, { http: 40 });
    await network.wait('cdn', 5);
    let arrived = false;
    const waiting = network.wait('http', 1.5).then(() => (arrived = true));
    await clock.advance(59);
    expect(arrived).toBe(false);
    await clock.advance(1);
    await waiting;
    expect(clock.pending).toBe(0);
  });

  it('keeps the order of what is sent one after another', async () => {
    const clock = new FakeClock();
    const lane = new Lane(clock);
    const got: number[] = [];
    lane.send(0, () => got.push(0));
    lane.send(20, () => got.push(1));
    lane.send(0, () => got.push(2));
    lane.send(5, () => got.push(3));
    expect(got).toEqual([0]);
    await clock.advance(20);
    expect(got).toEqual([0, 1, 2, 3]);
    lane.send(10, () => got.push(4));
    lane.clear();
    await clock.advance(50);
    expect(got).toHaveLength(4);
  });
});

describe('Journal', () => {
  it('finds, waits and forgets', async () => {
    const journal = new Journal(new FakeClock(5));
    const later = journal.until(({ what }) => what === 'b');
    journal.record('cdn', 'a', { x: 1 });
    journal.record('dealer', 'b', {}, 'Anna');
    expect(await later).toMatchObject({ at: 5, phone: 'Anna', sequence: 2 });
    expect(journal.find('a')).toHaveLength(1);
    expect(journal.find(/^[ab]$/, 'cdn')).toHaveLength(1);
    journal.refuse({ service: 'cdn', clause: 'c', what: 'w', refused: true });
    expect(journal.refusals).toEqual([{ at: 5, phone: null, service: 'cdn', clause: 'c', what: 'w', refused: true }]);
    journal.clear();
    expect([journal.entries.length, journal.refusals.length]).toEqual([0, 0]);
  });

  it('is bounded', () => {
    const journal = new Journal(new FakeClock());
    for (let more = 0; more < 50_000; more++) journal.record('cdn', 'x');
    expect(journal.entries.length).toBeLessThanOrEqual(20_000);
    expect(journal.entries.at(-1)?.sequence).toBe(50_000);
  });
});
