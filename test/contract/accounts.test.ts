import http from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { AccountsEvents, LoginView } from '#core';
import { toTonearmError } from '#foundation';
import { AuthType, createDhKeyPair, encodeAddUser, encryptPairingBlob, parseGetInfo } from '#spotify/wire';
import type { Phone } from '#simulator';
import type { AccountsSettings, OpenAccounts } from '#sources';
import { ListeningRoom, usualSongs } from '../kit/listening-room.ts';

const users = ['listener', 'ann', 'ben'];
const minute = 60_000;
const clientId = '0123456789abcdef0123456789abcdef';

let room: ListeningRoom;
let left: ListeningRoom['left'] | undefined;

async function open(accounts: Partial<AccountsSettings> = {}, isPaired = false): Promise<OpenAccounts> {
  room = await ListeningRoom.open({ isPaired, catalogue: usualSongs, users: users.map((name) => ({ name })), speaker: { accounts } });
  return room.speaker.accounts;
}

afterEach(async () => {
  await room[Symbol.asyncDispose]();
  left = room.left;
  expect(left).toEqual({ timers: 0, connections: 0 });
});

const connected = (name: string | null) => room.shows(({ account }) => account.name === name);
const remembered = () => room.speaker.accounts.picture.accounts.map(({ name, active, state }) => `${name}${active ? ' active' : ''}${state === 'ready' ? '' : ` ${state}`}`).sort();
const rejection = (work: Promise<unknown>) => room.do(work.then(() => null, (error: unknown) => toTonearmError(error).code));

interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

/** Over a connection of its own, which the room's clock can see. */
function ask(url: string, body?: string | URLSearchParams): Promise<Reply> {
  const text = body?.toString() ?? '';
  const headers = body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: body === undefined ? 'GET' : 'POST', agent: false, headers }, (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (part: string) => (answer += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: answer }));
    });
    request.on('error', reject);
    request.end(text);
  });
}

function heard<K extends keyof AccountsEvents>(name: K): AccountsEvents[K][] {
  const all: AccountsEvents[K][] = [];
  room.speaker.accounts.events.on(name, (event) => all.push(event));
  return all;
}

/** What is on "disk", in every form in which a secret could be recognised. */
function onDisk(): string {
  return JSON.stringify([...room.speaker.stored]);
}

