import { describe, expect, it } from 'vitest';
import { accountId } from './account-id.ts';
import { isDenied, judgeVisit, refusal, type GuestRules, type Verdict } from './guests.ts';

const open: GuestRules = { policy: 'last-wins', allow: [], deny: [], owners: [] };

describe('who may take a speaker', () => {
  // policy, what is known of the visitor and the speaker → verdict
  it.each<[GuestRules['policy'], string | null, string | null, boolean, Verdict]>([
    ['last-wins', 'ann', null, false, 'welcome'],
    ['last-wins', 'ann', 'ben', false, 'welcome'],
    ['last-wins', 'ann', 'ben', true, 'welcome'],
    ['last-wins', null, 'ben', true, 'welcome'],
    ['ask', 'ann', null, false, 'welcome'],
    ['ask', 'ann', 'ann', true, 'welcome'],
    ['ask', 'ann', 'ben', false, 'ask'],
    ['ask', 'ann', 'ben', true, 'ask'],
    ['ask', null, 'ben', false, 'ask'],
    ['ask', null, null, false, 'welcome'],
    ['refuse-while-playing', 'ann', null, false, 'welcome'],
    ['refuse-while-playing', 'ann', 'ann', true, 'welcome'],
    ['refuse-while-playing', 'ann', 'ben', false, 'welcome'],
    ['refuse-while-playing', 'ann', 'ben', true, 'occupied'],
    ['refuse-while-playing', null, 'ben', true, 'occupied'],
  ])('%s: %s comes while %s has it, playing %s: %s', (policy, user, current, isPlaying, verdict) => {
    expect(judgeVisit({ ...open, policy }, { user, current, isPlaying })).toBe(verdict);
    const owned = { ...open, policy, owners: ['ANN'] };
    expect(judgeVisit(owned, { user, current, isPlaying })).toBe(user === 'ann' ? 'welcome' : verdict);
    expect(judgeVisit({ ...owned, deny: ['ann'] }, { user, current, isPlaying })).toBe(user === 'ann' ? 'denied' : verdict);
  });

  it.each<[string, Partial<GuestRules>, string | null, boolean]>([
    ['nothing listed', {}, 'ann', false],
    ['on the deny list', { deny: ['ann'] }, 'ann', true],
    ['by id', { deny: [accountId('Ann')] }, 'ann', true],
    ['in another case, with spaces', { deny: [' ANN '] }, 'ann', true],
    ['somebody else is denied', { deny: ['ann'] }, 'ben', false],
    ['on the allow list', { allow: ['ann'] }, 'ann', false],
    ['not on the allow list', { allow: ['ann'] }, 'ben', true],
    ['an owner needs no place on it', { allow: ['ann'], owners: ['ben'] }, 'ben', false],
    ['deny goes before everything', { allow: ['ann'], deny: ['ann'], owners: ['ann'] }, 'ann', true],
    ['no name yet', { allow: ['ann'] }, null, false],
    ['part of a name is no name', { deny: ['an'] }, 'ann', false],
  ])('%s', (_what, rules, user, denied) => {
    expect(isDenied({ ...open, ...rules }, user)).toBe(denied);
  });

  it('says why in a sentence, with the zone', () => {
    for (const verdict of ['denied', 'occupied', 'no', 'expired'] as const) expect(refusal(verdict, 'Kitchen').message).toMatch(/“Kitchen”.*\.$/);
  });
});
