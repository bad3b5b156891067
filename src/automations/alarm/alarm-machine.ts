import { type Millis, type Origin, type PlayStatus } from '#core';

/** Lengths in ms. */
export interface RingSettings {
  /** The origin the alarm's own commands carry. */
  readonly by: Origin;
  readonly hasMusic: boolean;
  readonly fade: Millis;
  readonly snooze: Millis;
  readonly giveUp: Millis;
  readonly fallbackAfter: Millis;
}

export type RingPhase = 'idle' | 'starting' | 'ringing' | 'fallback' | 'snoozed';

/** Moments are monotonic ms. */
export interface RingState {
  readonly phase: RingPhase;
  /** Something must have happened until then, or else: sound, or the end of a snooze. */
  readonly deadline: Millis | null;
  /** Nobody seems to be there: it ends. */
  readonly endsAt: Millis;
  /** The zone took the command: what it shows now is its answer. */
  readonly isAccepted: boolean;
  /** Sound was heard since it last began. */
  readonly isHeard: boolean;
  readonly hasFaded: boolean;
  /** It rings anew: people know what it is, and the fade need not be long. */
  readonly isAgain: boolean;
  /** Of music: it did not just end, it broke. */
  readonly hasFailed: boolean;
}

/** One change of the zone, as far as it matters here. */
export interface ZoneSight {
  readonly status: PlayStatus;
  readonly was: PlayStatus;
  readonly started: Origin | null;
  readonly startedBefore: Origin | null;
  readonly changed: Origin;
  /** The account plays on another device now. */
  readonly isElsewhere: boolean;
  readonly hasNotice: boolean;
}

export type RingInput =
  | { readonly type: 'begin' }
  /** After a restart of the daemon. `left`: until it gives up. */
  | { readonly type: 'resume'; readonly snoozedFor: Millis; readonly left: Millis }
  | { readonly type: 'accepted' }
  | { readonly type: 'refused'; readonly why: string }
  | { readonly type: 'failed' }
  | { readonly type: 'zone'; readonly zone: ZoneSight }
  | { readonly type: 'time' }
  | { readonly type: 'snooze'; readonly by: Origin }
  | { readonly type: 'stop'; readonly by: Origin };

export type RingEffect =
  /** Unmuted, no limit in the way, at the volume it begins with. Always before sound. */
  | { readonly type: 'prepare' }
  /** `onward`: what is loaded goes on if it can. `fallback`: what the owner chose; `bell`: our own, which needs nothing. */
  | { readonly type: 'play'; readonly what: 'music' | 'onward' | 'fallback' | 'bell' }
  /** The music's command is not wanted any more, however far it is. */
  | { readonly type: 'abandon' }
  | { readonly type: 'fade'; readonly over: Millis }
  | { readonly type: 'silence' }
  | { readonly type: 'note'; readonly what: string; readonly outcome: string }
  | { readonly type: 'end'; readonly result: 'done' | 'interrupted'; readonly why: string };

export interface RingStep {
  readonly state: RingState;
  readonly effects: readonly RingEffect[];
}

export const silent: RingState = { phase: 'idle', deadline: null, endsAt: 0, isAccepted: false, isHeard: false, hasFaded: false, isAgain: false, hasFailed: false };

/** The longest fade after a snooze. */
const secondFade = 60_000;
/** Another automation may pause for a doorbell, for a minute and what music needs to come back; after so long the alarm is louder than its reasons. */
const patience = 70_000;
/** The bell is asked for again, whatever the answer was. */
const bellAgain = 5_000;

/** Everybody but Tonearm itself and automations. */
export function isPerson(origin: Origin | null): boolean {
  return origin !== null && origin !== 'tonearm' && !origin.startsWith('automation:');
}

/**
 * A ringing alarm. Whatever happens to music, network, account or output, it goes on to ring until a person answers or nobody does
 * for long: music first; without sound in time the fallback; and if that is not heard, the bell, again and again.
 */
export function stepRing(state: RingState, input: RingInput, settings: RingSettings, now: Millis): RingStep {
  if (state.phase === 'idle') {
    if (input.type === 'begin') return start({ ...silent, endsAt: now + settings.giveUp }, 'music', settings, now);
    if (input.type === 'resume') return resume(input, settings, now);
    return { state, effects: [] };
  }
  switch (input.type) {
    case 'begin':
    case 'resume':
      return { state, effects: [] }; // rings already
    case 'stop':
      return finish([{ type: 'silence' }], 'done', `Stopped (${input.by}).`);
    case 'snooze':
      return snooze(state, input.by, settings, now);
    case 'time':
      return time(state, settings, now);
    case 'failed':
      return { state: { ...state, hasFailed: true }, effects: [] };
    case 'accepted':
      return { state: { ...state, isAccepted: true }, effects: [] };
    case 'refused':
      if (state.phase === 'starting') return fallBack(state, input.why, settings, now);
      return { state, effects: state.phase === 'fallback' ? [{ type: 'note', what: 'Fallback', outcome: input.why }] : [] };
    case 'zone':
      return look(state, input.zone, settings, now);
  }
}

function start(state: RingState, what: 'music' | 'onward', settings: RingSettings, now: Millis): RingStep {
  const fresh: RingState = { ...state, phase: 'starting', deadline: now + settings.fallbackAfter, isAccepted: false, isHeard: false, hasFaded: false, hasFailed: false };
  if (!settings.hasMusic) return { state: { ...fresh, phase: 'fallback' }, effects: [{ type: 'prepare' }, { type: 'play', what: 'fallback' }] };
  return { state: fresh, effects: [{ type: 'prepare' }, { type: 'play', what }] };
}

