import { readFile, readdir, rm, stat, chmod, rename } from 'node:fs/promises';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Store } from '#core';
import { TonearmError, type Log } from '#foundation';
import { isMissing, makePrivateFolder, writeFileAtomically } from './files.ts';

type Space = Omit<Store, 'sealed'>;

/** How values of one space become bytes and back. `name` is part of what is authenticated. */
interface Coding {
  encode(name: string, value: unknown): Promise<Uint8Array>;
  decode(name: string, bytes: Buffer): Promise<unknown>;
}

/** Opens the memory in `folder`: `values/` as JSON, `sealed/` encrypted with the key in `key`. */
export async function openStore(folder: string, log: Log): Promise<Store> {
  await makePrivateFolder(folder);
  await keepPrivate(folder, 0o700, log);
  const key = sealingKey(join(folder, 'key'), log);
  const plain = await openSpace(join(folder, 'values'), 'json', json, log);
  return { ...plain, sealed: await openSpace(join(folder, 'sealed'), 'bin', sealing(key), log) };
}

const json: Coding = {
  encode: (_name, value) => Promise.resolve(Buffer.from(`${JSON.stringify(value)}\n`)),
  decode: (_name, bytes) => Promise.resolve(JSON.parse(bytes.toString('utf8'))),
};

const magic = Buffer.from('TA1\n');
const nonceSize = 12;
const tagSize = 16;

/** `TA1\n`, 12 bytes nonce, 16 bytes tag, then the JSON in AES-256-GCM; the name is authenticated, so files cannot be exchanged for one another. */
function sealing(key: () => Promise<Buffer>): Coding {
  const label = (name: string) => Buffer.from(`tonearm sealed value 1\0${name}`);
  return {
    async encode(name, value) {
      const nonce = randomBytes(nonceSize);
      const cipher = createCipheriv('aes-256-gcm', await key(), nonce).setAAD(label(name));
      const body = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
      return Buffer.concat([magic, nonce, cipher.getAuthTag(), body]);
    },
    async decode(name, bytes) {
      const start = magic.length + nonceSize + tagSize;
      if (bytes.length < start || !bytes.subarray(0, magic.length).equals(magic)) throw new Error('not a sealed value');
      const nonce = bytes.subarray(magic.length, magic.length + nonceSize);
      const decipher = createDecipheriv('aes-256-gcm', await key(), nonce, { authTagLength: tagSize }).setAAD(label(name));
      decipher.setAuthTag(bytes.subarray(magic.length + nonceSize, start));
      const text = Buffer.concat([decipher.update(bytes.subarray(start)), decipher.final()]).toString('utf8');
      return JSON.parse(text) as unknown;
    },
  };
}

/** Reads the key, or makes it at the first need. */
function sealingKey(path: string, log: Log): () => Promise<Buffer> {
  let key: Promise<Buffer> | undefined;
  const open = async () => {
    try {
      const found = await readFile(path);
      await keepPrivate(path, 0o600, log);
      if (found.length === 32) return found;
      const aside = `${path}.broken`;
      await rename(path, aside);
      log.warn('The key of the stored credentials is damaged; a new one is made and speakers have to be paired again', { aside });
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    const made = randomBytes(32);
    await writeFileAtomically(path, made);
    return made;
  };
  return async () => {
    key ??= open();
    try {
      return await key;
    } catch (error) {
      key = undefined;
      throw error;
    }
  };
}

async function openSpace(folder: string, extension: string, coding: Coding, log: Log): Promise<Space> {
  await makePrivateFolder(folder);
  await removeLeftovers(folder);
  const fileOf = (name: string) => join(folder, `${encodeURIComponent(name)}.${extension}`);
  // One after the other per name, so that the newest value is the one that stays.
  const turns = new Map<string, Promise<void>>();
  const inTurn = async (name: string, work: () => Promise<void>) => {
    const turn = (turns.get(name) ?? Promise.resolve()).catch(() => undefined).then(work);
    turns.set(name, turn);
    try {
      await turn;
    } finally {
      if (turns.get(name) === turn) turns.delete(name);
    }
  };
  return {
    async read(name) {
      await turns.get(name)?.catch(() => undefined);
      let bytes: Buffer;
      try {
        bytes = await readFile(fileOf(name));
      } catch (error) {
        if (!isMissing(error)) log.warn('A stored value cannot be read; going on without it', { name, error });
        return null;
      }
      try {
        return await coding.decode(name, bytes);
      } catch {
        // The cause may quote the content, so it is not logged.
        log.warn('A stored value is damaged or belongs to another key; going on without it', { name });
        return null;
      }
    },
    async write(name, value) {
      const bytes = await coding.encode(name, value);
      await inTurn(name, () => writeFileAtomically(fileOf(name), bytes)).catch((error: unknown) => {
        throw notSaved(folder, error);
      });
    },
    async remove(name) {
      await inTurn(name, () => rm(fileOf(name), { force: true })).catch((error: unknown) => {
        throw notSaved(folder, error);
      });
    },
  };
}

function notSaved(folder: string, error: unknown): TonearmError {
  return new TonearmError({
    kind: 'unavailable',
    code: 'host/store-failed',
    message: `Tonearm cannot save to ${folder} (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}). It goes on, but forgets this at a restart. Free some space or correct the folder's permissions.`,
    cause: error,
  });
}

/** Half-written files of a process that was killed. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.endsWith('.tmp')) await rm(join(folder, name), { force: true });
  }
}

/** Others on this machine could read it: corrected, and said. */
async function keepPrivate(path: string, mode: number, log: Log): Promise<void> {
  const found = (await stat(path)).mode & 0o777;
  if ((found & 0o077) === 0) return;
  await chmod(path, mode);
  log.warn('Others on this machine could read Tonearm\'s data; the permissions have been corrected', { path, was: found.toString(8), is: mode.toString(8) });
}
