import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, TonearmError } from '#foundation';
import { FakeLink, incoming } from '../../../test/contract/surface-fake-link.ts';
import { type FakePlayer, fakeZone, keptLog, playing } from '../../../test/contract/surface-fake-player.ts';
import { Bridge } from './bridge.ts';
import { Inbox } from './inbox.ts';
import { Outlet } from './outlet.ts';
import { MqttSettings } from './settings.ts';
import { Topics } from './topics.ts';

let clock: FakeClock;
let link: FakeLink;
let kitchen: FakePlayer;
let bath: FakePlayer;
let inbox: Inbox;
let log: ReturnType<typeof keptLog>;
let shown: string[];

beforeEach(() => {
  clock = new FakeClock();
  link = new FakeLink();
  log = keptLog();
  shown = [];
  const topics = new Topics('tonearm');
  const outlet = new Outlet(link, topics, { qos: 1 });
  const zones = [fakeZone(clock, 'kitchen', { ...playing(clock), status: 'paused' }), fakeZone(clock, 'bath')] as const;
  [{ player: kitchen }, { player: bath }] = zones;
  const settings = MqttSettings.parse({ url: 'mqtt://127.0.0.1', username: 'planted-user', password: 'planted-password' });
  const bridge = new Bridge({ zones, outlet, topics, link, settings, clock, version: '1.2.3', instance: '7f3a', run: 'r1', url: undefined });
  inbox = new Inbox({ zones, topics, outlet, link, bridge, clock, log, signal: new AbortController().signal, onGet: (zone) => shown.push(zone) });
});

async function receive(topic: string, payload: string | object, more: object = {}): Promise<void> {
  inbox.receive(incoming(topic, payload, more));
  await clock.advance(0);
}

const done = (player: FakePlayer) => player.dispatched.flatMap(({ commands }) => commands);

describe('commands', () => {
  it('are done, in silence when nobody asks for an answer', async () => {
    await receive('tonearm/kitchen/set', { volume: 8, play: 'ON' });
    expect(done(kitchen)).toEqual([{ kind: 'volume', level: 0.08 }, { kind: 'play' }]);
    expect(link.sent).toEqual([]);
  });

  it('that were retained are never done', async () => {
    await receive('tonearm/kitchen/set/play', 'ON', { retained: true });
    await receive('tonearm/group/all/set', { volume: 100 }, { retained: true });
    await receive('tonearm/bridge/request/info', '', { retained: true });
    expect(done(kitchen)).toEqual([]);
    expect(link.sent).toEqual([]);
    expect(log.lines).toHaveLength(3);
  });

  it('cannot fill the log, whatever is wrong with them', async () => {
    for (let at = 0; at < 100; at++) {
      await receive('tonearm/kitchen/set/play', 'ON', { retained: true });
      await receive('tonearm/cellar/set/volume', '5');
      await receive('tonearm/kitchen/set/sparkle', '1');
    }
    expect(log.lines).toHaveLength(21);
    await clock.advance(61_000);
    await receive('tonearm/cellar/set/volume', '5');
    expect(log.lines).toHaveLength(22);
  });

  it('are answered when they carry a transaction', async () => {
    await receive('tonearm/kitchen/set', { volume: 8, transaction: 'x' });
    expect(link.last('tonearm/kitchen/response')).toEqual({ status: 'ok', data: {}, transaction: 'x' });
  });

  it('with unknown keys lose nothing else', async () => {
    await receive('tonearm/kitchen/set', { sparkle: 1, glitter: 2, volume: 8, play: 'ON', transaction: 3 });
    expect(done(kitchen)).toEqual([{ kind: 'volume', level: 0.08 }, { kind: 'play' }]);
    expect(link.last('tonearm/kitchen/response')).toMatchObject({ status: 'error', error: 'mqtt/unknown-key', data: { errors: [{ key: 'sparkle' }, { key: 'glitter', error: 'mqtt/unknown-key' }] }, transaction: 3 });
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(2);
  });

  it('that make no sense are refused whole, with a sentence', async () => {
    await receive('tonearm/kitchen/set', { volume: 'loud', play: 'ON', transaction: 'x' });
    expect(done(kitchen)).toEqual([]);
    expect(link.last('tonearm/kitchen/response')).toMatchObject({ status: 'error', error: 'mqtt/bad-value', transaction: 'x' });
    await receive('tonearm/kitchen/set', 'gibberish');
    expect(link.last('tonearm/kitchen/response')).toMatchObject({ status: 'error', error: 'mqtt/not-json' });
    await receive('tonearm/kitchen/set/sparkle', '1');
    expect(link.last('tonearm/kitchen/response')).toMatchObject({ status: 'error', error: 'mqtt/unknown-key' });
  });

  it('the zone refuses say why', async () => {
    kitchen.refusal = new TonearmError({ kind: 'conflict', code: 'zone/busy', message: 'Busy.' });
    await receive('tonearm/kitchen/set/next', '');
    expect(link.last('tonearm/kitchen/response')).toEqual({ status: 'error', error: 'zone/busy', message: 'Busy.', data: {} });
  });

  it('to all zones answer for each', async () => {
    bath.refusal = new TonearmError({ kind: 'conflict', code: 'zone/busy', message: 'Busy.' });
    await receive('tonearm/group/all/set', { volume: 30, transaction: 'g' });
    expect(done(kitchen)).toEqual([{ kind: 'volume', level: 0.3 }]);
    expect(link.last('tonearm/group/all/response')).toMatchObject({ status: 'error', error: 'zone/busy', data: { zones: { kitchen: 'ok', bath: 'zone/busy' } }, transaction: 'g' });
  });

  it('for nobody are ignored', async () => {
    await receive('tonearm/cellar/set/volume', '5');
    await receive('elsewhere/kitchen/set/volume', '5');
    expect(link.sent).toEqual([]);
    expect(log.lines).toMatchObject([{ fields: { zone: 'cellar' } }]);
  });

  it('of a slider are thinned', async () => {
    for (let percent = 1; percent <= 20; percent++) inbox.receive(incoming('tonearm/kitchen/set/volume', String(percent)));
    await clock.advance(500);
    expect(done(kitchen)).toEqual([{ kind: 'volume', level: 0.01 }, { kind: 'volume', level: 0.2 }]);
  });

  it('to show come back as such', async () => {
    await receive('tonearm/bath/get', '');
    await receive('tonearm/bath/get', { volume: '' });
    expect(shown).toEqual(['bath', 'bath']);
  });
});

