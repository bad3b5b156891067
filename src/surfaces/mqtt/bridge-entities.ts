import type { AutomationView } from '#core';
import { type Component, config, deviceId, type DeviceContext, diagnostic, knows, onWhen, quoted, type Place, type Row, type Rows, slugOf, value, type YoungPlatform } from './entity.ts';

/** Of the daemon, what its entities depend on. */
export interface BridgeFacts {
  /** It can be restarted, and told what to log. */
  readonly control: boolean;
  /** Null where nothing is automated. */
  readonly automations: readonly Pick<AutomationView, 'id' | 'name' | 'kind'>[] | null;
  readonly tags: boolean;
  /** Presets offered in more than one zone. */
  readonly scenes: readonly { readonly id: string; readonly name: string }[];
}

/** Levels of the log that can be chosen, coarsest last. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;

/** First Home Assistant with a `time` platform. */
const timeSince = [2026, 6] as const;

/** What Home Assistant shows of the daemon itself (home-integrations.md §1.11). */
export function bridgeRows(facts: BridgeFacts, context: Pick<DeviceContext, 'minimum'>): Rows {
  return {
    connection: {
      platform: 'binary_sensor', name: 'Connection state', minimal: true,
      options: ({ topic }) => ({ device_class: 'connectivity', ...diagnostic, state_topic: topic('bridgeState'), value_template: onWhen("value_json.state == 'online'") }),
    },
    version: { platform: 'sensor', name: 'Version', minimal: true, options: whileOnline(({ topic }) => ({ ...diagnostic, icon: 'mdi:tag', state_topic: topic('bridgeInfo'), value_template: value('version') })) },
    update: {
      platform: 'update', name: 'Update',
      // Whoever installed us updates us: it only says what runs.
      options: whileOnline(({ topic }) => ({
        ...diagnostic, state_topic: topic('bridgeInfo'),
        value_template: "{{ {'installed_version': value_json.version, 'latest_version': value_json.latest_version, 'title': 'Tonearm'} | tojson }}",
      })),
    },
    pause_all: { platform: 'button', name: 'Pause all', minimal: true, options: whileOnline(({ command }) => ({ icon: 'mdi:pause-circle', ...command('state'), payload_press: 'paused' })) },
    ...(facts.control && controlRows),
    ...(facts.automations && automationRows(facts.automations, context)),
    ...(facts.tags && tagRows),
    ...Object.fromEntries(facts.scenes.map(({ id, name }): [string, Row] => [`scene_${id}`, {
      platform: 'scene', name, slug: slugOf(id),
      options: whileOnline(({ request }) => ({ icon: 'mdi:playlist-star', ...request('preset/play'), payload_on: JSON.stringify({ preset: id }) })),
    }])),
  };
}

const controlRows: Rows = {
  restart: { platform: 'button', name: 'Restart', options: whileOnline(({ request }) => ({ ...config, device_class: 'restart', ...request('restart') })) },
  log_level: {
    platform: 'select', name: 'Log level',
    options: whileOnline(({ topic, request }) => ({ ...config, icon: 'mdi:text-box-outline', options: logLevels, state_topic: topic('bridgeInfo'), value_template: value('log_level'), ...request('log_level') })),
  },
  restart_required: {
    platform: 'binary_sensor', name: 'Restart required',
    options: whileOnline(({ topic }) => ({ ...diagnostic, device_class: 'problem', state_topic: topic('bridgeInfo'), value_template: onWhen('value_json.restart_required') })),
  },
};

const tagRows: Rows = {
  learn_tag: { platform: 'button', name: 'Learn a tag', options: whileOnline(({ request }) => ({ ...config, icon: 'mdi:nfc-tap', ...request('tag/learn'), payload_press: '{}' })) },
  last_tag: {
    platform: 'sensor', name: 'Last tag',
    options: whileOnline(({ topic }) => ({
      icon: 'mdi:nfc-variant', state_topic: topic('bridgeTag'), value_template: value('tag'),
      // Not as it is: `name` is no attribute an entity may have.
      json_attributes_topic: topic('bridgeTag'), json_attributes_template: `{{ {${['outcome', 'zone', 'reader', 'at', 'why'].map((key) => `'${key}': value_json.${key}`).join(', ')}, 'stands_for': value_json.name} | tojson }}`,
    })),
  },
};

function automationRows(automations: NonNullable<BridgeFacts['automations']>, context: Pick<DeviceContext, 'minimum'>): Rows {
  return {
    automations: {
      platform: 'switch', name: 'Automations enabled',
      options: whileOnline(({ topic, request }) => ({
        icon: 'mdi:robot', state_topic: topic('bridgeAutomations'), value_template: onWhen('value_json.enabled'), ...request('automation/enable'),
        payload_on: '{"all":true,"enabled":true}', payload_off: '{"all":true,"enabled":false}', state_on: 'ON', state_off: 'OFF',
      })),
    },
    guest_mode: {
      platform: 'switch', name: 'Guest mode',
      options: whileOnline(({ topic, request }) => ({ ...config, icon: 'mdi:account-group', state_topic: topic('bridgeAutomations'), value_template: onWhen('value_json.guest_mode'), ...request('guest_mode') })),
    },
    quiet_hours: {
      platform: 'binary_sensor', name: 'Quiet hours',
      options: whileOnline(({ topic }) => ({ icon: 'mdi:weather-night', state_topic: topic('bridgeAutomations'), value_template: onWhen('value_json.quiet') })),
    },
    next_alarm: {
      platform: 'sensor', name: 'Next alarm',
      options: whileOnline(({ topic }) => ({ device_class: 'timestamp', icon: 'mdi:alarm', state_topic: topic('bridgeAutomations'), value_template: value('next_alarm') })),
    },
    ...Object.fromEntries(automations.flatMap((one) => Object.entries(one.kind === 'alarm' ? alarmRows(one, context) : ruleRows(one)))),
  };
}

