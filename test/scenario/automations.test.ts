import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { openBroker, type Broker } from '#broker';
import { openHouse, pair, until, type House } from './house.ts';
import { makeTunes } from './tunes.ts';

let house: House;
let broker: Broker;
const patience = 60_000;
afterEach(async () => {
  await house[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

type Reply = Readonly<Record<string, unknown>> & { readonly status: string; readonly data: Readonly<Record<string, unknown>> };

let asked = 0;
/** Asks as any program on the broker does, and waits for the answer. */
async function ask(name: string, fields: Readonly<Record<string, unknown>> = {}): Promise<Reply> {
  const transaction = `t${++asked}`;
  await house.mqtt.publishAsync(`tonearm/bridge/request/${name}`, JSON.stringify({ ...fields, transaction }), { qos: 1 });
  return await until(`${name} is answered`, () => {
    const reply = JSON.parse(house.topics.get(`tonearm/bridge/response/${name}`) ?? '{}') as Reply & { readonly transaction?: string };
    return reply.transaction === transaction && reply;
  }, patience);
}

/** Runs what starts the daemon again within itself, and waits until it is there again. */
async function restarting<T>(work: () => Promise<T>): Promise<T> {
  const starts = house.daemon.output.split('is ready').length;
  const outcome = await work();
  await until('the daemon is ready again', () => house.daemon.output.split('is ready').length > starts, patience);
  await until('the phone lists the speaker', () => house.phone.devices.size > 0, patience);
  return outcome;
}

/** How its last firing ended, as is told to everybody. */
const lastResult = (id: string) => {
  const { automations } = JSON.parse(house.topics.get('tonearm/bridge/automations') ?? '{"automations":[]}') as { readonly automations: readonly { readonly id: string; readonly last_result: string | null }[] };
  return automations.find((one) => one.id === id)?.last_result;
};

it('rules are defined, foreseen, passed over and taken out again over MQTT; set off by it they run, and are ended by a person', { timeout: 240_000 }, async () => {
  const tunes = await makeTunes([60, 6]);
  broker = await openBroker({ port: 0 });
  house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) }, mqtt: { url: broker.url } });
  await pair(house);
  const path = join(house.folder, 'configuration.yaml');
  const file = async () => await readFile(path, 'utf8');
  const play = { play: house.cloud.contexts.everything, volume: 40 };
  // What hears and says things on MQTT is for whoever can write the file.
  const kettle = { id: 'kettle', when: [{ mqtt: 'kettle', equals: 'boils' }], if: [{ zone: 'house', is: 'idle' }, { mqtt: 'home/tv', isNot: 'on' }], then: [play, { wait: '30m' }, { publish: 'tea/ready' }] };
  await writeFile(path, JSON.stringify({ ...(JSON.parse(await file()) as object), automations: [kettle] }));
  await restarting(() => ask('restart'));
  const before = await file();

  const typo = await ask('automation/set', { rule: { id: 'tea', then: [{ vloume: 20 }] } });
  expect(typo).toMatchObject({ status: 'error', error: 'config/invalid' });
  expect(JSON.stringify(typo)).toContain('volume');
  expect(await ask('automation/set', { rule: { ...kettle, id: 'tea' } })).toMatchObject({ status: 'error', error: 'config/closed-option' });
  expect(await file()).toBe(before);

  const rule = { id: 'tea', name: 'Tea', when: [{ cron: '0 16 * * *' }], if: [{ zone: 'house', is: 'idle' }], then: [play] };
  expect(await restarting(() => ask('automation/set', { rule }))).toMatchObject({ status: 'ok', data: { id: 'tea' } });
  await until('the rule is told', () => house.topics.get('tonearm/bridge/automations')?.includes('"tea"'), patience);

  // Dry run: ten times, and why not.
  await ask('automation/skip', { id: 'tea' });
  const { firings } = (await ask('automation/forecast', { id: 'tea' })).data as { readonly firings: readonly { readonly runs: boolean; readonly why: string }[] };
  expect(firings).toHaveLength(10);
  expect([firings[0]?.why, firings[1]?.why]).toEqual(['It was told to skip this one.', 'As things are now, its conditions hold then.']);

  // What is not known does not hold; then it is known.
  await house.mqtt.publishAsync('kettle', 'boils', { qos: 1 });
  await until('it was set off, and skipped', () => lastResult('kettle') === 'skipped', patience);
  await house.mqtt.publishAsync('home/tv', 'off', { qos: 1 });
  await house.mqtt.publishAsync('kettle', 'boils', { qos: 1 });
  await until('it plays', () => house.mirror['state'] === 'playing' && house.mirror['volume'] === 40, patience);
  await house.phone.pause();
  await until('the run is over', () => lastResult('kettle') === 'interrupted', patience);
  const { runs } = (await ask('automation/history', { id: 'kettle' })).data as { readonly runs: readonly { readonly result: string; readonly why: string }[] };
  expect(runs.map(({ result, why }) => `${result}: ${why}`)).toEqual(['interrupted: Paused by phone.', 'skipped: Not so: home/tv is not on (nothing was heard of it).']);

  await restarting(() => ask('automation/remove', { id: 'tea' }));
  expect(parse(await file())).toEqual(JSON.parse(before));
});

