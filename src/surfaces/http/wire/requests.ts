/** What can be asked, over HTTP and over the socket alike: names, routes, who may, and the fields. */
import { z } from 'zod';
import { Command as CoreCommand, Uri } from '#core';
import type { Scope } from './words.ts';

/** More rows than this are not asked for in one go. */
const Count = z.coerce.number().int().min(1).max(500);
const Id = z.string().min(1).max(64);
const Tag = z.string().min(1).max(200);
const Time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 07:15');

/** The same words as in the house. */
const Command = CoreCommand.meta({ id: 'Command', description: 'What can be asked of a zone' });

export const Commands = z.union([Command, z.array(Command).min(1).max(20)]);

export interface RequestRow {
  /** Method and path below `/api/v1`; `{name}` is a field. */
  readonly route: `${'GET' | 'POST' | 'PATCH' | 'DELETE'} /${string}`;
  readonly scope: Scope;
  /** For people. */
  readonly about: string;
  readonly fields: z.ZodType;
  /** The field a request's body is; without it the body holds the fields that are not in the path. */
  readonly body?: string;
}

/** Every request but those about accounts, which are those of the whole house. */
export const requests = {
  info: { route: 'GET /info', scope: 'read', about: 'Who answers', fields: z.strictObject({}) },
  conditions: { route: 'GET /conditions', scope: 'read', about: 'How the parts of the daemon are', fields: z.strictObject({}) },
  zones: { route: 'GET /zones', scope: 'read', about: 'Every zone as it is now', fields: z.strictObject({}) },
  zone: { route: 'GET /zones/{zone}', scope: 'read', about: 'One zone as it is now', fields: z.strictObject({ zone: Id }) },
  'zone/command': { route: 'POST /zones/{zone}/commands', scope: 'control', about: 'One command, or a list of them that is one step', fields: z.strictObject({ zone: Id, commands: Commands }), body: 'commands' },
  presets: { route: 'GET /presets', scope: 'read', about: 'Every preset', fields: z.strictObject({}) },
  'preset/add': {
    route: 'POST /presets',
    scope: 'control',
    about: 'Adds a preset; the same id again replaces one that was added',
    fields: z.strictObject({
      id: Id.optional(),
      name: z.string().trim().min(1).max(100),
      uri: Uri,
      from: z.union([Uri, z.int().min(0).max(100_000)]).optional(),
      shuffle: z.boolean().optional(),
      level: z.number().min(0).max(1).optional(),
      zones: z.array(Id).max(32).optional(),
    }),
  },
  'preset/remove': { route: 'DELETE /presets/{preset}', scope: 'control', about: 'Removes a preset that was added', fields: z.strictObject({ preset: Id }) },
  automations: { route: 'GET /automations', scope: 'read', about: 'Rules and alarms, and what they know of the home', fields: z.strictObject({}) },
  'automations/enable': { route: 'POST /automations/enable', scope: 'control', about: 'All of them on or off', fields: z.strictObject({ on: z.boolean() }) },
  'automations/guest-mode': { route: 'POST /automations/guest-mode', scope: 'control', about: 'Suspends what depends on presence', fields: z.strictObject({ on: z.boolean() }) },
  'automations/snooze': { route: 'POST /automations/snooze', scope: 'control', about: 'Every alarm that rings: again later', fields: z.strictObject({}) },
  'automations/stop': { route: 'POST /automations/stop', scope: 'control', about: 'Every alarm that rings: over for today', fields: z.strictObject({}) },
  'automations/history': { route: 'GET /automations/history', scope: 'read', about: 'What fired, newest first', fields: z.strictObject({ count: Count.default(50) }) },
  'automation/enable': { route: 'POST /automations/{automation}/enable', scope: 'control', about: 'On or off, kept', fields: z.strictObject({ automation: Id, on: z.boolean() }) },
  'automation/run': { route: 'POST /automations/{automation}/run', scope: 'control', about: 'By hand, conditions not asked', fields: z.strictObject({ automation: Id }) },
  'automation/skip': { route: 'POST /automations/{automation}/skip', scope: 'control', about: 'Passes over the next planned firing, or takes that back', fields: z.strictObject({ automation: Id, on: z.boolean().default(true) }) },
  'automation/time': { route: 'POST /automations/{automation}/time', scope: 'control', about: 'When an alarm rings', fields: z.strictObject({ automation: Id, time: Time }) },
  'automation/snooze': { route: 'POST /automations/{automation}/snooze', scope: 'control', about: 'Rings again later', fields: z.strictObject({ automation: Id }) },
  'automation/stop': { route: 'POST /automations/{automation}/stop', scope: 'control', about: 'Over for today', fields: z.strictObject({ automation: Id }) },
  tags: { route: 'GET /tags', scope: 'read', about: 'Readers of tags (RFID, NFC), and what tags stand for', fields: z.strictObject({}) },
  'tags/learn': {
    route: 'POST /tags/learn',
    scope: 'control',
    about: 'The next tag that is read within a minute stands for this; without `play` and `run` for what is on where it is read',
    fields: z
      .strictObject({ play: z.string().trim().min(1).max(2048).optional().describe('A preset or a URI'), run: Id.optional().describe('An automation') })
      .refine(({ play, run }) => play === undefined || run === undefined, 'takes play or run, not both'),
  },
  'tag/forget': { route: 'DELETE /tags/{tag}', scope: 'control', about: 'A tag that was learnt stands for nothing any more', fields: z.strictObject({ tag: Tag }) },
  'tag/scan': { route: 'POST /tags/{tag}/scan', scope: 'control', about: 'As if a reader had read it', fields: z.strictObject({ tag: Tag, zone: Id.optional() }) },
  'automation/set': {
    route: 'POST /automations',
    scope: 'control',
    about: 'Puts a rule or an alarm into the configuration, in place of the one of its id, and forgets what was switched or moved by hand; Tonearm restarts within itself if anything changed. Not with `publish`, `mqtt`, `request` or `program`: those are for the file',
    fields: z
      .strictObject({ rule: z.record(z.string(), z.unknown()).optional().describe('As in the configuration, with its id'), alarm: z.record(z.string(), z.unknown()).optional().describe('The same for an alarm') })
      .refine(({ rule, alarm }) => (rule === undefined) !== (alarm === undefined), 'takes a rule or an alarm'),
  },
  'automation/remove': { route: 'DELETE /automations/{automation}', scope: 'control', about: 'Takes it out of the configuration; Tonearm restarts within itself', fields: z.strictObject({ automation: Id }) },
  options: {
    route: 'PATCH /options',
    scope: 'control',
    about: 'Merges settings into the configuration, as in the configuration; null for the default. Tonearm restarts within itself where that is needed. Not secrets, doors and whatever else is for the file only',
    fields: z.strictObject({ options: z.record(z.string(), z.unknown()) }),
    body: 'options',
  },
  backup: { route: 'GET /backup', scope: 'control', about: 'Everything that makes this installation what it is, but secrets and logins, as a zip archive for `tonearm restore`', fields: z.strictObject({}) },
  'automation/forecast': { route: 'GET /automations/{automation}/forecast', scope: 'read', about: 'The next planned firings', fields: z.strictObject({ automation: Id, count: Count.default(10) }) },
  'automation/history': { route: 'GET /automations/{automation}/history', scope: 'read', about: 'What it did, newest first', fields: z.strictObject({ automation: Id, count: Count.default(50) }) },
} as const satisfies Readonly<Record<string, RequestRow>>;

export type RequestName = keyof typeof requests;
export type Fields<Name extends RequestName> = z.output<(typeof requests)[Name]['fields']>;

/** A request over the socket. */
export const SocketRequest = z.strictObject({ id: z.union([z.string().max(64), z.int()]), do: z.string().min(1).max(64), with: z.unknown().optional() });
export type SocketRequest = z.output<typeof SocketRequest>;
