import { z } from 'zod';
import { Duration } from '../duration.ts';
import { Id, TopicFilter as Topic } from '../words.ts';
import { presetKinds, presetNames, sourceKinds, type SourceKind } from './preset-names.ts';

const Value = z.union([z.string().max(200), z.number(), z.boolean(), z.null()]);
const Values = z.array(Value).min(1).max(50);

/** One sensor or tracker, as an owner describes it (`home-integrations.md §6.1`). */
export const PresenceSource = z
  .strictObject({
    id: Id.describe('Your name for it; must differ from the others'),
    kind: z.enum(sourceKinds).describe('room: tells whether anybody is in a room; person: whether somebody is at home; tracker: in which room somebody is'),
    room: Id.optional().describe('With kind room: which room it watches'),
    person: Id.optional().describe('With kind person and tracker: whom it watches'),
    preset: z.enum(presetNames).default('plain').describe('Which product sends it: knows its topics and payloads. plain: a value, described by the settings below'),
    topic: Topic.describe('Where it is said. For a preset the topic of the device; what lies below is known'),
    path: z.string().min(1).max(200).optional().describe('Where in a JSON payload the value is: occupancy, data.state; as the preset knows it when absent'),
    on: Values.optional().describe('Values that mean somebody is there; usual words such as ON, true, 1 and home when absent'),
    off: Values.optional().describe('Values that mean nobody is; everything else when only on is given'),
    availability: Topic.optional().describe('Topic that says whether the sensor works (online, offline, or JSON with state); as the preset knows it when absent'),
    enterAfter: Duration.default(0).describe('How long it must say "there" before that is believed'),
    clearAfter: Duration.optional().describe('How long it must say "nobody" before that is believed; 1m with kind room, 0 with kind person'),
    staleAfter: Duration.optional().describe('After so long without a word it counts as unknown, which is not away; never when absent'),
    isMomentary: z.boolean().default(false).describe('It only ever says "there": nobody is there when it has been silent for clearAfter'),
    device: z.string().min(1).max(200).optional().describe('room-assistant: id or name of the tracked device'),
    roomFrom: z
      .string()
      .regex(/^(?:topic:\d{1,2}|path:.{1,200}|payload)$/, 'must be topic:NUMBER (levels counted from 0), path:WHERE in a JSON payload, or payload')
      .optional()
      .describe('With kind tracker and preset plain: where the room is told. topic:3, path:room or payload'),
    rooms: z.record(z.string().min(1).max(200), Id).default({}).describe('With kind tracker: other names of rooms, as the product writes them. "Living Room": living'),
    maxDistance: z.number().positive().max(100).optional().describe('With kind tracker: metres beyond which a receiver is not believed'),
    awayAfter: Duration.default(90_000).describe('With kind tracker: gone after so long without being seen'),
    switchMargin: z.number().min(0).max(50).default(1.5).describe('With kind tracker: metres another room must be nearer'),
    dwell: Duration.default(8_000).describe('With kind tracker: how long another room must be nearer'),
    accuracy: z.number().positive().max(100_000).default(200).describe('owntracks: places less accurate than this (metres) are ignored'),
    region: z.string().min(1).max(200).default('home').describe('owntracks: name of the region that is home'),
    zone: z.string().min(1).max(200).optional().describe('frigate-events: zone that must have been entered; the whole camera when absent'),
    camera: z.string().min(1).max(200).optional().describe('frigate-events: name of the camera'),
    object: z.string().min(1).max(200).default('person').describe('frigate-events: what must be seen'),
  })
  .superRefine((source, context) => {
    const wants = source.kind === 'room' ? 'room' : 'person';
    if (source[wants] === undefined) context.addIssue({ code: 'custom', path: [wants], message: `is missing: a source of kind "${source.kind}" says something about a ${wants}` });
    const kinds: readonly SourceKind[] = presetKinds[source.preset];
    if (!kinds.includes(source.kind)) context.addIssue({ code: 'custom', path: ['kind'], message: `must be ${kinds.join(' or ')} with preset "${source.preset}"` });
    if (source.preset === 'plain' && source.kind === 'tracker' && source.roomFrom === undefined) context.addIssue({ code: 'custom', path: ['roomFrom'], message: 'is missing: a plain tracker must know where the room is told' });
    if (source.preset === 'room-assistant' && source.device === undefined) context.addIssue({ code: 'custom', path: ['device'], message: 'is missing: the topic carries every device, which one is it?' });
    if (source.preset === 'frigate-events' && source.zone === undefined && source.camera === undefined) context.addIssue({ code: 'custom', path: ['zone'], message: 'is missing: events of every camera come on one topic, so say which zone or camera' });
  });
export type PresenceSource = z.output<typeof PresenceSource>;

/** Who is where. */
export const PresenceSettings = z
  .strictObject({
    sources: z.array(PresenceSource).max(200).default([]).describe('Sensors and trackers that say so on MQTT'),
    people: z.array(z.strictObject({ id: Id, name: z.string().trim().min(1).max(100).optional().describe('As people see it; the id when absent') })).max(50).default([]).describe('Who lives here; whoever only a source names is added'),
    enterDelay: Duration.default(0).describe('How long somebody must be at home, or in a room, before it counts'),
    leaveDelay: Duration.default(120_000).describe('How long everything that knows somebody must agree that they are away'),
    roomLeaveDelay: Duration.default(0).describe('How long all sensors of a room must agree that nobody is in it, after the clearAfter of each'),
    emptyAfter: Duration.default(600_000).describe('How long nobody must be at home and no room be occupied before the house is empty'),
  })
  .superRefine(({ sources, people }, context) => {
    const double = (list: readonly { readonly id: string }[], key: string) => {
      for (const [at, { id }] of list.entries()) {
        if (list.findIndex((other) => other.id === id) !== at) context.addIssue({ code: 'custom', path: [key, at, 'id'], message: `is used twice: "${id}"` });
      }
    };
    double(sources, 'sources');
    double(people, 'people');
  });
export type PresenceSettings = z.output<typeof PresenceSettings>;
