import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, TonearmError } from '#foundation';
import { FakeAccounts, login, question } from '../../../test/contract/fake-accounts.ts';
import { FakeLink, incoming } from '../../../test/contract/surface-fake-link.ts';
import { fakeZone, keptLog } from '../../../test/contract/surface-fake-player.ts';
import { Bridge } from './bridge.ts';
import { Inbox } from './inbox.ts';
import { Outlet } from './outlet.ts';
import { MqttSettings } from './settings.ts';
import { Topics } from './topics.ts';

let clock: FakeClock;
let link: FakeLink;
let accounts: FakeAccounts;
let bridge: Bridge;
let inbox: Inbox;

beforeEach(() => {
  clock = new FakeClock();
  link = new FakeLink();
  accounts = new FakeAccounts();
  const topics = new Topics('tonearm');
  const outlet = new Outlet(link, topics, { qos: 1 });
  const zones = [fakeZone(clock, 'kitchen')];
  bridge = new Bridge({ zones, outlet, topics, link, settings: MqttSettings.parse({ url: 'mqtt://127.0.0.1' }), clock, version: '1.2.3', instance: '7f3a', run: 'r1', url: undefined, accounts });
  inbox = new Inbox({ zones, topics, outlet, link, bridge, clock, log: keptLog(), signal: new AbortController().signal, onGet: () => undefined });
});

async function ask(name: string, payload: string | object = ''): Promise<unknown> {
  inbox.receive(incoming(`tonearm/bridge/request/account/${name}`, payload));
  await clock.advance(0);
  return link.last(`tonearm/bridge/response/account/${name}`);
}

describe('accounts over MQTT', () => {
  it('are listed, with names shortened and pages left out', async () => {
    expect(await ask('list')).toMatchObject({
      status: 'ok',
      data: {
        accounts: [{ id: 'aaaabbbb', name: 'li****er', zone: 'kitchen', active: true, used: '1970-01-01T00:00:01.000Z' }],
        web: [{ id: 'ccccdddd', name: 'li****er', daysLeft: 1, state: 'ending' }],
        logins: [{ id: login.id, page: null, qr: null }],
        questions: [{ id: question.id, account: 'so****dy', active: 'li****er' }],
      },
    });
    expect(JSON.stringify(link.sent)).not.toContain('listener');
  });

  it.each<[string, string | object, unknown[]]>([
    ['login', '', ['login', { method: 'code' }]],
    ['login', 'browser', ['login', { method: 'browser' }]],
    ['login', { method: 'browser', zone: 'kitchen', purpose: 'web' }, ['login', { method: 'browser', zone: 'kitchen', purpose: 'web' }]],
    ['paste', { id: '1', address: 'http://127.0.0.1/login?code=x' }, ['paste', '1', 'http://127.0.0.1/login?code=x']],
    ['wait', '1', ['wait', '1']],
    ['logout', 'listener', ['logout', { account: 'listener' }]],
    ['logout', { all: true }, ['logout', {}]],
    ['logout', { account: 'x', zone: 'kitchen' }, ['logout', { account: 'x', zone: 'kitchen' }]],
    ['use', 'aaaabbbb', ['use', { account: 'aaaabbbb' }]],
    ['answer', 'yes', ['answer', undefined, true]],
    ['answer', 'NO', ['answer', undefined, false]],
    ['answer', { allow: true, question: '11112222' }, ['answer', '11112222', true]],
  ])('%s %j', async (name, payload, asked) => {
    const withTransaction = typeof payload === 'string' ? payload : { ...payload, transaction: 'x' };
    expect(await ask(name, withTransaction)).toMatchObject({ status: 'ok', ...(typeof payload !== 'string' && { transaction: 'x' }) });
    expect(accounts.asked).toEqual([asked]);
  });

  it('cancel says how the login ended, not how it was before', async () => {
    expect(await ask('cancel', { id: '1' })).toMatchObject({ status: 'ok', data: { status: 'done' } });
    expect(accounts.asked).toEqual([['cancel', '1'], ['wait', '1']]);
  });

  it.each<[string, string | object]>([
    ['login', 'password'],
    ['login', { method: 'code', password: 'x' }],
    ['logout', ''],
    ['logout', {}],
    ['paste', 'http://127.0.0.1/login?code=x'],
    ['answer', 'maybe'],
    ['answer', ''],
    ['use', {}],
  ])('%s %j is not understood, and says what would be', async (name, payload) => {
    expect(await ask(name, payload)).toMatchObject({ status: 'error', error: 'accounts/bad-request' });
    expect(accounts.asked).toEqual([]);
  });

  it('pass on why something could not be done', async () => {
    accounts.error = new TonearmError({ kind: 'not-found', code: 'accounts/no-such-account', message: 'nobody' });
    expect(await ask('use', 'x')).toEqual({ status: 'error', error: 'accounts/no-such-account', message: 'nobody', data: {} });
    expect(await ask('nonsense')).toMatchObject({ status: 'error', error: 'mqtt/unknown-request' });
  });

  it('give the code, the address and the picture to whoever began the login, and to nobody else', async () => {
    expect(await ask('login')).toMatchObject({ data: { code: 'ABCD1234', address: login.address, qr: { svg: expect.stringContaining('<svg') as string } } });
    link.sent.length = 0;
    accounts.emitter.emit('login', { ...login, page: 'http://speaker/login/key' });
    await clock.advance(0);
    const event = link.last('tonearm/bridge/event');
    expect(event).toMatchObject({ type: 'login', data: { id: login.id, status: 'waiting' } });
    expect(JSON.stringify(event)).not.toMatch(/svg|login\/key/);
  });

  it('tell what happens, as events', async () => {
    const told = async () => {
      await clock.advance(0);
      return link.last('tonearm/bridge/event');
    };
    accounts.emitter.emit('question', { question, answer: 'open' });
    expect(await told()).toMatchObject({ type: 'guest_question', data: { question: '11112222', zone: 'kitchen', account: 'so****dy', active: 'li****er', answer: 'open', phone: 'A phone' } });
    accounts.emitter.emit('refused', { zone: 'kitchen', account: 'somebody', why: { code: 'accounts/occupied', message: 'no' } });
    expect(await told()).toEqual({ type: 'guest_refused', data: { zone: 'kitchen', account: 'so****dy', code: 'accounts/occupied', message: 'no' } });
    const [web] = accounts.picture.web;
    if (web) accounts.emitter.emit('ending', { login: web, notice: { code: 'accounts/web-login-ending', message: 'soon' } });
    expect(await told()).toEqual({ type: 'login_ending', data: { login: 'ccccdddd', state: 'ending', days_left: 1, code: 'accounts/web-login-ending', message: 'soon' } });
    expect(link.last('tonearm/bridge/health')).toMatchObject({ accounts: { remembered: 1, login_needed: 0, questions: 1, web_logins: [{ id: 'ccccdddd', days_left: 1, state: 'ending' }] } });
    bridge[Symbol.dispose]();
    expect(accounts.emitter.size).toBe(0);
  });
});
