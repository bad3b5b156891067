import type { Millis } from '#core';
import { sayDuration } from './duration.ts';
import type { Facts } from './facts.ts';
import type { RuleSettings } from './settings.ts';
import { weigh, type Weighed } from './weigh.ts';
import { dayOf } from './zone-time.ts';

/** What set a rule off. */
export interface Cause {
  readonly kind: 'time' | 'presence' | 'event' | 'rule' | 'hand';
  /** For people: `cron 30 6 * * MON-FRI`, `presence room bath present`, `by hand (mqtt)`. */
  readonly text: string;
  /** Automations whose doing led here, the first one first; without this rule itself unless it comes round. */
  readonly chain: readonly string[];
}

/** What a rule remembers between firings. Frozen; the machine makes a new one. */
export interface RuleState {
  /** Runs under way, oldest first. */
  readonly running: readonly number[];
  readonly queue: readonly Cause[];
  /** Firings by itself lately. */
  readonly recent: readonly Millis[];
  /** A person said no; events are not heard until then. */
  readonly coolUntil: Millis;
  /** Number of the next run. */
  readonly next: number;
}

export const freshRule: RuleState = { running: [], queue: [], recent: [], coolUntil: 0, next: 1 };

/** What an owner switched, and what holds for all. */
export interface Switches {
  readonly isEnabled: boolean;
  readonly areAllEnabled: boolean;
  readonly skipsNext: boolean;
  readonly guestMode: boolean;
}

export type RuleInput =
  | { readonly type: 'fired'; readonly cause: Cause; readonly facts: Facts; readonly switches: Switches }
  | { readonly type: 'ended'; readonly run: number }
  | { readonly type: 'refused'; readonly now: Millis };

export type RuleStep =
  | { readonly type: 'start'; readonly run: number; readonly cause: Cause; readonly weighed: readonly Weighed[] }
  /** A run under way gives way. */
  | { readonly type: 'abort'; readonly run: number; readonly why: string }
  | { readonly type: 'skip'; readonly cause: Cause; readonly why: string; readonly weighed: readonly Weighed[] }
  | { readonly type: 'queued'; readonly cause: Cause }
  /** The one skip that was asked for is used up. */
  | { readonly type: 'skipped-next' };

/** So many runs wait or go on side by side; more are left out. */
const most = 10;
/** A rule sets off a rule sets off a rule …: no longer than this. */
const longestChain = 5;

/** Pure: what a firing leads to. */
export function stepRule(rule: RuleSettings, state: RuleState, input: RuleInput): { readonly state: RuleState; readonly steps: readonly RuleStep[] } {
  switch (input.type) {
    case 'ended': {
      const running = state.running.filter((run) => run !== input.run);
      const [waiting, ...queue] = state.queue;
      if (running.length > 0 || !waiting) return { state: { ...state, running }, steps: [] };
      return start(rule, { ...state, running, queue }, waiting, []);
    }
    case 'refused':
      return { state: { ...state, coolUntil: input.now + rule.coolDown, queue: [] }, steps: [] };
    case 'fired':
      return fire(rule, state, input);
  }
}

export interface Judgement {
  /** Why it would not run; null when it would. */
  readonly why: string | null;
  readonly weighed: readonly Weighed[];
  /** It is the one that was to be skipped. */
  readonly usesSkip: boolean;
}

/** Whether it would run now, conditions included. Overlap is not asked: it depends on what happens until then. */
export function judge(rule: RuleSettings, facts: Facts, switches: Switches, cause: Pick<Cause, 'kind'>): Judgement {
  const no = (why: string, usesSkip = false) => ({ why, weighed: [], usesSkip });
  if (!switches.areAllEnabled) return no('Automations are switched off.');
  if (!switches.isEnabled) return no('This automation is switched off.');
  // A day on which it does not run is not the next time somebody wants to be skipped.
  const notToday = whyNotOn(rule, dayOf(facts.now, facts.timezone), facts);
  if (notToday !== null) return no(notToday);
  if (switches.skipsNext && cause.kind === 'time') return no('It was told to skip this one.', true);
  if (switches.guestMode && cause.kind === 'presence') return no('Guest mode is on, so presence sets nothing off.');
  const weighed = rule.if.map((condition) => weigh(condition, facts, rule));
  const first = weighed.find(({ holds }) => !holds);
  return { why: first ? `Not so: ${first.what} (${first.saw}).` : null, weighed, usesSkip: false };
}

