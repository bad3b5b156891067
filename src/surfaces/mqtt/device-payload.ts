import { bridgeRows, bridgeSingles, type BridgeFacts, type SingleConfig } from './bridge-entities.ts';
import { bridgeAvailability, buildComponents, deviceId, type DeviceContext, type DevicePayload, type Place, slugOf, value } from './entity.ts';
import { zoneRows, type ZoneFacts } from './zone-entities.ts';

export { deviceId, type Component, type DeviceContext, type DevicePayload } from './entity.ts';
export type { BridgeFacts, SingleConfig } from './bridge-entities.ts';
export type { ZoneFacts } from './zone-entities.ts';

/** Every zone is a device of its own, reached through the bridge. */
export function zonePayload(zone: ZoneFacts, context: DeviceContext): DevicePayload {
  const { topics, instance, version, qos, url } = context;
  const id = deviceId(instance, zone.id);
  const availability = [bridgeAvailability(topics), { topic: topics.of('zoneAvailability', { zone: zone.id }), value_template: value('state') }];
  const place: Place = {
    topic: (name) => topics.of(name, { zone: zone.id }),
    command: (key) => ({ command_topic: topics.of('zoneSetKey', { zone: zone.id, key }) }),
    request: (name) => ({ command_topic: topics.of('bridgeRequest', { name }) }),
    state: (template) => ({ state_topic: topics.of('zoneState', { zone: zone.id }), value_template: template }),
    availability,
  };
  return {
    device: {
      identifiers: [id],
      name: zone.name,
      manufacturer: 'Tonearm',
      model: 'Spotify Connect speaker',
      sw_version: version,
      ...(zone.area !== undefined && { suggested_area: zone.area }),
      via_device: deviceId(instance, 'bridge'),
      ...(url === undefined ? {} : { configuration_url: url }),
    },
    origin: { name: 'Tonearm', sw_version: version },
    availability,
    availability_mode: 'all',
    qos,
    components: buildComponents(zoneRows(zone), { id, slug: slugOf(zone.id), place, context }),
  };
}

/** Shares no availability: whether the daemon is there must show even when it is not. */
export function bridgePayload(facts: BridgeFacts, context: DeviceContext): DevicePayload {
  const { instance, version, qos, url } = context;
  const id = deviceId(instance, 'bridge');
  return {
    device: { identifiers: [id], name: 'Tonearm', manufacturer: 'Tonearm', model: 'Bridge', sw_version: version, ...(url === undefined ? {} : { configuration_url: url }) },
    origin: { name: 'Tonearm', sw_version: version },
    qos,
    components: buildComponents(bridgeRows(facts, context), { id, slug: 'tonearm', place: bridgePlace(context), context }),
  };
}

/** What the daemon shows besides, in configs of its own. */
export function singleConfigs(facts: BridgeFacts, context: DeviceContext): readonly SingleConfig[] {
  return bridgeSingles(facts, context, bridgePlace(context));
}

function bridgePlace({ topics }: Pick<DeviceContext, 'topics'>): Place {
  return {
    topic: (name) => topics.of(name),
    command: (key) => ({ command_topic: topics.of('groupSetKey', { key }) }),
    request: (name) => ({ command_topic: topics.of('bridgeRequest', { name }) }),
    state: (template) => ({ state_topic: topics.of('bridgeState'), value_template: template }),
    availability: [bridgeAvailability(topics)],
  };
}
