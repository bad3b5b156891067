import { readFileSync } from 'node:fs';
import mqtt from 'mqtt';
import { expect, it } from 'vitest';
import { decodeReference, locate } from '../../src/demo/ear.ts';
import { openHouse, pair, until } from './house.ts';
import { makeTunes } from './tunes.ts';

const commands = 10_000;
const residentOf = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

it('10,000 commands as fast as they can be sent: the last one wins, memory stays bounded, and the music has no gap', async () => {
  const tunes = await makeTunes([60]);
  const [tune] = tunes;
  if (!tune) throw new Error('no tune');
  await using house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) }, isHeard: true, logLevel: 'info' });
  const reference = await decodeReference(tune.ogg);
  await pair(house);
  await house.phone.play(house.cloud.contexts.everything);
  await until('music is heard', () => house.ear.total > 2 * 44_100 * 4);
  const before = residentOf(house.daemon.pid);
  const states: unknown[] = [];
  house.mqtt.on('message', (topic, payload) => {
    if (topic === 'tonearm/house') states.push((JSON.parse(payload.toString()) as { readonly state?: unknown }).state);
  });

  const client = await mqtt.connectAsync(house.daemon.mqttUrl, { protocolVersion: 4, reconnectPeriod: 0 });
  const began = performance.now();
  // What does not touch the samples, so that they can be compared.
  for (let n = 1; n <= commands; n++) client.publish('tonearm/house/set', JSON.stringify({ repeat: ['off', 'all', 'one'][n % 3], volume_cap: 100 }), { qos: 0 });
  await client.publishAsync('tonearm/house/set', JSON.stringify({ repeat: 'one', volume_cap: 100 }), { qos: 1 });
  const sent = performance.now() - began;
  await client.endAsync();
  const settling = until('the last one has won', () => house.mirror['repeat'] === 'one', 90_000).then(() => performance.now() - began);
  settling.catch(() => undefined); // asked for below
  await until('a stretch of the flood can be heard', () => house.ear.total > 14 * 44_100 * 4, 60_000);
  // Ten seconds without a break, sample by sample, at full volume. Now, because the tune ends after a minute.
  expect(locate(house.ear.last(44_100 * 10), reference, 1)).not.toBeNull();
  const settled = await settling;
  expect(states.filter((state) => state !== 'playing')).toEqual([]);
  const grown = residentOf(house.daemon.pid) - before;
  await house.mqtt.publishAsync('tonearm/bridge/request/health', '');
  const health = await until('health is told', () => house.topics.get('tonearm/bridge/response/health'));
  const { loop_lag_p99_ms: lag } = (JSON.parse(health) as { readonly data: { readonly loop_lag_p99_ms?: number } }).data;
  console.info(`${commands} commands sent in ${sent.toFixed(0)} ms, settled after ${settled.toFixed(0)} ms; event loop late by ${lag} ms (p99), memory +${grown.toFixed(1)} MB`);
  expect(grown).toBeLessThan(80);
  expect(lag).toBeLessThan(500);
}, 180_000);
