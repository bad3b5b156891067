import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Log, readBody, TonearmError, toTonearmError } from '#foundation';
import type { ApiKeys } from '../api-keys.ts';
import type { House } from './carry-out.ts';
import { checkOrigin, type GateRules, identify } from './gate.ts';
import type { Pace } from './pace.ts';
import { base } from './paths.ts';
import type { Asked } from './routes.ts';
import { errorOf, statusOf } from './say.ts';

/** Bytes of a body. */
export const longestBody = 64 * 1024;

export interface Desk {
  readonly house: House;
  readonly keys: Pick<ApiKeys, 'check'>;
  readonly rules: GateRules;
  readonly pace: Pace;
  readonly log: Log;
}

/** Answers one request over HTTP. */
export async function serve(desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { rules } = desk;
  const { origin } = request.headers;
  if (origin !== undefined && rules.origins.includes(origin)) {
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Vary', 'Origin');
  }
  try {
    checkOrigin(request.headers, rules);
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { 'Access-Control-Allow-Methods': 'GET, POST, PATCH, DELETE', 'Access-Control-Allow-Headers': 'Authorization, Content-Type', 'Access-Control-Max-Age': '600' });
      response.end();
      return;
    }
    send(response, 200, await answer(desk, request, response));
  } catch (thrown) {
    const error = errorOf(thrown);
    const status = statusOf(error);
    if (error.kind === 'internal') desk.log.error('A request could not be answered', { error: thrown });
    // Whatever else is on its way is not waited for.
    if (!request.complete) response.setHeader('Connection', 'close');
    if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    if (error.retryAfter !== undefined) response.setHeader('Retry-After', String(Math.ceil(error.retryAfter / 1000)));
    send(response, status, { error });
  }
}

async function answer({ house, keys, pace }: Desk, request: IncomingMessage, response: ServerResponse): Promise<object> {
  const url = urlOf(request);
  const method = request.method ?? '';
  // For whoever watches over us: that we live is no secret.
  if (url.pathname === `${base}/health` && (method === 'GET' || method === 'HEAD')) return { status: 'ok' };
  const caller = identify(request.headers, url.searchParams, keys);
  pace.take(caller.key.id);
  // Half a megabyte of schemas, which a house without programs at the API never needs.
  const [{ findRoute }, { carryOut }] = await Promise.all([import('./routes.ts'), import('./carry-out.ts')]);
  const asked = findRoute(method, url.pathname);
  const fields = await fieldsOf(asked, url.searchParams, request);
  const gone = new AbortController();
  response.on('close', () => gone.abort(new DOMException('Whoever asked has left.', 'AbortError')));
  return await carryOut(house, caller, asked.name, fields, gone.signal);
}

/** Of the path, of the query, and of the body. */
async function fieldsOf({ fields, body: whole }: Asked, query: URLSearchParams, request: IncomingMessage): Promise<unknown> {
  if (request.method !== 'POST' && request.method !== 'PATCH') {
    const asked = Object.fromEntries([...query].filter(([name]) => name !== 'by'));
    return { ...asked, ...fields };
  }
  const body = await jsonOf(request);
  if (whole !== null) return { ...fields, [whole]: body };
  if (body === undefined) return fields;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new TonearmError({ kind: 'invalid', code: 'http/bad-request', message: 'The body has to be a JSON object here.' });
  return { ...body, ...fields };
}

/** Undefined: there is no body. */
async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const declared = Number(request.headers['content-length'] ?? 0);
  const bytes = declared > longestBody ? null : await readBody(request, longestBody);
  if (bytes === null) throw new TonearmError({ kind: 'invalid', code: 'http/too-large', message: `The body has more than ${longestBody / 1024} KiB, which no request of ours needs.` });
  if (bytes.length === 0) return undefined;
  if (!/^application\/json *(;|$)/i.test(request.headers['content-type'] ?? '')) {
    throw new TonearmError({ kind: 'invalid', code: 'http/not-json', message: 'The body has to be JSON, and to say so: "Content-Type: application/json".' });
  }
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    throw new TonearmError({ kind: 'invalid', code: 'http/bad-request', message: 'The body is no JSON that can be read.' });
  }
}

export function urlOf({ url = '/' }: Pick<IncomingMessage, 'url'>): URL {
  try {
    return new URL(url, 'http://api');
  } catch (error) {
    throw new TonearmError({ kind: 'invalid', code: 'http/bad-request', message: 'The address of this request cannot be read.', cause: toTonearmError(error) });
  }
}

function send(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(body), 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
  response.end(body);
}
