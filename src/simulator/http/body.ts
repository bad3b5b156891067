import { Refused } from '../refused.ts';
import type { Exchange } from './exchange.ts';

/** A protobuf body must say that it is one (connect-control §0.3). */
export function assertProtobufBody({ headers }: Pick<Exchange, 'headers'>, clause: string): void {
  const type = (headers.get('content-type') ?? '').split(';', 1)[0]?.trim() ?? '';
  if (type !== 'application/x-protobuf' && type !== 'application/protobuf') {
    throw new Refused(415, `connect-control §0.3, ${clause}`, `Content-Type "${type}" where application/x-protobuf belongs`);
  }
}

/** The JSON object of a body. */
export function jsonBody({ body }: Pick<Exchange, 'body'>, clause: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new Refused(400, clause, 'the body is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refused(400, clause, 'the body is not a JSON object');
  return value as Readonly<Record<string, unknown>>;
}

/** The fields of a form. */
export function formBody({ body, headers }: Pick<Exchange, 'body' | 'headers'>, clause: string): URLSearchParams {
  if (!(headers.get('content-type') ?? '').startsWith('application/x-www-form-urlencoded')) throw new Refused(400, clause, 'the body is not a form');
  return new URLSearchParams(body.toString('utf8'));
}
