import { parentPort, workerData } from 'node:worker_threads';
import { solveHashcash } from '#spotify/wire';
import type { Puzzle } from './puzzle.ts';

/** The thread that solves one login puzzle: the search is pure computation and would stop everything else for seconds. */
parentPort?.postMessage(solveHashcash(workerData as Puzzle)?.suffix ?? null);
