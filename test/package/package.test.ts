import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Program, repository } from './program.ts';

const run = promisify(execFile);
let folder: string;
let files: string[];
let tarball: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-package-'));
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: repository });
  const packed = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[] | Record<string, { filename: string; files: { path: string }[] }>;
  const [first] = Object.values(packed);
  files = first?.files.map(({ path }) => path) ?? [];
  tarball = join(folder, first?.filename ?? '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the npm package', () => {
  it('holds the bundle and its papers, and nothing of the workshop', () => {
    for (const path of ['dist/main.js', 'dist/licences.txt', 'config.schema.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'package.json', 'addon/custom_components/tonearm/manifest.json', 'addon/custom_components/tonearm/translations/en.json']) expect(files).toContain(path);
    // Beside the integration npm takes the papers of its folder.
    const isApp = (path: string) => /^addon\/(custom_components\/tonearm\/|[A-Z]+\.md$)/.test(path);
    expect(files.filter((path) => /^(src|test|scripts|docs|proto|addon|homebridge-plugin|\.)/.test(path) && !isApp(path))).toEqual([]);
    expect(files.filter((path) => /secret|\.env|\.pem$/.test(path))).toEqual([]);
  });

  it('is installed into an empty folder and starts from there', async () => {
    const place = join(folder, 'empty');
    await mkdir(place);
    await writeFile(join(place, 'package.json'), '{"private":true}');
    await run('npm', ['install', tarball, '--omit=dev', '--omit=optional', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: place });
    const { version } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as { version: string };
    const command = join(place, 'node_modules/.bin/tonearm');
    await using asked = new Program(command, ['--version'], { cwd: place });
    expect(await asked.exit).toBe(0);
    expect(asked.stdout).toBe(`${version}\n`);

    const environment = { HOME: join(folder, 'home'), TONEARM_CONFIG_DISCOVERY_INTERFACES: '[lo]', TONEARM_CONFIG_BROKER_PORT: '0', TONEARM_CONFIG_ZONES_0_OUTPUT: '{ kind: "null" }' };
    await using started = new Program(command, [], { cwd: place, environment });
    await started.says(/Settings: /);
    started.signal('SIGTERM');
    expect(await started.exit).toBe(0);
    expect(started.stderr).toBe('');
    // Nothing was written beside the program.
    expect((await readdir(place)).sort()).toEqual(['node_modules', 'package-lock.json', 'package.json']);
  });
});
