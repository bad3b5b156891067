import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadConfig, openControl } from '#config';
import { FakeClock, silentLog, type LogLevel } from '#foundation';
import { keptValue, openHost, openStore } from '#host';
import { restore } from './restore.ts';
import { unpackBackup } from './unpack.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'tonearm-restore-'))));
afterEach(() => rm(folder, { recursive: true }));

const written = 'zones: [{ name: Kitchen }]\nmqtt: { url: "mqtt://192.0.2.1", password: planted }\nautomations: [{ id: tea, zone: kitchen, then: [{ volume: 3 }] }]\n';

/** A backup of another house. */
async function madeElsewhere(text = written): Promise<Uint8Array> {
  const old = join(folder, 'old');
  await mkdir(old);
  const source = { path: join(old, 'configuration.yaml'), environment: {}, defaultData: join(old, 'data') };
  await writeFile(source.path, text);
  const store = await openStore(source.defaultData, silentLog);
  for (const [name, value] of Object.entries({ 'instance-id': 'abcdef12', 'device-id/kitchen': 'a'.repeat(40), presets: [{ id: 'jazz', name: 'Jazz', uri: 'spotify:album:1' }], 'api-keys': ['planted'] })) await store.write(name, value);
  const log = { ...silentLog, level: 'info' as LogLevel };
  const control = openControl({ source, loaded: await loadConfig(source), clock: new FakeClock(), log, write: () => Promise.reject(new Error('No.')), restart: () => undefined, keep: () => Promise.resolve(), store, version: '1.2.3' });
  const { zip } = await control.backup();
  await control[Symbol.asyncDispose]();
  return zip;
}

async function run(zip: Uint8Array, more: readonly string[] = [], path = join(folder, 'new', 'etc', 'configuration.yaml')) {
  const file = join(folder, 'backup.zip');
  await writeFile(file, zip);
  const said: string[] = [];
  const source = { path, environment: {}, defaultData: join(folder, 'new', 'data') };
  await restore([file, ...more], { source, version: '1.2.3', say: (text) => said.push(text), write: () => undefined });
  return { source, said: said.join('\n'), config: (await loadConfig(source)).config };
}

const isUntouched = async () => !(await readdir(folder)).includes('new');

const without = (parts: Record<string, Uint8Array>, name: string) => Object.fromEntries(Object.entries(parts).filter(([key]) => key !== name));

it('puts configuration, presets and identity in their places, and says what is next', async () => {
  const { source, said, config } = await run(await madeElsewhere());
  expect(config).toMatchObject({ zones: [{ id: 'kitchen' }], automations: { automations: [{ id: 'tea' }] }, mqtt: { url: 'mqtt://192.0.2.1' } });
  expect(await keptValue(source.defaultData, 'presets')).toEqual([{ id: 'jazz', name: 'Jazz', uri: 'spotify:album:1' }]);
  expect(await keptValue(source.defaultData, 'device-id%2Fkitchen')).toBe('a'.repeat(40));
  expect(await keptValue(source.defaultData, 'instance-id')).toBe('abcdef12');
  expect(await readdir(source.defaultData)).not.toContain('lock');
  expect(said).toContain('\n  mqtt.password\n');
  expect(said).toContain('host/duplicate-identity');
  expect(said).toContain('tonearm login');
});

it('overwrites nothing unless told to, and then keeps the configuration that was there', async () => {
  const zip = await madeElsewhere();
  await mkdir(join(folder, 'new', 'etc'), { recursive: true });
  await writeFile(join(folder, 'new', 'real.yaml'), 'zones: [{ name: Mine }]\n');
  await symlink('../real.yaml', join(folder, 'new', 'etc', 'configuration.yaml'));
  await expect(run(zip)).rejects.toMatchObject({ code: 'command/would-overwrite' });
  const { said, config } = await run(zip, ['--force']);
  expect(config.zones).toMatchObject([{ id: 'kitchen' }]);
  expect(said).toContain('real.yaml.before-restore');
  expect(await readFile(join(folder, 'new', 'real.yaml.before-restore'), 'utf8')).toBe('zones: [{ name: Mine }]\n');
  await rm(join(folder, 'new', 'etc'), { recursive: true });
  await expect(run(zip)).rejects.toMatchObject({ code: 'command/would-overwrite', message: expect.stringContaining('values') as string });
});

/** A house that is there already. */
async function settle(text = 'zones: [{ name: Mine }]\n', values: Readonly<Record<string, unknown>> = {}): Promise<{ readonly path: string; readonly data: string }> {
  const path = join(folder, 'new', 'etc', 'configuration.yaml');
  const data = join(folder, 'new', 'data');
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
  const store = await openStore(data, silentLog);
  for (const [name, value] of Object.entries(values)) await store.write(name, value);
  return { path, data };
}

