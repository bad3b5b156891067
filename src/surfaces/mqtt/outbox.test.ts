import { expect, it } from 'vitest';
import { silentLog } from '#foundation';
import { Outbox, type OutboxLimits } from './outbox.ts';

interface Published {
  readonly topic: string;
  readonly payload: string;
  readonly options: { readonly qos: number; readonly retain: boolean; readonly properties?: Record<string, unknown> };
  readonly confirm: (error?: Error) => void;
}

function open(limits: Partial<OutboxLimits> = {}) {
  const published: Published[] = [];
  const client = {
    publish(topic: string, payload: string, options: Published['options'], confirm: Published['confirm']) {
      published.push({ topic, payload, options, confirm });
      if (options.qos === 0) confirm();
    },
  };
  const outbox = new Outbox(client as never, { properties: true, inFlight: 2, largest: 1000, retain: true, qos: 1, ...limits }, 'tonearm/7f3a', silentLog);
  return { outbox, published };
}

const message = (topic: string, payload = '{}', more: object = {}) => ({ topic, payload, retained: true, qos: 1 as const, ...more });

it('keeps to what the broker can confirm, and to the order', async () => {
  const { outbox, published } = open();
  const done = ['a', 'b', 'c'].map((topic) => outbox.push(message(topic)));
  const last = outbox.push(message('d', '{}', { qos: 0 }));
  expect(published.map(({ topic }) => topic)).toEqual(['a', 'b']);
  published[0]?.confirm();
  expect(published.map(({ topic }) => topic)).toEqual(['a', 'b', 'c', 'd']);
  published[1]?.confirm();
  published[2]?.confirm();
  expect(await Promise.all([...done, last])).toEqual([true, true, true, true]);
});

it('lets a newer picture take the place of one that waits', async () => {
  const { outbox, published } = open({ inFlight: 1 });
  void outbox.push(message('a', '1'));
  const second = outbox.push(message('a', '2'));
  const third = outbox.push(message('a', '3'));
  published[0]?.confirm();
  published[1]?.confirm();
  expect(await Promise.all([second, third])).toEqual([true, true]);
  expect(published.map(({ payload }) => payload)).toEqual(['1', '3']);
});

it('never replaces events, but keeps no more than a hundred', async () => {
  const { outbox, published } = open({ inFlight: 1 });
  void outbox.push(message('a'));
  void outbox.push(message('b'));
  const events = Array.from({ length: 150 }, (_, at) => outbox.push(message('event', String(at), { retained: false, qos: 0 })));
  published[0]?.confirm();
  expect((await Promise.all(events)).filter(Boolean)).toHaveLength(100);
  expect(published.at(-1)?.payload).toBe('149');
});

it('says what did not arrive', async () => {
  const { outbox, published } = open({ inFlight: 1 });
  const first = outbox.push(message('a'));
  const second = outbox.push(message('b'));
  published[0]?.confirm(new Error('Not authorized'));
  outbox.close();
  expect(await Promise.all([first, second, outbox.push(message('c')), outbox.push(message('big', 'x'.repeat(1000)))])).toEqual([false, false, false, false]);
});

it('respects what the broker cannot do', async () => {
  const { outbox, published } = open({ retain: false, qos: 0, properties: false });
  expect(await outbox.push(message('a'))).toBe(true);
  expect(published[0]?.options).toEqual({ qos: 0, retain: false });
});

it('marks messages for MQTT 5', () => {
  const { outbox, published } = open();
  void outbox.push(message('a', '{}', { retained: false, qos: 0, expiry: 60, correlation: Buffer.from('x') }));
  expect(published[0]?.options.properties).toEqual({ contentType: 'application/json', userProperties: { origin: 'tonearm/7f3a' }, messageExpiryInterval: 60, correlationData: Buffer.from('x') });
  void outbox.push(message('b', ''));
  expect(published[1]?.options.properties).toBeUndefined();
});
