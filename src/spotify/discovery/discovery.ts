import type { IncomingMessage, ServerResponse } from 'node:http';
import { isPortTaken, openHttpDoor, readBody, Scope, TonearmError, type Clock, type HttpDoor, type HttpDoorOptions, type Log } from '#foundation';
import { createDhKeyPair, encodeStatus, parseForm, type DhKeyPair } from '#spotify/wire';
import type { Credentials, Identity } from '../ports.ts';
import { askDeviceId } from './device-id.ts';
import { isNear, plainAddress } from './neighbour.ts';
import { PairingDesk, type Answer, type Visitor } from './pairing-desk.ts';

/** The part of the world discovery needs; `Host` of `#core` fits. */
export interface DiscoveryHost {
  readonly clock: Clock;
  readonly log: Log;
  announce(announcement: {
    readonly name: string;
    readonly type: string;
    readonly port: number;
    readonly txt: Readonly<Record<string, string>>;
    /** Where it listens, when that is one address. */
    readonly address?: string | undefined;
    readonly proof?: { readonly id: string; ask(url: string, signal: AbortSignal): Promise<string | null> } | undefined;
  }): Promise<AsyncDisposable>;
}

export interface DiscoveryOptions {
  readonly identity: Identity;
  readonly host: DiscoveryHost;
  /** 0: any free one. */
  readonly port?: number | undefined;
  /** To listen on; all of the machine's unless told. */
  readonly address?: string | undefined;
  /** What phones show. */
  readonly name: string;
  /** Logs somebody in. The signal fires when somebody else pairs meanwhile. */
  onUser(credentials: Credentials, signal: AbortSignal, visitor: Visitor): Promise<'ok' | 'refused'>;
  /** Asked before; see `PairingDesk`. */
  readonly mayPair?: ((visitor: Visitor) => boolean) | undefined;
  /** Canonical name of who is logged in. */
  activeUser(): string | null;
  /** Asked before; see `PairingDesk`. */
  readonly mayReset?: (() => boolean) | undefined;
  /** A phone asked to log the current user out. */
  onReset(): void | Promise<void>;
  /** For tests; otherwise made anew for the life of the process. */
  readonly keyPair?: DhKeyPair | undefined;
}

export interface Discovery extends AsyncDisposable {
  readonly port: number;
  /** Withdraws and announces once more, so that phones forget what they remember of the speaker (`connect-session.md §10.9`). */
  announceAnew(): Promise<void>;
}

const path = '/zc';
/** IPv4 and IPv6. */
const everywhere = '::';
const longestBody = 16 * 1024;
const longestName = 63;

/**
 * Lets phones in the same network find and pair this speaker (`connect-session.md §10`). Fails with
 * `spotify/discovery-port` when the port cannot be had; closing withdraws the announcement.
 */
export async function openDiscovery(options: DiscoveryOptions): Promise<Discovery> {
  const { host, identity, name, port = 0, address = everywhere } = options;
  const log = host.log.child('discovery');
  const scope = new Scope();
  const desk = new PairingDesk({ ...options, identity, keyPair: options.keyPair ?? createDhKeyPair(), clock: host.clock, log });
  const open: Omit<HttpDoorOptions, 'address'> = {
    port,
    serve: (request, response) => serve(desk, request, response),
    trouble: (error) => log.debug('A pairing request broke off.', { error }),
  };
  try {
    const door = scope.use(
      await openDoor({ ...open, address }).catch(async (error: unknown) => {
        // A machine without IPv6 has no such address.
        if (address !== everywhere || (error as TonearmError).kind === 'conflict') throw error;
        return await openDoor({ ...open, address: '0.0.0.0' });
      }),
    );
    door.server.on('connection', (socket) => {
      if (!isNear(socket.remoteAddress ?? '', socket.localAddress ?? '')) socket.destroy();
    });
    scope.defer(() => desk.close());
    const taken = door.port;
    const announcement = {
      name: clip(name),
      type: 'spotify-connect',
      port: taken,
      txt: { VERSION: '1.0', CPath: path, Stack: 'SP' },
      address: address === everywhere || address === '0.0.0.0' ? undefined : address,
      proof: { id: identity.deviceId, ask: askDeviceId },
    };
    let announced = host.announce(announcement);
    scope.defer(async () => (await announced)[Symbol.asyncDispose]());
    await announced;
    log.debug('Waiting for phones to pair.', { name, port: taken });
    return {
      port: taken,
      async announceAnew() {
        if (scope.signal.aborted) return;
        const next = announced.then(async (old) => {
          await old[Symbol.asyncDispose]();
          return scope.signal.aborted ? old : host.announce(announcement);
        });
        // One that fails must not fail those after it.
        announced = next.catch(() => ({ [Symbol.asyncDispose]: () => Promise.resolve() }));
        await next;
      },
      [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
    };
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

async function serve(desk: PairingDesk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://speaker.local');
  // Phones send no Origin; a web page that tries to log people out does.
  if (url.pathname !== path || request.headers.origin !== undefined) {
    request.resume();
    const { body } = encodeStatus('bad');
    reply(response, { http: url.pathname === path ? 403 : 404, body });
    return;
  }
  const body = await readBody(request, longestBody);
  if (body === null) {
    response.setHeader('Connection', 'close');
    reply(response, { ...encodeStatus('bad'), http: 413 });
    return;
  }
  const fields = fieldsOf(url.search.slice(1), body);
  reply(
    response,
    fields ? await desk.answer({ method: request.method ?? '', fields, address: plainAddress(request.socket.remoteAddress ?? '') }) : encodeStatus('invalidArguments'),
  );
}

/** Query and body; the body wins. `null` when they cannot be read. */
function fieldsOf(query: string, body: Buffer): Map<string, string> | null {
  try {
    return new Map([...parseForm(query), ...parseForm(body)]);
  } catch {
    return null;
  }
}

function reply(response: ServerResponse, { http: status, body }: Answer): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), 'Cache-Control': 'no-store' });
  response.end(body);
}

async function openDoor(options: HttpDoorOptions): Promise<HttpDoor> {
  const { port, address } = options;
  try {
    return await openHttpDoor(options);
  } catch (cause) {
    const isTaken = isPortTaken(cause);
    const message = isTaken
      ? `Phones cannot find this speaker because port ${port} is in use by another program. Stop it, or configure another port (0 takes any free one).`
      : `Phones cannot find this speaker because it may not listen on port ${port} of ${address} (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'}). Check the configured address and port.`;
    throw new TonearmError({ kind: isTaken ? 'conflict' : 'invalid', code: 'spotify/discovery-port', message, cause });
  }
}

/** DNS allows 63 bytes; cut at a character. */
function clip(name: string): string {
  let cut = name;
  while (Buffer.byteLength(cut) > longestName) cut = Array.from(cut).slice(0, -1).join('');
  return cut;
}
