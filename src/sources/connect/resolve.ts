import type { Playable, Track } from '#core';
import { withEither } from '#foundation';
import type { Resolved, Session } from '#spotify';
import { AUDIO_HEADER_LENGTH, AUDIO_IV, loudnessFactor } from '#spotify/wire';
import type { Metadata, Row } from './context/row.ts';

export type Normalisation = 'off' | 'track' | 'album';

/** A row that can be played: the recipe for the deck, and what the cloud shows of it. */
export interface ResolvedRow {
  readonly playable: Playable;
  readonly metadata: Metadata;
  /** When its addresses expire, server time. */
  readonly expires: number | null;
  /** To ask for fresh addresses later. */
  readonly file: Resolved['file'];
}

/**
 * From a row to a recipe (connect-session.md §12.1): metadata and file list in one request, then key and addresses side by side.
 * Three round trips to the first byte, counting the one for the bytes; two when the metadata is `known`. Else `named` hears it as soon as it is there.
 */
export async function resolveRow(session: Session, row: Row, normalisation: Normalisation, signal: AbortSignal, known: Resolved | null = null, named: (resolved: Resolved) => void = () => undefined): Promise<ResolvedRow> {
  const resolved = known ?? (await session.metadata(row.uri, signal));
  if (!known) named(resolved);
  const { file } = resolved;
  const both = new AbortController();
  const [key, stored] = await withEither(signal, both.signal, async (either) => {
    try {
      return await Promise.all([session.audioKey(resolved.gid, file.id, either), session.storage(file.id, file.format, either)]);
    } catch (error) {
      // The other question needs no answer any more.
      both.abort(error);
      throw error;
    }
  });
  return {
    playable: {
      track: trackOf(resolved),
      bytes: { urls: stored.urls, live: false },
      cipher: { name: 'aes-128-ctr', key, iv: AUDIO_IV },
      ...(file.kind === 'vorbis' && { skip: AUDIO_HEADER_LENGTH }),
      format: file.kind,
      ...gainOf(resolved, normalisation),
    },
    metadata: metadataOf(resolved),
    expires: stored.expires,
    file,
  };
}

/** The same recipe with addresses that work again. */
export async function refreshRow(session: Session, { playable, file, ...rest }: ResolvedRow, signal: AbortSignal): Promise<ResolvedRow> {
  const stored = await session.storage(file.id, file.format, signal);
  return { ...rest, file, expires: stored.expires, playable: { ...playable, bytes: { urls: stored.urls, live: false } } };
}

export function trackOf(resolved: Resolved): Track {
  return {
    uri: resolved.uri,
    kind: resolved.kind,
    title: resolved.title,
    artists: resolved.artists,
    album: resolved.album ?? '',
    duration: resolved.duration,
    covers: [...resolved.images].sort((a, b) => b.width - a.width),
    explicit: resolved.explicit,
    format: { codec: resolved.file.kind, bitrate: resolved.file.bitrate },
  };
}

/** What apps need to draw the current track (connect-control.md §4.7). */
export function metadataOf(resolved: Resolved): Metadata {
  const image = (...sizes: Resolved['imageIds'][number]['size'][]) => {
    const found = sizes.map((size) => resolved.imageIds.find((candidate) => candidate.size === size)).find((each) => each !== undefined);
    return found && `spotify:image:${found.hex}`;
  };
  const entries: [string, string | null | undefined][] = [
    ['title', resolved.title],
    ['album_title', resolved.album],
    ['album_uri', resolved.albumUri],
    ['artist_uri', resolved.artistUri],
    ['artist_name', resolved.artists[0]],
    ['image_url', image('default', 'large', 'small', 'xlarge')],
    ['image_small_url', image('small', 'default', 'large', 'xlarge')],
    ['image_large_url', image('large', 'xlarge', 'default', 'small')],
    ['image_xlarge_url', image('xlarge', 'large', 'default', 'small')],
    ['track_player', 'audio'],
    ['duration', String(resolved.duration)],
  ];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== ''));
}

function gainOf({ loudness, kind }: Resolved, normalisation: Normalisation): { gainDb: number } | undefined {
  if (normalisation === 'off' || !loudness || kind === 'episode') return undefined;
  const isAlbum = normalisation === 'album' && loudness.albumIntegrated !== undefined && loudness.albumPeak !== undefined;
  const factor = loudnessFactor(isAlbum ? { integrated: loudness.albumIntegrated, peak: loudness.albumPeak } : loudness);
  return { gainDb: 20 * Math.log10(factor) };
}
