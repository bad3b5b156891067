import { describe, expect, it } from 'vitest';
import { maskUser } from '#foundation';
import { FakeAccounts, login } from '../../test/contract/fake-accounts.ts';
import { accountRequests, answerAccountRequest, isAccountRequest, shownLogin, shownPicture } from './account-requests.ts';

describe('requests about accounts', () => {
  it('are these', () => {
    expect(Object.keys(accountRequests)).toEqual(['list', 'login', 'paste', 'wait', 'cancel', 'logout', 'use', 'answer']);
    expect(['list', 'toString', '__proto__', 'constructor', ''].map(isAccountRequest)).toEqual([true, false, false, false, false]);
  });

  it('show names as the surface wishes, times as ISO texts, and no page to those who did not begin the login', () => {
    const { picture } = new FakeAccounts();
    const whole = JSON.stringify(shownPicture(picture, (name) => name));
    const short = JSON.stringify(shownPicture(picture, maskUser));
    expect(whole).toContain('"listener"');
    expect(short).not.toMatch(/listener|somebody/);
    expect(short).not.toContain('login/key');
    expect(shownPicture(picture, maskUser)['web']).toMatchObject([{ ends: '1970-01-02T00:00:00.000Z' }]);
    expect(shownLogin({ ...login, account: 'listener' }, maskUser)).toMatchObject({ account: 'li****er', ends: '2026-11-22T00:00:00.000Z', code: 'ABCD1234' });
  });

  it('never log everybody out by accident', async () => {
    const accounts = new FakeAccounts();
    for (const fields of [{}, '', undefined, { all: false }, { all: 'yes' }]) {
      await expect(answerAccountRequest(accounts, 'logout', fields, maskUser)).rejects.toMatchObject({ code: 'accounts/bad-request' });
    }
    expect(accounts.asked).toEqual([]);
    expect(await answerAccountRequest(accounts, 'logout', { zone: 'kitchen' }, maskUser)).toEqual({ removed: 1 });
  });
});