it('never loses the configuration that was there first, however often it is run', async () => {
  const zip = await madeElsewhere();
  const { path } = await settle('zones: [{ name: Mine }]\nmqtt: { url: "mqtt://192.0.2.9", password: original }\n');
  const first = await readFile(path, 'utf8');
  await run(zip, ['--force']);
  const restored = await readFile(path, 'utf8');
  const { said } = await run(zip, ['--force']);
  expect(said).not.toContain('before-restore');
  expect((await readdir(join(path, '..'))).sort()).toEqual(['configuration.yaml', 'configuration.yaml.before-restore']);
  await writeFile(path, `${restored}# filled in\n`);
  expect((await run(zip, ['--force'])).said).toContain('configuration.yaml.before-restore-2');
  expect(await readFile(`${path}.before-restore`, 'utf8')).toBe(first);
  expect(await readFile(`${path}.before-restore-2`, 'utf8')).toContain('# filled in');
});

it('leaves nothing of another house, but logins and keys', async () => {
  const zip = await madeElsewhere();
  const { data } = await settle(undefined, { presets: [{ id: 'mine' }], 'volume-mine': 3, 'device-id/mine': 'b'.repeat(40), 'api-keys': ['mine'] });
  await run(zip, ['--force']);
  expect((await readdir(join(data, 'values'))).sort()).toEqual(['api-keys.json', 'device-id%2Fkitchen.json', 'instance-id.json', 'presets.json']);
  expect(await keptValue(data, 'api-keys')).toEqual(['mine']);
});

