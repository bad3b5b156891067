import { MqttError } from './error.ts';

/** More than any command or request needs. */
const largest = 64 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Text of a payload; refuses what is too long or not UTF-8. */
export function parseText(payload: Uint8Array): string {
  if (payload.length > largest) {
    throw new MqttError('invalid', 'mqtt/too-large', `The message has ${payload.length} bytes; ${largest} is the most that is read.`);
  }
  try {
    return utf8.decode(payload);
  } catch {
    throw new MqttError('invalid', 'mqtt/not-text', 'The message is not UTF-8 text, so it was ignored.');
  }
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** The JSON object a text holds. */
export function parseObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MqttError('invalid', 'mqtt/not-json', 'The message is not JSON, so it was ignored. Send a JSON object, or one bare value to …/set/<key>.');
  }
  if (!isObject(value)) throw new MqttError('invalid', 'mqtt/not-an-object', 'The message is JSON but not an object, so it was ignored.');
  return value;
}

/** The JSON object a value is, or holds as text; null when it is none. */
export function parseMaybeObject(value: unknown): JsonObject | null {
  if (isObject(value)) return value;
  if (typeof value !== 'string' || !value.trimStart().startsWith('{')) return null;
  try {
    const parsed: unknown = JSON.parse(value);
    return isObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A finite number, given as number or as text the way Home Assistant renders it (`34`, `34.0`); `null` when it is none. */
export function toNumber(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string') return null;
  const text = value.trim();
  return /^[+-]?(\d{1,15}(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : null;
}

/** A number with a sign in front means "by", one without means "to". JSON cannot write +5, so it must be text there. */
export function toChange(value: unknown): { readonly relative: boolean; readonly number: number } | null {
  const number = toNumber(value);
  if (number === null) return null;
  const relative = typeof value === 'string' ? /^\s*[+-]/.test(value) : number < 0;
  return { relative, number };
}

const words: ReadonlyMap<string, boolean | 'toggle'> = new Map<string, boolean | 'toggle'>([
  ['on', true],
  ['true', true],
  ['1', true],
  ['yes', true],
  ['off', false],
  ['false', false],
  ['0', false],
  ['no', false],
  ['toggle', 'toggle'],
]);

/** ON, OFF or TOGGLE in any case, JSON booleans, 1 and 0; `null` for anything else. */
export function toSwitch(value: unknown): boolean | 'toggle' | null {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  return words.get(String(value).trim().toLowerCase()) ?? null;
}

/** Lower-case word of a text value; `null` for what is not text. */
export function toWord(value: unknown): string | null {
  return typeof value === 'string' ? value.trim().toLowerCase() : null;
}
