import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { sleep } from '#foundation';
import { setUpTrips, type Road } from '../latency.ts';
import { Refused } from '../refused.ts';
import type { EndpointFault } from '../faults.ts';
import type { Parts } from '../parts.ts';
import { ExpiredToken, authorise } from './authorise.ts';
import type { Answer, Exchange } from './exchange.ts';
import type { Match, Router } from './router.ts';
import { bodyLength, writeAnswer } from './write-answer.ts';

/** Simulated phones name themselves in this header, so that what they do is told apart from what is tested. */
export const phoneHeader = 'x-simulator-phone';

const largestBody = 4 << 20;

type Request = Omit<Exchange, 'parameters' | 'account'>;

/** Serves one request from its first byte to its last, with latency, faults, counting and strictness. */
export function makeDispatcher(parts: Parts, router: Router, reach: { readonly web: boolean }): (request: IncomingMessage, response: ServerResponse) => void {
  const { counters, journal } = parts;
  const seen = new WeakSet<Socket>();

  /** Round trips that went into this connection before its first request. */
  const setUp = (socket: Socket): number => {
    if (seen.has(socket)) return 0;
    seen.add(socket);
    return setUpTrips('encrypted' in socket);
  };

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const fresh = setUp(incoming.socket);
    const request = await readRequest(incoming);
    if (!request) return;
    if (!reach.web && request.phone === null) {
      incoming.socket.resetAndDestroy();
      return;
    }
    const found = router.match(request.method, request.path, request.host);
    if (typeof found === 'string') {
      refuseUnknown(parts, request, found);
      await writeAnswer(response, { status: found === 'wrong-method' ? 405 : 404 }, parts);
      return;
    }
    const { service, name } = found.route;
    const road: Road = service === 'cdn' || service === 'images' ? 'cdn' : 'http';
    journal.record(service, `${request.method} ${request.path}`, journalled(request, name), request.phone);
    if (request.phone !== null) {
      await writeAnswer(response, await answer(parts, request, found, incoming), parts);
      return;
    }
    if (fresh > 0) counters.connected(service);
    const trip = counters.begin(service, name, fresh);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      await parts.network.wait(road, fresh + 0.5, gone.signal);
      const fault = parts.faults.takeEndpoint(name, occasion(parts, request, found));
      if (fault && !(await strike(parts, fault, incoming, response, gone.signal))) return;
      let reply = fault?.kind === 'fail' ? failure(fault) : fault?.kind === 'garbage' ? portal : await answer(parts, request, found, incoming);
      await parts.network.wait(road, 0.5, gone.signal);
      if (fault?.kind === 'truncate') reply = { ...reply, cut: { bytes: fault.bytes, reset: false } };
      if (fault?.kind === 'cut') reply = { ...reply, cut: { bytes: Math.floor(bodyLength(reply) / 2), reset: true } };
      trip.end();
      if (fault?.kind === 'drop') {
        incoming.socket.resetAndDestroy();
        return;
      }
      await writeAnswer(response, reply, parts);
    } finally {
      trip.end();
    }
  };

  return (request, response) => {
    response.on('error', () => undefined);
    serve(request, response).catch((error: unknown) => {
      if (response.destroyed || request.socket.destroyed) return;
      parts.log.error('a simulator handler failed', { error });
      if (!response.headersSent) response.writeHead(500, { 'Content-Length': '0' });
      response.end();
    });
  };
}

/** The answer of the route's handler; a breach of the protocol becomes the refusal it earns. */
async function answer(parts: Parts, request: Request, { route, parameters }: Match, incoming: IncomingMessage): Promise<Answer> {
  try {
    if (incoming.headers['content-length'] === undefined && incoming.headers['transfer-encoding'] === undefined && (request.method === 'PUT' || request.method === 'POST')) {
      throw new Refused(411, 'connect-control §0.3', 'a request without body must say Content-Length: 0');
    }
    const account = authorise(parts, route, request);
    return await route.handle({ ...request, parameters, account });
  } catch (error) {
    if (error instanceof ExpiredToken) return { status: 401 };
    if (!(error instanceof Refused)) throw error;
    parts.journal.refuse({ service: route.service, clause: error.clause, what: `${request.method} ${request.path}: ${error.message}`, refused: true, phone: request.phone });
    return { status: error.status, headers: error.headers, ...(error.body === undefined ? {} : { body: error.body }) };
  }
}

/** Carries a fault out. False when nothing more is to be said. */
async function strike(parts: Parts, fault: EndpointFault, incoming: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<boolean> {
  if (fault.kind === 'drop' && fault.when === 'before') {
    incoming.socket.resetAndDestroy();
    return false;
  }
  if (fault.kind !== 'hang') return true;
  if (fault.after === undefined) await new Promise((done) => response.once('close', done));
  else await sleep(parts.clock, fault.after, signal);
  return fault.after !== undefined;
}

/** What a network in a hotel says to everything. */
const portal: Answer = { status: 200, headers: { 'Content-Type': 'text/html' }, body: `<!doctype html><title>Welcome</title><p>Please log in to use this network.</p>${' '.repeat(2000)}` };

function failure({ status, headers, body }: Extract<EndpointFault, { kind: 'fail' }>): Answer {
  return { status, ...(headers ? { headers } : {}), ...(body === undefined ? {} : { body }) };
}

/** Reads a request to its end; null when the client left before, or sent far too much. */
async function readRequest(incoming: IncomingMessage): Promise<Request | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > largestBody) {
        incoming.socket.destroy();
        return null;
      }
      chunks.push(chunk);
    }
  } catch {
    return null;
  }
  const [path = '/', ...rest] = (incoming.url ?? '/').split('?');
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(incoming.headers)) if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  const phone = headers.get(phoneHeader);
  return {
    method: incoming.method ?? 'GET',
    path,
    rawQuery: rest.join('?'),
    query: new URLSearchParams(rest.join('?')),
    headers,
    host: hostName(headers.get('host') ?? ''),
    body: Buffer.concat(chunks),
    phone: phone === undefined ? null : decodeURIComponent(phone),
  };
}

/** A host header without its port. */
export function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

function journalled(request: Request, route: string): Readonly<Record<string, unknown>> {
  return { route, host: request.host, query: request.rawQuery, headers: Object.fromEntries(request.headers), body: request.body };
}

function occasion({ accounts }: Parts, request: Request, { parameters }: Match) {
  const client = accounts.clientToken(request.headers.get('client-token') ?? '');
  const device = parameters['device'] ?? client?.deviceId;
  const file = parameters['file'];
  return { host: request.host, ...(device === undefined ? {} : { device }), ...(file === undefined ? {} : { file }) };
}

function refuseUnknown({ journal }: Parts, request: Request, why: 'unknown' | 'wrong-host' | 'wrong-method'): void {
  const what = {
    unknown: 'no such endpoint',
    'wrong-host': `not served by ${request.host}`,
    'wrong-method': 'another method is needed',
  }[why];
  journal.record('web', `${request.method} ${request.path}`, journalled(request, why), request.phone);
  journal.refuse({ service: 'web', clause: 'connect-session §11.3', what: `${request.method} ${request.host}${request.path}: ${what}`, refused: true, phone: request.phone });
}
