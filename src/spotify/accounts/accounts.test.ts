import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, Secret, silentLog, TonearmError } from '#foundation';
import {
  decodeClientTokenRequest,
  decodeLogin5Request,
  encodeClientTokenAnswer,
  encodeClientTokenRefusal,
  encodeLogin5Answer,
  Login5Error,
  type ClientTokenAnswer,
  type Login5Answer,
} from '#spotify/wire';
import { noPrograms } from '../../../test/kit/no-programs.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../web/http-client.ts';
import { ServerClock } from '../web/server-clock.ts';
import { Accounts } from './accounts.ts';

const identity = { deviceId: 'a'.repeat(40), name: 'Kitchen', brand: 'Tonearm', model: 'Tonearm', version: '0.1.0', clientId: 'c'.repeat(32) };
const credentials = (text: string) => ({ username: 'somebody', type: 1, data: new Secret<Uint8Array>(Buffer.from(text)) });
const grant = (n: number, expiresIn = 3600, storedCredential: Uint8Array = Buffer.alloc(0)): Login5Answer => ({ kind: 'ok', username: 'somebody', accessToken: `token-${n}`, storedCredential, expiresIn });
const refuse = (name: keyof typeof Login5Error): Login5Answer => ({ kind: 'error', code: Login5Error[name], name });
const never = new AbortController().signal;

let clock: FakeClock;
let sealed: Map<string, unknown>;
let accounts: Accounts;
let logins: { at: number; data: string; clientToken: string | undefined; solutions: number }[];
let clientTokens: { at: number; kind: string }[];
/** Answers in turn; the last one stays. */
let loginScript: (Login5Answer | number | TonearmError)[];
let clientTokenScript: (ClientTokenAnswer | number)[];
let troubles: string[];
let refused: TonearmError | null;

const granted = (n: number, expiresAfter = 1_216_800, refreshAfter = 1_209_600): ClientTokenAnswer => ({ kind: 'granted', token: `client-${n}`, expiresAfter, refreshAfter, domains: [] });

function next<T>(script: T[]): T {
  const answer = script.length > 1 ? script.shift() : script[0];
  if (answer === undefined) throw new Error('the script is empty');
  return answer;
}

function make(): Accounts {
  const http = {
    send({ path, body = Buffer.alloc(0), headers = {} }: HttpRequest): Promise<HttpResponse> {
      if (path === '/v1/clienttoken') {
        clientTokens.push({ at: clock.monotonic(), kind: decodeClientTokenRequest(body).kind });
        const answer = next(clientTokenScript);
        if (typeof answer === 'number') return Promise.resolve({ status: answer, headers: {}, body: encodeClientTokenRefusal('not you\u0007') });
        return Promise.resolve({ status: 200, headers: {}, body: encodeClientTokenAnswer(answer) });
      }
      const request = decodeLogin5Request(body);
      logins.push({ at: clock.monotonic(), data: Buffer.from(request.data).toString(), clientToken: headers['Client-Token'], solutions: request.solutions.length });
      const answer = next(loginScript);
      if (answer instanceof TonearmError) return Promise.reject(answer);
      if (typeof answer === 'number') return Promise.resolve({ status: answer, headers: { 'retry-after': '90' }, body: Buffer.alloc(0) });
      return Promise.resolve({ status: 200, headers: {}, body: encodeLogin5Answer(answer) });
    },
  };
  const made = new Accounts({
    identity,
    endpoints: { clientToken: 'https://client.example', login5: 'https://login.example' },
    http: http as unknown as HttpClient,
    host: {
      clock,
      log: silentLog,
      store: {
        read: () => Promise.reject(new Error('not here')),
        write: () => Promise.reject(new Error('not here')),
        sealed: { read: (name) => Promise.resolve(sealed.get(name) ?? null), write: (name, value) => Promise.resolve(void sealed.set(name, value)) },
      },
      programs: noPrograms,
    },
    log: silentLog,
    serverClock: new ServerClock(clock),
  });
  made.events.on('trouble', ({ error }) => troubles.push(error.code));
  made.events.on('refused', ({ error }) => (refused = error));
  return made;
}

beforeEach(() => {
  clock = new FakeClock();
  sealed = new Map();
  [logins, clientTokens, troubles] = [[], [], []];
  refused = null;
  loginScript = [grant(1)];
  clientTokenScript = [granted(1)];
  accounts = make();
});

afterEach(async () => {
  accounts[Symbol.dispose]();
  await clock.advance(0);
  expect(clock.pending).toBe(0);
});

