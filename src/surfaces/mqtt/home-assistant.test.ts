import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, silentLog } from '#foundation';
import { FakeLink, incoming } from '../../../test/contract/surface-fake-link.ts';
import { fakeZone, memoryStore } from '../../../test/contract/surface-fake-player.ts';
import type { DevicePayload } from './device-payload.ts';
import { HomeAssistant } from './home-assistant.ts';
import { MqttSettings } from './settings.ts';
import { Topics } from './topics.ts';

let clock: FakeClock;
let link: FakeLink;
let store: ReturnType<typeof memoryStore>;
let births: number;

beforeEach(() => {
  clock = new FakeClock();
  link = new FakeLink();
  store = memoryStore();
  births = 0;
});

function open(zones: readonly string[], settings: object = {}, prefix = 'tonearm') {
  return new HomeAssistant({
    zones: zones.map((id) => fakeZone(clock, id)),
    context: { topics: new Topics(prefix), instance: '7f3a', version: '1.0.0', qos: 1, url: undefined },
    settings: MqttSettings.parse({ url: 'mqtt://127.0.0.1', discovery: settings }).discovery,
    link, store, clock, log: silentLog, random: () => 0.5,
    onBirth: () => void (births += 1),
  });
}

async function announce(zones: readonly string[], settings: object = {}, prefix = 'tonearm') {
  link.sent.length = 0;
  await open(zones, settings, prefix).announce();
  await clock.advance(0);
}

const config = (id: string, prefix = 'homeassistant') => `${prefix}/device/tonearm_7f3a_${id}/config`;

describe('announcing', () => {
  it('publishes one retained payload per device', async () => {
    await announce(['kitchen', 'bath']);
    expect(link.topics()).toEqual([config('bridge'), config('kitchen'), config('bath')]);
    expect(link.sent.every(({ retained, qos }) => retained && qos === 1)).toBe(true);
  });

  it('does nothing but clean up when it is off', async () => {
    await announce(['kitchen'], { enabled: false });
    expect(link.sent).toEqual([]);
    await announce(['kitchen']);
    await announce(['kitchen'], { enabled: false });
    expect(link.sent.map(({ topic, payload }) => [topic, payload])).toEqual([[config('bridge'), ''], [config('kitchen'), '']]);
  });

  it('names a component that is gone in its stub form, once, and then leaves it out', async () => {
    await announce(['kitchen']);
    const record = store.values.get('mqtt-announced') as { devices: Record<string, Record<string, string>> };
    record.devices['tonearm_7f3a_kitchen'] = { ...record.devices['tonearm_7f3a_kitchen'], preset: 'select' };
    await announce(['kitchen']);
    const [stub, full] = link.on(config('kitchen')).map((text) => JSON.parse(text) as DevicePayload);
    expect(stub?.components['preset']).toEqual({ platform: 'select' });
    expect(stub?.components['volume']).toHaveProperty('command_topic');
    expect(full?.components).not.toHaveProperty('preset');
    await announce(['kitchen']);
    expect(link.on(config('kitchen'))).toHaveLength(1);
  });

  it('removes a zone that is gone, with everything the broker kept of it', async () => {
    await announce(['kitchen', 'bath']);
    await announce(['kitchen']);
    const cleared = link.sent.filter(({ payload }) => payload === '').map(({ topic }) => topic);
    expect(cleared.sort()).toEqual([config('bath'), 'tonearm/bath', 'tonearm/bath/attributes', 'tonearm/bath/availability', 'tonearm/bath/image_url']);
  });

  it('moves with its prefixes', async () => {
    await announce(['kitchen']);
    await announce(['kitchen'], { prefix: 'ha' });
    expect(link.sent.filter(({ payload }) => payload === '').map(({ topic }) => topic)).toEqual([config('bridge'), config('kitchen')]);
    expect(link.topics()).toContain(config('kitchen', 'ha'));
    await announce(['kitchen'], { prefix: 'ha' }, 'music');
    expect(link.sent.filter(({ payload }) => payload === '').map(({ topic }) => topic).sort()).toEqual([
      'tonearm/bridge/health', 'tonearm/bridge/info', 'tonearm/bridge/players', 'tonearm/bridge/state', 'tonearm/kitchen', 'tonearm/kitchen/attributes', 'tonearm/kitchen/availability', 'tonearm/kitchen/image_url',
    ]);
  });

  it('tries again what did not arrive', async () => {
    await announce(['kitchen', 'bath']);
    link.isUp = false;
    await announce(['kitchen']);
    link.isUp = true;
    await announce(['kitchen']);
    expect(link.sent.some(({ topic, payload }) => topic === config('bath') && payload === '')).toBe(true);
  });

  it('survives a record nobody can read', async () => {
    store.values.set('mqtt-announced', { devices: 5 });
    await announce(['kitchen']);
    expect(link.topics()).toContain(config('kitchen'));
    expect(store.values.get('mqtt-announced')).toMatchObject({ zones: ['kitchen'] });
  });
});

describe('a birth', () => {
  it('is answered after a while, once', async () => {
    const part = open(['kitchen']);
    await clock.advance(60_000);
    expect(part.receive(incoming('homeassistant/status', 'online'))).toBe(true);
    expect(part.receive(incoming('homeassistant/status', 'online'))).toBe(true);
    await clock.advance(5999);
    expect(births).toBe(0);
    await clock.advance(1);
    expect(births).toBe(1);
    await clock.advance(60_000);
    expect(births).toBe(1);
  });

  it('is no news right after connecting, when it is old, or when it is a death', async () => {
    const part = open(['kitchen']);
    await clock.advance(60_000);
    await part.announce();
    await clock.advance(9_000);
    part.receive(incoming('homeassistant/status', 'online'));
    await clock.advance(60_000);
    part.receive(incoming('homeassistant/status', 'online', { retained: true }));
    part.receive(incoming('homeassistant/status', 'offline'));
    await clock.advance(60_000);
    expect(births).toBe(0);
  });

  it('is heard where the owner says', () => {
    expect(open([], { statusTopic: 'ha/birth' }).receive(incoming('ha/birth', 'online'))).toBe(true);
    expect(open([], { prefix: 'ha' }).receive(incoming('ha/status', 'online'))).toBe(true);
    expect(open([]).receive(incoming('tonearm/kitchen/set', 'online'))).toBe(false);
    expect(open([], { enabled: false }).receive(incoming('homeassistant/status', 'online'))).toBe(false);
  });

  it('leaves no timer behind', async () => {
    const part = open([]);
    await clock.advance(60_000);
    part.receive(incoming('homeassistant/status', 'online'));
    part[Symbol.dispose]();
    expect(clock.pending).toBe(0);
  });
});
