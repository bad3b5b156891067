import type { AutomationView, Forecast, Millis, Origin, RunView, ZoneView } from '#core';
import { Scope, TonearmError, type Log } from '#foundation';
import { sayDuration } from '../duration.ts';
import type { AlarmParts, Firing, FreeDays, RunRecord, Schedule } from '../ports.ts';
import { isPerson, type RingPhase } from './alarm-machine.ts';
import { alarmSchedule, nextRing, planned, whySilent, type DayRules } from './dates.ts';
import { Ringer, type RingMemory } from './ringer.ts';
import { timeText, type AlarmSettings } from './settings.ts';

const recheck = 3_600_000;
/** A time that is to be passed over is known until after it has come, which is never on the millisecond. */
const passing = 60_000;

/** One alarm: when it rings, what is kept of it, and what came of it. */
export class Alarm implements AsyncDisposable {
  readonly id: string;
  readonly #settings: AlarmSettings;
  readonly #parts: AlarmParts;
  readonly #zone: ZoneView;
  readonly #skipDays: FreeDays;
  readonly #log: Log;
  readonly #changed: () => void;
  readonly #scope = new Scope();
  readonly #ringer: Ringer;
  #plan: Disposable | null = null;
  #record: RunRecord | null = null;
  #shown: RingPhase = 'idle';
  /** Worked out seldom: everybody who looks at the picture asks. */
  #dates: { readonly time: string; readonly schedule: Schedule } | null = null;
  #foreseen: { readonly key: string; readonly from: Millis; readonly next: Millis | null } | null = null;

