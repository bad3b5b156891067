import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What a request is answered with instead of the right bytes. */
export type Fault =
  | { readonly status: number }
  /** The connection breaks after so many bytes of the body. */
  | { readonly cutAfter: number }
  /** The body ends cleanly after so many bytes. */
  | { readonly shortBy: number }
  /** Bytes of another place under a Content-Range that says so. */
  | { readonly wrongRange: true }
  /** The whole file, status 200. */
  | { readonly whole: true }
  /** So many bytes come at once and as many with each `release`. */
  | { readonly trickle: number }
  /** Nothing comes until `release`, which asks `fault` again. */
  | { readonly hold: true };

export interface RangeServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Every request in order. */
  readonly requests: { readonly path: string; readonly from: number; readonly to: number; readonly headers: IncomingHttpHeaders; readonly socket: number }[];
  /** Decides about each request; null is the right answer. */
  fault: (request: { readonly path: string; readonly from: number; readonly index: number }) => Fault | null;
  /** Lets what is held go on. */
  release(): void;
  /** The most requests that were under way at once. */
  readonly most: () => number;
}

/** A CDN host on loopback with one file. */
export async function openRangeServer(bytes: Buffer, tls?: { readonly key: string; readonly cert: string }): Promise<RangeServer> {
  const held: (() => void)[] = [];
  const sockets = new Map<unknown, number>();
  let open = 0;
  let most = 0;
  const server: Server = tls ? createSecureServer(tls) : createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const self: RangeServer = {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/audio?token=abc`,
    port,
    requests: [],
    fault: () => null,
    release: () => held.splice(0).forEach((run) => run()),
    most: () => most,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  server.on('request', (request, response) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const from = Number(range?.[1] ?? 0);
    const to = Math.min(Number(range?.[2] ?? bytes.length - 1) + 1, bytes.length);
    if (!sockets.has(request.socket)) sockets.set(request.socket, sockets.size);
    const path = request.url ?? '';
    self.requests.push({ path, from, to, headers: request.headers, socket: sockets.get(request.socket) ?? -1 });
    open += 1;
    most = Math.max(most, open);
    response.on('close', () => (open -= 1));
    const about = { path, from, index: self.requests.length - 1 };
    decide();

    function decide(): void {
      const fault = self.fault(about);
      if (fault && 'hold' in fault) held.push(decide);
      else answer(response, fault);
    }

    function trickle(out: ServerResponse, body: Buffer, step: number): void {
      out.write(body.subarray(0, step));
      held.push(() => trickle(out, body.subarray(step), step));
    }

    function answer(out: ServerResponse, wrong: Exclude<Fault, { hold: true }> | null) {
      if (wrong && 'status' in wrong) {
        out.writeHead(wrong.status).end('no');
      } else if (from >= bytes.length) {
        out.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
      } else if (wrong && 'whole' in wrong) {
        out.writeHead(200, { 'content-length': bytes.length }).end(bytes);
      } else {
        const shift = wrong && 'wrongRange' in wrong ? 16 : 0;
        const body = bytes.subarray(from + shift, to);
        out.writeHead(206, { 'content-length': body.length, 'content-range': `bytes ${from + shift}-${to - 1}/${bytes.length}` });
        if (wrong && 'cutAfter' in wrong) out.write(body.subarray(0, wrong.cutAfter), () => out.destroy());
        else if (wrong && 'shortBy' in wrong) out.write(body.subarray(0, body.length - wrong.shortBy), () => out.destroy());
        else if (wrong && 'trickle' in wrong) trickle(out, body, wrong.trickle);
        else out.end(body);
      }
    }
  });
  return self;
}
