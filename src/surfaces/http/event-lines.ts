import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocketServer } from 'ws';
import { every, Scope, TonearmError } from '#foundation';
import type { ApiKeys } from '../api-keys.ts';
import type { EventLine } from './event-line.ts';
import { type Caller, checkOrigin, identify, whoIs } from './gate.ts';
import { Logins } from './logins.ts';
import { type Desk, urlOf } from './rest.ts';
import { eventsPath } from './paths.ts';
import { errorOf, statusOf, zoneOf } from './say.ts';
import { closeCodes } from './wire/close-codes.ts';
import type { SocketMessage } from './wire/index.ts';
import { parseLogin } from './wire/login.ts';

/** Bytes of one frame from outside. */
const longestFrame = 64 * 1024;
const mostLines = 48;
/** How often clients are asked whether they are there. Milliseconds. */
const beat = 10_000;

/** Everybody on the socket, and what they are shown. */
export class EventLines implements AsyncDisposable {
  readonly #desk: Desk;
  readonly #keys: ApiKeys;
  readonly #lines = new Set<EventLine>();
  readonly #scope = new Scope();
  readonly #logins: Logins;
  /** What is answered to a login beside the socket itself. */
  readonly #proofs = new WeakMap<IncomingMessage, string>();
  #server: Promise<WebSocketServer> | undefined;

  constructor(desk: Desk, keys: ApiKeys) {
    this.#desk = desk;
    this.#keys = keys;
    this.#logins = new Logins(desk.house.clock, keys);
    const { zones, presets, automations, clock } = desk.house;
    const use = (...handles: (Disposable | undefined)[]) => {
      for (const handle of handles) if (handle) this.#scope.use(handle);
    };
    for (const zone of zones) {
      const fail = (error: TonearmError) => this.#show(`failed/${zone.id}`, () => ({ kind: 'failed', zone: zone.id, error: errorOf(error) }));
      use(
        zone.player.events.on('changed', () => this.#show(`zone/${zone.id}`, () => ({ kind: 'zone', zone: zoneOf(zone) }))),
        zone.player.events.on('failed', ({ error }) => fail(error)),
        zone.player.events.on('announced', ({ error }) => error && fail(error)),
      );
    }
    use(
      presets?.events.on('changed', (list) => this.#show('presets', () => ({ kind: 'presets', presets: list }))),
      automations?.events.on('changed', (picture) => this.#show('automations', () => ({ kind: 'automations', automations: picture }))),
      automations?.tags?.events.on('changed', (picture) => this.#show('tags', () => ({ kind: 'tags', tags: picture }))),
      automations?.tags?.events.on('read', (read) => this.#show('tag', () => ({ kind: 'tag', read }))),
      automations?.events.on('ran', (run) => this.#show(`run/${run.automation}`, () => ({ kind: 'run', run }))),
      keys.events.on('removed', ({ id }) => {
        desk.pace.forget(id);
        for (const line of this.#lines) if (line.keyId === id) line.close(closeCodes.keyRevoked, 'This key was revoked.');
      }),
      every(clock, beat, () => {
        for (const line of this.#lines) line.beat();
      }),
    );
  }

  /** Takes a connection that wants to become a socket. Never rejects. */
  async take(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const { house, pace, log } = this.#desk;
    // Until the socket is made nobody else would hear of a fault, and the program would end.
    stream.on('error', (error) => log.debug('A connection that wanted to become a socket broke off', { reason: error.message }));
    try {
      const caller = this.#admit(request);
      const [server, { EventLine }] = await Promise.all([(this.#server ??= this.#open()), import('./event-line.ts')]);
      // A key may have been revoked meanwhile, or the house closed.
      if (this.#scope.signal.aborted || !this.#keys.has(caller.key.id)) stream.destroy();
      else server.handleUpgrade(request, stream, head, (socket) => this.#begin((ended) => new EventLine({ socket, stream, caller, house, pace, log, ended }), caller));
    } catch (thrown) {
      refuse(stream, thrown, () => this.#logins.invite());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
    for (const line of this.#lines) line.close(closeCodes.goingAway, 'Tonearm stops, or starts again.');
  }

  #admit(request: IncomingMessage): Caller {
    const { rules, pace } = this.#desk;
    checkOrigin(request.headers, rules);
    const url = urlOf(request);
    if (url.pathname !== eventsPath) throw new TonearmError({ kind: 'not-found', code: 'http/not-found', message: `There is no socket at this address; it is at ${eventsPath}.` });
    const caller = this.#identify(request, url.searchParams);
    pace.take(caller.key.id);
    if (this.#lines.size >= mostLines) throw new TonearmError({ kind: 'unavailable', code: 'http/too-many-sockets', message: `${mostLines} clients are connected, and there is no room for more. Close some.`, retryAfter: 5000 });
    return caller;
  }

  #identify(request: IncomingMessage, query: URLSearchParams): Caller {
    const login = parseLogin(request.headers.authorization);
    if (!login) return identify(request.headers, query, this.#keys);
    const { key, proof } = this.#logins.admit(login);
    this.#proofs.set(request, proof);
    return { key, by: whoIs(query) };
  }

  #begin(open: (ended: () => void) => EventLine, caller: Caller): void {
    const { house } = this.#desk;
    const line = open(() => this.#lines.delete(line));
    this.#lines.add(line);
    const hello: SocketMessage = {
      kind: 'hello',
      daemon: house.info(),
      scope: caller.key.scope,
      beat,
      zones: house.zones.map(zoneOf),
      presets: house.presets?.list ?? [],
      automations: house.automations?.picture ?? null,
      tags: house.automations?.tags?.picture ?? null,
    };
    line.show('hello', JSON.stringify(hello));
  }

  /** Loaded when somebody comes: most houses have nobody on the socket. */
  async #open(): Promise<WebSocketServer> {
    const { WebSocketServer } = await import('ws');
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: longestFrame,
      handleProtocols: (protocols) => (protocols.has('tonearm') ? 'tonearm' : false),
    });
    server.on('headers', (lines, request) => {
      const proof = this.#proofs.get(request);
      if (proof !== undefined) lines.push(`Authentication-Info: ${proof}`);
    });
    return server;
  }

  /** Made into text once, however many look, and not at all when nobody does. */
  #show(key: string, message: () => SocketMessage): void {
    if (this.#lines.size === 0) return;
    const text = JSON.stringify(message());
    for (const line of this.#lines) line.show(key, text);
  }
}

function refuse(stream: Duplex, thrown: unknown, invite: () => string): void {
  const error = errorOf(thrown);
  const status = statusOf(error);
  const invitation = status === 401 ? `WWW-Authenticate: ${invite()}\r\n` : '';
  const body = JSON.stringify({ error });
  const retry = error.retryAfter === undefined ? '' : `Retry-After: ${Math.ceil(error.retryAfter / 1000)}\r\n`;
  // Nobody else looks after it from here on: a client that never hangs up would keep it, and keep us from closing.
  stream.once('finish', () => stream.destroy());
  stream.end(`HTTP/1.1 ${status} Refused\r\n${invitation}Content-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${retry}Cache-Control: no-store\r\nConnection: close\r\n\r\n${body}`);
}
