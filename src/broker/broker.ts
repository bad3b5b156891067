import { createHash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import type { Aedes } from 'aedes';
import { type Log, sameBytes, type Secret, silentLog, TonearmError } from '#foundation';
import { PacketGuard } from './packet-guard.ts';

export interface BrokerOptions {
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** First port to try; default 1883. Zero takes any free one. */
  readonly port?: number;
  /** With both of these, clients must know them. */
  readonly username?: string;
  readonly password?: Secret<string>;
  readonly log?: Log;
  /** Connections at once; default 64. */
  readonly clients?: number;
  /** Bytes of the largest packet; default 1 MiB. */
  readonly largest?: number;
  /** Topic filters one client may have; default 2000, enough for a Home Assistant with many devices. */
  readonly subscriptions?: number;
  /** Bytes all retained messages may have together; default 32 MiB. */
  readonly retained?: number;
}

export interface Broker extends AsyncDisposable {
  /** For clients on this machine: `mqtt://127.0.0.1:1883` */
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

/** Ports to try when the first is taken; after them any free one. */
const neighbours = 20;
/** Topics that may hold a retained message. */
const mostRetained = 10_000;

/**
 * Opens the broker on `port`, or the next free one. Rejects with `conflict` when there is no way to listen, and with `invalid` when
 * it could be reached by others without a password.
 * Sessions are not kept: a client that goes away starts afresh, so an absent one cannot fill the memory.
 */
export async function openBroker(options: BrokerOptions = {}): Promise<Broker> {
  const { host = '127.0.0.1', port = 1883, username, password, log = silentLog, clients = 64, largest = 1024 * 1024 } = options;
  if (!isLoopback(host) && (username === undefined || !password)) {
    throw new TonearmError({ kind: 'invalid', code: 'broker/needs-password', message: `The embedded MQTT broker would listen on ${host}, where others can reach it. Set "broker.username" and "broker.password", or leave out "broker.address" so that it can be reached from this machine only.` });
  }
  // Here and not at the top: who has a broker of their own need not load it.
  const { Aedes } = await import('aedes');
  const aedes = new Aedes({ concurrency: 100, queueLimit: 42, connectTimeout: 10_000, maxClientsIdLength: 128, maxTopicLevels: 16 });
  await aedes.listen();
  limitPublishing(aedes, log, options.retained ?? 32 * 1024 * 1024);
  limitSubscriptions(aedes, log, options.subscriptions ?? 2000);
  if (username !== undefined && password) demand(aedes, username, password);

  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    if (sockets.size >= clients) {
      log.warn('A client was turned away: the embedded broker has as many as it takes.', { clients });
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => sockets.delete(socket));
    guard(socket, largest, log);
    aedes.handle(socket);
  });
  const taken = await listen(server, host, port).catch((error: unknown) => {
    aedes.close();
    throw error;
  });
  server.on('error', (error) => log.warn('The embedded broker could not take a connection.', { error: error.message }));
  if (port !== 0 && taken !== port) log.info('The port is taken, so the embedded MQTT broker listens on another.', { wanted: port, port: taken });

  let closing: Promise<void> | undefined;
  return {
    url: `mqtt://${urlHost(host)}:${taken}`,
    host,
    port: taken,
    [Symbol.asyncDispose]: () => (closing ??= close(server, aedes, sockets)),
  };
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  const candidates = port === 0 ? [0] : [...Array.from({ length: neighbours }, (_, at) => port + at).filter((at) => at < 65_536), 0];
  for (const candidate of candidates) {
    const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      server.once('error', resolve);
      server.listen({ host, port: candidate, exclusive: true }, () => {
        server.off('error', resolve);
        resolve(null);
      });
    });
    if (error === null) {
      const address = server.address();
      return typeof address === 'object' && address ? address.port : candidate;
    }
    if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') {
      throw new TonearmError({ kind: 'conflict', code: 'broker/cannot-listen', message: `The embedded MQTT broker cannot listen on ${host}:${candidate} (${error.code ?? error.message}). Choose another address, or name a broker of your own under "mqtt".`, cause: error });
    }
  }
  throw new TonearmError({ kind: 'conflict', code: 'broker/no-port', message: `The embedded MQTT broker found no free port at ${host}. Name a broker of your own under "mqtt".` });
}

