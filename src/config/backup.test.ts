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
import { withoutLogin } from './without-secrets.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'tonearm-backup-'))));
afterEach(() => rm(folder, { recursive: true }));

const planted = ['plantedMqtt', 'plantedBroker', 'plantedProxy', 'plantedKeyPlantedKeyPlantedKey00', 'plantedStoreSecretXY', 'plantedEarlier', 'plantedInSecrets', 'plantedOld', 'plantedRadio', 'plantedEnvironment', 'plantedPreset', 'plantedLamp', 'plantedAmp', 'plantedPin'];

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
holidays: { dates: [12-24], urls: ["https://cal.example/plantedCalendar/a.ics"] }
automations:
  - { id: tea, zone: kitchen, then: [{ volume: 3 }, { request: "http://lamp.example/on", headers: { Authorization: Bearer plantedLamp, accept: text/plain } }, { program: amp, environment: { AMP_TOKEN: plantedAmp, AMP_PIN: plantedPin, ROOM: tea } }] }
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
  expect(leftOut).toEqual(['automations.then.environment.AMP_PIN', 'automations.then.environment.AMP_TOKEN', 'automations.then.headers.Authorization', 'broker.address', 'broker.password', 'broker.username', 'holidays.urls', 'http.keys', 'mqtt.password', 'network.proxy', 'presets.uri (a login in an address)', 'secrets.yaml: owner', 'store.previousSecret', 'store.secret', 'presets (a login in an address)']);
  expect(files['configuration.yaml']).toContain('  - name: Kitchen\n');
  expect(files['configuration.yaml']).toContain('  password: null # left out of the backup\n');
  expect(files['configuration.yaml']).toContain('uri: "http://radio.example/stream"');
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

it('leaves out every comment, whatever it says', async () => {
  const { make } = await backup('# Passwort: planted\n\nmqtt: # pwd=planted\n  # password: |\n  #   planted\n  url: mqtt://x # authorization: Bearer planted\n  password: 87654321 # 87654321\n# 87654321\nzones: [ { name: A } ] # pass: planted\n# passphrase: planted\n', { TONEARM_CONFIG_MQTT_PASSWORD: 'other' });
  const { files } = await make();
  expect(files['configuration.yaml']).toBe('mqtt:\n  url: mqtt://x\n  password: null # left out of the backup\nzones: [ { name: A } ]\n');
});

it.each([
  ['password: &p planted, clientId: *p', ['mqtt.clientId', 'mqtt.password']],
  ['clientId: &p planted, password: *p', ['mqtt.clientId', 'mqtt.password']],
  ['username: &p !secret other, password: *p', ['mqtt.password', 'mqtt.username']],
])('leaves a secret out wherever an alias says it again: %s', async (settings, names) => {
  const { files, leftOut } = await (await backup(`mqtt: { url: "mqtt://x", ${settings} }\n`)).make();
  expect(files['configuration.yaml']).not.toContain('planted');
  expect(leftOut).toEqual(names);
});

it.each([
  ['broker: { address: 0.0.0.0, username: us }\n', { TONEARM_CONFIG_BROKER_PASSWORD: 'planted' }],
  ['http:\n  keys:\n    - name: Panel\n', { TONEARM_CONFIG_HTTP_KEYS_0_KEY: 'plantedKeyPlantedKeyPlantedKey00' }],
])('keeps what belongs to a secret that only the environment has: %j', async (text, environment) => {
  const { files, leftOut } = await (await backup(text, environment)).make();
  expect(files['configuration.yaml']).toBe(text);
  expect(leftOut).toEqual([]);
});

it('says why there can be no backup when the environment needs a secret of the file', async () => {
  const { make } = await backup('broker: { username: us, password: planted }\n', { TONEARM_CONFIG_BROKER_ADDRESS: '0.0.0.0' });
  const error: unknown = await make().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'config/backup-incomplete', message: expect.stringMatching(/\(broker\.password, broker\.username\), because the environment sets TONEARM_CONFIG_BROKER_ADDRESS\..*\n {2}broker\.password: must be set/) as string });
  expect(String(error)).not.toContain('planted');
});

it('leaves out parameters of addresses, and passwords that are not written plainly in what is stored', async () => {
  const { store, make } = await backup('mqtt: { url: "wss://b.example/mqtt?room=1&access_token=planted" }\n');
  await store.write('presets', [{ id: 'x', name: 'X', uri: 'http://us:plan"ted@host/x?token=plan"ted' }]);
  const { files, leftOut } = await make();
  expect(files['configuration.yaml']).toContain('"wss://b.example/mqtt?room=1&access_token="');
  expect(JSON.parse(files['values/presets.json'] ?? '')).toEqual([{ id: 'x', name: 'X', uri: 'http://host/x?token=' }]);
  expect(leftOut).toEqual(['mqtt.url (a login in an address)', 'presets (a login in an address)']);
});

it.each([
  ['http://us:p@hunter2@radio/x', 'http://radio/x'],
  ['http://hunter2@radio', 'http://radio'],
  ['http://us:hunter 2"@radio/x', 'http://radio/x'],
  ['HTTPS:\\\\us:hunter2@radio/x', 'HTTPS:\\\\radio/x'],
  ['http:///us:hunter2@radio/x', 'http:///radio/x'],
  ['play 1http://us:hunter2@radio/x, mail me@home', 'play 1http://radio/x, mail me@home'],
  ['{"at":"http://radio","mail":"me@home"}', '{"at":"http://radio","mail":"me@home"}'],
  ['http://radio/x?room=1&api_key=hunter2&X-Amz-Signature=hunter2#access_token=hunter2', 'http://radio/x?room=1&api_key=&X-Amz-Signature=#access_token='],
  ['see http://radio/x?token=hunter2 and more', 'see http://radio/x?token= and more'],
  ['http://radio/@home?author=me@home&design=2', 'http://radio/@home?author=me@home&design=2'],
  ['spotify:user:me@home', 'spotify:user:me@home'],
])('cuts logins out of addresses: %s', (text, without) => expect(withoutLogin(text)).toBe(without));

it('says so, too, when an alias makes a secret something that is needed', async () => {
  const { make } = await backup('mqtt: { url: &p "mqtt://planted", password: *p }\n');
  await expect(make()).rejects.toMatchObject({ code: 'config/backup-incomplete', message: expect.stringMatching(/\(mqtt\.password, mqtt\.url\), because an alias/) as string });
});

it('comes to an end with very long words, too', () => {
  // With time that grows with the square of their length this would take minutes, and run into the limit of the test.
  const text = `${'a'.repeat(2 ** 18)} ${'://'.repeat(2 ** 18)} ${'?a&'.repeat(2 ** 18)}`;
  expect(withoutLogin(text)).toBe(text);
});

it('is not made of a file that cannot be used, nor larger than brokers take', async () => {
  const { store, make } = await backup('zones: 3\n');
  await expect(make()).rejects.toMatchObject({ code: 'config/invalid' });
  await writeFile(join(folder, 'configuration.yaml'), '');
  await store.write('presets', randomBytes(1024 * 1024).toString('base64'));
  await expect(make().then(() => null)).rejects.toMatchObject({ code: 'config/backup-too-large' });
});
