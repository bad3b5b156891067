import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, silentLog } from '#foundation';
import { encodeAttributesMutation, encodeAttributesUpdate } from '#spotify/wire';
import { AccountState } from './account-state.ts';

const premium = new Map([['type', 'premium'], ['autoplay', '1'], ['filter-explicit-content', '0'], ['name', 'x']]);

let clock: FakeClock;
let account: AccountState;
let changes: number;
let unfit: string[];

beforeEach(() => {
  clock = new FakeClock();
  account = new AccountState({ clock, log: silentLog });
  changes = 0;
  unfit = [];
  account.events.on('changed', () => (changes += 1));
  account.events.on('unfit', ({ error }) => unfit.push(error.code));
});

describe('AccountState', () => {
  it('keeps what it is told and tells what changed', () => {
    account.setCountry('DE');
    account.setCountry('DE');
    account.setAttributes(premium);
    expect([account.country, account.attributes.get('autoplay'), changes]).toEqual(['DE', '1', 2]);
  });

  it('takes pushes: new values, and flips of what is 0 or 1', () => {
    account.setAttributes(premium);
    account.pushed('spotify:user:attributes:update', encodeAttributesUpdate(new Map([['autoplay', '0'], ['new', 'y']])));
    account.pushed('spotify:user:attributes:mutated', encodeAttributesMutation(['filter-explicit-content', 'name', 'unknown']));
    account.pushed('spotify:user:attributes:else', Buffer.alloc(0));
    account.pushed('spotify:user:attributes:update', Buffer.from('ff', 'hex'));
    account.pushed('hm://else', Buffer.alloc(0));
    expect(Object.fromEntries(account.attributes)).toEqual({ type: 'premium', autoplay: '0', 'filter-explicit-content': '1', name: 'x', new: 'y' });
    expect(changes).toBe(3);
  });

  it.each(['free', 'open', ''])('finds "%s" unfit', (type) => {
    account.setAttributes(new Map([['type', type]]));
    expect(unfit).toEqual(['spotify/not-premium']);
    account.setAttributes(new Map([['catalogue', 'premium']]));
    expect(unfit).toHaveLength(1);
  });

  it('is known when country and product are there, or after five seconds', async () => {
    const never = new AbortController().signal;
    const first = account.known(never);
    await clock.advance(4999);
    account.setCountry('DE');
    account.setAttributes(premium);
    await first;
    await account.known(never);
    expect(clock.pending).toBe(0);

    const late = new AccountState({ clock, log: silentLog }).known(never);
    await clock.advance(5000);
    await late;
    const abort = new AbortController();
    const left = new AccountState({ clock, log: silentLog }).known(abort.signal);
    abort.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    expect(clock.pending).toBe(0);
  });
});
