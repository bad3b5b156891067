import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#foundation';
import { FakePlayer, playing } from '../../../test/contract/surface-fake-player.ts';
import { type BridgeFacts, bridgePayload, type DeviceContext, type DevicePayload, singleConfigs, type ZoneFacts, zonePayload } from './device-payload.ts';
import { bridgeRequests } from './bridge-requests.ts';
import { Topics } from './topics.ts';
import { eventTypes, writableKeys, zoneAttributes, zonePosition, zoneState } from './wire/index.ts';

// home-integrations.md §1.4: closed maps. One more key and Home Assistant drops the whole message.
const rootKeys = ['device', 'origin', 'components', 'availability', 'availability_topic', 'availability_mode', 'availability_template', 'payload_available', 'payload_not_available', 'state_topic', 'command_topic', 'qos', 'encoding'];
const deviceKeys = ['identifiers', 'connections', 'name', 'manufacturer', 'model', 'model_id', 'sw_version', 'hw_version', 'serial_number', 'suggested_area', 'via_device', 'configuration_url'];
const originKeys = ['name', 'sw_version', 'support_url'];
const availabilityKeys = ['topic', 'payload_available', 'payload_not_available', 'value_template'];
// Known since device payloads exist (2024.11).
const platforms = ['sensor', 'binary_sensor', 'switch', 'button', 'number', 'select', 'text', 'image', 'event', 'notify', 'scene', 'update', 'device_automation'];

const context = (more: Partial<DeviceContext> = {}): DeviceContext => ({ topics: new Topics('tonearm'), instance: '7f3a', version: '1.2.3', qos: 1, url: undefined, level: 'standard', minimum: null, ...more });
const facts = (more: Partial<ZoneFacts> = {}): ZoneFacts => ({
  id: 'kitchen', name: 'Kitchen', presets: ['Morning', "Anna's “evening”"], outputs: ['auto', 'speaker'], accounts: [{ id: 'aaaabbbb', label: 'li****er' }], artwork: 'bytes', ...more,
});
const about = (more: Partial<BridgeFacts> = {}): BridgeFacts => ({
  control: true,
  automations: [{ id: 'bathroom', name: 'Bathroom radio', kind: 'rule' }, { id: 'wake', name: 'Wake up', kind: 'alarm' }],
  tags: true,
  scenes: [{ id: 'morning', name: 'Morning' }],
  ...more,
});
const bare = about({ control: false, automations: null, tags: false, scenes: [] });
const kitchen = zonePayload(facts(), context());
const bridge = bridgePayload(about(), context());

type ZoneFactsChoice = Pick<ZoneFacts, 'presets' | 'outputs' | 'accounts' | 'artwork'>;

function check(payload: DevicePayload, name: string): void {
  const only = (value: object, allowed: readonly string[]) => expect(Object.keys(value).filter((key) => !allowed.includes(key))).toEqual([]);
  only(payload, rootKeys);
  only(payload.device, deviceKeys);
  only(payload.origin, originKeys);
  for (const item of payload.availability ?? []) only(item, availabilityKeys);
  expect((payload.device['identifiers'] as string[]).every((id) => /^[a-zA-Z0-9_-]+$/.test(id))).toBe(true);
  const ids = new Set<unknown>();
  for (const [key, component] of Object.entries(payload.components)) {
    expect(key).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(platforms).toContain(component.platform);
    for (const item of (component['availability'] as object[] | undefined) ?? []) only(item, availabilityKeys);
    if (component.platform === 'device_automation') continue;
    const { unique_id: unique, default_entity_id: entity, name: label } = component as { unique_id?: string; default_entity_id?: string; name?: string };
    expect(ids.has(unique)).toBe(false);
    ids.add(unique);
    expect(unique).toBe(`${(payload.device['identifiers'] as string[])[0] ?? ''}_${key}`);
    expect(entity).toMatch(new RegExp(`^${component.platform}\\.[a-z0-9_]+$`));
    expect(label).toMatch(/^[A-Z][A-Za-z :]+$/);
    if (!['Play', 'Tonearm'].includes(name)) expect(label).not.toContain(name);
  }
}

