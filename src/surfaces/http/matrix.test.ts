import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectDocumented, openHouse, type TestHouse } from './house.fixture.ts';
import { requests, type RequestName, type RequestRow } from './wire/index.ts';

let house: TestHouse;
beforeAll(async () => {
  house = await openHouse({ origins: ['https://panel.example'] });
});
afterAll(() => house[Symbol.asyncDispose]());

/** Fields each request can be asked with. */
const samples: Readonly<Record<RequestName, Readonly<Record<string, unknown>>>> = {
  info: {},
  conditions: {},
  zones: {},
  zone: { zone: 'kitchen' },
  'zone/command': { zone: 'kitchen', commands: [{ kind: 'pause' }] },
  presets: {},
  'preset/add': { name: 'Rock', uri: 'spotify:playlist:rock' },
  'preset/remove': { preset: 'jazz' },
  automations: {},
  'automations/enable': { on: true },
  'automations/guest-mode': { on: true },
  'automations/snooze': {},
  'automations/stop': {},
  'automations/history': { count: 5 },
  'automation/enable': { automation: 'wake', on: false },
  'automation/run': { automation: 'wake' },
  'automation/skip': { automation: 'wake', on: true },
  'automation/time': { automation: 'wake', time: '06:30' },
  'automation/snooze': { automation: 'wake' },
  'automation/stop': { automation: 'wake' },
  tags: {},
  'tags/learn': { play: 'jazz' },
  'tag/forget': { tag: '04A2197B' },
  'tag/scan': { tag: '04A2197B', zone: 'kitchen' },
  'automation/set': { alarm: { id: 'wake', time: '06:30' } },
  'automation/remove': { automation: 'wake' },
  options: { options: { log: { level: 'debug' } } },
  backup: {},
  'automation/forecast': { automation: 'wake', count: 3 },
  'automation/history': { automation: 'wake', count: 3 },
};

interface Route {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly scope: 'read' | 'control';
  readonly body: unknown;
}

const routes: readonly Route[] = [
  ...(Object.entries(requests) as [RequestName, RequestRow][]).map(([name, { route, scope, body }]): Route => {
    const [method = '', template = ''] = route.split(' ');
    const rest = { ...samples[name] };
    let path = template.replace(/\{(\w+)\}/g, (_, field: string) => {
      const value = String(rest[field]);
      Reflect.deleteProperty(rest, field);
      return value;
    });
    const hasBody = method === 'POST' || method === 'PATCH';
    if (!hasBody) {
      const query = new URLSearchParams(Object.entries(rest).map(([field, value]): [string, string] => [field, String(value)])).toString();
      path += query === '' ? '' : `?${query}`;
    }
    return { name, method, path, scope, body: hasBody ? (body === undefined ? rest : rest[body]) : undefined };
  }),
  { name: 'account/list', method: 'GET', path: '/accounts', scope: 'control', body: undefined },
  ...(['login', 'paste', 'wait', 'cancel', 'logout', 'use', 'answer'] as const).map((name): Route => ({ name: `account/${name}`, method: 'POST', path: `/accounts/${name}`, scope: 'control', body: { id: '1' } })),
];

const withBody = (body: unknown) => (body === undefined ? {} : { body });

describe.each(routes)('$method $path', ({ name, method, path, scope, body }) => {
  const ask = (more: object) => house.ask(path, { method, ...withBody(body), ...more });

  it.each([
    ['nobody', { key: null }, 401, 'http/no-key'],
    ['a wrong key', { key: `tak_${'A'.repeat(43)}` }, 401, 'http/bad-key'],
    ['an empty key', { headers: { authorization: 'Bearer ' }, key: null }, 401, 'http/bad-key'],
    ['a password', { headers: { authorization: 'Basic YTpi' }, key: null }, 401, 'http/bad-key'],
    ['a name that was bent to us', { headers: { host: 'evil.example' } }, 403, 'http/unknown-host'],
    ['a page elsewhere', { headers: { origin: 'https://evil.example' } }, 403, 'http/foreign-origin'],
    ['a page that hides where it is', { headers: { origin: 'null' } }, 403, 'http/foreign-origin'],
    ['a picture on a page elsewhere', { headers: { 'sec-fetch-site': 'cross-site' } }, 403, 'http/foreign-origin'],
  ])('turns away %s', async (_who, more, status, code) => {
    const reply = await ask(more);
    expect([reply.status, reply.json.error?.code]).toEqual([status, code]);
  });

  it(`is ${scope === 'read' ? 'open' : 'closed'} to a key that may read`, async () => {
    const reply = await ask({ key: house.readKey });
    if (scope === 'read') expect(reply.status).toBe(200);
    else expect([reply.status, reply.json.error?.code]).toEqual([403, 'http/scope']);
  });

  it('is open to a key that may control', async () => {
    const reply = await ask({});
    expect(reply.json.error?.code ?? '').not.toMatch(/^http\/(no-key|bad-key|scope|not-found)$/);
    if (name in requests) {
      expect(reply.status).toBe(200);
      expectDocumented(name as RequestName, reply.json);
    }
  });

  it('is open to a page of the owner’s', async () => {
    const reply = await ask({ headers: { origin: 'https://panel.example' } });
    expect(reply.headers['access-control-allow-origin']).toBe('https://panel.example');
    expect(reply.json.error?.code ?? '').not.toMatch(/^http\/(foreign-origin|unknown-host)$/);
  });

  it('does the same over the socket', async () => {
    const fields = name in requests ? samples[name as RequestName] : (body ?? {});
    const [full, reader] = await Promise.all([house.connect(), house.connect({ key: house.readKey })]);
    const [did, looked] = await Promise.all([full.ask(1, name, fields), reader.ask('a', name, fields)]);
    if ('ok' in did) {
      if (name in requests) expectDocumented(name as RequestName, did.ok);
    } else expect(did.error.code).toMatch(/^accounts\/|^zones\/no-such-preset$/);
    if (scope === 'control') expect(looked).toMatchObject({ error: { code: 'http/scope' } });
    else expect(looked).toHaveProperty('ok');
    full[Symbol.dispose]();
    reader[Symbol.dispose]();
    await Promise.all([full.closed, reader.closed]);
  });
});

it('has a sample for every request and tries every route', () => {
  expect(Object.keys(samples)).toEqual(Object.keys(requests));
  expect(routes.filter(({ scope }) => scope === 'control').length).toBeGreaterThan(15);
});
