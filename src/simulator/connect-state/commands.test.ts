import { expect, it } from 'vitest';
import { FakeClock } from '#foundation';
import { Account } from '../accounts.ts';
import type { Dealer } from '../dealer/dealer.ts';
import type { Parts } from '../parts.ts';
import { Commands } from './commands.ts';
import type { ConnectStateHub } from './hub.ts';

it('lets a state name the command that was the newest when it was sent, however long it was on its way', async () => {
  const clock = new FakeClock();
  const account = new Account({ name: 'listener' });
  const parts = { clock, journal: { record: () => undefined }, faults: { take: () => null } } as unknown as Parts;
  const dealer = { ofDevice: () => ({ account, phone: null }), requests: { send: () => Promise.resolve('succeeded') } } as unknown as Dealer;
  const commands = new Commands(parts, dealer, { acknowledge: () => undefined } as unknown as ConnectStateHub);
  const press = async (id: number) => {
    commands.sendRaw(account, 'phone', 'speaker', { message_id: id, command: { endpoint: 'pause' } });
    await clock.advance(2500);
  };
  await press(1);
  await press(2);
  await press(3);
  const named = (age: number) => commands.known('speaker', age).map(({ messageId }) => messageId);
  expect(named(0)).toEqual([3]);
  expect(named(2600)).toEqual([2, 3]);
  expect(named(4900)).toEqual([1, 2, 3]);
});
