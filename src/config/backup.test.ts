import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStore } from '#host';
import { silentLog } from '#foundation';
import { makeBackup } from './backup.ts';
import { checkConfig } from './load.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'tonearm-backup-'))));
afterEach(() => rm(folder, { recursive: true }));

const planted = ['plantedMqtt', 'plantedBroker', 'plantedProxy', 'plantedKeyPlantedKeyPlantedKey00', 'plantedStoreSecretXY', 'plantedEarlier', 'plantedInSecrets', 'plantedOld', 'plantedRadio', 'plantedEnvironment', 'plantedPreset'];

const written = `# Our house. Once with password: plantedOld
zones:
  - name: Kitchen # where we cook
presets:
  - { name: Radio, uri: "http://me:plantedRadio@radio.example/stream" }
mqtt:
  url: mqtt://192.0.2.1
  username: tonearm
  password: &same plantedMqtt # plantedMqtt, as on the paper
  #password: plantedOld
broker: { address: 0.0.0.0, username: us, password: plantedBroker }
network: { proxy: "http://us:plantedProxy@192.0.2.2:3128" }
http:
  keys:
    - { name: Panel, key: plantedKeyPlantedKeyPlantedKey00 }
    - { name: Other, key: !secret other }
store: { secret: plantedStoreSecretXY, previousSecret: plantedEarlier }
automations:
  - { id: tea, zone: kitchen, then: [{ volume: 3 }] }
accounts: { owners: [ !secret owner ] }
`;

async function backup(text: string, environment: Readonly<Record<string, string>> = {}) {
  const path = join(folder, 'configuration.yaml');
  await writeFile(path, text);
  await writeFile(join(folder, 'secrets.yaml'), 'other: plantedInSecretsPlantedInSecrets00\nowner: plantedOwner\n');
  const store = await openStore(join(folder, 'data'), silentLog);
  const source = { path, environment, defaultData: join(folder, 'data') };
  const make = async () => {
    const { zip, leftOut } = await makeBackup({ source, store, version: '1.2.3', now: Date.UTC(2026, 10, 22) });
    const files = Object.fromEntries(Object.entries(unzipSync(zip)).map(([name, bytes]) => [name, Buffer.from(bytes).toString()]));
    return { files, leftOut, config: (await checkConfig(files['configuration.yaml'] ?? '', source)).config };
  };
  return { store, make };
}

it('holds the configuration and what was set at run time, and no secret', async () => {
  const { store, make } = await backup(written, { TONEARM_CONFIG_MQTT: '{ url: "mqtt://192.0.2.9", password: plantedEnvironment }' });
  for (const [name, value] of Object.entries({ 'instance-id': 'abcdef12', 'device-id/kitchen': 'aa', 'volume-kitchen': { level: 0.3, muted: false, limit: 0.6 }, automations: { tea: { enabled: false } }, presets: [{ id: 'x', name: 'X', uri: 'http://us:plantedPreset@host/x' }], 'api-keys': [{ hash: 'plantedHash' }], 'mqtt-announced': {}, 'automation-history': [], 'automation-times': {} })) await store.write(name, value);
  await store.sealed.write('login/kitchen/x', { data: 'plantedLogin' });
  const { files, leftOut, config } = await make();
  expect(Object.keys(files).sort()).toEqual(['README.txt', 'configuration.yaml', 'manifest.json', 'values/automations.json', 'values/device-id%2Fkitchen.json', 'values/instance-id.json', 'values/presets.json', 'values/volume-kitchen.json']);
  const everything = Object.values(files).join('\n');
  for (const secret of [...planted, 'plantedHash', 'plantedLogin']) expect(everything).not.toContain(secret);
  expect(everything).not.toContain('planted');
  expect(leftOut).toEqual(['broker.address', 'broker.password', 'broker.username', 'http.keys', 'mqtt.password', 'network.proxy', 'presets.uri (a password in an address)', 'secrets.yaml: owner', 'store.previousSecret', 'store.secret', 'presets (a password in an address)']);
  expect(files['configuration.yaml']).toContain('  - name: Kitchen # where we cook\n');
  expect(files['configuration.yaml']).toContain('  password: null # left out of the backup\n');
  expect(files['configuration.yaml']).toContain('uri: "http://me@radio.example/stream"');
  expect(config).toMatchObject({ broker: { address: '127.0.0.1' }, automations: { automations: [{ id: 'tea' }] }, http: { keys: [] } });
  expect(JSON.parse(files['values/volume-kitchen.json'] ?? '')).toEqual({ level: 0.3, muted: false, limit: 0.6 });
  expect(JSON.parse(files['manifest.json'] ?? '')).toMatchObject({ form: 1, tonearm: '1.2.3', made: '2026-11-22T00:00:00.000Z', left_out: leftOut });
  // Nothing of ours was changed by looking.
  expect(await readFile(join(folder, 'configuration.yaml'), 'utf8')).toBe(written);
  expect(await readdir(folder)).toHaveLength(3);
});

it('leaves out a secret that is meant in two places, or written as a number', async () => {
  const { make } = await backup('broker: { username: &u us, password: &p 87654321 }\nmqtt: { url: "mqtt://x", username: *u, password: *p }\n');
  const { files, leftOut, config } = await make();
  expect(JSON.stringify(files)).not.toContain('87654321');
  expect(leftOut).toEqual(['broker.password', 'broker.username', 'mqtt.password']);
  expect(config.mqtt).toMatchObject({ username: 'us' });
});

it('is not made of a file that cannot be used, nor larger than brokers take', async () => {
  const { store, make } = await backup('zones: 3\n');
  await expect(make()).rejects.toMatchObject({ code: 'config/invalid' });
  await writeFile(join(folder, 'configuration.yaml'), '');
  await store.write('presets', randomBytes(1024 * 1024).toString('base64'));
  await expect(make().then(() => null)).rejects.toMatchObject({ code: 'config/backup-too-large' });
});