describe('MQTT 5 answers', () => {
  const correlation = Buffer.from([1, 2, 3]);

  it('go where the asker wants them', async () => {
    await receive('tonearm/kitchen/set', { volume: 8 }, { answerTo: { topic: 'my/answers', correlation } });
    expect(link.sent).toMatchObject([{ topic: 'my/answers', correlation, retained: false }]);
    expect(link.last('my/answers')).toEqual({ status: 'ok', data: {} });
    await receive('tonearm/bridge/request/health_check', '', { answerTo: { topic: 'tonearm/bridge/response/health_check', correlation } });
    await clock.advance(0);
    expect(link.sent.at(-1)).toMatchObject({ topic: 'tonearm/bridge/response/health_check', correlation });
  });

  it.each(['tonearm/kitchen/set', 'tonearm/bath/set/volume', 'other/kitchen/set', 'zigbee2mqtt/bridge/request/restart', 'a/+/b', '#', '$SYS/x', ''])('never go to %j', async (topic) => {
    await receive('tonearm/kitchen/set', { volume: 8 }, { answerTo: { topic } });
    expect(link.topics()).toEqual(['tonearm/kitchen/response']);
  });
});

describe('requests', () => {
  const ask = async (name: string, payload: string | object = '') => {
    await receive(`tonearm/bridge/request/${name}`, payload);
    return link.last(`tonearm/bridge/response/${name}`);
  };

  it('are answered', async () => {
    expect(await ask('health_check', { transaction: 'h' })).toEqual({ status: 'ok', data: { healthy: true }, transaction: 'h' });
    expect(await ask('info')).toMatchObject({ status: 'ok', data: { version: '1.2.3', instance: '7f3a', restart_required: false } });
    expect(await ask('players')).toMatchObject({ data: { players: [{ id: 'kitchen', name: 'Kitchen', topic: 'tonearm/kitchen' }, { id: 'bath' }] } });
    expect(await ask('health')).toMatchObject({ data: { uptime: 0 } });
    expect(JSON.stringify(link.sent)).not.toContain('planted');
  });

  it('are refused clearly', async () => {
    expect(await ask('restart', { transaction: 1 })).toMatchObject({ status: 'error', error: 'mqtt/not-here', transaction: 1 });
    expect(await ask('player/rename', { from: 'a' })).toMatchObject({ status: 'error', error: 'mqtt/bad-request' });
    expect(await ask('automation/set', { rule: { id: 'a' } })).toMatchObject({ status: 'error', error: 'mqtt/not-here' });
    expect(await ask('automation/set', { rule: { id: 'a' }, alarm: { id: 'a' } })).toMatchObject({ status: 'error', error: 'mqtt/bad-request' });
    expect(await ask('automation/remove')).toMatchObject({ status: 'error', error: 'mqtt/bad-request' });
    expect(await ask('backup')).toMatchObject({ status: 'error', error: 'mqtt/not-here' });
    expect(await ask('options', { options: { log: {} } })).toMatchObject({ status: 'error', error: 'mqtt/not-here' });
    expect(await ask('options', { option: {} })).toMatchObject({ status: 'error', error: 'mqtt/bad-request' });
    expect(await ask('library/rescan')).toMatchObject({ status: 'error', error: 'mqtt/not-supported' });
    expect(await ask('sparkle')).toMatchObject({ status: 'error', error: 'mqtt/unknown-request' });
  });
});
