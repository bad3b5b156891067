import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, silentLog } from '#foundation';
import { createDhKeyPair, encodeAddUser, encryptPairingBlob, judgeGetInfo, parseForm, parseGetInfo, parseStatus, type DhKeyPair } from '#spotify/wire';
import type { Credentials } from '../ports.ts';
import { PairingDesk, type Visitor } from './pairing-desk.ts';

const identity = { deviceId: 'a'.repeat(40), name: 'Kitchen', brand: 'Tonearm', model: 'Tonearm', version: '0.1.0', clientId: 'c'.repeat(32) };

let clock: FakeClock;
let keyPair: DhKeyPair;
let desk: PairingDesk;
let logins: { credentials: Credentials; visitor: Visitor; signal: AbortSignal; finish: (outcome: 'ok' | 'refused') => void }[];
let active: string | null;
let resets: number;
let mayReset: boolean;

beforeEach(() => {
  clock = new FakeClock();
  keyPair = createDhKeyPair();
  logins = [];
  active = null;
  resets = 0;
  mayReset = true;
  desk = new PairingDesk({
    identity,
    name: 'Kitchen',
    keyPair,
    clock,
    log: silentLog,
    onUser: (credentials, signal, visitor) =>
      new Promise((finish, reject) => {
        logins.push({ credentials, visitor, signal, finish });
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      }),
    activeUser: () => active,
    mayReset: () => mayReset,
    onReset: () => void (resets += 1),
  });
});

function form(username = 'somebody', { key = keyPair.publicKey, type = 1, tamper = (text: string) => text, fields = {} }: { key?: Uint8Array; type?: number; tamper?: (text: string) => string; fields?: Record<string, string> } = {}): ReadonlyMap<string, string> {
  const { blob, clientKey } = encryptPairingBlob({
    credentials: { username, type, data: Buffer.from('stored secret') },
    deviceId: identity.deviceId,
    deviceKey: key,
    keyPair: createDhKeyPair(),
  });
  const body = encodeAddUser({ username, blob: tamper(blob), clientKey, tokenType: 'default', loginId: username, deviceName: 'Phone', deviceId: 'phone', version: '2.7.1' });
  return new Map([...parseForm(body), ...Object.entries(fields)]);
}

async function post(fields: ReadonlyMap<string, string>, address = '192.168.1.2') {
  const { http, body } = await desk.answer({ method: 'POST', fields, address });
  return { http, ...parseStatus(body), body };
}

