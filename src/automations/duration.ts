import { z } from 'zod';
import type { Millis } from '#core';

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90s`, `5m`, `1h30m`, `2d`; a bare number means seconds. Null for anything else. */
export function parseDuration(text: string): Millis | null {
  const clean = text.replace(/\s+/g, '').toLowerCase();
  if (/^\d+(\.\d+)?$/.test(clean)) return Math.round(Number(clean) * 1000);
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(clean)) return null;
  let total = 0;
  for (const [, amount, unit] of clean.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) total += Number(amount) * units[unit as keyof typeof units];
  return Math.round(total);
}

/** `5 min`, `1 h 30 min`, `20 s`: for people. */
export function sayDuration(duration: Millis): string {
  if (duration < 1000) return `${Math.round(duration)} ms`;
  let rest = Math.round(duration / 1000);
  const parts: string[] = [];
  for (const [size, name] of [[86_400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']] as const) {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount > 0) parts.push(`${amount} ${name}`);
  }
  return parts.join(' ');
}

/** A length of time as people write it, in ms. */
export const Duration = z.union([z.string(), z.number().min(0)], { error: 'must be a length of time such as 90s, 5m or 1h30m' }).transform((written, context): Millis => {
  const parsed = parseDuration(String(written));
  if (parsed !== null && parsed <= 366 * units.d) return parsed;
  context.addIssue({ code: 'custom', message: `must be a length of time such as 90s, 5m or 1h30m, but is "${written}"` });
  return z.NEVER;
});

/** A time of day as `07:15` (`HH:MM` or `HH:MM:SS`), in ms since midnight; `24:00` is the end of the day. Null for anything else. */
export function parseTimeOfDay(text: string): Millis | null {
  const match = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text.trim());
  if (!match) return null;
  const [hour, minute, second] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  if (minute > 59 || second > 59 || hour > 24 || (hour === 24 && minute + second > 0)) return null;
  return hour * units.h + minute * units.m + second * units.s;
}

export const TimeOfDay = z.string().transform((written, context): Millis => {
  const parsed = parseTimeOfDay(written);
  if (parsed !== null && parsed < units.d) return parsed;
  context.addIssue({ code: 'custom', message: `must be a time of day such as "07:15", in quotes, but is "${written}"` });
  return z.NEVER;
});

/** From one time of day to another, in ms since midnight; `until` before `from` crosses midnight. */
export interface Between {
  readonly from: Millis;
  readonly until: Millis;
  readonly text: string;
}

/** `22:00-07:00` */
export const BetweenTimes = z.string().transform((written, context): Between => {
  const [first, last, more] = written.split('-').map((part) => parseTimeOfDay(part));
  if (first !== null && first !== undefined && last !== null && last !== undefined && more === undefined && first !== last && first < units.d) return { from: first, until: last, text: written.replace(/\s+/g, '') };
  context.addIssue({ code: 'custom', message: `must be two different times of day such as "22:00-07:00", in quotes, but is "${written}"` });
  return z.NEVER;
});

/** Whether a time of day lies in it. The first moment does, the last does not. */
export function isBetween({ from, until }: Between, time: Millis): boolean {
  return from < until ? time >= from && time < until : time >= from || time < until;
}
