import type { IncomingMessage, ServerResponse } from 'node:http';
import { openHttpDoor, type HttpDoorOptions, type Log } from '#foundation';

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
  const options: Omit<HttpDoorOptions, 'port'> = {
    address: '127.0.0.1',
    serve: (request, response) => serve(request, response, onReturn),
    trouble: (error) => log.debug('The port for coming back has trouble', { error }),
    connections: 8,
    idle: 1000,
    // The last answer tells the person that it worked.
    grace: 1000,
  };
  const door = await openHttpDoor({ ...options, port: usualPort }).catch(() => {
    log.info(`Port ${usualPort} of this machine is in use, so the browser is sent back to another. A tunnel made for ${usualPort} does not reach it; paste the address instead.`);
    return openHttpDoor({ ...options, port: 0 });
  });
  log.debug('Waiting on this machine for a browser to come back', { port: door.port });
  return { redirect: `http://127.0.0.1:${door.port}/login`, [Symbol.asyncDispose]: () => door[Symbol.asyncDispose]() };
}

async function serve(request: IncomingMessage, response: ServerResponse, onReturn: (address: string) => Promise<string>): Promise<void> {
  request.resume();
  const address = request.url ?? '/';
  if (request.method !== 'GET' || !/^\/login\?/.test(address)) {
    answer(response, 404, 'There is nothing here.');
    return;
  }
  await onReturn(address).then(
    (text) => answer(response, 200, text),
    (error: unknown) => answer(response, 400, (error as Error).message),
  );
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