describe('a login with a code', () => {
  it('needs no phone beside the speaker: code, address, QR, then the speaker is there', async () => {
    const accounts = await open();
    const seen = heard('login');
    const login = await room.do(accounts.login({ method: 'code' }));
    expect(login).toMatchObject({ status: 'waiting', method: 'code', purpose: 'playback', zones: ['kitchen'], account: null });
    expect(room.cloud.authorizations.waiting).toEqual([login.code]);
    expect(login.address).toBe(`https://spotify.com/pair?code=${login.code ?? ''}`);
    expect(login.qr?.text.split('\n').length).toBeGreaterThan(10);
    expect(login.qr?.svg).toMatch(/^<svg/);
    await room.run(5000);
    room.cloud.authorizations.approve(login.code ?? '', 'ann');
    expect(await room.do(accounts.wait(login.id))).toMatchObject({ status: 'done', account: 'ann', error: null });
    await connected('ann');
    expect(seen.map(({ status }) => status)).toEqual(['waiting', 'finishing', 'done']);
    const phone = await room.openPhone({ name: 'Ann’s', user: 'ann' });
    await room.until(() => room.speaker.id in phone.cluster.device);
    // Only what the access point gave in exchange is kept.
    for (const secret of room.cloud.authorizations.secrets) expect(onDisk()).not.toContain(secret);
    expect(onDisk()).not.toContain('sim-token');
    expect(room.cloud.refusals).toEqual([]);
    await room.restart();
    await connected('ann');
    expect(remembered()).toEqual(['ann active']);
    expect(room.cloud.refusals).toEqual([]);
  });

  it('polls at the interval it was told, and slower when asked', async () => {
    const accounts = await open();
    room.cloud.authorizations.deviceInterval = 5;
    const login = await room.do(accounts.login({ method: 'code' }));
    await room.run(30_500);
    expect(room.count('accounts/token')).toBe(6);
    room.cloud.faults.set('accounts/slow-down', { count: 1 });
    await room.run(5000);
    expect(room.count('accounts/token')).toBe(7);
    await room.run(9000);
    expect(room.count('accounts/token')).toBe(7);
    await room.run(1500);
    expect(room.count('accounts/token')).toBe(8);
    expect(room.cloud.refusals).toEqual([]);
    expect(accounts.cancel(login.id).id).toBe(login.id);
    expect(await room.do(accounts.wait(login.id))).toMatchObject({ status: 'cancelled', code: null, qr: null });
    await room.run(minute);
    expect(room.count('accounts/token')).toBe(8);
  });

  it.each<[string, (login: LoginView) => unknown, string]>([
    ['a no', ({ code }) => room.cloud.authorizations.deny(code ?? ''), 'accounts/login-denied'],
    ['a code that has ended', ({ code }) => room.cloud.authorizations.expire(code ?? ''), 'accounts/login-expired'],
    ['nobody in time', () => room.run(10 * minute), 'accounts/login-expired'],
  ])('ends with a plain word after %s', async (_what, happen, code) => {
    const accounts = await open();
    const login = await room.do(accounts.login({ method: 'code' }));
    await happen(login);
    expect(await room.do(accounts.wait(login.id))).toMatchObject({ status: 'failed', error: { code } });
    expect(room.state.account.name).toBeNull();
  });

  it('survives a cloud that is away for a while', async () => {
    const accounts = await open();
    const login = await room.do(accounts.login({ method: 'code' }));
    room.cut(20_000, ['web']);
    await room.run(20_000);
    room.cloud.authorizations.approve(login.code ?? '', 'ben');
    expect(await room.do(accounts.wait(login.id))).toMatchObject({ status: 'done', account: 'ben' });
  });

  it('keeps at most four under way', async () => {
    const accounts = await open();
    const logins: LoginView[] = [];
    for (let n = 0; n < 5; n++) logins.push(await room.do(accounts.login({ method: 'code' })));
    expect(await room.do(accounts.wait(logins[0]?.id ?? ''))).toMatchObject({ status: 'cancelled' });
    expect(accounts.picture.logins.filter(({ status }) => status === 'waiting')).toHaveLength(4);
  });
});