it('what plays starts a program of the owner, and is told to a web server', { timeout: 120_000 }, async () => {
  const tunes = await makeTunes([60, 6]);
  broker = await openBroker({ port: 0 });
  const heard: { readonly url: string; readonly body: unknown; readonly key: string | undefined }[] = [];
  await using server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => void (text += part));
    request.on('end', () => {
      heard.push({ url: request.url ?? '', body: JSON.parse(text), key: request.headers['x-key'] as string | undefined });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const { port } = server.address() as { readonly port: number };
  house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) }, mqtt: { url: broker.url }, env: { PLANTED_SECRET: 'planted' } });
  await pair(house);
  const path = join(house.folder, 'configuration.yaml');
  const said = join(house.folder, 'said');
  const script = `require('node:fs').writeFileSync(${JSON.stringify(said)}, JSON.stringify(process.env)); console.log('the amplifier is on');`;
  const settings = JSON.parse(await readFile(path, 'utf8')) as object;
  const rule = { id: 'show', when: [{ playback: 'started', zone: 'house' }], then: [{ program: ['/nowhere/amp'] }, { program: [process.execPath, '-e', script] }, { request: `http://127.0.0.1:${port}/now?by={{automation}}`, headers: { 'x-key': 'mine' }, body: { title: '{{zone.title}}', room: '{{zone.id}}' } }] };
  await writeFile(path, JSON.stringify({ ...settings, automations: [rule] }));
  await restarting(() => ask('restart'));

  await ask('automation/run', { id: 'show' });
  await until('by hand it runs to its end', () => lastResult('show') === 'done', patience);
  await house.phone.play(house.cloud.contexts.everything);
  await until('the server was told', () => heard.length === 2, patience);
  expect(heard[1]).toEqual({ url: '/now?by=show', key: 'mine', body: { title: house.mirror['title'], room: 'house' } });
  const environment = JSON.parse(await readFile(said, 'utf8')) as Readonly<Record<string, string>>;
  expect(environment).toMatchObject({ TONEARM_AUTOMATION: 'show', TONEARM_ZONE: 'house', TONEARM_TITLE: house.mirror['title'], TONEARM_URI: expect.stringMatching(/^spotify:track:/) });
  expect(Object.keys(environment)).not.toContain('PLANTED_SECRET');
  type Ran = { readonly result: string; readonly steps: readonly { readonly outcome: string }[] };
  let runs: readonly Ran[] = [];
  do ({ runs } = (await ask('automation/history', { id: 'show' })).data as { readonly runs: readonly Ran[] });
  while (runs.some(({ result }) => result === 'running'));
  expect(runs.map(({ result, steps }) => [result, ...steps.map(({ outcome }) => outcome)])).toEqual(Array(2).fill(['done', expect.stringContaining('There is no program /nowhere/amp.'), 'done', `done: 127.0.0.1:${port} answered with status 200`]));
  expect(house.daemon.output).toContain('the amplifier is on');
});

