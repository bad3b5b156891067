import type { ZoneView } from '#core';
import type { TopicName, Topics } from './topics.ts';
import { eventTypes, repeatWords, sourceWords, zonePlayStates } from './wire/index.ts';

/** Keys Home Assistant allows at the root of a device payload; one more, and it drops the whole message (home-integrations.md §1.4). */
export interface DevicePayload {
  readonly device: Readonly<Record<string, unknown>>;
  readonly origin: { readonly name: string; readonly sw_version: string };
  readonly availability?: readonly Availability[];
  readonly availability_mode?: 'all';
  readonly qos: 0 | 1;
  readonly components: Readonly<Record<string, Component>>;
}

interface Availability {
  readonly topic: string;
  readonly value_template: string;
}

export interface Component {
  readonly platform: Platform;
  readonly [option: string]: unknown;
}

/** All known to every Home Assistant that knows device payloads: an unknown one would cost the whole device. */
type Platform = 'sensor' | 'binary_sensor' | 'switch' | 'button' | 'number' | 'select' | 'text' | 'image' | 'event' | 'device_automation';

export interface DeviceContext {
  readonly topics: Topics;
  readonly instance: string;
  readonly version: string;
  readonly qos: 0 | 1;
  /** Of our own pages. */
  readonly url: string | undefined;
}

interface Row {
  readonly platform: Platform;
  /** Without the name of the device: Home Assistant puts that in front. */
  readonly name: string;
  /** End of the suggested entity id; the key if not given. */
  readonly slug?: string;
  readonly options: (at: Place) => Readonly<Record<string, unknown>>;
}

/** Topics of one zone, by name. */
interface Place {
  readonly topic: (name: TopicName) => string;
  readonly command: (key: string) => { readonly command_topic: string };
  /** Reads one value of the zone's state. */
  readonly state: (template: string) => { readonly state_topic: string; readonly value_template: string };
  readonly availability: readonly Availability[];
}

const value = (key: string) => `{{ value_json.${key} }}`;
const onWhen = (condition: string) => `{{ 'ON' if ${condition} else 'OFF' }}`;
/** States of sensors end at 255 characters. */
const text = (key: string) => `{{ (value_json.${key} or '')[:250] }}`;
const diagnostic = { entity_category: 'diagnostic' };
const hidden = { enabled_by_default: false };

/** What Home Assistant shows of a zone. Keys are stable: they are part of unique ids. */
const zoneRows: Readonly<Record<string, Row>> = {
  state: {
    platform: 'sensor', name: 'Playback', slug: 'playback',
    options: ({ state, topic }) => ({ device_class: 'enum', options: zonePlayStates, icon: 'mdi:speaker', ...state(value('state')), json_attributes_topic: topic('zoneAttributes') }),
  },
  playing: { platform: 'binary_sensor', name: 'Playing', options: ({ state }) => ({ device_class: 'running', ...state(onWhen("value_json.state == 'playing'")) }) },
  play: {
    platform: 'switch', name: 'Play',
    options: ({ state, command }) => ({ icon: 'mdi:play-pause', ...state(onWhen("value_json.state in ['playing', 'buffering']")), ...command('play') }),
  },
  next: { platform: 'button', name: 'Next', options: ({ command }) => ({ icon: 'mdi:skip-next', ...command('next') }) },
  previous: { platform: 'button', name: 'Previous', options: ({ command }) => ({ icon: 'mdi:skip-previous', ...command('previous') }) },
  stop: { platform: 'button', name: 'Stop', options: ({ command }) => ({ icon: 'mdi:stop', ...command('stop') }) },
  volume: {
    platform: 'number', name: 'Volume',
    options: ({ state, command }) => ({ icon: 'mdi:volume-high', min: 0, max: 100, step: 1, mode: 'slider', unit_of_measurement: '%', ...state(value('volume')), ...command('volume') }),
  },
  mute: { platform: 'switch', name: 'Mute', options: ({ state, command }) => ({ icon: 'mdi:volume-off', ...state(value('mute')), ...command('mute') }) },
  shuffle: { platform: 'switch', name: 'Shuffle', options: ({ state, command }) => ({ icon: 'mdi:shuffle-variant', ...state(value('shuffle')), ...command('shuffle') }) },
  repeat: { platform: 'select', name: 'Repeat', options: ({ state, command }) => ({ icon: 'mdi:repeat', options: repeatWords, ...state(value('repeat')), ...command('repeat') }) },
  title: { platform: 'sensor', name: 'Title', options: ({ state }) => ({ icon: 'mdi:music-note', ...state(text('title')) }) },
  artist: { platform: 'sensor', name: 'Artist', options: ({ state }) => ({ icon: 'mdi:account-music', ...state(text('artist')) }) },
  album: { platform: 'sensor', name: 'Album', options: ({ state }) => ({ icon: 'mdi:album', ...state(text('album')) }) },
  source: { platform: 'sensor', name: 'Source', options: ({ state }) => ({ icon: 'mdi:import', device_class: 'enum', options: sourceWords, ...state(value('source')) }) },
  artwork: {
    platform: 'image', name: 'Artwork',
    // Away while there is no cover: an empty address would be an error in Home Assistant's log.
    options: ({ topic, availability, state }) => {
      const { state_topic, value_template } = state("{{ 'online' if value_json.image_url else 'offline' }}");
      return { url_topic: topic('zoneImage'), availability: [...availability, { topic: state_topic, value_template }], availability_mode: 'all' };
    },
  },
  duration: { platform: 'sensor', name: 'Duration', options: ({ state }) => ({ device_class: 'duration', unit_of_measurement: 's', ...hidden, ...state(value('duration')) }) },
  position: {
    platform: 'sensor', name: 'Position',
    options: ({ topic }) => ({ device_class: 'duration', unit_of_measurement: 's', ...hidden, state_topic: topic('zonePosition'), value_template: value('position') }),
  },
  play_uri: { platform: 'text', name: 'Play URI', options: ({ command }) => ({ icon: 'mdi:link-variant', min: 1, max: 255, ...command('play_uri') }) },
  event: { platform: 'event', name: 'Playback event', slug: 'playback', options: ({ topic }) => ({ icon: 'mdi:playlist-music', event_types: eventTypes, state_topic: topic('zoneEvent') }) },
  connected: {
    platform: 'binary_sensor', name: 'Spotify session', slug: 'spotify_session',
    options: ({ topic }) => ({ device_class: 'connectivity', ...diagnostic, state_topic: topic('zoneAttributes'), value_template: onWhen('value_json.connected') }),
  },
  problem: {
    platform: 'binary_sensor', name: 'Problem',
    options: ({ topic }) => ({ device_class: 'problem', ...diagnostic, state_topic: topic('zoneAttributes'), value_template: onWhen('value_json.notice') }),
  },
  ...Object.fromEntries(eventTypes.map((type): [string, Row] => [`on_${type}`, {
    platform: 'device_automation', name: '',
    options: ({ topic }) => ({ automation_type: 'trigger', topic: topic('zoneEvent'), type: 'playback', subtype: type, payload: type, value_template: value('event_type') }),
  }])),
};

