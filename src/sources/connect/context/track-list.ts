import { isBanned, isLoadable, type Metadata, type Row } from './row.ts';

/**
 * What plays and what comes next: a context in natural order, a permutation while shuffled, a queue that goes first.
 * Immutable; every function returns a new list. Model of connect-control.md §5.1.
 */
export interface TrackList {
  readonly context: {
    readonly uri: string;
    readonly url: string;
    readonly metadata: Metadata;
    readonly restrictions: Readonly<Record<string, readonly string[]>>;
  };
  /** Natural order. */
  readonly rows: readonly Row[];
  /** Playing order: indices into `rows`. */
  readonly order: readonly number[];
  readonly shuffled: boolean;
  /** Index into `order`; -1 when playback has not reached the context (an injected row plays before it). */
  readonly cursor: number;
  readonly queue: readonly Row[];
  /** The current row when it is not the one under the cursor: taken from the queue, or put in front of the context. */
  readonly aside: { readonly row: Row; readonly from: 'queue' | 'injected' } | null;
  /** Upcoming rows as a controller edited them (`set_queue`); used up from the front, then the order goes on after its last row. */
  readonly patch: readonly Row[] | null;
  /** Pages not fetched yet, in order: opaque addresses. */
  readonly morePages: readonly string[];
  readonly queueCounter: number;
  /** What goes on by itself where this context ends, once it is known; its cursor stands before its first row. */
  readonly station: TrackList | null;
  /** The context this station goes on from: the way back. */
  readonly left: TrackList | null;
}

/** How to pick a number below `limit`; a port, so that shuffles can be repeated in tests. */
export type RandomBelow = (limit: number) => number;

export function emptyList(uri = '', url = ''): TrackList {
  return {
    context: { uri, url, metadata: {}, restrictions: {} },
    rows: [],
    order: [],
    shuffled: false,
    cursor: -1,
    queue: [],
    aside: null,
    patch: null,
    morePages: [],
    queueCounter: 0,
    station: null,
    left: null,
  };
}

export function currentRow(list: TrackList): Row | null {
  return list.aside?.row ?? rowAt(list, list.cursor);
}

export function rowAt(list: TrackList, cursor: number): Row | null {
  const index = list.order[cursor];
  return index === undefined ? null : (list.rows[index] ?? null);
}

/** Position in the playing order of the first row that passes; -1 for none. */
export function positionOf(list: TrackList, test: (row: Row) => boolean): number {
  return list.order.findIndex((index) => {
    const row = list.rows[index];
    return row !== undefined && test(row);
  });
}

/** Whether playback stops at this row of the context when it moves on: not at what was removed or hidden (§4.8). */
export function willPlay(list: TrackList, row: Row): boolean {
  if (!isLoadable(row) || row.removed !== undefined) return false;
  return !isBanned(row) || !/is_banned\s*==\s*false/.test(list.context.metadata['filtering.predicate'] ?? '');
}

/** Where the order goes on once the patch is used up: after its last row that belongs to the context or to its station. */
function resumePoint(list: TrackList): { readonly cursor: number; readonly station: number | null } {
  for (let at = (list.patch?.length ?? 0) - 1; at >= 0; at--) {
    const uid = list.patch?.[at]?.uid;
    const own = positionOf(list, (row) => row.uid === uid);
    if (own >= 0) return { cursor: own, station: null };
    const there = list.station ? positionOf(list.station, (row) => row.uid === uid) : -1;
    if (there >= 0) return { cursor: list.order.length, station: there };
  }
  return { cursor: list.cursor, station: null };
}

function slice(list: TrackList, from: number, limit: number): Row[] {
  const out: Row[] = [];
  for (let cursor = Math.max(from, 0); cursor < list.order.length && out.length < limit; cursor++) {
    const row = rowAt(list, cursor);
    if (row) out.push(row);
  }
  return out;
}

/** Stands between two passes of a context, and between a context and its station (§4.9). */
const delimiter = (iteration: number): Row => ({
  uri: 'spotify:delimiter',
  uid: `delimiter${iteration}`,
  provider: 'context',
  metadata: { hidden: 'true', iteration: String(iteration) },
});

/** What comes next, nearest first: queue, context, and then the context again (`repeat`) or its station, after a delimiter. */
export function upcoming(list: TrackList, limit: number, repeat: boolean): Row[] {
  const { cursor, station } = resumePoint(list);
  const out = [...list.queue.slice(0, limit), ...(list.patch ?? []).slice(0, limit)];
  out.push(...slice(list, cursor + 1, limit - out.length));
  if (list.morePages.length > 0 || out.length >= limit) return out.slice(0, limit);
  if (repeat && list.order.length > 0) {
    for (let pass = 0; out.length < limit; pass++) out.push(delimiter(pass), ...slice(list, 0, limit - out.length - 1));
  } else if (!repeat && list.station) {
    if (station === null) out.push(delimiter(0));
    out.push(...slice(list.station, (station ?? -1) + 1, limit - out.length));
  }
  return out.slice(0, limit);
}

/**
 * Context rows before the current one in playing order, oldest first. Queued rows never appear; before the first row of a station
 * stand those of the context it goes on from.
 */