type Named = Pick<AutomationView, 'id' | 'name'>;

/** One of the list in `bridge/automations`. */
const pick = (id: string, key: string) => `(value_json.automations | selectattr('id', 'eq', ${quoted(id)}) | first | default({})).get('${key}')`;

function ruleRows({ id, name }: Named): Rows {
  return {
    [`rule_${id}`]: switchRow(id, name),
    [`run_${id}`]: { platform: 'button', name: `${name}: run now`, slug: `${slugOf(id)}_run`, options: whileOnline(({ request }) => ({ icon: 'mdi:play-circle-outline', ...request('automation/run'), payload_press: JSON.stringify({ id }) })) },
  };
}

function alarmRows({ id, name }: Named, { minimum }: Pick<DeviceContext, 'minimum'>): Rows {
  const press = (what: string, label: string, icon: string): Row => ({
    platform: 'button', name: `${name}: ${label}`, slug: `${slugOf(id)}_${what}`,
    options: whileOnline(({ request }) => ({ icon, ...request(`automation/${what}`), payload_press: JSON.stringify({ id }) })),
  });
  return {
    [`alarm_${id}`]: switchRow(id, name),
    [`state_${id}`]: {
      platform: 'sensor', name: `${name}: state`, slug: `${slugOf(id)}_state`,
      options: whileOnline(({ topic }) => ({ device_class: 'enum', options: ['idle', 'ringing', 'snoozed'], icon: 'mdi:alarm-bell', state_topic: topic('bridgeAutomations'), value_template: `{{ ${pick(id, 'state')} }}` })),
    },
    [`next_${id}`]: {
      platform: 'sensor', name: `${name}: next`, slug: `${slugOf(id)}_next`,
      options: whileOnline(({ topic }) => ({ device_class: 'timestamp', icon: 'mdi:alarm', state_topic: topic('bridgeAutomations'), value_template: `{{ ${pick(id, 'next_run')} }}` })),
    },
    [`snooze_${id}`]: press('snooze', 'snooze', 'mdi:alarm-snooze'),
    [`stop_${id}`]: press('stop', 'stop', 'mdi:alarm-off'),
    [`skip_${id}`]: press('skip', 'skip next', 'mdi:debug-step-over'),
    ...(!knows(minimum, timeSince) && {
      [`time_${id}`]: {
        platform: 'text', name: `${name}: time`, slug: `${slugOf(id)}_time`,
        options: whileOnline((place) => ({ ...timeOptions(id, place), min: 5, max: 5, pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' })),
      } satisfies Row,
    }),
  };
}

function switchRow(id: string, name: string): Row {
  return {
    platform: 'switch', name, slug: slugOf(id),
    options: whileOnline(({ topic, request }) => ({
      icon: 'mdi:calendar-clock', state_topic: topic('bridgeAutomations'), value_template: onWhen(pick(id, 'enabled')), ...request('automation/enable'),
      payload_on: JSON.stringify({ id, enabled: true }), payload_off: JSON.stringify({ id, enabled: false }), state_on: 'ON', state_off: 'OFF',
    })),
  };
}

function timeOptions(id: string, { topic, request }: Place): Readonly<Record<string, unknown>> {
  return {
    ...config, icon: 'mdi:clock-edit-outline', state_topic: topic('bridgeAutomations'), value_template: `{{ ${pick(id, 'time')} }}`,
    ...request('automation/set_time'), command_template: `{{ {'id': ${quoted(id)}, 'time': value | string} | tojson }}`,
  };
}

/** A config of its own for what a Home Assistant older than ours may not know. */
export interface SingleConfig {
  readonly platform: YoungPlatform;
  readonly objectId: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

export function bridgeSingles({ automations }: BridgeFacts, context: DeviceContext, place: Place): readonly SingleConfig[] {
  if (!knows(context.minimum, timeSince) || context.level === 'minimal') return [];
  const device = deviceId(context.instance, 'bridge');
  return (automations ?? []).filter(({ kind }) => kind === 'alarm').map(({ id, name }): SingleConfig => {
    const objectId = `${device}_time_${id}`;
    return {
      platform: 'time',
      objectId,
      payload: {
        unique_id: objectId, default_entity_id: `time.tonearm_${slugOf(id)}_time`, name: `${name}: time`, ...timeOptions(id, place),
        availability: place.availability, qos: context.qos, device: { identifiers: [device] }, origin: { name: 'Tonearm', sw_version: context.version },
      },
    };
  });
}

/** Everything of the bridge goes away with it, except that it is away. */
function whileOnline(options: Row['options']): Row['options'] {
  return (place): Partial<Component> => ({ ...options(place), availability: place.availability });
}
