import type { Millis } from '#core';
import { sleep, withEither, type Clock } from '#foundation';
import { sayDuration } from './duration.ts';
import type { EventTrigger } from './triggers.ts';
import { watch, type Surroundings } from './watch.ts';

export interface WaitEnd {
  readonly happened: boolean;
  readonly what: string;
  readonly outcome: string;
}

/** No timer of a machine is longer; and between looks the clock may have been set. */
const longest = 60_000;

/** Until a moment of the wall clock. */
export async function wait(until: Millis, clock: Clock, signal: AbortSignal): Promise<WaitEnd> {
  const began = clock.now();
  for (let rest = until - began; rest > 0; rest = until - clock.now()) await sleep(clock, Math.min(rest, longest), signal);
  return { happened: true, what: `wait ${sayDuration(until - began)}`, outcome: 'over' };
}

/** Until it happens or is so, and no longer than until that moment. */
export async function waitUntil(trigger: EventTrigger, until: Millis, around: Surroundings, signal: AbortSignal): Promise<WaitEnd> {
  const over = new AbortController();
  // An object, because it is set from elsewhere.
  const seen: { text: string | null } = { text: null };
  const watching = watch(trigger, around, { isState: true }, (notice) => {
    seen.text ??= notice.text;
    over.abort();
  });
  try {
    await withEither(signal, over.signal, (both) => wait(until, around.clock, both));
  } catch (error) {
    if (signal.aborted || seen.text === null) throw error;
  } finally {
    watching[Symbol.dispose]();
  }
  return seen.text === null ? { happened: false, what: 'wait until it happens', outcome: 'it did not happen in time' } : { happened: true, what: `wait until ${seen.text}`, outcome: 'it is so' };
}
