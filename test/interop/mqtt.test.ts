import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBroker } from '#broker';
import { Scope, systemClock } from '#foundation';
import { surfaces } from '#surfaces';
import { fakeHost, type FakePlayer, fakeZone, keptLog, playing } from '../contract/surface-fake-player.ts';
import { Listener, mosquitto, Mosquitto, retainedAt } from './mqtt-peers.ts';

const [mqtt] = surfaces;
if (!mqtt) throw new Error('There is no mqtt surface.');

const brokers = [
  { name: 'mosquitto, MQTT 5', version: '5', embedded: false },
  { name: 'mosquitto, MQTT 3.1.1', version: '3.1.1', embedded: false },
  { name: 'embedded broker', version: 'auto', embedded: true },
] as const;

for (const { name, version, embedded } of brokers) {
  describe.skipIf(!embedded && mosquitto === undefined)(`mqtt with ${name}`, () => {
    const scope = new Scope();
    let url: string;
    let listener: Listener;
    let player: FakePlayer;
    const log = keptLog();

    beforeAll(async () => {
      url = embedded ? scope.use(await openBroker({ port: 0 })).url : scope.use(await Mosquitto.open()).url;
      listener = scope.use(await Listener.open(url));
      // Commands that somebody once published with the retain flag.
      await listener.say('tonearm/kitchen/set/play', 'ON', { retain: true });
      await listener.say('tonearm/kitchen/set', { volume: 100 }, { retain: true });
      await listener.say('tonearm/group/all/set', { state: 'stopped' }, { retain: true });
      const zone = fakeZone(systemClock, 'kitchen', { ...playing(systemClock), status: 'paused' });
      player = zone.player;
      scope.use(await mqtt.open({ url, version }, { zones: [zone, fakeZone(systemClock, 'bath')], host: fakeHost(systemClock, log), instance: '7f3a' }));
      await listener.until('tonearm/kitchen', ({ state }) => state === 'paused');
    });
    afterAll(() => scope[Symbol.asyncDispose]());

    const retainedState = async (): Promise<unknown> => JSON.parse((await retainedAt(url, 'tonearm/kitchen')).get('tonearm/kitchen') ?? 'null');

    it('speaks the version it should', async () => {
      const info = await listener.until<{ mqtt: { version: string } }>('tonearm/bridge/info', () => true);
      expect(info.mqtt.version).toBe(version === '5' ? '5' : '3.1.1');
      if (embedded) expect(log.lines.filter(({ message }) => message.includes('does not speak MQTT 5'))).toHaveLength(1);
    });

    it('says what there is, then who is there, then how they are', () => {
      const first = (topic: string) => listener.heard.findIndex((heard) => heard.topic === topic);
      const order = ['tonearm/bridge/state', 'homeassistant/device/tonearm_7f3a_kitchen/config', 'tonearm/kitchen/availability', 'tonearm/kitchen/attributes', 'tonearm/kitchen'].map(first);
      expect(order).not.toContain(-1);
      expect(order).toEqual([...order].sort((a, b) => a - b));
    });

    const commands: readonly [topic: string, payload: string | object, expected: Record<string, unknown>][] = [
      ['set/volume', '34', { volume: 34 }],
      ['set/volume', '+5', { volume: 39 }],
      ['set/volume', '-9', { volume: 30 }],
      ['set/volume', '41.0', { volume: 41 }],
      ['set/volume_level', '0.22', { volume: 22 }],
      ['set/mute', 'ON', { mute: 'ON' }],
      ['set/mute', 'TOGGLE', { mute: 'OFF' }],
      ['set/shuffle', 'on', { shuffle: 'ON' }],
      ['set/repeat', 'all', { repeat: 'all' }],
      ['set/repeat', 'one', { repeat: 'one' }],
      ['set/play', 'ON', { state: 'playing' }],
      ['set/play', 'TOGGLE', { state: 'paused' }],
      ['set/state', 'playing', { state: 'playing' }],
      ['set/next', 'PRESS', { uri: 'spotify:track:2' }],
      ['set/previous', '', { uri: 'spotify:track:1' }],
      ['set/play_uri', 'spotify:album:xyz', { uri: 'spotify:album:xyz', state: 'playing' }],
      ['set', { volume: 8, play_uri: 'spotify:track:9', shuffle: false }, { volume: 8, uri: 'spotify:track:9', shuffle: 'OFF' }],
      ['set', { play_media: { media_id: 'spotify:track:10', volume: 12 } }, { volume: 12, uri: 'spotify:track:10' }],
      ['set/preset', 'morning', { preset: '', state: 'playing' }],
      ['set/volume_cap', '60', { volume_cap: 60 }],
      ['set/volume_cap', '100', { volume_cap: 100 }],
      ['set/sleep_timer', '30', { sleep_timer: 30 }],
      ['set/sleep_timer', '0', { sleep_timer: 0 }],
      ['set/output', 'null', { output: 'null' }],
      ['set/stop', '', { state: 'off', title: '', artist: '', uri: '', source: 'none' }],
    ];
    it.each(commands)('%s %o', async (topic, payload, expected) => {
      await listener.say(`tonearm/kitchen/${topic}`, payload);
      await listener.until('tonearm/kitchen', (state) => Object.entries(expected).every(([key, value]) => state[key] === value));
      expect(await retainedState()).toMatchObject(expected);
    });

    it('reaches every zone by the group', async () => {
      await listener.say('tonearm/group/all/set/volume', '17');
      await listener.until('tonearm/bath', ({ volume }) => volume === 17);
      await listener.until('tonearm/kitchen', ({ volume }) => volume === 17);
    });

    it('never acted on a retained command', () => {
      const first = player.dispatched[0];
      expect(first?.commands).toEqual([{ kind: 'volume', level: 0.34 }]);
      const warned = log.lines.some(({ message }) => message.includes('retained command was ignored'));
      // MQTT 5: they are not even sent.
      expect(warned).toBe(version !== '5');
    });

    it('acts once on a command that is published live with the retain flag', async () => {
      const before = player.dispatched.length;
      await listener.say('tonearm/kitchen/set/volume', '61', { retain: true });
      await listener.until('tonearm/kitchen', ({ volume }) => volume === 61);
      expect(player.dispatched).toHaveLength(before + 1);
      await listener.say('tonearm/kitchen/set/volume', '', { retain: true });
    });

    it('answers with the transaction, and says why not', async () => {
      await listener.say('tonearm/kitchen/set', { volume: 20, transaction: 't1' });
      expect(await listener.until('tonearm/kitchen/response', ({ transaction }) => transaction === 't1')).toEqual({ status: 'ok', data: {}, transaction: 't1' });
      await listener.say('tonearm/kitchen/set', { volume: 21, sparkle: 1, glitter: 5, transaction: 't2' });
      const answer = await listener.until<{ status: string; data: { errors: { error: string }[] } }>('tonearm/kitchen/response', (value) => (value as { transaction?: string }).transaction === 't2');
      expect(answer.status).toBe('error');
      expect(answer.data.errors.map(({ error }) => error)).toEqual(['mqtt/unknown-key', 'mqtt/unknown-key']);
      await listener.until('tonearm/kitchen', ({ volume }) => volume === 21);
      await listener.say('tonearm/bridge/request/health_check', { transaction: 7 });
      expect(await listener.until('tonearm/bridge/response/health_check', () => true)).toEqual({ status: 'ok', data: { healthy: true }, transaction: 7 });
    });

    it('announces to Home Assistant, retained', async () => {
      const found = await retainedAt(url, 'homeassistant/#');
      expect([...found.keys()].sort()).toEqual(['homeassistant/device/tonearm_7f3a_bath/config', 'homeassistant/device/tonearm_7f3a_bridge/config', 'homeassistant/device/tonearm_7f3a_kitchen/config']);
    });

    it('shows a change within 50 ms', async () => {
      await listener.say('tonearm/kitchen/set', { play_uri: 'spotify:track:1' });
      await listener.until('tonearm/kitchen', ({ state }) => state === 'playing');
      const delays: number[] = [];
      for (const status of ['paused', 'playing', 'paused'] as const) {
        await systemSettled();
        const heard = listener.next(({ topic }) => topic === 'tonearm/kitchen');
        const started = systemClock.monotonic();
        player.set({ status });
        const { text, at } = await heard;
        expect(JSON.parse(text)).toMatchObject({ state: status });
        delays.push(at - started);
      }
      // The machine may be busy once, but not always.
      expect(Math.min(...delays)).toBeLessThan(50);
    });

    it('says goodbye', async () => {
      await scope[Symbol.asyncDispose]();
    });
  });
}

/** A pace's window later: what came before no longer counts. */
function systemSettled(): Promise<void> {
  return new Promise((resolve) => {
    systemClock.timer(1100, resolve);
  });
}
