import { describe, expect, it } from 'vitest';
import { FakeClock, silentLog, TonearmError, type Log } from '#foundation';
import { Reporter, type ReportKind } from './reporter.ts';

function setup(put?: (kind: ReportKind, count: number) => Promise<void>, { random = 0.5, log = silentLog }: { readonly random?: number; readonly log?: Log } = {}) {
  const clock = new FakeClock();
  const puts: { kind: ReportKind; at: number }[] = [];
  const disallowed: string[] = [];
  const reporter = new Reporter({
    clock,
    log,
    random: () => random,
    disallowed: ({ code }) => disallowed.push(code),
    async put(kind) {
      puts.push({ kind, at: clock.monotonic() });
      await put?.(kind, puts.length);
    },
  });
  return { clock, puts, disallowed, reporter };
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

  it.each([20, 100, 300, 450])('stays below 20 in 5 s however often something changes (every %i ms), and tells the newest within 1 s', async (every) => {
    const { clock, puts, reporter } = setup();
    reporter.tell('hello');
    reporter.tell('claim');
    for (let n = 0; n < 10_000 / every; n++) {
      reporter.tell('state');
      if (n % 10 === 0) reporter.tell('volume');
      await clock.advance(every);
    }
    reporter.tell('state');
    const last = clock.monotonic();
    await clock.advance(1000);
    const newest = puts.at(-1)!.at;
    expect(newest).toBeGreaterThanOrEqual(last);
    const most = Math.max(...puts.map(({ at }) => puts.filter((put) => put.at > at - 5000 && put.at <= at).length));
    expect(most).toBeGreaterThan(8);
    expect(most).toBeLessThan(20);
    // After a calm the first ones are quick again.
    await clock.advance(10_000);
    const before = puts.length;
    for (let n = 0; n < 5; n++) {
      reporter.tell('state');
      await clock.advance(200);
    }
    expect(puts.length - before).toBe(5);
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
    await clock.advance(0);
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

  it('lets a claim go before a state that waits for its turn', async () => {
    const { clock, puts, reporter } = setup();
    reporter.tell('state');
    await clock.advance(10);
    reporter.tell('state');
    await clock.advance(10);
    reporter.tell('claim');
    await clock.advance(0);
    expect(puts).toEqual([{ kind: 'state', at: 0 }, { kind: 'claim', at: 20 }]);
  });

  it('gives playback up after the report that is under way, and instead of those that wait', async () => {
    const gates: (() => void)[] = [];
    const { clock, puts, reporter } = setup(() => new Promise<void>((resolve) => gates.push(resolve)));
    reporter.tell('claim');
    await clock.advance(0);
    reporter.tell('state');
    reporter.tell('inactive');
    await clock.advance(100);
    expect(puts).toHaveLength(1);
    gates.shift()?.();
    await clock.advance(0);
    expect(puts.map(({ kind }) => kind)).toEqual(['claim', 'inactive']);
    gates.shift()?.();
    await clock.advance(1000);
    expect(puts).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });

  it('does not wait for ever to give playback up, nor for the end of a pause the cloud asked for', async () => {
    const { clock, puts, reporter } = setup((kind, count) =>
      count === 1 ? Promise.reject(new TonearmError({ kind: 'unavailable', code: 'spotify/rate-limited', message: 'slow down', retryAfter: 60_000 })) : kind === 'inactive' ? Promise.resolve() : new Promise<void>(() => undefined),
    );
    reporter.tell('hello');
    await clock.advance(0);
    reporter.tell('inactive');
    await clock.advance(0);
    expect(puts.map(({ kind }) => kind)).toEqual(['hello', 'inactive']);
    await clock.advance(60_000);
    // The device is made known all the same.
    expect(puts.map(({ kind }) => kind)).toEqual(['hello', 'inactive', 'hello']);
  });

  it('tells again what the cloud could not take, with growing pauses', async () => {
    let isDown = true;
    const { clock, puts, reporter } = setup(() => (isDown ? Promise.reject(new TonearmError({ kind: 'unavailable', code: 'spotify/server-error', message: 'down' })) : Promise.resolve()));
    reporter.tell('hello');
    await clock.advance(16_000);
    expect(puts.map(({ at }) => at)).toEqual([0, 5000, 16_000]);
    expect(puts.every(({ kind }) => kind === 'hello')).toBe(true);
    isDown = false;
    await clock.advance(60_000);
    expect(puts).toHaveLength(4);
    expect(clock.pending).toBe(0);
  });

  it('a new connection does not wait for the end of a pause of our own, but of one the cloud asked for', async () => {
    for (const [retryAfter, second] of [[undefined, 100], [60_000, 60_000]] as const) {
      const { clock, puts, reporter } = setup((_, count) => (count === 1 ? Promise.reject(new TonearmError({ kind: 'unavailable', code: 'spotify/server-error', message: 'down', ...(retryAfter && { retryAfter }) })) : Promise.resolve()));
      reporter.tell('hello');
      await clock.advance(100);
      reporter.disconnected();
      reporter.tell('hello');
      await clock.advance(60_000);
      expect(puts.map(({ at }) => at)).toEqual([0, second]);
    }
  });

  it('a hello that giving up did not wait for is said afterwards: without it nobody knows us', async () => {
    const clock = new FakeClock();
    const kinds: ReportKind[] = [];
    const reporter = new Reporter({
      clock,
      log: silentLog,
      disallowed: () => undefined,
      put(kind, signal) {
        kinds.push(kind);
        if (kinds.length > 1) return Promise.resolve();
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
      },
    });
    reporter.tell('hello');
    await clock.advance(0);
    reporter.tell('inactive');
    await clock.advance(999);
    expect(kinds).toEqual(['hello']);
    await clock.advance(1000);
    expect(kinds).toEqual(['hello', 'inactive', 'hello']);
    expect(clock.pending).toBe(0);
  });

  it('gives playback up by telling the state when it could not be given up otherwise', async () => {
    const { clock, puts, reporter } = setup((kind) => (kind === 'inactive' ? Promise.reject(new TonearmError({ kind: 'timeout', code: 'network/timeout', message: 'late' })) : Promise.resolve()));
    reporter.tell('inactive');
    await clock.advance(60_000);
    expect(puts).toEqual([{ kind: 'inactive', at: 0 }, { kind: 'state', at: 5000 }]);
  });

  it('does not repeat what the cloud will not have', async () => {
    const { clock, puts, reporter } = setup(() => Promise.reject(new TonearmError({ kind: 'conflict', code: 'spotify/state-dropped', message: 'old' })));
    reporter.tell('state');
    await clock.advance(60_000);
    expect(puts).toHaveLength(1);
  });

  it.each([
    [0, 4750, 10_450, 13_538],
    [0.5, 5000, 11_000, 14_250],
    [1, 5250, 11_550, 14_963],
  ])('tells a cloud that comes back after a long trouble within 15 s, not in step with other zones (%d)', async (random, first, second, rest) => {
    const { clock, puts, reporter } = setup((_, count) => (count <= 12 ? Promise.reject(new TonearmError({ kind: 'unavailable', code: 'spotify/server-error', message: 'no' })) : Promise.resolve()), { random });
    reporter.tell('state');
    await clock.advance(240_000);
    expect(puts.slice(1).map(({ at }, index) => at - puts[index]!.at)).toEqual([first, second, ...Array<number>(10).fill(rest)]);
  });

  it('warns once of a trouble that lasts, and again of the next one', async () => {
    let code = 'spotify/server-error';
    const warned: unknown[] = [];
    const { clock, puts, reporter } = setup(() => (code ? Promise.reject(new TonearmError({ kind: 'unavailable', code, message: 'no' })) : Promise.resolve()), {
      log: { ...silentLog, warn: (_, fields) => warned.push(fields?.['code']) },
    });
    reporter.tell('state');
    await clock.advance(60_000);
    expect(puts.length).toBeGreaterThan(4);
    expect(warned).toEqual(['spotify/server-error']);
    code = 'network/unreachable';
    await clock.advance(15_000);
    code = '';
    await clock.advance(15_000);
    code = 'network/unreachable';
    reporter.tell('state');
    await clock.advance(60_000);
    expect(warned).toEqual(['spotify/server-error', 'network/unreachable', 'network/unreachable']);
  });

  it('says nothing more on this connection to a cloud that does not allow it, and says so once', async () => {
    let isAllowed = false;
    const { clock, puts, disallowed, reporter } = setup(async () => {
      if (!isAllowed) throw new TonearmError({ kind: 'forbidden', code: 'spotify/not-allowed', message: 'no' });
    });
    reporter.tell('state');
    await clock.advance(10);
    for (const kind of ['state', 'volume', 'claim'] as const) reporter.tell(kind);
    await clock.advance(60_000);
    expect(puts).toHaveLength(1);
    expect(disallowed).toEqual(['spotify/not-allowed']);
    isAllowed = true;
    reporter.tell('hello');
    await clock.advance(1000);
    reporter.tell('state');
    await clock.advance(1000);
    expect(puts.map(({ kind }) => kind)).toEqual(['state', 'hello', 'state']);
  });

  it('is silent without a connection, and does not let an old report hold up the hello of the next', async () => {
    const signals: AbortSignal[] = [];
    const clock = new FakeClock();
    const kinds: ReportKind[] = [];
    const reporter = new Reporter({
      clock,
      log: silentLog,
      disallowed: () => undefined,
      put: (kind, signal) => {
        kinds.push(kind);
        signals.push(signal);
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
      },
    });
    reporter.tell('state');
    await clock.advance(0);
    reporter.tell('volume');
    reporter.disconnected();
    reporter.tell('state');
    reporter.tell('inactive');
    await clock.advance(10_000);
    expect(kinds).toEqual(['state']);
    expect(signals[0]?.aborted).toBe(true);
    reporter.tell('hello');
    await clock.advance(0);
    expect(kinds).toEqual(['state', 'hello']);
    await reporter[Symbol.asyncDispose]();
    expect(clock.pending).toBe(0);
  });
});
