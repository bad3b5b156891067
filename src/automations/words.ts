import { z } from 'zod';
import type { PresenceSubject } from './ports.ts';

/** Words that triggers, conditions and actions share. */

export const Id = z.string().regex(/^[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?$/, 'must be 1 to 40 lower-case letters, digits, "-" and "_", beginning and ending with a letter or digit');

/** One or several as a list. */
export function oneOrMore<T extends z.ZodType>(one: T) {
  return z.union([one, z.array(one).min(1).max(100)]).transform((value): readonly z.output<T>[] => (Array.isArray(value) ? (value as z.output<T>[]) : [value]));
}

/** Zone ids; `all` stands for every zone there is. */
export const Zones = oneOrMore(z.string().min(1).max(64));

export const Percent = z.number().min(0).max(100).transform((percent) => percent / 100);

/** Keys that say whom or what presence is about: exactly one of them. */
export const subjectKeys = {
  person: z.string().min(1).max(64).optional().describe('Id of a person under presence'),
  room: z.string().min(1).max(64).optional().describe('Name of a room under presence'),
  house: z.literal(true).optional().describe('The house as a whole: present while anybody is in it'),
} as const;

export interface SubjectKeys {
  readonly person?: string | undefined;
  readonly room?: string | undefined;
  readonly house?: true | undefined;
}

export function namesOneSubject({ person, room, house }: SubjectKeys): boolean {
  return [person, room, house].filter((one) => one !== undefined).length === 1;
}

export const oneSubject = 'needs exactly one of person, room and house';

export function subjectOf({ person, room }: SubjectKeys): PresenceSubject {
  if (person !== undefined) return { kind: 'person', id: person };
  if (room !== undefined) return { kind: 'room', id: room };
  return { kind: 'house' };
}

/** `person anna`, `room bath`, `house` */
export function saySubject(subject: PresenceSubject): string {
  return subject.kind === 'house' ? 'house' : `${subject.kind} ${subject.id}`;
}

/** What a message must say. Without any of these, every message will do. */
const Plain = z.union([z.string(), z.number(), z.boolean()]);
export const valueTestKeys = {
  path: z.string().min(1).max(200).optional().describe('Where the value is in a JSON payload, as in "after.label"; the whole payload when absent'),
  equals: Plain.optional().describe('The value is this'),
  isNot: Plain.optional().describe('The value is anything but this'),
  in: z.array(Plain).min(1).max(100).optional().describe('The value is one of these'),
  above: z.number().optional().describe('The value is a number greater than this'),
  below: z.number().optional().describe('The value is a number smaller than this'),
} as const;

export interface ValueTest {
  readonly path?: string | undefined;
  readonly equals?: string | number | boolean | undefined;
  readonly isNot?: string | number | boolean | undefined;
  readonly in?: readonly (string | number | boolean)[] | undefined;
  readonly above?: number | undefined;
  readonly below?: number | undefined;
}

/** Whether it is a link or URI rather than the name of something. */
export function isAddress(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(text);
}

/** A topic filter as MQTT has it: `+` and `#` only as whole levels, `#` last (MQTT 5.0 §4.7.1). */
export function isTopicFilter(text: string): boolean {
  const levels = text.split('/');
  return text.length > 0 && Buffer.byteLength(text) <= 65_535 && !text.includes('\u0000') && levels.every((level, index) => (level === '#' ? index === levels.length - 1 : level === '+' || !/[+#]/.test(level)));
}

export const TopicFilter = z.string().refine(isTopicFilter, 'must be an MQTT topic; + stands for one level, # at the end for all that follow');
/** A topic something is said on: no wildcards. */
export const Topic = z.string().refine((text) => isTopicFilter(text) && !/[+#]/.test(text), 'must be an MQTT topic without + and #');
