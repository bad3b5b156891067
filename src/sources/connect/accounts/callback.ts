import http, { type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '#foundation';

/** Where other receivers wait too: a tunnel made for them fits (`connect-session.md §9.2`). */
const usualPort = 5588;

export interface Callback extends AsyncDisposable {
  /** The address Spotify sends the browser to. */
  readonly redirect: string;
}

/**
 * Waits on this machine for the browser to come back: on 127.0.0.1 only, `GET /login` only. A browser elsewhere in the
 * network does not get here; its person pastes the address instead.
 */
export async function openCallback({ log, onReturn }: { readonly log: Log; readonly onReturn: (address: string) => Promise<string> }): Promise<Callback> {
  const server = http.createServer({ maxHeaderSize: 8192, headersTimeout: 5000, requestTimeout: 10_000, keepAliveTimeout: 1000 }, (request, response) => {
    request.resume();
    const address = request.url ?? '/';
    if (request.method !== 'GET' || !/^\/login\?/.test(address)) {
      answer(response, 404, 'There is nothing here.');
      return;
    }
    onReturn(address).then(
      (text) => answer(response, 200, text),
      (error: unknown) => answer(response, 400, (error as Error).message),
    );
  });
  server.maxConnections = 8;
  server.on('clientError', (_error, socket) => socket.destroy());
  const port = await listen(server, usualPort).catch(() => listen(server, 0));
  log.debug('Waiting on this machine for a browser to come back', { port });
  return {
    redirect: `http://127.0.0.1:${port}/login`,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
    },
  };
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
    Connection: 'close',
  });
  const safe = text.replace(/[<>&"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
  response.end(
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Tonearm</title><style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1.5rem}</style><h1>Tonearm</h1><p>${safe}</p></html>\n`,
  );
}

function listen(server: http.Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1' }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
