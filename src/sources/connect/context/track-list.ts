import { isLoadable, makeUid, type Metadata, type Row } from './row.ts';

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
  };
}

export function currentRow(list: TrackList): Row | null {
  return list.aside?.row ?? rowAt(list, list.cursor);
}

function rowAt(list: TrackList, cursor: number): Row | null {
  const index = list.order[cursor];
  return index === undefined ? null : (list.rows[index] ?? null);
}

/** Rows of the context after the cursor: the patch first, then the order after the patch's last row. */
function contextAhead(list: TrackList, limit: number): Row[] {
  if (!list.patch) return slice(list, list.cursor + 1, limit);
  const ahead = list.patch.slice(0, limit);
  const last = list.patch.at(-1);
  const resume = last ? positionOf(list, (row) => row.uid === last.uid) : list.cursor;
  return [...ahead, ...slice(list, (resume < 0 ? list.cursor : resume) + 1, limit - ahead.length)];
}

function slice(list: TrackList, from: number, limit: number): Row[] {
  const out: Row[] = [];
  for (let cursor = Math.max(from, 0); cursor < list.order.length && out.length < limit; cursor++) {
    const row = rowAt(list, cursor);
    if (row) out.push(row);
  }
  return out;
}

const delimiter = (iteration: number): Row => ({
  uri: 'spotify:delimiter',
  uid: `delimiter${iteration}`,
  provider: 'context',
  metadata: { hidden: 'true', iteration: String(iteration) },
});

/** What comes next, nearest first: queue, context, and with `repeat` the context again after a delimiter. */
export function upcoming(list: TrackList, limit: number, repeat: boolean): Row[] {
  const out = [...list.queue.slice(0, limit)];
  out.push(...contextAhead(list, limit - out.length));
  if (repeat && list.morePages.length === 0 && list.order.length > 0 && out.length < limit) {
    out.push(delimiter(0));
    out.push(...slice(list, 0, limit - out.length));
  }
  return out.slice(0, limit);
}

/** Context rows before the current one in playing order, oldest first. Queued rows never appear. */
export function previousRows(list: TrackList, limit: number): Row[] {
  // Before a queued row lies the context row it interrupted.
  const end = list.aside?.from === 'queue' ? list.cursor + 1 : Math.max(list.cursor, 0);
  return slice(list, Math.max(0, end - limit), Math.min(limit, end));
}

export type Advanced =
  | { readonly list: TrackList; readonly end: null }
  /** Nothing to play: `pages` when more must be fetched first, `context` when it is over. */
  | { readonly list: TrackList; readonly end: 'pages' | 'context' };

/** The next row that can be loaded: queue first, then the context, around again with `repeat` (§5.4). */
export function advance(list: TrackList, repeat: boolean): Advanced {
  const queueHead = list.queue.findIndex(isLoadable);
  const queued = list.queue[queueHead];
  if (queued) {
    return { list: { ...list, queue: list.queue.slice(queueHead + 1), aside: { row: queued, from: 'queue' } }, end: null };
  }
  const plain: TrackList = { ...list, queue: [], aside: null };
  if (plain.patch) {
    const at = plain.patch.findIndex(isLoadable);
    const row = plain.patch[at];
    if (row) {
      const rest = plain.patch.slice(at + 1);
      const cursor = positionOf(plain, (candidate) => candidate.uid === row.uid);
      const patch = rest.length > 0 ? rest : null;
      return cursor >= 0
        ? { list: { ...plain, patch, cursor }, end: null }
        : { list: { ...plain, patch, aside: { row, from: 'injected' } }, end: null };
    }
  }
  const next = nextLoadable({ ...plain, patch: null }, plain.cursor + 1);
  if (next !== null) return { list: { ...plain, patch: null, cursor: next }, end: null };
  if (plain.morePages.length > 0) return { list, end: 'pages' };
  if (repeat) {
    const first = nextLoadable(plain, 0);
    if (first !== null) return { list: { ...plain, patch: null, cursor: first }, end: null };
  }
  return { list, end: 'context' };
}

/** One row back: from a queued row to the context row it interrupted, else the one before; null at the very first. */
export function goBack(list: TrackList, repeat: boolean): TrackList | null {
  const from = list.aside ? list.cursor : list.cursor - 1;
  for (let cursor = from; cursor >= 0; cursor--) {
    const row = rowAt(list, cursor);
    if (row && isLoadable(row)) return { ...list, aside: null, patch: null, cursor };
  }
  if (!repeat) return null;
  for (let cursor = list.order.length - 1; cursor >= 0; cursor--) {
    const row = rowAt(list, cursor);
    if (row && isLoadable(row)) return { ...list, aside: null, patch: null, cursor };
  }
  return null;
}

/** Back to the first row that can be loaded; null when there is none. */
export function toStart(list: TrackList): TrackList | null {
  const cursor = nextLoadable(list, 0);
  return cursor === null ? null : { ...list, aside: null, patch: null, cursor };
}

function nextLoadable(list: TrackList, from: number): number | null {
  for (let cursor = Math.max(from, 0); cursor < list.order.length; cursor++) {
    const row = rowAt(list, cursor);
    if (row && isLoadable(row)) return cursor;
  }
  return null;
}

function positionOf(list: TrackList, test: (row: Row) => boolean): number {
  return list.order.findIndex((index) => {
    const row = list.rows[index];
    return row !== undefined && test(row);
  });
}

export interface RowName {
  readonly uid?: string | undefined;
  readonly uri?: string | undefined;
  /** Counts rows in natural order; used only without uid and uri. */
  readonly index?: number | undefined;
}

