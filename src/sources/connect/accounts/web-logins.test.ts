import { beforeEach, describe, expect, it } from 'vitest';
import type { Notice, WebLoginView } from '#core';
import { FakeClock, Secret, silentLog, TonearmError } from '#foundation';
import type { Grant, OAuth } from '#spotify';
import { endOf, WebLogins } from './web-logins.ts';

const day = 86_400_000;
const hour = 3_600_000;

let clock: FakeClock;
let values: Map<string, unknown>;
let told: { readonly login: WebLoginView; readonly notice: Notice }[];
let renewals: string[];
let isWithdrawn: boolean;

const store = {
  read: (name: string) => Promise.resolve(values.get(name) ?? null),
  write: (name: string, value: unknown) => Promise.resolve(void values.set(name, value)),
  remove: (name: string) => Promise.resolve(void values.delete(name)),
  names: (start: string) => Promise.resolve([...values.keys()].filter((key) => key.startsWith(start))),
};

const grant = (n: number, username: string | null = 'ann'): Grant => ({ accessToken: new Secret(`access-${n}`), life: hour, refreshToken: new Secret(`refresh-${n}`), username, scopes: [] });

function oauth(): OAuth {
  return {
    async renew(token: Secret<string>) {
      renewals.push(token.reveal());
      await Promise.resolve();
      if (isWithdrawn) throw new TonearmError({ kind: 'unauthorized', code: 'accounts/grant-refused', message: 'over' });
      return { ...grant(renewals.length + 1), refreshToken: renewals.length % 2 === 0 ? null : new Secret(`refresh-${renewals.length + 1}`) };
    },
    [Symbol.dispose]: () => undefined,
  } as unknown as OAuth;
}

async function open(): Promise<WebLogins> {
  const logins = new WebLogins({ store, clock, log: silentLog, oauth, onChange: () => undefined, onEnding: (login, notice) => void told.push({ login, notice }) });
  await logins.open();
  return logins;
}

beforeEach(() => {
  clock = new FakeClock(Date.UTC(2026, 5, 20, 12));
  values = new Map();
  told = [];
  renewals = [];
  isWithdrawn = false;
});

