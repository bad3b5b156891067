/**
 * Reading JSON of the cloud the way connect-control.md §0.2 asks for: unknown keys are fine, missing ones too, numbers may come as
 * text or with a fraction, and names in camelCase instead of snake_case. Nothing here throws.
 */
export type JsonObject = Readonly<Record<string, unknown>>;

const noObject: JsonObject = Object.freeze({});

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The member `name` (snake_case), or the same name in camelCase; `undefined` when absent or null. */
export function member(of: JsonObject, name: string): unknown {
  const value = own(of, name) ?? own(of, camelCase(name));
  return value ?? undefined;
}

function own(of: JsonObject, name: string): unknown {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}

/** The object member, or an empty one. */
export function objectAt(of: JsonObject, name: string): JsonObject {
  const value = member(of, name);
  return isObject(value) ? value : noObject;
}

/** The objects among the elements of a list member. */
export function objectsAt(of: JsonObject, name: string): readonly JsonObject[] {
  const value = member(of, name);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The text member, or `null`; numbers and booleans become text. */
export function textAt(of: JsonObject, name: string): string | null {
  return toText(member(of, name));
}

function toText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

/** The number member, or `null`; text that spells a finite number counts. */
export function numberAt(of: JsonObject, name: string): number | null {
  const value = member(of, name);
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

/** As `numberAt`, rounded towards zero. */
export function integerAt(of: JsonObject, name: string): number | null {
  const value = numberAt(of, name);
  return value === null ? null : Math.trunc(value) + 0;
}

/** The boolean member, or `null`; `"true"`, `"false"`, 0 and 1 count. */
export function booleanAt(of: JsonObject, name: string): boolean | null {
  const value = member(of, name);
  if (value === true || value === 'true' || value === 1 || value === '1') return true;
  return value === false || value === 'false' || value === 0 || value === '0' ? false : null;
}

/** The texts among the elements of a list member. A single text counts as a list of one. */
export function textsAt(of: JsonObject, name: string): readonly string[] {
  const value = member(of, name);
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.map(toText).filter((text) => text !== null) : [];
}

/** A map of texts. Values that are neither text, number nor boolean are left out. */
export function entriesAt(of: JsonObject, name: string): Readonly<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const [key, value] of Object.entries(objectAt(of, name))) {
    const text = toText(value);
    if (text !== null && key !== '__proto__') out[key] = text;
  }
  return out;
}

/** `disallow_seeking_reasons` → `disallowSeekingReasons`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `disallowSeekingReasons` → `disallow_seeking_reasons`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
