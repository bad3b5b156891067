import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Facts } from './facts.ts';
import { freshRule, judge, stepRule, type Cause, type RuleState, type RuleStep, type Switches } from './rule-machine.ts';
import { RuleSettings } from './settings.ts';

const facts = (now: number, more: Partial<Facts> = {}): Facts => ({ now, timezone: 'UTC', place: null, quiet: false, zone: () => null, presence: () => 'unknown', holiday: () => null, message: () => undefined, ...more });
const rule = (more: object = {}) => RuleSettings.parse({ id: 'a', then: [{ volume: 3 }], ...more });
const on: Switches = { isEnabled: true, areAllEnabled: true, skipsNext: false, guestMode: false };
const cause = (kind: Cause['kind'], chain: readonly string[] = []): Cause => ({ kind, text: kind, chain });
const fire = (settings: RuleSettings, state: RuleState, kind: Cause['kind'], now = 0, switches: Partial<Switches> = {}, more: Partial<Facts> = {}, chain: readonly string[] = []) =>
  stepRule(settings, state, { type: 'fired', cause: cause(kind, chain), facts: facts(now, more), switches: { ...on, ...switches } });
const types = (steps: readonly RuleStep[]) => steps.map(({ type }) => type);
const why = (steps: readonly RuleStep[]) => steps.flatMap((step) => (step.type === 'skip' ? [step.why] : []))[0];

describe('the rule machine', () => {
  it.each([
    ['all off', 'time', { areAllEnabled: false }, {}, 'Automations are switched off.'],
    ['off', 'time', { isEnabled: false }, {}, 'This automation is switched off.'],
    ['guest mode, presence', 'presence', { guestMode: true }, {}, 'Guest mode is on, so presence sets nothing off.'],
    ['guest mode, clock', 'time', { guestMode: true }, {}, undefined],
    ['skip next, presence', 'presence', { skipsNext: true }, {}, undefined],
    ['a holiday', 'time', {}, { holiday: () => 'Christmas' }, 'It is a holiday (Christmas).'],
    ['unknown is not absent', 'time', {}, {}, undefined],
  ] as const)('%s', (_, kind, switches, more, expected) => {
    expect(why(fire(rule({ holidays: 'skip' }), freshRule, kind, 0, switches, more).steps)).toBe(expected);
  });

  it('runs by hand whatever is switched off', () => {
    expect(types(fire(rule({ if: [{ quiet: true }] }), freshRule, 'hand', 0, { isEnabled: false, areAllEnabled: false }).steps)).toEqual(['start']);
  });

  it('uses one skip up, and only for times', () => {
    expect(types(fire(rule(), freshRule, 'time', 0, { skipsNext: true }).steps)).toEqual(['skip', 'skipped-next']);
    expect(types(fire(rule(), freshRule, 'event', 0, { skipsNext: true }).steps)).toEqual(['start']);
  });

  it('takes a no for an answer from events, not from the clock', () => {
    const { state } = stepRule(rule({ coolDown: '10m' }), freshRule, { type: 'refused', now: 0 });
    expect(why(fire(rule(), state, 'presence', 60_000).steps)).toBe('A person ended what it had started, so it stays quiet for 9 min more.');
    expect(types(fire(rule(), state, 'time', 60_000).steps)).toEqual(['start']);
    expect(types(fire(rule(), state, 'presence', 600_000).steps)).toEqual(['start']);
  });

  it('stops circles and long chains', () => {
    expect(why(fire(rule(), freshRule, 'rule', 0, {}, {}, ['b', 'a', 'c']).steps)).toContain('b → a → c → a');
    expect(why(fire(rule(), freshRule, 'rule', 0, {}, {}, ['b', 'c', 'd', 'e', 'f']).steps)).toContain('Too many automations');
  });

  it('weighs three values as three', () => {
    const asks = (is: string) => judge(rule({ if: [{ presence: { house: true, is } }] }), facts(0), on, { kind: 'time' }).why;
    expect([asks('present'), asks('absent'), asks('unknown')]).toEqual(['Not so: house is present (it is unknown).', 'Not so: house is absent (it is unknown).', null]);
    // Neither does the opposite of what nobody can tell hold: the broker may be away.
    const holds = (one: unknown, message?: string) => judge(rule({ if: [one] }), facts(0, { message: () => (message === undefined ? undefined : Buffer.from(message)) }), on, { kind: 'time' }).why === null;
    const asleep = { mqtt: 'home/asleep', equals: 'on' };
    expect([holds({ not: asleep }), holds({ not: { not: asleep } }), holds({ not: { presence: { house: true, is: 'present' } } })]).toEqual([false, false, false]);
    expect([holds({ not: { all: [asleep, { presence: { house: true, is: 'unknown' } }] } }), holds({ not: { any: [asleep, { presence: { house: true, is: 'unknown' } }] } })]).toEqual([false, false]);
    expect([holds({ any: [asleep, { presence: { house: true, is: 'unknown' } }] }), holds({ not: { all: [asleep, { quiet: true }] } })]).toEqual([true, true]);
  });

  it('never has more runs than its mode allows, answers every firing once, and ends empty', () => {
    const input = fc.oneof(fc.record({ type: fc.constant('fire' as const), kind: fc.constantFrom<Cause['kind']>('time', 'presence', 'event', 'hand') }), fc.record({ type: fc.constant('end' as const), which: fc.nat(9) }));
    fc.assert(
      fc.property(fc.constantFrom('single', 'restart', 'queued', 'parallel'), fc.array(input, { maxLength: 60 }), (mode, inputs) => {
        const settings = rule({ mode, budget: { runs: 1000, per: '1m' } });
        let state = freshRule;
        const live = new Set<number>();
        let waiting = 0;
        const take = (steps: readonly RuleStep[]) => {
          for (const step of steps) {
            if (step.type === 'start') live.add(step.run);
            if (step.type === 'abort') live.delete(step.run);
            if (step.type === 'queued') waiting += 1;
          }
        };
        for (const one of inputs) {
          if (one.type === 'fire') {
            const { state: next, steps } = fire(settings, state, one.kind);
            state = next;
            take(steps);
            expect(steps.filter(({ type }) => type === 'start' || type === 'skip' || type === 'queued')).toHaveLength(1);
          } else {
            const run = [...live][one.which % Math.max(live.size, 1)];
            if (run === undefined) continue;
            live.delete(run);
            const { state: next, steps } = stepRule(settings, state, { type: 'ended', run });
            state = next;
            waiting -= steps.length;
            take(steps);
          }
          expect(new Set(state.running)).toEqual(live);
          expect(live.size).toBeLessThanOrEqual(mode === 'parallel' ? 10 : 1);
          expect(waiting).toBe(state.queue.length);
          expect(waiting).toBeLessThanOrEqual(10);
        }
      }),
      { numRuns: 500 },
    );
  });
});
