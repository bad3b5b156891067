import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCloud, type Cloud } from '#simulator';
import { until } from './house.ts';

const program = process.env['TONEARM_PROGRAM'] ?? fileURLToPath(new URL('../../dist/main.js', import.meta.url));

let folder: string;
let cloud: Cloud;
let running: { readonly stop: () => void; readonly exit: Promise<number | null> }[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-login-'));
  cloud = await openCloud({ users: [{ name: 'listener' }, { name: 'guest-of-the-house' }] });
  cloud.authorizations.deviceInterval = 0.2;
  running = [];
  await configure();
});

afterEach(async () => {
  for (const { stop } of running) stop();
  await Promise.all(running.map(({ exit }) => exit));
  await cloud[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function configure(more: object = {}): Promise<void> {
  const settings = { zones: [{ name: 'Kitchen', output: { kind: 'null' } }], discovery: { interfaces: ['lo'] }, broker: { enabled: false }, data: 'data', cloud: cloud.endpoints, ...more };
  await writeFile(join(folder, 'configuration.yaml'), JSON.stringify(settings));
}

function run(...words: readonly string[]) {
  const child = spawn(process.execPath, [program, ...words, '--config', join(folder, 'configuration.yaml')], { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const process_ = {
    exit,
    type: (line: string) => void child.stdin.write(`${line}\n`),
    stop: () => void child.kill('SIGTERM'),
    get output() {
      return output;
    },
  };
  running.push(process_);
  return process_;
}

async function daemon() {
  const started = run();
  await until('the daemon is ready', () => started.output.includes('is ready after'), 30_000);
  return started;
}

/** A command run to its end. */
async function done(...words: readonly string[]): Promise<{ code: number | null; output: string }> {
  const command = run(...words);
  return { code: await command.exit, output: command.output };
}

async function agree(command: { readonly output: string }, user: string): Promise<void> {
  const code = await until('the code is shown', () => /the code {3}(\S+)/.exec(command.output)?.[1]);
  expect(cloud.authorizations.approve(code, user)).toBe(true);
}

const speakerOf = (user: string) => cloud.connectState.of(cloud.accounts.get(user)).devices.size > 0;

describe('logging in from the command line', () => {
  it('with a code, in a browser and out again, while the daemon runs', async () => {
    await daemon();
    expect(((await stat(join(folder, 'data', 'control.sock'))).mode & 0o777).toString(8)).toBe('600');
    const login = run('login');
    await agree(login, 'listener');
    expect([await login.exit, login.output]).toEqual([0, expect.stringContaining('Logged in as listener.') as string]);
    await until('the speaker is in the list', () => speakerOf('listener'));

    const browser = run('login', '--browser', '--zone', 'kitchen');
    const address = await until('the link is shown', () => /^ {2}(http\S+\/authorize\S+)$/m.exec(browser.output)?.[1]);
    const end = await cloud.authorizations.browse(address, 'guest-of-the-house');
    browser.type('http://127.0.0.1:1/login?code=x&state=y');
    await until('the wrong address is turned down', () => browser.output.includes('accounts/') || browser.output.includes('another login'));
    browser.type(end);
    expect([await browser.exit, browser.output]).toEqual([0, expect.stringContaining('Logged in as guest-of-the-house.') as string]);
    await until('the speaker has moved', () => speakerOf('guest-of-the-house') && !speakerOf('listener'));

    expect((await done('accounts')).output).toMatch(/guest-of-the-house {2}\([0-9a-f]{8}\) {2}logged in[\s\S]*listener {2}\([0-9a-f]{8}\) {2}remembered/);
    expect(await done('use', 'listener')).toMatchObject({ code: 0 });
    await until('the speaker is back', () => speakerOf('listener'));
    expect(await done('rotate-key')).toMatchObject({ code: 0 });
    expect(await done('logout', '--all')).toEqual({ code: 0, output: 'Logged out and wiped: 2 logins.\n' });
    await until('the speaker is gone', () => !speakerOf('listener'));
    expect(await done('logout', 'nobody')).toMatchObject({ code: 1 });
    expect(await done('login', '--nonsense')).toMatchObject({ code: 64 });
    expect(cloud.refusals).toEqual([]);
  }, 120_000);

  it('while the daemon is stopped; it finds the login when it starts, and nothing secret is to be read anywhere', async () => {
    const login = run('login');
    await agree(login, 'listener');
    expect([await login.exit, login.output]).toEqual([0, expect.stringContaining('Start Tonearm') as string]);
    expect(speakerOf('listener')).toBe(false);
    expect(await done('rotate-key')).toMatchObject({ code: 0 });
    const started = await daemon();
    await until('the speaker is in the list', () => speakerOf('listener'));
    const said = started.output + login.output;
    const secrets = [...cloud.accounts.secrets, ...cloud.authorizations.secrets];
    expect(secrets.filter((secret) => said.includes(secret))).toEqual([]);
    for (const entry of await readdir(join(folder, 'data'), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      // The daemon runs: what it was just writing beside a file may be in its place already.
      const bytes = await readFile(join(entry.parentPath, entry.name)).catch((error: unknown) => ((error as NodeJS.ErrnoException).code === 'ENOENT' ? Buffer.alloc(0) : Promise.reject(error as Error)));
      expect(secrets.filter((secret) => bytes.includes(secret) || bytes.includes(Buffer.from(secret, 'base64')))).toEqual([]);
    }
    expect(cloud.refusals).toEqual([]);
  });

  it('is what a password in the settings is answered with: exit code 78, and nothing was asked of Spotify', async () => {
    await configure({ username: 'listener', password: 'hunter2hunter2' });
    const { code, output } = await done();
    expect(code).toBe(78);
    expect(output).toMatch(/password: Spotify no longer takes user name and password.*tonearm login/);
    expect(output).not.toContain('hunter2');
    expect(cloud.journal.entries).toEqual([]);
  });
});
