import { Secret, TonearmError, type LogFields } from '#foundation';

/** What stands in a log in place of something that must not be read there. */
export const hidden = '[secret]';

/** Names of fields that hold credentials wherever they appear; compared in lower case without separators. */
const secretNames = new Set([
  'password', 'passwd', 'passphrase', 'secret', 'clientsecret', 'token', 'accesstoken', 'refreshtoken', 'clienttoken', 'idtoken', 'bearer',
  'authorization', 'proxyauthorization', 'cookie', 'setcookie', 'credential', 'credentials', 'storedcredential', 'authdata', 'blob',
  'privatekey', 'sharedkey', 'audiokey', 'key', 'apikey', 'sessionkey', 'sendkey', 'receivekey', 'hmac', 'xapikey',
]);

const deepest = 6;
const longest = 2000;

/** True when a field of this name must never be shown. */
export function isSecretName(name: string): boolean {
  return secretNames.has(name.toLowerCase().replace(/[^a-z0-9]/g, ''));
}

/** Removes what looks like a credential from running text: bearer values, `token=…` pairs, passwords in addresses. */
export function redactText(text: string): string {
  const short = text.length > longest ? `${text.slice(0, longest)}… (${text.length} characters)` : text;
  return short
    .replace(/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${hidden}`)
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):[^\s/?#@]+@/gi, `$1:${hidden}@`)
    .replace(/\b((?:access|refresh|client|id)?_?-?token|password|passwd|secret|blob|authdata|auth_data)(["']?\s*[=:]\s*["']?)[^\s"'&,;}]+/gi, `$1$2${hidden}`);
}

/** Fields as they may be written: secrets hidden, bytes counted instead of shown, errors as plain values, depth bounded. */
export function redactFields(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, isSecretName(name) && value !== null && value !== undefined ? hidden : plain(value, 0)]));
}

function plain(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return redactText(value);
    case 'bigint':
    case 'symbol':
      return value.toString();
    case 'function':
      return '[function]';
    case 'object':
      return value === null ? null : plainObject(value, depth);
    default:
      return value;
  }
}

function plainObject(value: object, depth: number): unknown {
  if (value instanceof Secret) return hidden;
  if (value instanceof Error) return plainError(value, depth);
  // Bytes are keys, sound or messages of others: none of them belongs in a log.
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (value instanceof URL) return redactText(value.href);
  if (depth >= deepest) return '[…]';
  if (Array.isArray(value)) return value.slice(0, 50).map((item) => plain(item, depth + 1));
  if (value instanceof Set) return plainObject([...value.values()], depth);
  const entries: [string, unknown][] = value instanceof Map ? [...value.entries()].map(([name, item]) => [String(name), item as unknown]) : Object.entries(value);
  return Object.fromEntries(entries.slice(0, 100).map(([name, item]) => [name, isSecretName(name) ? hidden : plain(item, depth + 1)]));
}

function plainError(error: Error, depth: number): Record<string, unknown> {
  const expected = error instanceof TonearmError && error.kind !== 'internal';
  const code = error instanceof TonearmError ? error.code : (error as NodeJS.ErrnoException).code;
  return {
    ...(code === undefined ? {} : { code }),
    message: redactText(error.message),
    ...(expected || error.stack === undefined ? {} : { stack: redactText(error.stack) }),
    ...(error.cause === undefined || depth >= deepest ? {} : { cause: plain(error.cause, depth + 1) }),
    ...(error instanceof AggregateError ? { errors: error.errors.slice(0, 10).map((one) => plain(one, depth + 1)) } : {}),
  };
}
