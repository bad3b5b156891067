import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeClock, systemClock } from '#foundation';
import { checkHashcash } from '#spotify/wire';
import { buildProgram, type BuiltProgram } from '../../../../test/kit/program.ts';
import { solvePuzzle, type Puzzle } from './puzzle.ts';

/** `connect-session.md §8.4`, the worked example. */
const puzzle: Puzzle = {
  context: Buffer.from('627d5ea9543a08a580894647ffb842b207a50cf4efd5b6b05baf1edab35e5555399a4c57e0750b61d58cc4d2e1e18456920f753053ce24e72b88480542d328952c0fc2b9160a', 'hex'),
  prefix: Buffer.from('edd7a2d51e59396c767f570cf2509ef2', 'hex'),
  length: 10,
};
const suffix = '675bb0e7ffbbf9ee0000000000000289';
const nowhere = new URL('file:///nowhere/puzzle-thread.js');

describe('solvePuzzle', () => {
  let built: BuiltProgram;
  let program: URL;

  beforeAll(async () => {
    built = await buildProgram(new URL('entry.ts', import.meta.url));
    program = built.url;
  });

  afterAll(() => built[Symbol.asyncDispose]());

  it('finds the first solution in a thread, and here when there is no thread', async () => {
    for (const where of [program, nowhere]) {
      const solution = await solvePuzzle(puzzle, { program: where, clock: systemClock });
      expect(solution.suffix.toString('hex')).toBe(suffix);
      expect(solution.duration).toBeGreaterThanOrEqual(0);
    }
  });

  it('leaves the event loop free while a hard one is searched in a thread', async () => {
    let turns = 0;
    const beat = setInterval(() => (turns += 1), 5);
    const hard = { ...puzzle, length: 16 };
    const solution = await solvePuzzle(hard, { program, clock: systemClock });
    clearInterval(beat);
    expect(checkHashcash({ prefix: hard.prefix, suffix: solution.suffix, length: 16 })).toBe(true);
    expect(turns).toBeGreaterThan(3);
  });

  it('gives up after 20 s, when asked to, and on what nobody could solve', async () => {
    const clock = new FakeClock();
    const endless = solvePuzzle({ ...puzzle, length: 26 }, { program, clock });
    const result = expect(endless).rejects.toMatchObject({ kind: 'timeout', code: 'spotify/puzzle-unsolved' });
    await clock.advance(20_000);
    await result;
    const abort = new AbortController();
    const aborted = solvePuzzle({ ...puzzle, length: 26 }, { program: nowhere, clock, signal: abort.signal });
    const stopped = expect(aborted).rejects.toThrow('enough');
    abort.abort(new Error('enough'));
    await clock.advance(0);
    await stopped;
    await expect(solvePuzzle({ ...puzzle, length: 60 }, { program, clock })).rejects.toMatchObject({ code: 'spotify/puzzle-unsolved' });
    expect(clock.pending).toBe(0);
  });
});
