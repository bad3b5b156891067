import { hex, TonearmError } from '#foundation';
import {
  decodeAudioFiles,
  decodeBatchedExtensionResponse,
  decodeEpisode,
  decodeTrack,
  encodeBatchedEntityRequest,
  ExtensionKind,
  formatUri,
  ImageSize,
  judgeAvailability,
  parseSpotifyUri,
  pickFormat,
  type AudioFile,
  type AudioFiles,
  type Availability,
  type Bitrate,
  type ChosenFile,
  type EpisodeMetadata,
  type ExtensionAnswer,
  type ImageMetadata,
  type TrackMetadata,
} from '#spotify/wire';
import type { ServerClock } from './server-clock.ts';
import { expectOk, readAnswer, type Spclient } from './spclient.ts';

export type { Bitrate } from '#spotify/wire';

/** Everything there is to know for playing and showing an item (`connect-session.md §12.1`). */
export interface Resolved {
  /** As asked for; what Connect is shown. */
  readonly uri: string;
  /** 16 bytes, after relinking: what the key is asked with and what is reported as played. */
  readonly gid: Buffer;
  readonly kind: 'track' | 'episode';
  readonly title: string;
  /** Of an episode: the show. */
  readonly artists: readonly string[];
  readonly album: string | null;
  readonly albumUri: string | null;
  readonly artistUri: string | null;
  /** Milliseconds. */
  readonly duration: number;
  readonly explicit: boolean;
  /** Widths in pixels, 0 when unknown. */
  readonly images: readonly { readonly url: string; readonly width: number }[];
  readonly imageIds: readonly { readonly size: 'default' | 'small' | 'large' | 'xlarge'; readonly hex: string }[];
  readonly file: ChosenFile;
  readonly loudness: { readonly integrated: number; readonly peak: number; readonly albumIntegrated?: number; readonly albumPeak?: number } | null;
}

/** What the account decides. */
export interface AccountView {
  readonly country: string | null;
  readonly attributes: ReadonlyMap<string, string>;
  readonly bitrate: Bitrate;
}

interface MetadataPort {
  readonly spclient: Pick<Spclient, 'send'>;
  readonly serverClock: ServerClock;
}

const usualImages = 'https://i.scdn.co/image/{file_id}';

/**
 * One request for the item and its files; only a relinked item costs a second one (`connect-session.md §12.2, §12.5`).
 * Errors: `spotify/restricted`, `spotify/explicit` (forbidden) · `spotify/not-found` · `spotify/no-file` · `spotify/not-playable`.
 */
export async function resolveMetadata(port: MetadataPort, uri: string, account: AccountView, signal: AbortSignal): Promise<Resolved> {
  const { kind, gid } = parseSpotifyUri(uri);
  if (!gid || (kind !== 'track' && kind !== 'episode')) throw failure('invalid', 'not-playable', 'Only tracks and episodes can be played by themselves. Choose another item.');
  const itemKind = kind === 'track' ? ExtensionKind.TRACK_V4 : ExtensionKind.EPISODE_V4;
  const answers = await ask(port, uri, [itemKind, ExtensionKind.AUDIO_FILES], signal);
  const item = readItem(kind, valueOf(answers, uri, itemKind));
  const verdict = judgeAvailability(item, {
    country: account.country,
    catalogue: account.attributes.get('catalogue') ?? 'premium',
    filterExplicit: account.attributes.get('filter-explicit-content') === '1',
    now: port.serverClock.now(),
  });
  if (!verdict.isPlayable) throw unplayable(verdict.reason);
  const played = await pickPlayed(port, { uri, gid, kind, item, answers, verdict, bitrate: account.bitrate }, signal);
  return describe(uri, kind, item, played, account.attributes.get('image-url') ?? usualImages);
}

interface Played {
  readonly gid: Buffer;
  readonly file: ChosenFile;
  readonly files: AudioFiles | null;
}

interface Candidates {
  readonly uri: string;
  readonly gid: Buffer;
  readonly kind: 'track' | 'episode';
  readonly item: TrackMetadata | EpisodeMetadata;
  readonly answers: readonly ExtensionAnswer[];
  readonly verdict: Extract<Availability, { isPlayable: true }>;
  readonly bitrate: Bitrate;
}

/** The item's own file, unless it was relinked or has none; then the first alternative that has one. */
async function pickPlayed(port: MetadataPort, { uri, gid, kind, item, answers, verdict, bitrate }: Candidates, signal: AbortSignal): Promise<Played> {
  if (!verdict.relinked) {
    const files = readFiles(valueOf(answers, uri, ExtensionKind.AUDIO_FILES));
    const file = pickFormat(files?.files.length ? files.files : embeddedFiles(item), bitrate);
    if (file) return { gid, file, files };
  }
  // One alternative is asked for; walking through all of them would delay the music for a rare case.
  const alternative = verdict.relinked ?? verdict.alternatives[0];
  if (alternative?.gid) {
    const name = formatUri(kind, alternative.gid);
    const files = readFiles(valueOf(await ask(port, name, [ExtensionKind.AUDIO_FILES], signal), name, ExtensionKind.AUDIO_FILES));
    const file = pickFormat(files?.files.length ? files.files : alternative.file, bitrate);
    if (file) return { gid: alternative.gid, file, files };
  }
  if ('externalUrl' in item && item.externalUrl) {
    throw failure('not-found', 'external-audio', 'The publisher of this episode keeps its sound on a server outside Spotify, and Tonearm plays only what Spotify delivers. Play it in the Spotify app, or choose another episode.');
  }
  throw failure('not-found', 'no-file', 'Spotify offers this item in no form that this speaker can play. Play another one.');
}

