import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret, silentLog, type Log } from '#foundation';
import { openStore } from './store.ts';
import type { StoreSecrets } from './keyring.ts';

let folder: string;
let said: string[];
let log: Log;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-rotation-'));
  said = [];
  const note = (message: string) => void said.push(message);
  log = { ...silentLog, warn: note, error: note };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (secrets?: StoreSecrets) => openStore(folder, log, secrets);
const secret = (text: string) => new Secret(text);
const key = () => readFile(join(folder, 'key'));
const sealedFile = (name: string) => join(folder, 'sealed', `${name}.bin`);
const one = { secret: secret('a sentence of the owner') };

async function fill(secrets?: StoreSecrets): Promise<void> {
  const store = await open(secrets);
  for (const name of ['a', 'b', 'c']) await store.sealed.write(name, `value ${name}`);
}

async function readAll(secrets?: StoreSecrets): Promise<unknown[]> {
  const store = await open(secrets);
  return Promise.all(['a', 'b', 'c'].map((name) => store.sealed.read(name)));
}

const all = ['value a', 'value b', 'value c'];

describe('a rotation', () => {
  it('seals everything with a new key and drops the old one, while values are being written', async () => {
    await fill();
    const before = await key();
    const store = await open();
    const [count] = await Promise.all([store.rotateKey(), store.sealed.write('d', 1)]);
    expect(count).toBeGreaterThanOrEqual(3);
    expect((await key()).equals(before)).toBe(false);
    expect(await readdir(folder)).not.toContain('key.next');
    expect(((await stat(join(folder, 'key'))).mode & 0o777).toString(8)).toBe('600');
    expect([await readAll(), await (await open()).sealed.read('d')]).toEqual([all, 1]);
    // What the old key opened is gone with it.
    await writeFile(join(folder, 'key'), before);
    expect(await readAll()).toEqual([null, null, null]);
  });

  it('twice at once is one after the other', async () => {
    await fill();
    const store = await open();
    expect(await Promise.all([store.rotateKey(), store.rotateKey()])).toEqual([3, 3]);
    expect(await Promise.all(['a', 'b', 'c'].map((name) => store.sealed.read(name)))).toEqual(all);
    expect(await readAll()).toEqual(all);
  });

  it('that failed halfway goes on with the same new key when asked for again', async () => {
    await fill();
    const store = await open();
    // A folder in place of a value can be neither read nor replaced.
    await mkdir(sealedFile('bb'));
    await expect(store.rotateKey()).rejects.toMatchObject({ code: 'host/store-failed' });
    const next = await readFile(join(folder, 'key.next'));
    await expect(store.rotateKey()).rejects.toMatchObject({ code: 'host/store-failed' });
    expect((await readFile(join(folder, 'key.next'))).equals(next)).toBe(true);
    await rm(sealedFile('bb'), { recursive: true });
    await store.rotateKey();
    expect((await key()).equals(next)).toBe(true);
    expect(await readAll()).toEqual(all);
  });

  it('that was cut short goes on at the next start, wherever it was cut', async () => {
    await fill();
    const before = await key();
    await (await open()).rotateKey();
    const after = await key();
    // As if the process had died before the last step: both keys, values of both.
    await writeFile(join(folder, 'key'), before);
    await writeFile(join(folder, 'key.next'), after, { mode: 0o600 });
    expect(await readAll()).toEqual(all);
    expect((await key()).equals(after)).toBe(true);
    // And before the first: a new key that nothing is sealed with.
    await writeFile(join(folder, 'key.next'), Buffer.alloc(32, 7), { mode: 0o600 });
    expect(await readAll()).toEqual(all);
    expect((await key()).equals(Buffer.alloc(32, 7))).toBe(true);
    expect(said).toEqual([]);
  });

  it('leaves a damaged value as it is', async () => {
    await fill();
    const bytes = await readFile(sealedFile('b'));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(sealedFile('b'), bytes);
    expect(await (await open()).rotateKey()).toBe(2);
    expect(await readAll()).toEqual(['value a', null, 'value c']);
    expect((await readFile(sealedFile('b'))).equals(bytes)).toBe(true);
  });

  it('of a configured secret is done with the secret', async () => {
    await fill(one);
    await expect((await open(one)).rotateKey()).rejects.toMatchObject({ code: 'host/key-configured' });
    expect(await readAll({ secret: secret('another sentence of theirs'), previousSecret: one.secret })).toEqual(all);
    expect(await readAll({ secret: secret('another sentence of theirs') })).toEqual(all);
    await expect(open(one)).rejects.toMatchObject({ code: 'host/wrong-key' });
  });
});

