import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requests, SocketRequest, type RequestName } from '../../src/surfaces/http/wire/index.ts';
import { readMessage, socketUrl, writeRequest } from './messages.ts';
import type { Request } from './picture.ts';
import { readService, remembered } from './finder.ts';

describe('what we ask', () => {
  const actions = ['enable', 'disable', 'run', 'stop', 'snooze'] as const;
  it.each<Request>([
    { kind: 'zone', zone: 'kitchen', commands: [{ kind: 'volume', level: 0.3 }, { kind: 'preset', preset: 'jazz' }] },
    ...actions.map((action): Request => ({ kind: 'automation', id: 'wake', action })),
  ])('%j is understood by the daemon', (request) => {
    const said = SocketRequest.parse(JSON.parse(writeRequest('7', request)));
    expect(said.id).toBe('7');
    expect(requests[said.do as RequestName].fields.safeParse(said.with).success).toBe(true);
  });
});

describe('what we hear', () => {
  it('never throws, whatever it is', () => {
    const kinds = fc.constantFrom('hello', 'zone', 'presets', 'automations', 'answer', 'run', 'new');
    fc.assert(fc.property(fc.record({ kind: kinds }), fc.jsonValue(), fc.jsonValue(), ({ kind }, one, other) => {
      readMessage(JSON.stringify({ kind, zone: one, zones: [one, other], presets: other, automations: one, id: other, daemon: one, error: other }), 0);
      readMessage(JSON.stringify(one), 0);
    }));
    expect(readMessage('{', 0)).toBeNull();
    expect(readMessage('{"kind":"later"}', 0)).toBeNull();
  });
});

it.each([
  ['http://tonearm.local:8484', 'ws://tonearm.local:8484/api/v1/events?by=homekit'],
  ['https://example.org/tonearm/', 'wss://example.org/tonearm/api/v1/events?by=homekit'],
])('%s is heard at %s', (base, url) => expect(socketUrl(base)).toBe(url));

it.each([
  [{ addresses: ['fe80::1', '192.0.2.1'], txt: { id: 'house1', name: 'House', version: '1' } }, { instance: 'house1', name: 'House', version: '1', urls: ['http://192.0.2.1:8484'] }],
  [{ addresses: ['192.0.2.9', 'fd00::2', '192.0.2.1'], txt: { id: 'house1' } }, { instance: 'house1', name: 'Tonearm on x', version: '', urls: ['http://192.0.2.9:8484', 'http://192.0.2.1:8484', 'http://[fd00::2]:8484'] }],
  [{ addresses: ['fe80::1', 'fd00::1'], txt: { id: 'house1' } }, { instance: 'house1', name: 'Tonearm on x', version: '', urls: ['http://[fd00::1]:8484'] }],
  [{ addresses: ['fe80::1'], txt: { id: 'house1' } }, null],
  [{ addresses: ['192.0.2.1'], txt: {} }, null],
])('an announcement %j is %j', (service, found) => expect(readService({ name: 'Tonearm on x', port: 8484, ...service })).toEqual(found));

it('remembers addresses from before, however many are announced at once', () => {
  const many = Array.from({ length: 20 }, (_, index) => `http://192.0.2.${index}:1`);
  expect(remembered(many, ['http://home:8484'])).toEqual([...many.slice(0, 6), 'http://home:8484']);
  expect(remembered(['http://moved:8484', 'http://home:8484'], remembered(many, many.slice(6)))).toHaveLength(12);
});
