import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { setMaxListeners } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls, { type SecureContext } from 'node:tls';
import type { Secret } from './log.ts';
import { withTimeout, type Clock } from './clock.ts';
import { TonearmError } from './errors.ts';
import { firstReady } from './first-ready.ts';
import { abortable } from './lifecycle.ts';
import { withEither } from './with-either.ts';
import { openTunnel, parseProxy, proxyUnreachable, type Proxy } from './proxy.ts';

export interface DialTarget {
  /** Name or literal address, without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface DialOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the connection has to stand; 10 s unless told. */
  readonly limit?: number | undefined;
}

export interface DiallerOptions {
  readonly clock: Clock;
  /** `http[s]://[user:password@]host[:port]`: everything goes through it. */
  readonly proxy?: Secret<string> | null | undefined;
  readonly secureContext?: SecureContext | undefined;
  /** All addresses of a name; the system's resolver unless told. */
  readonly lookup?: ((host: string) => Promise<readonly LookupAddress[]>) | undefined;
}

const usualLimit = 10_000;
/** A family of addresses that was slower or mute comes second for so long. */
const demotion = 600_000;
/** Names whose last good addresses are kept for times without a resolver. */
const remembered = 64;
const sessionsKept = 64;

/**
 * Opens connections: to all addresses of a name, the next one 250 ms after the last without giving that one up (RFC 8305), or
 * through an HTTP proxy. Rejects with the system's error (`code`), with `ETIMEDOUT`, or with a `TonearmError` of `network/proxy-…`.
 */
export class Dialler implements Disposable {
  readonly #closing = new AbortController();
  readonly #clock: Clock;
  readonly #proxy: Proxy | null;
  readonly #secureContext: SecureContext | undefined;
  readonly #lookup: (host: string) => Promise<readonly LookupAddress[]>;
  readonly #known = new Map<string, readonly LookupAddress[]>();
  readonly #sessions = new Map<string, Buffer>();
  #demoted: { readonly family: number; readonly until: number } | null = null;

  constructor({ clock, proxy, secureContext, lookup = resolveAll }: DiallerOptions) {
    this.#clock = clock;
    // Every dial under way listens.
    setMaxListeners(0, this.#closing.signal);
    this.#proxy = proxy ? parseProxy(proxy.reveal()) : null;
    if (proxy && !this.#proxy) throw new TonearmError({ kind: 'invalid', code: 'network/bad-proxy', message: 'The address of the proxy cannot be understood. Write network.proxy as http://host:port or http://user:password@host:port.' });
    this.#secureContext = secureContext;
    this.#lookup = lookup;
  }

  /** TCP. */
  plain(target: DialTarget, options: DialOptions = {}): Promise<Socket> {
    return this.#within(options, (signal) => this.#open(target, signal, null));
  }

  /** TLS, its handshake done and the certificate checked. */
  secure(target: DialTarget, options: DialOptions = {}): Promise<Socket> {
    return this.#within(options, (signal) => this.#open(target, signal, (socket, either) => this.#secured(socket, target, either)));
  }

  /** A connection stood, and then nothing came through: its family of addresses comes second for a while (IPv6 half-dead). */
  suspect(family: string | undefined): void {
    if (family === 'IPv6') this.#demote(6);
    else if (family === 'IPv4') this.#demote(4);
  }

  /** Agents for Node's HTTP client that open their connections here. */
  agents(options: http.AgentOptions): { readonly plain: http.Agent; readonly secure: https.Agent } {
    const plain = new http.Agent(options);
    const secure = new https.Agent(options);
    dialWith(plain, (target) => this.plain(target));
    dialWith(secure, (target) => this.secure(target));
    return { plain, secure };
  }

  /** Gives up what is under way. Connections that stand belong to those who asked for them. */
  [Symbol.dispose](): void {
    this.#closing.abort(new DOMException('Nobody connects any more.', 'AbortError'));
  }

  async #within<T>({ signal, limit = usualLimit }: DialOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await withEither(this.#closing.signal, signal, (either) =>
        withTimeout(this.#clock, limit, { code: 'network/no-connection', message: `No connection within ${limit / 1000} s.` }, either, work),
      );
    } catch (error) {
      if (!(error instanceof TonearmError) || error.code !== 'network/no-connection') throw error;
      throw this.#proxy ? proxyUnreachable(this.#proxy, 'no answer in time') : Object.assign(new Error(error.message), { code: 'ETIMEDOUT' });
    }
  }

