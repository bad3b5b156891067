import { afterEach, describe, expect, it } from 'vitest';
import type { Condition } from '#core';
import { Emitter, FakeClock } from '#foundation';
import { Bridge } from './bridge.ts';
import { MqttSettings } from './settings.ts';
import { Topics } from './topics.ts';

const well: Condition = { part: 'discovery', code: null, message: 'Phones can find the speaker.', details: { links: [{ name: 'eth0', found: true }], duplicates: [] } };
const ill: Condition = { ...well, code: 'host/not-found', message: 'The speaker does not find itself on eth0.' };

let bridge: Bridge;
afterEach(() => bridge[Symbol.dispose]());

function open() {
  const emitter = new Emitter<{ changed: Condition }>();
  let conditions: Condition[] = [well];
  const sent: { readonly topic: string; readonly payload: unknown }[] = [];
  const outlet = { send: async (topic: string, _where: object, payload: unknown) => void sent.push({ topic, payload }) };
  bridge = new Bridge({
    zones: [],
    outlet: outlet as never,
    topics: new Topics('tonearm'),
    link: { counters: {}, version: '5' } as never,
    settings: MqttSettings.parse({ url: 'mqtt://127.0.0.1' }),
    clock: new FakeClock(),
    version: '1.0.0',
    instance: '0badcafe',
    run: 'r1',
    url: undefined,
    accounts: undefined,
    health: { get conditions() { return conditions; }, events: emitter.events },
  });
  const ask = (name: string) => bridge.answer(name, { argument: null, fields: {} }, new AbortController().signal);
  const become = (condition: Condition) => {
    conditions = [condition];
    emitter.emit('changed', condition);
  };
  return { ask, become, sent };
}

it('takes away what automations and tags of an earlier configuration have left', () => {
  const { sent } = open();
  bridge.showLists();
  expect(sent).toEqual(['bridgeAutomations', 'bridgeTags', 'bridgeTag'].map((topic) => ({ topic, payload: '' })));
});

describe('the health of parts on MQTT', () => {
  it('is in bridge/health, at once when it changes, and an event when it becomes ill or well', () => {
    const { become, sent } = open();
    become(ill);
    expect(sent).toMatchObject([
      { topic: 'bridgeHealth', payload: { discovery: { code: 'host/not-found', message: ill.message, links: [{ name: 'eth0', found: true }], duplicates: [] } } },
      { topic: 'bridgeEvent', payload: { type: 'health', data: { part: 'discovery', code: 'host/not-found', message: ill.message } } },
    ]);
    become({ ...ill, details: {} });
    become(well);
    expect(sent.slice(2).map(({ topic }) => topic)).toEqual(['bridgeHealth', 'bridgeHealth', 'bridgeEvent']);
  });

  it('decides the health check', async () => {
    const { ask, become } = open();
    expect(await ask('health_check')).toEqual({ healthy: true });
    become(ill);
    expect(await ask('health_check')).toEqual({ healthy: false, problems: [{ part: 'discovery', code: 'host/not-found', message: ill.message }] });
    expect(await ask('health')).toMatchObject({ discovery: { code: 'host/not-found' } });
  });
});
