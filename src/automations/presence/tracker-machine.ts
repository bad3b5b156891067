import type { Millis } from '#core';
import type { Presence } from '../ports.ts';
import { connect, held, isLost, isStale, type SourceInput, type SourceState, type SourceStep } from './connection.ts';
import type { Reading } from './readings.ts';
import { earliest, settle, unsettled } from './settling.ts';

export interface TrackerSettings {
  readonly enterAfter: Millis;
  readonly awayAfter: Millis;
  readonly staleAfter: Millis | null;
  /** Metres. */
  readonly maxDistance: number | null;
  /** Metres another room must be nearer, and for how long. */
  readonly switchMargin: number;
  readonly dwell: Millis;
  /** Who is not seen is away. Else somebody says so. */
  readonly isSilenceAway: boolean;
}

/** One receiver's view of what is tracked. */
interface Sighting {
  /** The newest distances, metres; null: a product's own decision, which holds until another. */
  readonly distances: readonly number[] | null;
  readonly heardAt: Millis;
}

/** Moments are monotonic ms. */
export interface TrackerState extends SourceState {
  /** Where, while present. */
  readonly room: string | null;
  readonly sightings: ReadonlyMap<string, Sighting>;
  /** A nearer room, and since when it is. */
  readonly candidate: { readonly room: string; readonly since: Millis } | null;
  /** Receivers that told whether they work. */
  readonly receivers: ReadonlyMap<string, boolean>;
  /** Something said that it is seen nowhere. */
  readonly goneAt: Millis | null;
}

/** Single distances jump; the middle one of so many does not. */
const smoothing = 5;
/** A receiver that was silent for so long is no longer compared with others: receivers speak every few seconds while they see something. */
const fresh = 20_000;
const mostRooms = 64;

export const newTracker: TrackerState = {
  settling: unsettled,
  room: null,
  sightings: new Map(),
  candidate: null,
  receivers: new Map(),
  isOnline: true,
  goneAt: null,
  heardAt: null,
  isFirst: true,
  lostAt: null,
  hint: null,
};

/** In which room somebody is, from distances to receivers: the nearest, once it has been nearer by a margin for a while. */
export function stepTracker(before: TrackerState, input: SourceInput, settings: TrackerSettings, now: Millis): SourceStep<TrackerState> {
  let state = before;
  let isQuiet = false;
  if (input.type === 'reading') {
    isQuiet = state.isFirst || input.isRetained;
    state = hear(state, input.reading, input.isRetained, now);
  } else if (input.type !== 'time') {
    state = { ...connect(input.type === 'up' ? without(state, now) : state, input.type, now), candidate: null };
  }
  const seen = sees(state, settings, now);
  const waits = held(state, seen);
  if (waits) return waits;

  // Silence after a connection is a first value too.
  if (seen === 'absent' && state.isFirst) isQuiet = true;
  if (seen === 'unknown') state = { ...state, isFirst: true, sightings: new Map(), goneAt: null };
  const settled = settle(state.settling, seen, { enter: settings.enterAfter, leave: 0 }, now, isQuiet);
  state = { ...state, settling: settled.state, ...(seen === 'absent' && { isFirst: false }) };
  const { room, candidate } = place(state, settings, now);
  const hasMoved = room !== before.room;
  state = { ...state, room, candidate };
  return { state, hasChanged: settled.hasChanged || hasMoved, isEdge: settled.isEdge || (hasMoved && !isQuiet && !settled.hasChanged), wake: wakeOf(state, settings, now) };
}

/** While the broker was away nobody could be heard: that time is not silence. */
function without(state: TrackerState, now: Millis): TrackerState {
  const away = state.lostAt === null ? 0 : now - state.lostAt;
  const sightings = new Map([...state.sightings].map(([room, sighting]) => [room, { ...sighting, heardAt: sighting.heardAt + away }]));
  return { ...state, sightings, goneAt: state.goneAt === null ? null : state.goneAt + away };
}

