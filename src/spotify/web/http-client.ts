import { setMaxListeners } from 'node:events';
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { Dialler, TonearmError, withTimeout, withEither, type Clock, type Secret } from '#foundation';
import { requestedDelay } from './delay-header.ts';
import { rateLimited, Throttles, usualThrottle } from './throttles.ts';
import { WarmAgent } from './warm-agent.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Scheme, host and port; nothing of it but the host is ever shown. */
  readonly origin: string;
  /** Path and query, sent as it is; only bytes that cannot stand in a request line are escaped. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | undefined;
  /** For the whole exchange in milliseconds; 30 s unless told. */
  readonly time?: number | undefined;
  /** Largest answer in bytes; 8 MiB unless told. */
  readonly limit?: number | undefined;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpOptions {
  readonly clock: Clock;
  readonly userAgent: string;
  /** PEM of certificate authorities to trust in addition to the usual ones. */
  readonly certificates?: string | undefined;
  /** HTTP proxy everything goes through. */
  readonly proxy?: Secret<string> | undefined;
}

const defaultTime = 30_000;
const defaultLimit = 8 * 1024 * 1024;
const idleTime = 10 * 60_000;

/**
 * A small keep-alive client for the cloud's web endpoints: no redirects, no cookies, bounded bodies and times,
 * `Content-Length` on everything (`connect-control.md §0.3`). Rejects with `TonearmError` of kind unavailable, timeout or
 * corrupt (or the signal's reason); an HTTP status is not an error here. While the pause lasts that a 429 asked for, requests
 * to the same service are not made but rejected with `spotify/rate-limited` and what is left of it.
 */
export class HttpClient implements Disposable {
  readonly #clock: Clock;
  readonly #userAgent: string;
  readonly #plain: WarmAgent;
  readonly #secure: WarmAgent;
  readonly #closing = new AbortController();
  readonly #throttles: Throttles;
  /** Also for others who connect to the cloud, such as the dealer's WebSocket. */
  readonly dialler: Dialler;

  constructor({ clock, userAgent, certificates, proxy }: HttpOptions) {
    // Every request under way listens.
    setMaxListeners(0, this.#closing.signal);
    this.#clock = clock;
    this.#userAgent = userAgent;
    this.#throttles = new Throttles(clock);
    // Built once: reading the list of authorities again for each connection costs more than the handshake.
    const secureContext = tls.createSecureContext(certificates === undefined ? {} : { ca: [...tls.rootCertificates, certificates] });
    const dialler = (this.dialler = new Dialler({ clock, proxy, secureContext }));
    const { plain, secure } = dialler.agents({ keepAlive: true, keepAliveMsecs: 30_000, maxFreeSockets: 4, scheduling: 'lifo', timeout: idleTime });
    this.#plain = new WarmAgent(plain, (target) => dialler.plain(target));
    this.#secure = new WarmAgent(secure, (target) => dialler.secure(target));
  }

  send(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> {
    return withEither(this.#closing.signal, signal, (either) => this.#send(request, either));
  }

  async #send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const url = new URL(request.origin);
    const host = url.hostname;
    const pause = this.#throttles.wait(host, request.path);
    if (pause > 0) throw rateLimited(pause);
    const what = { code: 'spotify/no-answer', message: `${host} did not answer in time. The network or the service is slow; it is tried again by itself.` };
    try {
      const answer = await withTimeout(this.#clock, request.time ?? defaultTime, what, signal, (both) => this.#ask(request, url, both));
      if (answer.status === 429) this.#throttles.note(host, request.path, requestedDelay(answer.headers, this.#clock.now()) ?? usualThrottle);
      return answer;
    } catch (error) {
      // Silence may be the path's: what stands open leads along it, too.
      if (error instanceof TonearmError && error.code === what.code) this.#agent(url).forget(bareHost(url), portOf(url));
      throw error;
    }
  }

  async #ask(request: HttpRequest, url: URL, signal: AbortSignal): Promise<HttpResponse> {
    try {
      return await this.#exchange(request, signal);
    } catch (error) {
      // A kept-alive connection the far side has silently closed fails only when written to (connect-control.md §2.10).
      if (!(error instanceof StaleConnection)) throw error;
      this.#agent(url).forget(bareHost(url), portOf(url));
      return await this.#exchange(request, signal, true);
    }
  }

  /** Sees to it that `count` connections to `origin` stand ready, so that the next requests need no handshake. */
  warm(origin: string, count: number): void {
    const url = new URL(origin);
    this.#agent(url).warm(bareHost(url), portOf(url), count);
  }

  [Symbol.dispose](): void {
    this.#closing.abort(new DOMException('The session is closing.', 'AbortError'));
    this.dialler[Symbol.dispose]();
    this.#plain[Symbol.dispose]();
    this.#secure[Symbol.dispose]();
  }

  #agent(url: URL): WarmAgent {
    return url.protocol === 'http:' ? this.#plain : this.#secure;
  }

  #exchange({ method, origin, path, headers, body, limit = defaultLimit }: HttpRequest, signal: AbortSignal, isLast = false): Promise<HttpResponse> {
    const url = new URL(origin);
    const agent = this.#agent(url);
    const options = {
      method,
      host: bareHost(url),
      port: portOf(url),
      path: requestPath(path),
      agent: agent.agent,
      headers: { 'User-Agent': this.#userAgent, ...headers, 'Content-Length': String(body?.length ?? 0) },
    };
    return new Promise((resolve, reject) => {
      const request = url.protocol === 'http:' ? http.request(options) : https.request(options);
      const aborted = () => {
        if (isSilence(signal.reason)) this.dialler.suspect(request.socket?.remoteFamily);
        request.destroy(signal.reason as Error);
      };
      const fail = (error: Error) => {
        signal.removeEventListener('abort', aborted);
        reject(signal.aborted ? (signal.reason as Error) : translate(error, url.hostname, !isLast && (request.reusedSocket || agent.gave(request.socket))));
      };
      request.on('error', fail);
      request.on('response', (response) => {
        collect(response, limit, url.hostname).then((answer) => {
          signal.removeEventListener('abort', aborted);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: answer });
        }, fail);
      });
      if (signal.aborted) aborted();
      else signal.addEventListener('abort', aborted, { once: true });
      request.end(body);
    });
  }
}

