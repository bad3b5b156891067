import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { Emitter, toTonearmError, type Events } from '#foundation';
import { decodeDealerFrame, encodeDealerMessage, encodeDealerPong } from '#spotify/wire';
import { hostName, phoneHeader } from '../http/dispatch.ts';
import { mayServe } from '../http/host-names.ts';
import { setUpTrips } from '../latency.ts';
import type { Parts } from '../parts.ts';
import { DealerConnection } from './connection.ts';
import { DealerRequests } from './requests.ts';

export interface DealerEvents {
  closed: { readonly connection: DealerConnection };
}

/** The WebSocket service that pushes to devices (connect-control §1). */
export class Dealer {
  readonly requests: DealerRequests;
  /** While false, upgrades are cut at once. */
  reachable = true;
  readonly #parts: Parts;
  readonly #noise: boolean;
  readonly #server = new WebSocketServer({ noServer: true, autoPong: false, perMessageDeflate: false, maxPayload: 4 << 20 });
  readonly #connections = new Map<string, DealerConnection>();
  readonly #past = new Set<string>();
  readonly #emitter = new Emitter<DealerEvents>();

  constructor(parts: Parts, { noise }: { readonly noise: boolean }) {
    this.#parts = parts;
    this.#noise = noise;
    this.requests = new DealerRequests(parts);
  }

  get events(): Events<DealerEvents> {
    return this.#emitter.events;
  }

