/** One line of a context or of the queue, playable or not (delimiters stay in the lists and are never loaded). */
export interface Row {
  readonly uri: string;
  /** Non-empty: controllers name rows by it (connect-control.md §4.6). */
  readonly uid: string;
  readonly provider: 'context' | 'queue' | 'autoplay';
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the row stands in the context before shuffling; absent for queued and injected rows. */
  readonly index?: { readonly page: number; readonly track: number };
  /** Why it was taken out; never empty when present. Such rows are shown and not played. */
  readonly removed?: readonly string[];
}

export type Metadata = Readonly<Record<string, string>>;

/** True for what can be loaded at all: tracks and episodes. */
export function isLoadable(row: Pick<Row, 'uri'>): boolean {
  return /^spotify:(track|episode):[0-9A-Za-z]{22}$/.test(row.uri);
}

/** True for what the listener has hidden everywhere. */
export function isBanned({ metadata }: Row): boolean {
  return metadata['collection.is_banned'] === 'true' || metadata['collection.artist.is_banned'] === 'true';
}

/** The same line of the same list; equal songs elsewhere have another uid. */
export const isSameRow = (a: Row, b: Row): boolean => a.uid === b.uid && a.uri === b.uri;

/** 64-bit FNV-1a, for stable ids of rows and revisions of lists. */
export function fnv1a(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text, 'utf8')) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}

/** A uid for a row that came without one, stable for the lifetime of its context. `occurrence` counts equal URIs. */
export function makeUid(uri: string, occurrence: number): string {
  return fnv1a(`${uri}\0${occurrence}`).toString(16).padStart(16, '0');
}

/** Decimal text of a 64-bit hash over what comes next: it changes exactly when the list does (§2.7). */
export function queueRevision(rows: readonly Row[]): string {
  return fnv1a(rows.map((row) => `${row.uri}\0${row.uid}\0`).join('')).toString(10);
}