describe('a login in a browser', () => {
  const agree = (login: LoginView, user = 'ann', answer: 'agree' | 'deny' = 'agree') => room.do(room.cloud.authorizations.browse(login.address, user, answer));

  it('asks for no more than playing, with PKCE and a state, and takes the pasted address', async () => {
    const accounts = await open();
    const login = await room.do(accounts.login({ method: 'browser' }));
    const asked = new URL(login.address).searchParams;
    expect(Object.fromEntries(asked)).toMatchObject({ response_type: 'code', scope: 'streaming', code_challenge_method: 'S256' });
    expect(asked.get('redirect_uri')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/login$/);
    expect(asked.get('code_challenge')).toMatch(/^[\w-]{43}$/);
    const end = await agree(login);
    expect(await room.do(accounts.paste(login.id, `  "${end}"\n`))).toMatchObject({ status: 'done', account: 'ann' });
    await connected('ann');
    expect(room.cloud.refusals).toEqual([]);
    for (const secret of room.cloud.authorizations.secrets) expect(onDisk()).not.toContain(secret);
  });

  it('is done at once in a browser on this machine', async () => {
    const accounts = await open();
    const login = await room.do(accounts.login({ method: 'browser' }));
    const end = await agree(login);
    const page = await room.do(ask(end));
    expect(page).toMatchObject({ status: 200, text: expect.stringContaining('You are logged in') as string, headers: { 'content-security-policy': expect.stringContaining("default-src 'none'") as string } });
    expect(await room.do(accounts.wait(login.id))).toMatchObject({ status: 'done', account: 'ann' });
  });

  it('does not take an address of another login, or nonsense, and goes on waiting', async () => {
    const accounts = await open();
    const [one, other] = [await room.do(accounts.login({ method: 'browser' })), await room.do(accounts.login({ method: 'browser' }))];
    const end = await agree(one);
    expect(await rejection(accounts.paste(other.id, end))).toBe('accounts/other-login');
    expect(await rejection(accounts.paste(one.id, 'https://accounts.spotify.com/'))).toBe('accounts/not-the-address');
    expect(await rejection(accounts.paste(one.id, end.replace(/state=[^&]*/, 'state=')))).toBe('accounts/other-login');
    const stranger = await room.do(ask(end.replace(/state=[^&]*/, 'state=forged')));
    expect(stranger.status).toBe(400);
    expect(await room.do(accounts.paste(one.id, end))).toMatchObject({ status: 'done' });
    expect(await rejection(accounts.paste(one.id, end))).toBe('accounts/login-over');
    expect(await rejection(accounts.paste('00000000', end))).toBe('accounts/no-such-login');
  });

  it('says plainly when the person said no, or the code was used before', async () => {
    const accounts = await open();
    const refused = await room.do(accounts.login({ method: 'browser' }));
    expect(await room.do(accounts.paste(refused.id, await agree(refused, 'ann', 'deny')))).toMatchObject({ status: 'failed', error: { code: 'accounts/login-denied' } });
    const used = await room.do(accounts.login({ method: 'browser' }));
    const end = await agree(used);
    const form = new URLSearchParams({ grant_type: 'authorization_code', code: new URL(end).searchParams.get('code') ?? '', client_id: 'x' });
    await room.do(ask(`${room.cloud.endpoints.accounts}/api/token`, form));
    expect(await room.do(accounts.paste(used.id, end))).toMatchObject({ status: 'failed', error: { code: 'accounts/grant-refused' } });
  });

  it('is over after ten minutes, and its port is free again', async () => {
    const accounts = await open();
    const login = await room.do(accounts.login({ method: 'browser' }));
    const redirect = new URL(login.address).searchParams.get('redirect_uri') ?? '';
    await room.run(10 * minute + 1);
    expect(await room.do(accounts.wait(login.id))).toMatchObject({ status: 'failed', error: { code: 'accounts/login-expired' } });
    await expect(room.do(ask(redirect))).rejects.toThrow();
  });
});

describe('pairing, by type of token', () => {
  const post = (fields: Partial<Parameters<typeof encodeAddUser>[0]>) =>
    room
      .do(ask(room.speaker.url, encodeAddUser({ username: 'ann', blob: '', clientKey: '', tokenType: 'default', loginId: 'ann', deviceName: 'Phone', deviceId: 'phone', version: '2.7.1', ...fields })))
      .then(({ status, text }) => [status, (JSON.parse(text) as { status: number }).status]);
  const token = (scopes = ['streaming'], client?: string) => room.cloud.accounts.issueAccessToken(room.cloud.accounts.get('ann'), 3_600_000, scopes, client).value;

  it('default: the blob', async () => {
    await open({}, true);
    expect(remembered()).toEqual(['listener active']);
    expect(room.cloud.refusals).toEqual([]);
  });

  it('accesstoken: logs in at the access point, and keeps what that gives for login5 and the next start', async () => {
    await open();
    expect(await post({ tokenType: 'accesstoken', blob: token() })).toEqual([200, 101]);
    await connected('ann');
    expect(room.cloud.accounts.get('ann').logins.at(-1)).toMatchObject({ type: 3, named: false });
    expect(onDisk()).not.toContain('sim-token');
    await room.restart();
    await connected('ann');
    expect(room.cloud.accounts.get('ann').logins.at(-1)).toMatchObject({ type: 1, named: true });
    expect(room.cloud.refusals).toEqual([]);
  });

  it.each<[string, () => string]>([
    ['of another application', () => token(['streaming'], clientId)],
    ['without the scope for playing', () => token(['user-read-private'])],
    ['that nobody issued', () => 'BQnonsense'],
  ])('accesstoken %s: turned down in a sentence that is about the token; whoever was there stays', async (_what, make) => {
    await open({}, true);
    await room.do(room.phone.play(room.albumOf('Song 0')));
    await room.plays('Song 0');
    expect(await post({ tokenType: 'accesstoken', blob: make() })).toEqual([200, 202]);
    expect(room.speaker.failures.at(-1)).toMatchObject({ code: 'connect/token-refused', message: expect.stringContaining('access token') });
    await room.run(5000);
    // Not even their music has noticed.
    expect(room.state).toMatchObject({ status: 'playing', account: { name: 'listener', connected: true }, notice: null });
    expect(room.deck.gaps).toEqual([]);
    expect(room.disagreements()).toEqual([]);
    expect(remembered()).toEqual(['listener active']);
  });

  it.each(['authorization_code', 'something-new'])('%s: 303, and the log says why', async (tokenType) => {
    await open({}, true);
    expect(await post({ tokenType, blob: 'AQcode' })).toEqual([400, 303]);
    expect(room.speaker.lines.some(({ level, text }) => level === 'warn' && /tonearm login/.test(text))).toBe(true);
    expect(room.state.account.name).toBe('listener');
  });
});

