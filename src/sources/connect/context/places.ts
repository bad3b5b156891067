import { isLoadable, type Row } from './row.ts';
import { enterStation, positionOf, takePatched, type TrackList } from './track-list.ts';

/** How somebody names a row. */
export interface RowName {
  readonly uid?: string | undefined;
  readonly uri?: string | undefined;
  /** Counts rows in natural order, within `page` if that is named; used only when there is no URI and no such uid. */
  readonly index?: number | undefined;
  readonly page?: number | undefined;
}

/** Puts the cursor on the named row: uid over the whole context, then URI, then index (§3.5). Null when it is not there. */
export function moveTo(list: TrackList, name: RowName): TrackList | null {
  const { uid, uri, index, page } = name;
  let cursor = uid ? positionOf(list, (row) => row.uid === uid) : -1;
  if (cursor < 0 && uri) cursor = positionOf(list, (row) => row.uri === uri);
  if (cursor < 0 && !uri && index !== undefined) {
    cursor = page === undefined ? list.order.indexOf(index) : positionOf(list, (row) => row.index?.page === page && row.index.track === index);
  }
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
  return row && isLoadable(row) ? { ...list, queue: list.queue.slice(at + 1), aside: { row, from: 'queue' } } : null;
}

/**
 * A click on a row of what comes next that is not queued (§3.9): the queue that plays is left. In an order that somebody edited
 * the rows behind the clicked one stay as they are. Null when the row is nowhere.
 */
export function jumpTo(list: TrackList, name: RowName): TrackList | null {
  const leaving: TrackList = { ...list, aside: null };
  const inPatch = (test: (row: Row) => boolean) => takePatched(leaving, leaving.patch?.findIndex((row) => isLoadable(row) && test(row)) ?? -1);
  const inStation = (test: (row: Row) => boolean) => {
    const at = leaving.station ? positionOf(leaving.station, test) : -1;
    return at < 0 ? null : enterStation({ ...leaving, patch: null }, at);
  };
  const { uid, uri } = name;
  const byUid = uid ? (inPatch((row) => row.uid === uid) ?? moveTo(leaving, { uid }) ?? inStation((row) => row.uid === uid)) : null;
  if (byUid || !uri) return byUid;
  return inPatch((row) => row.uri === uri) ?? moveTo(leaving, { uri }) ?? inStation((row) => row.uri === uri);
}
