import { expect } from 'vitest';
import type { Row } from './row.ts';
import { emptyList, type Advanced, type TrackList } from './track-list.ts';

export const id = (n: number) => `spotify:track:${String(n).padStart(22, '0')}`;
export const row = (n: number, more: Partial<Row> = {}): Row => ({ uri: id(n), uid: `u${n}`, provider: 'context', metadata: {}, index: { page: 0, track: n }, ...more });

/** Numbers that look random and are the same in every run. */
export const seeded = (seed: number) => (limit: number) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed % limit;
};

export function listFrom(rows: readonly Row[], cursor = 0, uri = 'spotify:playlist:x'): TrackList {
  return { ...emptyList(uri), rows, order: rows.map((_, n) => n), cursor };
}

export const listOf = (count: number, cursor = 0): TrackList => listFrom(Array.from({ length: count }, (_, n) => row(n)), cursor);

/** A list whose end goes on with three rows of a station. */
export function withStation(list: TrackList): TrackList {
  const rows = [50, 51, 52].map((n) => row(n, { provider: 'autoplay' }));
  return { ...list, station: { ...listFrom(rows, -1, 'spotify:station:x') } };
}

export const uris = (rows: readonly Row[]) => rows.map((each) => each.uri);
/** Numbers of rows; `|` for a delimiter. */
export const numbers = (rows: readonly Row[]) => rows.map(({ uri }) => (uri === 'spotify:delimiter' ? '|' : Number(uri.slice(-22))));

export const forced = (result: Advanced): TrackList => {
  expect(result.end).toBeNull();
  return result.list;
};
