import type { Millis } from '#core';
import type { Schedule } from './ports.ts';

/** Steps looked through for the last one; every second for a long day would be more, and nobody wants all of them. */
const mostSteps = 5000;

/** The latest planned moment up to `now` that is no older than `window`; null when all that was missed is older. `first` is the first missed one. */
export function latestMissed(schedule: Schedule, first: Millis, now: Millis, window: Millis): Millis | null {
  const oldest = now - window;
  let found = first >= oldest ? first : schedule.after(oldest - 1);
  if (found === null || found > now) return null;
  for (let step = 0; step < mostSteps; step++) {
    const next = schedule.after(found);
    if (next === null || next > now) break;
    found = next;
  }
  return found;
}