  constructor(settings: AlarmSettings, parts: AlarmParts, { zone, skipDays, log, changed }: { readonly zone: ZoneView; readonly skipDays: FreeDays; readonly log: Log; readonly changed: () => void }) {
    this.id = settings.id;
    this.#settings = settings;
    this.#parts = parts;
    this.#zone = zone;
    this.#skipDays = skipDays;
    this.#log = log;
    this.#changed = changed;
    this.#ringer = this.#scope.use(
      new Ringer(settings, {
        zone,
        presets: parts.presets,
        clock: parts.host.clock,
        log,
        changed: () => this.#rang(),
        note: (what, outcome) => this.#record?.step(what, outcome),
        ended: (result, why) => this.#over(result, why),
      }),
    );
    this.#scope.defer(() => this.#plan?.[Symbol.dispose]());
    this.#schedule(false);
  }

  /** Goes on ringing where a daemon before this one had to stop. */
  resume(): void {
    const kept = ringMemory(this.#parts.memory.get(this.id, 'ringing'));
    if (!kept) return;
    const now = this.#parts.host.clock.now();
    // A clock that was set back would make it ring for hours.
    const longest = this.#settings.giveUp + this.#settings.snooze;
    if (now >= kept.endsAt || kept.endsAt - now > longest) {
      void this.#keep('ringing', undefined);
      this.#parts.history.begin(this.id, this.#times.text).end('interrupted', 'Tonearm was off while it rang, and started again too late.');
      return;
    }
    this.#record = this.#parts.history.begin(this.id, 'going on after a restart');
    this.#log.info(`The alarm “${this.name}” was ringing when Tonearm ended: it goes on.`);
    this.#ringer.resume(kept);
  }

  get name(): string {
    return this.#settings.name ?? this.id;
  }

  get isEnabled(): boolean {
    const kept = this.#parts.memory.get(this.id, 'enabled');
    return typeof kept === 'boolean' ? kept : this.#settings.enabled;
  }

  get isRinging(): boolean {
    return this.#ringer.phase !== 'idle';
  }

  get time(): string {
    const kept = this.#parts.memory.get(this.id, 'time');
    return typeof kept === 'string' ? kept : this.#settings.time;
  }

  get view(): AutomationView {
    const { phase, memory } = this.#ringer;
    const next = this.isEnabled ? this.#next : null;
    return {
      id: this.id,
      name: this.name,
      kind: 'alarm',
      enabled: this.isEnabled,
      next,
      skipsNext: this.#passedOver.length > 0,
      last: this.#last,
      zones: [this.#zone.id],
      alarm: {
        time: this.time,
        days: this.#settings.days,
        state: phase === 'idle' ? 'idle' : phase === 'snoozed' ? 'snoozed' : 'ringing',
        snoozedUntil: memory?.snoozedUntil ?? null,
      },
    };
  }

  async enable(on: boolean, byPerson: boolean): Promise<void> {
    // Whoever switches it off while it rings or snoozes has heard it; a rule has not.
    if (!on && byPerson && this.isRinging) this.#ringer.stop('switched off');
    if (on !== this.isEnabled) await this.#keep('enabled', on);
    this.#changed();
  }

  /** By hand: rings now, whatever the day. */
  ring(by: Origin): void {
    if (this.isRinging) throw new TonearmError({ kind: 'conflict', code: 'alarm/ringing-already', message: `The alarm “${this.name}” is ringing already. Stop it first.` });
    this.#begin(`by hand (${by})`);
  }

  /** Defined anew: its times are those of the configuration again. What rings goes on. */
  async forget(): Promise<void> {
    const kept = this.#parts.memory.forget(this.id);
    this.#schedule(true);
    this.#rang();
    this.#changed();
    await kept;
  }

  async skipNext(on: boolean): Promise<void> {
    const next = on ? nextRing(this.#times, { ...this.#rules, passedOver: [] }, this.#now) : null;
    if (on && next === null) throw new TonearmError({ kind: 'conflict', code: 'alarm/nothing-planned', message: `The alarm “${this.name}” has no time planned, so there is nothing to pass over.` });
    await this.#keep('skips', next === null ? undefined : [next]);
    this.#changed();
  }

  async setTime(time: string): Promise<void> {
    const skips = this.#passedOver.length > 0;
    await this.#keep('time', timeText(time));
    this.#schedule(true);
    // The next one stays the one to be passed over, whenever it is now.
    if (skips) await this.skipNext(true);
    this.#changed();
  }

  snooze(by: Origin): void {
    this.#ringer.snooze(by);
  }

  stop(by: Origin): void {
    this.#ringer.stop(by);
  }

  forecast(count: number): Forecast {
    const blocked = this.#whyOff();
    const firings = [...planned(this.#times, this.#rules, this.#now, count)].map(({ at, why }, index) => {
      const spent = this.#settings.oneOff && index > 0 ? 'rings once only' : null;
      const silent = blocked ?? why ?? spent;
      return { at, runs: silent === null, why: silent ?? this.#times.text };
    });
    return { automation: this.id, firings };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }

  #schedule(isNew: boolean): void {
    this.#plan?.[Symbol.dispose]();
    const { timetable } = this.#parts;
    this.#plan = timetable.plan({
      id: `alarm:${this.id}`,
      schedule: this.#times,
      missed: { catchUp: this.#settings.late },
      isNew,
      fire: (firing) => this.#due(firing),
      lost: (firing) => this.#lost(firing),
    });
  }

  #due(firing: Firing): void {
    if (this.#isMeant(firing) && !this.isRinging) this.#begin(`${this.#times.text}${firing.late > 1000 ? `, ${sayDuration(firing.late)} late` : ''}`);
    this.#changed();
  }

  #lost(firing: Firing): void {
    if (this.#isMeant(firing)) this.#parts.history.begin(this.id, this.#times.text).end('missed', `Tonearm was off or the machine asleep; ${sayDuration(firing.late)} late is too late.`);
    this.#changed();
  }

  /** Whether nothing speaks against this one; it is used up either way. */
  #isMeant({ planned: moment }: Firing): boolean {
    const passedOver = this.#skips;
    const why = this.#whyOff() ?? whySilent(moment, { ...this.#rules, passedOver });
    if (passedOver.length > 0 && passedOver.every((skipped) => skipped <= moment)) void this.#keep('skips', undefined);
    if (why !== null && this.isEnabled) this.#parts.history.begin(this.id, this.#times.text).end('skipped', sentence(why));
    if (why === null && this.#settings.oneOff) void this.#keep('enabled', false);
    return why === null;
  }

  #begin(trigger: string): void {
    this.#record = this.#parts.history.begin(this.id, trigger);
    const { by, status } = this.#zone.player.state;
    if (status === 'playing' && isPerson(by.started)) this.#record.step('Zone', `${by.started ?? ''} plays there; the alarm takes over`);
    this.#log.info(`The alarm “${this.name}” rings in “${this.#zone.name}”.`);
    this.#ringer.begin();
  }

  #rang(): void {
    const { phase, memory } = this.#ringer;
    if (!isSame(memory, ringMemory(this.#parts.memory.get(this.id, 'ringing')))) void this.#keep('ringing', memory ?? undefined);
    if (phase !== this.#shown) {
      this.#shown = phase;
      this.#changed();
    }
  }

  #over(result: 'done' | 'interrupted', why: string): void {
    this.#record?.end(result, why);
    this.#record = null;
    this.#log.info(`The alarm “${this.name}” is over. ${why}`);
  }

  get #now(): Millis {
    return this.#parts.host.clock.now();
  }

  get #timezone(): string {
    return this.#settings.timezone ?? this.#parts.timezone;
  }

  /** Its times, as set now. */
  get #times(): Schedule {
    const { time } = this;
    if (this.#dates?.time !== time) this.#dates = { time, schedule: alarmSchedule(time, this.#settings.days, this.#timezone) };
    return this.#dates.schedule;
  }

  /** The next moment it rings. */
  get #next(): Millis | null {
    const now = this.#now;
    const key = `${this.time} ${this.#parts.holidays.edition} ${this.#passedOver.join()}`;
    const before = this.#foreseen;
    if (before?.key === key && now >= before.from && now < before.from + recheck && (before.next === null || now < before.next)) return before.next;
    const next = nextRing(this.#times, this.#rules, now);
    this.#foreseen = { key, from: now, next };
    return next;
  }

  /** As they were asked for, however long ago. */
  get #skips(): readonly Millis[] {
    const kept = this.#parts.memory.get(this.id, 'skips');
    return Array.isArray(kept) ? kept.filter((moment) => typeof moment === 'number') : [];
  }

  get #passedOver(): readonly Millis[] {
    return this.#skips.filter((moment) => moment > this.#now - Math.max(this.#settings.late, passing));
  }

  get #rules(): DayRules {
    return { timezone: this.#timezone, holidays: this.#settings.holidays, calendar: this.#parts.holidays, skip: this.#skipDays, passedOver: this.#passedOver };
  }

  get #last(): RunView | null {
    return this.#record?.view ?? this.#parts.history.list(this.id, 1)[0] ?? null;
  }

  #whyOff(): string | null {
    if (!this.isEnabled) return 'switched off';
    return this.#parts.isEnabled() ? null : 'all automations are switched off';
  }

  #keep(key: string, value: unknown): Promise<void> {
    return this.#parts.memory.set(this.id, key, value);
  }
}

function sentence(why: string): string {
  return `${why.slice(0, 1).toUpperCase()}${why.slice(1)}.`;
}

/** To the second: wall time and time passed are never read at once. */
function isSame(a: RingMemory | null, b: RingMemory | null): boolean {
  if (!a || !b) return a === b;
  const isNear = (one: Millis | null, other: Millis | null) => (one === null || other === null ? one === other : Math.abs(one - other) < 1000);
  return isNear(a.endsAt, b.endsAt) && isNear(a.snoozedUntil, b.snoozedUntil);
}

function ringMemory(kept: unknown): RingMemory | null {
  const { snoozedUntil, endsAt } = (kept ?? {}) as Partial<RingMemory>;
  if (typeof endsAt !== 'number') return null;
  return { endsAt, snoozedUntil: typeof snoozedUntil === 'number' ? snoozedUntil : null };
}
