import { describe, expect, it } from 'vitest';
import { FakeClock, silentLog, TonearmError } from '#foundation';
import { Reporter, type ReportKind } from './reporter.ts';

function setup(put?: (kind: ReportKind, count: number) => Promise<void>) {
  const clock = new FakeClock();
  const puts: { kind: ReportKind; at: number }[] = [];
  const reporter = new Reporter({
    clock,
    log: silentLog,
    async put(kind) {
      puts.push({ kind, at: clock.monotonic() });
      await put?.(kind, puts.length);
    },
  });
  return { clock, puts, reporter };
}

describe('reporter', () => {
  it('sends a claim at once and gathers the rest to one PUT each 200 ms', async () => {
    const { clock, puts, reporter } = setup();
    reporter.tell('claim');
    for (let n = 0; n < 20; n++) {
      reporter.tell('state');
      await clock.advance(50);
    }
    await clock.advance(1000);
    expect(puts[0]).toEqual({ kind: 'claim', at: 0 });
    expect(puts.length).toBeLessThanOrEqual(7);
    for (let n = 1; n < puts.length; n++) expect(puts[n]!.at - puts[n - 1]!.at).toBeGreaterThanOrEqual(200);
    expect(clock.pending).toBe(0);
  });

  it('waits for the slider to rest, then tells volume and state', async () => {
    const { clock, puts, reporter } = setup();
    for (let n = 0; n < 50; n++) {
      reporter.tell('volume');
      await clock.advance(20);
    }
    await clock.advance(1000);
    expect(puts.map((put) => put.kind)).toEqual(['volume', 'state']);
  });

  it('is silent for as long as the cloud asks, then sends one PUT', async () => {
    const { clock, puts, reporter } = setup(async (_, count) => {
      if (count === 1) throw new TonearmError({ kind: 'unavailable', code: 'spotify/rate-limited', message: 'slow down', retryAfter: 3000 });
    });
    reporter.tell('state');
    await clock.advance(100);
    for (let n = 0; n < 10; n++) reporter.tell('state');
    await clock.advance(2800);
    expect(puts).toHaveLength(1);
    await clock.advance(500);
    expect(puts).toHaveLength(2);
    expect(puts[1]!.at).toBeGreaterThanOrEqual(3000);
  });

  it('never runs two PUTs at a time', async () => {
    let running = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    const { clock, puts, reporter } = setup(async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => gates.push(resolve));
      running -= 1;
    });
    reporter.tell('claim');
    reporter.tell('hello');
    await clock.advance(1000);
    expect(puts).toHaveLength(1);
    gates.shift()?.();
    await clock.advance(1000);
    expect(puts).toHaveLength(2);
    gates.shift()?.();
    await clock.advance(1000);
    expect(most).toBe(1);
  });

  it('closes idle, busy and twice without leaving a timer', async () => {
    for (const busy of [false, true]) {
      const { clock, reporter } = setup();
      if (busy) {
        reporter.tell('volume');
        reporter.tell('state');
        reporter.tell('state');
      }
      await reporter[Symbol.asyncDispose]();
      await reporter[Symbol.asyncDispose]();
      expect(clock.pending).toBe(0);
    }
  });
});
