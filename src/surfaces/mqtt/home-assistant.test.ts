import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, silentLog } from '#foundation';
import { FakeLink, incoming } from '../../../test/contract/surface-fake-link.ts';
import { memoryStore } from '../../../test/contract/surface-fake-player.ts';
import type { BridgeFacts, DevicePayload, ZoneFacts } from './device-payload.ts';
import { HomeAssistant } from './home-assistant.ts';
import { MqttSettings } from './settings.ts';
import { Topics } from './topics.ts';

let clock: FakeClock;
let link: FakeLink;
let store: ReturnType<typeof memoryStore>;
let births: number;
let onlines: number;
let takenIn: number;
let presets: string[] | null;
let automations: BridgeFacts['automations'];
let moved: { added: readonly string[]; removed: readonly string[] }[];

beforeEach(() => {
  clock = new FakeClock();
  link = new FakeLink();
  store = memoryStore();
  births = 0;
  onlines = 0;
  takenIn = 0;
  presets = null;
  automations = null;
  moved = [];
});

const factsOf = (id: string): ZoneFacts => ({ id, name: id, presets, outputs: [], accounts: null, artwork: 'bytes' });

function open(zones: readonly string[], settings: object = {}, prefix = 'tonearm') {
  return new HomeAssistant({
    zones: () => zones.map(factsOf),
    bridge: () => ({ control: false, automations, tags: false, scenes: [] }),
    context: { topics: new Topics(prefix), instance: '7f3a', version: '1.0.0', qos: 1, url: undefined, level: 'standard', minimum: null },
    settings: MqttSettings.parse({ url: 'mqtt://127.0.0.1', discovery: settings }).discovery,
    link, store, clock, log: silentLog, random: () => 0.5,
    signal: new AbortController().signal,
    onBirth: () => void (births += 1),
    onOnline: () => void (onlines += 1),
    onTakenIn: () => void (takenIn += 1),
    onZones: (change) => void moved.push(change),
  });
}

