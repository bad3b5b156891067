import type { Millis } from '#core';
import { parseDuration, parseTimeOfDay } from './duration.ts';

export type SunEvent = 'sunrise' | 'sunset' | 'dawn' | 'dusk';

/** `sunset+15m`, `sunrise - 00:30` → event and offset in ms; null for anything else. */
export function parseSun(text: string): { readonly event: SunEvent; readonly offset: Millis } | null {
  const match = /^(sunrise|sunset|dawn|dusk)\s*(?:([+-])\s*(.+))?$/.exec(text.trim().toLowerCase());
  if (!match) return null;
  const [, event, sign, length] = match;
  const offset = length === undefined ? 0 : (parseTimeOfDay(length) ?? parseDuration(length));
  if (offset === null || offset > 12 * 3_600_000) return null;
  return { event: event as SunEvent, offset: sign === '-' ? -offset : offset };
}
