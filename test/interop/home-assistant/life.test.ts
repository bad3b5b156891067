import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../scenario/house.ts';
import { retainedAt } from '../mqtt-peers.ts';
import type { Client } from './client.ts';
import { bridgeEntities, zoneEntities } from './expected.ts';
import { openHome, zones, type Home } from './home.ts';
import { install, newest } from './install.ts';

type Part = 'Home Assistant' | 'the broker' | 'Tonearm';

/** How often every order is tried: nine times are the 50 restarts of T39. */
const rounds = Number(process.env['TONEARM_ROUNDS'] ?? 1);
const orders: readonly (readonly [Part, Part, Part])[] = [
  ['Home Assistant', 'the broker', 'Tonearm'],
  ['Home Assistant', 'Tonearm', 'the broker'],
  ['the broker', 'Home Assistant', 'Tonearm'],
  ['the broker', 'Tonearm', 'Home Assistant'],
  ['Tonearm', 'Home Assistant', 'the broker'],
  ['Tonearm', 'the broker', 'Home Assistant'],
];

/** These have no state until something happens: a press, an event, a cover. */
const isStateless = (entity: string) => /^(button|event|notify|text|image|scene)\./.test(entity) || entity.endsWith('_preset');

const installation = await install(newest);

describe.skipIf(typeof installation === 'string')(`Home Assistant ${newest.version} through restarts and changes${typeof installation === 'string' ? `: ${installation}` : ''}`, () => {
  let home: Home;
  let client: Client;
  const took: string[] = [];
  let zoneCount = zones.length;
  /** Every entity Home Assistant knows of us, switched off ones too. */
  let known: readonly string[] = [];
  const registered = async () => (await client.entities()).filter(({ platform }) => platform === 'mqtt').map(({ entity_id }) => entity_id).sort();

  beforeAll(async () => {
    if (typeof installation === 'string') return;
    home = await openHome({ installation });
    ({ client } = home.homeAssistant);
    await client.shows('number.kitchen_volume', '40', 60_000);
    await client.act('number.set_value', 'number.kitchen_volume', { value: 33 });
    await client.act('number.set_value', 'number.kitchen_volume_cap', { value: 80 });
    await client.shows('number.kitchen_volume', '33');
    await client.shows('number.kitchen_volume_cap', '80');
    await rightAgain();
    known = await registered();
  }, 600_000);
  afterAll(() => home[Symbol.asyncDispose]());

  const shown = [
    ...zones.flatMap(({ id }) => zoneEntities.filter(({ disabled }) => !disabled).map(({ entity }) => entity.replace('*', id))),
    ...bridgeEntities.map(({ entity }) => entity.replace('*', 'tonearm')),
  ];

  /** What is not as it should be. */
  const wrong = (): readonly string[] => {
    const away = shown.filter((entity) => {
      const state = client.stateOf(entity);
      return isStateless(entity) ? state === undefined || (state === 'unavailable' && !entity.startsWith('image.')) : state === undefined || state === 'unavailable' || state === 'unknown';
    });
    const held = retained.map(([entity, state]) => [entity, state] as const);
    return [...away, ...[...held, ['binary_sensor.tonearm_connection', 'on'] as const].filter(([entity, state]) => client.stateOf(entity) !== state).map(([entity, state]) => `${entity}, which is ${state}`)];
  };
  /** What Tonearm itself says of some entities. */
  let retained: readonly (readonly [entity: string, state: string])[] = [];
  const look = async () => {
    const topics = await retainedAt(home.broker.url, 'tonearm/+');
    retained = [...topics].flatMap(([topic, text]) => {
      const zone = topic.split('/')[1] ?? '';
      const { state, volume, volume_cap: cap, repeat } = JSON.parse(text) as Readonly<Record<string, string | number>>;
      return [[`sensor.${zone}_playback`, String(state)], [`number.${zone}_volume`, String(volume)], [`number.${zone}_volume_cap`, String(cap)], [`select.${zone}_repeat`, String(repeat)]] as const;
    });
  };
  const rightAgain = async () => {
    for (const end = performance.now() + 120_000; performance.now() < end; ) {
      await look();
      for (let glances = 0; glances < 10; glances++) {
        if (retained.length === 4 * zoneCount && wrong().length === 0) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    expect(wrong()).toEqual([]);
  };

  it('takes everything away when Tonearm dies, and says so', async () => {
    await home.restartDaemon({
      signal: 'SIGKILL',
      between: async () => {
        await client.shows('binary_sensor.tonearm_connection', 'off', 60_000);
        await client.shows('number.kitchen_volume', 'unavailable');
        await client.shows('sensor.living_room_playback', 'unavailable');
        await client.shows('sensor.tonearm_version', 'unavailable');
      },
    });
    await rightAgain();
  });

  it.each(Array.from({ length: rounds }, () => orders).flat())('is right again after %s, %s and %s began anew in this order, the broker without its memory', async (...order) => {
    await home.restartDaemon({
      between: async () => {
        await home.homeAssistant.stop();
        await home.broker.stop();
        for (const part of order.slice(0, order.indexOf('Tonearm'))) await begin(part);
      },
    });
    for (const part of order.slice(order.indexOf('Tonearm') + 1)) await begin(part);
    await home.homeAssistant.client.connect();
    const began = performance.now();
    await rightAgain();
    const seconds = (performance.now() - began) / 1000;
    took.push(`${order.join(', ')}: ${seconds.toFixed(2)} s`);
    expect(seconds).toBeLessThan(10);
    expect(await registered()).toEqual(known);
  });

  it.each<Part>(['Home Assistant', 'the broker', 'Tonearm'])('is right again after %s alone began anew', async (part) => {
    if (part === 'Tonearm') await home.restartDaemon();
    if (part === 'the broker') {
      await home.broker.stop('SIGTERM');
      await client.shows('number.kitchen_volume', 'unavailable');
    }
    if (part === 'Home Assistant') await home.homeAssistant.stop();
    await begin(part);
    if (part === 'Home Assistant') await client.connect();
    const began = performance.now();
    await rightAgain();
    const seconds = (performance.now() - began) / 1000;
    took.push(`${part} alone: ${seconds.toFixed(2)} s`);
    // Home Assistant by itself waits ten seconds before it asks a lost broker again; nobody else can shorten that.
    expect(seconds).toBeLessThan(part === 'the broker' ? 11 : 10);
  });

  const begin = async (part: Part) => {
    if (part === 'the broker') await home.broker.start();
    if (part === 'Home Assistant') await home.homeAssistant.start();
  };

  it('renames a device when its zone is renamed, and nothing else', async () => {
    await home.restartDaemon({ zones: [{ id: 'kitchen', name: 'Galley' }, { id: 'living_room', name: 'Living room' }] });
    await until('the device has its new name', () => client.states.get('number.kitchen_volume')?.attributes['friendly_name'] === 'Galley Volume', 60_000);
    await rightAgain();
    expect((await client.devices()).filter(({ manufacturer }) => manufacturer === 'Tonearm').map(({ name }) => name).sort()).toEqual(['Galley', 'Living room', 'Tonearm']);
    expect(await registered()).toEqual(known);
  });

  it('leaves nothing behind when a zone is removed', async () => {
    await home.restartDaemon({ zones: [{ id: 'kitchen', name: 'Galley' }] });
    await until('its entities are gone', () => ![...client.states.keys()].some((entity) => entity.includes('living_room')), 60_000);
    zoneCount = 1;
    await client.shows('number.kitchen_volume', /^\d+$/, 60_000);
    const remains = async () => [
      ...(await client.devices()).map(({ name }) => name).filter((name) => name === 'Living room'),
      ...(await client.entities()).map(({ entity_id }) => entity_id).filter((entity) => entity.includes('living_room')),
      ...[...client.states.keys()].filter((entity) => entity.includes('living_room')),
    ];
    expect(await remains()).toEqual([]);
    // What the broker keeps of it goes a second after what was announced, so that Home Assistant has let go of it.
    await expect.poll(async () => [...(await retainedAt(home.broker.url, '#')).keys()].filter((topic) => topic.includes('living_room')), { timeout: 60_000, interval: 500 }).toEqual([]);
    await home.homeAssistant.restart();
    await client.shows('number.kitchen_volume', /^\d+$/, 60_000);
    expect(await remains()).toEqual([]);
  });

  it('has nothing to complain about but that the broker was away', () => {
    const complaints = home.homeAssistant.complaints('homeassistant.components.mqtt', 'homeassistant.helpers.template');
    expect(complaints.filter(({ text }) => !/connect/i.test(text))).toEqual([]);
    console.info(`Right again after they began anew, counted from the last:\n${took.join('\n')}`);
  });
});
