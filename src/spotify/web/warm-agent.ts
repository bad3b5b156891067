import type http from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

type Open = (host: string, port: number, session: Buffer | undefined) => Socket;
type Create = (options: { host?: string | undefined; port?: string | number | null | undefined }, done?: (error: Error | null, socket: Duplex) => void) => Duplex | null | undefined;

const longest = 6;
const ends = ['error', 'close', 'end'] as const;

/**
 * Gives a keep-alive agent connections that were opened ahead of need. Node's agent opens a connection only with a
 * request; here the handshake happens before somebody presses play.
 */
export class WarmAgent implements Disposable {
  readonly agent: http.Agent;
  readonly #open: Open;
  readonly #ready: string;
  /** Per `host:port`: the sockets that stand ready, each with what lets it go. */
  readonly #idle = new Map<string, Map<Socket, () => void>>();
  readonly #sessions = new Map<string, Buffer>();
  readonly #given = new WeakSet<Socket>();
  #closed = false;

  /** `ready` names the event after which a socket can carry a request. */
  constructor(agent: http.Agent, open: Open, ready: 'connect' | 'secureConnect') {
    this.agent = agent;
    this.#open = open;
    this.#ready = ready;
    const patched = agent as unknown as { createConnection: Create };
    const create = patched.createConnection.bind(agent);
    patched.createConnection = (options, done) => this.#take(options.host ?? '', Number(options.port)) ?? create(options, done);
  }

  /** Opens as many connections as are missing to have `count` that no request holds. */
  warm(host: string, port: number, count: number): void {
    if (this.#closed) return;
    const idle = this.#setFor(`${host}:${port}`);
    const free = Object.entries(this.agent.freeSockets).reduce((sum, [name, sockets]) => (name.startsWith(`${host}:${port}:`) ? sum + (sockets?.length ?? 0) : sum), 0);
    for (let missing = Math.min(count, longest) - idle.size - free; missing > 0; missing--) this.#connect(host, port, idle);
  }

  /** Whether this connection was opened ahead: it may have died unnoticed, like one that was kept. */
  gave(socket: Socket | null): boolean {
    return socket !== null && this.#given.has(socket);
  }

  /** Drops every connection that no request holds: where one has silently died, the others have too. */
  forget(host: string, port: number): void {
    for (const [name, sockets] of Object.entries(this.agent.freeSockets)) if (name.startsWith(`${host}:${port}:`)) for (const socket of [...(sockets ?? [])]) socket.destroy();
    for (const socket of this.#idle.get(`${host}:${port}`)?.keys() ?? []) socket.destroy();
    this.#idle.delete(`${host}:${port}`);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const idle of this.#idle.values()) for (const socket of idle.keys()) socket.destroy();
    this.#idle.clear();
    this.agent.destroy();
  }

  #connect(host: string, port: number, idle: Map<Socket, () => void>): void {
    const key = `${host}:${port}`;
    const socket = this.#open(host, port, this.#sessions.get(key)).setKeepAlive(true, 30_000);
    const forget = () => {
      idle.delete(socket);
      socket.destroy();
    };
    for (const name of ends) socket.on(name, forget);
    idle.set(socket, () => {
      for (const name of ends) socket.off(name, forget);
    });
    socket.on('session', (session: Buffer) => this.#sessions.set(key, session));
    socket.once(this.#ready, () => {
      if (idle.has(socket)) socket.unref();
    });
  }

  /** A standing connection, or nothing; one still in its handshake is also good, because it is ahead of a new one. */
  #take(host: string, port: number): Socket | null {
    const idle = this.#idle.get(`${host}:${port}`);
    for (const [socket, release] of idle ?? []) {
      idle?.delete(socket);
      release();
      if (socket.destroyed || !socket.writable) continue;
      socket.ref();
      this.#given.add(socket);
      return socket;
    }
    return null;
  }

  #setFor(key: string): Map<Socket, () => void> {
    const sockets = this.#idle.get(key) ?? new Map<Socket, () => void>();
    this.#idle.set(key, sockets);
    return sockets;
  }
}