describe('a login for the web API', () => {
  const token = async (logins: WebLogins) => (await logins.accessToken(logins.views[0]?.id ?? '', new AbortController().signal)).reveal();

  it.each([
    ['2026-06-20T12:00:00Z', '2026-12-20T12:00:00Z'],
    ['2026-08-31T00:00:00Z', '2027-02-28T00:00:00Z'],
    ['2027-08-31T10:00:00Z', '2028-02-29T10:00:00Z'],
    ['2026-12-31T23:59:59Z', '2027-06-30T23:59:59Z'],
  ])('agreed to on %s ends on %s', (consent, end) => {
    expect(new Date(endOf(Date.parse(consent))).toISOString()).toBe(new Date(end).toISOString());
  });

  it('counts down, is announced once a day from thirty days ahead, and ends, whatever is renewed', async () => {
    const logins = await open();
    const { ends, daysLeft } = await logins.remember(grant(1));
    expect(daysLeft).toBe(183);
    await clock.advance(152 * day + hour);
    expect(told).toEqual([]);
    expect(logins.views[0]).toMatchObject({ state: 'ready', daysLeft: 30 });
    await clock.advance(day);
    expect(told).toMatchObject([{ login: { state: 'ending', daysLeft: 30 }, notice: { code: 'accounts/web-login-ending', message: expect.stringContaining('2026-12-20') } }]);
    await clock.advance(9 * day);
    expect(told).toHaveLength(10);
    await token(logins);
    expect(logins.views[0]?.ends).toBe(ends);
    const asked = renewals.length;
    await clock.advance(21 * day);
    expect(told.at(-1)).toMatchObject({ login: { state: 'login-needed', daysLeft: 0 }, notice: { code: 'accounts/web-login-needed' } });
    await expect(token(logins)).rejects.toMatchObject({ kind: 'unauthorized', code: 'accounts/web-login-needed' });
    expect(renewals).toHaveLength(asked);
    logins[Symbol.dispose]();
    expect(clock.pending).toBe(0);
  });

  it('is said at each start while it matters', async () => {
    (await open())[Symbol.dispose]();
    const first = await open();
    await first.remember(grant(1));
    first[Symbol.dispose]();
    await clock.advance(170 * day);
    const second = await open();
    second.tell();
    expect(told).toMatchObject([{ notice: { code: 'accounts/web-login-ending' } }]);
  });

  it('is renewed when needed, once for all who wait, with the newest refresh token', async () => {
    const logins = await open();
    await logins.remember(grant(1));
    expect([await token(logins), renewals]).toEqual(['access-1', []]);
    await clock.advance(hour);
    expect(await Promise.all([token(logins), token(logins), token(logins)])).toEqual(['access-2', 'access-2', 'access-2']);
    await clock.advance(hour);
    await token(logins);
    await clock.advance(hour);
    await token(logins);
    // The second renewal gave no new refresh token, so the one before stays.
    expect(renewals).toEqual(['refresh-1', 'refresh-2', 'refresh-2']);
  });

  it('that was refused is not asked for again, also after a restart, until it is replaced', async () => {
    const logins = await open();
    await logins.remember(grant(1));
    await clock.advance(hour);
    isWithdrawn = true;
    for (let n = 0; n < 3; n++) await expect(token(logins)).rejects.toMatchObject({ code: 'accounts/web-login-needed' });
    expect(renewals).toEqual(['refresh-1']);
    expect(JSON.stringify([...values])).not.toContain('refresh-1');
    const again = await open();
    await expect(token(again)).rejects.toMatchObject({ code: 'accounts/web-login-needed' });
    expect(renewals).toHaveLength(1);
    isWithdrawn = false;
    const { id } = again.views[0] ?? {};
    expect(await again.remember(grant(9))).toMatchObject({ id, state: 'ready' });
    expect(again.views).toHaveLength(1);
    expect(await token(again)).toBe('access-9');
  });

  it('is renewed for those who still wait when the first one has gone', async () => {
    const logins = await open();
    const { id } = await logins.remember(grant(1));
    await clock.advance(hour);
    const gone = new AbortController();
    const first = logins.accessToken(id, gone.signal);
    const second = logins.accessToken(id, new AbortController().signal);
    gone.abort();
    await expect(first).rejects.toMatchObject({ name: 'AbortError' });
    expect((await second).reveal()).toBe('access-2');
    expect(JSON.stringify([...values])).toContain('refresh-2');
  });

  it('that is wiped while it is being renewed stays wiped', async () => {
    for (isWithdrawn of [false, true]) {
      const logins = await open();
      const { id } = await logins.remember(grant(1));
      await clock.advance(hour);
      const renewing = logins.accessToken(id, new AbortController().signal);
      const wiped = logins.forget(id);
      await expect(renewing).rejects.toMatchObject({ kind: 'unauthorized' });
      expect(await wiped).toBe(1);
      expect(logins.views).toEqual([]);
      expect([...values.keys()]).toEqual(['web-logins']);
    }
  });

  it('that cannot be renewed is not kept', async () => {
    await expect((await open()).remember({ ...grant(1), refreshToken: null })).rejects.toMatchObject({ code: 'accounts/no-refresh-token' });
    expect(values.size).toBe(0);
  });

  it('is wiped', async () => {
    const logins = await open();
    await logins.remember(grant(1));
    await logins.remember(grant(2, 'ben'));
    expect(await logins.forget(logins.views[0]?.id ?? '')).toBe(1);
    expect(JSON.stringify([...values])).not.toContain('refresh-1');
    expect(await logins.forget(null)).toBe(1);
    expect([...values.keys()]).toEqual(['web-logins']);
  });
});
