import { bridgeRows, type BridgeFacts } from './bridge-entities.ts';
import { bridgeRequests } from './bridge-requests.ts';
import type { Place, Rows } from './entity.ts';
import { markdown } from './topics.ts';
import { zoneRows } from './zone-entities.ts';

/** Tables of docs/mqtt.md that are made from the code; see topics.test.ts. */
const everything: BridgeFacts = {
  control: true,
  automations: [{ id: '<id>', name: '<rule>', kind: 'rule' }, { id: '<id>', name: '<alarm>', kind: 'alarm' }],
  tags: true,
  scenes: [{ id: '<id>', name: '<preset>' }],
};

export function renderEntityTable(): string {
  const zone = zoneRows({ id: 'zone', name: 'Zone', presets: ['…'], outputs: ['…'], accounts: [{ id: '…', label: '…' }], artwork: 'bytes' });
  const alarmTime = ['Tonearm', '`time_<id>`', 'time', '<alarm>: time', 'config', 'yes'];
  return markdown(['Device', 'Key', 'Platform', 'Name', 'Category', 'Enabled'], [...entityRows('zone', zone), ...entityRows('Tonearm', bridgeRows(everything, { minimum: null })), alarmTime]);
}

function entityRows(device: string, rows: Rows): string[][] {
  return Object.entries(rows)
    .filter(([, { platform }]) => platform !== 'device_automation')
    .map(([key, { platform, name, options }]) => {
      const { device_class: kind, entity_category: category, enabled_by_default: isOn } = options(nowhere);
      return [device, `\`${key}\``, typeof kind === 'string' ? `${platform} (${kind})` : platform, name, typeof category === 'string' ? category : '–', isOn === false ? 'no' : 'yes'];
    });
}

const nowhere: Place = {
  topic: () => '',
  command: () => ({ command_topic: '' }),
  request: () => ({ command_topic: '' }),
  state: () => ({ state_topic: '', value_template: '' }),
  availability: [],
};

export function renderRequestTable(): string {
  return markdown(['Request', 'Payload', '`data` of the answer'], Object.entries(bridgeRequests).map(([name, { payload, about }]) => [`\`${name}\``, payload, about]));
}
