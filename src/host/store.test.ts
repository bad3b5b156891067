import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog, type Log } from '#foundation';
import { deviceIdentity } from './identity.ts';
import { openStore } from './store.ts';

let folder: string;
let warnings: string[];
let log: Log;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-store-'));
  warnings = [];
  log = { ...silentLog, warn: (message) => void warnings.push(message) };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
const open = (path = join(folder, 'data')) => openStore(path, log);

describe('the store', () => {
  it('keeps values across openings', async () => {
    await (await open()).write('volume/kitchen', { level: 0.4 });
    expect(await (await open()).read('volume/kitchen')).toEqual({ level: 0.4 });
    expect(await (await open()).read('never')).toBeNull();
  });

  it('forgets what is removed, and removing nothing is fine', async () => {
    const store = await open();
    await store.write('a', 1);
    await store.remove('a');
    await store.remove('a');
    expect(await store.read('a')).toBeNull();
  });

  it.each(['../../etc/passwd', '..', '.', 'a/b', 'ä ö', 'a\0b', 'CON'])('keeps the name %j inside its folder', async (name) => {
    const store = await open();
    await store.write(name, 7);
    expect(await store.read(name)).toBe(7);
    expect(await readdir(folder)).toEqual(['data']);
    expect(await readdir(join(folder, 'data', 'values'))).toHaveLength(1);
  });

  it('is private: folders 0700, files 0600', async () => {
    const store = await open();
    await store.write('a', 1);
    await store.sealed.write('a', 1);
    for (const path of ['', 'values', 'sealed']) expect(await modeOf(join(folder, 'data', path))).toBe('700');
    for (const path of ['key', 'values/a.json', 'sealed/a.bin']) expect(await modeOf(join(folder, 'data', path))).toBe('600');
  });

  it('corrects permissions that let others read, and says so', async () => {
    await (await open()).sealed.write('a', 1);
    await chmod(join(folder, 'data'), 0o755);
    await chmod(join(folder, 'data/key'), 0o644);
    expect(await (await open()).sealed.read('a')).toBe(1);
    expect(await modeOf(join(folder, 'data'))).toBe('700');
    expect(await modeOf(join(folder, 'data/key'))).toBe('600');
    expect(warnings).toHaveLength(2);
  });

  it('gives null for a damaged value and says so without quoting it', async () => {
    const store = await open();
    await store.write('a', 1);
    await writeFile(join(folder, 'data/values/a.json'), '{"password":"planted');
    expect(await store.read('a')).toBeNull();
    expect(warnings.join()).toMatch(/damaged/);
    expect(warnings.join()).not.toContain('planted');
  });

  it('leaves the newest of many writes at once, and no leftovers', async () => {
    const store = await open();
    await Promise.all(Array.from({ length: 50 }, (_, index) => store.write('a', index)));
    expect(await store.read('a')).toBe(49);
    expect(await readdir(join(folder, 'data/values'))).toEqual(['a.json']);
  });

  it('clears half-written files of a killed process', async () => {
    await (await open()).write('a', 1);
    await writeFile(join(folder, 'data/values/a.json.1-2.tmp'), 'half');
    await open();
    expect(await readdir(join(folder, 'data/values'))).toEqual(['a.json']);
  });
});

describe('the sealed space', () => {
  it('writes nothing readable to disk', async () => {
    await (await open()).sealed.write('account/kitchen', { blob: 'planted-secret' });
    for (const entry of await readdir(join(folder, 'data'), { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) expect((await readFile(join(entry.parentPath, entry.name))).includes('planted')).toBe(false);
    }
    expect(await (await open()).sealed.read('account/kitchen')).toEqual({ blob: 'planted-secret' });
  });

  it('writes the same value differently each time', async () => {
    const store = await open();
    const path = join(folder, 'data/sealed/a.bin');
    await store.sealed.write('a', 1);
    const first = await readFile(path);
    await store.sealed.write('a', 1);
    expect((await readFile(path)).equals(first)).toBe(false);
  });

  it('refuses a value moved to another name', async () => {
    const store = await open();
    await store.sealed.write('guest', 'guest credentials');
    await writeFile(join(folder, 'data/sealed/owner.bin'), await readFile(join(folder, 'data/sealed/guest.bin')));
    expect(await store.sealed.read('owner')).toBeNull();
    expect(warnings).toHaveLength(1);
  });

  it('refuses any changed byte and any cut', async () => {
    const store = await open();
    await store.sealed.write('a', { some: 'value' });
    const path = join(folder, 'data/sealed/a.bin');
    const good = await readFile(path);
    for (let index = 0; index < good.length; index++) {
      const bad = Buffer.from(good);
      bad[index] = (bad[index] ?? 0) ^ 1;
      await writeFile(path, bad);
      expect(await store.sealed.read('a')).toBeNull();
      await writeFile(path, good.subarray(0, index));
      expect(await store.sealed.read('a')).toBeNull();
    }
    await writeFile(path, good);
    expect(await store.sealed.read('a')).toEqual({ some: 'value' });
  });

  it('goes on with a new key when the old one is damaged or gone', async () => {
    await (await open()).sealed.write('a', 1);
    await writeFile(join(folder, 'data/key'), 'short');
    const store = await open();
    expect(await store.sealed.read('a')).toBeNull();
    await store.sealed.write('a', 2);
    expect(await (await open()).sealed.read('a')).toBe(2);
    expect((await readFile(join(folder, 'data/key'))).length).toBe(32);
  });
});

describe('the device identity', () => {
  it('is 40 hex digits, kept per zone', async () => {
    const store = await open();
    const kitchen = await deviceIdentity(store, 'kitchen');
    expect(kitchen).toMatch(/^[0-9a-f]{40}$/);
    expect(await deviceIdentity(store, 'bath')).not.toBe(kitchen);
    expect(await deviceIdentity(await open(), 'kitchen')).toBe(kitchen);
  });

  it('is made anew when what was kept makes no sense', async () => {
    const store = await open();
    await store.write('device-id/kitchen', 'XYZ');
    expect(await deviceIdentity(store, 'kitchen')).toMatch(/^[0-9a-f]{40}$/);
  });
});
