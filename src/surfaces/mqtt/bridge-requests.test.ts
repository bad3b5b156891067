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
