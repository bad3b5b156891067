/** What is shown: the public JSON form of zones, presets and automations. Moments are Unix ms, lengths ms, volumes 0 to 1. */
import { z } from 'zod';
import { RepeatMode, weekdays } from '#core';

const Millis = z.number();

export const Track = z.object({
  uri: z.string(),
  kind: z.enum(['track', 'episode', 'file', 'stream']),
  title: z.string(),
  artists: z.array(z.string()).readonly(),
  album: z.string().describe('Of an episode: its show'),
  duration: Millis.describe('0 when it has no known end'),
  covers: z.array(z.object({ url: z.string(), width: z.number().describe('Pixels; 0 when unknown') })).readonly().describe('Largest first'),
  explicit: z.boolean(),
}).meta({ id: 'Track', description: 'What is shown of a thing that plays' });

export const Notice = z.object({ code: z.string(), message: z.string().describe('For people') }).meta({ id: 'Notice', description: 'Something the owner should know, until it is over' });

export const ZoneState = z.object({
  revision: z.int().describe('Grows with each change, until the daemon is started again'),
  source: z.string().nullable().describe('What holds the zone; null when nothing does'),
  status: z.enum(['stopped', 'loading', 'playing', 'paused', 'stalled']).describe('stalled: no sound for a moment, it goes on by itself'),
  track: Track.nullable(),
  position: z.object({ at: Millis, measured: Millis }).describe('Where the track was at the moment `measured`; it moves on while `status` is playing'),
  volume: z.object({
    level: z.number().describe('0 to 1, as people perceive it'),
    muted: z.boolean(),
    limit: z.number().describe('Nothing gets louder than this; 1 for no limit'),
    fading: z.object({ to: z.number(), ends: Millis }).nullable().describe('Where a fade is going, and when it is there'),
  }),
  order: z.object({ shuffle: z.boolean(), repeat: RepeatMode }),
  queue: z.object({
    context: z.object({ uri: z.string(), title: z.string().nullable() }).nullable().describe('What is played from: album, playlist, …'),
    next: z.array(z.object({ uri: z.string(), title: z.string().nullable(), queued: z.boolean().describe('Queued by hand') })).readonly().describe('Nearest first; 50 rows at most'),
  }),
  account: z.object({ name: z.string().nullable().describe('Shortened'), connected: z.boolean() }),
  notice: Notice.nullable(),
  output: z.object({ name: z.string().nullable(), choices: z.array(z.string()).readonly() }),
  sleep: z.object({ ends: Millis }).nullable().describe('When the sleep timer pauses'),
  preset: z.string().nullable().describe('Id of the preset that was started last and still plays'),
  announcing: z.boolean(),
  by: z.object({ started: z.string().nullable(), changed: z.string() }).describe('Who started what plays, and who caused this change: phone, mqtt, http, homekit, home-assistant, web, tag, tonearm, automation:ID'),
  accepts: z.array(z.string()).readonly().describe('Kinds of commands that would work now'),
}).meta({ id: 'ZoneState', description: 'A complete picture of how a zone is' });
export type ZoneState = z.output<typeof ZoneState>;

export const Zone = z.object({ id: z.string().describe('Stable, also when the zone is renamed'), name: z.string(), state: ZoneState }).meta({ id: 'Zone', description: 'A speaker' });
export type Zone = z.output<typeof Zone>;

export const Preset = z.object({
  id: z.string().describe('Stable'),
  name: z.string(),
  uri: z.string(),
  from: z.union([z.string(), z.int()]).optional().describe('The row to begin with, as its URI or counted from 0'),
  shuffle: z.boolean().optional(),
  level: z.number().optional().describe('Volume set before it sounds'),
  zones: z.array(z.string()).readonly().optional().describe('Where it is offered; everywhere when absent'),
}).meta({ id: 'Preset', description: 'A named wish' });
export type Preset = z.output<typeof Preset>;

export const Run = z.object({
  automation: z.string(),
  at: Millis,
  ended: Millis.nullable(),
  trigger: z.string().describe('What set it off'),
  result: z.enum(['running', 'done', 'skipped', 'interrupted', 'failed', 'missed']),
  why: z.string(),
  steps: z.array(z.object({ what: z.string(), outcome: z.string(), at: Millis })).readonly(),
}).meta({ id: 'Run', description: 'One firing of an automation' });
export type Run = z.output<typeof Run>;

export const Automation = z.object({
  id: z.string().describe('Stable'),
  name: z.string(),
  kind: z.enum(['rule', 'alarm']),
  enabled: z.boolean(),
  next: Millis.nullable().describe('The next firing known beforehand'),
  skipsNext: z.boolean(),
  last: Run.nullable(),
  zones: z.array(z.string()).readonly(),
  alarm: z
    .object({ time: z.string().describe('`07:15`'), days: z.array(z.enum(weekdays)).readonly(), state: z.enum(['idle', 'ringing', 'snoozed']), snoozedUntil: Millis.nullable() })
    .nullable()
    .describe('Of alarms only'),
}).meta({ id: 'Automation', description: 'A rule or an alarm' });
export type Automation = z.output<typeof Automation>;

const Presence = z.enum(['present', 'absent', 'unknown']);

export const Automations = z.object({
  automations: z.array(Automation).readonly(),
  enabled: z.boolean().describe('False: nothing fires by itself'),
  guestMode: z.boolean(),
  quiet: z.boolean(),
  people: z.array(z.object({ id: z.string(), name: z.string(), presence: Presence, room: z.string().nullable() })).readonly(),
  rooms: z.array(z.object({ id: z.string(), presence: Presence })).readonly(),
}).meta({ id: 'Automations', description: 'Rules and alarms, and what they know of the home' });
export type Automations = z.output<typeof Automations>;

const Outcome = z.enum(['played', 'resumed', 'kept', 'ran', 'learned', 'nothing-on', 'unknown', 'removed', 'failed']);

export const TagRead = z.object({
  tag: z.string(),
  reader: z.string().nullable().describe('Null when a program told of it'),
  zone: z.string(),
  at: Millis,
  outcome: Outcome.describe('kept: its music plays already; nothing-on: there was nothing to learn; removed: taken off the reader'),
  name: z.string().nullable().describe('What the tag stands for'),
  why: z.string().nullable().describe('Why nothing came of it'),
}).meta({ id: 'TagRead', description: 'One time a tag was held to a reader, or taken off it' });
export type TagRead = z.output<typeof TagRead>;

export const Tags = z.object({
  readers: z.array(z.object({ id: z.string(), zone: z.string() })).readonly(),
  tags: z.array(z.object({
    tag: z.string(),
    wish: z.union([z.object({ play: z.string().describe('A preset or a URI') }), z.object({ run: z.string().describe('An automation') })]),
    name: z.string().describe('As people say it'),
    isFixed: z.boolean().describe('Part of the configuration'),
  })).readonly(),
  learning: z.object({ name: z.string().nullable().describe('Null: what is on then'), until: Millis }).nullable().describe('The next tag that is read stands for this'),
  last: TagRead.nullable(),
}).meta({ id: 'Tags', description: 'Readers of tags, and what tags stand for' });
export type Tags = z.output<typeof Tags>;

export const Forecast = z.object({
  automation: z.string(),
  firings: z.array(z.object({ at: Millis, runs: z.boolean(), why: z.string() })).readonly(),
}).meta({ id: 'Forecast', description: 'Firings to come, and why those in between will not happen' });

