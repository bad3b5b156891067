import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import mqtt from 'mqtt';
import { expect, it } from 'vitest';
import { openHouse, pair, program, startDaemon, until, type House } from './house.ts';
import { makeTunes } from './tunes.ts';

async function ask(house: House, name: string, payload: object): Promise<Record<string, unknown>> {
  await house.mqtt.publishAsync(`tonearm/bridge/request/${name}`, JSON.stringify({ ...payload, transaction: name }), { qos: 1 });
  const answer = await until(`${name} is answered`, () => house.topics.get(`tonearm/bridge/response/${name}`));
  expect(JSON.parse(answer)).toMatchObject({ status: 'ok', transaction: name });
  return (JSON.parse(answer) as { readonly data: Record<string, unknown> }).data;
}

it('a backup over MQTT holds no secret and makes the same speaker elsewhere: presets, volume, settings and identity', async () => {
  const tunes = await makeTunes([4]);
  await using house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) } });
  await pair(house);
  await ask(house, 'preset/add', { name: 'Jazz', uri: 'spotify:album:6akEvsycLGftJxYudPjmqK' });
  await house.mqtt.publishAsync('tonearm/house/set', '{"volume":33,"volume_cap":70}', { qos: 1 });
  const file = join(house.folder, 'configuration.yaml');
  await chmod(file, 0o664);
  await ask(house, 'options', { options: { log: { level: 'trace' } } });
  expect((await stat(file)).mode & 0o777).toBe(0o664);
  const { zip, left_out: leftOut } = await ask(house, 'backup', {});
  const archive = Buffer.from(String(zip), 'base64');
  const parts = Buffer.concat(Object.values(unzipSync(archive))).toString('latin1');
  expect(house.cloud.accounts.secrets.length).toBeGreaterThan(1);
  for (const secret of house.cloud.accounts.secrets) expect(parts).not.toContain(secret);
  expect(leftOut).toEqual([]);
  await house.daemon.stop();

  const elsewhere = join(house.folder, 'elsewhere');
  await mkdir(elsewhere);
  const config = join(elsewhere, 'configuration.yaml');
  await writeFile(join(elsewhere, 'tonearm.zip'), archive);
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'restore', join(elsewhere, 'tonearm.zip'), '--config', config]);
  expect(stdout).toContain('host/duplicate-identity');
  await using daemon = await startDaemon(config);
  const topics = new Map<string, string>();
  const client = await mqtt.connectAsync(daemon.mqttUrl, { protocolVersion: 4, reconnectPeriod: 0 });
  client.on('message', (topic, payload) => topics.set(topic, payload.toString()));
  await client.subscribeAsync('#');
  await until('its state is told', () => topics.has('tonearm/house') && topics.has('tonearm/bridge/presets'));
  await client.endAsync(true);
  expect(JSON.parse(topics.get('tonearm/house') ?? '')).toMatchObject({ volume: 33, volume_cap: 70 });
  expect(JSON.parse(topics.get('tonearm/bridge/presets') ?? '')).toMatchObject([{ id: 'jazz' }]);
  expect(JSON.parse(topics.get('tonearm/bridge/info') ?? '')).toMatchObject({ log_level: 'trace' });
  for (const name of ['instance-id', 'device-id%2Fhouse']) expect(await readFile(join(elsewhere, `data/values/${name}.json`))).toEqual(await readFile(join(house.folder, `data/values/${name}.json`)));
});

it('rules that are set one after the other are all answered, and all there after one restart', async () => {
  await using house = await openHouse({ cloud: {} });
  const answered = new Set<unknown>();
  house.mqtt.on('message', (topic, payload) => {
    if (topic === 'tonearm/bridge/response/automation/set') answered.add((JSON.parse(payload.toString()) as { readonly transaction: unknown }).transaction);
  });
  const ids = Array.from({ length: 10 }, (_, at) => `rule-${at}`);
  for (const id of ids) {
    await house.mqtt.publishAsync('tonearm/bridge/request/automation/set', JSON.stringify({ rule: { id, zone: 'house', then: [{ volume: 3 }] }, transaction: id }), { qos: 1 });
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  await until('it is ready again', () => house.daemon.output.split('is ready').length > 2);
  expect([...answered]).toEqual(ids);
  const file = await readFile(join(house.folder, 'configuration.yaml'), 'utf8');
  expect(ids.filter((id) => !file.includes(id))).toEqual([]);
  expect(house.daemon.output.split('Starting again')).toHaveLength(2);
});
