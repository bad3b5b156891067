import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

interface Line {
  client: Socket | null;
  server: Socket | null;
}

/**
 * Things the operating system or the thread pool does for this process; handles that only wait are not among them. Node does not
 * show asynchronous crypto and zlib: nothing below test/kit uses them.
 */
const work = /^(FSReq|CloseReq|GetAddrInfoReq|GetNameInfoReq|TCPConnect|PipeConnect|UDPSend|QueryReq|ZLIB)/;

/**
 * Knows whether anything is on its way between the sockets of this process. Both ends of every loopback connection are here,
 * so what one end has written and the other has not read is counted, not guessed: also when the machine is busy.
 */
export class Traffic implements Disposable {
  readonly #lines = new Map<string, Line>();
  /** Lines that do not move on their own, as they stood when that was found: nobody reads, or the far end is elsewhere. */
  readonly #stuck = new Map<string, string>();
  readonly #fresh = new Set<Socket>();

  constructor() {
    subscribe('net.client.socket', this.#client);
    subscribe('net.server.socket', this.#server);
  }

  /** How many connections have at least one open end. */
  get open(): number {
    this.#name();
    let open = this.#fresh.size;
    for (const { client, server } of this.#lines.values()) if ((client && !client.destroyed) || (server && !server.destroyed)) open += 1;
    return open;
  }

  /** What is on its way, by connection; empty when nothing is. */
  underWay(): Map<string, string> {
    this.#name();
    const moving = new Map<string, string>();
    let fresh = 0;
    for (const socket of this.#fresh) if (socket.connecting) moving.set(`new ${fresh++}`, `${socket.remoteAddress ?? ''} connecting`);
    for (const [name, line] of this.#lines) {
      const { client, server } = line;
      if ((client?.closed ?? true) && (server?.closed ?? true)) {
        this.#lines.delete(name);
        this.#stuck.delete(name);
        continue;
      }
      const what = client && !client.destroyed && !server ? 'not accepted' : (flight(client, server) ?? flight(server, client));
      if (what === null) this.#stuck.delete(name);
      else if (this.#stuck.get(name) !== what) moving.set(name, what);
    }
    const jobs = process.getActiveResourcesInfo().filter((kind) => work.test(kind)).sort().join();
    if (jobs !== '' && this.#stuck.get('jobs') !== jobs) moving.set('jobs', jobs);
    return moving;
  }

  /** These have not moved for long: they are not waited for until they do. */
  giveUp(on: ReadonlyMap<string, string>): void {
    for (const [name, what] of on) this.#stuck.set(name, what);
  }

  [Symbol.dispose](): void {
    unsubscribe('net.client.socket', this.#client);
    unsubscribe('net.server.socket', this.#server);
    this.#lines.clear();
    this.#fresh.clear();
  }

  readonly #client = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    this.#fresh.add(socket);
    // It may be gone again before anybody looks.
    socket.once('connect', () => this.#name());
  };

  readonly #server = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    this.#line(`${socket.remotePort}>${socket.localPort}`).server = socket;
  };

  /** A client's socket knows its own port only when it is connected. */
  #name(): void {
    for (const socket of this.#fresh) {
      if (socket.connecting) continue;
      this.#fresh.delete(socket);
      if (socket.localPort !== undefined) this.#line(`${socket.localPort}>${socket.remotePort}`).client = socket;
    }
  }

  #line(name: string): Line {
    let line = this.#lines.get(name);
    if (!line || (line.client?.closed ?? false) || (line.server?.closed ?? false)) this.#lines.set(name, (line = { client: null, server: null }));
    return line;
  }
}

/** What `from` has sent and `to` has not got; null when all has arrived. */
function flight(from: Socket | null, to: Socket | null): string | null {
  if (!from) return null;
  if (from.destroyed && !from.closed) return 'closing itself';
  if (!to || to.closed) return null;
  const hasNoticed = to.destroyed || to.readableEnded || !to.readable;
  if (from.destroyed) return hasNoticed ? null : 'closed';
  if (to.destroyed) return null;
  if (from.bytesWritten !== to.bytesRead) return `${from.bytesWritten} ${to.bytesRead}`;
  return from.writableFinished && !hasNoticed ? 'ended' : null;
}
