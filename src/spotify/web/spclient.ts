import { sleep, throwIfAborted, TonearmError, toTonearmError, type Clock, type Log, type Secret } from '#foundation';
import { requestedDelay } from './delay-header.ts';
import type { Directory } from './directory.ts';
import type { HttpClient, HttpRequest, HttpResponse } from './http-client.ts';
import type { ServerClock } from './server-clock.ts';
import { rateLimited, usualThrottle } from './throttles.ts';
import { TokenBucket } from './token-bucket.ts';

/** Who we are to the web endpoints. */
export interface Authority {
  accessToken(signal: AbortSignal): Promise<Secret<string>>;
  /** Puts a new token in place of one that was refused; of many callers with the same one only the first does. */
  renew(refused: Secret<string>, signal: AbortSignal): Promise<void>;
  /** `null` when there is none; the header is left out then. */
  clientToken(signal: AbortSignal): Promise<Secret<string> | null>;
  /** Forgets a client token that was refused. */
  dropClientToken(refused: Secret<string>): void;
}

/** How stubborn a request is (`connect-session.md §11.2`, `connect-control.md §10.2`). */
export interface RetryPolicy {
  /** Pauses before further tries after 500, 502, 503, 504, 408 and network errors, in milliseconds. */
  readonly pauses: readonly number[];
  /** How often a 429 is waited out. */
  readonly throttles: number;
  /** The longest such wait, in milliseconds; a longer one is the caller's. */
  readonly longestThrottle: number;
  /** For one try, in milliseconds. */
  readonly time: number;
  /** It went wrong a moment ago as well: one failure is enough to move on from the host. */
  readonly isAgain?: boolean;
  /** Silence is the caller's, who will have something newer to say by then. */
  readonly endsWithSilence?: boolean;
}

export const usualRetries: RetryPolicy = { pauses: [500, 1000, 2000], throttles: 2, longestThrottle: 60_000, time: 10_000 };

export interface SpclientRequest extends Pick<HttpRequest, 'method' | 'path' | 'limit'> {
  /** A function is asked anew for each try: for what must be as new as can be. */
  readonly body?: Uint8Array | (() => Uint8Array);
  readonly headers?: Readonly<Record<string, string>>;
  readonly policy?: RetryPolicy;
}

interface SpclientOptions {
  readonly http: HttpClient;
  readonly directory: Pick<Directory, 'current' | 'failed'>;
  readonly authority: Authority;
  readonly serverClock: ServerClock;
  readonly clock: Clock;
  readonly log: Log;
  readonly insecure?: boolean | undefined;
  readonly random?: () => number;
}

const transient: readonly number[] = [408, 500, 502, 503, 504];
const failuresPerHost = 2;

/**
 * Authorised requests to Spotify's web endpoints. Answers of any status that is neither retried nor 401 or 429 are handed
 * back; `expectOk` turns those into errors. Never more than 300 requests in 30 s, the rest queue.
 */
export class Spclient {
  readonly #options: SpclientOptions;
  readonly #bucket = new TokenBucket(300, 30_000);

  constructor(options: SpclientOptions) {
    this.#options = options;
  }

  async send({ policy = usualRetries, ...request }: SpclientRequest, signal: AbortSignal): Promise<HttpResponse> {
    const { clock, directory, random = Math.random } = this.#options;
    let refusals = 0;
    let throttles = 0;
    for (let failures = 0; ; ) {
      const address = await directory.current('spclient', signal);
      let failure: TonearmError;
      try {
        const token = await this.#options.authority.accessToken(signal);
        const clientToken = await this.#options.authority.clientToken(signal);
        const answer = await this.#try(address, token, clientToken, request, policy.time, signal);
        if (answer.status === 401) {
          refusals += 1;
          // Nobody says which of the two tokens has expired: nearly always the one that lives for an hour only.
          if (refusals === 1) await this.#options.authority.renew(token, signal);
          else if (refusals === 2 && clientToken) this.#options.authority.dropClientToken(clientToken);
          else throw unauthorized();
          continue;
        }
        if (answer.status === 429) {
          throw rateLimited(requestedDelay(answer.headers, clock.now()) ?? usualThrottle);
        }
        if (isPortal(answer)) failure = notSpotify();
        else if (transient.includes(answer.status)) failure = serverError(answer.status);
        else return answer;
      } catch (error) {
        throwIfAborted(signal);
        failure = toTonearmError(error);
        // Asked for now, or of somebody else before.
        if (failure.code === 'spotify/rate-limited' && throttles < policy.throttles && (failure.retryAfter ?? 0) <= policy.longestThrottle) {
          throttles += 1;
          await sleep(clock, failure.retryAfter ?? 0, signal);
          continue;
        }
        if (!isTransient(failure) || (policy.endsWithSilence === true && failure.kind === 'timeout')) throw failure;
      }
      failures += 1;
      if (policy.isAgain === true) directory.failed('spclient', address);
      const pause = policy.pauses[failures - 1];
      if (pause === undefined) throw failure;
      if (failures >= failuresPerHost) directory.failed('spclient', address);
      this.#options.log.debug('A request is tried again.', { method: request.method, path: withoutQuery(request.path), code: failure.code, pause });
      await sleep(clock, pause * (0.75 + random() / 2), signal);
    }
  }

