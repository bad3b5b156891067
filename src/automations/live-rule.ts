import type { AutomationView, Forecast, Host, Millis } from '#core';
import { Scope } from '#foundation';
import { isTimed, type TimeTrigger } from './triggers.ts';
import type { Facts } from './facts.ts';
import type { History, Holidays, Memory, Schedule, SunPlace, Timetable } from './ports.ts';
import { freshRule, judge, stepRule, whyNotOn, type Cause, type RuleInput, type RuleState, type RuleStep } from './rule-machine.ts';
import { Run, type RunPorts } from './run.ts';
import { cronSchedule, sunSchedule } from './schedule.ts';
import type { RuleSettings } from './settings.ts';
import { isInTime, type Unfinished } from './unfinished.ts';
import { watch, type Notice } from './watch.ts';
import { dayOf, nextMidnight, sayMoment } from './zone-time.ts';

const day = 86_400_000;
/** Nobody looks further ahead for a day on which it may run. */
const furthest = 400 * day;

/** What all rules share. */
export interface RuleWorld {
  readonly host: Pick<Host, 'clock' | 'log'>;
  readonly timezone: string;
  readonly place: SunPlace | null;
  readonly memory: Memory;
  readonly history: History;
  readonly holidays: Holidays;
  readonly timetable: Timetable;
  readonly unfinished: Unfinished;
  readonly doing: Omit<RunPorts, 'paused'>;
  readonly factsAt: (moment: Millis) => Facts;
  readonly areAllEnabled: () => boolean;
  readonly guestMode: () => boolean;
  /** Which automations led to what was noticed. */
  readonly chainOf: (notice: Notice) => readonly string[];
  readonly changed: () => void;
}

/** One rule at work: its triggers, its switches, its runs. */
export class LiveRule implements AsyncDisposable {
  readonly rule: RuleSettings;
  readonly #world: RuleWorld;
  readonly #schedules: readonly Schedule[];
  readonly #scope = new Scope();
  readonly #runs = new Map<number, { readonly run: Run; readonly over: Promise<void> }>();
  #state: RuleState = freshRule;
  #next: { readonly asked: Millis; readonly skips: boolean; readonly edition: number; readonly moment: Millis | null } | null = null;
  /** Automations that led to what it did last. */
  #chain: readonly string[] = [];

  constructor(rule: RuleSettings, world: RuleWorld) {
    this.rule = rule;
    this.#world = world;
    this.#schedules = rule.when.filter(isTimed).map((trigger) => scheduleOf(trigger, world));
  }

