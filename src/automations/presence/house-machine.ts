import type { Millis } from '#core';
import type { Presence, PresenceChange, PresenceSubject } from '../ports.ts';
import { earliest, postpone, settle, unsettled, type SettlingDelays, type Settling } from './settling.ts';

/** What one source has come to say. */
export interface SourceView {
  readonly id: string;
  /** Whom it watches. */
  readonly person: string | null;
  /** Which room it watches. */
  readonly watches: string | null;
  /** It says in which room its person is. */
  readonly isTracker: boolean;
  readonly value: Presence;
  /** Of trackers: where they see their person. */
  readonly room: string | null;
}

export interface HouseSettings {
  readonly people: readonly string[];
  readonly rooms: readonly string[];
  readonly enterDelay: Millis;
  readonly leaveDelay: Millis;
  readonly roomLeaveDelay: Millis;
  readonly emptyAfter: Millis;
}

export interface HouseState {
  readonly people: ReadonlyMap<string, Settling>;
  readonly rooms: ReadonlyMap<string, Settling>;
  readonly house: Settling;
  readonly views: readonly SourceView[];
}

export interface HouseStep {
  readonly state: HouseState;
  readonly changes: readonly Omit<PresenceChange, 'at'>[];
  /** When to look again, monotonic ms. */
  readonly wake: Millis | null;
}

const mostRooms = 200;

export const newHouse: HouseState = { people: new Map(), rooms: new Map(), house: unsettled, views: [] };

/**
 * Several sources become people, rooms and the house. One source that sees somebody is enough; they are away when all that know
 * anything agree for a while. Those that know nothing have no vote. `isQuiet`: what led here was learnt, not seen to happen.
 * `isBlind`: the broker is away, so nothing settles; a wait that had begun begins anew.
 */
export function stepHouse(before: HouseState, views: readonly SourceView[], { isQuiet, isBlind }: { readonly isQuiet: boolean; readonly isBlind: boolean }, settings: HouseSettings, now: Millis): HouseStep {
  const changes: Omit<PresenceChange, 'at'>[] = [];
  const weigh = (subject: PresenceSubject, state: Settling, seen: Presence, delays: SettlingDelays, quietly: boolean) => {
    const settled = isBlind ? postpone(state, seen, delays, now) : settle(state, seen, delays, now, quietly);
    if (settled.hasChanged) changes.push({ subject, from: state.value, to: settled.state.value, isEdge: settled.isEdge });
    return settled.state;
  };

  const people = new Map<string, Settling>();
  for (const id of new Set([...settings.people, ...views.flatMap(({ person }) => person ?? [])])) {
    const seen = agree(views.filter(({ person }) => person === id).map(({ value }) => value));
    people.set(id, weigh({ kind: 'person', id }, before.people.get(id) ?? unsettled, seen, { enter: settings.enterDelay, leave: settings.leaveDelay }, isQuiet));
  }

  const rooms = new Map<string, Settling>();
  const names = new Set([...settings.rooms, ...before.rooms.keys(), ...views.flatMap(({ watches, room }) => [watches ?? [], room ?? []].flat())]);
  for (const id of [...names].slice(0, mostRooms)) {
    rooms.set(id, weigh({ kind: 'room', id }, before.rooms.get(id) ?? newRoom(before.views), occupied(id, views), { enter: settings.enterDelay, leave: settings.roomLeaveDelay }, isQuiet));
  }

  const seen = lived([...people.values()], [...rooms.values()]);
  const house = weigh({ kind: 'house' }, before.house, seen, { enter: 0, leave: settings.emptyAfter }, isQuiet && !changes.some(({ isEdge }) => isEdge));
  const wake = earliest([...people.values(), ...rooms.values(), house].map(({ pending }) => pending?.at ?? null));
  return { state: { people, rooms, house, views }, changes, wake };
}

function agree(values: readonly Presence[]): Presence {
  if (values.includes('present')) return 'present';
  return values.includes('absent') ? 'absent' : 'unknown';
}

/** A room that is heard of for the first time had nobody in it, if its people were known to be elsewhere. */
function newRoom(views: readonly SourceView[]): Settling {
  return views.some(({ isTracker, value }) => isTracker && value !== 'unknown') ? { value: 'absent', pending: null } : unsettled;
}

/** A tracker knows of its own person only: beside sensors it can say that somebody is there, never that nobody is. */
function occupied(id: string, views: readonly SourceView[]): Presence {
  if (views.some(({ value, room }) => value === 'present' && room === id)) return 'present';
  const sensors = views.filter(({ watches }) => watches === id);
  if (sensors.length > 0) return agree(sensors.map(({ value }) => value));
  const trackers = views.filter(({ isTracker }) => isTracker);
  // With one of several people lost, nobody can say that the room is empty.
  return trackers.length > 0 && trackers.every(({ value }) => value !== 'unknown') ? 'absent' : 'unknown';
}

/** Empty: everybody away and no room occupied. A sensor that knows nothing does not keep a house lived in; a person nobody knows anything of does. */
function lived(people: readonly Settling[], rooms: readonly Settling[]): Presence {
  if ([...people, ...rooms].some(({ value }) => value === 'present')) return 'present';
  const judges = people.length > 0 ? people : rooms;
  return judges.length > 0 && judges.every(({ value }) => value === 'absent') ? 'absent' : 'unknown';
}
