import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeReference, locate } from '../../src/demo/ear.ts';
import { openHouse, pair, until, type House } from './house.ts';
import { makeTunes, type Tune } from './tunes.ts';

let house: House;
let tunes: readonly Tune[];
const references = new Map<string, Int16Array>();

beforeAll(async () => {
  tunes = await makeTunes([12, 6.00123, 8]);
  for (const { title, ogg } of tunes) references.set(title, await decodeReference(ogg));
  house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) }, isHeard: true });
}, 60_000);
afterAll(() => house[Symbol.asyncDispose]());

const shows = (title: string, isPaused = false) => {
  const state = house.phone.cluster.playerState;
  return state?.track?.metadata['title'] === title && state.isPaused === isPaused && !state.isBuffering;
};
const mirrors = (wanted: Readonly<Record<string, unknown>>) => Object.entries(wanted).every(([key, value]) => house.mirror[key] === value);
const isHeard = (title: string) => {
  const heard = house.ear.last(4096);
  const reference = references.get(title);
  return heard.length === 8192 && reference !== undefined && locate(heard, reference, 1) !== null;
};

describe('from a tap on a phone to sound and MQTT, on the built daemon', () => {
  it('is found by mDNS, pairs, and shows up in the list of devices', async () => {
    const found = await house.phone.discover({ name: `House ${process.pid}`, signal: AbortSignal.timeout(10_000) });
    expect(new URL(found.url).port).toBe(new URL(house.daemon.pairingUrl).port);
    expect((await house.phone.info(found.url)).deviceId).toMatch(/^[0-9a-f]{40}$/);
    await pair(house);
    expect([...house.phone.devices.values()].map(({ name }) => name)).toEqual([`House ${process.pid}`]);
  });

  it('plays: what the phone sees, MQTT says and the ear hears agree', async () => {
    await house.phone.play(house.cloud.contexts.everything);
    await until('the phone sees the first tune playing', () => shows('Tune 1'));
    await until('MQTT says so', () => mirrors({ state: 'playing', title: 'Tune 1', artist: 'Test Bench', album: 'Fixtures', volume: 100 }));
    await until('its samples are heard, bit for bit', () => isHeard('Tune 1'));
  });

  it('joins the next track without a lost or added sample', async () => {
    await house.phone.seek(9000);
    await until('the second tune plays', () => shows('Tune 2'));
    await until('it is heard', () => isHeard('Tune 2'));
    const a = references.get('Tune 1')!;
    const b = references.get('Tune 2')!;
    const join = new Int16Array(40_000);
    join.set(a.subarray(a.length - 20_000), 0);
    join.set(b.subarray(0, 20_000), 20_000);
    await until('both sides of the join stand together in what was heard', () => locate(join, house.ear.last(44_100 * 12), 1) !== null);
  });

  it('obeys the phone: pause, resume, seek, next, previous, shuffle, repeat, queue, volume', async () => {
    const { phone } = house;
    await phone.pause();
    await until('it is paused everywhere', () => shows('Tune 2', true) && mirrors({ state: 'paused' }));
    const { position } = phone;
    await phone.resume();
    await until('it plays again', () => shows('Tune 2') && mirrors({ state: 'playing' }));
    expect(Math.abs(phone.position - position)).toBeLessThan(1500);
    await phone.next();
    await until('next', () => shows('Tune 3') && isHeard('Tune 3'));
    await phone.seek(5000);
    await until('seek', () => phone.position >= 5000 && isHeard('Tune 3'));
    await phone.seek(0);
    await phone.previous();
    await until('previous', () => shows('Tune 2') && isHeard('Tune 2'));
    await phone.shuffle(true);
    await until('shuffle', () => mirrors({ shuffle: 'ON' }));
    await phone.shuffle(false);
    await phone.repeat('track');
    await until('repeat', () => mirrors({ shuffle: 'OFF', repeat: 'one' }));
    await phone.repeat('off');
    await phone.addToQueue(house.cloud.catalogue.get('Tune 1').uri);
    await until('queue', () => phone.cluster.playerState?.nextTracks[0]?.provider === 'queue');
    await phone.next();
    await until('the queued one plays', () => shows('Tune 1') && isHeard('Tune 1'));
    await phone.setVolume(32_768);
    await until('volume', () => mirrors({ volume: 50 }));
  });

  it('obeys MQTT, and the phone sees it', async () => {
    const set = (key: string, value: string) => house.mqtt.publishAsync(`tonearm/house/set/${key}`, value, { qos: 1 });
    await set('volume', '100');
    await until('the phone sees full volume', () => house.phone.active?.volume === 65_535);
    await set('play', 'OFF');
    await until('the phone sees the pause', () => house.phone.cluster.playerState?.isPaused === true);
    await house.mqtt.publishAsync('tonearm/house/set', JSON.stringify({ volume: 80, play_uri: house.cloud.catalogue.get('Tune 3').uri }), { qos: 1 });
    await until('a URI plays, at the volume that came with it', () => shows('Tune 3') && mirrors({ state: 'playing', volume: 80 }));
  });

  it('does not act on retained commands', async () => {
    await house.mqtt.publishAsync('tonearm/house/set/volume', '3', { qos: 1, retain: true });
    await until('the live publish is obeyed', () => mirrors({ volume: 3 }));
    await house.mqtt.publishAsync('tonearm/house/set/volume', '90', { qos: 1 });
    await until('a later one, too', () => mirrors({ volume: 90 }));
  });

  it('gives way to another device at once, and takes the music back', async () => {
    await house.phone.takeOver();
    await until('MQTT says off', () => mirrors({ state: 'off', title: '' }));
    const [speaker = ''] = house.phone.devices.keys();
    await house.phone.transfer(speaker, { paused: 'resume' });
    await until('the music is back', () => shows('Tune 3') && mirrors({ state: 'playing' }));
  });

  it('comes back after a restart with its account and its volume, and without a phone', async () => {
    await house.restart();
    await until('it is in the list again', () => [...house.phone.devices.values()].some(({ volume }) => volume === 58_982));
    await until('MQTT shows the volume of before', () => mirrors({ state: 'off', volume: 90 }));
    expect(house.daemon.output).not.toContain('pairs with this speaker');
    await house.phone.play(house.cloud.contexts.everything);
    await until('it plays', () => shows('Tune 1') && mirrors({ state: 'playing' }));
  });

  it('left nothing for the cloud to complain about', () => {
    expect(house.cloud.refusals.map(({ clause, what }) => `${clause}: ${what}`)).toEqual([]);
  });

  it('leaves within three seconds: the cloud and MQTT know', async () => {
    const before = performance.now();
    expect(await house.daemon.stop()).toBe(0);
    expect(performance.now() - before).toBeLessThan(3000);
    await until('the phone no longer lists it', () => house.phone.devices.size === 0, 3000);
  });
});
