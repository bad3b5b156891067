import { request as requestPlain, type Agent as PlainAgent, type IncomingMessage } from 'node:http';
import { request as requestSecure, type Agent as SecureAgent } from 'node:https';
import { createSecureContext, rootCertificates } from 'node:tls';
import { Dialler, Secret, TonearmError, withEither, type Clock, type ErrorKind } from '#foundation';

/** The time in which the first byte, or the next, has to come. */
const patience = 8000;
/** A window of `patience` has to bring this much for the file as a whole, or the address counts as too slow (8 KiB/s, connect-session.md §12.8). */
const leastBytes = 64 * 1024;

/** Why an address did not give what was asked for. */
export class AddressFailure extends TonearmError {
  /** The address itself is refused; another one on the same host may work. */
  readonly isRefusal: boolean;

  constructor(kind: ErrorKind, code: string, message: string, isRefusal = false, cause?: unknown, retryAfter?: number) {
    super({ kind, code, message, cause, ...(retryAfter !== undefined && { retryAfter }) });
    this.isRefusal = isRefusal;
  }
}

/** How music servers are reached. */
export interface Reach {
  /** PEM of certificate authorities trusted besides the usual ones. */
  readonly certificates?: string | null | undefined;
  /** Address of the HTTP proxy everything goes through, with its password. */
  readonly proxy?: string | null | undefined;
}

/** Connections that are kept and shared by everything a thread downloads. */
export class Connections implements Disposable {
  readonly #dialler: Dialler;
  readonly #plain: PlainAgent;
  readonly #secure: SecureAgent;

