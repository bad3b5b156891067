import type { Millis } from '#core';
import type { Presence } from '../ports.ts';

/** A value that changes only once the new one has lasted. Moments are monotonic ms. */
export interface Settling {
  readonly value: Presence;
  /** What it will become if nothing speaks against it until then. */
  readonly pending: { readonly to: 'present' | 'absent'; readonly at: Millis; readonly isQuiet: boolean } | null;
}

export interface SettlingDelays {
  /** How long somebody must be there before they are, ms. */
  readonly enter: Millis;
  /** How long nobody must be there before they are gone, ms. */
  readonly leave: Millis;
}

export interface Settled {
  readonly state: Settling;
  /** The value changed. */
  readonly hasChanged: boolean;
  /** And it is news: somebody came or went. From and to `unknown`, and after a first value, it is not. */
  readonly isEdge: boolean;
}

export const unsettled: Settling = { value: 'unknown', pending: null };

/**
 * One look at what is so `now`. `isQuiet`: this was learnt by asking (a retained value, the first one after a connection), so it
 * sets the state and is no news; a wait that began quietly ends quietly.
 */
export function settle(state: Settling, seen: Presence, delays: SettlingDelays, now: Millis, isQuiet: boolean): Settled {
  if (seen === state.value) return { state: state.pending ? { value: seen, pending: null } : state, hasChanged: false, isEdge: false };
  if (seen === 'unknown' || state.value === 'unknown') return { state: { value: seen, pending: null }, hasChanged: true, isEdge: false };
  const pending = state.pending ?? { to: seen, at: now + (seen === 'present' ? delays.enter : delays.leave), isQuiet };
  if (now < pending.at) return { state: { value: state.value, pending }, hasChanged: false, isEdge: false };
  return { state: { value: seen, pending: null }, hasChanged: true, isEdge: !pending.isQuiet };
}

/** The same while nobody could speak against it: what is not known any more is so at once; a wait begins anew, and nothing else does. */
export function postpone(state: Settling, seen: Presence, delays: SettlingDelays, now: Millis): Settled {
  if (seen === 'unknown') return settle(state, seen, delays, now, true);
  const { pending } = state;
  return { state: { ...state, pending: pending && { ...pending, at: now + (pending.to === 'present' ? delays.enter : delays.leave) } }, hasChanged: false, isEdge: false };
}

/** The earliest of some moments; null when there is none. */
export function earliest(moments: Iterable<Millis | null>): Millis | null {
  let first: Millis | null = null;
  for (const moment of moments) if (moment !== null && (first === null || moment < first)) first = moment;
  return first;
}