describe('access tokens', () => {
  it('are fetched once for everybody who waits', async () => {
    const early = accounts.accessToken(never);
    accounts.start();
    await clock.advance(0);
    expect(logins).toEqual([]);
    accounts.use('somebody', credentials('stored'));
    const tokens = await Promise.all([early, accounts.accessToken(never), accounts.accessToken(never)]);
    expect(tokens.map((token) => token.reveal())).toEqual(['token-1', 'token-1', 'token-1']);
    expect(logins).toEqual([{ at: 0, data: 'stored', clientToken: 'client-1', solutions: 0 }]);
  });

  it('are renewed a minute before their end, with the newest credentials', async () => {
    loginScript = [grant(1, 3600, Buffer.from('newer')), grant(2)];
    accounts.start();
    accounts.use('somebody', credentials('stored'));
    await clock.advance(3_539_000);
    expect(logins).toHaveLength(1);
    await clock.advance(1000);
    expect(logins.map(({ data }) => data)).toEqual(['stored', 'newer']);
    expect((await accounts.accessToken(never)).reveal()).toBe('token-2');
  });

  it('fall back to the access point\'s credentials when the newer ones are refused', async () => {
    loginScript = [grant(1, 3600, Buffer.from('newer')), refuse('INVALID_CREDENTIALS'), grant(2)];
    accounts.start();
    accounts.use('somebody', credentials('stored'));
    await clock.advance(3_600_000);
    expect(logins.map(({ data }) => data)).toEqual(['stored', 'newer', 'stored']);
    expect(refused).toBeNull();
  });

  it('that are refused are replaced once for all who say so, and not in a storm', async () => {
    loginScript = [grant(1), grant(2), grant(3), grant(4), grant(5)];
    accounts.start();
    accounts.use('somebody', credentials('stored'));
    const first = await accounts.accessToken(never);
    await Promise.all([accounts.renew(first, never), accounts.renew(first, never)]);
    expect(logins).toHaveLength(2);
    await accounts.renew(first, never);
    expect(logins).toHaveLength(2);
    for (let n = 0; n < 2; n++) await accounts.renew(await accounts.accessToken(never), never);
    const slow = accounts.renew(await accounts.accessToken(never), never);
    await clock.advance(9000);
    expect(logins).toHaveLength(4);
    await clock.advance(1000);
    await slow;
    expect(logins).toHaveLength(5);
  });

  it('are waited for while the service has a problem, with growing pauses', async () => {
    loginScript = [500, new TonearmError({ kind: 'unavailable', code: 'spotify/no-connection', message: 'away' }), refuse('UNKNOWN_ERROR'), grant(1)];
    accounts.start();
    accounts.use('somebody', credentials('stored'));
    const loggedIn = accounts.loggedIn(never);
    const impatient = accounts.accessToken(never);
    impatient.catch(() => undefined);
    for (let n = 0; n < 20; n++) await clock.advance(1000);
    await loggedIn;
    expect((await impatient).reveal()).toBe('token-1');
    expect(troubles).toEqual(['spotify/login-failed', 'spotify/no-connection', 'spotify/login-failed']);
    const gaps = logins.slice(1).map(({ at }, index) => at - (logins[index]?.at ?? 0));
    expect(gaps[2]).toBeGreaterThan((gaps[0] ?? 0) * 1.3);
  });

  it('say what is wrong to a request that cannot wait any longer', async () => {
    loginScript = [429];
    accounts.start();
    accounts.use('somebody', credentials('stored'));
    const waiting = accounts.accessToken(never);
    waiting.catch(() => undefined);
    await clock.advance(15_000);
    await expect(waiting).rejects.toMatchObject({ code: 'spotify/login-failed', retryAfter: 90_000 });
    await clock.advance(74_000);
    expect(logins).toHaveLength(1);
    await clock.advance(1000);
    expect(logins).toHaveLength(2);
  });

  it.each<[keyof typeof Login5Error, string]>([
    ['INVALID_CREDENTIALS', 'spotify/credentials-refused'],
    ['BAD_REQUEST', 'spotify/login-impossible'],
    ['UNSUPPORTED_LOGIN_PROTOCOL', 'spotify/login-impossible'],
    ['UNKNOWN_IDENTIFIER', 'spotify/login-impossible'],
  ])('are over after %s', async (name, code) => {
    loginScript = [refuse(name)];
    accounts.start();
    accounts.use('somebody', credentials('stored'));
    await expect(accounts.loggedIn(never)).rejects.toMatchObject({ code });
    expect(refused?.code).toBe(code);
    await clock.advance(3_600_000);
    expect(logins).toHaveLength(1);
    await expect(accounts.accessToken(never)).rejects.toMatchObject({ code });
  });

  it.each<[keyof typeof Login5Error, number[]]>([
    ['TIMEOUT', [0, 3000, 9000, 18_000]],
    ['TOO_MANY_ATTEMPTS', [0, 3000, 9000, 18_000]],
    ['TRY_AGAIN_LATER', [0, 120_000]],
  ])('wait after %s', async (name, times) => {
    loginScript = [refuse(name)];
    accounts.start();
    accounts.use('somebody', credentials('stored'));
    await clock.advance((times.at(-1) ?? 0) + 500);
    expect(logins.map(({ at }) => at)).toEqual(times);
  });

  it('wait for the access point\'s word when a guess was wrong', async () => {
    loginScript = [refuse('INVALID_CREDENTIALS'), grant(1)];
    accounts.start();
    accounts.use('somebody', credentials('remembered'), true);
    await clock.advance(60_000);
    expect(logins).toHaveLength(1);
    expect(refused).toBeNull();
    accounts.use('somebody', credentials('welcomed'));
    expect((await accounts.accessToken(never)).reveal()).toBe('token-1');
  });

  it('need puzzles solved, at most three rounds, and none that ask a person', async () => {
    const puzzle: Login5Answer = { kind: 'challenges', loginContext: Buffer.from('context'), challenges: [{ kind: 'hashcash', prefix: Buffer.alloc(16, 3), length: 4 }, { kind: 'hashcash', prefix: Buffer.alloc(16, 4), length: 3 }] };
    loginScript = [puzzle, puzzle, grant(1)];
    accounts.start();
    accounts.use('somebody', credentials('stored'));
    await accounts.loggedIn(never);
    expect(logins.map(({ solutions }) => solutions)).toEqual([0, 2, 2]);

    accounts[Symbol.dispose]();
    logins = [];
    loginScript = [puzzle];
    accounts = make();
    accounts.start();
    accounts.use('somebody', credentials('stored'));
    await clock.advance(1000);
    expect(logins.map(({ solutions }) => solutions)).toEqual([0, 2, 2, 2]);
    expect(troubles).toEqual(['spotify/login-later']);

    accounts[Symbol.dispose]();
    loginScript = [{ kind: 'challenges', loginContext: Buffer.alloc(0), challenges: [{ kind: 'code' }] }];
    accounts = make();
    accounts.start();
    accounts.use('somebody', credentials('stored'));
    await expect(accounts.loggedIn(never)).rejects.toMatchObject({ kind: 'unauthorized', code: 'spotify/verification-required' });
  });

  it('reject when they are closed while somebody waits', async () => {
    accounts.start();
    const waiting = accounts.accessToken(never);
    accounts[Symbol.dispose]();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('client tokens', () => {
  it('are asked for at once, kept sealed, and used again after a restart', async () => {
    accounts.start();
    await clock.advance(0);
    expect(clientTokens).toEqual([{ at: 0, kind: 'client' }]);
    expect(JSON.stringify([...sealed])).toContain('client-1');
    accounts[Symbol.dispose]();
    accounts = make();
    expect((await accounts.clientToken(never))?.reveal()).toBe('client-1');
    expect(clientTokens).toHaveLength(1);
  });

  it.each([
    ['one of another program', { clientId: 'd'.repeat(32) }],
    ['an expired one', { expiry: 1 }],
    ['one that would live for years', { expiry: 4e12 }],
    ['nonsense', { token: 7 }],
  ])('read from the store: not %s', async (_name, spoiled) => {
    sealed.set(`client-token-${identity.deviceId}`, { token: 'kept', refresh: clock.now() + 1000, expiry: clock.now() + 2000, clientId: identity.clientId, ...spoiled });
    expect((await accounts.clientToken(never))?.reveal()).toBe('client-1');
  });

  it('are renewed in the background while the old one still serves', async () => {
    clientTokenScript = [granted(1, 200, 100), granted(2)];
    expect((await accounts.clientToken(never))?.reveal()).toBe('client-1');
    await clock.advance(95_000);
    expect((await accounts.clientToken(never))?.reveal()).toBe('client-1');
    await clock.advance(0);
    expect((await accounts.clientToken(never))?.reveal()).toBe('client-2');
  });

  it('are fetched once for many, and again after one was refused', async () => {
    clientTokenScript = [granted(1), granted(2)];
    const [first] = await Promise.all([accounts.clientToken(never), accounts.clientToken(never)]);
    expect(clientTokens).toHaveLength(1);
    if (first) accounts.dropClientToken(first);
    expect((await accounts.clientToken(never))?.reveal()).toBe('client-2');
  });

  it('need puzzles solved now and then, and cannot always be had', async () => {
    const puzzle: ClientTokenAnswer = { kind: 'challenges', state: 's', challenges: [{ kind: 'hashcash', prefix: '22007FB1B050E4801C50F2015A65643E', length: 6 }] };
    clientTokenScript = [puzzle, granted(1)];
    expect((await accounts.clientToken(never))?.reveal()).toBe('client-1');
    expect(clientTokens.map(({ kind }) => kind)).toEqual(['client', 'answers']);
    for (const script of [[puzzle], [{ kind: 'challenges', state: 's', challenges: [{ kind: 'other', type: 2 }] }], [400], [503]] as (ClientTokenAnswer | number)[][]) {
      accounts[Symbol.dispose]();
      sealed.clear();
      clientTokens = [];
      clientTokenScript = script;
      accounts = make();
      expect(await accounts.clientToken(never)).toBeNull();
      const asked = clientTokens.length;
      expect(await accounts.clientToken(never)).toBeNull();
      expect(clientTokens).toHaveLength(asked);
    }
  });

  it('that login5 refuses are replaced', async () => {
    loginScript = [401, grant(1)];
    clientTokenScript = [granted(1), granted(2)];
    accounts.start();
    accounts.use('somebody', credentials('stored'));
    for (let n = 0; n < 4; n++) await clock.advance(1000);
    expect(logins.map(({ clientToken }) => clientToken)).toEqual(['client-1', 'client-2']);
    expect(troubles).toEqual(['spotify/client-token-expired']);
  });
});
