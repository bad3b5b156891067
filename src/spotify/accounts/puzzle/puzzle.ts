import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { abortable, sleep, TonearmError, withTimeout, type Clock } from '#foundation';
import { solveHashcash } from '#spotify/wire';

/** A hashcash puzzle (`connect-session.md §8.4`). */
export interface Puzzle {
  /** Empty for client tokens. */
  readonly context: Uint8Array;
  readonly prefix: Uint8Array;
  /** Zero bits asked for. */
  readonly length: number;
}

export interface PuzzleSolution {
  /** 16 bytes. */
  readonly suffix: Buffer;
  /** How long the search took, in milliseconds. */
  readonly duration: number;
}

interface PuzzleOptions {
  /** The program of the thread; when it is not there (sources, tests) the search runs here in slices. */
  readonly program: URL;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

const searchTime = 20_000;
const slice = 4096;
/** 2^26 candidates are minutes of work on any machine: a puzzle that asks for so much is not meant to be solved. */
const hardest = 26;

/** Rejects with `spotify/puzzle-unsolved` when it takes too long or asks for too much. */
export async function solvePuzzle(puzzle: Puzzle, { program, clock, signal }: PuzzleOptions): Promise<PuzzleSolution> {
  const what = { code: 'spotify/puzzle-unsolved', message: 'Spotify asked for a calculation at login that this machine did not finish in time. It is tried again by itself.' };
  if (puzzle.length > hardest || puzzle.length < 0) throw new TonearmError({ kind: 'unavailable', ...what });
  const began = clock.monotonic();
  const suffix = await withTimeout(clock, searchTime, what, signal, (both) =>
    program.protocol === 'file:' && existsSync(fileURLToPath(program)) ? inThread(program, puzzle, both) : inSlices(puzzle, clock, both),
  );
  return { suffix, duration: clock.monotonic() - began };
}

async function inThread(program: URL, puzzle: Puzzle, signal: AbortSignal): Promise<Buffer> {
  const worker = new Worker(program, { workerData: puzzle });
  try {
    const suffix = await abortable(
      new Promise<Uint8Array | null>((resolve, reject) => {
        worker.once('message', resolve).once('error', reject);
        worker.once('exit', () => resolve(null));
      }),
      signal,
    );
    if (!suffix) throw new TonearmError({ kind: 'unavailable', code: 'spotify/puzzle-unsolved', message: 'Spotify asked for a calculation at login that could not be finished. It is tried again by itself.' });
    return Buffer.from(suffix);
  } finally {
    void worker.terminate();
  }
}

async function inSlices(puzzle: Puzzle, clock: Clock, signal: AbortSignal): Promise<Buffer> {
  for (let from = 0; ; from += slice) {
    const solution = solveHashcash({ ...puzzle, from, limitTries: slice });
    if (solution) return solution.suffix;
    await sleep(clock, 0, signal);
  }
}
