import { gunzipSync, gzipSync } from 'node:zlib';
import { base64, fromBase64 } from '#foundation';
import { isObject, type JsonObject, textAt } from './lenient-json.ts';
import { WireError } from './wire-error.ts';

/** One text frame of the dealer WebSocket, either direction (connect-control.md §1.3). Header names are lower case. */
export type DealerFrame =
  | {
      readonly type: 'message';
      readonly uri: string;
      readonly headers: ReadonlyMap<string, string>;
      /** Decoded and unzipped; empty when there was none. */
      readonly payload: Buffer;
      /** The payload as JSON when it was sent as such, else `null`. */
      readonly json: unknown;
    }
  | {
      readonly type: 'request';
      readonly ident: string;
      readonly key: string;
      readonly headers: ReadonlyMap<string, string>;
      /** The payload as JSON; `null` when it could not be read, and then `error` says why. The request still wants its reply. */
      readonly body: unknown;
      readonly error: WireError | null;
    }
  | { readonly type: 'reply'; readonly key: string; readonly success: boolean }
  | { readonly type: 'ping' }
  | { readonly type: 'pong' }
  | { readonly type: 'unknown'; readonly name: string };

/** A cluster with full queues exceeds 100 kB; nothing sensible comes near this. */
const sizeLimit = 16 * 1024 * 1024;

/** @throws WireError `wire/bad-frame`, `wire/bad-payload`, `wire/too-large` */
export function decodeDealerFrame(text: string | Uint8Array): DealerFrame {
  if (text.length > sizeLimit) throw new WireError('wire/too-large', 'The cloud sent a frame that is too large; it was dropped.');
  const frame = parseJson(typeof text === 'string' ? text : Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('utf8'));
  if (!isObject(frame)) throw badFrame('it is not a JSON object');
  const type = textAt(frame, 'type') ?? '';
  switch (type) {
    case 'ping':
    case 'pong':
      return { type };
    case 'message':
      return decodeMessageFrame(frame);
    case 'request':
      return decodeRequest(frame);
    case 'reply':
      return { type, key: required(frame, 'key'), success: isObject(frame['payload']) && frame['payload']['success'] === true };
    default:
      return { type: 'unknown', name: type };
  }
}

function decodeMessageFrame(frame: JsonObject): DealerFrame {
  const headers = headersOf(frame);
  const payloads = Array.isArray(frame['payloads']) ? (frame['payloads'] as unknown[]) : [];
  const [only] = payloads;
  const isText = /^(application\/json|text\/plain)\b/i.test(headers.get('content-type') ?? '');
  const bytes = unpack(Buffer.concat(payloads.map((payload) => bytesOf(payload, isText))), headers);
  const isJson = payloads.length === 1 && (isObject(only) || /^application\/json\b/i.test(headers.get('content-type') ?? ''));
  return { type: 'message', uri: required(frame, 'uri'), headers, payload: bytes, json: isJson ? parseOrNull(bytes) : null };
}

function decodeRequest(frame: JsonObject): DealerFrame {
  const headers = headersOf(frame);
  const head = { type: 'request', ident: textAt(frame, 'message_ident') ?? '', key: required(frame, 'key'), headers } as const;
  try {
    return { ...head, body: bodyOf(frame, headers), error: null };
  } catch (error) {
    if (error instanceof WireError) return { ...head, body: null, error };
    throw error;
  }
}

function bodyOf(frame: JsonObject, headers: ReadonlyMap<string, string>): unknown {
  const compressed = isObject(frame['payload']) ? frame['payload']['compressed'] : undefined;
  if (typeof compressed !== 'string') throw badPayload('it has no content');
  const bytes = unpack(bytesOf(compressed, false), headers);
  const body = parseOrNull(bytes);
  if (body === null) throw badPayload('it is not JSON');
  return body;
}

function bytesOf(payload: unknown, isText: boolean): Buffer {
  if (typeof payload === 'string') {
    const bytes = isText ? Buffer.from(payload, 'utf8') : fromBase64(payload);
    if (!bytes) throw badPayload('it is not base64');
    return bytes;
  }
  if (Array.isArray(payload)) {
    if (!payload.every((value) => Number.isInteger(value) && value >= 0 && value <= 255)) throw badPayload('it is not a list of bytes');
    return Buffer.from(payload as number[]);
  }
  if (isObject(payload)) return Buffer.from(JSON.stringify(payload), 'utf8');
  throw badPayload('it is of no known form');
}

function unpack(bytes: Buffer, headers: ReadonlyMap<string, string>): Buffer {
  const encoding = headers.get('transfer-encoding')?.trim().toLowerCase() ?? '';
  if (encoding === '') return bytes;
  if (encoding !== 'gzip') throw badPayload('its transfer encoding is unknown');
  try {
    return gunzipSync(bytes, { maxOutputLength: sizeLimit });
  } catch (error) {
    throw badPayload('it cannot be unzipped', error);
  }
}

function headersOf(frame: JsonObject): ReadonlyMap<string, string> {
  const headers = frame['headers'];
  const out = new Map<string, string>();
  if (!isObject(headers)) return out;
  for (const name of Object.keys(headers)) {
    const value = textAt(headers, name);
    if (value !== null) out.set(name.toLowerCase(), value);
  }
  return out;
}

function required(frame: JsonObject, name: string): string {
  const value = textAt(frame, name);
  if (value === null) throw badFrame(`it has no ${name}`);
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badFrame('it is not JSON', error);
  }
}

function parseOrNull(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}

function badFrame(why: string, cause?: unknown): WireError {
  return new WireError('wire/bad-frame', `The cloud sent a frame that cannot be understood (${why}); it was dropped.`, cause);
}

function badPayload(why: string, cause?: unknown): WireError {
  return new WireError('wire/bad-payload', `The cloud sent a payload that cannot be understood (${why}); it was dropped.`, cause);
}

export interface DealerMessageInput {
  readonly uri: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes go as base64. */
  readonly payload?: Uint8Array;
  /** Sent as it is, instead of `payload`. */
  readonly json?: unknown;
  readonly gzip?: boolean;
}

/** A push, as the cloud sends it. */
export function encodeDealerMessage({ uri, method = 'PUT', headers = {}, payload, json, gzip = false }: DealerMessageInput): string {
  const payloads = json !== undefined ? [json] : payload ? [base64(gzip ? gzipSync(payload) : payload)] : [];
  const packed = gzip && json === undefined && payload ? { 'Transfer-Encoding': 'gzip' } : {};
  return JSON.stringify({ type: 'message', method, uri, headers: { ...headers, ...packed }, payloads });
}

export interface DealerRequestInput {
  readonly ident: string;
  readonly key: string;
  /** JSON, or bytes to be sent as they are. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly gzip?: boolean;
}

/** A request, as the cloud sends it. */
export function encodeDealerRequest({ ident, key, body, headers = {}, gzip = true }: DealerRequestInput): string {
  const plain = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body), 'utf8');
  const packed = gzip ? { 'Transfer-Encoding': 'gzip' } : {};
  const compressed = base64(gzip ? gzipSync(plain) : plain);
  return JSON.stringify({ type: 'request', key, message_ident: ident, headers: { ...headers, ...packed }, payload: { compressed } });
}

export function encodeDealerReply(key: string, success: boolean): string {
  return JSON.stringify({ type: 'reply', key, payload: { success } });
}

export function encodeDealerPing(): string {
  return '{"type":"ping"}';
}

export function encodeDealerPong(): string {
  return '{"type":"pong"}';
}
