import { makeUid, type Metadata, type Row } from './row.ts';
import { currentRow, upcoming, type TrackList } from './track-list.ts';

/** Puts a row at the end of the queue with a uid `q<n>` of its own if it has none that is free (§3.13). */
export function enqueue(list: TrackList, row: { readonly uri: string; readonly uid?: string; readonly metadata?: Metadata }): TrackList {
  const taken = new Set(list.queue.map((queued) => queued.uid));
  if (list.aside?.from === 'queue') taken.add(list.aside.row.uid);
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
export function applyEdit(list: TrackList, rows: readonly EditedRow[], repeat: boolean): TrackList {
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
  const own = new Map([...list.rows, ...(list.station?.rows ?? [])].map((row) => [row.uid, row]));
  const patch = tail.map((row, at): Row => {
    const known = own.get(row.uid);
    if (known && known.uri === row.uri) return known;
    const metadata = Object.fromEntries(Object.entries(row.metadata).filter(([key]) => key !== 'is_queued'));
    const uri = row.uri || (current?.uri ?? '');
    // Dragged or unknown rows get a uid that no row of the context has.
    const uid = row.uri !== '' && row.uid !== '' ? row.uid : makeUid(`edited\0${uri}`, at);
    return { uri, uid, provider: row.provider === 'autoplay' ? 'autoplay' : 'context', metadata };
  });
  const ahead = upcoming({ ...list, queue: [], patch: null }, patch.length, repeat);
  const isUntouched = patch.length === ahead.length && patch.every((row, at) => row.uid === ahead[at]?.uid);
  return { ...next, patch: patch.length === 0 || isUntouched ? null : patch };
}