  get connections(): readonly DealerConnection[] {
    return [...this.#connections.values()];
  }

  /** The open connection with this id. */
  find(id: string): DealerConnection | null {
    return this.#connections.get(id) ?? null;
  }

  /** Whether this was a connection id before its socket closed. */
  wasConnection(id: string): boolean {
    return this.#past.has(id);
  }

  /** The connection a device registered with. */
  ofDevice(device: string): DealerConnection | null {
    return this.connections.findLast((connection) => connection.device === device) ?? null;
  }

  /** Cuts the sockets of a device, or all that are no phones. */
  cut(device?: string): void {
    for (const connection of this.connections) {
      if (device === undefined ? connection.phone === null : connection.device === device) connection.drop();
    }
  }

  /** Pushes a message to a device. */
  push(device: string, message: Parameters<typeof encodeDealerMessage>[0]): boolean {
    const connection = this.ofDevice(device);
    connection?.push(encodeDealerMessage({ ...message, gzip: connection.gzip && message.payload !== undefined }));
    return connection !== null;
  }

  /** Frames a good client drops: of unknown type, for unknown places, JSON where bytes are expected (§1.8). */
  noise(connection: DealerConnection): void {
    connection.push(JSON.stringify({ type: 'simulator-unknown', anything: { goes: [1, 2, 3] } }));
    connection.push(encodeDealerMessage({ uri: 'hm://simulator/v1/unknown', json: { unexpected: true } }));
    connection.push(encodeDealerMessage({ uri: `hm://collection/collection/${connection.account.name}/json`, json: { items: [] } }));
  }

  /** Serves an upgrade request; every other path than `/` is refused. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    void this.#accept(request, socket, head).catch((error: unknown) => {
      this.#parts.log.error('the simulated dealer failed', { error: toTonearmError(error) });
      socket.destroy();
    });
  }

  async #accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { accounts, counters, faults, journal, network } = this.#parts;
    const url = new URL(request.url ?? '/', 'ws://dealer');
    const header = request.headers[phoneHeader];
    const phone = typeof header === 'string' ? decodeURIComponent(header) : null;
    journal.record('dealer', 'upgrade', { path: url.pathname, query: url.search, headers: request.headers }, phone);
    const refuse = (status: string, clause: string | null, what: string) => {
      if (clause !== null) journal.refuse({ service: 'dealer', clause, what: `upgrade: ${what}`, refused: true, phone });
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    };
    if (phone === null) {
      if (!this.reachable) {
        socket.destroy();
        return;
      }
      const setUp = setUpTrips((socket as Partial<TLSSocket>).encrypted === true);
      counters.connected('dealer');
      const trip = counters.begin('dealer', 'dealer/upgrade', setUp);
      await network.wait('dealer', setUp + 1);
      trip.end();
      if (faults.take('dealer/hang')) return;
      const fault = faults.take('dealer/refuse');
      if (fault) {
        refuse(`${fault.status} Refused${fault.retryAfter === undefined ? '' : `\r\nRetry-After: ${fault.retryAfter}`}`, null, '');
        return;
      }
    }
    if (!mayServe(hostName(request.headers.host ?? ''), 'dealer') || url.pathname !== '/') {
      refuse('404 Not Found', 'connect-control §1.1', `no dealer at ${request.headers.host ?? ''}${url.pathname}`);
      return;
    }
    const value = url.searchParams.get('access_token');
    const token = value === null ? null : accounts.accessToken(value);
    if (!token) {
      const expired = value !== null && accounts.wasAccessToken(value);
      refuse('401 Unauthorized', expired ? null : 'connect-control §1.1', 'no valid access_token');
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (client) => this.#open(client, new DealerConnection(client, { id: makeConnectionId(), account: token.account, phone }, this.#parts)));
  }

  #open(socket: WebSocket, connection: DealerConnection): void {
    const { faults, journal } = this.#parts;
    const { id, phone } = connection;
    this.#connections.set(id, connection);
    socket.on('error', () => undefined);
    socket.on('message', (data, isBinary) => this.#received(connection, data, isBinary));
    socket.on('ping', (data: Buffer) => {
      journal.record('dealer', 'control ping', { device: connection.device }, phone);
      if (phone !== null || !faults.take('dealer/mute', aboutOf(connection))) connection.answer((to) => to.pong(data, false, () => undefined));
    });
    socket.once('close', (code, reason) => {
      journal.record('dealer', 'closed', { device: connection.device, code, reason: reason.toString() }, phone);
      this.#connections.delete(id);
      this.#past.add(id);
      this.requests.closed(connection);
      this.#emitter.emit('closed', { connection });
    });
    if (phone === null && faults.take('dealer/no-connection-id')) {
      connection.push(encodeDealerMessage({ uri: `hm://pusher/v1/connections/${encodeURIComponent(id)}` }));
      return;
    }
    connection.push(encodeDealerMessage({ uri: `hm://pusher/v1/connections/${encodeURIComponent(id)}`, headers: { 'Spotify-Connection-Id': id } }));
    if (this.#noise && phone === null) this.noise(connection);
  }

  #received(connection: DealerConnection, data: RawData, isBinary: boolean): void {
    const { counters, faults, journal } = this.#parts;
    const { phone, device } = connection;
    if (connection.isLost()) return;
    const breach = (what: string) => journal.refuse({ service: 'dealer', clause: 'connect-control §1.3', what, refused: false, phone });
    if (isBinary) {
      breach('a binary frame');
      return;
    }
    let frame: ReturnType<typeof decodeDealerFrame>;
    try {
      frame = decodeDealerFrame(textOf(data));
    } catch (error) {
      breach(error instanceof Error ? error.message : String(error));
      return;
    }
    journal.record('dealer', `frame ${frame.type}`, { device, ...(frame.type === 'reply' ? { key: frame.key, success: frame.success } : {}) }, phone);
    if (frame.type === 'ping') {
      if (phone === null && faults.take('dealer/mute', aboutOf(connection))) return;
      if (phone === null) counters.note('dealer', 'dealer/ping');
      connection.answer((to) => to.send(encodeDealerPong()));
    } else if (frame.type === 'reply') {
      this.requests.replied(connection, frame.key, frame.success);
    } else if (frame.type !== 'pong') {
      breach(`a frame of type "${frame.type}" is not for clients to send`);
    }
  }
}

function aboutOf({ device }: DealerConnection) {
  return device === null ? {} : { device };
}

function makeConnectionId(): string {
  return Buffer.from(`${randomUUID()}+dealer+tcp://127.0.0.1:5700+${randomBytes(32).toString('hex').toUpperCase()}`).toString('base64');
}

function textOf(data: RawData): string {
  if (Buffer.isBuffer(data)) return data.toString('utf8');
  return Array.isArray(data) ? Buffer.concat(data).toString('utf8') : Buffer.from(data).toString('utf8');
}