async function announce(zones: readonly string[], settings: object = {}, prefix = 'tonearm') {
  link.sent.length = 0;
  const part = open(zones, settings, prefix);
  const said = part.announce().then(() => true);
  const soon = () => new Promise<boolean>((resolve) => setImmediate(resolve, false));
  while (!(await Promise.race([said, soon()]))) await clock.advance(250);
  await clock.advance(0);
  return part;
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
    record.devices['tonearm_7f3a_kitchen'] = { ...record.devices['tonearm_7f3a_kitchen'], karaoke: 'select' };
    await announce(['kitchen']);
    const [stub, full] = link.on(config('kitchen')).map((text) => JSON.parse(text) as DevicePayload);
    expect(stub?.components['karaoke']).toEqual({ platform: 'select' });
    expect(stub?.components['volume']).toHaveProperty('command_topic');
    expect(full?.components).not.toHaveProperty('karaoke');
    await announce(['kitchen']);
    expect(link.on(config('kitchen'))).toHaveLength(1);
  });

  it('removes a zone that is gone, with everything the broker kept of it', async () => {
    await announce(['kitchen', 'bath']);
    await announce(['kitchen']);
    const cleared = link.sent.filter(({ payload }) => payload === '').map(({ topic }) => topic);
    // While Home Assistant holds the entities, an empty state is an error to it.
    expect(cleared[0]).toBe(config('bath'));
    expect(cleared.sort()).toEqual([config('bath'), ...['', '/attributes', '/availability', '/image', '/image_url', '/queue'].map((end) => `tonearm/bath${end}`)]);
  });

  it('moves with its prefixes', async () => {
    await announce(['kitchen']);
    await announce(['kitchen'], { prefix: 'ha' });
    expect(link.sent.filter(({ payload }) => payload === '').map(({ topic }) => topic)).toEqual([config('bridge'), config('kitchen')]);
    expect(link.topics()).toContain(config('kitchen', 'ha'));
    await announce(['kitchen'], { prefix: 'ha' }, 'music');
    expect(link.sent.filter(({ payload }) => payload === '').map(({ topic }) => topic).sort()).toEqual([
      ...['automations', 'health', 'info', 'players', 'presets', 'state', 'tag', 'tags'].map((name) => `tonearm/bridge/${name}`),
      ...['', '/attributes', '/availability', '/image', '/image_url', '/queue'].map((end) => `tonearm/kitchen${end}`),
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

describe('what changes while it runs', () => {
  it('is announced at once, and only where it is different', async () => {
    presets = ['Morning'];
    const part = await announce(['kitchen', 'bath']);
    link.sent.length = 0;
    void part.refresh();
    expect(link.sent).toEqual([]);
    presets = ['Morning', 'Evening'];
    void part.refresh();
    // Without waiting: a state that needs it may be on its way already.
    expect(link.topics()).toEqual([config('kitchen'), config('bath')]);
    expect(link.last<DevicePayload>(config('bath')).components['preset']).toMatchObject({ options: ['Morning', 'Evening'] });
  });

  it('is followed by the states again, once for several changes: Home Assistant may have read them with what it knew before', async () => {
    presets = ['Morning'];
    const part = await announce(['kitchen']);
    await clock.advance(60_000);
    void part.refresh();
    await clock.advance(60_000);
    expect(takenIn).toBe(0);
    for (const name of ['Evening', 'Night']) {
      presets = [...presets, name];
      void part.refresh();
      await clock.advance(2000);
    }
    expect(takenIn).toBe(0);
    await clock.advance(1000);
    expect(takenIn).toBe(1);
    await clock.advance(60_000);
    expect(takenIn).toBe(1);
  });

  it('takes away what is no more, and clears what stood alone', async () => {
    automations = [{ id: 'wake', name: 'Wake up', kind: 'alarm' }];
    const part = await announce(['kitchen']);
    const time = 'homeassistant/time/tonearm_7f3a_bridge_time_wake/config';
    expect(link.last(time)).toMatchObject({ unique_id: 'tonearm_7f3a_bridge_time_wake' });
    link.sent.length = 0;
    automations = [];
    await part.refresh();
    await clock.advance(0);
    expect(link.on(time)).toEqual(['']);
    const [stub, full] = link.on(config('bridge')).map((text) => JSON.parse(text) as DevicePayload);
    expect(stub?.components['alarm_wake']).toEqual({ platform: 'switch' });
    expect(full?.components).not.toHaveProperty('alarm_wake');
    expect(link.on(config('kitchen'))).toEqual([]);
    expect(store.values.get('mqtt-announced')).toMatchObject({ singles: [] });
  });

  it('waits for the first announcement', async () => {
    const part = open(['kitchen']);
    await part.refresh();
    expect(link.sent).toEqual([]);
  });

  it('tells of zones that came and went while it was down', async () => {
    await announce(['kitchen']);
    expect(moved).toEqual([]);
    await announce(['bath']);
    expect(moved).toEqual([{ added: ['bath'], removed: ['kitchen'] }]);
  });
});

describe('a lost record', () => {
  const held = (id: string, components: object) => incoming(config(id), { components }, { retained: true });

  it('is made anew from what the broker still holds of us, and that is cleaned up', async () => {
    await announce(['kitchen']);
    expect(link.listening.map(({ filter }) => filter)).toEqual(['homeassistant/+/+/config']);
    link.say(held('kitchen', { karaoke: { platform: 'select' }, volume: { platform: 'number' } }));
    link.say(held('attic', { volume: { platform: 'number' } }));
    link.say(incoming('homeassistant/time/tonearm_7f3a_bridge_time_old/config', {}, { retained: true }));
    // Of others, and what we say ourselves.
    link.say(incoming('homeassistant/device/tonearm_beef_attic/config', { components: {} }, { retained: true }));
    link.say(incoming('homeassistant/device/0x00158d/config', {}, { retained: true }));
    link.say(incoming(config('cellar'), { components: {} }));
    link.sent.length = 0;
    await clock.advance(4999);
    expect(link.sent).toEqual([]);
    await clock.advance(1);
    const cleared = () => link.sent.filter(({ payload }) => payload === '').map(({ topic }) => topic);
    expect(cleared().sort()).toEqual([config('attic'), 'homeassistant/time/tonearm_7f3a_bridge_time_old/config']);
    await clock.advance(1000);
    expect(cleared()).toContain('tonearm/attic/availability');
    expect(JSON.parse(link.on(config('kitchen'))[0] ?? '')).toMatchObject({ components: { karaoke: { platform: 'select' } } });
    expect(link.last<DevicePayload>(config('kitchen')).components).not.toHaveProperty('karaoke');
    expect(link.listening).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('is no reason to ask when it is there', async () => {
    await announce(['kitchen']);
    await clock.advance(5000);
    await announce(['kitchen']);
    expect(link.listening).toEqual([]);
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
    // Who waits for it hears of it all the same.
    expect(onlines).toBe(1);
  });

  it('is heard where the owner says', () => {
    expect(open([], { statusTopic: 'ha/birth' }).receive(incoming('ha/birth', 'online'))).toBe(true);
    expect(open([], { prefix: 'ha' }).receive(incoming('ha/status', 'online'))).toBe(true);
    expect(open([]).receive(incoming('tonearm/kitchen/set', 'online'))).toBe(false);
    expect(open([], { enabled: false }).receive(incoming('homeassistant/status', 'online'))).toBe(false);
  });

  it('leaves no timer behind', async () => {
    const part = await announce(['kitchen']);
    await clock.advance(60_000);
    part.receive(incoming('homeassistant/status', 'online'));
    presets = ['Morning'];
    void part.refresh();
    part[Symbol.dispose]();
    expect(clock.pending).toBe(0);
  });
});
