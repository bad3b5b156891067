import { once } from 'node:events';
import { Socket } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { connectAsync, type MqttClient } from 'mqtt';
import { openBroker } from '#broker';
import { openHouse, pair, until } from '../scenario/house.ts';
import { makeTunes } from '../scenario/tunes.ts';
import { mosquitto, Mosquitto } from '../interop/mqtt-peers.ts';
import { median, type Bench, type Figure } from './bench.ts';
import { openMopidy } from './mopidy.ts';

const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const samples = 100;

/** What is said of a volume, and where its outcome is heard: as it is, or as one key of JSON. */
interface Drive {
  readonly url: string;
  readonly lines: 1 | 2;
  readonly topic: string;
  readonly prefix: string;
  readonly heardOn: string;
  readonly key?: string;
}

/** Milliseconds of each round trip, and of a message that the broker only passes on between the same two, a moment later. */
interface Times {
  readonly commands: readonly number[];
  readonly passedOn: readonly number[];
}

/** Volumes nobody has asked for before, a third of a second after each other: states are published five times a second at most. */
const volumes = Array.from({ length: samples }, (_, turn) => (turn < 50 ? 99 - turn : turn - 50));
const ours = { topic: 'tonearm/house/set/volume', prefix: '', heardOn: 'tonearm/house', key: 'volume' };
const theirs = { topic: 'mopidy/c/vol', prefix: '=', heardOn: 'mopidy/i/vol' };

/**
 * From publishing a command until its outcome stands in the retained state, while music plays: asked on one connection, heard on
 * another. On a mosquitto as it is installed, on one with `set_tcp_nodelay`, and on the built-in broker; `one_line`: both on the
 * same connection, where a mosquitto as installed keeps the outcome until its receipt of the command is acknowledged (RFC 896).
 */
export const commandFigures: Bench = {
  names: [
    'mqtt.command_p50_ms', 'mqtt.command_p99_ms', 'mqtt.passed_on_p50_ms', 'mqtt.passed_on_p99_ms', 'mqtt.one_line_p50_ms', 'mqtt.one_line_passed_on_p50_ms',
    'mqtt.nodelay_p50_ms', 'mqtt.nodelay_p99_ms', 'mqtt.embedded_p50_ms', 'mqtt.embedded_p99_ms', 'mqtt.mopidy_p50_ms', 'mqtt.mopidy_p99_ms',
  ],
  async run() {
    const figures: Figure[] = [];
    const add = (name: string, value: number, goal: number | null = null, peer: string | null = null) => figures.push({ name: `mqtt.${name}_ms`, value, unit: 'ms', goal, peer });
    if (mosquitto === undefined) process.stderr.write('mosquitto is not installed: MQTT commands are measured with the built-in broker alone.\n');
    else {
      await using broker = await Mosquitto.open();
      const [two, one] = await driveOurs(broker.url, [2, 1]);
      add('command_p50', median(two.commands), 5);
      add('command_p99', p99(two.commands), 15);
      add('passed_on_p50', median(two.passedOn), null, 'mosquitto alone');
      add('passed_on_p99', p99(two.passedOn), null, 'mosquitto alone');
      add('one_line_p50', median(one.commands));
      add('one_line_passed_on_p50', median(one.passedOn), null, 'mosquitto alone');
      await using mopidy = await openMopidy(broker.port);
      if (mopidy) {
        const { commands } = await driveApart({ url: broker.url, lines: 2, ...theirs });
        add('mopidy_p50', median(commands), null, mopidy.name);
        add('mopidy_p99', p99(commands), null, mopidy.name);
      }
      await using prompt = await Mosquitto.open('allow_anonymous true\nset_tcp_nodelay true');
      const [nodelay] = await driveOurs(prompt.url, [2]);
      add('nodelay_p50', median(nodelay.commands), 5);
      add('nodelay_p99', p99(nodelay.commands), 15);
    }
    await using broker = await openBroker({ port: 0 });
    const [embedded] = await driveOurs(broker.url, [2]);
    add('embedded_p50', median(embedded.commands), 5);
    add('embedded_p99', p99(embedded.commands), 15);
    return figures;
  },
};

async function driveOurs<Lines extends readonly (1 | 2)[]>(url: string, lines: readonly [...Lines]): Promise<{ [At in keyof Lines]: Times }> {
  const tunes = await makeTunes([60]);
  await using house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) }, logLevel: 'info', mqtt: { url } });
  await pair(house);
  await house.phone.play(house.cloud.contexts.everything, { repeat: 'context' });
  await until('music plays', () => house.mirror['state'] === 'playing');
  const times: Times[] = [];
  for (const count of lines) times.push(await driveApart({ url, lines: count, ...ours }));
  return times as { [At in keyof Lines]: Times };
}

/** A lost message would be waited for without end. Milliseconds. */
const longestDrive = 180_000;

/** In a thread of its own: this one is the cloud and the phone, which have their own work with each volume. */
async function driveApart(drive: Drive): Promise<Times> {
  const worker = new Worker(new URL(import.meta.url), { workerData: drive });
  const [times] = (await once(worker, 'message', { signal: AbortSignal.timeout(longestDrive) })) as [Times];
  await worker.terminate();
  return times;
}

if (!isMainThread) parentPort?.postMessage(await drive(workerData as Drive));

async function drive({ url, lines, topic, prefix, heardOn, key }: Drive): Promise<Times> {
  const asker = await promptClient(url);
  const hearer = lines === 1 ? asker : await promptClient(url);
  await hearer.subscribeAsync([heardOn, 'passed/on'], { qos: 1 });
  const commands: number[] = [];
  const passedOn: number[] = [];
  for (const [turn, volume] of volumes.entries()) {
    await wait(0.33);
    const isIt = (text: string) => text === String(volume) || (key !== undefined && (JSON.parse(text) as Record<string, unknown>)[key] === volume);
    commands.push(await timed(asker, hearer, { topic, payload: `${prefix}${volume}`, heardOn, isIt }));
    passedOn.push(await timed(asker, hearer, { topic: 'passed/on', payload: String(turn), heardOn: 'passed/on', isIt: (text) => text === String(turn) }));
  }
  return { commands, passedOn };
}

interface Trip {
  readonly topic: string;
  readonly payload: string;
  readonly heardOn: string;
  readonly isIt: (text: string) => boolean;
}

/** What it does not say at once is not waited for. */
async function promptClient(url: string): Promise<MqttClient> {
  const client = await connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0 });
  if (client.stream instanceof Socket) client.stream.setNoDelay(true);
  return client;
}

function timed(asker: MqttClient, hearer: MqttClient, { topic, payload, heardOn, isIt }: Trip): Promise<number> {
  return new Promise((resolve) => {
    const hear = (on: string, bytes: Buffer) => {
      if (on !== heardOn || !isIt(bytes.toString())) return;
      hearer.off('message', hear);
      resolve(performance.now() - began);
    };
    hearer.on('message', hear);
    const began = performance.now();
    asker.publish(topic, payload, { qos: 1 });
  });
}

function p99(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(0.99 * values.length) - 1] ?? Number.NaN;
}
