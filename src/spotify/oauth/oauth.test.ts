import { describe, expect, it } from 'vitest';
import { Secret } from '#foundation';
import type { HttpClient, HttpRequest, HttpResponse } from '../web/http-client.ts';
import { OAuth } from './oauth.ts';
import { challengeOf, makeProof } from './pkce.ts';
import { readRedirect } from './redirect.ts';

const signal = new AbortController().signal;

function client(answer: { status?: number; json?: unknown; text?: string; headers?: Record<string, string> }, asked: HttpRequest[] = []): OAuth {
  const http = {
    send: (request: HttpRequest): Promise<HttpResponse> => {
      asked.push(request);
      return Promise.resolve({ status: answer.status ?? 200, headers: answer.headers ?? {}, body: Buffer.from(answer.text ?? JSON.stringify(answer.json ?? {})) });
    },
    [Symbol.dispose]: () => undefined,
  } as unknown as HttpClient;
  return new OAuth({ http, url: 'https://accounts.example', clientId: 'client', scopes: ['streaming', 'other'] });
}

describe('PKCE', () => {
  it('is the example of RFC 7636, appendix B', () => {
    expect(challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
  });

  it('makes another proof each time, in the form that is asked for', () => {
    const [one, other] = [makeProof(), makeProof()];
    expect(one.verifier.reveal()).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(one.challenge).toBe(challengeOf(one.verifier.reveal()));
    expect(one.state.length).toBeGreaterThanOrEqual(22);
    expect([other.challenge, other.state]).not.toContain(one.challenge);
    expect(JSON.stringify(one)).not.toContain(one.verifier.reveal());
  });
});

describe('the address a browser ended at', () => {
  it.each([
    'http://127.0.0.1:5588/login?code=AQx_y-1&state=st',
    'http://127.0.0.1:5588/login?state=st&code=AQx_y-1',
    '127.0.0.1:5588/login?code=AQx_y-1&state=st',
    '?code=AQx_y-1&state=st',
    'code=AQx_y-1&state=st',
    '  "http://127.0.0.1:5588/login?code=AQx_y-1&state=st"  ',
    '<http://127.0.0.1:5588/login?code=AQx_y-1&state=st>',
    'http://127.0.0.1:5588/login?code=AQx_y-1\n&state=st',
    'http://127.0.0.1:5588/login?code=AQx_y-1&state=st#_=_',
  ])('%j', (pasted) => {
    expect(readRedirect(pasted, 'st')).toEqual({ kind: 'code', code: 'AQx_y-1' });
  });

  it.each([
    ['', 'accounts/not-the-address'],
    ['hello', 'accounts/not-the-address'],
    ['https://accounts.spotify.com/authorize?client_id=x&state=st', 'accounts/not-the-address'],
    ['http://127.0.0.1:5588/login?code=AQ', 'accounts/other-login'],
    ['http://127.0.0.1:5588/login?code=AQ&state=', 'accounts/other-login'],
    ['http://127.0.0.1:5588/login?code=AQ&state=sta', 'accounts/other-login'],
    ['http://127.0.0.1:5588/login?error=access_denied&state=x', 'accounts/other-login'],
    ['http://127.0.0.1:5588/login?error=server_error&state=st', 'accounts/login-refused'],
    ['http://127.0.0.1:5588/login?code=&state=st', 'accounts/login-refused'],
  ])('%j is not: %s', (pasted, code) => {
    expect(() => readRedirect(pasted, 'st')).toThrow(expect.objectContaining({ code }));
  });

  it('can be a no', () => {
    expect(readRedirect('http://127.0.0.1:5588/login?error=access_denied&state=st', 'st')).toEqual({ kind: 'denied' });
  });
});

describe('the accounts service', () => {
  it('is asked with a form, and nothing else', async () => {
    const asked: HttpRequest[] = [];
    const grant = await client({ json: { access_token: 'AT', token_type: 'Bearer', expires_in: 3600, refresh_token: 'RT', scope: 'streaming', username: 'ann' } }, asked).redeem(
      { code: 'c', redirect: 'http://127.0.0.1:5588/login', verifier: new Secret('v') },
      signal,
    );
    expect(grant).toMatchObject({ life: 3_600_000, username: 'ann', scopes: ['streaming'] });
    expect([grant.accessToken.reveal(), grant.refreshToken?.reveal()]).toEqual(['AT', 'RT']);
    expect(JSON.stringify(grant)).not.toMatch(/AT|RT/);
    expect(asked).toMatchObject([{ method: 'POST', origin: 'https://accounts.example', path: '/api/token', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }]);
    expect(Object.fromEntries(new URLSearchParams(Buffer.from(asked[0]?.body ?? []).toString()))).toEqual({ grant_type: 'authorization_code', code: 'c', redirect_uri: 'http://127.0.0.1:5588/login', client_id: 'client', code_verifier: 'v' });
  });

  it('gives a code, with what is missing filled in', async () => {
    expect(await client({ json: { device_code: 'D', user_code: 'ABCD-1234', verification_uri: 'spotify.com/pair' } }).startDevice(signal)).toMatchObject({
      userCode: 'ABCD-1234', address: 'https://spotify.com/pair', completeAddress: null, life: 600_000, interval: 5000,
    });
    const full = { device_code: 'D', user_code: 'ABCD1234', verification_uri: 'https://spotify.com/pair', verification_uri_complete: 'https://spotify.com/pair?code=ABCD1234', expires_in: 3599, interval: 2 };
    expect(await client({ json: full }).startDevice(signal)).toMatchObject({ completeAddress: 'https://spotify.com/pair?code=ABCD1234', life: 3_599_000, interval: 2000 });
  });

  it.each<[string, object]>([
    ['without a code', { user_code: 'A', verification_uri: 'https://x' }],
    ['with a code that moves the cursor', { device_code: 'D', user_code: 'A\u001b[2J', verification_uri: 'https://x' }],
    ['with an address that is none', { device_code: 'D', user_code: 'A', verification_uri: 'javascript:alert(1)' }],
    ['that is a list', []],
  ])('an answer %s is not believed', async (_what, json) => {
    await expect(client({ json }).startDevice(signal)).rejects.toMatchObject({ kind: 'corrupt', code: 'accounts/answer-unreadable' });
  });

  it.each([
    ['authorization_pending', 'pending'],
    ['slow_down', 'slower'],
    ['access_denied', 'denied'],
    ['expired_token', 'expired'],
  ])('%s is not an error but an answer', async (error, kind) => {
    expect(await client({ status: 400, json: { error } }).pollDevice(new Secret('D'), signal)).toEqual({ kind });
  });

  it.each<[number, unknown, string, string]>([
    [400, { error: 'invalid_grant', error_description: 'secret detail' }, 'unauthorized', 'accounts/grant-refused'],
    [400, { error: 'unauthorized_client' }, 'forbidden', 'accounts/not-for-this-app'],
    [401, { error: 'invalid_client' }, 'forbidden', 'accounts/not-for-this-app'],
    [400, { error: 'invalid_request' }, 'invalid', 'accounts/refused'],
    [429, {}, 'unavailable', 'accounts/refused'],
    [503, 'no json', 'unavailable', 'accounts/refused'],
  ])('%d %j is %s', async (status, json, kind, code) => {
    const error = await client({ status, json, headers: { 'retry-after': '7' } }).renew(new Secret('RT'), signal).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind, code });
    expect((error as Error).message).not.toMatch(/secret detail|RT/);
    if (kind === 'unavailable') expect(error).toMatchObject({ retryAfter: 7000 });
  });

  it.each(['', 'nonsense', '[]', 'null', '{"access_token":7}'])('%j is not a token', async (text) => {
    await expect(client({ text }).renew(new Secret('RT'), signal)).rejects.toMatchObject({ code: 'accounts/answer-unreadable' });
  });
});
