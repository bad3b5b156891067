import { type Component, config, diagnostic, hidden, onWhen, quoted, type Row, type Rows, text, value } from './entity.ts';
import { eventTypes, repeatWords, sourceWords, zonePlayStates } from './wire/index.ts';

/** Of a zone, what its entities depend on. */
export interface ZoneFacts {
  readonly id: string;
  readonly name: string;
  readonly area?: string | undefined;
  /** Names of the presets offered here; null where there are none at all. */
  readonly presets: readonly string[] | null;
  readonly outputs: readonly string[];
  /** Those that may be used here, as they are called on our topics. */
  readonly accounts: readonly { readonly id: string; readonly label: string }[] | null;
  readonly artwork: 'bytes' | 'url' | 'off';
}

const text255 = { min: 1, max: 255 };
/** Of all sources, what can be chosen without saying what to play; Home Assistant takes "none" for nothing known. */
const sourceChoices = ['spotify', 'off'];

/** What Home Assistant shows of a zone (home-integrations.md §1.11). Keys are stable: they are part of unique ids. */
export function zoneRows(facts: ZoneFacts): Rows {
  return {
    state: {
      platform: 'sensor', name: 'Playback', slug: 'playback', minimal: true,
      options: ({ state, topic }) => ({ device_class: 'enum', options: zonePlayStates, icon: 'mdi:speaker', ...state(value('state')), json_attributes_topic: topic('zoneAttributes') }),
    },
    playing: { platform: 'binary_sensor', name: 'Playing', minimal: true, options: ({ state }) => ({ device_class: 'running', ...state(onWhen("value_json.state == 'playing'")) }) },
    play: {
      platform: 'switch', name: 'Play', minimal: true,
      options: ({ state, command }) => ({ icon: 'mdi:play-pause', ...state(onWhen("value_json.state in ['playing', 'buffering']")), ...command('play') }),
    },
    next: { platform: 'button', name: 'Next', minimal: true, options: ({ command }) => ({ icon: 'mdi:skip-next', ...command('next') }) },
    previous: { platform: 'button', name: 'Previous', minimal: true, options: ({ command }) => ({ icon: 'mdi:skip-previous', ...command('previous') }) },
    stop: { platform: 'button', name: 'Stop', options: ({ command }) => ({ icon: 'mdi:stop', ...command('stop') }) },
    volume: {
      platform: 'number', name: 'Volume', minimal: true,
      options: ({ state, command }) => ({ icon: 'mdi:volume-high', min: 0, max: 100, step: 1, mode: 'slider', unit_of_measurement: '%', ...state(value('volume')), ...command('volume') }),
    },
    mute: { platform: 'switch', name: 'Mute', options: ({ state, command }) => ({ icon: 'mdi:volume-off', ...state(value('mute')), ...command('mute') }) },
    shuffle: { platform: 'switch', name: 'Shuffle', options: ({ state, command }) => ({ icon: 'mdi:shuffle-variant', ...state(value('shuffle')), ...command('shuffle') }) },
    repeat: { platform: 'select', name: 'Repeat', options: ({ state, command }) => ({ icon: 'mdi:repeat', options: repeatWords, ...state(value('repeat')), ...command('repeat') }) },
    ...(facts.presets && { preset: presetRow(facts.presets) }),
    title: { platform: 'sensor', name: 'Title', minimal: true, options: ({ state }) => ({ icon: 'mdi:music-note', ...state(text('title')) }) },
    artist: { platform: 'sensor', name: 'Artist', minimal: true, options: ({ state }) => ({ icon: 'mdi:account-music', ...state(text('artist')) }) },
    album: { platform: 'sensor', name: 'Album', options: ({ state }) => ({ icon: 'mdi:album', ...state(text('album')) }) },
    source: { platform: 'sensor', name: 'Source', options: ({ state }) => ({ icon: 'mdi:import', device_class: 'enum', options: sourceWords, ...state(value('source')) }) },
    source_choice: {
      platform: 'select', name: 'Source', slug: 'source',
      options: ({ state, command }) => ({ icon: 'mdi:import', options: sourceChoices, ...state("{{ {'spotify': 'spotify', 'none': 'off'}.get(value_json.source, 'None') }}"), ...command('source') }),
    },
    ...(facts.artwork !== 'off' && { artwork: artworkRow(facts.artwork) }),
    duration: { platform: 'sensor', name: 'Duration', options: ({ state }) => ({ device_class: 'duration', unit_of_measurement: 's', ...hidden, ...state(value('duration')) }) },
    position: {
      platform: 'sensor', name: 'Position',
      options: ({ topic }) => ({ device_class: 'duration', unit_of_measurement: 's', ...hidden, state_topic: topic('zonePosition'), value_template: value('position') }),
    },
    play_uri: { platform: 'text', name: 'Play URI', options: ({ command }) => ({ icon: 'mdi:link-variant', ...text255, ...command('play_uri') }) },
    sleep_timer: {
      platform: 'number', name: 'Sleep timer',
      // One that was set elsewhere may be longer than this one goes.
      options: ({ state, command }) => ({ ...config, icon: 'mdi:timer-sand', min: 0, max: 240, step: 1, mode: 'box', unit_of_measurement: 'min', ...state('{{ [value_json.sleep_timer, 240] | min }}'), ...command('sleep_timer') }),
    },
    volume_cap: {
      platform: 'number', name: 'Volume limit',
      options: ({ state, command }) => ({ ...config, icon: 'mdi:volume-equal', min: 0, max: 100, step: 1, mode: 'slider', unit_of_measurement: '%', ...state(value('volume_cap')), ...command('volume_cap') }),
    },
    event: {
      platform: 'event', name: 'Playback event', slug: 'playback', minimal: true,
      options: ({ topic }) => ({ icon: 'mdi:playlist-music', event_types: eventTypes, state_topic: topic('zoneEvent') }),
    },
    announcing: { platform: 'binary_sensor', name: 'Announcing', options: ({ state }) => ({ device_class: 'sound', ...state(value('announcing')) }) },
    announce: { platform: 'notify', name: 'Announce', options: ({ command }) => ({ icon: 'mdi:bullhorn', ...command('announce') }) },
    ...(facts.outputs.length > 0 && { output: outputRow(facts.outputs) }),
    ...(facts.accounts && { account: accountRow(facts.id, facts.accounts) }),
    spotify_user: {
      platform: 'sensor', name: 'Spotify user',
      options: ({ topic }) => ({ ...diagnostic, ...hidden, icon: 'mdi:account', state_topic: topic('zoneAttributes'), value_template: "{{ value_json.spotify_user or '' }}" }),
    },
    bitrate: {
      platform: 'sensor', name: 'Bitrate',
      options: ({ topic }) => ({ ...diagnostic, ...hidden, device_class: 'data_rate', unit_of_measurement: 'kbit/s', state_topic: topic('zoneAttributes'), value_template: value('bitrate') }),
    },
    codec: {
      platform: 'sensor', name: 'Codec',
      options: ({ topic }) => ({ ...diagnostic, ...hidden, icon: 'mdi:file-music', state_topic: topic('zoneAttributes'), value_template: "{{ value_json.codec or '' }}" }),
    },
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
}

/** A state that is not among the options is an error in Home Assistant's log; `None` is not. */
function choice(key: string, options: readonly string[]): string {
  return `{{ value_json.${key} if value_json.${key} in [${options.map(quoted).join(', ')}] else 'None' }}`;
}

function presetRow(presets: readonly string[]): Row {
  return {
    platform: 'select', name: 'Preset',
    options: ({ state, command }) => ({ icon: 'mdi:playlist-star', options: presets, ...state(choice('preset', presets)), ...command('preset') }),
  };
}

function outputRow(outputs: readonly string[]): Row {
  return {
    platform: 'select', name: 'Audio output',
    options: ({ state, command }) => ({ ...config, ...hidden, icon: 'mdi:speaker-multiple', options: outputs, ...state(choice('output', outputs)), ...command('output') }),
  };
}

function accountRow(zone: string, accounts: readonly { readonly id: string; readonly label: string }[]): Row {
  const labels = accounts.map(({ label }) => label);
  const ids = accounts.map(({ id, label }) => `${quoted(label)}: ${quoted(id)}`).join(', ');
  return {
    platform: 'select', name: 'Account',
    options: ({ topic, request }) => ({
      ...config, icon: 'mdi:account-switch', options: labels, state_topic: topic('zoneAttributes'), value_template: choice('account', labels),
      ...request('account/use'), command_template: `{{ {'account': {${ids}}[value], 'zone': ${quoted(zone)}} | tojson }}`,
    }),
  };
}

function artworkRow(artwork: 'bytes' | 'url'): Row {
  return {
    platform: 'image', name: 'Artwork', minimal: true,
    // Away while there is no cover: an empty address, or no picture, would be an error in Home Assistant's log.
    options: ({ topic, availability, state }) => {
      const { state_topic, value_template } = state("{{ 'online' if value_json.image_url else 'offline' }}");
      const picture: Partial<Component> = artwork === 'bytes' ? { image_topic: topic('zoneCover'), content_type: 'image/jpeg' } : { url_topic: topic('zoneImage') };
      return { ...picture, availability: [...availability, { topic: state_topic, value_template }], availability_mode: 'all' };
    },
  };
}
