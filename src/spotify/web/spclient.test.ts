import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, Secret, silentLog, TonearmError } from '#foundation';
import type { HttpClient, HttpRequest, HttpResponse } from './http-client.ts';
import { ServerClock } from './server-clock.ts';
import { expectOk, Spclient, type RetryPolicy } from './spclient.ts';

type Reply = number | TonearmError | { readonly status: number; readonly headers: Record<string, string> };

const unreachable = new TonearmError({ kind: 'unavailable', code: 'spotify/no-connection', message: 'away' });

let clock: FakeClock;
let script: Reply[];
let sent: { at: number; origin: string; token: string | undefined; clientToken: string | undefined; request: HttpRequest }[];
let renewals: number;
let hosts: string[];
let clientToken: Secret<string> | null;
let spclient: Spclient;

beforeEach(() => {
  clock = new FakeClock();
  script = [];
  sent = [];
  renewals = 0;
  hosts = ['one:443', 'two:443'];
  clientToken = new Secret('client');
  const http = {
    send: (request: HttpRequest): Promise<HttpResponse> => {
      const { origin, headers = {} } = request;
      sent.push({ at: clock.monotonic(), origin, token: headers['Authorization'], clientToken: headers['Client-Token'], request });
      const reply = script.shift() ?? 200;
      if (reply instanceof TonearmError) return Promise.reject(reply);
      const { status, headers: answered } = typeof reply === 'number' ? { status: reply, headers: {} } : reply;
      return Promise.resolve({ status, headers: answered, body: Buffer.alloc(0) });
    },
  };
  let token = new Secret('token-0');
  spclient = new Spclient({
    http: http as unknown as HttpClient,
    directory: {
      current: () => Promise.resolve(hosts[0] ?? ''),
      failed: (_service, address) => {
        if (hosts[0] === address) hosts.push(hosts.shift() ?? '');
      },
    },
    authority: {
      accessToken: () => Promise.resolve(token),
      renew: (refused) => {
        if (refused === token) token = new Secret(`token-${++renewals}`);
        return Promise.resolve();
      },
      clientToken: () => Promise.resolve(clientToken),
      dropClientToken: (refused) => {
        if (refused === clientToken) clientToken = new Secret('client-2');
      },
    },
    serverClock: new ServerClock(clock),
    clock,
    log: silentLog,
    random: () => 0.5,
  });
});

/** Sends and lets time pass until it is settled. */
async function send(policy?: RetryPolicy, headers?: Record<string, string>): Promise<HttpResponse | TonearmError> {
  let result: HttpResponse | TonearmError | undefined;
  const signal = new AbortController().signal;
  spclient.send({ method: 'PUT', path: '/x', body: Buffer.from('b'), ...(policy && { policy }), ...(headers && { headers }) }, signal).then(
    (answer) => (result = answer),
    (error: unknown) => (result = error as TonearmError),
  );
  for (let n = 0; n < 400 && !result; n++) await clock.advance(500);
  if (!result) throw new Error('not settled');
  return result;
}

