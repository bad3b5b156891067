import type { Command } from '#core';
import type { Clock } from '#foundation';

/** A value asked for again within this counts as a repetition. Milliseconds. */
const memory = 10_000;
/** So many repetitions in a row are nobody's finger. */
const patience = 10;
/** Held back so long at first, twice as long each time it goes on. Milliseconds. */
const firstHold = 1000;
const longestHold = 60_000;
/** Values that are remembered. */
const mostValues = 100;

interface Lane {
  /** When each value was last asked for, oldest first. */
  readonly asked: Map<string, number>;
  strikes: number;
  hold: number;
  /** Until then it is held back. Monotonic ms. */
  until: number;
}

/**
 * Whoever repeats our own state as commands, late, can make old and new values chase each other for ever. Where the same values
 * are asked for again and again they are held back for a while and only the last of each kind is done, which lets all echoes meet.
 */
export class Damper {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #lanes = new Map<string, Lane>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /**
   * Milliseconds to hold these back for; 0 for what people do. `wasTold`: whether the value has been on our topics since (monotonic
   * ms); what has not is no echo.
   */
  weigh(commands: readonly (readonly [lane: string, command: Command])[], wasTold: (command: Command, since: number) => boolean = () => true): number {
    const now = this.#clock.monotonic();
    let hold = 0;
    for (const [name, command] of commands) {
      const lane = this.#lanes.get(name) ?? { asked: new Map<string, number>(), strikes: 0, hold: firstHold, until: -Infinity };
      this.#lanes.set(name, lane);
      forget(lane.asked, now - Math.max(memory, lane.hold * 2));
      if (lane.asked.size === 0) [lane.strikes, lane.hold] = [0, firstHold];
      const value = JSON.stringify(command);
      const before = lane.asked.get(value);
      lane.strikes = before !== undefined && wasTold(command, before) ? lane.strikes + 1 : Math.max(lane.strikes - 1, 0);
      lane.asked.delete(value);
      lane.asked.set(value, now);
      if (lane.strikes <= patience) continue;
      lane.strikes = Math.floor(patience / 2);
      // What comes in while it is held back is no reason to hold it back for longer still.
      if (now >= lane.until) {
        lane.until = now + lane.hold;
        lane.hold = Math.min(lane.hold * 2, longestHold);
      }
      hold = Math.max(hold, lane.until - now);
    }
    return hold;
  }
}

/** The oldest come first. */
function forget(asked: Map<string, number>, until: number): void {
  for (const [value, at] of asked) {
    if (at > until && asked.size <= mostValues) return;
    asked.delete(value);
  }
}
