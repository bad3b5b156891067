import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#foundation';
import { FakePlayer, playing } from '../../../test/contract/surface-fake-player.ts';
import { bridgePayload, type DeviceContext, type DevicePayload, zonePayload } from './device-payload.ts';
import { Topics } from './topics.ts';
import { eventTypes, writableKeys, zoneAttributes, zonePosition, zoneState } from './wire/index.ts';

// home-integrations.md §1.4: closed maps. One more key and Home Assistant drops the whole message.
const rootKeys = ['device', 'origin', 'components', 'availability', 'availability_topic', 'availability_mode', 'availability_template', 'payload_available', 'payload_not_available', 'state_topic', 'command_topic', 'qos', 'encoding'];
const deviceKeys = ['identifiers', 'connections', 'name', 'manufacturer', 'model', 'model_id', 'sw_version', 'hw_version', 'serial_number', 'suggested_area', 'via_device', 'configuration_url'];
const originKeys = ['name', 'sw_version', 'support_url'];
const availabilityKeys = ['topic', 'payload_available', 'payload_not_available', 'value_template'];
// Known since device payloads exist (2024.11).
const platforms = ['sensor', 'binary_sensor', 'switch', 'button', 'number', 'select', 'text', 'image', 'event', 'device_automation'];

const context = (more: Partial<DeviceContext> = {}): DeviceContext => ({ topics: new Topics('tonearm'), instance: '7f3a', version: '1.2.3', qos: 1, url: undefined, ...more });
const kitchen = zonePayload({ id: 'kitchen', name: 'Kitchen' }, context());

function check(payload: DevicePayload, name: string): void {
  const only = (value: object, allowed: readonly string[]) => expect(Object.keys(value).filter((key) => !allowed.includes(key))).toEqual([]);
  only(payload, rootKeys);
  only(payload.device, deviceKeys);
  only(payload.origin, originKeys);
  for (const item of payload.availability ?? []) only(item, availabilityKeys);
  expect((payload.device['identifiers'] as string[]).every((id) => /^[a-zA-Z0-9_-]+$/.test(id))).toBe(true);
  const ids = new Set<unknown>();
  for (const [key, component] of Object.entries(payload.components)) {
    expect(key).toMatch(/^[a-z_]+$/);
    expect(platforms).toContain(component.platform);
    for (const item of (component['availability'] as object[] | undefined) ?? []) only(item, availabilityKeys);
    if (component.platform === 'device_automation') continue;
    const { unique_id: unique, default_entity_id: entity, name: label } = component as { unique_id?: string; default_entity_id?: string; name?: string };
    expect(ids.has(unique)).toBe(false);
    ids.add(unique);
    expect(unique).toBe(`${(payload.device['identifiers'] as string[])[0] ?? ''}_${key}`);
    expect(entity).toMatch(new RegExp(`^${component.platform}\\.[a-z0-9_]+$`));
    expect(label).toMatch(/^[A-Z][A-Za-z ]+$/);
    if (!['Play', 'Tonearm'].includes(name)) expect(label).not.toContain(name);
  }
}

describe('device payloads', () => {
  it('hold only keys Home Assistant allows, whatever the zone is called', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), fc.string({ minLength: 1 }), fc.stringMatching(/^[a-z0-9]{1,12}$/), fc.constantFrom<0 | 1>(0, 1), fc.constantFrom(undefined, 'http://192.168.1.5:8484/'), fc.constantFrom('tonearm', 'a/b-c'),
        (id, name, instance, qos, url, prefix) => {
          const where = context({ instance, qos, url, topics: new Topics(prefix) });
          check(zonePayload({ id, name }, where), '\0');
          check(bridgePayload(where), '\0');
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
    expect(bridgePayload(context())).not.toHaveProperty('availability');
    expect(bridgePayload(context()).components['connection']).not.toHaveProperty('availability');
    expect(bridgePayload(context()).components['version']).toHaveProperty('availability');
  });

  it('command only what works', () => {
    for (const { command_topic: topic } of Object.values(kitchen.components) as { command_topic?: string }[]) {
      if (topic !== undefined) expect(writableKeys[topic.replace('tonearm/kitchen/set/', '')]?.supported).toBe(true);
    }
  });

  it('read only what is published', () => {
    const clock = new FakeClock();
    const { state } = new FakePlayer(clock, playing(clock));
    const shapes: Record<string, object> = {
      'tonearm/kitchen': zoneState(state),
      'tonearm/kitchen/attributes': zoneAttributes(state),
      'tonearm/kitchen/position': zonePosition(state, 0),
      'tonearm/kitchen/event': { event_type: 'track_changed' },
    };
    for (const [key, component] of Object.entries(kitchen.components)) {
      const { state_topic, topic = state_topic, value_template = '' } = component as { state_topic?: string; topic?: string; value_template?: string };
      for (const [, field] of value_template.matchAll(/value_json\.(\w+)/g)) expect(shapes[topic ?? ''], key).toHaveProperty(field ?? '');
    }
    expect(kitchen.components['event']).toMatchObject({ event_types: eventTypes });
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
      'state', 'playing', 'play', 'next', 'previous', 'stop', 'volume', 'mute', 'shuffle', 'repeat', 'title', 'artist', 'album', 'source', 'artwork', 'duration', 'position', 'play_uri', 'event', 'connected', 'problem',
    ]);
    expect(bridgePayload(context({ url: 'http://tonearm.lan/' })).device).toMatchObject({ configuration_url: 'http://tonearm.lan/' });
  });
});
