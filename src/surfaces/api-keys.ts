import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type Clock, Emitter, type Events, hex, type Log, Secret, TonearmError } from '#foundation';
import type { Store } from '#core';
import { Scope } from './http/wire/words.ts';

/** A key as it is listed; the key itself is nowhere. */
export interface KeyView {
  /** Eight hex digits. */
  readonly id: string;
  /** Whose it is, as the owner called it. */
  readonly name: string;
  readonly scope: Scope;
  /** Unix ms; null for one of the configuration. */
  readonly created: number | null;
  /** Unix ms, to the hour; null while it was never used. */
  readonly used: number | null;
}

/** A key of the configuration. */
export interface ConfiguredKey {
  readonly name: string;
  readonly key: Secret<string>;
  readonly scope: Scope;
}

export interface ApiKeysOptions {
  readonly host: { readonly clock: Clock; readonly log: Log; readonly store: Pick<Store, 'read' | 'write'> };
  readonly configured?: readonly ConfiguredKey[] | undefined;
}

const storeName = 'api-keys';
const prefix = 'tak_';
const most = 100;
const hour = 3_600_000;

const KeptKey = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{8}$/),
  name: z.string().min(1).max(100),
  scope: Scope,
  /** SHA-256 in hex: nobody can try out 256 random bits. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  created: z.number().nullable(),
  used: z.number().nullable(),
});
type KeptKey = z.output<typeof KeptKey>;

/** Opens the book of keys. What cannot be read of it lets nobody in, and is logged. */
export async function openApiKeys({ host, configured = [] }: ApiKeysOptions): Promise<ApiKeys> {
  const log = host.log.child('keys');
  const kept = z.array(KeptKey).max(most).safeParse((await host.store.read(storeName)) ?? []);
  if (!kept.success) log.warn('The API keys could not be read, so none of them is valid any more. Make new ones with "tonearm keys add"');
  return new ApiKeys(kept.data ?? [], configured, { ...host, log });
}

/** Who may use the API. Keys are shown once and kept as hashes. */
export class ApiKeys {
  readonly #host: ApiKeysOptions['host'];
  readonly #emitter: Emitter<{ removed: KeyView }>;
  readonly #fixed: readonly KeptKey[];
  #kept: readonly KeptKey[];
  /** Removed, which the file may not know yet. */
  readonly #unwritten = new Map<string, KeptKey>();
  #writing: Promise<unknown> = Promise.resolve();

  constructor(kept: readonly KeptKey[], configured: readonly ConfiguredKey[], host: ApiKeysOptions['host']) {
    this.#kept = kept;
    this.#host = host;
    this.#fixed = configured.map(({ name, key, scope }) => {
      const hash = digest(key.reveal());
      return { id: hash.slice(0, 8), name, scope, hash, created: null, used: null };
    });
    this.#emitter = new Emitter((error) => host.log.error('A listener failed', { error }));
  }

  get list(): readonly KeyView[] {
    return [...this.#fixed, ...this.#kept].map(viewOf);
  }

  /** `removed`: whoever came in with it has to go. */
  get events(): Events<{ removed: KeyView }> {
    return this.#emitter.events;
  }

  /** Makes a key and resolves with it once it is kept; it is never shown again. */
  async add(name: string, scope: Scope): Promise<{ readonly key: Secret<string>; readonly view: KeyView }> {
    const clean = name.trim();
    if (clean === '' || clean.length > 100 || /\p{Cc}/u.test(clean)) throw new TonearmError({ kind: 'invalid', code: 'keys/bad-name', message: 'A key needs a name that says whose it is, of at most 100 letters: "Homebridge", for example.' });
    if (this.#kept.length >= most) throw new TonearmError({ kind: 'conflict', code: 'keys/too-many', message: `There are ${most} keys already. Remove those that nobody uses any more: "tonearm keys" lists them.` });
    const key = `${prefix}${randomBytes(32).toString('base64url')}`;
    const made: KeptKey = { id: hex(randomBytes(4)), name: clean, scope, hash: digest(key), created: this.#host.clock.now(), used: null };
    try {
      await this.#keep([...this.#kept, made]);
    } catch (error) {
      // Nobody will ever be told this key.
      this.#kept = this.#kept.filter((one) => one !== made);
      throw error;
    }
    return { key: new Secret(key), view: viewOf(made) };
  }

  /** Takes effect at once, also when it cannot be written down; then it rejects and can be asked again. `not-found`: no such key; `conflict`: one of the configuration. */
  async remove(id: string): Promise<KeyView> {
    if (this.#fixed.some((one) => one.id === id)) throw new TonearmError({ kind: 'conflict', code: 'keys/configured', message: `The key ${id} is part of the configuration: remove it there, under http.keys, and restart.` });
    const gone = this.#kept.find((one) => one.id === id) ?? this.#unwritten.get(id);
    if (!gone) throw new TonearmError({ kind: 'not-found', code: 'keys/no-such-key', message: `There is no key ${id.slice(0, 40)}; "tonearm keys" lists them.` });
    const view = viewOf(gone);
    const kept = this.#keep(this.#kept.filter((one) => one !== gone));
    this.#unwritten.set(id, gone);
    this.#emitter.emit('removed', view);
    try {
      await kept;
    } catch (cause) {
      throw new TonearmError({ kind: 'unavailable', code: 'keys/not-kept', message: `The key “${gone.name}” lets nobody in any more, but that could not be written down, so after a restart it would again. See to the data folder (is the disk full?), then remove the key once more.`, cause });
    }
    this.#unwritten.delete(id);
    return view;
  }

  /** Whose key this is; null for nobody's. */
  check(key: string): KeyView | null {
    if (key.length > 1024) return null;
    // Looked up by its hash, so that time tells nothing about the key.
    const hash = digest(key);
    return this.#find((one) => one.hash === hash);
  }

  /** The same for whoever proves a key without showing it: `test` is given the hash of each. */
  recognise(test: (hash: Buffer) => boolean): KeyView | null {
    return this.#find(({ hash }) => test(Buffer.from(hash, 'hex')));
  }

  has(id: string): boolean {
    return [...this.#fixed, ...this.#kept].some((one) => one.id === id);
  }

  #find(test: (key: KeptKey) => boolean): KeyView | null {
    const found = [...this.#fixed, ...this.#kept].find(test);
    if (!found) return null;
    this.#use(found);
    return viewOf(found);
  }

  /** To the hour, so that it is written once an hour and tells nothing about habits. */
  #use(key: KeptKey): void {
    const now = Math.floor(this.#host.clock.now() / hour) * hour;
    if (key.used === now || !this.#kept.includes(key)) return;
    this.#keep(this.#kept.map((one) => (one === key ? { ...one, used: now } : one))).catch((error: unknown) => this.#host.log.warn('When a key was used could not be noted', { error }));
  }

  /** In order, because the last list counts. */
  async #keep(keys: readonly KeptKey[]): Promise<void> {
    this.#kept = keys;
    const written = this.#writing.then(() => this.#host.store.write(storeName, keys));
    this.#writing = written.catch(() => undefined);
    await written;
  }
}

function digest(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

function viewOf({ id, name, scope, created, used }: KeptKey): KeyView {
  return { id, name, scope, created, used };
}
