import { hex, TonearmError } from '#foundation';
import { cdnUrlExpiry, decodeStorageResolve } from '#spotify/wire';
import { expectOk, readAnswer, type Spclient } from './spclient.ts';
import type { ServerClock } from './server-clock.ts';

export interface StoredFile {
  /** In the order in which they are to be tried. They carry a token: never log them. */
  readonly urls: readonly string[];
  /** When the first of them expires, Unix milliseconds with a margin of five minutes; `null` when none does. */
  readonly expires: number | null;
}

const margin = 5 * 60_000;

/** Where the bytes of a file are (`connect-session.md §12.7`). */
export async function resolveStorage(
  { spclient, serverClock }: { readonly spclient: Pick<Spclient, 'send'>; readonly serverClock: ServerClock },
  fileId: Uint8Array,
  format: number,
  signal: AbortSignal,
): Promise<StoredFile> {
  const path = `/storage-resolve/v2/files/audio/interactive/${format}/${hex(fileId)}`;
  const answer = expectOk(await spclient.send({ method: 'GET', path, headers: { Accept: 'application/x-protobuf' } }, signal), 'cannot say where the track is stored');
  const { result, urls, fileId: expiring } = readAnswer('where the track is stored', () => decodeStorageResolve(answer.body));
  if (result === 'restricted') {
    throw new TonearmError({ kind: 'forbidden', code: 'spotify/restricted', message: 'Spotify does not give this track to this account. Play another one.' });
  }
  const dated = urls.map((url) => ({ url, at: expiring.length === 0 ? null : expiryOf(url) }));
  const now = serverClock.now();
  // All expired would mean that our clock or theirs is wrong: then the storage itself shall judge.
  const fresh = dated.filter(({ at }) => at === null || at > now);
  const usable = fresh.length > 0 ? fresh : dated;
  if (result !== 'cdn' || usable.length === 0) {
    throw new TonearmError({ kind: 'unavailable', code: 'spotify/not-stored', message: 'Spotify has no place to fetch this track from right now. Try again later, or play another one.' });
  }
  const moments = usable.flatMap(({ at }) => (at === null ? [] : [at]));
  return { urls: usable.map(({ url }) => url), expires: moments.length === 0 ? null : Math.min(...moments) };
}

function expiryOf(url: string): number | null {
  const seconds = cdnUrlExpiry(url);
  return seconds === null ? null : seconds * 1000 - margin;
}