export function previousRows(list: TrackList, limit: number): Row[] {
  // Before a queued row lies the context row it interrupted.
  const end = list.aside?.from === 'queue' ? list.cursor + 1 : Math.max(list.cursor, 0);
  const own = slice(list, Math.max(0, end - limit), Math.min(limit, end));
  if (!list.left || own.length >= limit) return own;
  const { left } = list;
  const home = left.context.uri;
  const before = slice(left, Math.max(0, left.cursor + 2 - (limit - own.length)), Math.max(0, left.cursor + 1));
  return [
    ...before.map((row): Row => ({ ...row, metadata: { context_uri: home, entity_uri: home, ...row.metadata } })),
    delimiter(0),
    ...own,
  ].slice(-limit);
}

export type Advanced =
  | { readonly list: TrackList; readonly end: null }
  /** Nothing to play: `pages` when more must be fetched first, `context` when it is over. */
  | { readonly list: TrackList; readonly end: 'pages' | 'context' };

/** The next row that plays: queue first, then the context, then around again with `repeat`, else into the station (§5.4). */
export function advance(list: TrackList, repeat: boolean): Advanced {
  const queueHead = list.queue.findIndex(isLoadable);
  const queued = list.queue[queueHead];
  if (queued) {
    return { list: { ...list, queue: list.queue.slice(queueHead + 1), aside: { row: queued, from: 'queue' } }, end: null };
  }
  const plain: TrackList = { ...list, queue: [], aside: null };
  const patched = takePatched(plain, plain.patch?.findIndex((row) => willPlay(plain, row)) ?? -1);
  if (patched) return { list: patched, end: null };
  const { cursor, station } = resumePoint(plain);
  const next = nextPlaying(plain, cursor + 1);
  if (next !== null) return { list: { ...plain, patch: null, cursor: next }, end: null };
  if (plain.morePages.length > 0) return { list, end: 'pages' };
  if (repeat) {
    const first = nextPlaying(plain, 0);
    return first === null ? { list, end: 'context' } : { list: { ...plain, patch: null, cursor: first }, end: null };
  }
  const entered = enterStation({ ...plain, patch: null }, station ?? -1);
  if (!entered) return { list, end: 'context' };
  const there = nextPlaying(entered, entered.cursor + 1);
  if (there !== null) return { list: { ...entered, cursor: there }, end: null };
  return entered.morePages.length > 0 ? { list: entered, end: 'pages' } : { list, end: 'context' };
}

/** Plays the row at this place of the patch; what stands before it is dropped, what stands behind it stays. */
export function takePatched(list: TrackList, at: number): TrackList | null {
  const row = list.patch?.[at];
  if (!list.patch || !row) return null;
  const rest = list.patch.slice(at + 1);
  const patch = rest.length > 0 ? rest : null;
  const cursor = positionOf(list, (candidate) => candidate.uid === row.uid);
  if (cursor >= 0) return { ...list, aside: null, patch, cursor };
  const there = list.station ? positionOf(list.station, (candidate) => candidate.uid === row.uid) : -1;
  const entered = there >= 0 ? enterStation({ ...list, aside: null, patch: null }, there) : null;
  return entered ? { ...entered, patch } : { ...list, patch, aside: { row, from: 'injected' } };
}

/** From the context into the station that goes on after it; the queue comes along. */
export function enterStation(list: TrackList, cursor: number): TrackList | null {
  const { station, queue, queueCounter } = list;
  return station && { ...station, cursor, queue, queueCounter, left: { ...list, queue: [], station: null } };
}

/** From the first rows of a station back to where its context ended. */
function leaveStation(list: TrackList): TrackList | null {
  const { left, queue, queueCounter } = list;
  return left && { ...left, queue, queueCounter, aside: null, station: { ...list, left: null, cursor: -1, queue: [], aside: null, patch: null } };
}

/**
 * One row back: from a queued row to the context row it interrupted, else the one before; null at the very first. An edited order
 * stays: the row that is left comes again.
 */
export function goBack(list: TrackList, repeat: boolean): TrackList | null {
  const back = lastPlaying(list, list.aside ? list.cursor : list.cursor - 1);
  if (back !== null) {
    const current = currentRow(list);
    const again = list.aside?.from === 'queue' || !current ? [] : [current];
    return { ...list, aside: null, cursor: back, patch: list.patch && [...again, ...list.patch] };
  }
  const home = leaveStation(list);
  if (home) {
    const last = lastPlaying(home, home.cursor);
    return last === null ? null : { ...home, cursor: last };
  }
  const last = repeat && list.morePages.length === 0 ? lastPlaying(list, list.order.length - 1) : null;
  return last === null ? null : { ...list, aside: null, patch: null, cursor: last };
}

/** Back to the first row that plays, or at least might; null when there is none. */
export function toStart(list: TrackList): TrackList | null {
  const loadable = positionOf(list, isLoadable);
  const cursor = nextPlaying(list, 0) ?? (loadable < 0 ? null : loadable);
  return cursor === null ? null : { ...list, aside: null, patch: null, cursor };
}

function nextPlaying(list: TrackList, from: number): number | null {
  for (let cursor = Math.max(from, 0); cursor < list.order.length; cursor++) {
    const row = rowAt(list, cursor);
    if (row && willPlay(list, row)) return cursor;
  }
  return null;
}

function lastPlaying(list: TrackList, from: number): number | null {
  for (let cursor = from; cursor >= 0; cursor--) {
    const row = rowAt(list, cursor);
    if (row && willPlay(list, row)) return cursor;
  }
  return null;
}
