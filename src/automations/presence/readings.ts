import type { Millis } from '#core';

/**
 * What one message says, whichever product said it.
 * - `presence`: somebody is (not) there. `part` tells several sensors behind one source apart: any of them is enough.
 * - `near`: seen this far from the receiver of a room, metres, and only true for a moment; null where the product decides
 *   by itself and says only the room, which holds until it says another.
 * - `gone`: a tracker's own word that it sees nothing any more.
 * - `availability`: the sensor, or the receiver of `room`, is (not) working.
 * - `alive`: it said something that tells nothing about presence.
 * - `unknown`: it does not know, or nobody can read what it says. `hint`: what that means and what to do, where something can be done.
 *
 * `at`: Unix ms of the measurement, where the message tells: older news than the last is no news.
 */
export type Reading =
  | { readonly type: 'presence'; readonly isPresent: boolean; readonly part?: string; readonly at?: Millis }
  | { readonly type: 'near'; readonly room: string; readonly distance: number | null }
  | { readonly type: 'gone' }
  | { readonly type: 'availability'; readonly isOnline: boolean; readonly room?: string }
  | { readonly type: 'alive'; readonly at?: Millis }
  | { readonly type: 'unknown'; readonly hint: string | null };

/** Words products use; letters large or small. */
const presentWords = ['true', 'on', '1', 'yes', 'home', 'present', 'occupied', 'detected', 'motion', 'open'];
const absentWords = ['false', 'off', '0', 'no', 'not_home', 'away', 'absent', 'clear', 'not_detected', 'no_motion', 'closed', 'none'];
const unknownWords = ['unknown', 'unavailable', 'null', ''];

export type Value = string | number | boolean | null;

/** Which values mean that somebody is there; where only one list is given, every other known value means the opposite. */
export interface Meaning {
  readonly on?: readonly Value[] | undefined;
  readonly off?: readonly Value[] | undefined;
}

/** Null: this value means nothing to us. */
export function meaningOf(value: unknown, { on, off }: Meaning): boolean | 'unknown' | null {
  const word = typeof value === 'string' ? value.trim().toLowerCase() : typeof value === 'number' || typeof value === 'boolean' || value === null ? String(value) : null;
  if (word === null) return null;
  const is = (list: readonly Value[]) => list.some((one) => String(one).trim().toLowerCase() === word);
  if (on && is(on)) return true;
  if (off && is(off)) return false;
  if (unknownWords.includes(word)) return 'unknown';
  if (on || off) return on && off ? null : !on;
  if (is(presentWords)) return true;
  if (is(absentWords)) return false;
  return null;
}

/** JSON, or the text itself. */
export function valueOf(payload: string): unknown {
  try {
    return JSON.parse(payload) as unknown;
  } catch {
    return payload;
  }
}

/** What lies at a dotted path: `after.label`, `zones.0`. Undefined where the way ends. Keys fit without regard to case if not exactly. */
export function at(value: unknown, path: string): unknown {
  let here = value;
  for (const step of path.split('.')) {
    if (typeof here !== 'object' || here === null) return undefined;
    const holder = here as Readonly<Record<string, unknown>>;
    const key = Object.hasOwn(holder, step) ? step : Object.keys(holder).find((name) => name.toLowerCase() === step.toLowerCase());
    if (key === undefined) return undefined;
    here = holder[key];
  }
  return here;
}

export function textAt(value: unknown, path: string): string | null {
  const found = at(value, path);
  return typeof found === 'string' ? found : null;
}

export function numberAt(value: unknown, path: string): number | null {
  const found = at(value, path);
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}

export function listAt(value: unknown, path: string): readonly unknown[] {
  const found = at(value, path);
  return Array.isArray(found) ? found : [];
}
