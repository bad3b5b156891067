import type { Millis } from '#core';
import { connect, held, isLost, isStale, type SourceInput, type SourceState, type SourceStep } from './connection.ts';
import type { Reading } from './readings.ts';
import { earliest, settle, unsettled } from './settling.ts';

export interface SensorSettings {
  readonly enterAfter: Millis;
  readonly clearAfter: Millis;
  readonly staleAfter: Millis | null;
  readonly isMomentary: boolean;
}

/** Moments are monotonic ms, except `newest`. */
export interface SensorState extends SourceState {
  /** What each sensor behind it said last; null: nothing since it was last unknown. */
  readonly parts: ReadonlyMap<string, boolean> | null;
  /** When it last said that somebody is there. */
  readonly presentAt: Millis;
  /** Unix ms of the newest measurement that told its time. */
  readonly newest: Millis | null;
}

/** Sensors, or seen objects, behind one source. */
const mostParts = 64;

export const newSensor: SensorState = { settling: unsettled, parts: null, isOnline: true, heardAt: 0, presentAt: 0, newest: null, isFirst: true, lostAt: null, hint: null };

/** A source that says whether somebody is there: one input in, the settled value out (`home-integrations.md §6.1`). */
export function stepSensor(before: SensorState, input: SourceInput, settings: SensorSettings, now: Millis): SourceStep<SensorState> {
  let state = before;
  let isQuiet = false;
  if (input.type === 'reading') [state, isQuiet] = hear(state, input.reading, input.isRetained, input.wall, settings, now);
  else if (input.type !== 'time') state = connect(state, input.type, now);
  const seen = sees(state, settings, now);
  if (seen === 'unknown' && state.parts) state = { ...state, parts: null, isFirst: true };
  const waits = held(state, seen);
  if (waits) return waits;
  const settled = settle(state.settling, seen, { enter: settings.enterAfter, leave: settings.isMomentary ? 0 : settings.clearAfter }, now, isQuiet);
  state = { ...state, settling: settled.state };
  return { state, hasChanged: settled.hasChanged, isEdge: settled.isEdge, wake: wakeOf(state, settings) };
}

function hear(state: SensorState, reading: Reading, isRetained: boolean, wall: Millis, settings: SensorSettings, now: Millis): [SensorState, boolean] {
  const when = 'at' in reading ? reading.at : null;
  // What was measured long ago and kept by the broker is as old as it is.
  const heardAt = when === null ? now : now - Math.max(0, wall - when);
  switch (reading.type) {
    case 'availability':
      return [reading.room === undefined ? { ...state, isOnline: reading.isOnline } : state, true];
    case 'alive':
      return [{ ...state, heardAt: Math.max(state.heardAt ?? 0, heardAt), newest: later(state.newest, when) }, false];
    case 'unknown':
      return [{ ...state, parts: null, isFirst: true, heardAt: now, hint: reading.hint }, true];
    case 'near':
    case 'gone':
      return [state, false];
    case 'presence': {
      if (when !== null && state.newest !== null && when < state.newest) return [state, false];
      const parts = new Map(state.parts);
      const part = reading.part ?? '';
      // Objects that are gone are forgotten; the newest go on counting when there are too many.
      parts.delete(part);
      if (reading.isPresent || reading.part === undefined) parts.set(part, reading.isPresent);
      if (parts.size > mostParts) parts.delete(parts.keys().next().value ?? '');
      const isQuiet = state.isFirst || isRetained;
      return [
        // Who speaks is not offline, whatever was said before.
        { ...state, isOnline: state.isOnline || !isRetained, parts, heardAt: state.parts ? Math.max(state.heardAt ?? 0, heardAt) : heardAt, presentAt: reading.isPresent ? heardAt : state.presentAt, newest: later(state.newest, when), isFirst: state.isFirst && isStale({ ...state, heardAt }, settings.staleAfter, now), hint: null },
        isQuiet,
      ];
    }
  }
}

function later(a: Millis | null, b: Millis | null): Millis | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

function sees(state: SensorState, settings: SensorSettings, now: Millis) {
  if (!state.isOnline || isLost(state, now) || !state.parts || isStale(state, settings.staleAfter, now)) return 'unknown';
  const isThere = [...state.parts.values()].some(Boolean);
  if (settings.isMomentary) return isThere && now - state.presentAt < settings.clearAfter ? 'present' : 'absent';
  return isThere ? 'present' : 'absent';
}

function wakeOf(state: SensorState, settings: SensorSettings): Millis | null {
  if (state.settling.value === 'unknown' && !state.parts) return null;
  return earliest([
    state.settling.pending?.at ?? null,
    settings.staleAfter === null || !state.parts || state.heardAt === null ? null : state.heardAt + settings.staleAfter,
    settings.isMomentary && state.settling.value === 'present' ? state.presentAt + settings.clearAfter : null,
  ]);
}
