import { expect, it } from 'vitest';
import { FakeClock } from '#foundation';
import { HomeBroker } from '../../test/kit/home-broker.ts';
import type { PresenceView } from './ports.ts';
import { watch, type Notice } from './watch.ts';

it('remembers so many topics of a filter, and no more: the one that was silent longest is new again', () => {
  const clock = new FakeClock();
  const broker = new HomeBroker();
  const heard: Notice[] = [];
  const watching = watch({ mqtt: 'rooms/#', above: 70, for: 60_000 }, { clock, zones: [], presence: null as unknown as PresenceView, messages: broker.messages, alarms: () => null }, { isState: false }, (notice) => heard.push(notice));
  broker.say('rooms/first', '60');
  broker.say('rooms/first', '80');
  expect(clock.pending).toBe(1);
  for (let n = 0; n < 3000; n++) {
    broker.say(`rooms/${n}`, '60');
    broker.say(`rooms/${n}`, '80');
  }
  expect(clock.pending).toBe(1000);
  // Forgotten, so this is its first value.
  broker.say('rooms/first', '80');
  broker.say('rooms/2999', '60');
  expect(clock.pending).toBe(998);
  broker.down();
  expect([clock.pending, heard]).toEqual([0, []]);
  watching[Symbol.dispose]();
  expect(broker.listeners).toBe(0);
});
