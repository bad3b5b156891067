import { createHmac, randomBytes, scrypt } from 'node:crypto';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TonearmError, type Log, type Secret } from '#foundation';
import { isMissing, keepPrivate, writeFileAtomically } from './files.ts';

const keySize = 32;
export const keyIdSize = 8;

export interface SealingKey {
  readonly bytes: Buffer;
  /** Says which key a value was sealed with, and nothing about the key. */
  readonly id: Buffer;
}

/** What values may be encrypted with: a text of the owner's instead of the file `key`. */
export interface StoreSecrets {
  readonly secret?: Secret<string> | undefined;
  readonly previousSecret?: Secret<string> | undefined;
}

/**
 * The key values are sealed with now, and earlier ones that may still be needed to read some. Files in the data folder:
 * `key` (32 random bytes), `key.next` while a rotation is under way, `key.salt` with a configured secret.
 */
export class Keyring {
  readonly #folder: string;
  readonly #log: Log;
  readonly #isConfigured: boolean;
  #current: Promise<SealingKey> | null;
  #earlier: readonly SealingKey[];

  private constructor(folder: string, log: Log, isConfigured: boolean, current: SealingKey | null, earlier: readonly SealingKey[]) {
    this.#folder = folder;
    this.#log = log;
    this.#isConfigured = isConfigured;
    this.#current = current && Promise.resolve(current);
    this.#earlier = earlier;
  }

  static async open(folder: string, log: Log, { secret, previousSecret }: StoreSecrets): Promise<Keyring> {
    const file = await readKey(join(folder, 'key'), log);
    const next = await readKey(join(folder, 'key.next'), log);
    const derived = secret && (await derive(folder, secret));
    const previous = previousSecret && (await derive(folder, previousSecret));
    // An interrupted rotation goes on to the newer key. The previous secret only ever opens, it never seals.
    const [current = null, ...others] = [derived, next, file].filter((key) => key != null);
    const earlier = previous === undefined ? others : [...others, previous];
    return new Keyring(folder, log, secret !== undefined, current, earlier);
  }

  /** The owner configured it: it cannot be replaced by another, only corrected. */
  get isConfigured(): boolean {
    return this.#isConfigured;
  }

  get hasEarlier(): boolean {
    return this.#earlier.length > 0;
  }

  /** Made at the first need. */
  async current(): Promise<SealingKey> {
    this.#current ??= this.#make('key');
    try {
      return await this.#current;
    } catch (error) {
      this.#current = null;
      throw error;
    }
  }

  /** Keys that may open a value, the likeliest first; `id` null for the old form that does not say. */
  async candidates(id: Buffer | null): Promise<readonly SealingKey[]> {
    const all = [...(this.#current ? [await this.current()] : []), ...this.#earlier];
    return id === null ? all : all.filter((key) => key.id.equals(id));
  }

  /** Begins a rotation: from now on everything is sealed with a new key. */
  async renew(): Promise<void> {
    if (this.#isConfigured) {
      throw new TonearmError({
        kind: 'conflict',
        code: 'host/key-configured',
        message: 'The key comes from the setting store.secret. To change it, move the old text to store.previousSecret, put a new one into store.secret, and restart: everything is encrypted anew then.',
      });
    }
    // A rotation that could not be finished goes on: another `key.next` in place of the first would lose what is sealed with it.
    if (this.hasEarlier) return;
    const old = await this.current();
    this.#current = Promise.resolve(await this.#make('key.next'));
    this.#earlier = [old, ...this.#earlier];
  }

  /** Nothing is sealed with an earlier key any more: they go. */
  async settle(): Promise<void> {
    if (this.#isConfigured) {
      await rm(join(this.#folder, 'key'), { force: true });
      await rm(join(this.#folder, 'key.next'), { force: true });
    } else {
      await rename(join(this.#folder, 'key.next'), join(this.#folder, 'key')).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    }
    this.#earlier = [];
  }

  async #make(name: string): Promise<SealingKey> {
    const made = randomBytes(keySize);
    await writeFileAtomically(join(this.#folder, name), made);
    this.#log.debug('A key for stored values was made', { name });
    return keyOf(made);
  }
}

function keyOf(bytes: Buffer): SealingKey {
  return { bytes, id: createHmac('sha256', bytes).update('tonearm key id 1').digest().subarray(0, keyIdSize) };
}

async function readKey(path: string, log: Log): Promise<SealingKey | null> {
  try {
    const found = await readFile(path);
    await keepPrivate(path, 0o600, log);
    if (found.length === keySize) return keyOf(found);
    const aside = `${path}.broken`;
    await rename(path, aside);
    log.warn('The key of the stored credentials is damaged and was put aside; unless it is put back, a new one is made and speakers have to be paired again', { aside });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return null;
}

/** 16 MiB and some 50 ms, so that guessing a text is dear. The salt is no secret, but without it the text is of no use. */
async function derive(folder: string, secret: Secret<string>): Promise<SealingKey> {
  const path = join(folder, 'key.salt');
  let salt: Buffer;
  try {
    salt = await readFile(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
    salt = randomBytes(16);
    await writeFileAtomically(path, salt);
  }
  const bytes = await promisify<string, Buffer, number, object, Buffer>(scrypt)(secret.reveal().normalize('NFC'), salt, keySize, { N: 16_384, r: 8, p: 1 });
  return keyOf(bytes);
}
