import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openBroker } from '#broker';
import { openHouse, until } from '../scenario/house.ts';
import { type Bench } from './bench.ts';
import { cpuSeconds, residentOf } from './daemon.ts';
import { longTrack } from './music.ts';

const seconds = 30;
const many = 8;
const wait = (time: number) => new Promise((resolve) => setTimeout(resolve, time * 1000));

/** One daemon with eight zones that all play, against a daemon with one zone, eight times: what the same house would take with a process for each room. */
export const zoneFigures: Bench = {
  names: ['zones.cpu_ratio_8', 'zones.memory_8_mb', 'zones.memory_ratio_8'],
  async run(root) {
    const { path } = await longTrack(root);
    const one = await playing(path, 1);
    const all = await playing(path, many);
    process.stderr.write(`${seconds} s of music: one zone ${one.cpu.toFixed(2)} CPU s and ${one.memory.toFixed(1)} MB, ${many} zones ${all.cpu.toFixed(2)} CPU s and ${all.memory.toFixed(1)} MB\n`);
    const peer = `${many} daemons of one zone`;
    return [
      { name: 'zones.cpu_ratio_8', value: all.cpu / (many * one.cpu), unit: 'ratio', goal: 1.3, peer },
      { name: 'zones.memory_8_mb', value: all.memory, unit: 'MB', goal: null, peer: null },
      { name: 'zones.memory_ratio_8', value: all.memory / (many * one.memory), unit: 'ratio', goal: null, peer },
    ];
  },
};

/** A file each, in real time and unheard; Spotify allows an account one room at a time. */
async function playing(path: string, count: number): Promise<{ readonly cpu: number; readonly memory: number }> {
  await using broker = await openBroker({ port: 0 });
  await using house = await openHouse({ cloud: { catalogue: [] }, logLevel: 'info', mqtt: { url: broker.url } });
  const file = join(house.folder, 'configuration.yaml');
  const zones = Array.from({ length: count }, (_, index) => ({ id: `room_${index}`, name: `Room ${index} ${process.pid}`, output: { kind: 'null' } }));
  await writeFile(file, JSON.stringify({ ...(JSON.parse(await readFile(file, 'utf8')) as object), zones, sounds: { folders: [dirname(path)] } }));
  await house.restart();
  for (const { id } of zones) await house.mqtt.publishAsync(`tonearm/${id}/set/play_uri`, pathToFileURL(path).href, { qos: 1 });
  const isPlaying = (id: string) => (JSON.parse(house.topics.get(`tonearm/${id}`) ?? '{}') as { readonly state?: string }).state === 'playing';
  await until('every zone plays', () => zones.every(({ id }) => isPlaying(id)), 30_000);
  // Until everything is compiled and read ahead.
  await wait(10);
  const before = cpuSeconds(house.daemon.pid);
  await wait(seconds);
  const cpu = cpuSeconds(house.daemon.pid) - before;
  if (!zones.every(({ id }) => isPlaying(id))) throw new Error('A zone has stopped.');
  return { cpu, memory: residentOf(house.daemon.pid) };
}
