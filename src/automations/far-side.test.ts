import { describe, expect, it } from 'vitest';
import type { Launch, Launched } from '#core';
import { TonearmError } from '#foundation';
import { Home, type HomeSettings } from '../../test/kit/home.ts';
import { Action } from './actions.ts';
import type { AutomationsContext } from './ports.ts';

type Request = NonNullable<AutomationsContext['request']>;
type Then = NonNullable<HomeSettings['automations']>[number]['then'];

const never = (signal: AbortSignal) => new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

/** A house whose rule does this, has done it, and what its history says of it. */
async function done(then: Then, far: Pick<AutomationsContext, 'request' | 'launch'>, seconds = 0) {
  await using home = await Home.open({ automations: [{ id: 'a', zone: 'kitchen', then: [...then, { volume: 7 }] }] }, { far });
  await home.automations.run('a', 'mqtt');
  await home.clock.advance(seconds * 1000);
  const [ran] = home.automations.history('a', 1);
  return { said: ran?.steps[0], result: ran?.result, volume: home.volume() };
}

describe('a request', () => {
  it('says what it is told to, with what is on filled in', async () => {
    const asked: Parameters<Request>[] = [];
    const request: Request = (...input) => {
      asked.push(input);
      return Promise.resolve(204);
    };
    const run = (action: object) => done([action as Then[number]], { request });
    expect(await run({ request: 'http://lamp.home:8080/on?room={{zone.name}}' })).toEqual({ said: expect.objectContaining({ what: 'request GET lamp.home:8080', outcome: 'done: lamp.home:8080 answered with status 204' }), result: 'done', volume: 7 });
    await run({ request: 'http://lamp.home', body: { by: '{{automation}}' } });
    await run({ request: 'http://lamp.home', body: 'hello {{zone.id}}', method: 'PUT', headers: { authorization: 'Bearer x', empty: null } });
    await run({ request: 'http://lamp.home', body: '{"id": "{{zone.id}}"}', headers: { 'content-type': 'application/senml+json' } });
    await run({ request: 'http://lamp.home', body: '[{{zone.id}}] is on' });
    expect(asked.map(([url, { method, headers, body }]) => [url, method, headers, body])).toEqual([
      ['http://lamp.home:8080/on?room=kitchen', 'GET', {}, undefined],
      ['http://lamp.home', 'POST', { 'content-type': 'application/json' }, '{"by":"a"}'],
      ['http://lamp.home', 'PUT', { 'content-type': 'text/plain; charset=utf-8', authorization: 'Bearer x' }, 'hello kitchen'],
      ['http://lamp.home', 'POST', { 'content-type': 'application/senml+json' }, '{"id":"kitchen"}'],
      ['http://lamp.home', 'POST', { 'content-type': 'text/plain; charset=utf-8' }, '[kitchen] is on'],
    ]);
  });

  it.each<[string, Request, string]>([
    ['refused', () => Promise.resolve(403), 'refused: lamp.home answered with status 403'],
    ['sent elsewhere', () => Promise.resolve(302), 'refused: lamp.home answered with status 302'],
    ['not heard', () => Promise.reject(new TonearmError({ kind: 'unavailable', code: 'x/y', message: 'lamp.home cannot be reached (ECONNREFUSED).' })), 'not done: lamp.home cannot be reached (ECONNREFUSED).'],
    ['left without an answer', (_, { signal }) => never(signal), 'lamp.home did not answer within 10 s'],
  ])('that is %s keeps nothing from what comes next', async (_, request, outcome) => {
    expect(await done([{ request: 'http://lamp.home/secret-4711?x' }], { request }, 10)).toEqual({ said: expect.objectContaining({ what: 'request GET lamp.home', outcome }), result: 'done', volume: 7 });
  });
});

describe('a program', () => {
  const ended = (end: Partial<Launched>): Launch => () => Promise.resolve({ code: 0, killedBy: null, ...end });

  it('has its arguments as they are, and what is on in its environment', async () => {
    const started: Parameters<Launch>[] = [];
    const launch: Launch = (...input) => {
      started.push(input);
      return ended({})(...input);
    };
    await using home = await Home.open({ automations: [{ id: 'a', zone: 'kitchen', when: [{ playback: 'started', zone: 'kitchen' }], then: [{ program: ['amp', 50, '{{zone.title}}'], environment: { AMP: 2, TONEARM_TITLE: 'mine', NONE: null } }, { program: '/opt/my amp' }] }] }, { far: { launch } });
    await home.person({ kind: 'play', uri: 'music:news' });
    await home.clock.advance(0);
    expect(started.map(([program, list, { environment }]) => [program, list, environment])).toEqual([
      ['amp', ['50', '{{zone.title}}'], expect.objectContaining({ AMP: '2', TONEARM_AUTOMATION: 'a', TONEARM_TRIGGER: expect.stringContaining('started'), TONEARM_ZONE: 'kitchen', TONEARM_ZONE_NAME: 'kitchen', TONEARM_STATUS: 'playing', TONEARM_VOLUME: '50', TONEARM_TITLE: 'mine', TONEARM_URI: 'music:news' })],
      ['/opt/my amp', [], expect.objectContaining({ TONEARM_STATUS: 'playing' })],
    ]);
  });

  it.each<[string, Launch, string]>([
    ['done', ended({}), 'done'],
    ['not content', ended({ code: 3 }), 'failed: it ended with 3'],
    ['killed', ended({ code: null, killedBy: 'SIGKILL' }), 'failed: it was ended by SIGKILL'],
    ['not there', () => Promise.reject(new TonearmError({ kind: 'not-found', code: 'x/y', message: 'There is no program amp.' })), 'not done: There is no program amp.'],
    ['never done', (_, __, { signal }) => never(signal), 'ended by force: it was not done within 30 s'],
  ])('that is %s keeps nothing from what comes next', async (_, launch, outcome) => {
    expect(await done([{ program: ['amp', 'on'] }], { launch }, 30)).toEqual({ said: expect.objectContaining({ what: 'program amp', outcome }), result: 'done', volume: 7 });
  });

  it('ends with its rule', async () => {
    let told: AbortSignal | undefined;
    await using home = await Home.open({ automations: [{ id: 'a', then: [{ program: 'amp' }] }] }, { far: { launch: (_, __, { signal }) => never((told = signal)) } });
    await home.automations.run('a', 'mqtt');
    await home.clock.advance(1000);
    expect(told?.aborted).toBe(false);
    await home.automations.enable('a', false);
    expect(told?.aborted).toBe(true);
    await home.clock.advance(0);
    expect(home.automations.history('a', 1)).toMatchObject([{ result: 'interrupted' }]);
  });
});

it.each([
  [{ request: 'http://{{zone.title}}/' }], [{ request: 'http://lamp.home/{{zone.title}}' }], [{ request: 'ftp://lamp.home/' }], [{ request: 'lamp.home' }], [{ request: 'http://' }], [{ request: 'http://lamp.home/ on' }],
  [{ request: 'http://lamp.home', headers: { 'content-length': '5' } }], [{ request: 'http://lamp.home', headers: { 'x y': '5' } }], [{ request: 'http://lamp.home', headers: { x: 'a\r\nb: c' } }], [{ request: 'http://lamp.home', method: 'CONNECT' }],
  [{ program: [] }], [{ program: '' }], [{ program: 'bin/amp' }], [{ program: ['./amp'] }], [{ program: ['amp', 'a\0b'] }], [{ program: 'amp', environment: { 'A=B': 'x' } }],
])('%j is no action', (action) => {
  expect(Action.safeParse(action).success).toBe(false);
});
