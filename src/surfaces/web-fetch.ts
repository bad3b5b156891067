import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { type Clock, Dialler, type Secret, TonearmError } from '#foundation';
import type { WebFetch } from './surface.ts';

export interface WebFetchOptions {
  readonly clock: Clock;
  readonly proxy?: Secret<string> | undefined;
  /** PEM of certificate authorities to trust in addition to the usual ones. */
  readonly certificates?: string | undefined;
}

/** Asks for the status of an answer; nobody is followed elsewhere. Rejects when nobody answers. */
export type WebRequest = (url: string, options: { readonly method: string; readonly headers: Readonly<Record<string, string>>; readonly body?: string; readonly signal: AbortSignal }) => Promise<number>;

/** Fetches pictures and calendars, and asks what rules want to be asked, over the network as the owner set it up: through the proxy, if there is one. */
export function openWebFetch({ clock, proxy, certificates }: WebFetchOptions): Disposable & { readonly fetch: WebFetch; readonly request: WebRequest } {
  const secureContext = certificates === undefined ? undefined : tls.createSecureContext({ ca: [...tls.rootCertificates, certificates] });
  const dialler = new Dialler({ clock, proxy, secureContext });
  // One picture for each track, a calendar twice a day: not worth a connection that stays.
  const agents = dialler.agents({ keepAlive: false });
  return {
    fetch: (url, options) => fetch(url, agents, options),
    request: (url, options) => ask(url, agents, options),
    [Symbol.dispose]() {
      dialler[Symbol.dispose]();
      agents.plain.destroy();
      agents.secure.destroy();
    },
  };
}

function fetch(address: string, agents: ReturnType<Dialler['agents']>, { signal, limit, redirects = 0 }: Parameters<WebFetch>[1]): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const url = URL.canParse(address) ? new URL(address) : null;
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
      reject(unusable('The address is not one of the web'));
      return;
    }
    const request = url.protocol === 'http:' ? http.get(url, { agent: agents.plain, signal }) : https.get(url, { agent: agents.secure, signal });
    request.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error));
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      const refuse = (why: string) => {
        request.destroy();
        reject(unusable(why));
      };
      const { statusCode = 0, headers } = response;
      if (redirects > 0 && statusCode >= 300 && statusCode < 400 && headers.location !== undefined && URL.canParse(headers.location, url.href)) {
        request.destroy();
        resolve(fetch(new URL(headers.location, url).href, agents, { signal, limit, redirects: redirects - 1 }));
        return;
      }
      if (statusCode !== 200) {
        refuse(`${url.host} answered with status ${statusCode}`);
        return;
      }
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > limit) refuse(`It is larger than ${limit} bytes`);
        else chunks.push(chunk);
      });
      response.on('end', () => resolve(Buffer.concat(chunks)));
      response.on('error', reject);
    });
  });
}

function ask(address: string, agents: ReturnType<Dialler['agents']>, { method, headers, body, signal }: Parameters<WebRequest>[1]): Promise<number> {
  return new Promise((resolve, reject) => {
    const url = new URL(address);
    const options = { method, headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) }, signal };
    const request = url.protocol === 'http:' ? http.request(url, { ...options, agent: agents.plain }) : https.request(url, { ...options, agent: agents.secure });
    request.on('error', (error) => {
      if (signal.aborted) reject(signal.reason as Error);
      // A proxy's trouble is not that of who was asked.
      else reject(error instanceof TonearmError ? error : unusable(`${url.host} cannot be reached (${(error as NodeJS.ErrnoException).code ?? error.message})`));
    });
    // One that wants to speak another protocol.
    request.on('close', () => reject(unusable(`${url.host} gave no answer`)));
    request.on('response', ({ statusCode = 0 }) => {
      resolve(statusCode);
      request.destroy();
    });
    request.end(body);
  });
}

function unusable(why: string): TonearmError {
  return new TonearmError({ kind: 'unavailable', code: 'surface/not-fetched', message: `${why}.` });
}