class StaleConnection extends Error {}

function collect(response: IncomingMessage, limit: number, host: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    response.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > limit) {
        response.destroy();
        reject(new TonearmError({ kind: 'corrupt', code: 'spotify/answer-too-large', message: `${host} sent more than ${limit} bytes where far less was expected; the answer was dropped.` }));
      } else chunks.push(chunk);
    });
    response.on('end', () => {
      if (response.complete) resolve(Buffer.concat(chunks));
      else reject(cut(host));
    });
    response.on('error', () => reject(cut(host)));
    response.on('close', () => reject(cut(host)));
  });
}

function cut(host: string): TonearmError {
  return new TonearmError({ kind: 'unavailable', code: 'spotify/answer-cut', message: `${host} closed the connection in the middle of an answer. It is tried again by itself.` });
}

const untrusted = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ISSUER/;

/** `mayBeStale`: the connection had been standing for a while. */
function translate(error: Error, host: string, mayBeStale: boolean): Error {
  if (error instanceof TonearmError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (mayBeStale && (code === 'ECONNRESET' || code === 'EPIPE')) return new StaleConnection();
  if (untrusted.test(code)) {
    return new TonearmError({
      kind: 'unavailable',
      code: 'spotify/untrusted-certificate',
      message: `${host} showed a certificate that is not trusted (${code}). The machine's clock may be wrong, or something between here and Spotify reads along; nothing was sent.`,
    });
  }
  const why = code === '' ? '' : ` (${code})`;
  return new TonearmError({
    kind: 'unavailable',
    code: 'spotify/no-connection',
    message: `${host} cannot be reached${why}. Check the network connection; it is tried again by itself.`,
  });
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function isSilence(reason: unknown): boolean {
  return reason instanceof TonearmError && reason.code === 'spotify/no-answer';
}

function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'http:' ? 80 : 443) : Number(url.port);
}

/** Keeps the text byte for byte where HTTP allows it: colons and existing escapes stay as they are. */
function requestPath(path: string): string {
  return path.replace(/[^\x21-\x7e]+/g, (part) => [...Buffer.from(part)].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join(''));
}