describe('three accounts take turns', () => {
  let phones: Record<string, Phone>;

  async function household(settings: Partial<AccountsSettings>): Promise<void> {
    await open(settings);
    phones = {};
    for (const user of users) phones[user] = user === 'listener' ? room.phone : await room.openPhone({ name: `${user}’s phone`, user });
  }

  const phone = (user: string): Phone => phones[user] ?? room.phone;
  const pair = (user: string) => room.do(phone(user).pair(room.speaker.url)).then(({ answer }) => answer?.status);
  const sees = (user: string) => room.speaker.id in phone(user).cluster.device;

  it('last wins: each one gets the speaker, and the one before loses it from the list', async () => {
    await household({});
    for (const user of [...users, 'ann', 'listener']) {
      expect(await pair(user)).toBe(101);
      await connected(user);
      await room.until(() => users.every((other) => sees(other) === (other === user)));
    }
    expect(remembered()).toEqual(['ann', 'ben', 'listener active']);
    expect(room.cloud.refusals).toEqual([]);
    // No token of one can be read with another's: each has a value of its own.
    expect([...room.speaker.stored.keys()].filter((name) => name.startsWith('sealed/login/'))).toHaveLength(3);
  });

  it('refuse while playing: turned down while music is on, let in when it has stopped', async () => {
    await household({ guests: 'refuse-while-playing' });
    await pair('listener');
    await room.until(() => sees('listener'));
    await room.do(phone('listener').play(room.albumOf('Song 0')));
    await room.plays('Song 0');
    const turnedDown = heard('refused');
    expect(await pair('ann')).toBe(202);
    expect(turnedDown).toMatchObject([{ zone: 'kitchen', account: 'ann', why: { code: 'accounts/occupied' } }]);
    expect(room.state).toMatchObject({ status: 'playing', account: { name: 'listener' } });
    expect(room.deck.isSounding).toBe(true);
    expect(await pair('listener')).toBe(101);
    await room.do(phone('listener').pause());
    await room.shows(({ status }) => status === 'paused');
    expect(await pair('ben')).toBe(101);
    await connected('ben');
    expect(await pair('ann')).toBe(101);
    await connected('ann');
  });

  it('ask: a question the owner answers; the phone hears that it is under way, and nobody is disturbed meanwhile', async () => {
    await household({ guests: 'ask', askFor: 60 });
    const accounts = room.speaker.accounts;
    expect(await pair('listener')).toBe(101);
    await room.until(() => sees('listener'));
    await room.do(phone('listener').play(room.albumOf('Song 0')));
    await room.plays('Song 0');
    const asked = heard('question');
    const began = room.clock.monotonic();
    expect(await pair('ann')).toBe(101);
    // The outcome is waited for five seconds, then the phone is told that it is on its way.
    expect(room.clock.monotonic() - began).toBeGreaterThanOrEqual(5000);
    expect(room.clock.monotonic() - began).toBeLessThan(6000);
    expect(asked).toMatchObject([{ answer: 'open', question: { zone: 'kitchen', account: 'ann', active: 'listener', phone: 'ann’s phone' } }]);
    expect(room.state).toMatchObject({ status: 'playing', account: { name: 'listener' }, notice: { code: 'accounts/guest-waits' } });
    expect(accounts.picture.questions).toHaveLength(1);
    // Asking again is the same question.
    expect(await pair('ann')).toBe(101);
    expect(asked).toHaveLength(1);
    accounts.answer(undefined, true);
    await connected('ann');
    await room.until(() => sees('ann') && !sees('listener'));
    expect(room.state.notice).toBeNull();

    const answered = phone('ben').pair(room.speaker.url);
    await room.until(() => accounts.picture.questions.length === 1);
    expect(() => accounts.answer('00000000', true)).toThrow(expect.objectContaining({ code: 'accounts/no-question' }));
    accounts.answer(accounts.picture.questions[0]?.id, false);
    expect((await room.do(answered)).answer?.status).toBe(202);
    expect(room.state.account.name).toBe('ann');

    // No answer is a no.
    expect(await pair('ben')).toBe(101);
    await room.run(60_000);
    expect(asked.at(-1)).toMatchObject({ answer: 'expired', question: { account: 'ben' } });
    expect(room.state).toMatchObject({ account: { name: 'ann' }, notice: null });

    // Who leaves is not asked about any more.
    expect(await pair('ben')).toBe(101);
    expect(await pair('listener')).toBe(101);
    expect(asked.slice(-2)).toMatchObject([{ answer: 'withdrawn', question: { account: 'ben' } }, { answer: 'open', question: { account: 'listener' } }]);
    accounts.answer(undefined, true);
    await connected('listener');
    expect(room.cloud.refusals).toEqual([]);
  });

  it('ask: nobody gets round the question by logging the owner out, or by a token under an owner’s name', async () => {
    await household({ guests: 'ask', owners: ['listener'] });
    await pair('listener');
    await connected('listener');
    expect((await room.do(ask(room.speaker.url, new URLSearchParams({ action: 'resetUsers' })))).status).toBe(400);
    expect(room.state.account.name).toBe('listener');
    expect(remembered()).toEqual(['listener active']);
    await pair('ann');
    room.speaker.accounts.answer(undefined, true);
    await connected('ann');
    const speaker = parseGetInfo((await room.do(ask(`${room.speaker.url}?action=getInfo`))).text);
    const token = room.cloud.accounts.issueAccessToken(room.cloud.accounts.get('ben'), 3_600_000).value;
    const sealed = encryptPairingBlob({ credentials: { username: 'listener', type: AuthType.token, data: Buffer.from(token) }, deviceId: speaker.deviceId, deviceKey: speaker.publicKey, keyPair: createDhKeyPair() });
    const body = encodeAddUser({ username: 'listener', ...sealed, tokenType: 'default', loginId: '', deviceName: 'Phone', deviceId: 'phone', version: '2.7.1' });
    await room.do(ask(room.speaker.url, body));
    expect(room.speaker.accounts.picture.questions).toMatchObject([{ account: '', active: 'ann' }]);
    room.speaker.accounts.answer(undefined, false);
    expect(room.state.account.name).toBe('ann');
    // The account itself may log out, and then there is nobody to ask.
    await room.do(room.speaker.accounts.logout({ account: 'ann' }));
    expect((await room.do(ask(room.speaker.url, new URLSearchParams({ action: 'resetUsers' })))).status).toBe(200);
  });

  it('a remembered account that is refused does not cost the one that is there its place', async () => {
    await household({});
    await pair('ann');
    await pair('listener');
    await connected('listener');
    room.cloud.accounts.revoke(room.cloud.accounts.get('ann'));
    expect(await rejection(room.speaker.accounts.use({ account: 'ann' }))).toBe('spotify/credentials-refused');
    await connected('listener');
    await room.run(3 * minute);
    expect(room.state.account).toEqual({ name: 'listener', connected: true });
  });

  it('a login that is given up halfway does not cost the one who was there the place', async () => {
    await open({}, true);
    const { accounts } = room.speaker;
    const login = await room.do(accounts.login({ method: 'code' }));
    const hanging = room.cloud.faults.hang('login5/login');
    room.cloud.authorizations.approve(login.code ?? '', 'ann');
    await room.until(() => accounts.picture.logins.some(({ status }) => status === 'finishing'));
    await room.run(2000);
    // Nobody has said yes to the new one yet.
    expect(room.state.account).toEqual({ name: 'listener', connected: true });
    accounts.cancel(login.id);
    hanging[Symbol.dispose]();
    expect(await room.do(accounts.wait(login.id))).toMatchObject({ status: 'cancelled' });
    await connected('listener');
    expect(remembered()).toEqual(['listener active']);
  });

  it('a denied account is not used, and the answer says why', async () => {
    const settings = { deny: [] as string[] };
    await household(settings);
    await pair('ann');
    await pair('listener');
    await connected('listener');
    settings.deny.push('ann');
    expect(await rejection(room.speaker.accounts.use({ account: 'ann' }))).toBe('accounts/not-allowed');
    expect(room.state.account.name).toBe('listener');
  });

  it('lists: who is denied gets in nowhere, owners always do, and a name a token hides is looked at after the login', async () => {
    await household({ guests: 'ask', deny: ['BEN'], owners: ['ann'], allow: ['listener'] });
    expect(await pair('ben')).toBe(202);
    expect(await pair('listener')).toBe(101);
    await connected('listener');
    expect(await pair('ann')).toBe(101);
    await connected('ann');
    const token = room.cloud.accounts.issueAccessToken(room.cloud.accounts.get('ben'), 3_600_000).value;
    const body = encodeAddUser({ username: 'ann', blob: token, clientKey: '', tokenType: 'accesstoken', loginId: '', deviceName: 'Phone', deviceId: 'phone', version: '2.7.1' });
    // The name beside a token proves nothing: an owner's would have been let in unasked.
    expect((await room.do(ask(room.speaker.url, body))).status).toBe(200);
    expect(room.speaker.accounts.picture.questions).toMatchObject([{ account: '', active: 'ann' }]);
    room.speaker.accounts.answer(undefined, true);
    await room.until(() => room.speaker.failures.some(({ code }) => code === 'accounts/not-allowed'));
    await connected('ann');
    expect(remembered()).toEqual(['ann active', 'listener']);
  });

  it('a denied account stops nobody else’s pairing', async () => {
    await household({ guests: 'ask', deny: ['ben'] });
    await pair('listener');
    expect(await pair('ann')).toBe(101);
    expect(await pair('ben')).toBe(202);
    expect(room.speaker.accounts.picture.questions).toHaveLength(1);
    room.speaker.accounts.answer(undefined, true);
    await connected('ann');
  });

  it('the settings changed meanwhile: who is no longer let in stays out after a restart', async () => {
    const settings = { deny: [] as string[] };
    await household(settings);
    await pair('ann');
    await connected('ann');
    settings.deny.push('ann');
    await room.restart();
    await room.run(minute);
    expect(room.state.account.name).toBeNull();
    expect(room.cloud.accounts.get('ann').logins).toHaveLength(1);
  });

  it('guests are forgotten so many hours after their last music; owners are not', async () => {
    await household({ forgetAfter: 2, owners: ['listener'] });
    await pair('listener');
    await pair('ann');
    await pair('ben');
    await room.until(() => sees('ben'));
    await room.do(phone('ben').play(room.albumOf('Song 0')));
    await room.plays('Song 0');
    const at = room.speaker.accounts.picture.accounts.find(({ name }) => name === 'ann');
    expect((at?.forgotten ?? 0) - (at?.used ?? 0)).toBe(2 * 3_600_000);
    expect(room.speaker.accounts.picture.accounts.find(({ name }) => name === 'listener')?.forgotten).toBeNull();
    await room.run(20 * minute);
    await room.do(phone('ben').pause());
    await room.run(110 * minute);
    expect(remembered()).toEqual(['ben active', 'listener']);
    await room.run(15 * minute);
    expect(remembered()).toEqual(['listener']);
    expect(room.state.account.name).toBeNull();
    await room.until(() => !sees('ben'));
    expect([...room.speaker.stored.keys()].filter((name) => name.startsWith('sealed/login/'))).toHaveLength(1);
  });

  it('are switched without a phone, and log out for good', async () => {
    await household({});
    for (const user of users) await pair(user);
    const { accounts } = room.speaker;
    await room.do(accounts.use({ account: 'ann' }));
    await connected('ann');
    await room.until(() => sees('ann'));
    const { id = '' } = accounts.picture.accounts.find(({ name }) => name === 'ann') ?? {};
    expect(await room.do(accounts.logout({ account: id }))).toBe(1);
    await room.until(() => !sees('ann'));
    expect(room.state.account.name).toBeNull();
    expect(room.speaker.count('removed')).toBeGreaterThan(0);
    const info = JSON.parse((await room.do(ask(`${room.speaker.url}?action=getInfo`))).text) as { activeUser: string };
    expect(info.activeUser).toBe('');
    await room.restart();
    await room.run(minute);
    expect(room.state.account.name).toBeNull();
    expect(remembered()).toEqual(['ben', 'listener']);
    expect(await rejection(room.speaker.accounts.use({ account: 'ann' }))).toBe('accounts/no-such-account');
    expect(await room.do(room.speaker.accounts.logout({}))).toBe(2);
    expect([...room.speaker.stored.keys()].filter((name) => /login\/|session-/.test(name))).toEqual([]);
    expect(await rejection(room.speaker.accounts.logout({ account: 'ann' }))).toBe('accounts/no-such-account');
  });
});