it('a tag learns what the phone plays, plays it after a restart, and pauses when it is taken off', { timeout: 120_000 }, async () => {
  const tunes = await makeTunes([60, 6]);
  broker = await openBroker({ port: 0 });
  house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) }, mqtt: { url: broker.url } });
  await pair(house);
  const path = join(house.folder, 'configuration.yaml');
  await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, 'utf8')) as object), tags: { readers: [{ id: 'box', topic: 'box/tag' }] } }));
  await restarting(() => ask('restart'));

  type Read = Readonly<Record<'tag' | 'outcome' | 'name' | 'why' | 'reader' | 'zone' | 'at', string | null>>;
  type Picture = { readonly tags: readonly object[]; readonly learning: object | null };
  const lay = (what: string) => house.mqtt.publishAsync('box/tag', what, { qos: 1 });
  const tags = () => JSON.parse(house.topics.get('tonearm/bridge/tags') || '{"learning":null}') as Picture;
  const read = () => JSON.parse(house.topics.get('tonearm/bridge/tag') || '{}') as Read;
  const outcome = async (wanted: string) => await until(`the tag is ${wanted}`, () => read().outcome === wanted && read(), patience);
  /** What is said at first lay there before: until that is over no tag counts. */
  const settled = async () => {
    const before = read().at;
    do {
      await lay('');
      await lay('99');
      await ask('info');
    } while (read().at === before || read().outcome !== 'unknown');
  };

  await settled();
  await lay('04-A2-19-7B');
  await until('the tag is read', () => read().tag === '04A2197B', patience);
  expect(read()).toMatchObject({ reader: 'box', zone: 'house', outcome: 'unknown', name: null, why: 'The tag 04A2197B stands for nothing yet. Have it learnt, or set it under "tags".' });
  await house.phone.play(house.cloud.contexts.everything);
  await until('the phone plays', () => house.mirror['state'] === 'playing', patience);
  expect(await ask('tag/learn', { play: 'Polka' })).toMatchObject({ status: 'error', error: 'tags/no-such-preset' });
  expect(await ask('tag/learn')).toMatchObject({ status: 'ok', data: { until: expect.stringMatching(/^\d{4}-/) } });
  await until('it is learning', () => tags().learning !== null, patience);
  const chime = until('the chime is over', () => house.topics.get('tonearm/house/event')?.includes('announcement_finished'), patience);
  await lay('04:a2:19:7b');
  await outcome('learned');
  await chime;
  expect(tags()).toMatchObject({ tags: [{ tag: '04A2197B', play: house.cloud.contexts.everything, fixed: false }], learning: null });

  await house.phone.pause();
  await restarting(() => ask('restart'));
  await settled();
  await lay('04A2197B');
  await outcome('played');
  await until('it plays, because of the tag', () => house.mirror['state'] === 'playing' && JSON.parse(house.topics.get('tonearm/house/attributes') ?? '{}').started_by === 'tag', patience);
  await lay('');
  await outcome('removed');
  await until('it is paused', () => house.mirror['state'] === 'paused', patience);
  expect(await ask('tag/scan', { tag: '04 A2 19 7B' })).toMatchObject({ status: 'ok', data: { outcome: 'resumed', reader: null } });
  await until('it goes on', () => house.mirror['state'] === 'playing', patience);
  expect(await ask('tag/forget', { tag: '04A2197B' })).toMatchObject({ status: 'ok' });
  expect(await ask('tag/forget', { tag: '04A2197B' })).toMatchObject({ status: 'error', error: 'tags/unknown' });

  // Nothing of it stays on the broker when it is not wanted any more.
  const { tags: none, ...rest } = JSON.parse(await readFile(path, 'utf8')) as Readonly<Record<string, unknown>>;
  expect(none).toBeDefined();
  await writeFile(path, JSON.stringify(rest));
  await restarting(() => ask('restart'));
  await until('its topics are empty', () => house.topics.get('tonearm/bridge/tags') === '' && house.topics.get('tonearm/bridge/tag') === '', patience);
});

it('quiet hours pass over what is explicit, and lock a zone for whoever comes', { timeout: 120_000 }, async () => {
  const tunes = await makeTunes([60, 60]);
  broker = await openBroker({ port: 0 });
  house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }, n) => ({ ...entry, title: n === 0 ? 'Rude' : 'Polite', explicit: n === 0 })) }, mqtt: { url: broker.url } });
  await pair(house);
  const path = join(house.folder, 'configuration.yaml');
  const settings = JSON.parse(await readFile(path, 'utf8')) as object;
  const keep = async (quietHours: object) => {
    await writeFile(path, JSON.stringify({ ...settings, quietHours }));
    await restarting(() => ask('restart'));
  };

  await keep({ between: '00:00-24:00', explicit: 'skip' });
  await house.phone.play(house.cloud.contexts.everything);
  await until('the other one plays', () => house.mirror['state'] === 'playing' && house.mirror['title'] === 'Polite', patience);
  await house.phone.pause();

  await keep([{ between: '00:00-24:00', locked: true }]);
  const events: string[] = [];
  house.mqtt.on('message', (topic, payload) => {
    if (topic === 'tonearm/house/event') events.push((JSON.parse(payload.toString()) as { readonly event_type: string }).event_type);
  });
  await house.phone.play(house.cloud.contexts.everything);
  await until('it is paused again', () => events.includes('playback_paused') && house.mirror['state'] === 'paused', patience);
  expect(JSON.parse(house.topics.get('tonearm/house/attributes') ?? '{}')).toMatchObject({ started_by: 'phone', changed_by: 'automation:quiet-hours' });
});
