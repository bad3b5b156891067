import { positionOf, rowAt, type RandomBelow, type TrackList } from './track-list.ts';
import type { Row } from './row.ts';

/** On: a random order with the current row first. Off: natural order, cursor on the same row (§5.3). Same as it is: no change. */
export function setShuffled(list: TrackList, on: boolean, below: RandomBelow): TrackList {
  if (list.shuffled === on) return list;
  const current = list.order[list.cursor];
  const order = list.rows.map((_, index) => index);
  if (!on) return { ...list, shuffled: false, order, cursor: current ?? -1, patch: null };
  for (let i = order.length - 1; i > 0; i--) swap(order, i, below(i + 1));
  if (current === undefined) return { ...list, shuffled: true, order, cursor: -1, patch: null };
  swap(order, 0, order.indexOf(current));
  return { ...list, shuffled: true, order, cursor: 0, patch: null };
}

function swap(order: number[], a: number, b: number): void {
  const first = order[a];
  const second = order[b];
  if (first === undefined || second === undefined) return;
  order[a] = second;
  order[b] = first;
}

/** Adds rows of a page fetched later: at the end, or while shuffled at random places still to come. */
export function appendRows(list: TrackList, rows: readonly Row[], morePages: readonly string[], below: RandomBelow): TrackList {
  const first = list.rows.length;
  const fresh = rows.map((_, offset) => first + offset);
  const order = list.shuffled ? mixIn(list.order, list.cursor, fresh, below) : [...list.order, ...fresh];
  return { ...list, rows: [...list.rows, ...rows], order, morePages };
}

/** Every new one at a random place behind the cursor. */
function mixIn(order: readonly number[], cursor: number, fresh: readonly number[], below: RandomBelow): number[] {
  const out = [...order];
  for (const index of fresh) out.splice(cursor + 1 + below(out.length - cursor), 0, index);
  return out;
}

/**
 * The same place in a context that was resolved again (§5.8): current row by uid, else by the nearest equal URI, else kept beside
 * the list. Queue, shuffled order and edits stay; rows that are new to a shuffled list come at random places.
 */
export function rebase(list: TrackList, fresh: TrackList, below: RandomBelow): TrackList {
  const { queue, queueCounter, aside, station, left } = list;
  const places = match(list, fresh);
  const kept: TrackList = { ...fresh, queue, queueCounter, aside, station, left, patch: patchIn(list, fresh) };
  const current = rowAt(list, list.cursor);
  const currentIndex = places[list.order[list.cursor] ?? -1] ?? -1;
  const isGone = current !== null && currentIndex < 0;
  const besides = isGone && !aside ? { row: current, from: 'injected' as const } : aside;
  if (!list.shuffled) {
    const cursor = currentIndex >= 0 ? kept.order.indexOf(currentIndex) : Math.min(list.cursor - (isGone ? 1 : 0), kept.order.length - 1);
    return { ...kept, aside: besides, cursor };
  }
  const order: number[] = [];
  let cursor = -1;
  list.order.forEach((index, at) => {
    const place = places[index] ?? -1;
    if (place >= 0) order.push(place);
    if (at <= list.cursor) cursor = order.length - 1;
  });
  const known = new Set(order);
  const added = fresh.rows.map((_, index) => index).filter((index) => !known.has(index));
  return { ...kept, shuffled: true, aside: besides, cursor, order: mixIn(order, cursor, added, below) };
}

/** For each row of the old list its index in the new one: by uid, else the nearest one left with its URI; -1 for none. */
function match(list: TrackList, fresh: TrackList): number[] {
  const byUid = new Map(fresh.rows.map((row, index) => [row.uid, index]));
  const taken = new Set<number>();
  const places = list.rows.map(({ uid }) => {
    const index = byUid.get(uid) ?? -1;
    if (index < 0 || taken.has(index)) return -1;
    taken.add(index);
    return index;
  });
  const byUri = new Map<string, number[]>();
  fresh.rows.forEach(({ uri }, index) => {
    if (taken.has(index)) return;
    const same = byUri.get(uri);
    if (same) same.push(index);
    else byUri.set(uri, [index]);
  });
  list.rows.forEach(({ uri }, old) => {
    const left = byUri.get(uri);
    if ((places[old] ?? -1) >= 0 || !left || left.length === 0) return;
    const nearest = left.reduce((best, index) => (Math.abs(index - old) < Math.abs(best - old) ? index : best));
    left.splice(left.indexOf(nearest), 1);
    places[old] = nearest;
  });
  return places;
}

/** Edited rows that the context had and has no more are gone; the others stay. */
function patchIn(list: TrackList, fresh: TrackList): readonly Row[] | null {
  const patch = list.patch?.filter((row) => positionOf(list, ({ uid }) => uid === row.uid) < 0 || positionOf(fresh, ({ uid }) => uid === row.uid) >= 0) ?? [];
  return patch.length > 0 ? patch : null;
}
