import http from 'node:http';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, silentLog, TonearmError } from '#foundation';
import { FakeAccounts } from '../../../test/contract/fake-accounts.ts';
import { login } from './index.ts';
import { LoginPageSettings } from './settings.ts';

let accounts: FakeAccounts;
let surface: AsyncDisposable;
let base: string;

const path = `/login/${'k'.repeat(22)}`;

beforeEach(async () => {
  accounts = new FakeAccounts();
  accounts.view = { ...accounts.view, method: 'browser', code: null, qr: null, address: 'https://accounts.example/authorize?a=1&b="<x>"' };
  const zones = [{ id: 'kitchen', name: 'Küche & <Bar>', player: {} as never }];
  surface = await login.open({ port: 0 }, { zones, host: { clock: new FakeClock(), log: silentLog } as never, accounts });
  base = accounts.pages ?? '';
});

afterEach(async () => {
  await surface[Symbol.asyncDispose]();
  expect(accounts.pages).toBeNull();
});

interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

function ask(where: string, { method = 'GET', headers = {}, body = '' }: { method?: string; headers?: Record<string, string>; body?: string } = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = http.request(`${base}${where}`, { method, headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': Buffer.byteLength(body), ...headers } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part)).on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

const form = (address: string) => new URLSearchParams({ address }).toString();

describe('the login page', () => {
  it('is on this machine only unless told otherwise', () => {
    expect(base).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(LoginPageSettings.parse({})).toEqual({ address: '127.0.0.1', port: 5589, hosts: [] });
  });

  it('shows the login to whoever has its key, and loads nothing from elsewhere', async () => {
    const { status, headers, text } = await ask(path);
    expect(status).toBe(200);
    expect(text).toContain('“Küche &#38; &#60;Bar&#62;”');
    expect(text).toContain('href="https://accounts.example/authorize?a=1&#38;b=&#34;&#60;x&#62;&#34;"');
    expect(text).not.toMatch(/<script|<img|<link|src=|@import|url\(/);
    expect(text).toMatch(/prefers-color-scheme:dark/);
    expect(text).toMatch(/width=device-width/);
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'same-origin', 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff' });
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/);
    expect(headers['access-control-allow-origin']).toBeUndefined();
    // The key is the whole secret: it is on no page.
    expect(text).not.toContain('k'.repeat(22));
  });

  it.each(['/', '/login', '/login/', `/login/${'x'.repeat(22)}`, `${path}x`, '/login/..%2f', '/favicon.ico'])('shows nothing at %s', async (where) => {
    const { status, text } = await ask(where);
    expect(status).toBe(404);
    expect(text).not.toContain('Küche');
    expect(text).toContain('tonearm login');
  });

  it('takes the address, and shows how it ended without sending the form twice', async () => {
    const { status, headers } = await ask(path, { method: 'POST', headers: { Origin: base }, body: form('http://127.0.0.1:5588/login?code=x&state=y') });
    expect([status, headers.location]).toEqual([303, path]);
    expect(accounts.asked).toEqual([['paste', '0a0b0c0d', 'http://127.0.0.1:5588/login?code=x&state=y']]);
    accounts.view = { ...accounts.view, status: 'done', account: 'listener' };
    const { text } = await ask(path);
    expect(text).toContain('You are logged in');
    expect(text).not.toContain('listener');
  });

  it('says what is wrong with an address, escaped, and asks again', async () => {
    accounts.error = new TonearmError({ kind: 'invalid', code: 'accounts/not-the-address', message: 'Not <that>.' });
    const { status, text } = await ask(path, { method: 'POST', body: form('<script>alert(1)</script>') });
    expect(status).toBe(400);
    expect(text).toContain('Not &#60;that&#62;.');
    expect(text).toContain('<form method="post">');
    expect(text).not.toContain('alert(1)');
  });

  it.each<[string, Record<string, string>]>([
    ['of another site', { Origin: 'https://evil.example' }],
    ['without a site', { Origin: 'null' }],
  ])('does nothing for a form %s', async (_what, headers) => {
    expect((await ask(path, { method: 'POST', headers, body: form('x') })).status).toBe(403);
    expect(accounts.asked).toEqual([]);
  });

  it.each(['evil.example', 'speaker.local.evil.example', '127.0.0.1.evil.example', 'a b'])('shows nothing under the foreign name %j', async (name) => {
    const { status, text } = await ask(path, { headers: { Host: name } });
    expect([400, 403]).toContain(status);
    expect(text).not.toContain('Küche');
  });

  it.each(['PUT', 'DELETE', 'OPTIONS'])('does not know %s', async (method) => {
    expect((await ask(path, { method })).status).toBe(405);
  });

  it('reads no more than an address is long', async () => {
    expect((await ask(path, { method: 'POST', body: form('x'.repeat(20_000)) })).status).toBe(413);
    expect(accounts.asked).toEqual([]);
  });

  it('shows a code with its picture, and follows by itself', async () => {
    accounts.view = { ...accounts.view, method: 'code', code: 'ABCD1234', address: 'https://spotify.com/pair?code=ABCD1234', qr: { text: '', svg: '<svg xmlns="http://www.w3.org/2000/svg"></svg>' } };
    const { text } = await ask(path);
    expect(text).toContain('ABCD1234');
    expect(text).toContain('<svg');
    expect(text).toContain('http-equiv="refresh"');
    accounts.view = { ...accounts.view, status: 'failed', error: { code: 'x', message: 'Too late.' } };
    expect((await ask(path)).text).toContain('Too late.');
  });

  it('survives nonsense on the socket', async () => {
    const socket = net.connect(Number(new URL(base).port), '127.0.0.1');
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    socket.write('\x00nonsense\r\n\r\n');
    await closed;
    expect((await ask(path)).status).toBe(200);
  });

  it('says which port is taken', async () => {
    const taken = login.open({ port: Number(new URL(base).port) }, { zones: [], host: { clock: new FakeClock(), log: silentLog } as never, accounts: new FakeAccounts() });
    await expect(taken).rejects.toMatchObject({ kind: 'conflict', code: 'login/port' });
  });
});
