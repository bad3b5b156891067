import type { TonearmError } from '#foundation';
import { MqttError } from './error.ts';
import { readTransaction, type Transaction } from './set.ts';
import { isObject, type JsonObject, parseText } from './values.ts';

export type ResponseMessage =
  | { readonly status: 'ok'; readonly data: JsonObject; readonly transaction?: Transaction }
  | { readonly status: 'error'; readonly error: string; readonly message: string; readonly data: JsonObject; readonly transaction?: Transaction };

export function okResponse(data: JsonObject, transaction: Transaction | null): ResponseMessage {
  return { status: 'ok', data, ...(transaction === null ? {} : { transaction }) };
}

/** The first error speaks; all of them are listed when there are several. */
export function errorResponse(errors: readonly TonearmError[], transaction: Transaction | null, data: JsonObject = {}): ResponseMessage {
  const [first] = errors;
  const all = errors.length > 1 ? { errors: errors.map((error) => ({ error: error.code, message: error.message, ...(error instanceof MqttError && error.key !== undefined ? { key: error.key } : {}) })) } : {};
  return {
    status: 'error',
    error: first?.code ?? 'mqtt/unknown',
    message: first?.message ?? 'Something went wrong.',
    data: { ...all, ...data },
    ...(transaction === null ? {} : { transaction }),
  };
}

/** A request to the bridge. A bare text is the one obvious argument. */
export interface BridgeRequest {
  readonly argument: string | null;
  readonly fields: JsonObject;
  readonly transaction: Transaction | null;
}

/** Reads `bridge/request/<name>`: empty, a JSON object, or bare text. */
export function parseBridgeRequest(payload: Uint8Array): BridgeRequest {
  const text = parseText(payload).trim();
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch {
    // Bare text, or nothing.
  }
  if (isObject(value)) return { argument: null, fields: value, transaction: readTransaction(value) };
  return { argument: text === '' ? null : text, fields: {}, transaction: null };
}