/** Puts the cursor on the named row: uid over the whole context, then URI, then index (§3.5). Null when it is not there. */
export function moveTo(list: TrackList, name: RowName): TrackList | null {
  const { uid, uri, index } = name;
  let cursor = uid ? positionOf(list, (row) => row.uid === uid) : -1;
  if (cursor < 0 && uri) cursor = positionOf(list, (row) => row.uri === uri);
  if (cursor < 0 && !uid && !uri && index !== undefined) cursor = list.order.indexOf(index);
  return cursor < 0 ? null : { ...list, cursor, aside: null, patch: null };
}

/** Plays a row that is not in the context; the context goes on after where it was. */
export function inject(list: TrackList, row: Row): TrackList {
  return { ...list, aside: { row, from: 'injected' } };
}

/** Plays a queue row that a person clicked: what stands before it is dropped. Null when it is not queued. */
export function takeQueued(list: TrackList, name: RowName): TrackList | null {
  const at = list.queue.findIndex((row) => (name.uid ? row.uid === name.uid : row.uri === name.uri));
  const row = list.queue[at];
  return row ? { ...list, queue: list.queue.slice(at + 1), aside: { row, from: 'queue' } } : null;
}

/** On: a random order with the current row first. Off: natural order, cursor on the same row (§5.3). Same as it is: no change. */
export function setShuffled(list: TrackList, on: boolean, below: RandomBelow): TrackList {
  if (list.shuffled === on) return list;
  const current = list.order[list.cursor];
  if (!on) {
    const order = list.rows.map((_, index) => index);
    return { ...list, shuffled: false, order, cursor: current ?? -1, patch: null };
  }
  const order = list.rows.map((_, index) => index);
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
  const order = [...list.order];
  rows.forEach((_, offset) => {
    if (!list.shuffled) order.push(first + offset);
    else order.splice(list.cursor + 1 + below(order.length - list.cursor), 0, first + offset);
  });
  return { ...list, rows: [...list.rows, ...rows], order, morePages };
}

/** Puts a row at the end of the queue with a uid `q<n>` of its own if it has none (§3.13). */
export function enqueue(list: TrackList, row: { readonly uri: string; readonly uid?: string; readonly metadata?: Metadata }): TrackList {
  const taken = new Set(list.queue.map((queued) => queued.uid));
  const keep = row.uid !== undefined && row.uid !== '' && !taken.has(row.uid);
  const counter = keep ? Math.max(list.queueCounter, queueNumber(row.uid) + 1) : list.queueCounter + 1;
  const uid = keep ? row.uid : `q${list.queueCounter}`;
  return { ...list, queueCounter: counter, queue: [...list.queue, { uri: row.uri, uid, provider: 'queue', metadata: { ...row.metadata, is_queued: 'true' } }] };
}

function queueNumber(uid: string): number {
  const match = /^q(\d{1,9})$/.exec(uid);
  return match ? Number(match[1]) : -1;
}

export interface EditedRow {
  readonly uri: string;
  readonly uid: string;
  readonly provider: string;
  readonly metadata: Metadata;
}

/** What a controller made of the upcoming rows: a leading run of queue rows, then an override of the context rows (§3.14). */
export function applyEdit(list: TrackList, rows: readonly EditedRow[]): TrackList {
  const isQueued = (row: EditedRow) => row.metadata['is_queued'] === 'true' || row.provider === 'queue';
  const split = rows.findIndex((row) => !isQueued(row));
  const queued = split < 0 ? rows : rows.slice(0, split);
  let next: TrackList = { ...list, queue: [] };
  const current = currentRow(list);
  for (const row of queued) {
    const known = /^q\d+$/.test(row.uid) ? row.uid : '';
    // A row without a URI stands for the current track: somebody dragged the playing row.
    next = enqueue(next, { uri: row.uri || (current?.uri ?? ''), uid: known, metadata: row.metadata });
  }
  const tail = split < 0 ? [] : rows.slice(split);
  const patch = tail.map((row, at): Row => {
    const own = list.rows.find((candidate) => candidate.uid === row.uid && candidate.uri === row.uri);
    if (own) return own;
    const metadata = Object.fromEntries(Object.entries(row.metadata).filter(([key]) => key !== 'is_queued'));
    return { uri: row.uri, uid: row.uid || makeUid(row.uri, at), provider: row.provider === 'autoplay' ? 'autoplay' : 'context', metadata };
  });
  const ahead = contextAhead({ ...list, patch: null }, patch.length);
  const untouched = patch.length === ahead.length && patch.every((row, at) => row.uid === ahead[at]?.uid);
  return { ...next, patch: patch.length === 0 || untouched ? null : patch };
}

/** The same place in a context that was resolved again: current row by uid, else by URI, else kept beside it (§5.8). */
export function rebase(list: TrackList, fresh: TrackList, below: RandomBelow): TrackList {
  const current = rowAt(list, list.cursor);
  const kept: TrackList = { ...fresh, queue: list.queue, queueCounter: list.queueCounter, aside: list.aside };
  const found = current ? moveTo(kept, { uid: current.uid }) ?? moveTo(kept, { uri: current.uri }) : null;
  let next: TrackList;
  if (found) next = { ...found, aside: list.aside };
  else if (current && !list.aside) next = { ...kept, cursor: Math.min(list.cursor, kept.order.length) - 1, aside: { row: current, from: 'injected' } };
  else next = { ...kept, cursor: Math.min(list.cursor, kept.order.length - 1) };
  return list.shuffled ? setShuffled(next, true, below) : next;
}
