import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '#config';
import { Program, repository } from './program.ts';

const run = promisify(execFile);
const read = (path: string) => readFile(join(repository, path), 'utf8');

describe('the Homebridge plugin', () => {
  async function load(configuration: object) {
    const folder = await mkdtemp(join(tmpdir(), 'tonearm-homebridge-'));
    try {
      await using host = new Program(process.execPath, [join(repository, 'test/package/homebridge-host.mjs'), folder, JSON.stringify(configuration)], { environment: { HOME: folder } });
      expect(await host.exit, host.stdout + host.stderr).toBe(0);
      expect(await readdir(folder)).toEqual([]);
      return JSON.parse(host.stdout.trimEnd().split('\n').at(-1) ?? '') as { homebridge: string; dynamic: boolean; registered: unknown[]; said: string[] };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  it('loads in Homebridge 1 with an empty configuration, says one line and does nothing', async () => {
    const { homebridge, dynamic, registered, said } = await load({});
    expect(homebridge).toMatch(/^1\./);
    expect(dynamic).toBe(true);
    expect(registered).toEqual([]);
    expect(said).toEqual([expect.stringContaining('Not configured yet')]);
  });

  it('names what it cannot use, and still does nothing', async () => {
    const { registered, said } = await load({ servers: [{ url: 'nonsense' }] });
    expect(registered).toEqual([]);
    expect(said).toEqual([expect.stringMatching(/servers\[0\]\.url is "nonsense"/), expect.stringContaining('Not configured yet')]);
  });

  it('shows nothing before it has reached a Tonearm', async () => {
    const { registered } = await load({ servers: [{ url: 'http://127.0.0.1:9', key: 'key' }] });
    expect(registered).toEqual([]);
  });

  it('is what Homebridge asks of a plugin', async () => {
    const manifest = JSON.parse(await read('homebridge-plugin/package.json')) as { keywords: string[]; engines: Record<string, string>; dependencies?: object };
    expect(manifest.keywords).toContain('homebridge-plugin');
    expect(manifest.engines['homebridge']).toBe('^1.8.0 || ^2.0.0');
    expect(manifest.dependencies).toBeUndefined();
    expect(JSON.parse(await read('homebridge-plugin/config.schema.json'))).toMatchObject({ pluginAlias: 'Tonearm', pluginType: 'platform', singular: true });
  });
});

describe('the Home Assistant app', () => {
  it('has what the Supervisor requires, and options for each of its schema', async () => {
    const app = parse(await read('addon/config.yaml')) as Record<string, unknown> & { schema: Record<string, unknown> };
    for (const key of ['name', 'version', 'slug', 'description', 'arch']) expect(app).toHaveProperty(key);
    expect(app).toMatchObject({ init: false, host_network: true, audio: true, services: ['mqtt:want'] });
    const words = parse(await read('addon/translations/en.yaml')) as { configuration: Record<string, unknown> };
    expect(Object.keys(words.configuration).sort()).toEqual(Object.keys(app.schema).sort());
    expect(parse(await read('repository.yaml'))).toHaveProperty('name');
  });

  it('is the only config.yaml the Supervisor finds', async () => {
    const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: repository }).catch(() => ({ stdout: 'addon/config.yaml' }));
    expect(stdout.split('\n').filter((path) => /(^|\/)config\.(ya?ml|json)$/.test(path))).toEqual(['addon/config.yaml']);
  });

  it('starts Tonearm with variables that are settings', async () => {
    for (const script of ['run', 'finish']) await run('bash', ['-n', join(repository, 'addon/rootfs/etc/s6-overlay/s6-rc.d/tonearm', script)]);
    const names = new Set((await read('addon/rootfs/etc/s6-overlay/s6-rc.d/tonearm/run')).match(/TONEARM_CONFIG_[A-Z0-9_]+/g));
    expect(names.size).toBeGreaterThan(5);
    const values: Record<string, string> = { TONEARM_CONFIG_MQTT_URL: 'mqtt://192.0.2.1', TONEARM_CONFIG_LOG_LEVEL: 'debug', TONEARM_CONFIG_BROKER_ENABLED: 'false' };
    const folder = await mkdtemp(join(tmpdir(), 'tonearm-app-'));
    try {
      const path = join(folder, 'configuration.yaml');
      await run('touch', [path]);
      const environment = Object.fromEntries([...names].map((name) => [name, values[name] ?? 'word']));
      const { config } = await loadConfig({ path, environment, defaultData: '/data' });
      expect(config).toMatchObject({ zones: [{ name: 'word' }], mqtt: { url: 'mqtt://192.0.2.1', username: 'word' }, log: { level: 'debug' }, broker: { enabled: false } });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