  /** Begins to listen. What waited when the daemon ended goes on, unless its time is long gone. */
  start(): void {
    const { timetable, doing, chainOf } = this.#world;
    for (const schedule of this.#schedules) {
      this.#scope.use(
        timetable.plan({
          id: `rule:${this.rule.id}`,
          schedule,
          missed: this.rule.missed,
          fire: ({ planned, late }) => this.fire({ kind: 'time', text: late > 60_000 ? `${schedule.text} (planned for ${sayMoment(planned, this.#world.timezone)})` : schedule.text, chain: [] }),
          lost: ({ planned }) => this.#missed(schedule.text, planned),
        }),
      );
    }
    for (const trigger of this.rule.when) {
      if (isTimed(trigger)) continue;
      this.#scope.use(watch(trigger, doing, { isState: false }, (notice) => this.fire({ kind: notice.kind, text: notice.text, chain: chainOf(notice) })));
    }
    for (const pause of this.#world.unfinished.of(this.rule)) {
      // What went on although something was off goes on after a restart, too.
      const isMeant = (this.isEnabled || pause.wasOff) && (this.#world.areAllEnabled() || pause.cause.kind === 'hand');
      if (isMeant && isInTime(pause.until, this.#world.host.clock.now(), this.rule.missed)) this.#resume(pause);
      else this.#world.history.begin(this.rule.id, pause.cause.text).end('missed', isMeant ? 'The daemon was off when its waiting was over, so the rest was left.' : 'It was switched off, so the rest was left.');
    }
  }

  fire(cause: Cause): void {
    // Another that is still open may run it while all are closing.
    if (this.#scope.signal.aborted) return;
    const { host, factsAt } = this.#world;
    this.#take({ type: 'fired', cause, facts: factsAt(host.clock.now()), switches: this.#switches });
  }

  /** A person ended what it had begun. */
  refused(): void {
    this.#take({ type: 'refused', now: this.#world.host.clock.now() });
  }

  /** A person plays something else there now, or has ended it. */
  lose(zone: string, why: string): void {
    for (const { run } of this.#runs.values()) run.lose(zone, why);
  }

  /** It was switched off: what goes on ends, and what waits for its turn is dropped, as far as `isMeant`. A run has a key. */
  end(why: string, isMeant: (cause: Cause, key?: string) => boolean): void {
    this.#state = { ...this.#state, queue: this.#state.queue.filter((cause) => !isMeant(cause)) };
    for (const { run } of this.#runs.values()) if (isMeant(run.cause, run.key)) run.interrupt(why);
  }

  isLive(key: string): boolean {
    return [...this.#runs.values()].some(({ run }) => run.key === key);
  }

  get chain(): readonly string[] {
    return this.#chain;
  }

  get isEnabled(): boolean {
    const kept = this.#world.memory.get(this.rule.id, 'enabled');
    return typeof kept === 'boolean' ? kept : this.rule.enabled;
  }

  async enable(on: boolean): Promise<void> {
    const kept = this.#world.memory.set(this.rule.id, 'enabled', on === this.rule.enabled ? undefined : on);
    this.#world.changed();
    await kept;
  }

  get skipsNext(): boolean {
    return this.#world.memory.get(this.rule.id, 'skips') === true;
  }

  async skipNext(on: boolean): Promise<void> {
    const kept = this.#world.memory.set(this.rule.id, 'skips', on ? true : undefined);
    this.#world.changed();
    await kept;
  }

  view(last: AutomationView['last'], zones: readonly string[]): AutomationView {
    const { id, name = id } = this.rule;
    return { id, name, kind: 'rule', enabled: this.isEnabled, next: this.isEnabled && this.#world.areAllEnabled() ? this.#nextMoment() : null, skipsNext: this.skipsNext, last, zones, alarm: null };
  }

  /** The next planned firings, and what would become of each as far as that is known now. */
  forecast(count: number): Forecast {
    const firings: { at: Millis; runs: boolean; why: string }[] = [];
    let skips = this.skipsNext;
    let at: Millis | null = this.#world.host.clock.now();
    while (firings.length < count && (at = this.#after(at)) !== null) {
      const { why, usesSkip } = judge(this.rule, this.#world.factsAt(at), { ...this.#switches, skipsNext: skips }, { kind: 'time' });
      skips &&= !usesSkip;
      firings.push({ at, runs: why === null, why: why ?? (this.rule.if.length === 0 ? 'It has no conditions.' : 'As things are now, its conditions hold then.') });
    }
    return { automation: this.rule.id, firings };
  }

  /** Ends everything; runs that wait are kept. Resolves when none goes on. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
    this.#state = { ...this.#state, queue: [] };
    for (const { run } of this.#runs.values()) run.close();
    await Promise.all([...this.#runs.values()].map(({ over }) => over));
  }

  get #switches() {
    return { isEnabled: this.isEnabled, areAllEnabled: this.#world.areAllEnabled(), skipsNext: this.skipsNext, guestMode: this.#world.guestMode() };
  }

  #take(input: RuleInput): void {
    const { state, steps } = stepRule(this.rule, this.#state, input);
    this.#state = state;
    for (const step of steps) this.#do(step);
    this.#world.changed();
  }

  #do(step: RuleStep): void {
    const { history, memory } = this.#world;
    switch (step.type) {
      case 'start': {
        const record = history.begin(this.rule.id, step.cause.text);
        for (const { what, saw, holds } of step.weighed) record.step(`if ${what}`, `${holds ? 'yes' : 'no'}: ${saw}`);
        this.#begin(new Run(this.rule, step.run, step.cause, record, this.#portsOf(step.run)), step.run);
        return;
      }
      case 'abort':
        this.#runs.get(step.run)?.run.interrupt(step.why);
        return;
      case 'skip': {
        const record = history.begin(this.rule.id, step.cause.text);
        for (const { what, saw, holds } of step.weighed) record.step(`if ${what}`, `${holds ? 'yes' : 'no'}: ${saw}`);
        record.end('skipped', step.why);
        return;
      }
      case 'queued':
        return;
      case 'skipped-next':
        void memory.set(this.rule.id, 'skips', undefined);
    }
  }

  #begin(run: Run, number: number, from?: Parameters<Run['go']>[0]): void {
    this.#chain = run.cause.chain;
    const over = run.go(from).then(() => {
      this.#runs.delete(number);
      const { result } = run.record.view;
      if (result === 'failed') this.#world.host.log.warn(`The automation “${this.rule.id}” failed: ${run.record.view.why}`);
      this.#take({ type: 'ended', run: number });
    });
    this.#runs.set(number, { run, over });
  }

  #portsOf(number: number): RunPorts {
    const { unfinished, doing } = this.#world;
    return { ...doing, paused: (pause) => void unfinished.note(`${this.rule.id}#${number}`, this.rule, pause && { ...pause, wasOff: !this.isEnabled }) };
  }

  #resume(pause: Parameters<NonNullable<RunPorts['paused']>>[0] & object): void {
    const number = this.#state.next;
    this.#state = { ...this.#state, next: number + 1, running: [...this.#state.running, number] };
    const record = this.#world.history.begin(this.rule.id, pause.cause.text);
    record.step('restart', 'goes on where it waited');
    this.#begin(new Run(this.rule, number, pause.cause, record, this.#portsOf(number)), number, pause);
  }

  #missed(text: string, planned: Millis): void {
    if (!this.isEnabled || !this.#world.areAllEnabled() || !this.#isItsDay(planned)) return;
    this.#world.history.begin(this.rule.id, text).end('missed', `It was due at ${sayMoment(planned, this.#world.timezone)}, when the daemon was off or the machine asleep.`);
    if (this.skipsNext) void this.skipNext(false);
    this.#world.changed();
  }

  #after(moment: Millis): Millis | null {
    return this.#schedules.reduce<Millis | null>((first, schedule) => {
      const next = schedule.after(moment);
      return next === null || (first !== null && first < next) ? first : next;
    }, null);
  }

  /** The same, on one of its days. */
  #afterOnItsDays(moment: Millis): Millis | null {
    for (let at = this.#after(moment); at !== null; at = this.#after(nextMidnight(at, this.#world.timezone) - 1)) {
      if (this.#isItsDay(at)) return at;
      if (at > moment + furthest) break;
    }
    return null;
  }

  #isItsDay(moment: Millis): boolean {
    const { holidays, timezone } = this.#world;
    return whyNotOn(this.rule, dayOf(moment, timezone), { holiday: holidays.on }) === null;
  }

  /** Asked for with every picture, so it is worked out only when it has passed. */
  #nextMoment(): Millis | null {
    const now = this.#world.host.clock.now();
    const skips = this.skipsNext;
    const { edition } = this.#world.holidays;
    const known = this.#next;
    if (known && known.skips === skips && known.edition === edition && known.asked <= now && now < (known.moment ?? known.asked + day)) return known.moment;
    const first = this.#afterOnItsDays(now);
    const moment = skips && first !== null ? this.#afterOnItsDays(first) : first;
    this.#next = { asked: now, skips, edition, moment };
    return moment;
  }
}

function scheduleOf(trigger: TimeTrigger, { timezone, place }: RuleWorld): Schedule {
  if ('cron' in trigger) return cronSchedule(trigger.cron, trigger.timezone ?? timezone);
  // The configuration has been checked: without a place there is no sun in it.
  return place ? sunSchedule(trigger.sun.event, trigger.sun.offset, place) : { text: trigger.sun.event, after: () => null };
}

