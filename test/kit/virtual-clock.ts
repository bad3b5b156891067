import { setImmediate } from 'node:timers/promises';
import type { Clock } from '#foundation';
import { TimerHeap } from './timer-heap.ts';
import { Traffic } from './traffic.ts';

/** So many turns of the event loop in a row without anything on its way are quiet. */
const calmTurns = 3;
/** What has not moved for so long (real ms) and so many turns waits for something else than the machine. */
const patience = { sockets: 200, jobs: 5000, turns: 30 };
const longestDelay = 2 ** 31 - 1;

/**
 * Time that moves only when told to, for a whole house of real sockets in one process: between two timers it waits until
 * nothing is on its way any more, so that what happens does not depend on how fast the machine is. A day runs in seconds.
 * Like Node's own timers, none is shorter than 1 ms.
 */
export class VirtualClock implements Clock, Disposable {
  readonly traffic = new Traffic();
  readonly #timers = new TimerHeap();
  #wall: number;
  #monotonic = 0;
  #isMoving = false;
  /** For looking at what a test costs. */
  readonly spent = { timers: 0, turns: 0 };

  constructor(now = 1_700_000_000_000) {
    this.#wall = now;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  timer(delay: number, run: () => void): Disposable {
    return this.#timers.add(this.#monotonic + Math.min(Math.max(delay, 1), longestDelay), run);
  }

  /** How many timers are pending; a part that was closed must leave none. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Where pending timers were made, with how many of each; only while `isTracing`. */
  get origins(): ReadonlyMap<string, number> {
    return this.#timers.origins;
  }

  /** Remembers where each timer is made: slow, for finding orphans. */
  set isTracing(on: boolean) {
    this.#timers.isTracing = on;
  }

  /** Moves wall time without moving monotonic time: somebody set the clock. */
  jump(by: number): void {
    this.#wall += by;
  }

  /** Lets sockets and promises work until nothing is on its way. No time passes. */
  async settle(): Promise<void> {
    let calm = 0;
    let turns = 0;
    let before = '';
    let since = 0;
    while (calm < calmTurns) {
      await setImmediate();
      this.spent.turns += 1;
      const moving = this.traffic.underWay();
      if (moving.size === 0) {
        calm += 1;
        continue;
      }
      calm = 0;
      const picture = JSON.stringify([...moving]);
      if (picture !== before) {
        [before, turns, since] = [picture, 0, performance.now()];
      } else if (++turns >= patience.turns && performance.now() - since >= (moving.has('jobs') ? patience.jobs : patience.sockets)) this.traffic.giveUp(moving);
    }
  }

  /** Lets `by` ms pass, running what falls due in order. */
  async run(by: number): Promise<void> {
    await this.#move(this.#monotonic + by, () => false);
  }

  /** Moves on from timer to timer until `test` holds; returns how long that took. Throws when it does not within `most` ms. */
  async until(test: () => boolean, most = 60_000): Promise<number> {
    const began = this.#monotonic;
    if (!(await this.#move(began + most, test))) throw new Error(`did not come within ${most} ms of virtual time: ${test.toString()}`);
    return this.#monotonic - began;
  }

  /** Moves on until the promise has settled, and gives its outcome. */
  async during<T>(work: Promise<T>, most = 60_000): Promise<T> {
    let isOver = false;
    const over = () => void (isOver = true);
    work.then(over, over);
    if (!(await this.#move(this.#monotonic + most, () => isOver))) throw new Error(`was not done within ${most} ms of virtual time`);
    return work;
  }

  [Symbol.dispose](): void {
    this.traffic[Symbol.dispose]();
  }

  async #move(end: number, isDone: () => boolean): Promise<boolean> {
    if (this.#isMoving) throw new Error('Two parts of a test move the clock at the same time.');
    this.#isMoving = true;
    try {
      for (;;) {
        await this.settle();
        if (isDone()) return true;
        const next = this.#timers.take(end);
        if (!next) break;
        this.#advance(next.due);
        this.spent.timers += 1;
        next.run();
      }
      this.#advance(end);
      return false;
    } finally {
      this.#isMoving = false;
    }
  }

  #advance(to: number): void {
    this.#wall += to - this.#monotonic;
    this.#monotonic = to;
  }
}
