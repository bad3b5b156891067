import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Accounts, LoginView } from '#core';
import { isOwnHost, openHttpDoor, readBody, Scope, TonearmError, toTonearmError, type HttpDoor, type HttpDoorOptions } from '#foundation';
import type { SurfaceContext } from '../surface.ts';
import { contentPolicy, emptyPage, loginPage } from './page.ts';
import type { LoginPageSettings } from './settings.ts';

const longestBody = 16 * 1024;

/** Opens the page. Rejects with `login/port` when its port cannot be had. */
export async function openLoginPage(settings: LoginPageSettings, { accounts, host, zones }: SurfaceContext): Promise<AsyncDisposable> {
  const scope = new Scope();
  if (!accounts) return scope;
  const log = host.log.child('login');
  const names = new Map(zones.map(({ id, name }) => [id, name]));
  const desk: Desk = { accounts, isOurs: (header) => isOwnHost(header, settings.hosts), zonesOf: (view) => view.zones.map((id) => names.get(id) ?? id) };
  const door = scope.use(
    await openDoor({
      ...settings,
      serve: (request, response) => serve(desk, request, response),
      trouble: (error) => log.debug('A request of the login page broke off', { code: toTonearmError(error).code }),
    }),
  );
  const base = `http://${shownAddress(settings.address)}:${door.port}`;
  scope.use(accounts.servePages(base));
  log.info('The login page is open. Begin a login with "tonearm login" to get its address', { base });
  return scope;
}

interface Desk {
  readonly accounts: Accounts;
  readonly isOurs: (host: string | undefined) => boolean;
  readonly zonesOf: (login: LoginView) => readonly string[];
}

async function serve(desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { accounts, isOurs, zonesOf } = desk;
  const { host, origin } = request.headers;
  if (!isOurs(host)) {
    request.resume();
    send(response, 403, emptyPage('This name is not known as one of Tonearm’s. Open the page by its address, or add the name to the setting login.hosts.'));
    return;
  }
  const path = new URL(request.url ?? '/', 'http://page').pathname;
  const view = accounts.byKey(/^\/login\/([A-Za-z0-9_-]{22})$/.exec(path)?.[1] ?? '');
  if (!view) {
    request.resume();
    send(response, 404, emptyPage('At this address there is no login, or it is over.'));
    return;
  }
  if (request.method === 'GET' || request.method === 'HEAD') {
    request.resume();
    send(response, 200, loginPage(view, { zones: zonesOf(view), error: null }));
    return;
  }
  if (request.method !== 'POST' || (origin !== undefined && origin !== `http://${host ?? ''}`)) {
    request.resume();
    send(response, request.method === 'POST' ? 403 : 405, emptyPage('This request did not come from the login page.'));
    return;
  }
  const body = (await readBody(request, longestBody))?.toString('utf8') ?? null;
  if (body === null) {
    response.setHeader('Connection', 'close');
    send(response, 413, loginPage(view, { zones: zonesOf(view), error: 'That is far longer than any address. Copy only the address.' }));
    return;
  }
  try {
    await accounts.paste(view.id, new URLSearchParams(body).get('address') ?? '');
    // So that loading the page again does not send the form again.
    response.writeHead(303, { ...headers, Location: path });
    response.end();
  } catch (error) {
    send(response, 400, loginPage(view, { zones: zonesOf(view), error: toTonearmError(error).message }));
  }
}

const headers = {
  'Cache-Control': 'no-store',
  // The address of this page is its key: no other site is told. (With no-referrer browsers would hide the form's origin from us, too.)
  'Referrer-Policy': 'same-origin',
  'Content-Security-Policy': contentPolicy,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

function send(response: ServerResponse, status: number, page: string): void {
  response.writeHead(status, { ...headers, 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': Buffer.byteLength(page) });
  response.end(page);
}

/** What people have to type: for "everywhere" the first address of a real network. */
function shownAddress(address: string): string {
  if (address !== '0.0.0.0' && address !== '::') return isIP(address) === 6 ? `[${address}]` : address;
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

async function openDoor(options: HttpDoorOptions): Promise<HttpDoor> {
  const { address, port } = options;
  try {
    return await openHttpDoor(options);
  } catch (cause) {
    throw new TonearmError({
      kind: 'conflict',
      code: 'login/port',
      message: `The login page cannot listen on ${address}:${port} (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'}). Choose another login.port or login.address, or leave the section out.`,
      cause,
    });
  }
}
