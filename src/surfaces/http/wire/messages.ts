/** What the daemon says: answers, and what comes over the socket by itself. */
import { z } from 'zod';
import { Automations, Forecast, Preset, Run, TagRead, Tags, Zone } from './pictures.ts';
import type { RequestName } from './requests.ts';
import { By, Scope } from './words.ts';

const kinds = ['invalid', 'unauthorized', 'forbidden', 'not-found', 'conflict', 'unavailable', 'timeout', 'cancelled', 'corrupt', 'internal'] as const;

export const ApiError = z.object({
  kind: z.enum(kinds),
  code: z.string().describe('Stable: for programs'),
  message: z.string().describe('For people: what happened, what it means, what to do'),
  retryAfter: z.number().optional().describe('Milliseconds to wait before trying again'),
}).meta({ id: 'ApiError', description: 'Why not' });
export type ApiError = z.output<typeof ApiError>;

export const Info = z.object({
  api: z.literal(1),
  id: z.string().describe('Stable name of the installation'),
  name: z.string(),
  version: z.string(),
  now: z.number().describe('The daemon\'s clock, Unix ms'),
}).meta({ id: 'Info', description: 'Who answers' });
export type Info = z.output<typeof Info>;

export const Hello = z.object({
  kind: z.literal('hello'),
  daemon: Info,
  scope: Scope.describe('What the key lets you do'),
  beat: z.number().describe('The daemon pings this often, in ms; hearing nothing for much longer means that the line is dead'),
  zones: z.array(Zone).readonly(),
  presets: z.array(Preset).readonly(),
  automations: Automations.nullable().describe('Null where there are none'),
  tags: Tags.nullable().describe('Null where tags are not set up'),
}).meta({ id: 'Hello', description: 'The first message: everything there is' });

export const ZoneChanged = z.object({ kind: z.literal('zone'), zone: Zone }).meta({ id: 'ZoneChanged', description: 'A zone is different: the whole of it' });
export const PresetsChanged = z.object({ kind: z.literal('presets'), presets: z.array(Preset).readonly() }).meta({ id: 'PresetsChanged', description: 'Presets are different: all of them' });
export const AutomationsChanged = z.object({ kind: z.literal('automations'), automations: Automations }).meta({ id: 'AutomationsChanged', description: 'Automations are different: the whole picture' });
export const TagsChanged = z.object({ kind: z.literal('tags'), tags: Tags }).meta({ id: 'TagsChanged', description: 'A tag was learnt or forgotten, or one is to be learnt: the whole picture' });
export const TagWasRead = z.object({ kind: z.literal('tag'), read: TagRead }).meta({ id: 'TagWasRead', description: 'A tag was held to a reader, or taken off it' });
export const Ran = z.object({ kind: z.literal('run'), run: Run }).meta({ id: 'Ran', description: 'An automation has fired, or goes on, or is done' });
export const Failed = z.object({ kind: z.literal('failed'), zone: z.string(), error: ApiError }).meta({ id: 'Failed', description: 'Something a zone was doing went wrong' });
export const Answer = z
  .union([
    z.object({ kind: z.literal('answer'), id: z.union([z.string(), z.int()]), ok: z.record(z.string(), z.unknown()) }),
    z.object({ kind: z.literal('answer'), id: z.union([z.string(), z.int()]).nullable().describe('Null when the request could not be read'), error: ApiError }),
  ])
  .meta({ id: 'Answer', description: 'Exactly one for each request' });

export const SocketMessage = z.union([Hello, ZoneChanged, PresetsChanged, AutomationsChanged, TagsChanged, TagWasRead, Ran, Failed, Answer]).meta({ id: 'SocketMessage', description: 'Everything the daemon says over the socket. Kinds may be added: pass over what you do not know' });
export type SocketMessage = z.output<typeof SocketMessage>;

const done = z.object({});

/** What is answered when it went well. */
export const answers = {
  info: Info,
  conditions: z.object({ conditions: z.array(z.object({ part: z.string(), code: z.string().nullable(), message: z.string(), details: z.record(z.string(), z.unknown()) })).readonly() }),
  zones: z.object({ zones: z.array(Zone).readonly() }),
  zone: Zone,
  'zone/command': z.object({ revision: z.int().describe('Of the zone, once it was done'), by: By }),
  presets: z.object({ presets: z.array(Preset).readonly() }),
  'preset/add': Preset,
  'preset/remove': done,
  automations: Automations,
  'automations/enable': done,
  'automations/guest-mode': done,
  'automations/snooze': done,
  'automations/stop': done,
  'automations/history': z.object({ runs: z.array(Run).readonly() }),
  'automation/enable': done,
  'automation/run': done,
  'automation/skip': done,
  'automation/time': done,
  'automation/snooze': done,
  'automation/stop': done,
  tags: Tags,
  'tags/learn': z.object({ until: z.number().describe('Unix ms') }),
  'tag/forget': done,
  'tag/scan': TagRead,
  'automation/set': z.object({ id: z.string() }),
  'automation/remove': done,
  options: z.object({ restarting: z.boolean().describe('Tonearm restarts within itself, to use them'), restartRequired: z.boolean().describe('Somebody else has changed the file since it was read') }),
  backup: z.object({ zip: z.string().describe('The archive, as base64'), leftOut: z.array(z.string()).readonly().describe('What is secret and so not in it, by name') }),
  'automation/forecast': Forecast,
  'automation/history': z.object({ runs: z.array(Run).readonly() }),
} as const satisfies Record<RequestName, z.ZodType>;
export type AnswerOf<Name extends RequestName> = z.output<(typeof answers)[Name]>;