  async #open(target: DialTarget, signal: AbortSignal, finish: ((socket: Socket, signal: AbortSignal) => Promise<Socket>) | null): Promise<Socket> {
    const proxy = this.#proxy;
    if (!proxy) return this.#race(target, signal, finish);
    let socket: Socket;
    try {
      socket = await this.#race(proxy, signal, proxy.isSecure ? (plain, either) => this.#secured(plain, proxy, either) : null);
    } catch (error) {
      if (signal.aborted) throw error;
      throw proxyUnreachable(proxy, (error as NodeJS.ErrnoException).code ?? 'unknown reason', error);
    }
    try {
      await openTunnel(socket, proxy, target, signal);
      return finish ? await finish(socket, signal) : socket;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  async #race({ host, port }: DialTarget, signal: AbortSignal, finish: ((socket: Socket, signal: AbortSignal) => Promise<Socket>) | null): Promise<Socket> {
    const candidates = net.isIP(host) === 0 ? await this.#addresses(host, signal) : [{ address: host, family: net.isIP(host) }];
    const { result, index } = await firstReady<LookupAddress, Socket>({
      candidates,
      clock: this.#clock,
      signal,
      discard: (late) => late.destroy(),
      start: async ({ address }, either, progress) => {
        const socket = await connected(address, port, either);
        progress();
        if (!finish) return socket;
        try {
          return await finish(socket, either);
        } catch (error) {
          socket.destroy();
          throw error;
        }
      },
    });
    const [first] = candidates;
    if (first && first.family !== candidates[index]?.family) this.#demote(first.family);
    return result;
  }

  async #addresses(host: string, signal: AbortSignal): Promise<readonly LookupAddress[]> {
    let found: readonly LookupAddress[];
    try {
      found = await abortable(this.#lookup(host), signal);
      this.#known.delete(host);
      this.#known.set(host, found);
      trim(this.#known, remembered);
    } catch (error) {
      // A resolver that is away must not keep us from hosts we have spoken to.
      const known = signal.aborted ? undefined : this.#known.get(host);
      if (!known) throw error;
      found = known;
    }
    return inTurn(found, this.#demoted && this.#demoted.until > this.#clock.monotonic() ? this.#demoted.family : null);
  }

  #demote(family: number): void {
    this.#demoted = { family, until: this.#clock.monotonic() + demotion };
  }

  #secured(socket: Socket, { host, port }: DialTarget, signal: AbortSignal): Promise<Socket> {
    const key = `${host}:${port}`;
    const session = this.#sessions.get(key);
    return new Promise((resolve, reject) => {
      const secure = tls.connect({
        socket,
        host,
        ...(this.#secureContext && { secureContext: this.#secureContext }),
        ...(session && { session }),
        ...(net.isIP(host) === 0 && { servername: host }),
      });
      secure.on('session', (given: Buffer) => {
        this.#sessions.delete(key);
        this.#sessions.set(key, given);
        trim(this.#sessions, sessionsKept);
      });
      settleWith(secure, 'secureConnect', signal, resolve, reject);
    });
  }
}

function connected(address: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    settleWith(net.connect({ host: address, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }), 'connect', signal, resolve, reject);
  });
}

function settleWith<S extends Socket>(socket: S, ready: 'connect' | 'secureConnect', signal: AbortSignal, resolve: (socket: S) => void, reject: (error: Error) => void): void {
  const settle = (error: Error | null) => {
    socket.off(ready, done).off('error', failed).off('close', closed);
    signal.removeEventListener('abort', aborted);
    // Until its user listens, and when nobody does any more, an error must not end the program.
    socket.on('error', () => undefined);
    if (error) {
      socket.destroy();
      reject(error);
    } else resolve(socket);
  };
  const done = () => settle(null);
  const failed = (error: Error) => settle(error);
  const closed = () => settle(Object.assign(new Error('closed before it was ready'), { code: 'ECONNRESET' }));
  const aborted = () => settle(signal.reason as Error);
  socket.on(ready, done).on('error', failed).on('close', closed);
  signal.addEventListener('abort', aborted, { once: true });
}

type Create = (options: { host?: string | undefined; port?: string | number | null | undefined }, done: (error: Error | null, socket?: Duplex) => void) => Duplex | null | undefined;

/** Node calls `done` when the connection stands; nothing is returned meanwhile. */
export function dialWith(agent: http.Agent, dial: (target: DialTarget) => Promise<Socket> | Socket): void {
  (agent as unknown as { createConnection: Create }).createConnection = ({ host = '', port }, done) => {
    const socket = dial({ host, port: Number(port) });
    if (!(socket instanceof Promise)) return socket;
    socket.then((ready) => done(null, ready), (error: unknown) => done(error as Error));
    return undefined;
  };
}

function resolveAll(host: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => systemLookup(host, { all: true, verbatim: true }, (error, addresses) => (error ? reject(error) : resolve(addresses))));
}

/** Families alternate (RFC 8305, section 4), the `last` one second; within a family the resolver's order holds. */
function inTurn(addresses: readonly LookupAddress[], last: number | null): readonly LookupAddress[] {
  const first = addresses.find(({ family }) => family !== last)?.family ?? addresses[0]?.family;
  const preferred = addresses.filter(({ family }) => family === first);
  const others = addresses.filter(({ family }) => family !== first);
  const length = Math.max(preferred.length, others.length);
  return Array.from({ length }, (_, at) => [preferred[at], others[at]].filter((one) => one !== undefined)).flat();
}

function trim(map: Map<string, unknown>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= most) return;
    map.delete(oldest);
  }
}