describe('the pairing desk', () => {
  it('introduces the speaker in a way a strict phone accepts', async () => {
    active = 'somebody';
    const { http, body } = await desk.answer({ method: 'GET', fields: new Map([['action', 'getInfo']]), address: '' });
    expect(http).toBe(200);
    expect(judgeGetInfo(body)).toEqual([]);
    expect(parseGetInfo(body)).toMatchObject({ deviceId: identity.deviceId, name: 'Kitchen', publicKey: keyPair.publicKey.toString('base64'), activeUser: 'somebody', tokenType: 'default', version: '2.9.0' });
  });

  it.each([
    ['POST', '', 301, 400],
    ['GET', 'dance', 302, 400],
    ['GET', 'addUser', 302, 400],
    ['POST', 'getInfo', 302, 400],
    ['GET', 'resetUsers', 302, 400],
  ])('%s %s → %s', async (method, action, status, http) => {
    const answer = await desk.answer({ method, fields: new Map([['action', action]]), address: '' });
    expect(answer.http).toBe(http);
    expect(parseStatus(answer.body).status).toBe(status);
  });

  it('believes the name beside stored credentials only: a token in the blob works for whoever it was made for', async () => {
    void post(form('owner'));
    void post(form('owner', { type: 3 }), '192.168.1.3');
    void post(form('somebody', { type: 3 }), '192.168.1.4');
    await clock.advance(0);
    expect(logins.map(({ visitor }) => visitor.user)).toEqual(['owner', null, null]);
  });

  it('declines a reset where the rules for guests say so, and lets a login under way go on', async () => {
    void post(form());
    await clock.advance(0);
    mayReset = false;
    expect(await post(new Map([['action', 'resetUsers']]))).toMatchObject({ http: 400, status: 102 });
    expect([resets, logins[0]?.signal.aborted]).toEqual([0, false]);
    mayReset = true;
    expect(await post(new Map([['action', 'resetUsers']]))).toMatchObject({ http: 200, status: 101 });
    expect([resets, logins[0]?.signal.aborted]).toEqual([1, true]);
  });

  it('logs a phone\'s user in and waits for the outcome', async () => {
    const answer = post(form());
    await clock.advance(0);
    expect(logins[0]?.credentials).toMatchObject({ username: 'somebody', type: 1 });
    expect(Buffer.from(logins[0]?.credentials.data.reveal() ?? []).toString()).toBe('stored secret');
    logins[0]?.finish('ok');
    expect(await answer).toMatchObject({ http: 200, status: 101 });
    expect(clock.pending).toBe(0);
  });

  it('says that it is on its way when the login takes long', async () => {
    const answer = post(form());
    await clock.advance(5000);
    expect(await answer).toMatchObject({ status: 101 });
  });

  it('says so when Spotify refuses', async () => {
    const answer = post(form());
    await clock.advance(0);
    logins[0]?.finish('refused');
    expect(await answer).toMatchObject({ http: 200, status: 202 });
  });

  it('does not log the same user in twice, nor again while active', async () => {
    const answers = [post(form()), post(form())];
    await clock.advance(0);
    expect(logins).toHaveLength(1);
    logins[0]?.finish('ok');
    await Promise.all(answers);
    active = 'somebody';
    expect(await post(form())).toMatchObject({ status: 101 });
    expect(logins).toHaveLength(1);
  });

  it('lets another user take over a login that is still running', async () => {
    const first = post(form('one'));
    await clock.advance(0);
    const second = post(form('two'));
    await clock.advance(0);
    expect(logins[0]?.signal.aborted).toBe(true);
    expect(logins[1]?.credentials.username).toBe('two');
    logins[1]?.finish('ok');
    expect(await second).toMatchObject({ status: 101 });
    expect(await first).toMatchObject({ status: 202 });
  });

  it('hands a phone with an old key the new one, with which it succeeds', async () => {
    const answer = await post(form('somebody', { key: createDhKeyPair().publicKey }));
    expect(answer).toMatchObject({ http: 200, status: 203, deviceId: identity.deviceId, publicKey: keyPair.publicKey.toString('base64') });
    const again = post(form());
    await clock.advance(0);
    logins[0]?.finish('ok');
    expect(await again).toMatchObject({ status: 101 });
  });

  it.each<[string, ReadonlyMap<string, string> | (() => ReadonlyMap<string, string>), number]>([
    ['no user', () => form('somebody', { fields: { userName: '' } }), 303],
    ['no blob: a wake-up', () => form('somebody', { fields: { blob: '', clientKey: '' } }), 303],
    ['a short blob', () => form('somebody', { tamper: () => 'AAAA' }), 303],
    ['a blob that is no base64', () => form('somebody', { tamper: () => '!!!!' }), 303],
    ['a key of zero', () => form('somebody', { fields: { clientKey: 'AA==' } }), 303],
    ['a name that moves the cursor', () => form('some\u001b[2Jbody'), 303],
    ['a foreign token type', () => form('somebody', { fields: { tokenType: 'authorization_code' } }), 303],
  ])('refuses %s', async (_name, fields, status) => {
    expect(await post(typeof fields === 'function' ? fields() : fields)).toMatchObject({ status });
    expect(logins).toHaveLength(0);
  });

  it('takes raw plus signs and a plain access token', async () => {
    const spaced = post(form('somebody', { tamper: (blob) => blob.replace(/\+/g, ' ') }));
    await clock.advance(0);
    logins[0]?.finish('ok');
    expect(await spaced).toMatchObject({ status: 101 });
    const token = post(form('somebody', { fields: { tokenType: 'accesstoken', blob: 'BQtoken' } }));
    await clock.advance(0);
    expect(logins[1]?.credentials).toMatchObject({ username: null, type: 3 });
    logins[1]?.finish('ok');
    expect(await token).toMatchObject({ status: 101 });
  });

  it('makes an address wait after ten failures in a minute, and nobody else', async () => {
    const bad = form('somebody', { key: createDhKeyPair().publicKey });
    for (let n = 0; n < 10; n++) expect(await post(bad)).toMatchObject({ status: 203 });
    expect(await post(bad)).toMatchObject({ http: 429, status: 102 });
    expect(await post(bad, '192.168.1.3')).toMatchObject({ status: 203 });
    await clock.advance(60_000);
    expect(await post(bad)).toMatchObject({ status: 203 });
  });

  it('looks at who comes before anything else is disturbed: a token’s name proves nothing', async () => {
    const visitors: unknown[] = [];
    let isWelcome = true;
    desk = new PairingDesk({
      identity,
      name: 'Kitchen',
      keyPair,
      clock,
      log: silentLog,
      onUser: (credentials, signal, visitor) => {
        visitors.push(visitor);
        return new Promise((finish, reject) => {
          logins.push({ credentials, visitor, signal, finish });
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
      },
      mayPair: () => isWelcome,
      activeUser: () => active,
      onReset: () => undefined,
    });
    const first = post(form('ann'));
    await clock.advance(0);
    isWelcome = false;
    expect(await post(form('ben'))).toMatchObject({ status: 202 });
    expect(logins[0]?.signal.aborted).toBe(false);
    logins[0]?.finish('ok');
    expect(await first).toMatchObject({ status: 101 });
    isWelcome = true;
    const token = post(form('ann', { fields: { tokenType: 'accesstoken', blob: 'BQtoken' } }));
    await clock.advance(0);
    logins[1]?.finish('ok');
    await token;
    expect(visitors).toEqual([{ user: 'ann', phone: 'Phone' }, { user: null, phone: 'Phone' }]);
  });

  it('logs out', async () => {
    const running = post(form());
    await clock.advance(0);
    expect(await post(new Map([['action', 'resetUsers']]))).toMatchObject({ status: 101 });
    expect(resets).toBe(1);
    expect(logins[0]?.signal.aborted).toBe(true);
    await running;
  });

  it('never shows a secret or a parameter', async () => {
    const marked = form('<b>name</b>', { fields: { deviceName: '<b>phone</b>' } });
    const answer = post(marked);
    await clock.advance(0);
    logins[0]?.finish('refused');
    expect((await answer).body).not.toContain('<b>');
  });
});
