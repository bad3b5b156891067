import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tonearm } from './program.ts';

let home: string;
let environment: Record<string, string>;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'tonearm-program-'));
  // On loopback, silent, beside whatever else runs here; and the cloud is nowhere.
  environment = {
    HOME: home,
    TONEARM_CONFIG_DISCOVERY_INTERFACES: '[lo]',
    TONEARM_CONFIG_ZONES_0_OUTPUT: '{ kind: "null" }',
    TONEARM_CONFIG_BROKER_PORT: '0',
    TONEARM_CONFIG_CLOUD_DIRECTORY: 'http://127.0.0.1:9',
  };
});
afterEach(() => rm(home, { recursive: true, force: true }));

const configuration = () => join(home, '.config/tonearm/configuration.yaml');
async function wrongStart(text: string, args: readonly string[] = []) {
  const path = join(home, 'wrong.yaml');
  await writeFile(path, text);
  await using program = tonearm(['--config', path, ...args], { environment: { HOME: home } });
  const code = await program.exit;
  expect(await readFile(path, 'utf8')).toBe(text);
  expect(await readdir(home)).toEqual(['wrong.yaml']);
  return { code, stderr: program.stderr.replaceAll(`${home}/`, ''), stdout: program.stdout };
}

describe('the program', () => {
  it('explains itself', async () => {
    await using help = tonearm(['--help'], { environment });
    expect(await help.exit).toBe(0);
    for (const word of ['--config', '--data', '--check', '--log-level', 'TONEARM_CONFIG_', '78', '69', '64']) expect(help.stdout).toContain(word);
    await using version = tonearm(['--version'], { environment });
    expect(await version.exit).toBe(0);
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(await readdir(home)).toEqual([]);
  });

  it.each([[['--confg', 'x']], [['start']], [['--log-level', 'loud']], [['--config']]])('answers %j with 64 and a hint', async (args) => {
    await using program = tonearm(args, { environment });
    expect(await program.exit).toBe(64);
    expect(program.stderr).toContain('--help');
  });

  it('starts without any configuration: makes one, says within a second what is reachable and what to do, stops cleanly', async () => {
    await using program = tonearm([], { environment });
    const { after } = await program.says(/Settings: .*configuration\.yaml \(made just now/);
    expect(program.stdout).toMatch(/“Tonearm” plays in silence/);
    expect(program.stdout).toMatch(/mqtt:\/\/127\.0\.0\.1:\d+/);
    expect(program.stdout).toMatch(/Next: /);
    // The goal is one second and the bench holds it; here other tests may have the processor.
    expect(after).toBeLessThan(4000);
    const file = await stat(configuration());
    expect(file.mode & 0o777).toBe(0o600);
    program.signal('SIGTERM');
    expect(await program.exit).toBe(0);
    expect(program.stderr).toBe('');

    const before = await readFile(configuration(), 'utf8');
    const identity = await readFile(join(home, '.local/share/tonearm/values/device-id%2Ftonearm.json'), 'utf8');
    await using second = tonearm([], { environment });
    await second.says(/Settings: .*configuration\.yaml\n/);
    second.signal('SIGINT');
    expect(await second.exit).toBe(0);
    expect(await readFile(configuration(), 'utf8')).toBe(before);
    expect(await readFile(join(home, '.local/share/tonearm/values/device-id%2Ftonearm.json'), 'utf8')).toBe(identity);
  });

  it('says everything as JSON when asked, the report too', async () => {
    await using program = tonearm([], { environment: { ...environment, TONEARM_CONFIG_LOG_FORMAT: 'json' } });
    await program.says(/Settings: /);
    program.signal('SIGTERM');
    expect(await program.exit).toBe(0);
    for (const line of program.stdout.trimEnd().split('\n')) expect(JSON.parse(line)).toMatchObject({ level: expect.any(String) as string, msg: expect.any(String) as string });
  });

  it('checks a configuration without starting or making anything', async () => {
    const path = join(home, 'fine.yaml');
    await writeFile(path, 'zones: [{ name: Küche }]\n');
    await using program = tonearm(['--config', path, '--check'], { environment: { HOME: home } });
    expect(await program.exit).toBe(0);
    expect(program.stdout).toContain('zone "Küche" (kueche)');
    expect(await readdir(home)).toEqual(['fine.yaml']);
  });

  it.each([['DE-BY', 0, ''], ['DE-BX', 78, 'DE-BW, DE-BY, DE-HB']])('knows whose holidays %s are', async (place, code, said) => {
    const path = join(home, 'free.yaml');
    await writeFile(path, `zones: [{ name: Kitchen }]\nholidays: { countries: [${place}] }\nalarms: [{ id: wake, time: "06:30" }]\n`);
    await using program = tonearm(['--config', path, '--check'], { environment: { HOME: home } });
    expect(await program.exit).toBe(code);
    expect(program.stderr).toContain(said);
  });

  it('names a preset nobody knows, with the nearest one, and starts all the same', async () => {
    const path = join(home, 'doubt.yaml');
    await writeFile(path, 'zones: [{ name: Kitchen }]\ndata: ./kept\npresets: [{ name: Morning, uri: "spotify:album:x" }]\nautomations:\n  - id: radio\n    then: [{ preset: Mornin }, { preset: News }]\n');
    await mkdir(join(home, 'kept/values'), { recursive: true });
    await writeFile(join(home, 'kept/values/presets.json'), '[{ "id": "news", "name": "News", "uri": "spotify:album:y" }]');
    await using program = tonearm(['--config', path, '--check'], { environment: { HOME: home } });
    expect(await program.exit).toBe(0);
    expect(program.stderr).toContain('doubt.yaml:6:22: automations[0].then[0].preset: the automation "radio" plays the preset "Mornin", which is not there now. Did you mean "Morning"?');
    expect(program.stderr).not.toContain('News');
    expect(program.stdout).toContain('can be used');
  });

  it.each([['start', []], ['check', ['--check']]] as const)('refuses a wrong configuration at %s with 78, place and hint, and touches nothing', async (_how, args) => {
    const { code, stderr } = await wrongStart('zones:\n  - name: Kitchen\n    outptu: auto\nmqtt: { url: 7 }\n', args);
    expect(code).toBe(78);
    expect(stderr).toContain('wrong.yaml:3:5: zones[0].outptu: there is no setting of this name. Did you mean "output"?');
    expect(stderr).toContain('wrong.yaml:4:14: mqtt.url:');
  });

  it('says that a file named on the command line is not there', async () => {
    await using program = tonearm(['--config', join(home, 'none.yaml')], { environment });
    expect(await program.exit).toBe(78);
    expect(program.stderr).toContain('config/file-missing');
    expect(await readdir(home)).toEqual([]);
  });

  it('does not run twice with one data folder', async () => {
    await using first = tonearm([], { environment });
    await first.says(/Settings: /);
    await using second = tonearm([], { environment });
    expect(await second.exit).toBe(69);
    expect(second.stderr).toContain(`process ${first.pid}`);
    expect(second.stderr).toContain('--data');
    await using third = tonearm(['--data', join(home, 'other')], { environment });
    await third.says(/Settings: /);
  });

  it('takes over after a crash', async () => {
    await using first = tonearm([], { environment });
    await first.says(/Settings: /);
    first.signal('SIGKILL');
    expect(await first.exit).toBe('SIGKILL');
    await using second = tonearm([], { environment });
    await second.says(/Settings: /);
  });

  it('ends with 69 when a port it was given is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await using program = tonearm([], { environment: { ...environment, TONEARM_CONFIG_ZONES_0_DISCOVERY_PORT: String(port) } });
    const code = await program.exit;
    server.close();
    expect(code).toBe(69);
    expect(program.stderr).toContain(String(port));
  });

  it('is gone at once when asked a second time', async () => {
    await using program = tonearm([], { environment });
    await program.says(/Settings: /);
    program.signal('SIGINT');
    program.signal('SIGINT');
    expect([0, 130]).toContain(await program.exit);
  });

  it('can be stopped while it starts', async () => {
    await using program = tonearm([], { environment });
    // As soon as the file is there the signal handlers are too.
    while (!(await stat(configuration()).catch(() => null))) await new Promise((resolve) => setTimeout(resolve, 5));
    program.signal('SIGTERM');
    expect(await program.exit).toBe(0);
    expect(await readdir(join(home, '.local/share/tonearm')).catch(() => [])).not.toContain('lock');
  });
});