describe('a login for the web API', () => {
  const web = { clientId };

  async function consent(): Promise<void> {
    const { accounts } = room.speaker;
    room.cloud.authorizations.addApp(clientId, [new URL((await room.do(accounts.login({ method: 'browser' }))).address).searchParams.get('redirect_uri') ?? '']);
    for (const { id } of accounts.picture.logins) accounts.cancel(id);
    await room.run(1000);
    const login = await room.do(accounts.login({ method: 'browser', purpose: 'web' }));
    const end = await room.do(room.cloud.authorizations.browse(login.address, 'ann'));
    expect(await room.do(accounts.paste(login.id, end))).toMatchObject({ status: 'done', account: 'ann', error: null });
  }

  const token = async () => {
    const { accounts } = room.speaker;
    return accounts.webToken(accounts.picture.web[0]?.id ?? '', AbortSignal.timeout(60_000));
  };

  it('says what it needs when no application is configured', async () => {
    const accounts = await open();
    expect(await rejection(accounts.login({ method: 'browser', purpose: 'web' }))).toBe('accounts/no-client-id');
  });

  it('is kept apart from playing: one ends, the other goes on, and the message names which', async () => {
    await open({ web }, true);
    await consent();
    expect(room.state.account.name).toBe('listener');
    expect((await room.do(token())).reveal()).toMatch(/^sim-token/);
    room.cloud.authorizations.withdraw('ann');
    await room.run(3_600_000);
    expect(await rejection(token())).toBe('accounts/web-login-needed');
    expect(room.speaker.lines.at(-1)?.text).toMatch(/web API.*Playing is another login/s);
    expect(room.state.account).toEqual({ name: 'listener', connected: true });
    expect(remembered()).toEqual(['listener active']);
    // The other way round.
    await consent();
    expect(await room.do(room.speaker.accounts.logout({ account: 'listener' }))).toBe(1);
    expect((await room.do(token())).reveal()).toMatch(/^sim-token/);
  });

  it('that is refused is asked for once only, until a new consent replaces it', async () => {
    await open({ web });
    await consent();
    await room.run(3_600_000);
    await room.do(token());
    room.cloud.authorizations.withdraw('ann');
    await room.run(3_600_000);
    const before = room.count('accounts/token');
    expect(await rejection(token())).toBe('accounts/web-login-needed');
    expect(room.count('accounts/token')).toBe(before + 1);
    for (let n = 0; n < 5; n++) expect(await rejection(token())).toBe('accounts/web-login-needed');
    await room.restart();
    expect(await rejection(token())).toBe('accounts/web-login-needed');
    expect(room.count('accounts/token')).toBe(before + 1);
    expect(room.speaker.accounts.picture.web).toMatchObject([{ name: 'ann', state: 'login-needed' }]);
    await consent();
    expect(room.speaker.accounts.picture.web).toMatchObject([{ name: 'ann', state: 'ready', daysLeft: expect.any(Number) as number }]);
    await room.do(token());
  });
});