function resume({ snoozedFor, left }: Extract<RingInput, { type: 'resume' }>, settings: RingSettings, now: Millis): RingStep {
  const base = { ...silent, isAgain: true, endsAt: now + left };
  if (snoozedFor > 0) return { state: { ...base, phase: 'snoozed', deadline: now + snoozedFor }, effects: [] };
  return start(base, 'music', settings, now);
}

function fallBack(state: RingState, why: string, settings: RingSettings, now: Millis): RingStep {
  return {
    state: { ...state, phase: 'fallback', deadline: now + settings.fallbackAfter, isAccepted: false, isHeard: false },
    effects: [{ type: 'abandon' }, { type: 'note', what: 'Music', outcome: why }, { type: 'play', what: 'fallback' }],
  };
}

function snooze(state: RingState, by: Origin, settings: RingSettings, now: Millis): RingStep {
  const deadline = now + settings.snooze;
  return {
    // Whoever snoozes is there: the time until it gives up begins anew.
    state: { ...state, phase: 'snoozed', deadline, endsAt: deadline + settings.giveUp },
    effects: [...(state.phase === 'snoozed' ? [] : [{ type: 'abandon' } as const, { type: 'silence' } as const]), { type: 'note', what: 'Snooze', outcome: `by ${by}` }],
  };
}

function time(state: RingState, settings: RingSettings, now: Millis): RingStep {
  if (now >= state.endsAt && state.phase !== 'snoozed') return finish([{ type: 'silence' }], 'done', 'It rang until it gave up; nobody stopped it.');
  if (state.deadline === null || now < state.deadline) return { state, effects: [] };
  switch (state.phase) {
    case 'snoozed':
      return start({ ...state, isAgain: true }, 'onward', settings, now);
    case 'starting':
      return fallBack(state, `not heard within ${Math.round(settings.fallbackAfter / 1000)} s`, settings, now);
    case 'ringing':
      return fallBack(state, 'was silent for too long', settings, now);
    case 'fallback':
      return { state: { ...state, deadline: now + bellAgain, isAccepted: false }, effects: [{ type: 'play', what: 'bell' }] };
    case 'idle':
      return { state, effects: [] };
  }
}

function look(state: RingState, zone: ZoneSight, settings: RingSettings, now: Millis): RingStep {
  if ((state.isAccepted || state.phase === 'snoozed') && isTakenOver(zone)) return finish([{ type: 'abandon' }], 'interrupted', `Somebody (${zone.changed}) plays something themselves, so they are up.`);
  if (state.phase === 'snoozed' || !state.isAccepted) return { state, effects: [] };
  switch (zone.status) {
    case 'playing':
      return heard(state, zone, settings);
    case 'loading':
    case 'stalled':
      return { state: state.isHeard ? { ...state, deadline: state.deadline ?? now + settings.fallbackAfter } : state, effects: [] };
    case 'paused':
    case 'stopped':
      return hushed(state, zone, settings, now);
  }
}

/** A person began something of their own just now. That they already played when the alarm came does not count. */
function isTakenOver(zone: ZoneSight): boolean {
  const isNew = zone.started !== zone.startedBefore || isSilent(zone.was);
  return isNew && !isSilent(zone.status) && isPerson(zone.started) && isPerson(zone.changed);
}

function isSilent(status: PlayStatus): boolean {
  return status === 'paused' || status === 'stopped';
}

function heard(state: RingState, zone: ZoneSight, settings: RingSettings): RingStep {
  // What others play is no answer to our command.
  if (!state.isHeard && zone.started !== settings.by) return { state, effects: [] };
  const isMusic = state.phase !== 'fallback';
  const effects: RingEffect[] = state.isHeard ? [] : [{ type: 'note', what: isMusic ? 'Music' : 'Fallback', outcome: 'is heard' }];
  if (!state.hasFaded) effects.push({ type: 'fade', over: state.isAgain ? Math.min(settings.fade, secondFade) : settings.fade });
  return { state: { ...state, phase: isMusic ? 'ringing' : 'fallback', deadline: null, isHeard: true, hasFaded: true, hasFailed: false }, effects };
}

/** It fell silent. */
function hushed(state: RingState, zone: ZoneSight, settings: RingSettings, now: Millis): RingStep {
  if (isSilent(zone.was)) return { state, effects: [] }; // it was so before
  // Whoever shares the account may be anywhere; nobody here has answered.
  if (zone.isElsewhere) return fallBack(state, 'plays on another device of the account now', settings, now);
  if (isPerson(zone.changed)) return finish([{ type: 'abandon' }], 'done', `Stopped by a person (${zone.changed}).`);
  if (!state.isHeard) return { state, effects: [] }; // not begun yet; the deadline decides
  if (zone.changed !== settings.by && zone.changed.startsWith('automation:')) return { state: { ...state, deadline: state.deadline ?? now + patience }, effects: [] };
  if (state.phase === 'fallback') return { state: { ...state, deadline: now + bellAgain, isAccepted: false, isHeard: false }, effects: [{ type: 'play', what: 'bell' }] };
  if (state.hasFailed || zone.hasNotice) return fallBack(state, 'failed while it played', settings, now);
  // It came to its end. The fade has been; nothing gets louder again.
  return { state: { ...state, phase: 'starting', deadline: now + settings.fallbackAfter, isAccepted: false, isHeard: false }, effects: [{ type: 'play', what: 'music' }] };
}

function finish(effects: readonly RingEffect[], result: 'done' | 'interrupted', why: string): RingStep {
  return { state: silent, effects: [...effects, { type: 'end', result, why }] };
}
