import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import { hostname } from 'node:os';

export interface HttpDoorOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** Answers one request. When it rejects, the connection is cut and `trouble` is told. */
  readonly serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** Told of what broke off. */
  readonly trouble: (error: unknown) => void;
  /** At most so many connections at once; 32 unless told. */
  readonly connections?: number;
  /** How long an unused connection is kept. Milliseconds; 5 s unless told. */
  readonly idle?: number;
  /** How long answers that are under way may take when the door closes. Milliseconds; none unless told. */
  readonly grace?: number;
}

export interface HttpDoor extends AsyncDisposable {
  readonly port: number;
  readonly server: http.Server;
}

/**
 * A small HTTP server for strangers: slow senders, long headers and crowds are turned away, and no connection that goes wrong ends
 * the program. Rejects with the system's own error (`EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`) when it cannot listen.
 */
export async function openHttpDoor({ address, port, serve, trouble, connections = 32, idle = 5000, grace = 0 }: HttpDoorOptions): Promise<HttpDoor> {
  const server = http.createServer({ maxHeaderSize: 8192, headersTimeout: 5000, requestTimeout: 10_000, keepAliveTimeout: idle, connectionsCheckingInterval: 5000 }, (request, response) => {
    response.on('error', trouble);
    serve(request, response).catch((error: unknown) => {
      trouble(error);
      response.destroy();
    });
  });
  server.maxConnections = connections;
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: address }, () => {
      server.off('error', reject);
      // For good: a connection that cannot be taken in is an error of the server's, too.
      server.on('error', trouble);
      resolve();
    });
  });
  let closing: Promise<void> | undefined;
  return {
    port: (server.address() as AddressInfo).port,
    server,
    [Symbol.asyncDispose]: () =>
      (closing ??= new Promise<void>((resolve) => {
        const cut = grace > 0 ? setTimeout(() => server.closeAllConnections(), grace) : undefined;
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        if (grace > 0) server.closeIdleConnections();
        else server.closeAllConnections();
      })),
  };
}

/** The whole body, or null when it has more than `limit` bytes; then the rest is passed over. Rejects when the sender goes away. */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      resolve(null);
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => reject(new Error('The request ended early.')));
  });
}

/**
 * Whether the `Host` of a request is a name only the own network can give us, or one of `hosts` (lower case): a web page elsewhere
 * could give our address a name of its own and then read what we answer (DNS rebinding).
 */
export function isOwnHost(header: string | undefined, hosts: readonly string[] = []): boolean {
  if (header === undefined || !URL.canParse(`http://${header}`)) return false;
  const name = new URL(`http://${header}`).hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (isIP(name) !== 0 || name === 'localhost' || name === hostname().toLowerCase() || hosts.includes(name)) return true;
  return /\.(local|lan|home\.arpa)$/.test(name);
}

/** Whether listening failed because somebody else has the port. */
export function isPortTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
}
