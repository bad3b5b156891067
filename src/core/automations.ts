import type { Events } from '#foundation';
import type { Tags } from './tags.ts';
import type { Millis } from './units.ts';

/** How one firing ended. `skipped`: a condition did not hold, or it was told to skip; `interrupted`: a person took over. */
export type RunResult = 'running' | 'done' | 'skipped' | 'interrupted' | 'failed' | 'missed';

/** One firing, for people: what set it off, what was weighed, what came of it. */
export interface RunView {
  readonly automation: string;
  /** Unix ms. */
  readonly at: Millis;
  readonly ended: Millis | null;
  /** What set it off: `cron 30 6 * * MON-FRI`, `presence bathroom`, `by hand (mqtt)`. */
  readonly trigger: string;
  readonly result: RunResult;
  /** Why, in a sentence. */
  readonly why: string;
  /** Each condition with the value it saw, each action with its outcome. */
  readonly steps: readonly { readonly what: string; readonly outcome: string; readonly at: Millis }[];
}

export interface AutomationView {
  readonly id: string;
  readonly name: string;
  readonly kind: 'rule' | 'alarm';
  readonly enabled: boolean;
  /** The next firing known beforehand, Unix ms; null where it depends on what happens. Skipped ones are passed over. */
  readonly next: Millis | null;
  /** The next planned firing will be passed over. */
  readonly skipsNext: boolean;
  readonly last: RunView | null;
  /** Zones it may act on. */
  readonly zones: readonly string[];
  /** Of alarms only. */
  readonly alarm: { readonly time: string; readonly days: readonly Weekday[]; readonly state: 'idle' | 'ringing' | 'snoozed'; readonly snoozedUntil: Millis | null } | null;
}

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

/** Firings to come, and why those in between will not happen. */
export interface Forecast {
  readonly automation: string;
  readonly firings: readonly { readonly at: Millis; readonly runs: boolean; readonly why: string }[];
}

export interface PersonView {
  readonly id: string;
  readonly name: string;
  readonly presence: 'present' | 'absent' | 'unknown';
  /** Where, if known. */
  readonly room: string | null;
}

export interface AutomationsPicture {
  readonly automations: readonly AutomationView[];
  /** False: nothing fires by itself; by hand everything still runs. */
  readonly enabled: boolean;
  /** Presence rules are suspended. */
  readonly guestMode: boolean;
  readonly quiet: boolean;
  readonly people: readonly PersonView[];
  readonly rooms: readonly { readonly id: string; readonly presence: 'present' | 'absent' | 'unknown' }[];
}

/** What surfaces see of automations and alarms. Rejections are `TonearmError`s: `not-found`, `invalid`, `conflict`. */
export interface Automations {
  readonly picture: AutomationsPicture;
  readonly events: Events<{ changed: AutomationsPicture; ran: RunView }>;
  /** Null where tags are not set. */
  readonly tags: Tags | null;
  /** Kept across restarts. Without an id: all of them. */
  enable(id: string | null, on: boolean): Promise<void>;
  setGuestMode(on: boolean): Promise<void>;
  /** By hand: conditions are not asked. Resolves once it has begun. */
  run(id: string, by: string): Promise<void>;
  /** It was defined anew or removed: what was switched or moved by hand holds no more. Also of one that is not here yet. Never rejects. */
  forget(id: string): Promise<void>;
  /** Passes over the next planned firing, or takes that back. */
  skipNext(id: string, on: boolean): Promise<void>;
  /** `07:15`; kept across restarts. Of alarms only. */
  setTime(id: string, time: string): Promise<void>;
  /** Rings again later; every ringing alarm when none is named. Rejects with `conflict` when none rings. */
  snooze(id: string | null, by: string): Promise<void>;
  /** Ends the ringing for today. */
  stop(id: string | null, by: string): Promise<void>;
  /** The next planned firings, newest knowledge of conditions included. */
  forecast(id: string, count: number): Promise<Forecast>;
  /** Newest first; of all when none is named. */
  history(id: string | null, count: number): readonly RunView[];
}
