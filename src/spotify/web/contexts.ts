import { sleep, TonearmError, type Clock } from '#foundation';
import { encodeAutoplayRequest, parseContext, type Context } from '#spotify/wire';
import type { HttpResponse } from './http-client.ts';
import { expectOk, type RetryPolicy, type Spclient } from './spclient.ts';

/** 10 s, and once more; a throttle of at most 10 s is waited out (`connect-control.md §10.1`). */
const policy: RetryPolicy = { pauses: [500], throttles: 1, longestThrottle: 10_000, time: 10_000 };
const loadingPause = 1000;
const loadingTries = 3;
/** Contexts with thousands of rows are megabytes of JSON. */
const limit = 64 * 1024 * 1024;
const headers = { Accept: 'application/json' };

/** What can be played from: albums, playlists, stations and their pages (`connect-control.md §4.1`). */
export class Contexts {
  readonly #spclient: Pick<Spclient, 'send'>;
  readonly #clock: Clock;

  constructor({ spclient, clock }: { readonly spclient: Pick<Spclient, 'send'>; readonly clock: Clock }) {
    this.#spclient = spclient;
    this.#clock = clock;
  }

  /** `spotify/context-unresolvable` when Spotify does not know how. */
  resolve(uri: string, signal: AbortSignal): Promise<Context> {
    const path = `/context-resolve/v1/${uri.replace(/[?#]/g, encodeURIComponent)}`;
    return this.#whenReady(signal, async () => {
      const answer = await this.#spclient.send({ method: 'GET', path, headers, policy, limit }, signal);
      if (answer.status === 400) {
        throw new TonearmError({ kind: 'not-found', code: 'spotify/context-unresolvable', message: 'Spotify cannot say what belongs to this playlist, album or station. Play something else, or try it from another device.' });
      }
      return parseContext(json(expectOk(answer, 'cannot tell what belongs to this playlist, album or station')));
    });
  }

  /** A page or context named by an `hm://` address, whose query is kept byte for byte (`connect-control.md §0.3`). */
  async page(url: string, signal: AbortSignal): Promise<Context> {
    if (!url.startsWith('hm://') || url.length < 7) {
      throw new TonearmError({ kind: 'invalid', code: 'spotify/bad-page', message: 'A page of this playlist or station has an address that cannot be fetched.' });
    }
    return this.#whenReady(signal, async () => {
      const answer = await this.#spclient.send({ method: 'GET', path: url.slice('hm:/'.length), headers, policy, limit }, signal);
      const body = json(expectOk(answer, 'cannot give the next page of this playlist or station'));
      return parseContext(isPage(body) ? { pages: [body] } : body);
    });
  }

  /** What goes on after the end (`connect-control.md §5.6`). */
  autoplay(contextUri: string, recent: readonly string[], signal: AbortSignal): Promise<Context> {
    const body = encodeAutoplayRequest({ contextUri, recentTrackUris: recent });
    return this.#whenReady(signal, async () => {
      const answer = await this.#spclient.send({ method: 'POST', path: '/context-resolve/v1/autoplay', headers, body, policy, limit }, signal);
      return parseContext(json(expectOk(answer, 'has no suggestion for what to play next')));
    });
  }

  /** Asks again a second later while the cloud is still putting its answer together (§4.2). */
  async #whenReady(signal: AbortSignal, ask: () => Promise<Context>): Promise<Context> {
    for (let tries = 1; ; tries++) {
      const context = await ask();
      if (!context.loading && !context.pages.some((page) => page.loading && page.tracks.length === 0)) return context;
      if (tries === loadingTries) {
        throw new TonearmError({ kind: 'unavailable', code: 'spotify/context-loading', message: 'Spotify is still putting this playlist or station together. Try again in a moment.' });
      }
      await sleep(this.#clock, loadingPause, signal);
    }
  }
}

function json(answer: HttpResponse): unknown {
  try {
    return JSON.parse(answer.body.toString());
  } catch (cause) {
    throw new TonearmError({ kind: 'corrupt', code: 'spotify/bad-answer', message: 'Spotify answered with something that cannot be read. Try again later.', cause });
  }
}

function isPage(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'tracks' in body && !('pages' in body);
}