describe('device payloads', () => {
  it('hold only keys Home Assistant allows, whatever the zone is called', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), fc.string({ minLength: 1 }), fc.stringMatching(/^[a-z0-9]{1,12}$/), fc.constantFrom<0 | 1>(0, 1), fc.constantFrom(undefined, 'http://192.168.1.5:8484/'), fc.constantFrom('tonearm', 'a/b-c'),
        fc.record<ZoneFactsChoice>({ presets: fc.constantFrom(null, [], ['Morning']), outputs: fc.constantFrom([], ['auto']), accounts: fc.constantFrom(null, [{ id: 'a', label: 'b' }]), artwork: fc.constantFrom('bytes', 'url', 'off') }),
        fc.constantFrom<DeviceContext['level'][]>('minimal', 'standard', 'full'), fc.constantFrom(null, [2024, 11] as const, [2026, 11] as const), fc.constantFrom(about(), bare, about({ control: false })),
        (id, name, instance, qos, url, prefix, choice, level, minimum, what) => {
          const where = context({ instance, qos, url, level, minimum, topics: new Topics(prefix) });
          check(zonePayload(facts({ id, name, ...choice }), where), '\0');
          check(bridgePayload(what, where), '\0');
        },
      ),
      { numRuns: 200 },
    );
    check(kitchen, 'Kitchen');
  });

  it('make everything unavailable with the bridge or the zone', () => {
    expect(kitchen.availability_mode).toBe('all');
    expect(kitchen.availability?.map(({ topic }) => topic)).toEqual(['tonearm/bridge/state', 'tonearm/kitchen/availability']);
    // Except that the bridge is gone: that must show.
    expect(bridge).not.toHaveProperty('availability');
    expect(bridge.components['connection']).not.toHaveProperty('availability');
    expect(bridge.components['version']).toHaveProperty('availability');
  });

  it('command only what works', () => {
    const commanded = [...Object.values(kitchen.components), ...Object.values(bridge.components), ...singleConfigs(about(), context()).map(({ payload }) => payload)] as { command_topic?: string }[];
    for (const { command_topic: topic = '' } of commanded) {
      const key = /^tonearm\/(?:kitchen|group\/all)\/set\/(\w+)$/.exec(topic)?.[1];
      const request = /^tonearm\/bridge\/request\/(.+)$/.exec(topic)?.[1];
      if (key !== undefined) expect(writableKeys).toHaveProperty(key);
      else if (request !== undefined) expect([...Object.keys(bridgeRequests), 'account/use']).toContain(request);
      else expect(topic).toBe('');
    }
  });

  it('leave out what there is nothing behind', () => {
    expect(Object.keys(bridgePayload(bare, context()).components)).toEqual(['connection', 'version', 'update', 'pause_all']);
    const { components } = zonePayload(facts({ presets: null, outputs: [], accounts: null, artwork: 'off' }), context());
    for (const key of ['preset', 'output', 'account', 'artwork']) expect(components).not.toHaveProperty(key);
  });

  it('come in three sizes', () => {
    const keys = (level: DeviceContext['level']) => Object.keys(zonePayload(facts(), context({ level })).components);
    expect(keys('minimal')).toEqual(['state', 'playing', 'play', 'next', 'previous', 'volume', 'title', 'artist', 'artwork', 'event']);
    expect(keys('full')).toEqual(keys('standard'));
    const off = (level: DeviceContext['level']) => Object.entries(zonePayload(facts(), context({ level })).components).filter(([, component]) => component['enabled_by_default'] === false).map(([key]) => key);
    expect(off('standard')).toEqual(['duration', 'position', 'output', 'spotify_user', 'bitrate', 'codec']);
    expect(off('full')).toEqual([]);
  });

  it('show the alarm time in a config of its own, or as text where Home Assistant is older', () => {
    const [time, ...others] = singleConfigs(about(), context());
    expect(others).toEqual([]);
    expect(time).toMatchObject({ platform: 'time', objectId: 'tonearm_7f3a_bridge_time_wake', payload: { unique_id: 'tonearm_7f3a_bridge_time_wake', default_entity_id: 'time.tonearm_wake_time', device: { identifiers: ['tonearm_7f3a_bridge'] } } });
    expect(bridge.components).not.toHaveProperty('time_wake');
    const old = context({ minimum: [2025, 1] });
    expect(singleConfigs(about(), old)).toEqual([]);
    expect(bridgePayload(about(), old).components['time_wake']).toMatchObject({ platform: 'text', pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' });
  });

  it('show automations, alarms, tags and scenes', () => {
    expect(Object.keys(bridge.components)).toEqual([
      'connection', 'version', 'update', 'pause_all', 'restart', 'log_level', 'restart_required', 'automations', 'guest_mode', 'quiet_hours', 'next_alarm',
      'rule_bathroom', 'run_bathroom', 'alarm_wake', 'state_wake', 'next_wake', 'snooze_wake', 'stop_wake', 'skip_wake', 'learn_tag', 'last_tag', 'scene_morning',
    ]);
    expect(bridge.components['rule_bathroom']).toMatchObject({ name: 'Bathroom radio', payload_on: '{"id":"bathroom","enabled":true}', state_on: 'ON', state_topic: 'tonearm/bridge/automations' });
    expect(bridge.components['scene_morning']).toMatchObject({ platform: 'scene', command_topic: 'tonearm/bridge/request/preset/play', payload_on: '{"preset":"morning"}' });
    expect(bridge.components['restart']).toMatchObject({ device_class: 'restart', entity_category: 'config' });
  });

  it('never say a state that is not among the options', () => {
    expect(kitchen.components['preset']).toMatchObject({ options: ['Morning', "Anna's “evening”"], value_template: "{{ value_json.preset if value_json.preset in ['Morning', 'Anna\\'s “evening”'] else 'None' }}" });
    expect(kitchen.components['account']).toMatchObject({ options: ['li****er'], command_template: "{{ {'account': {'li****er': 'aaaabbbb'}[value], 'zone': 'kitchen'} | tojson }}" });
  });

  it('read only what is published', () => {
    const clock = new FakeClock();
    const { state } = new FakePlayer(clock, playing(clock));
    const shapes: Record<string, object> = {
      'tonearm/kitchen': zoneState(state, { now: 0, preset: null }),
      'tonearm/kitchen/attributes': zoneAttributes(state, { account: null, lastError: null }),
      'tonearm/kitchen/position': zonePosition(state, 0),
      'tonearm/kitchen/event': { event_type: 'track_changed' },
    };
    for (const [key, component] of Object.entries(kitchen.components)) {
      const { state_topic, topic = state_topic, value_template = '' } = component as { state_topic?: string; topic?: string; value_template?: string };
      for (const [, field] of value_template.matchAll(/value_json\.(\w+)/g)) expect(shapes[topic ?? ''], key).toHaveProperty(field ?? '');
    }
    expect(kitchen.components['event']).toMatchObject({ event_types: eventTypes });
  });

  it('suggest the area the zone is said to be in', () => {
    expect(zonePayload(facts({ area: 'Ground floor' }), context()).device).toMatchObject({ suggested_area: 'Ground floor' });
    expect(zonePayload(facts(), context()).device).not.toHaveProperty('suggested_area');
  });

  it('are as the reference has them', () => {
    expect(kitchen.components['volume']).toEqual({
      platform: 'number', unique_id: 'tonearm_7f3a_kitchen_volume', default_entity_id: 'number.kitchen_volume', name: 'Volume', icon: 'mdi:volume-high', min: 0, max: 100, step: 1, mode: 'slider',
      unit_of_measurement: '%', state_topic: 'tonearm/kitchen', value_template: '{{ value_json.volume }}', command_topic: 'tonearm/kitchen/set/volume',
    });
    expect(kitchen.components['state']).toMatchObject({ options: ['off', 'idle', 'buffering', 'playing', 'paused'], json_attributes_topic: 'tonearm/kitchen/attributes' });
    expect(kitchen.components['on_track_changed']).toEqual({
      platform: 'device_automation', automation_type: 'trigger', topic: 'tonearm/kitchen/event', type: 'playback', subtype: 'track_changed', payload: 'track_changed', value_template: '{{ value_json.event_type }}',
    });
    expect(Object.keys(kitchen.components).filter((key) => !key.startsWith('on_'))).toEqual([
      'state', 'playing', 'play', 'next', 'previous', 'stop', 'volume', 'mute', 'shuffle', 'repeat', 'preset', 'title', 'artist', 'album', 'source', 'source_choice', 'artwork', 'duration', 'position', 'play_uri',
      'sleep_timer', 'volume_cap', 'event', 'announcing', 'announce', 'output', 'account', 'spotify_user', 'bitrate', 'codec', 'connected', 'problem',
    ]);
    expect(bridgePayload(bare, context({ url: 'http://tonearm.lan/' })).device).toMatchObject({ configuration_url: 'http://tonearm.lan/' });
  });
});