/** Why this day (`2026-12-25`) is none of its days; null when it is one. */
export function whyNotOn(rule: RuleSettings, day: string, { holiday }: Pick<Facts, 'holiday'>): string | null {
  if (rule.holidays === 'run') return null;
  const name = holiday(day);
  if (name === null) return rule.holidays === 'only' ? 'It is no holiday.' : null;
  return rule.holidays === 'skip' ? `It is a holiday (${name}).` : null;
}

function fire(rule: RuleSettings, state: RuleState, { cause, facts, switches }: Extract<RuleInput, { type: 'fired' }>): ReturnType<typeof stepRule> {
  const skip = (why: string, weighed: readonly Weighed[] = [], more: readonly RuleStep[] = []) => ({ state, steps: [{ type: 'skip', cause, why, weighed } as const, ...more] });
  if (cause.kind === 'hand') return overlap(rule, state, cause, []);
  if (cause.chain.includes(rule.id)) return skip(`Automations set each other off in a circle: ${[...cause.chain, rule.id].join(' → ')}. It was stopped here.`);
  if (cause.chain.length >= longestChain) return skip(`Too many automations set each other off, one after the other: ${[...cause.chain, rule.id].join(' → ')}.`);
  // A clock that was set back makes it no longer.
  if (facts.now < state.coolUntil && state.coolUntil - facts.now <= rule.coolDown && (cause.kind === 'presence' || cause.kind === 'event')) {
    return skip(`A person ended what it had started, so it stays quiet for ${sayDuration(state.coolUntil - facts.now)} more.`);
  }
  const { why, weighed, usesSkip } = judge(rule, facts, switches, cause);
  if (why !== null) return skip(why, weighed, usesSkip ? [{ type: 'skipped-next' }] : []);
  const recent = state.recent.filter((at) => at > facts.now - rule.budget.per && at <= facts.now);
  if (recent.length >= rule.budget.runs) {
    return skip(`It ran ${recent.length} times within ${sayDuration(rule.budget.per)}, which is as often as it may. Something seems to go round in a circle.`, weighed);
  }
  return overlap(rule, { ...state, recent: [...recent, facts.now] }, cause, weighed);
}

function overlap(rule: RuleSettings, state: RuleState, cause: Cause, weighed: readonly Weighed[]): ReturnType<typeof stepRule> {
  const skip = (why: string) => ({ state, steps: [{ type: 'skip', cause, why, weighed } as const] });
  if (state.running.length === 0) return start(rule, state, cause, weighed);
  switch (rule.mode) {
    case 'single':
      return skip('It is still running from before.');
    case 'restart': {
      const aborts = state.running.map((run): RuleStep => ({ type: 'abort', run, why: 'It was set off again and begins anew.' }));
      const begun = start(rule, { ...state, running: [] }, cause, weighed);
      return { state: begun.state, steps: [...aborts, ...begun.steps] };
    }
    case 'queued':
      if (state.queue.length >= most) return skip(`${most} runs are waiting already.`);
      return { state: { ...state, queue: [...state.queue, cause] }, steps: [{ type: 'queued', cause }] };
    case 'parallel':
      return state.running.length >= most ? skip(`${most} runs go on side by side already.`) : start(rule, state, cause, weighed);
  }
}

function start(_rule: RuleSettings, state: RuleState, cause: Cause, weighed: readonly Weighed[]): ReturnType<typeof stepRule> {
  const run = state.next;
  return { state: { ...state, next: run + 1, running: [...state.running, run] }, steps: [{ type: 'start', run, cause, weighed }] };
}
