import type { Millis } from '#core';
import type { Presence } from '../ports.ts';
import type { Reading } from './readings.ts';
import type { Settling } from './settling.ts';

/** What happens to a source of any kind. */
export type SourceInput =
  | { readonly type: 'reading'; readonly reading: Reading; readonly isRetained: boolean; /** Unix ms. */ readonly wall: Millis }
  /** The broker is there (again): what comes first now may be old. */
  | { readonly type: 'up' }
  | { readonly type: 'down' }
  | { readonly type: 'time' };

/** What every source knows of itself. Moments are monotonic ms. */
export interface SourceState {
  readonly settling: Settling;
  /** As its availability topic has it. */
  readonly isOnline: boolean;
  /** Last word of it; listening began when nothing was heard yet. Null: not listening. */
  readonly heardAt: Millis | null;
  /** The next value is the first one: it is a state, and no news. */
  readonly isFirst: boolean;
  /** Since when the broker is away; null while it is there. */
  readonly lostAt: Millis | null;
  readonly hint: string | null;
}

export interface SourceStep<S extends SourceState> {
  readonly state: S;
  readonly hasChanged: boolean;
  readonly isEdge: boolean;
  /** When to look again, monotonic ms. */
  readonly wake: Millis | null;
}

/** A broker that is back sooner was restarted: what was known still holds. */
const lossTolerance = 60_000;

export function connect<S extends SourceState>(state: S, type: 'up' | 'down', now: Millis): S {
  if (type === 'up') return { ...state, isFirst: true, lostAt: null, heardAt: now };
  // What is waited for cannot be contradicted any more.
  return { ...state, lostAt: state.lostAt ?? now, settling: { ...state.settling, pending: null } };
}

/** So long that nobody knows anything any more. */
export function isLost({ lostAt }: SourceState, now: Millis): boolean {
  return lostAt !== null && now - lostAt >= lossTolerance;
}

export function isStale({ heardAt }: SourceState, staleAfter: Millis | null, now: Millis): boolean {
  return staleAfter !== null && heardAt !== null && now - heardAt >= staleAfter;
}

/** Nothing settles while nobody could speak against it; null when the broker is there, or nothing is known anyway. */
export function held<S extends SourceState>(state: S, seen: Presence): SourceStep<S> | null {
  return state.lostAt === null || seen === 'unknown' ? null : { state, hasChanged: false, isEdge: false, wake: state.lostAt + lossTolerance };
}
