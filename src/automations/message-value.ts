import type { ValueTest } from './words.ts';

/** What a message says: JSON where it is, the bare text otherwise. */
export type MessageValue = string | number | boolean | null | object;

/** Larger messages are not looked into: a picture is no state. */
const longest = 64 * 1024;

/** Null for what is too long to be meant. */
export function valueOf(payload: Uint8Array): MessageValue {
  if (payload.length > longest) return null;
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8').trim();
  if (/^[[{"]/.test(text) || /^-?\d/.test(text) || text === 'true' || text === 'false' || text === 'null') {
    try {
      return JSON.parse(text) as MessageValue;
    } catch {
      return text;
    }
  }
  return text;
}

/** What is found at a dotted path; undefined where there is nothing. */
export function valueAt(value: MessageValue, path: string | undefined): MessageValue | undefined {
  if (path === undefined) return value;
  let at: unknown = value;
  for (const key of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return at as MessageValue | undefined;
}

/** Whether a message passes; null where it says nothing about it. */
export function passes(test: ValueTest, message: MessageValue): boolean | null {
  const value = valueAt(message, test.path);
  if (value === undefined) return null;
  const { equals, isNot, above, below } = test;
  if (equals !== undefined && !isSame(value, equals)) return false;
  if (isNot !== undefined && isSame(value, isNot)) return false;
  if (test.in && !test.in.some((one) => isSame(value, one))) return false;
  if (above !== undefined || below !== undefined) {
    const number = typeof value === 'number' ? value : typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
    if (Number.isNaN(number)) return null;
    if (above !== undefined && !(number > above)) return false;
    if (below !== undefined && !(number < below)) return false;
  }
  return true;
}

/** `ON` is true to nobody but people: words are compared as words, numbers as numbers, without regard to case. */
function isSame(value: MessageValue, wanted: string | number | boolean): boolean {
  if (typeof value === 'object') return false;
  if (typeof value === typeof wanted && typeof value !== 'string') return value === wanted;
  return String(value).toLowerCase() === String(wanted).toLowerCase();
}

/** A threshold is crossed; everything else is said, as often as it is said. */
export function isThreshold({ above, below }: ValueTest): boolean {
  return above !== undefined || below !== undefined;
}

/** `occupancy is true`: for people. */
export function sayTest({ path, equals, isNot, in: list, above, below }: ValueTest): string {
  const parts = [
    equals !== undefined ? `is ${String(equals)}` : '',
    isNot !== undefined ? `is not ${String(isNot)}` : '',
    list ? `is one of ${list.map(String).join(', ')}` : '',
    above !== undefined ? `above ${above}` : '',
    below !== undefined ? `below ${below}` : '',
  ].filter((part) => part !== '');
  return [path ?? '', parts.join(' and ')].filter((part) => part !== '').join(' ');
}

/** A value in one short line. */
export function sayValue(value: MessageValue | undefined): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
