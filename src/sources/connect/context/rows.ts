import type { Track } from '#core';
import { formatUri, itemKindOfContext, type Context, type ContextPage, type ContextTrack } from '#spotify/wire';
import type { ContextSource } from '../device-state.ts';
import { isStation } from './kind.ts';
import { makeUid, type Metadata, type Row } from './row.ts';

/** A context as the cloud or a controller describes it, as rows (connect-control.md §4.5). */
export function sourceOf(context: Context): ContextSource {
  const rows: Row[] = [];
  const morePages: string[] = [];
  const seen = new Map<string, number>();
  context.pages.forEach((page, index) => {
    rows.push(...rowsOf(page, context.uri, index, seen));
    if (page.tracks.length === 0 && isFetchable(page.pageUrl)) morePages.push(page.pageUrl);
  });
  const next = context.pages.at(-1)?.nextPageUrl ?? '';
  if (isFetchable(next)) morePages.push(next);
  return { uri: context.uri, url: context.url, metadata: context.metadata, restrictions: { ...context.restrictions }, rows, morePages };
}

/** Only the cloud's own addresses name pages (§4.3). */
export const isFetchable = (url: string): boolean => url.startsWith('hm://');

/** `seen` counts equal URIs, so that rows without a uid get one that is stable for their context. */
export function rowsOf(page: ContextPage, contextUri: string, pageIndex: number, seen: Map<string, number>): Row[] {
  const rows: Row[] = [];
  page.tracks.forEach((track, trackIndex) => {
    const row = rowOf(track, contextUri, { metadata: page.metadata, seen });
    if (row) rows.push({ ...row, index: { page: pageIndex, track: trackIndex } });
  });
  return rows;
}

/** Null for a row that names nothing. A gid alone is a track or an episode depending on its context (§4.4). */
export function rowOf(track: ContextTrack, contextUri: string, { metadata = {}, seen = new Map<string, number>() }: { metadata?: Metadata; seen?: Map<string, number> } = {}): Row | null {
  const kind = itemKindOfContext(contextUri) ?? 'track';
  const uri = track.uri !== '' ? track.uri : track.gid?.length === 16 ? formatUri(kind, track.gid) : '';
  if (uri === '') return null;
  const occurrence = seen.get(uri) ?? 0;
  seen.set(uri, occurrence + 1);
  const all: Metadata = { ...metadata, ...track.metadata, ...(isStation(contextUri) && { 'autoplay.is_autoplay': 'true' }) };
  const provider = all['is_queued'] === 'true' || track.provider === 'queue' ? 'queue' : all['autoplay.is_autoplay'] === 'true' || track.provider === 'autoplay' ? 'autoplay' : 'context';
  const uid = track.uid !== '' ? track.uid : makeUid(uri, occurrence);
  return { uri, uid, provider, metadata: all, ...(track.removed.length > 0 && { removed: track.removed }) };
}

/** Uids and metadata that came with a command win over the resolver's: the controller will refer to them (§3.5). */
export function mergeGiven(resolved: ContextSource, given: ContextSource): ContextSource {
  const byUri = new Map<string, Row[]>();
  for (const row of given.rows) {
    const same = byUri.get(row.uri);
    if (same) same.push(row);
    else byUri.set(row.uri, [row]);
  }
  const rows = resolved.rows.map((row) => {
    const own = byUri.get(row.uri)?.shift();
    return own ? { ...row, uid: own.uid, metadata: { ...row.metadata, ...own.metadata } } : row;
  });
  const metadata = { ...resolved.metadata, ...given.metadata };
  const restrictions = { ...resolved.restrictions, ...given.restrictions };
  return { ...resolved, rows, metadata, restrictions, url: resolved.url !== '' ? resolved.url : given.url };
}

/** What a row says of itself, for as long as nothing better is known. */
export function previewOf({ uri, metadata }: Row): Track | null {
  const title = metadata['title'] ?? '';
  if (title === '') return null;
  const duration = Number(metadata['duration'] ?? 0);
  return {
    uri,
    kind: uri.startsWith('spotify:episode:') ? 'episode' : 'track',
    title,
    artists: [metadata['artist_name'] ?? ''].filter((name) => name !== ''),
    album: metadata['album_title'] ?? '',
    duration: duration > 0 && Number.isFinite(duration) ? duration : 0,
    covers: [],
    explicit: metadata['is_explicit'] === 'true',
  };
}
