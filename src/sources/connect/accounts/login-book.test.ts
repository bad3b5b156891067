import { beforeEach, describe, expect, it } from 'vitest';
import { Secret, silentLog } from '#foundation';
import type { Credentials } from '#spotify';
import { LoginBook } from './login-book.ts';

let values: Map<string, unknown>;
let isFull: boolean;

const store = {
  read: (name: string) => Promise.resolve(values.get(name) ?? null),
  write: (name: string, value: unknown) => (isFull ? Promise.reject(new Error('full')) : Promise.resolve(void values.set(name, structuredClone(value)))),
  remove: (name: string) => Promise.resolve(void values.delete(name)),
  names: (start: string) => Promise.resolve([...values.keys()].filter((key) => key.startsWith(start))),
};

const open = (zone = 'kitchen') => LoginBook.open({ store, zone, log: silentLog, now: 500 });
const stored = (text: string): Credentials => ({ username: null, type: 1, data: new Secret<Uint8Array>(Buffer.from(text)) });
const textOf = (credentials: Credentials | null) => credentials && Buffer.from(credentials.data.reveal()).toString();

beforeEach(() => {
  values = new Map();
  isFull = false;
});

describe('the book of logins', () => {
  it('remembers several accounts, each in a value of its own whose name does not tell whose', async () => {
    const book = await open();
    await book.remember('ann', stored('of ann'), 'phone', 1);
    await book.remember('ben', stored('of ben'), 'code', 2);
    await book.remember('ann', stored('of ann, newer'), null, 3);
    const again = await open();
    expect(again.rows).toMatchObject([
      { username: 'ann', way: 'phone', since: 1, used: 1, isSpent: false },
      { username: 'ben', way: 'code', since: 2, used: 2 },
    ]);
    expect(again.active?.username).toBe('ann');
    expect([textOf(await again.credentials('ann')), textOf(await again.credentials('ben')), await again.credentials('eve')]).toEqual(['of ann, newer', 'of ben', null]);
    expect([...values.keys()].filter((name) => /ann|ben/.test(name))).toEqual([]);
    expect(values.size).toBe(3);
    expect((await open('bath')).rows).toEqual([]);
  });

  it('gives nobody another’s login, also when somebody exchanges the values', async () => {
    const book = await open();
    await book.remember('ann', stored('of ann'), 'phone', 1);
    const [name = ''] = [...values.keys()].filter((key) => key.startsWith('login/'));
    await book.remember('ben', stored('of ben'), 'phone', 2);
    const [other = ''] = [...values.keys()].filter((key) => key.startsWith('login/') && key !== name);
    values.set(name, values.get(other));
    expect(await book.credentials('ann')).toBeNull();
    expect(textOf(await book.credentials('ben'))).toBe('of ben');
  });

  it('loses nobody with a damaged list, and leaves nothing behind that is in no list', async () => {
    const book = await open();
    await book.remember('ann', stored('of ann'), 'code', 1);
    await book.remember('ben', stored('of ben'), 'phone', 2);
    values.set('logins/kitchen', { rows: 'nonsense' });
    const again = await open();
    expect(again.rows.map(({ username }) => username).sort()).toEqual(['ann', 'ben']);
    expect(again.active).toBeNull(); // which of the two it was, nobody knows
    expect(textOf(await again.credentials('ben'))).toBe('of ben');
    values.set('login/kitchen/0123456789abcdef', 'of nobody we know');
    await again.forget(null);
    expect([...values.keys()].filter((name) => name.startsWith('login/'))).toEqual([]);
  });

  it('wipes one, or all', async () => {
    const book = await open();
    for (const user of ['ann', 'ben', 'cat']) await book.remember(user, stored(user), 'phone', 1);
    expect(await book.forget('cat')).toEqual(['cat']);
    expect([book.active, book.rows.length]).toEqual([null, 2]);
    expect(await book.forget('cat')).toEqual([]);
    expect(await book.forget(null)).toEqual(['ben', 'ann']);
    expect([...values.keys()]).toEqual(['logins/kitchen']);
  });

  it('gives up what was refused twice in a row, and keeps the row', async () => {
    const book = await open();
    await book.remember('ann', stored('of ann'), 'phone', 1);
    expect(await book.refused('ann')).toBe('again');
    await book.remember('ann', stored('of ann'), null, 2);
    expect(await book.refused('ann')).toBe('again');
    expect(await (await open()).refused('ann')).toBe('over');
    const again = await open();
    expect(again.rows).toMatchObject([{ username: 'ann', isSpent: true }]);
    expect(await again.credentials('ann')).toBeNull();
    await again.remember('ann', stored('new'), 'code', 9);
    expect(again.rows).toMatchObject([{ isSpent: false, refusals: 0, since: 9 }]);
    expect(await book.refused('nobody')).toBe('over');
  });

  it('does not grow without end', async () => {
    const book = await open();
    for (let n = 0; n < 40; n++) await book.remember(`user ${n}`, stored('x'), 'phone', n);
    expect(book.rows).toHaveLength(32);
    expect(values.size).toBe(33);
    expect(book.find('user 7')).toBeNull();
  });

  it('takes over what an earlier version kept', async () => {
    values.set('connect-kitchen', { username: 'ann', type: 1, data: Buffer.from('of ann').toString('base64'), refusals: 0 });
    const book = await open();
    expect([book.active?.username, textOf(await book.credentials('ann'))]).toEqual(['ann', 'of ann']);
    expect(values.has('connect-kitchen')).toBe(false);
    expect((await open()).active?.username).toBe('ann');
  });

  it.each(['nonsense', 7, { rows: [] }, { active: null, rows: [{ username: 1 }] }])('begins anew with the index %j', async (index) => {
    values.set('logins/kitchen', index);
    expect((await open()).rows).toEqual([]);
  });

  it('goes on when nothing can be saved, and says so', async () => {
    const book = await open();
    isFull = true;
    await expect(book.remember('ann', stored('of ann'), 'phone', 1)).rejects.toThrow('full');
    expect(book.active?.username).toBe('ann');
    isFull = false;
    await book.remember('ben', stored('of ben'), 'phone', 2);
    expect((await open()).rows).toHaveLength(2);
  });
});
