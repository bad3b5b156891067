import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext } from 'node:tls';
import { TonearmError } from '#foundation';
import type { Leaf } from '../certificates.ts';

/** Everything a listener hands on. */
export interface Listeners {
  readonly request: (request: IncomingMessage, response: ServerResponse) => void;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** A port that is open on loopback. */
export interface OpenPort extends AsyncDisposable {
  readonly port: number;
  /** Resets every connection, as when a cable is pulled; the port stays open. */
  cut(): void;
}

export interface PortOptions {
  /** 0: any free one. */
  readonly port: number;
  /** `127.0.0.1`, and `::1` as well when wanted. */
  readonly addresses: readonly string[];
}

/** Plain HTTP and WebSocket. */
export function openPlainPort(options: PortOptions, listeners: Listeners): Promise<OpenPort> {
  return open(options, () => tune(createServer(listeners.request), listeners));
}

/** HTTPS and WSS for all names: `leaf` makes the certificate for the one the client asks for. */
export function openSecurePort(options: PortOptions, listeners: Listeners, leaf: (name: string) => Promise<Leaf>): Promise<OpenPort> {
  const contexts = new Map<string, Promise<SecureContext>>();
  const contextOf = (name: string): Promise<SecureContext> => {
    let context = contexts.get(name);
    if (!context) contexts.set(name, (context = leaf(name).then((made) => createSecureContext(made))));
    return context;
  };
  const SNICallback = (name: string, done: (error: Error | null, context?: SecureContext) => void) => {
    contextOf(name.toLowerCase()).then(
      (context) => done(null, context),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    );
  };
  return open(options, async () => {
    // Clients that name nobody (plain addresses have no SNI) get the certificate of the loopback addresses.
    const server = createTlsServer({ SNICallback, ALPNProtocols: ['http/1.1'], ...(await leaf('')) }, listeners.request);
    server.on('tlsClientError', () => undefined);
    return tune(server, listeners);
  });
}

function tune<T extends ReturnType<typeof createServer>>(server: T, listeners: Listeners): T {
  server.on('upgrade', listeners.upgrade);
  // The simulator never hangs up on its own: idle connections are the client's affair, and faults are switched on by name.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  return server;
}

async function open(options: PortOptions, make: () => Server | Promise<Server>): Promise<OpenPort> {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  let port = options.port;
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  };
  try {
    for (const address of options.addresses) {
      const server = await make();
      server.on('connection', (socket) => {
        sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => undefined);
        socket.once('close', () => sockets.delete(socket));
      });
      servers.push(server);
      await listen(server, port, address);
      port = (server.address() as AddressInfo).port;
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    port,
    cut: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Listens, or says for people why not. */
export function listen(server: Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'it is in use' : error.code === 'EACCES' ? 'ports below 1024 need more rights' : error.message;
      const message = `The simulator cannot open port ${port} on ${address}: ${why}. Choose another port, or 0 for any free one.`;
      reject(new TonearmError({ kind: 'conflict', code: 'simulator/port', message, cause: error }));
    };
    server.once('error', failed);
    server.listen({ port, host: address, ipv6Only: address.includes(':') }, () => {
      server.off('error', failed);
      resolve();
    });
  });
}
