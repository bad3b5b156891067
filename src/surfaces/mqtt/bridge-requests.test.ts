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