async function ask({ spclient }: MetadataPort, uri: string, kinds: readonly number[], signal: AbortSignal): Promise<readonly ExtensionAnswer[]> {
  const request = { method: 'POST', path: '/extended-metadata/v0/extended-metadata', headers: { Accept: 'application/x-protobuf' }, body: encodeBatchedEntityRequest([{ uri, kinds }]) } as const;
  const answer = expectOk(await spclient.send(request, signal), 'cannot describe this item');
  return readAnswer('what the track is', () => decodeBatchedExtensionResponse(answer.body));
}

function valueOf(answers: readonly ExtensionAnswer[], uri: string, kind: number): Buffer | null {
  const answer = answers.find((candidate) => candidate.kind === kind && candidate.uri === uri);
  return answer?.status === 200 && answer.typeUrl !== '' ? answer.value : null;
}

function readItem(kind: 'track' | 'episode', value: Buffer | null): TrackMetadata | EpisodeMetadata {
  if (!value) throw failure('not-found', 'not-found', 'Spotify does not know this item, or not any more. Play another one.');
  return kind === 'track' ? decodeTrack(value) : decodeEpisode(value);
}

function readFiles(value: Buffer | null): AudioFiles | null {
  return value && decodeAudioFiles(value);
}

function embeddedFiles(item: TrackMetadata | EpisodeMetadata): readonly AudioFile[] {
  return 'audio' in item ? item.audio : item.file;
}

function describe(uri: string, kind: 'track' | 'episode', item: TrackMetadata | EpisodeMetadata, { gid, file, files }: Played, template: string): Resolved {
  const isEpisode = 'show' in item;
  const album = isEpisode ? item.show : item.album;
  const artists = isEpisode ? [] : item.artist;
  const images = isEpisode ? (item.coverImage?.image ?? item.show?.coverImage?.image ?? []) : albumImages(item);
  const artistGid = artists[0]?.gid ?? null;
  return {
    uri,
    gid,
    kind,
    title: item.name ?? '',
    artists: isEpisode ? [item.show?.name ?? ''].filter((name) => name !== '') : artists.flatMap(({ name }) => (name ? [name] : [])),
    album: album?.name ?? null,
    albumUri: album?.gid?.length === 16 ? formatUri(isEpisode ? 'show' : 'album', album.gid) : null,
    artistUri: artistGid?.length === 16 ? formatUri('artist', artistGid) : null,
    duration: item.duration ?? 0,
    explicit: item.explicit === true,
    images: images.flatMap(({ fileId, width, size }) => (fileId ? [{ url: template.replace('{file_id}', hex(fileId)), width: width ?? widths[size ?? 0] ?? 0 }] : [])),
    imageIds: images.flatMap(({ fileId, size }) => (fileId ? [{ size: sizeName(size), hex: hex(fileId) }] : [])),
    file,
    loudness: files?.loudness
      ? { ...files.loudness, ...(files.albumLoudness && { albumIntegrated: files.albumLoudness.integrated, albumPeak: files.albumLoudness.peak }) }
      : null,
  };
}

const widths: Readonly<Record<number, number>> = { [ImageSize.default]: 300, [ImageSize.small]: 64, [ImageSize.large]: 640 };

function albumImages({ album }: TrackMetadata): readonly ImageMetadata[] {
  const group = album?.coverGroup?.image ?? [];
  return group.length > 0 ? group : (album?.cover ?? []);
}

function sizeName(size: number | null): 'default' | 'small' | 'large' | 'xlarge' {
  return size === ImageSize.small ? 'small' : size === ImageSize.large ? 'large' : size === ImageSize.xlarge ? 'xlarge' : 'default';
}

function unplayable(reason: Extract<Availability, { isPlayable: false }>['reason']): TonearmError {
  switch (reason) {
    case 'country':
      return failure('forbidden', 'restricted', 'This item may not be played in the country of the account. Play another one.');
    case 'embargo':
      return failure('forbidden', 'restricted', 'This item has not been released yet. Play another one.');
    case 'explicit':
      return failure('forbidden', 'explicit', 'This item is marked as explicit, and the account is set to leave such items out. Change that in the Spotify app, or play another one.');
    case 'no-duration':
      return failure('not-found', 'no-file', 'Spotify knows this item by name only; there is nothing to play. Play another one.');
  }
}

function failure(kind: TonearmError['kind'], what: string, message: string): TonearmError {
  return new TonearmError({ kind, code: `spotify/${what}`, message });
}
