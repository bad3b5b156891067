import { readFile, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Store } from '#core';
import { TonearmError, type Log } from '#foundation';
import type { Coding } from './coding.ts';
import { isMissing, keepPrivate, makePrivateFolder, writeFileAtomically } from './files.ts';
import { Keyring, type StoreSecrets } from './keyring.ts';
import { keyIdOf, sealing } from './sealing.ts';

type Space = Omit<Store, 'sealed'>;

export interface OpenStore extends Store {
  /** Seals everything with a new key; resolves with how many values that were. */
  rotateKey(): Promise<number>;
}

const suffix = '.bin';

/**
 * Opens the memory in `folder`: `values/` as JSON, `sealed/` encrypted. Rejects with `host/wrong-key` when a configured secret
 * opens nothing of what is stored; with a key in a file, Tonearm goes on without what it cannot read. Nothing unreadable is
 * ever overwritten or deleted: it is put aside first.
 */
export async function openStore(folder: string, log: Log, secrets: StoreSecrets = {}): Promise<OpenStore> {
  await makePrivateFolder(folder);
  await keepPrivate(folder, 0o700, log);
  const sealedFolder = join(folder, 'sealed');
  await makePrivateFolder(sealedFolder);
  const keyring = await Keyring.open(folder, log, secrets);
  const coding = sealing(keyring);
  const plain = await openSpace(join(folder, 'values'), '.json', json, log);
  const sealed = await openSpace(sealedFolder, suffix, coding, log);
  await checkKey(sealedFolder, keyring, log);
  let rotating: Promise<unknown> = Promise.resolve();
  const store: OpenStore = {
    ...plain,
    sealed,
    rotateKey() {
      // Two at once would take each other's keys away.
      const turn = rotating.then(async () => {
        await keyring.renew();
        return await resealAll();
      });
      rotating = turn.catch(() => undefined);
      return turn;
    },
  };
  // A rotation that was cut short, or another kind of key than before.
  if (keyring.hasEarlier) {
    // What could not be is read with its earlier key, and tried again at the next start.
    await resealAll().then(
      (count) => log.info('Stored values were encrypted anew with the current key', { count }),
      (error: unknown) => log.warn('Some stored values could not be encrypted anew with the current key; they stay as they are', { error }),
    );
  }
  return store;

  async function resealAll(): Promise<number> {
    // What was encrypted before the key changed must be on disk to be found.
    await sealed.idle();
    let count = 0;
    const failures: unknown[] = [];
    for (const name of await sealed.names('')) {
      // One that cannot be must not leave the others with a key that may be known to somebody.
      await sealed.rewrite(name).then((isDone) => (count += Number(isDone)), (error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
    await keyring.settle();
    return count;
  }
}

const json: Coding = {
  encode: (_name, value) => Promise.resolve(Buffer.from(`${JSON.stringify(value)}\n`)),
  decode: (_name, bytes) => Promise.resolve(JSON.parse(bytes.toString('utf8'))),
  isCurrent: () => Promise.resolve(true),
};

/** The names of all values in the folder. What somebody else has put there is left alone. */
async function namesIn(folder: string, extension: string): Promise<{ readonly names: readonly string[]; readonly strangers: readonly string[] }> {
  const names: string[] = [];
  const strangers: string[] = [];
  for (const file of await readdir(folder)) {
    if (!file.endsWith(extension)) continue;
    const name = nameOf(file, extension);
    if (name === null) strangers.push(file);
    else names.push(name);
  }
  return { names, strangers };
}

/** Null for a file that is not one of ours. */
function nameOf(file: string, extension: string): string | null {
  try {
    const name = decodeURIComponent(file.slice(0, -extension.length));
    return fileOf(name, extension) === file ? name : null;
  } catch {
    return null;
  }
}

const fileOf = (name: string, extension: string) => `${encodeURIComponent(name)}${extension}`;

/** Tells a wrong key, which opens nothing, from a damaged value. */
async function checkKey(folder: string, keyring: Keyring, log: Log): Promise<void> {
  let known = 0;
  let foreign = 0;
  for (const name of (await namesIn(folder, suffix)).names) {
    const bytes = await readFile(join(folder, fileOf(name, suffix))).catch(() => null);
    const id = bytes && keyIdOf(bytes);
    if (id === undefined || id === null) continue;
    if ((await keyring.candidates(id)).length > 0) known += 1;
    else foreign += 1;
  }
  if (foreign === 0) return;
  if (keyring.isConfigured && known === 0) {
    throw new TonearmError({
      kind: 'invalid',
      code: 'host/wrong-key',
      message: `The secret in the setting store.secret is not the one the stored logins in ${folder} were encrypted with. Nothing was changed. Correct the secret; if it was changed on purpose, give the old one as store.previousSecret. To begin without the stored logins, move that folder away.`,
    });
  }
  log.error('Some stored logins were encrypted with another key than the one that is there, so they cannot be read. They stay where they are: put the right key back, or pair the speakers again', { folder, unreadable: foreign, readable: known });
}

interface OpenSpace extends Space {
  /** Writes a value as it is once more. False when it cannot be read; then it stays as it is. */
  rewrite(name: string): Promise<boolean>;
  /** Resolves when everything that is being written now has been. */
  idle(): Promise<void>;
}

async function openSpace(folder: string, extension: string, coding: Coding, log: Log): Promise<OpenSpace> {
  await makePrivateFolder(folder);
  await removeLeftovers(folder);
  const { strangers } = await namesIn(folder, extension);
  if (strangers.length > 0) log.warn('There are files in the data folder that are not Tonearm’s; they are left alone', { folder, files: strangers.slice(0, 5).join(', ') });
  const pathOf = (name: string) => join(folder, fileOf(name, extension));
  // One after the other per name, so that the newest value is the one that stays.
  const turns = new Map<string, Promise<void>>();
  const inTurn = async (name: string, work: () => Promise<void>) => {
    const turn = (turns.get(name) ?? Promise.resolve()).catch(() => undefined).then(work);
    turns.set(name, turn);
    try {
      await turn;
    } catch (error) {
      throw notSaved(folder, error);
    } finally {
      if (turns.get(name) === turn) turns.delete(name);
    }
  };
  /** Whoever puts a lost key or a good copy back must find what it belongs to. */
  const spareUnreadable = async (name: string) => {
    const path = pathOf(name);
    try {
      await coding.decode(name, await readFile(path));
    } catch (error) {
      if (isMissing(error)) return;
      // One that was put aside before belongs to something else, perhaps to another key.
      const taken = (await asides(path)).map((other) => Number(/-(\d+)$/.exec(other)?.[1] ?? 1));
      const aside = taken.length === 0 ? `${path}.unreadable` : `${path}.unreadable-${Math.max(...taken) + 1}`;
      await rename(path, aside);
      log.warn('A stored value that cannot be read was put aside before a new one took its place', { name, aside });
    }
  };
  return {
    async read(name) {
      await turns.get(name)?.catch(() => undefined);
      let bytes: Buffer;
      try {
        bytes = await readFile(pathOf(name));
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
      await inTurn(name, async () => {
        await spareUnreadable(name);
        await writeFileAtomically(pathOf(name), await coding.encode(name, value));
      });
    },
    async remove(name) {
      await inTurn(name, async () => {
        await rm(pathOf(name), { force: true });
        for (const aside of await asides(pathOf(name))) await rm(aside, { force: true });
      });
    },
    async names(prefix) {
      await Promise.allSettled(turns.values());
      return (await namesIn(folder, extension)).names.filter((name) => name.startsWith(prefix)).sort();
    },
    async idle() {
      await Promise.allSettled(turns.values());
    },
    async rewrite(name) {
      let isDone = false;
      await inTurn(name, async () => {
        const bytes = await readFile(pathOf(name)).catch((error: unknown) => {
          if (isMissing(error)) return null; // wiped meanwhile
          throw error;
        });
        if (!bytes || (await coding.isCurrent(bytes))) return;
        const value = await coding.decode(name, bytes).catch(() => undefined);
        if (value === undefined) return;
        await writeFileAtomically(pathOf(name), await coding.encode(name, value));
        isDone = true;
      });
      return isDone;
    },
  };
}

/** Unreadable values that were put aside. */
async function asides(path: string): Promise<string[]> {
  const folder = dirname(path);
  const start = `${basename(path)}.unreadable`;
  return (await readdir(folder)).filter((name) => name.startsWith(start)).map((name) => join(folder, name));
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
