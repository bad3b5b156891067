import type { PlayerState } from '#core';
import type { Condition, SimpleCondition } from './conditions.ts';
import { isBetween } from './duration.ts';
import { isPlaying, isSunUp, type Facts } from './facts.ts';
import { passes, sayTest, sayValue, valueAt } from './message-value.ts';
import { saySubject, subjectOf } from './words.ts';
import { dayOf, timeOfDay, wallOf, weekdayOf } from './zone-time.ts';

/** One condition with the value it saw. */
export interface Weighed {
  readonly holds: boolean;
  /** Nobody can tell: neither it nor its opposite holds. */
  readonly isUnknown?: boolean | undefined;
  /** The condition, for people. */
  readonly what: string;
  /** What was so. */
  readonly saw: string;
}

/** Who asks: `me` in `startedBy` is this automation. */
export interface Asker {
  readonly id: string;
}

/** Pure. */
export function weigh(condition: Condition, facts: Facts, asker: Asker): Weighed {
  if ('any' in condition) return weighAny(condition.any.map((one) => weigh(one, facts, asker)));
  if ('all' in condition) return weighAll(condition.all.map((one) => weigh(one, facts, asker)));
  if ('not' in condition) {
    const { holds, isUnknown = false, what, saw } = weigh(condition.not, facts, asker);
    return { holds: !holds && !isUnknown, isUnknown, what: `not (${what})`, saw };
  }
  return weighSimple(condition, facts, asker);
}

function weighAny(inner: readonly Weighed[]): Weighed {
  const holds = inner.some((one) => one.holds);
  return { holds, isUnknown: !holds && inner.some(({ isUnknown }) => isUnknown), what: inner.map(({ what }) => what).join(' or '), saw: inner.map(({ saw }) => saw).join('; ') };
}

function weighAll(inner: readonly Weighed[]): Weighed {
  const isWrong = inner.some(({ holds, isUnknown }) => !holds && isUnknown !== true);
  const holds = inner.every((one) => one.holds);
  return { holds, isUnknown: !holds && !isWrong, what: inner.map(({ what }) => what).join(' and '), saw: inner.map(({ saw }) => saw).join('; ') };
}

function weighSimple(condition: SimpleCondition, facts: Facts, asker: Asker): Weighed {
  if ('between' in condition) {
    const zone = condition.timezone ?? facts.timezone;
    const { hour, minute } = wallOf(facts.now, zone);
    return { holds: isBetween(condition.between, timeOfDay(facts.now, zone)), what: `between ${condition.between.text}`, saw: `it is ${two(hour)}:${two(minute)}` };
  }
  if ('days' in condition) {
    const today = weekdayOf(facts.now, condition.timezone ?? facts.timezone);
    return { holds: condition.days.includes(today), what: `on ${condition.days.join(', ')}`, saw: `it is ${today}` };
  }
  if ('presence' in condition) {
    const subject = subjectOf(condition.presence);
    const value = facts.presence(subject);
    return { holds: value === condition.presence.is, isUnknown: value === 'unknown' && condition.presence.is !== 'unknown', what: `${saySubject(subject)} is ${condition.presence.is}`, saw: `it is ${value}` };
  }
  if ('zone' in condition) return weighZone(condition, facts, asker);
  if ('quiet' in condition) return { holds: facts.quiet === condition.quiet, what: condition.quiet ? 'quiet hours' : 'no quiet hours', saw: facts.quiet ? 'quiet hours are on' : 'quiet hours are off' };
  if ('holiday' in condition) {
    const name = facts.holiday(dayOf(facts.now, facts.timezone));
    return { holds: (name !== null) === condition.holiday, what: condition.holiday ? 'a holiday' : 'no holiday', saw: name === null ? 'it is no holiday' : `it is ${name}` };
  }
  if ('sun' in condition) {
    const isUp = facts.place !== null && isSunUp(facts.now, facts.place);
    return { holds: facts.place !== null && isUp === (condition.sun === 'up'), isUnknown: facts.place === null, what: `sun is ${condition.sun}`, saw: facts.place === null ? 'no location is set' : `it is ${isUp ? 'up' : 'down'}` };
  }
  const message = facts.message(condition.mqtt);
  const value = message === undefined ? undefined : valueAt(message, condition.path);
  return {
    holds: message !== undefined && passes(condition, message) === true,
    isUnknown: message === undefined,
    what: `${condition.mqtt} ${sayTest(condition)}`.trim(),
    saw: value === undefined ? 'nothing was heard of it' : `it is ${sayValue(value)}`,
  };
}

function weighZone(condition: Extract<SimpleCondition, { zone: string }>, facts: Facts, asker: Asker): Weighed {
  const state = facts.zone(condition.zone);
  if (!state) return { holds: false, isUnknown: true, what: `zone ${condition.zone}`, saw: 'there is no such zone' };
  const { is, source, account, startedBy, volumeAbove, volumeBelow } = condition;
  const level = state.volume.muted ? 0 : state.volume.level;
  const now = wordOf(state);
  const checks: { readonly holds: boolean; readonly what: string; readonly saw: string }[] = [];
  if (is) checks.push({ holds: is.includes(now) || (is.includes('idle') && now !== 'playing'), what: is.join(' or '), saw: now });
  if (source !== undefined) checks.push({ holds: state.source === source, what: `source ${source}`, saw: `source ${state.source ?? 'none'}` });
  if (account !== undefined) checks.push({ holds: state.account.name === account, what: `account ${account}`, saw: state.account.name === account ? 'that account' : 'another account or none' });
  if (startedBy !== undefined) checks.push({ holds: isStartedBy(state, startedBy, asker), what: `started by ${startedBy}`, saw: `started by ${state.by.started ?? 'nobody'}` });
  if (volumeAbove !== undefined) checks.push({ holds: level > volumeAbove, what: `volume above ${percent(volumeAbove)}`, saw: `volume ${percent(level)}` });
  if (volumeBelow !== undefined) checks.push({ holds: level < volumeBelow, what: `volume below ${percent(volumeBelow)}`, saw: `volume ${percent(level)}` });
  return { holds: checks.every(({ holds }) => holds), what: `zone ${condition.zone} ${checks.map(({ what }) => what).join(', ')}`.trim(), saw: checks.map(({ saw }) => saw).join(', ') };
}

function wordOf(state: PlayerState): 'playing' | 'paused' | 'stopped' {
  return isPlaying(state) ? 'playing' : state.status === 'paused' ? 'paused' : 'stopped';
}

function isStartedBy({ by, source }: PlayerState, who: string, { id }: Asker): boolean {
  if (by.started === null || source === null) return false;
  if (who === 'me') return by.started === `automation:${id}`;
  if (who === 'automation') return by.started.startsWith('automation:');
  if (who === 'person') return by.started !== 'tonearm' && !by.started.startsWith('automation:');
  return by.started === who;
}

function percent(level: number): string {
  return `${Math.round(level * 100)} %`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
