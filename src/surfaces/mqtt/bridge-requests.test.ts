import { expect, it } from 'vitest';
import { answerRequest, type RequestPorts } from './bridge-requests.ts';

it('an automation that is defined or removed is written first, and then what was switched by hand is forgotten', async () => {
  const asked: string[] = [];
  const note = (what: string) => (...given: unknown[]) => {
    asked.push(`${what} ${JSON.stringify(given)}`);
    return Promise.resolve('wake');
  };
  const ports = { zones: [], control: { setAutomation: note('set'), removeAutomation: note('remove') }, automations: { forget: note('forget') } } as unknown as RequestPorts;
  const ask = (name: string, fields: Readonly<Record<string, unknown>>) => answerRequest(ports, name, { argument: null, fields }, new AbortController().signal);
  expect(await ask('automation/set', { alarm: { id: 'wake' } })).toEqual({ id: 'wake' });
  expect(await ask('automation/remove', { id: 'wake' })).toEqual({ id: 'wake' });
  expect(asked).toEqual(['set ["alarm",{"id":"wake"}]', 'forget ["wake"]', 'remove ["wake"]', 'forget ["wake"]']);
});

it('tags are learnt, forgotten and told of', async () => {
  const asked: unknown[] = [];
  const read = { tag: '04A2', reader: null, zone: 'kitchen', at: 0, outcome: 'played', name: 'Jazz', why: null };
  const tags = {
    learn: (wish: unknown) => {
      asked.push(wish);
      return { until: 60_000 };
    },
    forget: (tag: string) => Promise.resolve(void asked.push(tag)),
    scan: (tag: string, zone?: string) => Promise.resolve((asked.push([tag, zone]), read)),
  };
  const ask = async (name: string, given: string | Readonly<Record<string, unknown>>, automations: object = { tags }) =>
    answerRequest({ zones: [], automations } as unknown as RequestPorts, name, typeof given === 'string' ? { argument: given, fields: {} } : { argument: null, fields: given }, new AbortController().signal);
  expect(await ask('tag/learn', {})).toEqual({ until: '1970-01-01T00:01:00.000Z' });
  await ask('tag/learn', 'Jazz');
  await ask('tag/learn', { run: 'night' });
  expect(await ask('tag/scan', '04-a2')).toEqual({ ...read, at: '1970-01-01T00:00:00.000Z' });
  await ask('tag/scan', { tag: 1234567890, zone: 'bath' });
  await ask('tag/forget', '04-a2');
  expect(asked).toEqual([null, { play: 'Jazz' }, { run: 'night' }, ['04-a2', undefined], ['1234567890', 'bath'], '04-a2']);
  await expect(ask('tag/learn', { play: 'x', run: 'y' })).rejects.toMatchObject({ code: 'mqtt/bad-request' });
  await expect(ask('tag/scan', {})).rejects.toMatchObject({ code: 'mqtt/bad-request' });
  await expect(ask('tag/scan', '04', {})).rejects.toMatchObject({ code: 'mqtt/not-here', message: expect.stringContaining('"tags: {}" is enough') });
});

it('options go into the configuration, and the log level that is asked for with them holds until the next start', async () => {
  const asked: unknown[] = [];
  const control = { logLevel: 'info', restartRequired: true, changeOptions: (options: object) => Promise.resolve({ restarts: 'presets' in options }), setLogLevel: (level: string) => asked.push(level) };
  const ask = (fields: Readonly<Record<string, unknown>>) => answerRequest({ zones: [], control } as unknown as RequestPorts, 'options', { argument: null, fields }, new AbortController().signal);
  expect(await ask({ options: { presets: [] } })).toEqual({ log_level: 'info', restarting: true, restart_required: false });
  expect(await ask({ options: {} })).toEqual({ log_level: 'info', restarting: false, restart_required: true });
  expect(await ask({ log_level: 'debug' })).toMatchObject({ restarting: false });
  expect(asked).toEqual(['debug']);
});

it('a backup comes as base64, with what is not in it', async () => {
  const control = { backup: () => Promise.resolve({ zip: Buffer.from('PK'), leftOut: ['mqtt.password'] }) };
  expect(await answerRequest({ zones: [], control } as unknown as RequestPorts, 'backup', { argument: '', fields: {} }, new AbortController().signal)).toEqual({ zip: 'UEs=', left_out: ['mqtt.password'] });
});