it('keeps who may read the configuration, and says who may read a new one', async () => {
  const zip = await madeElsewhere();
  const { path } = await settle();
  await chmod(path, 0o644);
  expect((await run(zip, ['--force'])).said).not.toContain('may read');
  expect((await stat(path)).mode & 0o777).toBe(0o644);
  await rm(join(folder, 'new'), { recursive: true });
  expect((await run(zip)).said).toContain(`Only the user who ran this may read ${path}.`);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

it.runIf(process.getuid?.() === 0)('run by root, leaves all to the user they belonged to', async () => {
  const zip = await madeElsewhere();
  const { path, data } = await settle();
  for (const one of [path, data]) await chown(one, 65_534, 65_533);
  await run(zip, ['--force']);
  for (const one of [path, ...(await readdir(data, { recursive: true })).map((name) => join(data, name))]) expect(await stat(one), one).toMatchObject({ uid: 65_534, gid: 65_533 });
});

it('changes nothing where the configuration cannot be put', async () => {
  const zip = await madeElsewhere();
  const file = join(folder, 'file');
  await writeFile(file, '');
  for (const path of [join(file, 'configuration.yaml'), join(file, 'etc', 'configuration.yaml')]) {
    await expect(run(zip, [], path)).rejects.toMatchObject({ code: 'command/restore-failed', message: `The configuration cannot be written to ${path} (ENOTDIR). Correct that, or name another place with --config. Nothing was changed.` });
  }
  await mkdir(join(folder, 'etc'));
  await expect(run(zip, ['--force'], join(folder, 'etc'))).rejects.toMatchObject({ code: 'command/restore-failed', message: expect.stringContaining('EISDIR') as string });
  expect(await isUntouched()).toBe(true);
});

// Nothing is forbidden to root.
it.skipIf(process.getuid?.() === 0)('changes nothing where the folder may not be written', async () => {
  const zip = await madeElsewhere();
  const { path, data } = await settle();
  await rm(data, { recursive: true });
  await chmod(join(path, '..'), 0o555);
  for (const one of [path, join(path, '..', 'sub', 'configuration.yaml')]) await expect(run(zip, ['--force'], one)).rejects.toMatchObject({ code: 'command/restore-failed', message: expect.stringContaining('(EACCES). Correct that, or') as string });
  await chmod(join(path, '..'), 0o755);
  expect(await readdir(join(folder, 'new'))).toEqual(['etc']);
});

it('says how to go on when it ends halfway', async () => {
  // Its temporary file has too long a name.
  const path = join(folder, 'new', 'c'.repeat(250));
  await expect(run(await madeElsewhere(), [], path)).rejects.toMatchObject({ code: 'command/restore-failed', message: expect.stringMatching(/^Not all .*\(ENAMETOOLONG\)\. .* again, with --force\.$/) as string });
  expect(await readdir(join(folder, 'new', 'data'))).not.toContain('lock');
});

it('does nothing while a Tonearm runs with that folder', async () => {
  const zip = await madeElsewhere();
  const data = join(folder, 'other');
  const host = await openHost({ data, log: { level: 'error', format: 'text' }, discovery: { interfaces: [], exclude: [], responder: 'own' } }, { version: '1', write: () => undefined });
  await expect(run(zip, ['--force', '--data', data])).rejects.toMatchObject({ code: 'host/already-running' });
  expect(await isUntouched()).toBe(true);
  await host[Symbol.asyncDispose]();
});

it('checks the configuration before anything is written', async () => {
  const parts = unzipSync(await madeElsewhere());
  // A name in secrets.yaml that is not there yet.
  const text = 'zones: [{ name: !secret room }]\n';
  const manifest = JSON.parse(Buffer.from(parts['manifest.json'] ?? []).toString()) as { readonly files: Record<string, string> };
  manifest.files['configuration.yaml'] = createHash('sha256').update(text).digest('hex');
  await expect(run(zipSync({ ...parts, 'configuration.yaml': Buffer.from(text), 'manifest.json': Buffer.from(JSON.stringify(manifest)) }))).rejects.toMatchObject({ code: 'config/invalid', message: expect.stringContaining('  configuration.yaml in the backup:1:25: zones[0].name: the secret "room" is not in secrets.yaml') as string });
  expect(await isUntouched()).toBe(true);
});

it.each<[string, (parts: Record<string, Uint8Array>) => Uint8Array, string]>([
  ['a name that leads elsewhere', (parts) => zipSync({ ...parts, '../../evil': Buffer.from('x') }), '../../evil'],
  ['an absolute name', (parts) => zipSync({ ...parts, '/etc/evil': Buffer.from('x') }), '/etc/evil'],
  ['a value with a path in its name', (parts) => zipSync({ ...parts, 'values/..%2F..%2Fevil.json': Buffer.from('1') }), 'values/..%2F'],
  ['keys for the API', (parts) => zipSync({ ...parts, 'values/api-keys.json': Buffer.from('[]') }), 'api-keys'],
  ['a login', (parts) => zipSync({ ...parts, 'sealed/x.bin': Buffer.from('1') }), 'sealed'],
  ['a changed part', (parts) => zipSync({ ...parts, 'configuration.yaml': Buffer.from('zones: []') }), 'is damaged'],
  ['a missing part', (parts) => zipSync(without(parts, 'values/presets.json')), 'is missing'],
  ['no manifest', (parts) => zipSync(without(parts, 'manifest.json')), 'no manifest'],
  ['a form of later days', (parts) => zipSync({ ...parts, 'manifest.json': Buffer.from('{"form":2}') }), 'no manifest'],
  ['a bomb', (parts) => zipSync({ ...parts, 'README.txt': new Uint8Array(5 * 1024 * 1024) }), 'far too large'],
  ['something else', () => Buffer.from('This is no archive.'), 'cannot be unpacked'],
  ['half of it', (parts) => zipSync(parts).subarray(0, 200), 'cannot be unpacked'],
  ['too much', () => new Uint8Array(600 * 1024), 'larger than any'],
])('refuses %s', async (_, change, why) => {
  const zip = await madeElsewhere();
  await expect(run(change(unzipSync(zip)))).rejects.toMatchObject({ code: 'command/bad-backup', message: expect.stringContaining(why) as string });
  expect(await isUntouched()).toBe(true);
});

it('counts what is not compressed by its packed size', async () => {
  const zip = Buffer.from(zipSync({ ...unzipSync(await madeElsewhere()), 'README.txt': [new Uint8Array(5 * 1024 * 1024), { level: 0 }] }));
  const entry = zip.lastIndexOf('README.txt') - 46;
  expect(zip.readUInt32LE(entry)).toBe(0x02014b50);
  zip.writeUInt32LE(0, entry + 24);
  expect(() => unpackBackup(zip)).toThrow('far too large');
});

it('says how it is used', async () => {
  const world = { source: { path: '/none', environment: {}, defaultData: '/none' }, version: '1', say: () => undefined, write: () => undefined };
  for (const argv of [[], ['a', 'b'], ['a', '--wipe']]) await expect(restore(argv, world)).rejects.toMatchObject({ code: 'command/wrong-usage', message: expect.stringContaining('Usage: tonearm restore FILE.zip') as string });
  await expect(restore([join(folder, 'none.zip')], world)).rejects.toMatchObject({ code: 'command/bad-backup' });
});
