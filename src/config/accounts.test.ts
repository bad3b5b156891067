import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from './load.ts';
import type { ConfigError } from './problem.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-config-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function load(text: string, environment: Record<string, string> = {}): Promise<Config> {
  const path = join(folder, 'configuration.yaml');
  await writeFile(path, text);
  return (await loadConfig({ path, environment, defaultData: folder })).config;
}

const problems = async (text: string) => load(text).then(() => [], (error: unknown) => (error as ConfigError).problems);

describe('a Spotify login in the settings', () => {
  it.each<[string, string]>([
    ['username: me', 'username'],
    ['password: hunter2hunter2', 'password'],
    ['zones: [{ name: Kitchen, password: hunter2hunter2 }]', 'zones[0].password'],
    ['zones: [{ name: Kitchen, username: me }]', 'zones[0].username'],
    ['accounts: { password: hunter2hunter2 }', 'accounts.password'],
    ['login: { password: hunter2hunter2 }', 'login.password'],
    ['spotify: { username: me, password: hunter2hunter2 }', 'spotify'],
  ])('%s is refused, with what to do instead', async (text, key) => {
    const [problem, ...more] = await problems(text);
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ key, message: expect.stringMatching(/July 2024.*tonearm login/) as string });
    expect(problem?.message).not.toContain('hunter2');
  });

  it.each(['token: x', 'spotify: { access_token: x }', 'accounts: { refreshToken: x }'])('%s: a token is refused as well', async (text) => {
    expect(await problems(text)).toMatchObject([{ message: expect.stringContaining('ends after an hour') as string }]);
  });

  it('is not what the broker takes', async () => {
    expect((await load('mqtt: { url: "mqtt://127.0.0.1", username: me, password: x }')).mqtt).toMatchObject({ username: 'me', password: expect.anything() as unknown });
    expect(await problems('broker: { passwort: x }')).toMatchObject([{ message: expect.stringContaining('no setting of this name') as string }]);
  });
});

describe('settings about accounts', () => {
  it('have defaults that change nothing, and no page', async () => {
    const config = await load('');
    expect(config.accounts).toEqual({ guests: 'last-wins', askFor: 60, owners: [], allow: [], deny: [], forgetAfter: 0 });
    expect([config.login, config.store]).toEqual([undefined, {}]);
  });

  it('are read, also from the environment, and the secret is shown nowhere', async () => {
    await writeFile(join(folder, 'secret'), 'a sentence of the owner\n');
    const config = await load('accounts: { guests: ask, owners: [ann, 5f0c11aa], forgetAfter: 24 }\nlogin: {}', { TONEARM_CONFIG_STORE_SECRET_FILE: join(folder, 'secret') });
    expect(config.accounts).toMatchObject({ guests: 'ask', owners: ['ann', '5f0c11aa'], forgetAfter: 24 });
    expect(config.login).toEqual({ address: '127.0.0.1', port: 5589, hosts: [] });
    expect(config.store.secret?.reveal()).toBe('a sentence of the owner');
    expect(JSON.stringify(config)).not.toContain('sentence');
  });

  it.each<[string, string]>([
    ['accounts: { guests: maybe }', 'accounts.guests'],
    ['accounts: { askFor: 1 }', 'accounts.askFor'],
    ['accounts: { forgetAfter: -1 }', 'accounts.forgetAfter'],
    ['accounts: { web: { clientId: short } }', 'accounts.web.clientId'],
    ['store: { secret: short }', 'store.secret'],
    ['login: { address: everywhere }', 'login.address'],
  ])('%s is refused by name', async (text, key) => {
    expect((await problems(text)).map((problem) => problem.key)).toEqual([key]);
  });
});