describe('a configured secret', () => {
  it('takes over from the key file, which goes, and gives back to one', async () => {
    await fill();
    expect(await readAll(one)).toEqual(all);
    expect(await readdir(folder)).not.toContain('key');
    expect(await readAll({ previousSecret: one.secret })).toEqual(all);
    expect(await readAll()).toEqual(all);
    expect(await readdir(folder)).toContain('key');
  });

  it('that is wrong stops the start, in a clear sentence, and changes nothing', async () => {
    await fill(one);
    const before = await Promise.all(['a', 'b', 'c'].map((name) => readFile(sealedFile(name))));
    await expect(open({ secret: secret('a sentence of somebody else') })).rejects.toMatchObject({ kind: 'invalid', code: 'host/wrong-key', message: expect.stringContaining('store.secret') });
    await expect(open({ secret: secret('a sentence of somebody else'), previousSecret: secret('and one more') })).rejects.toMatchObject({ code: 'host/wrong-key' });
    expect(await Promise.all(['a', 'b', 'c'].map((name) => readFile(sealedFile(name))))).toEqual(before);
    expect(await readAll(one)).toEqual(all);
  });
});

describe('a wrong key in the file', () => {
  it('is said, and what it cannot read is put aside before anything new takes its place', async () => {
    await fill();
    const right = await key();
    await writeFile(join(folder, 'key'), Buffer.alloc(32, 9));
    const store = await open();
    expect(said.join()).toMatch(/another key/);
    expect(await store.sealed.read('a')).toBeNull();
    await store.sealed.write('a', 'new');
    expect(await store.sealed.read('a')).toBe('new');
    // The right key comes back: nothing was lost.
    await writeFile(join(folder, 'key'), right);
    await rename(`${sealedFile('a')}.unreadable`, sealedFile('a'));
    expect(await readAll()).toEqual(all);
  });

  it('puts a second one beside the first, not over it', async () => {
    await fill();
    const store = await open();
    for (const text of ['first', 'second']) {
      await writeFile(sealedFile('a'), text);
      await store.sealed.write('a', 'new');
    }
    expect(await readFile(`${sealedFile('a')}.unreadable`, 'utf8')).toBe('first');
    expect(await readFile(`${sealedFile('a')}.unreadable-2`, 'utf8')).toBe('second');
    expect(await store.sealed.names('')).toEqual(['a', 'b', 'c']);
    await store.sealed.remove('a');
    expect((await readdir(join(folder, 'sealed'))).sort()).toEqual(['b.bin', 'c.bin']);
  });

  it('nor over a later one when the first was taken away', async () => {
    await fill();
    const store = await open();
    for (const text of ['first', 'second', 'third']) {
      await writeFile(sealedFile('a'), text);
      await store.sealed.write('a', 'new');
      if (text === 'second') await rm(`${sealedFile('a')}.unreadable`);
    }
    expect(await readFile(`${sealedFile('a')}.unreadable-2`, 'utf8')).toBe('second');
    expect(await readFile(`${sealedFile('a')}.unreadable-3`, 'utf8')).toBe('third');
  });

  it('a value that is wiped goes with what was put aside', async () => {
    await fill();
    await writeFile(sealedFile('a'), 'tampered');
    const store = await open();
    await store.sealed.write('a', 1);
    expect(await readdir(join(folder, 'sealed'))).toContain('a.bin.unreadable');
    await store.sealed.remove('a');
    expect((await readdir(join(folder, 'sealed'))).sort()).toEqual(['b.bin', 'c.bin']);
  });
});

describe('files of somebody else in the folder', () => {
  it('are said, left alone, and keep nothing from working', async () => {
    await fill();
    const strangers = ['%E0%A4%A.bin', 'a b.bin'];
    for (const name of strangers) await writeFile(join(folder, 'sealed', name), 'mine');
    // Before all others in the order of names: they are sealed anew all the same.
    await mkdir(join(folder, 'sealed', '0.bin'));
    const before = await Promise.all(['a', 'b', 'c'].map((name) => readFile(join(folder, 'sealed', `${name}.bin`), 'hex')));
    // Everything is sealed anew at this start.
    expect(await readAll(one)).toEqual(all);
    expect(said).toEqual(['There are files in the data folder that are not Tonearm’s; they are left alone', 'Some stored values could not be encrypted anew with the current key; they stay as they are']);
    for (const [at, name] of ['a', 'b', 'c'].entries()) expect(await readFile(join(folder, 'sealed', `${name}.bin`), 'hex')).not.toBe(before[at]);
    await rm(join(folder, 'sealed', '0.bin'), { recursive: true });
    const store = await open(one);
    expect(await store.sealed.names('')).toEqual(['a', 'b', 'c']);
    expect((await readdir(join(folder, 'sealed'))).sort()).toEqual([...strangers, 'a.bin', 'b.bin', 'c.bin'].sort());
  });
});

describe('values of the first form', () => {
  it('are read, and written in the new one', async () => {
    const { createCipheriv, randomBytes } = await import('node:crypto');
    await fill();
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', await key(), nonce).setAAD(Buffer.from('tonearm sealed value 1\0a'));
    const body = Buffer.concat([cipher.update('"from before"'), cipher.final()]);
    await writeFile(sealedFile('a'), Buffer.concat([Buffer.from('TA1\n'), nonce, cipher.getAuthTag(), body]));
    const store = await open();
    expect(await store.sealed.read('a')).toBe('from before');
    await store.rotateKey();
    expect((await readFile(sealedFile('a'))).subarray(0, 4).toString()).toBe('TA2\n');
    expect(await store.sealed.read('a')).toBe('from before');
    expect(said).toEqual([]);
  });
});
