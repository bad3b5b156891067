import { describe, expect, it } from 'vitest';
import { accountLines, loginLines } from './say.ts';

const login = { method: 'code', address: 'https://spotify.com/pair?code=ABCD', code: 'ABCD', page: null, qr: { text: '█▀█' }, ends: '2026-11-22T00:14:27.000Z' } as const;
const zones = [{ id: 'kitchen', name: 'Kitchen' }, { id: 'bath', name: 'Bath' }];

describe('a login on the terminal', () => {
  it('with a code shows address, code and, to a person, the picture', () => {
    const lines = loginLines(login, { isTerminal: true }).join('\n');
    expect(lines).toContain('  https://spotify.com/pair?code=ABCD\n');
    expect(lines).toContain('the code   ABCD');
    expect(lines).toContain('█▀█');
    expect(lines).toContain('00:14 UTC');
    expect(loginLines(login, { isTerminal: false }).join('\n')).not.toContain('█');
    expect(loginLines({ ...login, page: 'http://box:5589/login/k' }, { isTerminal: false }).join('\n')).toContain('http://box:5589/login/k');
  });

  it('in a browser says that the page which does not open is as it should be', () => {
    const lines = loginLines({ ...login, method: 'browser', code: null, qr: null, page: 'http://box:5589/login/k' }, { isTerminal: true }).join('\n');
    expect(lines).toMatch(/does not open, which is as it should be/);
    expect(lines).toContain('  http://box:5589/login/k\n');
  });
});

describe('the list of accounts', () => {
  const row = { id: '0604182e', name: 'ann', zone: 'kitchen', active: true, way: 'phone', used: '2026-11-22T00:00:00.000Z', forgotten: null, state: 'ready' };

  it('says for each zone who is remembered, and what to do where nobody is', () => {
    expect(accountLines({ accounts: [row, { ...row, name: 'ben', active: false, way: 'code', forgotten: '2026-11-23T00:00:00.000Z' }, { ...row, name: 'cat', state: 'login-needed' }], web: [], questions: [] }, zones)).toEqual([
      'Kitchen:',
      '  ann  (0604182e)  logged in, came with a phone, last used 2026-11-22',
      '  ben  (0604182e)  remembered, came with a code, last used 2026-11-22, forgotten on 2026-11-23 unless it plays',
      '  cat  (0604182e)  has to log in again, came with a phone, last used 2026-11-22',
      'Bath: nobody is remembered. Pick the speaker in the Spotify app, or run "tonearm login".',
    ]);
  });

  it('counts the days of web logins, and asks about guests', () => {
    const web = { id: 'ccccdddd', name: 'ann', ends: '2026-12-20T12:00:00.000Z', daysLeft: 28, state: 'ending' };
    const lines = accountLines({ accounts: [], web: [web, { ...web, name: null, daysLeft: 1 }, { ...web, state: 'login-needed' }], questions: [{ id: '11112222', zone: 'bath', account: 'ben', phone: 'Ben’s phone', active: 'ann' }] }, zones);
    expect(lines.slice(2)).toEqual([
      'Web API:',
      '  ann  (ccccdddd)  ends on 2026-12-20, in 28 days',
      '  unnamed  (ccccdddd)  ends on 2026-12-20, in 1 day',
      '  ann  (ccccdddd)  has ended: run "tonearm login --web"',
      'ben (Ben’s phone) wants “Bath”, which ann has: tonearm answer yes 11112222   or   tonearm answer no 11112222',
    ]);
  });
});
