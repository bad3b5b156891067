import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCloud } from '#simulator';
import { Program, repository } from './program.ts';

const run = promisify(execFile);
let clone: string;
let environment: Record<string, string>;

/** What a clone would hold once this work is committed: every file that is not ignored. */
async function listFiles(): Promise<string[] | null> {
  try {
    const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: repository, maxBuffer: 64 * 1024 * 1024 });
    return stdout.split('\0').filter((path) => path !== '');
  } catch {
    return null; // not a repository: an unpacked archive
  }
}
const files = await listFiles();

beforeAll(async () => {
  clone = await mkdtemp(join(tmpdir(), 'tonearm-clone-'));
  environment = {
    HOME: process.env['HOME'] ?? clone, // npm's cache, so that nothing is fetched twice
    npm_config_prefer_offline: 'true',
    XDG_CONFIG_HOME: join(clone, '.test/config'),
    XDG_DATA_HOME: join(clone, '.test/data'),
    TONEARM_CONFIG_DISCOVERY_INTERFACES: '[lo]',
    TONEARM_CONFIG_BROKER_PORT: '0',
    TONEARM_CONFIG_ZONES_0_OUTPUT: '{ kind: "null" }',
  };
  for (const path of files ?? []) {
    if (!(await stat(join(repository, path)).catch(() => null))) continue;
    await mkdir(dirname(join(clone, path)), { recursive: true });
    await cp(join(repository, path), join(clone, path));
  }
});
afterAll(() => rm(clone, { recursive: true, force: true }));

describe.skipIf(files === null)('a clean clone, with Node and npm only', () => {
  it('is ready after "npm start" alone: a phone finds it by mDNS and pairs; the second start is quick', { timeout: 240_000 }, async () => {
    await using cloud = await openCloud({});
    const phone = await cloud.openPhone({ name: 'Phone' });
    const name = `Clone ${randomBytes(4).toString('hex')}`;
    environment['TONEARM_CONFIG_ZONES_0_NAME'] = name;
    environment['TONEARM_CONFIG_CLOUD'] = JSON.stringify(cloud.endpoints);
    {
      await using first = new Program('npm', ['start'], { cwd: clone, environment });
      const limit = AbortSignal.timeout(200_000);
      const [{ url, txt }] = await Promise.all([phone.discover({ name, signal: limit }), first.says(/plays in silence[^]*Settings: /)]);
      expect(txt).toMatchObject({ VERSION: '1.0', CPath: expect.stringMatching(/^\//) as string });
      expect(await phone.pair(url, { signal: limit })).toMatchObject({ http: 200, isOk: true });
      await phone.until(({ device }) => Object.values(device).some((one) => one.name === name), limit);
      process.kill(-first.pid, 'SIGTERM');
      await first.exit;
    }

    await using second = new Program('npm', ['start'], { cwd: clone, environment });
    const { after } = await second.says(/Settings: /);
    expect(second.stderr).not.toMatch(/installing|building/);
    // The goal is 2 s on a machine that does nothing else.
    expect(after).toBeLessThan(6000);
    process.kill(-second.pid, 'SIGTERM');
    await second.exit;
  });

  it('checks itself with "npm test" alone', { timeout: 240_000 }, async () => {
    // One step of it: all of them would run this test inside itself.
    await using test = new Program('npm', ['test', '--', 'generated'], { cwd: clone, environment });
    expect(await test.exit).toBe(0);
    expect(test.stdout).toMatch(/1 passed · 0 failed/);
  });
});
