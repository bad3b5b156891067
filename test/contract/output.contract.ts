import { afterEach, describe, expect, test } from 'vitest';
import { TonearmError } from '#foundation';
import type { Output } from '#core';

export interface OutputUnderTest {
  readonly output: Output;
  /** Lets time pass, however the output measures it. */
  pass(milliseconds: number): Promise<unknown>;
  /** Everything that left it, as s16le stereo, once it is closed; null when that cannot be known. */
  readonly heard: (() => Promise<Buffer>) | null;
  /** Whether what was written can be taken back. */
  readonly canForget: boolean;
  /** Whether it is as slow as real time. */
  readonly isPaced: boolean;
  /** It stays open and plays silence when there is nothing to play; so long, in milliseconds, until that has pushed all else out of the recorder. */
  readonly quietFor?: number;
}

const rate = 44_100;
const calm = new AbortController().signal;

/** What every output must do, whatever is behind it. */
export function outputContract(name: string, open: () => Promise<OutputUnderTest>, skip: string | null = null): void {
  describe.skipIf(skip !== null)(`output ${name}${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let subject: OutputUnderTest;
    afterEach(async () => {
      await subject.output[Symbol.asyncDispose]();
    });
    const start = async () => {
      subject = await open();
      return subject.output;
    };

    test('takes stereo frames and says how late they are heard', async () => {
      const output = await start();
      expect(output.format).toEqual({ rate, channels: 2 });
      expect(output.delay).toBe(0);
      await settle(output.write(ramp(0, 4096), calm));
      expect(output.delay).toBeGreaterThanOrEqual(0);
      expect(output.delay).toBeLessThan(2000);
      await settle(output.drain(calm));
      expect(output.delay).toBe(0);
    });

    test('passes on every sample in order, whatever the pieces, and may be drained and used again', async () => {
      const output = await start();
      let at = 0;
      for (const size of [1, 3, 4096, 100, 8000, 4096, 5000]) {
        await settle(output.write(ramp(at, size), calm));
        at += size;
      }
      await settle(output.drain(calm));
      const between = at;
      for (const size of [4096, 4096, 17]) {
        await settle(output.write(ramp(at, size), calm));
        at += size;
      }
      await settle(output.drain(calm));
      await subject.pass(subject.quietFor ?? 0);
      await output[Symbol.asyncDispose]();
      if (subject.heard) expectRamp(await subject.heard(), between, at, subject.quietFor !== undefined);
    });

    test('makes the writer wait instead of taking everything', async () => {
      const output = await start();
      if (!subject.isPaced) return;
      let taken = 0;
      const abort = new AbortController();
      const writing = (async () => {
        for (;;) {
          await output.write(ramp(taken, 4096), abort.signal);
          taken += 4096;
        }
      })();
      const ended = expect(writing).rejects.toBe('enough');
      await subject.pass(300);
      abort.abort('enough');
      await ended;
      expect(taken).toBeLessThan(2 * rate);
      output.drop();
    });

    test('an aborted write has taken nothing, and the next one works', async () => {
      const output = await start();
      const abort = new AbortController();
      abort.abort('no');
      await expect(output.write(ramp(0, 100), abort.signal)).rejects.toBe('no');
      await settle(output.write(ramp(0, 4096), calm));
      await settle(output.drain(calm));
      await subject.pass(subject.quietFor ?? 0);
      await output[Symbol.asyncDispose]();
      if (subject.heard) expectRamp(await subject.heard(), 4096, 4096, subject.quietFor !== undefined);
    });

    test('forgets what was not heard', async () => {
      const output = await start();
      await settle(output.write(ramp(0, 4096), calm));
      await settle(output.write(ramp(4096, 4096), calm));
      const forgotten = output.drop();
      if (subject.canForget) {
        expect(forgotten).toBeGreaterThan(0);
        expect(forgotten).toBeLessThanOrEqual(8192);
        expect(output.delay).toBeLessThan(10);
      } else {
        expect(forgotten).toBe(0);
      }
      expect(output.drop()).toBe(0);
      await settle(output.write(ramp(0, 4096), calm));
      await settle(output.drain(calm));
    });

    test('can be closed idle, in the middle, and twice', async () => {
      const idle = await start();
      await idle[Symbol.asyncDispose]();
      const busy = await start();
      await settle(busy.write(ramp(0, 4096), calm));
      await busy[Symbol.asyncDispose]();
      await busy[Symbol.asyncDispose]();
    });

    /** Time passes until it is done. */
    async function settle<T>(work: Promise<T>): Promise<T> {
      let done = false;
      const end = () => (done = true);
      work.then(end, end);
      for (let turns = 0; !done; turns++) {
        if (turns > 500) throw new Error('It never settled.');
        await subject.pass(20);
      }
      return work;
    }
  });
}

/** What every output must do when there is nothing behind it. */
export function absentOutputContract(name: string, open: () => Promise<Output>, skip: string | null = null): void {
  test.skipIf(skip !== null)(`output ${name} without a device says so in a sentence`, async () => {
    const failure = (async () => {
      const output = await open();
      try {
        for (let writes = 0; writes < 200; writes++) await output.write(ramp(0, 4096), AbortSignal.timeout(10_000));
      } finally {
        await output[Symbol.asyncDispose]();
      }
    })();
    const error: unknown = await failure.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(TonearmError);
    expect(error).toMatchObject({ code: expect.stringMatching(/^output\//) as string });
    expect((error as TonearmError).message.length).toBeGreaterThan(40);
  });
}

/** Frames whose value is their number. */
function ramp(from: number, frames: number): Float32Array {
  const samples = new Float32Array(2 * frames);
  for (let frame = 0; frame < frames; frame++) {
    const value = (from + frame) % 30_000;
    samples[2 * frame] = value / 32_768;
    samples[2 * frame + 1] = -value / 32_768;
  }
  return samples;
}

/** Every frame once and in order; silence, with which some players fill their last block, only where they were drained: `between` and the end. */
function expectRamp(heard: Buffer, between: number, total: number, isQuiet: boolean): void {
  let at = 0;
  let filling = 0;
  for (let frame = 0; frame < heard.length / 4; frame++) {
    const left = heard.readInt16LE(4 * frame);
    if (left === 0 && at % 30_000 !== 0 && (at === between || at === total)) {
      filling += 1;
      continue;
    }
    expect([left, 0 - heard.readInt16LE(4 * frame + 2)]).toEqual([at % 30_000, at % 30_000]);
    at += 1;
  }
  expect(at).toBe(total);
  if (isQuiet) expect(filling).toBeGreaterThan(0);
  else expect(filling).toBeLessThan(2 * rate);
}