/** What Home Assistant shows of the daemon itself. */
const bridgeRows: Readonly<Record<string, Row>> = {
  connection: {
    platform: 'binary_sensor', name: 'Connection state',
    options: ({ topic }) => ({ device_class: 'connectivity', ...diagnostic, state_topic: topic('bridgeState'), value_template: onWhen("value_json.state == 'online'") }),
  },
  version: { platform: 'sensor', name: 'Version', options: ({ topic, availability }) => ({ ...diagnostic, icon: 'mdi:tag', state_topic: topic('bridgeInfo'), value_template: value('version'), availability }) },
  pause_all: { platform: 'button', name: 'Pause all', options: ({ command, availability }) => ({ icon: 'mdi:pause-circle', ...command('state'), payload_press: 'paused', availability }) },
};

/** Name of a device in topics and unique ids. */
export function deviceId(instance: string, id: string): string {
  return `tonearm_${instance}_${id}`;
}

/** Every zone is a device of its own, reached through the bridge. */
export function zonePayload(zone: Pick<ZoneView, 'id' | 'name'>, context: DeviceContext): DevicePayload {
  const { topics, instance, version, qos, url } = context;
  const id = deviceId(instance, zone.id);
  const bridge = bridgeAvailability(topics);
  const availability = [bridge, { topic: topics.of('zoneAvailability', { zone: zone.id }), value_template: value('state') }];
  const place: Place = {
    topic: (name) => topics.of(name, { zone: zone.id }),
    command: (key) => ({ command_topic: topics.of('zoneSetKey', { zone: zone.id, key }) }),
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
      via_device: deviceId(instance, 'bridge'),
      ...(url === undefined ? {} : { configuration_url: url }),
    },
    origin: { name: 'Tonearm', sw_version: version },
    availability,
    availability_mode: 'all',
    qos,
    components: build(zoneRows, id, slugOf(zone.id), place),
  };
}

/** Shares no availability: whether the daemon is there must show even when it is not. */
export function bridgePayload({ topics, instance, version, qos, url }: DeviceContext): DevicePayload {
  const id = deviceId(instance, 'bridge');
  const place: Place = {
    topic: (name) => topics.of(name),
    command: (key) => ({ command_topic: topics.of('groupSetKey', { key }) }),
    state: (template) => ({ state_topic: topics.of('bridgeState'), value_template: template }),
    availability: [bridgeAvailability(topics)],
  };
  return {
    device: { identifiers: [id], name: 'Tonearm', manufacturer: 'Tonearm', model: 'Bridge', sw_version: version, ...(url === undefined ? {} : { configuration_url: url }) },
    origin: { name: 'Tonearm', sw_version: version },
    qos,
    components: build(bridgeRows, id, 'tonearm', place),
  };
}

function bridgeAvailability(topics: Topics): Availability {
  return { topic: topics.of('bridgeState'), value_template: value('state') };
}

function build(rows: Readonly<Record<string, Row>>, id: string, device: string, place: Place): Record<string, Component> {
  return Object.fromEntries(
    Object.entries(rows).map(([key, { platform, name, slug = key, options }]): [string, Component] => {
      // Triggers are no entities: they have neither name nor id.
      const entity = platform === 'device_automation' ? {} : { unique_id: `${id}_${key}`, default_entity_id: `${platform}.${device}_${slug}`, name };
      return [key, { platform, ...entity, ...options(place) }];
    }),
  );
}

function slugOf(id: string): string {
  return id.toLowerCase().replace(/[^a-z0-9]+/g, '_');
}