describe('Spclient', () => {
  it('carries who we are and what the body is', async () => {
    await send(undefined, { 'X-Spotify-Connection-Id': 'id' });
    expect(sent[0]).toMatchObject({ origin: 'https://one:443', token: 'Bearer token-0', clientToken: 'client' });
    expect(sent[0]?.request.headers).toMatchObject({ 'Content-Type': 'application/x-protobuf', 'X-Spotify-Connection-Id': 'id' });
  });

  it('leaves the client token out when there is none', async () => {
    clientToken = null;
    await send();
    expect(sent[0]?.request.headers).not.toHaveProperty('Client-Token');
  });

  it('tries transient failures again with growing pauses, on another host after two', async () => {
    script = [503, unreachable, 502, 200];
    expect(await send()).toMatchObject({ status: 200 });
    expect(sent.map(({ at, origin }) => [at, origin])).toEqual([
      [0, 'https://one:443'],
      [500, 'https://one:443'],
      [1500, 'https://two:443'],
      [3500, 'https://one:443'],
    ]);
  });

  it('moves on from a host at once when it went wrong before', async () => {
    script = [503];
    await send({ pauses: [], throttles: 0, longestThrottle: 0, time: 1000, isAgain: true });
    expect(hosts).toEqual(['two:443', 'one:443']);
  });

  it('gives up with the last failure', async () => {
    script = [500, 500, 500, 504];
    expect(await send()).toMatchObject({ kind: 'unavailable', code: 'spotify/server-error' });
    expect(sent).toHaveLength(4);
  });

  it('renews the token once', async () => {
    script = [401, 200];
    expect(await send()).toMatchObject({ status: 200 });
    expect(sent.map(({ token }) => token)).toEqual(['Bearer token-0', 'Bearer token-1']);
  });

  it('takes the client token for the culprit when a new access token does not help, and then gives up', async () => {
    script = [401, 401, 200];
    expect(await send()).toMatchObject({ status: 200 });
    expect(sent.map(({ token, clientToken: client }) => [token, client])).toEqual([
      ['Bearer token-0', 'client'],
      ['Bearer token-1', 'client'],
      ['Bearer token-1', 'client-2'],
    ]);
    script = [401, 401, 401, 200];
    expect(await send()).toMatchObject({ kind: 'unavailable', code: 'spotify/token-refused' });
    expect(sent).toHaveLength(6);
    expect(renewals).toBe(2);
  });

  it('waits a throttle out, but not for ever and not longer than allowed', async () => {
    script = [{ status: 429, headers: { 'retry-after': '7' } }, 200];
    expect(await send()).toMatchObject({ status: 200 });
    expect(sent.map(({ at }) => at)).toEqual([0, 7000]);
    script = [429, 429, 429];
    expect(await send()).toMatchObject({ code: 'spotify/rate-limited', retryAfter: 10_000 });
    expect(sent).toHaveLength(5);
    script = [{ status: 429, headers: { 'retry-after': '61' } }];
    expect(await send()).toMatchObject({ code: 'spotify/rate-limited', retryAfter: 61_000 });
    expect(sent).toHaveLength(6);
  });

  it.each([400, 403, 404, 409, 413, 422, 204, 302])('hands %s back untried', async (status) => {
    script = [status];
    expect(await send()).toMatchObject({ status });
    expect(sent).toHaveLength(1);
  });

  it('does not retry what is not transient', async () => {
    script = [new TonearmError({ kind: 'corrupt', code: 'spotify/answer-too-large', message: 'big' })];
    expect(await send()).toMatchObject({ code: 'spotify/answer-too-large' });
    expect(sent).toHaveLength(1);
  });

  it('stops at once when aborted during a pause', async () => {
    script = [500];
    const abort = new AbortController();
    const result = expect(spclient.send({ method: 'GET', path: '/' }, abort.signal)).rejects.toThrow('enough');
    await clock.advance(100);
    abort.abort(new Error('enough'));
    await result;
    expect(clock.pending).toBe(0);
  });

  it('never lets more than 300 requests out in half a minute', async () => {
    const signal = new AbortController().signal;
    const all = Promise.all(Array.from({ length: 350 }, () => spclient.send({ method: 'GET', path: '/' }, signal)));
    await clock.advance(0);
    expect(sent).toHaveLength(300);
    await clock.advance(5000);
    await all;
    expect(sent.at(-1)?.at).toBe(5000);
  });
});

describe('expectOk', () => {
  it.each([
    [403, 'forbidden', 'spotify/not-allowed'],
    [404, 'not-found', 'spotify/not-found'],
    [410, 'invalid', 'spotify/request-refused'],
    [501, 'unavailable', 'spotify/request-refused'],
  ])('%s', (status, kind, code) => {
    const answer = { status, headers: {}, body: Buffer.alloc(0) };
    expect(() => expectOk(answer, 'cannot do it')).toThrow(expect.objectContaining({ kind, code }));
  });
});
