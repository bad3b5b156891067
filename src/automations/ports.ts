import type { Automations, AutomationView, Forecast, HomeMessages, Host, Launch, Millis, PersonView, Presets, Programs, RunResult, RunView, ZoneView } from '#core';
import type { Events } from '#foundation';

/** What the whole room is given by the composition root. */
export interface AutomationsContext {
  readonly zones: readonly ZoneView[];
  readonly presets: Presets;
  readonly messages: HomeMessages;
  readonly host: Pick<Host, 'clock' | 'log' | 'store'> & { readonly programs: Pick<Programs, 'holidaysThread'> };
  /** Gets something from the web, as the owner set it up; without it calendars are not asked for. */
  readonly fetch?: ((url: string, options: { readonly signal: AbortSignal; readonly limit: number; readonly redirects?: number }) => Promise<Uint8Array>) | undefined;
  /** Asks something of the web; resolves with the status of the answer. Rejects when nobody answers. */
  readonly request?: ((url: string, options: WebRequest) => Promise<number>) | undefined;
  /** Starts a program of the owner's; resolves with its end. Rejects when it cannot be started; aborted, it is ended. */
  readonly launch?: Launch | undefined;
}

export interface WebRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

// Presence (presence/)

export type Presence = PersonView['presence'];

/** Of whom or of what it is said: a person, a room, or the house as a whole. Text form: `person anna`, `room kitchen`, `house`. */
export type PresenceSubject = { readonly kind: 'person' | 'room'; readonly id: string } | { readonly kind: 'house' };

export interface PresenceChange {
  readonly subject: PresenceSubject;
  readonly from: Presence;
  readonly to: Presence;
  /**
   * It really happened: may set rules off. False for what was merely learnt: the first value after a (re)connect, to and from `unknown`,
   * and everything while guest mode is on.
   */
  readonly isEdge: boolean;
  /** Unix ms. */
  readonly at: Millis;
}

/** Who is where, three-valued. Debouncing, agreement of several sensors and ageing have been done already. */
export interface PresenceView {
  /** `unknown` for whoever nobody watches. */
  of(subject: PresenceSubject): Presence;
  readonly people: readonly PersonView[];
  readonly rooms: readonly { readonly id: string; readonly presence: Presence }[];
  readonly events: Events<{ changed: PresenceChange }>;
}

export interface OpenPresence extends PresenceView, AsyncDisposable {
  /** Presence sets nothing off until it is switched off again. The engine keeps the switch. */
  setGuestMode(on: boolean): void;
}

// Time (schedule.ts, timetable.ts)

/** Degrees, north and east positive. */
export interface SunPlace {
  readonly latitude: number;
  readonly longitude: number;
}

/** Moments that can be known beforehand. Pure. */
export interface Schedule {
  /** As people write it: `cron 30 6 * * MON-FRI`. */
  readonly text: string;
  /** The first moment later than `moment`, Unix ms; null when there is none within eight years. */
  after(moment: Millis): Millis | null;
}

/** What becomes of a firing that fell into a time when the daemon was off or the machine asleep. */
export type MissedPolicy = 'skip' | { readonly catchUp: Millis };

export interface Firing {
  /** When it was planned for, Unix ms. */
  readonly planned: Millis;
  /** By how much it comes late, ms; more than a second only when it is caught up. */
  readonly late: Millis;
}

export interface PlanOptions {
  /** Under which last moments are remembered across restarts: `rule:morning`, `alarm:weekday`. */
  readonly id: string;
  readonly schedule: Schedule;
  readonly missed: MissedPolicy;
  /** Somebody set it just now: nothing of it was missed, whatever was planned under this name before a restart. */
  readonly isNew?: boolean;
  /** It is time. Must not throw. */
  fire(firing: Firing): void;
  /** It was time, too long ago. */
  lost?(firing: Firing): void;
  /** The clock was set back: what has been comes again. */
  setBack?(): void;
}

/** Wakes on the clock; notices jumps of it, sleep of the machine and restarts. */
export interface Timetable {
  /** Until disposed. Plans of one id may be several. */
  plan(options: PlanOptions): Disposable;
}

// Memory and history

/** What an owner switched by hand, kept across restarts (store name `automations`). Values are small JSON. */
export interface Memory {
  /** `enabled`, `skips`, `time` … of one automation; undefined when never set. */
  get(id: string, key: string): unknown;
  /** Undefined forgets it. Resolves once it is kept; never rejects (a full disk is logged). */
  set(id: string, key: string, value: unknown): Promise<void>;
  /** Everything of this one, with the same promises. */
  forget(id: string): Promise<void>;
}

/** One firing while it goes on. Ended once; later calls change nothing. */
export interface RunRecord {
  readonly view: RunView;
  /** A condition with the value it saw, or an action with its outcome. */
  step(what: string, outcome: string): void;
  end(result: Exclude<RunResult, 'running'>, why: string): void;
}

/** Firings of all automations, newest first, bounded and kept (store name `automation-history`). */
export interface History {
  begin(automation: string, trigger: string): RunRecord;
  list(automation: string | null, count: number): readonly RunView[];
  readonly events: Events<{ ran: RunView }>;
}

export interface FreeDays {
  /** Its name on this day (`2026-12-25`), or null. */
  readonly on: (day: string) => string | null;
}

/** The free days of the house. */
export interface Holidays extends FreeDays {
  /** Grows whenever days have come or gone. */
  readonly edition: number;
  onChanged(run: () => void): void;
}

// Alarms (alarm/)

/** What the alarms are given by the engine. */
export interface AlarmParts extends AutomationsContext {
  readonly presence: PresenceView;
  readonly timetable: Timetable;
  readonly memory: Memory;
  readonly history: History;
  readonly holidays: Holidays;
  /** IANA name for schedules that name none. */
  readonly timezone: string;
  /** Nothing fires by itself while it is false; by hand everything still does. */
  readonly isEnabled: () => boolean;
}

/**
 * What the engine merges into its own picture: it asks the alarms for every id that `views` holds. The same promises as in `Automations`.
 * Enabling and skipping are the alarms' own work, kept in `memory` under the keys `enabled` and `skips`.
 */
export interface Alarms extends Pick<Automations, 'run' | 'forget' | 'skipNext' | 'setTime' | 'snooze' | 'stop'> {
  readonly views: readonly AutomationView[];
  readonly events: Events<{ changed: undefined }>;
  /** `byPerson`: one that rings and is switched off falls silent, too. */
  enable(id: string, on: boolean, byPerson: boolean): Promise<void>;
  forecast(id: string, count: number): Promise<Forecast>;
}

export interface OpenAlarms extends Alarms, AsyncDisposable {}
