import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import { isPortTaken, openHttpDoor, Scope, TonearmError, type HttpDoor, type HttpDoorOptions, type Log } from '#foundation';
import { openApiKeys } from '../api-keys.ts';
import type { SurfaceContext } from '../surface.ts';
import { declineUpgrade, wantsWebSocket } from './decline-upgrade.ts';
import { EventLines } from './event-lines.ts';
import { Pace } from './pace.ts';
import { base } from './paths.ts';
import { type Desk, serve } from './rest.ts';
import type { HttpSettings } from './settings.ts';

const usualPort = 8484;
/** Ports that are tried, when none was configured. */
const tries = 20;
const mostConnections = 64;
const mostFromOneAddress = 32;
const mostFromOneNetwork = 48;

/** Opens the way in. Rejects when a port or address that was configured cannot be had. */
export async function openHttp(settings: HttpSettings, context: SurfaceContext): Promise<AsyncDisposable> {
  const scope = new Scope();
  const { host, zones, presets, automations, accounts, control, instance = 'tonearm', announce } = context;
  const log = host.log.child('http');
  const keys = context.apiKeys ?? (await openApiKeys({ host, configured: settings.keys }));
  const name = hostname();
  const info = () => ({ api: 1 as const, id: instance, name, version: host.version, now: host.clock.now() });
  const desk: Desk = {
    house: { zones, presets, automations, accounts, control, health: host.health, info, clock: host.clock, closing: scope.signal },
    keys,
    rules: settings,
    pace: new Pace(host.clock),
    log,
  };
  const door = await openDoor(settings, {
    address: settings.host,
    connections: mostConnections,
    serve: (request, response) => serve(desk, request, response),
    trouble: (error) => log.debug('A connection of the API broke off', { reason: (error as Error).message }),
  }, log);
  if (!door) return scope;
  scope.use(door);
  shareOut(door);
  const lines = scope.use(new EventLines(desk, keys));
  door.server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    if (wantsWebSocket(request)) {
      void lines.take(request, stream, head);
      return;
    }
    declineUpgrade(request, stream, head);
    door.server.emit('connection', stream);
  });
  const shown = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
  log.info('The API is open. Make keys for it with "tonearm keys add NAME"', { base: `http://${shown}:${door.port}${base}` });
  if (announce) {
    // Nobody waits for this.
    const announced = announce({
      name: `Tonearm on ${name}`,
      type: 'tonearm',
      port: door.port,
      txt: { id: instance, name, version: host.version, api: '1', path: base, scheme: 'http' },
      // Programs elsewhere are told of it only when they can reach it.
      address: settings.host === '0.0.0.0' || settings.host === '::' ? undefined : settings.host,
    });
    announced.catch((error: unknown) => log.warn('The API could not be announced on the network; its address works all the same', { error }));
    scope.defer(async () => (await announced.catch(() => undefined))?.[Symbol.asyncDispose]());
  }
  return scope;
}

/** Null when no port can be had and none was asked for: then the music goes on without. */
async function openDoor({ host, port }: HttpSettings, options: Omit<HttpDoorOptions, 'port'>, log: Log): Promise<HttpDoor | null> {
  if (port !== undefined) return await openHttpDoor({ ...options, port }).catch((cause: unknown) => fail(host, port, cause));
  for (let next = usualPort; next < usualPort + tries; next++) {
    try {
      const door = await openHttpDoor({ ...options, port: next });
      if (next !== usualPort) log.info(`Port ${usualPort} is in use by another program, so the API is on port ${next}. Set http.port for one that stays the same`);
      return door;
    } catch (cause) {
      if (!isPortTaken(cause)) fail(host, next, cause);
    }
  }
  log.error(`The API is closed: the ports ${usualPort} to ${usualPort + tries - 1} are all in use. Set http.port to a free one`);
  return null;
}

function fail(host: string, port: number, cause: unknown): never {
  const { code = 'unknown reason' } = cause as NodeJS.ErrnoException;
  if (isPortTaken(cause)) throw new TonearmError({ kind: 'conflict', code: 'http/port', message: `The API cannot listen on port ${port}: another program has it. Choose another http.port, or leave the setting out to have one found.`, cause });
  throw new TonearmError({ kind: 'invalid', code: 'http/address', message: `The API cannot listen on ${host}, port ${port} (${code}). Check http.host, which has to be an address of this machine, and http.port; or set http.enabled: false.`, cause });
}

/**
 * One machine alone cannot take all the connections there are. Who comes through a proxy shares its address, and so its half: whom it
 * speaks for is only its word. A machine with IPv6 has as many addresses as it likes of one /64, which is why that counts, too.
 */
function shareOut({ server }: HttpDoor): void {
  const taken = new Map<string, Set<Socket>>();
  server.on('connection', (socket) => {
    const { remoteAddress = '' } = socket;
    for (const [place, most] of [[`at ${remoteAddress}`, mostFromOneAddress], [`in ${networkOf(remoteAddress)}`, mostFromOneNetwork]] as const) {
      const sockets = taken.get(place) ?? new Set();
      // Once more for one whose upgrade was declined.
      if (sockets.has(socket)) return;
      taken.set(place, sockets.add(socket));
      socket.on('close', () => {
        sockets.delete(socket);
        if (sockets.size === 0) taken.delete(place);
      });
      if (sockets.size > most) socket.destroy();
    }
  });
}

/** An IPv4 address, also as IPv6 writes it, or the first half of an IPv6 address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address;
  const [front = '', back] = address.toLowerCase().split('::');
  const groups = front === '' ? [] : front.split(':');
  const missing = back === undefined ? 0 : 8 - groups.length - (back === '' ? 0 : back.split(':').length);
  return [...groups, ...Array.from({ length: missing }, () => '0'), ...(back ?? '').split(':')].slice(0, 4).join(':');
}
