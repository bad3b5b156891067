import type { Cover, Track } from '#core';
import { type Clock, isAbort, type Log, TonearmError, withTimeout } from '#foundation';
import type { WebFetch } from '../surface.ts';

/** Pixels. Home Assistant shows no larger ones, and brokers have limits. */
const widest = 640;
/** Bytes. */
export const largestCover = 256 * 1024;
/** Milliseconds. */
const patience = 10_000;

export interface ArtworkOptions {
  readonly fetchCover: WebFetch;
  readonly clock: Clock;
  readonly log: Log;
  /** Empty bytes: there is no picture. */
  readonly show: (picture: Uint8Array) => void;
  /** Bytes: larger ones are as good as none. */
  readonly limit?: number;
}

/** The picture of one zone as bytes: fetched one at a time, the newest wins, and the last one is kept. */
export class Artwork implements Disposable {
  readonly #options: ArtworkOptions;
  /** What is wanted; undefined before anything was. */
  #url: string | null | undefined;
  #fetching: AbortController | null = null;
  #kept: { readonly url: string; readonly picture: Uint8Array } | null = null;

  constructor(options: ArtworkOptions) {
    this.#options = options;
  }

  /** Shows the picture of this track; `again`: also when it is the one that is shown already. */
  update(track: Track | null, again: boolean): void {
    const url = pickCover(track?.covers ?? [])?.url ?? null;
    if (url === this.#url && (!again || this.#fetching)) return;
    this.#url = url;
    this.#fetching?.abort();
    this.#fetching = null;
    if (url === null) this.#options.show(new Uint8Array());
    else if (this.#kept?.url === url) this.#options.show(this.#kept.picture);
    else void this.#fetch(url);
  }

  async #fetch(url: string): Promise<void> {
    const { fetchCover, clock, log, show, limit = largestCover } = this.#options;
    const abort = (this.#fetching = new AbortController());
    let picture: Uint8Array = new Uint8Array();
    try {
      const late = { code: 'mqtt/cover-late', message: `The cover did not arrive within ${patience / 1000} seconds, so none is shown.` };
      picture = checked(await withTimeout(clock, patience, late, abort.signal, (signal) => fetchCover(url, { signal, limit })), limit);
      this.#kept = { url, picture };
    } catch (error) {
      if (abort.signal.aborted || isAbort(error)) return;
      // Music plays all the same; the address is on its own topic.
      log.debug('A cover could not be fetched.', { url, error });
    }
    if (this.#fetching !== abort) return;
    this.#fetching = null;
    show(picture);
  }

  [Symbol.dispose](): void {
    this.#fetching?.abort();
    this.#fetching = null;
  }
}

/** The largest that is not too wide; the smallest when all are. An unknown width is taken at its word. Null when there is none. */
export function pickCover(covers: readonly Cover[]): Cover | null {
  const bySize = [...covers].sort((a, b) => b.width - a.width);
  return bySize.find(({ width }) => width <= widest) ?? bySize.at(-1) ?? null;
}

/** The topic promises JPEG (home-integrations.md §5.2), and so does what Home Assistant is told. */
function checked(picture: Uint8Array, limit: number): Uint8Array {
  if (picture[0] === 0xff && picture[1] === 0xd8 && picture.length <= limit) return picture;
  throw new TonearmError({ kind: 'corrupt', code: 'mqtt/cover-unusable', message: 'The cover is no JPEG picture, or too large, so none is shown.' });
}
