import { sleep, throwIfAborted, TonearmError, toTonearmError, type Clock, type Log, type Secret } from '#foundation';
import { requestedDelay } from './delay-header.ts';
import type { Directory } from './directory.ts';
import type { HttpClient, HttpRequest, HttpResponse } from './http-client.ts';
import type { ServerClock } from './server-clock.ts';
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
}

export const usualRetries: RetryPolicy = { pauses: [500, 1000, 2000], throttles: 2, longestThrottle: 60_000, time: 10_000 };

export interface SpclientRequest extends Pick<HttpRequest, 'method' | 'path' | 'body' | 'limit'> {
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

/** Without a header that says how long (`connect-control.md §0.5`). */
const throttleWait = 10_000;
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
          const delay = requestedDelay(answer.headers, clock.now()) ?? throttleWait;
          if (throttles >= policy.throttles || delay > policy.longestThrottle) throw rateLimited(delay);
          throttles += 1;
          await sleep(clock, delay, signal);
          continue;
        }
        if (!transient.includes(answer.status)) return answer;
        failure = serverError(answer.status);
      } catch (error) {
        throwIfAborted(signal);
        failure = toTonearmError(error);
        if (!isTransient(failure)) throw failure;
      }
      failures += 1;
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
    request: Omit<SpclientRequest, 'policy'>,
    time: number,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const { http, serverClock, clock } = this.#options;
    const wait = this.#bucket.take(clock.monotonic());
    if (wait > 0) await sleep(clock, wait, signal);
    const answer = await http.send(
      {
        ...request,
        origin: this.#origin(address),
        time,
        headers: {
          Authorization: `Bearer ${token.reveal()}`,
          ...(clientToken && { 'Client-Token': clientToken.reveal() }),
          ...(request.body && { 'Content-Type': 'application/x-protobuf' }),
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

function isTransient(error: TonearmError): boolean {
  return error.kind === 'timeout' || ['spotify/no-connection', 'spotify/answer-cut', 'spotify/untrusted-certificate'].includes(error.code);
}

function unauthorized(): TonearmError {
  return new TonearmError({
    kind: 'unauthorized',
    code: 'spotify/token-refused',
    message: 'Spotify refuses the request although the login was renewed. If it stays like this, pair the speaker again.',
  });
}

function rateLimited(retryAfter: number): TonearmError {
  return new TonearmError({
    kind: 'unavailable',
    code: 'spotify/rate-limited',
    message: `Spotify has seen too many requests from this account and asks for a pause of ${Math.ceil(retryAfter / 1000)} s.`,
    retryAfter,
  });
}

function serverError(status: number): TonearmError {
  return new TonearmError({ kind: 'unavailable', code: 'spotify/server-error', message: `Spotify has a problem of its own (${status}). Later may work.` });
}

function withoutQuery(path: string): string {
  return path.split('?', 1)[0] ?? '';
}
