import { valueAt, type MessageValue } from '../message-value.ts';

/** What a message of a reader means. */
export type Reading = { readonly kind: 'tag'; readonly tag: string } | { readonly kind: 'removed' };

/** Larger messages are not of readers. */
const longest = 64 * 1024;

/** One tag, however its number is written: `04-a2:19 7b` is `04A2197B`. */
export function tagOf(text: string): string {
  return text.replace(/[-:\s]/g, '').toUpperCase();
}

export function isTag(text: string): boolean {
  const tag = tagOf(text);
  return tag.length >= 1 && tag.length <= 100 && !/\p{Cc}/u.test(tag);
}

/** Names under which products say which tag it is, without `_` and in small letters: Tasmota, ESPHome, Home Assistant and what people build. */
const usual = ['uid', 'tagid', 'tag', 'cardid', 'card', 'rfid'];
/** What products say for "none any more". */
const none = new Set(['', '0', 'NONE', 'REMOVED', 'NULL']);

/** Null for a message that is about something else. Pure. */
export function readingOf(payload: Uint8Array, path: string | undefined): Reading | null {
  if (payload.length > longest) return null;
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8').trim();
  if (none.has(tagOf(text))) return { kind: 'removed' };
  // Not as JSON: 12E45678 and 0012345678 are no numbers.
  const value = /^[[{"]/.test(text) ? json(text) : path === undefined ? text : undefined;
  if (value === undefined) return null;
  const said = path !== undefined ? valueAt(value, path) : typeof value === 'object' && value !== null ? usualIn(value) : value;
  if (said === undefined || typeof said === 'object' && said !== null) return null;
  if (said === null || said === false || none.has(tagOf(String(said)))) return { kind: 'removed' };
  return typeof said !== 'boolean' && isTag(String(said)) ? { kind: 'tag', tag: tagOf(String(said)) } : null;
}

function json(text: string): MessageValue | undefined {
  try {
    return JSON.parse(text) as MessageValue;
  } catch {
    return undefined;
  }
}

/** On top, else in a group: `{"PN532": {"UID": …}}`. */
function usualIn(message: object): MessageValue | undefined {
  const groups = [message, ...Object.values(message).filter((one): one is object => typeof one === 'object' && one !== null)];
  for (const group of groups) {
    const keys = new Map(Object.keys(group).map((key) => [key.toLowerCase().replaceAll('_', ''), key]));
    const key = usual.map((name) => keys.get(name)).find((one) => one !== undefined);
    if (key === undefined) continue;
    const value = (group as Readonly<Record<string, MessageValue>>)[key];
    if (typeof value !== 'object' || value === null) return value;
  }
  return undefined;
}