function hear(state: TrackerState, reading: Reading, isRetained: boolean, now: Millis): TrackerState {
  switch (reading.type) {
    case 'availability':
      if (reading.room === undefined) return { ...state, isOnline: reading.isOnline };
      if (state.receivers.size >= mostRooms && !state.receivers.has(reading.room)) return state;
      return { ...state, receivers: new Map(state.receivers).set(reading.room, reading.isOnline) };
    case 'unknown':
      return { ...state, sightings: new Map(), heardAt: null, isFirst: true, hint: reading.hint };
    case 'gone':
      return { ...state, sightings: new Map(), goneAt: state.goneAt ?? now, heardAt: now, hint: null };
    case 'near': {
      const { room, distance } = reading;
      const sightings = new Map(distance === null ? [] : state.sightings);
      const known = sightings.get(room)?.distances ?? [];
      sightings.delete(room);
      if (sightings.size >= mostRooms) sightings.delete(sightings.keys().next().value ?? '');
      sightings.set(room, { distances: distance === null ? null : [...known, distance].slice(-smoothing), heardAt: now });
      return { ...state, isOnline: state.isOnline || !isRetained, sightings, goneAt: null, heardAt: now, isFirst: false, hint: null };
    }
    case 'alive':
    case 'presence':
      return state;
  }
}

/** Metres; null when this receiver does not count. */
function distanceOf(state: TrackerState, room: string, settings: TrackerSettings, now: Millis): number | null {
  const sighting = state.sightings.get(room);
  if (!sighting || state.receivers.get(room) === false) return null;
  if (!sighting.distances) return 0;
  if (now - sighting.heardAt >= fresh) return null;
  const sorted = [...sighting.distances].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return settings.maxDistance !== null && middle > settings.maxDistance ? null : middle;
}

/** The last moment it was seen near enough to count; a decision holds for ever. */
function seenAt(state: TrackerState, settings: TrackerSettings): Millis | null {
  let last: Millis | null = null;
  for (const { distances, heardAt } of state.sightings.values()) {
    if (!distances) return Infinity;
    const isNear = settings.maxDistance === null || Math.min(...distances) <= settings.maxDistance;
    if (isNear && (last === null || heardAt > last)) last = heardAt;
  }
  return last;
}

function sees(state: TrackerState, settings: TrackerSettings, now: Millis): Presence {
  if (!state.isOnline || isLost(state, now) || state.heardAt === null || isStale(state, settings.staleAfter, now)) return 'unknown';
  const receivers = [...state.receivers.values()];
  const isBlind = receivers.length > 0 && !receivers.includes(true);
  if (isBlind) return 'unknown';
  const last = seenAt(state, settings);
  if (last !== null && now - last < settings.awayAfter) return 'present';
  // Who was last seen by a receiver that has failed may still be there.
  if (state.room !== null && state.receivers.get(state.room) === false) return 'unknown';
  if (state.goneAt !== null) return now - state.goneAt >= settings.awayAfter ? 'absent' : keep(state);
  if (!settings.isSilenceAway && last === null) return state.settling.value;
  return now - (last ?? state.heardAt) >= settings.awayAfter ? 'absent' : keep(state);
}

/** As it was, until it is clear. */
function keep(state: TrackerState): Presence {
  return state.settling.value;
}

function place(state: TrackerState, settings: TrackerSettings, now: Millis): Pick<TrackerState, 'room' | 'candidate'> {
  if (state.settling.value !== 'present') return { room: null, candidate: null };
  let nearest: { readonly room: string; readonly distance: number } | null = null;
  for (const room of state.sightings.keys()) {
    const distance = distanceOf(state, room, settings, now);
    if (distance !== null && (nearest === null || distance < nearest.distance)) nearest = { room, distance };
  }
  const { room, candidate } = state;
  if (!nearest || nearest.room === room) return { room, candidate: null };
  if (room === null) return { room: nearest.room, candidate: null };
  const here = distanceOf(state, room, settings, now);
  const isDecided = state.sightings.get(nearest.room)?.distances === null;
  if (here !== null && !isDecided && here - nearest.distance < settings.switchMargin) return { room, candidate: null };
  const since = candidate?.room === nearest.room ? candidate.since : now;
  return now - since >= settings.dwell ? { room: nearest.room, candidate: null } : { room, candidate: { room: nearest.room, since } };
}

function wakeOf(state: TrackerState, settings: TrackerSettings, now: Millis): Millis | null {
  const last = seenAt(state, settings);
  const { value, pending } = state.settling;
  const silentSince = state.goneAt ?? last ?? (settings.isSilenceAway ? state.heardAt : null);
  return earliest(
    [
      pending?.at ?? null,
      state.candidate === null ? null : state.candidate.since + settings.dwell,
      value === 'absent' || silentSince === null || silentSince === Infinity ? null : silentSince + settings.awayAfter,
      settings.staleAfter === null || state.heardAt === null ? null : state.heardAt + settings.staleAfter,
      // When the receiver of the present room falls silent, the next nearest may take its place.
      ...[...state.sightings.values()].map(({ distances, heardAt }) => (distances && value === 'present' ? heardAt + fresh : null)),
    ].filter((moment) => moment === null || moment > now),
  );
}