  /** Sees to it that connections stand ready, so that a command needs no handshake. */
  async warm(count: number, signal: AbortSignal): Promise<void> {
    const address = await this.#options.directory.current('spclient', signal);
    this.#options.http.warm(this.#origin(address), count);
  }

  async #try(
    address: string,
    token: Secret<string>,
    clientToken: Secret<string> | null,
    { body: given, ...request }: Omit<SpclientRequest, 'policy'>,
    time: number,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const { http, serverClock, clock } = this.#options;
    const wait = this.#bucket.take(clock.monotonic());
    if (wait > 0) await sleep(clock, wait, signal);
    const body = typeof given === 'function' ? given() : given;
    const answer = await http.send(
      {
        ...request,
        body,
        origin: this.#origin(address),
        time,
        headers: {
          Authorization: `Bearer ${token.reveal()}`,
          ...(clientToken && { 'Client-Token': clientToken.reveal() }),
          ...(body && { 'Content-Type': 'application/x-protobuf' }),
          ...request.headers,
        },
      },
      signal,
    );
    serverClock.sampleDate(answer.headers.date);
    return answer;
  }

  #origin(address: string): string {
    return `${this.#options.insecure ? 'http' : 'https'}://${address}`;
  }
}

/** Turns any status but 2xx into an error; `what` completes "Spotify … ". */
export function expectOk(answer: HttpResponse, what: string): HttpResponse {
  const { status } = answer;
  if (status >= 200 && status < 300) return answer;
  const message = (rest: string) => `Spotify ${what}: ${rest}`;
  if (status === 403) throw new TonearmError({ kind: 'forbidden', code: 'spotify/not-allowed', message: message('this account may not have it.') });
  if (status === 404) throw new TonearmError({ kind: 'not-found', code: 'spotify/not-found', message: message('there is no such thing, or not any more.') });
  throw new TonearmError({ kind: status >= 500 ? 'unavailable' : 'invalid', code: 'spotify/request-refused', message: message(`the request was refused (${status}).`) });
}

/** Decodes a whole answer. One that cannot be read came from somewhere else or was damaged: that is no verdict on what was asked. */
export function readAnswer<T>(about: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new TonearmError({ kind: 'unavailable', code: 'spotify/bad-answer', message: `Spotify's answer about ${about} cannot be read. It is tried again by itself.`, cause });
  }
}

function isTransient(error: TonearmError): boolean {
  return error.kind === 'timeout' || error.code.startsWith('network/') || ['spotify/no-connection', 'spotify/answer-cut', 'spotify/untrusted-certificate'].includes(error.code);
}

function unauthorized(): TonearmError {
  return new TonearmError({
    // Not `unauthorized`: the login itself was just accepted, so this is a matter of time and not of credentials.
    kind: 'unavailable',
    code: 'spotify/token-refused',
    message: 'Spotify refuses the request although the login was renewed. It is tried again by itself; if it stays like this, pair the speaker again.',
  });
}

/** A good answer that is a web page. Spotify sends none here. */
function isPortal({ status, headers }: HttpResponse): boolean {
  return status >= 200 && status < 300 && /^text\/html\b/i.test(headers['content-type'] ?? '');
}

function notSpotify(): TonearmError {
  return new TonearmError({
    kind: 'unavailable',
    code: 'spotify/web-page',
    message: 'A web page came where Spotify should have answered. Perhaps this network wants somebody to log in first, as in hotels: open a browser in it. It is tried again by itself.',
  });
}

function serverError(status: number): TonearmError {
  return new TonearmError({ kind: 'unavailable', code: 'spotify/server-error', message: `Spotify has a problem of its own (${status}). Later may work.` });
}

function withoutQuery(path: string): string {
  return path.split('?', 1)[0] ?? '';
}
