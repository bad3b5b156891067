import { z } from 'zod';
import { Duration } from './duration.ts';
import { parseSun } from './sun-event.ts';
import { Id, namesOneSubject, oneOrMore, oneSubject, subjectKeys, TopicFilter, valueTestKeys, Zones } from './words.ts';
import { isTimeZone } from './zone-time.ts';

export const TimeZone = z.string().refine(isTimeZone, 'must be a time zone such as Europe/Berlin');

const CronTrigger = z.strictObject({
  // Whether it means something is asked of node-cron when there is a schedule at all (references.ts).
  cron: z.string().min(1).max(200).describe('Minute, hour, day of the month, month, weekday (seconds in front if wanted): "30 6 * * MON-FRI", or @daily and the like'),
  timezone: TimeZone.optional().describe('Whose clocks; location.timezone when absent'),
});

const SunTrigger = z.strictObject({
  sun: z
    .string()
    .transform((written, context) => {
      const parsed = parseSun(written);
      if (parsed !== null) return parsed;
      context.addIssue({ code: 'custom', message: `must be sunrise, sunset, dawn or dusk, with an offset if wanted ("sunset+15m", "sunrise-00:30"), but is "${written}"` });
      return z.NEVER;
    })
    .describe('sunrise, sunset, dawn or dusk, with an offset of up to 12 hours if wanted: sunset+15m. Needs location'),
});

export const PresenceTrigger = z.strictObject({
  presence: z
    .strictObject({
      ...subjectKeys,
      to: z.enum(['present', 'absent']).describe('What it has become'),
      for: Duration.optional().describe('Only once it has been so for this long'),
    })
    .refine(namesOneSubject, oneSubject)
    .describe('Somebody came or went'),
});

export const MqttTrigger = z.strictObject({
  mqtt: TopicFilter.describe('A message on this topic of your broker. above and below: when the value crosses; otherwise every message that fits'),
  ...valueTestKeys,
  for: Duration.optional().describe('Only once the value has fitted for this long'),
});

export const playbackEvents = ['started', 'paused', 'stopped', 'track_changed', 'queue_ended', 'taken', 'lost'] as const;
export type PlaybackEvent = (typeof playbackEvents)[number];

export const PlaybackTrigger = z.strictObject({
  playback: oneOrMore(z.enum(playbackEvents)).describe('What happened in a zone. taken: somebody picked the speaker; lost: it was given back or taken away'),
  zone: Zones.optional().describe('In which zones; in any when absent'),
});

const HomeAssistantTrigger = z.strictObject({ homeAssistant: z.literal('born').describe('Home Assistant has started and says so on MQTT') });

const AlarmTrigger = z.strictObject({
  alarm: z.enum(['ringing', 'snoozed', 'stopped']).describe('What an alarm has begun to be'),
  id: Id.optional().describe('Which alarm; any when absent'),
});

/** What sets a rule off. */
export const Trigger = z.union([CronTrigger, SunTrigger, PresenceTrigger, MqttTrigger, PlaybackTrigger, HomeAssistantTrigger, AlarmTrigger]);
export type Trigger = z.output<typeof Trigger>;
export type TimeTrigger = Extract<Trigger, { cron: string } | { sun: object }>;
export type EventTrigger = Exclude<Trigger, TimeTrigger>;

export function isTimed(trigger: Trigger): trigger is TimeTrigger {
  return 'cron' in trigger || 'sun' in trigger;
}
