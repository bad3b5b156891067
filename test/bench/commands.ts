import { openHouse, pair, until } from '../scenario/house.ts';
import { makeTunes } from '../scenario/tunes.ts';
import { Listener, mosquitto, Mosquitto } from '../interop/mqtt-peers.ts';
import { median, type Bench } from './bench.ts';

const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const samples = 100;

/**
 * From publishing a command until its outcome stands in the retained state, on a real mosquitto, while music plays. Each command
 * is a volume nobody has asked for before, a third of a second after the last: states are published five times a second at most.
 */
export const commandFigures: Bench = {
  names: ['mqtt.command_p50_ms', 'mqtt.command_p99_ms', 'mqtt.echo_p50_ms'],
  async run() {
    if (mosquitto === undefined) {
      process.stderr.write('mosquitto is not installed: no figures of MQTT commands.\n');
      return [];
    }
    await using broker = await Mosquitto.open();
    const tunes = await makeTunes([60]);
    await using house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) }, logLevel: 'info', mqtt: { url: broker.url } });
    await pair(house);
    await house.phone.play(house.cloud.contexts.everything, { repeat: 'context' });
    await until('music plays', () => house.mirror['state'] === 'playing');
    await using client = await Listener.open(broker.url);
    const took = async (topic: string, payload: string, isIt: (topic: string, text: string) => boolean) => {
      const began = performance.now();
      const seen = new Promise<number>((resolve) => {
        const hear = (heard: string, bytes: Buffer) => {
          if (!isIt(heard, bytes.toString())) return;
          client.client.off('message', hear);
          resolve(performance.now() - began);
        };
        client.client.on('message', hear);
      });
      client.client.publish(topic, payload, { qos: 1 });
      return await seen;
    };
    const commands: number[] = [];
    const echoes: number[] = [];
    for (let turn = 0; turn < samples; turn++) {
      await wait(0.33);
      const volume = turn < 50 ? 99 - turn : turn - 50;
      commands.push(await took('tonearm/house/set/volume', String(volume), (topic, text) => topic === 'tonearm/house' && (JSON.parse(text) as { volume?: unknown }).volume === volume));
      echoes.push(await took('elsewhere', String(turn), (topic, text) => topic === 'elsewhere' && text === String(turn)));
    }
    const p99 = [...commands].sort((a, b) => a - b)[Math.ceil(0.99 * samples) - 1] ?? Number.NaN;
    return [
      { name: 'mqtt.command_p50_ms', value: median(commands), unit: 'ms', goal: 5, peer: null },
      { name: 'mqtt.command_p99_ms', value: p99, unit: 'ms', goal: 15, peer: null },
      { name: 'mqtt.echo_p50_ms', value: median(echoes), unit: 'ms', goal: null, peer: 'mosquitto, the same message back to its sender' },
    ];
  },
};
