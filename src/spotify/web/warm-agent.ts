import type http from 'node:http';
import type { Socket } from 'node:net';
import { dialWith, type DialTarget } from '#foundation';

type Dial = (target: DialTarget) => Promise<Socket>;

/** A connection opened ahead; `socket` once it stands. */
interface Standing {
  socket: Socket | null;
  readonly opened: Promise<Socket>;
  release: () => void;
  /** By a request. */
  isTaken: boolean;
}

const longest = 6;
const ends = ['error', 'close', 'end'] as const;

/**
 * Gives a keep-alive agent connections that were opened ahead of need. Node's agent opens a connection only with a
 * request; here the handshake happens before somebody presses play.
 */
export class WarmAgent implements Disposable {
  readonly agent: http.Agent;
  readonly #dial: Dial;
  /** Per `host:port`: the connections that stand ready or are on their way. */
  readonly #idle = new Map<string, Set<Standing>>();
  readonly #given = new WeakSet<Socket>();
  #closed = false;

  constructor(agent: http.Agent, dial: Dial) {
    this.agent = agent;
    this.#dial = dial;
    dialWith(agent, (target) => this.#take(target) ?? dial(target));
  }

  /** Opens as many connections as are missing to have `count` that no request holds. */
  warm(host: string, port: number, count: number): void {
    if (this.#closed) return;
    const idle = this.#setFor(`${host}:${port}`);
    const free = Object.entries(this.agent.freeSockets).reduce((sum, [name, sockets]) => (name.startsWith(`${host}:${port}:`) ? sum + (sockets?.length ?? 0) : sum), 0);
    for (let missing = Math.min(count, longest) - idle.size - free; missing > 0; missing--) this.#connect({ host, port }, idle);
  }

  /** Whether this connection was opened ahead: it may have died unnoticed, like one that was kept. */
  gave(socket: Socket | null): boolean {
    return socket !== null && this.#given.has(socket);
  }

  /** Drops every connection that no request holds: where one has silently died, the others have too. */
  forget(host: string, port: number): void {
    for (const [name, sockets] of Object.entries(this.agent.freeSockets)) if (name.startsWith(`${host}:${port}:`)) for (const socket of [...(sockets ?? [])]) socket.destroy();
    for (const { socket } of this.#idle.get(`${host}:${port}`) ?? []) socket?.destroy();
    this.#idle.delete(`${host}:${port}`);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const idle of this.#idle.values()) for (const { socket } of idle) socket?.destroy();
    this.#idle.clear();
    this.agent.destroy();
  }

  #connect(target: DialTarget, idle: Set<Standing>): void {
    const standing: Standing = { socket: null, opened: this.#dial(target), release: () => undefined, isTaken: false };
    idle.add(standing);
    const forget = () => {
      idle.delete(standing);
      standing.socket?.destroy();
    };
    standing.opened.then((socket) => {
      standing.socket = socket;
      if (standing.isTaken) return;
      // Nobody wants it any more.
      if (!idle.has(standing)) {
        socket.destroy();
        return;
      }
      for (const name of ends) socket.on(name, forget);
      standing.release = () => {
        for (const name of ends) socket.off(name, forget);
      };
      socket.unref();
    }, forget);
  }

  /** A standing connection, or nothing; one still in its handshake is also good, because it is ahead of a new one. */
  #take({ host, port }: DialTarget): Promise<Socket> | Socket | null {
    const idle = this.#idle.get(`${host}:${port}`);
    for (const standing of idle ?? []) {
      idle?.delete(standing);
      standing.isTaken = true;
      standing.release();
      const { socket } = standing;
      if (!socket) return standing.opened;
      if (socket.destroyed || !socket.writable) continue;
      socket.ref();
      this.#given.add(socket);
      return socket;
    }
    return null;
  }

  #setFor(key: string): Set<Standing> {
    const standing = this.#idle.get(key) ?? new Set<Standing>();
    this.#idle.set(key, standing);
    return standing;
  }
}
