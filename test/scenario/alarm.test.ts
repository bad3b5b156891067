import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, it } from 'vitest';
import { openBroker, type Broker } from '#broker';
import { decodeReference, Ear, locate, makeFifo } from '../../src/demo/ear.ts';
import { openHouse, pair, until, type House, type HouseOptions } from './house.ts';
import { makeTunes, type Tune } from './tunes.ts';

let tunes: readonly Tune[];
let reference: Int16Array;
let house: House;
let broker: Broker;
const patience = 60_000;

beforeAll(async () => {
  tunes = await makeTunes([60, 6]);
  reference = await decodeReference(tunes[0]?.ogg ?? Buffer.alloc(0));
}, 60_000);
afterEach(async () => {
  await house[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

/** With a broker that is not the daemon's own: it stays when the configuration is read again. */
async function open(options: Partial<HouseOptions> = {}): Promise<void> {
  broker = await openBroker({ port: 0 });
  house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) }, isHeard: true, mqtt: { url: broker.url }, ...options });
  await pair(house);
}

/** Sets an alarm of a few seconds from now in the file, and has it read. Resolves once the daemon is ready for it. */
async function setAlarm(alarm: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const path = join(house.folder, 'configuration.yaml');
  const before = JSON.parse(await readFile(path, 'utf8')) as object;
  // On a busy machine it may be ready too late; then it is set once more.
  for (let ahead = 6000; ; ahead *= 2) {
    const due = Math.ceil((Date.now() + ahead) / 1000) * 1000;
    const starts = house.daemon.output.split('is ready').length;
    await writeFile(
      path,
      JSON.stringify({
        ...before,
        location: { latitude: 0, longitude: 0, timezone: 'UTC' },
        alarms: [{ id: 'wake', time: new Date(due).toISOString().slice(11, 19), play: house.cloud.contexts.everything, volume: { start: 100, end: 100 }, fallbackAfter: '3s', ...alarm }],
      }),
    );
    process.kill(house.daemon.pid, 'SIGHUP');
    await until('the daemon is ready again', () => house.daemon.output.split('is ready').length > starts, patience);
    await until('the account is there', () => house.phone.devices.size > 0, patience);
    if (Date.now() < due - 2000) return;
    if (ahead > 60_000) throw new Error('This machine is too slow to be waked.');
  }
}

/** Loudness (RMS) of the last second as heard, 0 to 32767; 0 while less than that was heard. The bell begins softly and swells. */
function loudness(ear = house.ear): number {
  const samples = ear.last(44_100);
  if (samples.length < 88_200) return 0;
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

const isBellHeard = (ear = house.ear) => house.mirror['title'] === 'Bell' && loudness(ear) > 50;
const isMusicHeard = () => house.ear.last(4096).length === 8192 && locate(house.ear.last(4096), reference, 1) !== null;
const rings = () => until('it rings', () => house.daemon.output.includes('The alarm “wake” rings'), patience);

describe('the alarm sounds', { timeout: 240_000 }, () => {
  it('with the music it was set to, at its volume, and a pause in the app ends it', async () => {
    await open();
    // On a busy machine music may take its time; that the bell comes instead is for the other tests.
    await setAlarm({ fallbackAfter: '60s' });
    await until('the music is heard, sample for sample', isMusicHeard, patience);
    await until('the phone sees it', () => house.phone.cluster.playerState?.isPlaying === true);
    await house.phone.pause();
    await until('it is over', () => house.daemon.output.includes('is over. Stopped by a person (phone)'), patience);
  });

  it('with the cloud dead', async () => {
    await open();
    await setAlarm();
    house.cloud.cut(600_000);
    await rings();
    await until('the bell is heard', () => isBellHeard(), patience);
    // The bell swells and comes again, until somebody answers.
    house.ear.forget();
    await until('it is heard again', () => isBellHeard(), patience);
    await house.mqtt.publishAsync('tonearm/house/set/play', 'OFF', { qos: 1 });
    await until('it is over', () => house.daemon.output.includes('is over. Stopped by a person (mqtt)'), patience);
  });

  it('with the account playing elsewhere: a pause of the bell ends it', async () => {
    await open();
    await setAlarm();
    await until('the music is heard', isMusicHeard, patience);
    await house.phone.playHere(house.cloud.contexts.everything);
    await until('the bell is heard', () => isBellHeard(), patience);
    await house.mqtt.publishAsync('tonearm/house/set/play', 'OFF', { qos: 1 });
    await until('it is over', () => house.daemon.output.includes('is over. Stopped by a person (mqtt)'), patience);
  });

  it('with the account refused', async () => {
    await open();
    await setAlarm();
    house.cloud.faults.set('access-point/key-refuse');
    await rings();
    await until('the bell is heard', () => isBellHeard(), patience);
    await house.mqtt.publishAsync('tonearm/bridge/request/automation/snooze', '', { qos: 1 });
    await until('it snoozes', () => JSON.stringify(house.topics.get('tonearm/bridge/automations')).includes('snoozed') && house.mirror['state'] !== 'playing', patience);
  });

  it('with the broker dead', async () => {
    await open();
    await setAlarm();
    await broker[Symbol.asyncDispose]();
    await rings();
    await until('the music is heard', isMusicHeard, patience);
  });

  it('with the output device missing until the last second', async () => {
    // Where nothing is, and nothing can be made.
    const parent = await mkdtemp(join(tmpdir(), 'tonearm-late-'));
    const late = join(parent, 'device');
    const path = join(late, 'sound');
    await open({ zone: { output: { kind: 'pipe', path } } });
    await setAlarm();
    await rings();
    await until('the bell waits for the device', () => house.mirror['title'] === 'Bell' && house.mirror['state'] !== 'playing', patience);
    await mkdir(late);
    await makeFifo(path);
    const ear = new Ear(path);
    try {
      await until('the bell is heard', () => isBellHeard(ear), patience);
    } finally {
      await ear[Symbol.asyncDispose]();
      await rm(parent, { recursive: true, force: true });
    }
  });
});