/** How it is reached from this machine. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Nothing is kept for absent clients, `$SYS` is ours, and what is retained is bounded in number and size. */
function limitPublishing(aedes: Aedes, log: Log, room: number): void {
  const sizes = new Map<string, number>();
  let used = 0;
  aedes.preConnect = (_client, packet, callback) => {
    packet.clean = true;
    callback(null, true);
  };
  aedes.authorizePublish = (_client, { topic, retain, payload }, callback) => {
    if (topic.startsWith('$')) {
      callback(new Error('$ topics belong to the broker.'));
      return;
    }
    if (retain) {
      const before = sizes.get(topic);
      const after = used - (before ?? 0) + payload.length;
      if (payload.length > 0 && ((before === undefined && sizes.size >= mostRetained) || after > room)) {
        log.warn('A retained message was refused: the embedded broker keeps no more.', { kept: sizes.size, bytes: used });
        callback(new Error('No room for more retained messages.'));
        return;
      }
      used = after;
      if (payload.length === 0) sizes.delete(topic);
      else sizes.set(topic, payload.length);
    }
    callback(null);
  };
  aedes.on('clientError', (client, error) => log.debug('A client of the embedded broker was dropped.', { client: client.id, error: error.message }));
  aedes.on('connectionError', (_client, error) => log.debug('A connection to the embedded broker was refused.', { error: error.message }));
}

/** What is too much is refused in the answer to the subscription (MQTT 3.1.1 §3.9.3, 0x80). */
function limitSubscriptions(aedes: Aedes, log: Log, most: number): void {
  const filters = new WeakMap<object, Set<string>>();
  aedes.authorizeSubscribe = (client, subscription, callback) => {
    const has = filters.get(client) ?? new Set<string>();
    filters.set(client, has);
    if (has.size >= most && !has.has(subscription.topic)) {
      log.warn('A subscription was refused: the client of the embedded broker has as many as one may have.', { client: client.id, most });
      callback(null, null);
      return;
    }
    has.add(subscription.topic);
    callback(null, subscription);
  };
  aedes.on('unsubscribe', (topics, client) => {
    for (const topic of topics) filters.get(client)?.delete(topic);
  });
}

function demand(aedes: Aedes, username: string, password: Secret<string>): void {
  const digest = (data: string | Buffer) => createHash('sha256').update(data).digest();
  aedes.authenticate = (_client, name, given, done) => {
    const fits = sameBytes(digest(name ?? ''), digest(username)) && sameBytes(digest(given ?? ''), digest(password.reveal()));
    // 4: bad user name or password (MQTT 3.1.1 §3.2.2.3).
    if (fits) done(null, true);
    else done(Object.assign(new Error('User name or password is wrong.'), { returnCode: 4 }), false);
  };
}

/** The broker pulls bytes with `read`; each chunk is looked at on its way. */
function guard(socket: Socket, largest: number, log: Log): void {
  const packets = new PacketGuard(largest);
  const read = socket.read.bind(socket);
  socket.read = (size?: number): unknown => {
    const chunk: unknown = read(size);
    if (!(chunk instanceof Uint8Array) || packets.accepts(chunk)) return chunk;
    log.warn('A client of the embedded broker sent a packet that is too large, and was disconnected.', { largest });
    socket.destroy();
    return null;
  };
}

async function close(server: Server, aedes: Aedes, sockets: ReadonlySet<Socket>): Promise<void> {
  const ended = new Promise<void>((resolve) => server.close(() => resolve()));
  await new Promise<void>((resolve) => aedes.close(() => resolve()));
  for (const socket of sockets) socket.destroy();
  await ended;
}