  constructor(clock: Clock, { certificates = null, proxy = null }: Reach = {}) {
    // The usual authorities are spelt out only when others come beside them: they cost a megabyte.
    const secureContext = certificates === null ? undefined : createSecureContext({ ca: [...rootCertificates, certificates] });
    this.#dialler = new Dialler({ clock, secureContext, proxy: proxy === null ? null : new Secret(proxy) });
    ({ plain: this.#plain, secure: this.#secure } = this.#dialler.agents({ keepAlive: true, maxFreeSockets: 4, timeout: 60_000 }));
  }

  request(url: URL, headers: Record<string, string>, signal: AbortSignal) {
    return url.protocol === 'https:' ? requestSecure(url, { agent: this.#secure, headers, signal }) : requestPlain(url, { agent: this.#plain, headers, signal });
  }

  [Symbol.dispose](): void {
    this.#dialler[Symbol.dispose]();
    this.#plain.destroy();
    this.#secure.destroy();
  }
}

export interface RangeAnswer {
  /** The file's whole length. */
  readonly total: number;
  /** False when the server ignores ranges and sends the file from its beginning. */
  readonly ranged: boolean;
}

export interface RangeRequest {
  readonly url: URL;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly signal: AbortSignal;
  /** Bytes that came so far by this and the other requests for the file: together they have to be fast enough, not each for itself. */
  readonly received: () => number;
}

/**
 * Asks for bytes `from` to `to` (exclusive) and hands them on as they come. Resolves when all have come; rejects with an `AddressFailure`.
 * Only `Range` and `User-Agent` are sent: CDN hosts never see a token (connect-session.md §12.7).
 */
export function requestRange(
  connections: Connections,
  clock: Clock,
  { url, from, to, signal, received }: RangeRequest,
  /** `answer` may throw to refuse the answer. */
  on: { answer(answer: RangeAnswer): void; data(bytes: Buffer): void },
): Promise<void> {
  const outcome = new AbortController();
  const run = (either: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const request = connections.request(url, { range: `bytes=${from}-${to - 1}`, 'user-agent': 'Tonearm' }, either);
      let came = 0;
      let cameBefore = 0;
      let before = received();
      let watch = clock.timer(patience, look);
      const fail = (error: Error) => {
        watch[Symbol.dispose]();
        outcome.abort();
        reject(signal.aborted ? (signal.reason as Error) : error);
      };
      function look() {
        // Requests share the road; one that gets nothing while others do is dead.
        if (received() - before < leastBytes || came === cameBefore) {
          fail(new AddressFailure('timeout', 'audio/server-slow', `The music server ${url.host} sends too slowly to play (less than 8 KiB per second). Check the network; Tonearm tries again.`));
          return;
        }
        before = received();
        cameBefore = came;
        watch = clock.timer(patience, look);
      }
      let hasBegun = false;
      request.on('error', (cause) => fail(hasBegun ? cut(url, cause) : unreachable(url, cause)));
      request.on('response', (response) => {
        const answer = judge(response, url, from);
        if (answer instanceof AddressFailure) {
          response.resume();
          fail(answer);
          return;
        }
        hasBegun = true;
        const expected = answer.ranged ? Math.min(to, answer.total) - from : answer.total;
        try {
          on.answer(answer);
        } catch (error) {
          response.on('error', () => undefined);
          fail(error as Error);
          return;
        }
        response.on('data', (bytes: Buffer) => {
          came += bytes.length;
          if (came <= expected) on.data(bytes);
        });
        response.on('error', (cause) => fail(cut(url, cause)));
        response.on('close', () => {
          if (came === expected && response.complete) {
            watch[Symbol.dispose]();
            resolve();
          } else {
            fail(cut(url));
          }
        });
      });
      request.end();
    });
  return withEither(signal, outcome.signal, run);
}

function judge(response: IncomingMessage, url: URL, from: number): RangeAnswer | AddressFailure {
  const status = response.statusCode ?? 0;
  const length = Number(response.headers['content-length'] ?? Number.NaN);
  if (status < 300 && /^text\/html\b/i.test(response.headers['content-type'] ?? '')) {
    return new AddressFailure('unavailable', 'audio/web-page', `A web page came where the music server ${url.host} should have answered. Perhaps this network wants somebody to log in first, as in hotels: open a browser in it. Tonearm tries again.`);
  }
  if (status === 429) {
    const retryAfter = Math.min(Number(/^\d+$/.exec(response.headers['retry-after'] ?? '')?.[0] ?? 10), 60) * 1000;
    return new AddressFailure('unavailable', 'audio/server-busy', `The music server ${url.host} asks for a pause of ${retryAfter / 1000} s (status 429). Tonearm waits for as long.`, false, undefined, retryAfter);
  }
  if (status === 206) {
    const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers['content-range'] ?? '');
    const total = Number(range?.[3] ?? 0);
    if (range && Number(range[1]) === from && Number(range[2]) < total) return { total, ranged: true };
    return new AddressFailure('corrupt', 'audio/wrong-range', `The music server ${url.host} sent another part of the file than was asked for. Tonearm tries another server.`);
  }
  if (status === 200 && Number.isSafeInteger(length)) return { total: length, ranged: false };
  if (status === 401 || status === 403 || status === 410) {
    return new AddressFailure('unavailable', 'audio/address-expired', `The music server ${url.host} refused the download (status ${status}): its address has expired. If playback does not go on by itself, press play again.`, true);
  }
  if (status === 404) return new AddressFailure('not-found', 'audio/not-on-server', `The music server ${url.host} does not have this file (status 404). If it stays so, the track cannot be played; skip to another.`, true);
  if (status === 416) return new AddressFailure('corrupt', 'audio/wrong-size', `The music server ${url.host} says the file is shorter than it was (status 416). If it stays so, the track cannot be played; skip to another.`, true);
  return new AddressFailure('unavailable', 'audio/server-refused', `The music server ${url.host} answered with status ${status} instead of music. Tonearm tries again; if it stays so, try later.`);
}

function cut(url: URL, cause?: unknown): AddressFailure {
  return new AddressFailure('unavailable', 'audio/download-cut', `The music server ${url.host} broke off the download. Check the network; Tonearm tries again.`, false, cause);
}

function unreachable(url: URL, cause: unknown): AddressFailure {
  if (cause instanceof AddressFailure) return cause;
  if (cause instanceof TonearmError) return new AddressFailure(cause.kind, cause.code, cause.message, false, cause);
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
  return new AddressFailure('unavailable', 'audio/server-unreachable', `The music server ${url.host} could not be reached (${code}). Check the network; Tonearm tries again.`, false, cause);
}
