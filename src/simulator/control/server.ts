import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TonearmError, toTonearmError, type ErrorKind } from '#foundation';
import type { Cloud } from '../cloud-contract.ts';
import { hostName } from '../http/dispatch.ts';
import { isLoopbackName } from '../http/host-names.ts';
import { fitPath } from '../http/router.ts';
import { listen } from '../http/server.ts';
import type { Operation } from './operation.ts';
import { operationsOf } from './operations.ts';

export interface Control extends AsyncDisposable {
  readonly url: string;
}

const largest = 1 << 20;
const statuses: Readonly<Partial<Record<ErrorKind, number>>> = { invalid: 400, unauthorized: 401, forbidden: 403, 'not-found': 404, conflict: 409, timeout: 504, unavailable: 503 };

/** The control API: JSON over HTTP on loopback, for scripts and other languages (docs/simulator.md). */
export async function openControl(cloud: Cloud, port: number): Promise<Control> {
  const operations = operationsOf(cloud);
  const server = createServer((request, response) => {
    serve(operations, request, response).catch((error: unknown) => send(response, 500, { error: toTonearmError(error).message }));
  });
  await listen(server, port, '127.0.0.1');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function serve(operations: readonly Operation[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  // A web page must not be able to steer this, neither through a name that points here nor with a form.
  if (!isLoopbackName(hostName(request.headers.host ?? '')) || request.headers.origin !== undefined) {
    send(response, 403, { error: 'Only loopback names are answered, and no web pages.' });
    return;
  }
  for (const operation of operations) {
    const parameters = operation.method === request.method ? fitPath(operation.path.split('/'), url.pathname.split('/')) : null;
    if (!parameters) continue;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      send(response, 200, await operation.run({ parameters, query: url.searchParams, body: await readJson(request), signal: gone.signal }));
    } catch (error) {
      const { kind, code, message } = toTonearmError(error);
      send(response, statuses[kind] ?? 500, { error: message, code });
    }
    return;
  }
  send(response, 404, { error: `There is no ${request.method ?? ''} ${url.pathname}; GET / lists what there is.` });
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largest) throw new TonearmError({ kind: 'invalid', code: 'simulator/bad-request', message: 'The body is too large.' });
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8').trim();
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new TonearmError({ kind: 'invalid', code: 'simulator/bad-request', message: 'The body is not JSON.' });
  }
}

function send(response: ServerResponse, status: number, json: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const body = JSON.stringify(json, readable, 1);
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': String(Buffer.byteLength(body)) });
  response.end(body);
}

/** Bytes as base64. `JSON.stringify` turns buffers into lists before it asks, hence the look at the owner. */
function readable(this: unknown, key: string, value: unknown): unknown {
  const raw = (this as Readonly<Record<string, unknown>>)[key];
  return raw instanceof Uint8Array ? { base64: Buffer.from(raw).toString('base64') } : value;
}
