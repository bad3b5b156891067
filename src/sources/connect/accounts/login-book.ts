import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Host, LoginWay, Millis } from '#core';
import { base64, fromBase64, Secret, toTonearmError, type Log } from '#foundation';
import type { Credentials } from '#spotify';

type Sealed = Host['store']['sealed'];

const way = z.enum(['phone', 'code', 'browser']);
const Row = z.object({
  username: z.string().min(1),
  way,
  since: z.number(),
  used: z.number(),
  /** Logins in a row that the cloud turned down with what is stored. */
  refusals: z.number(),
  /** Nothing is stored any more: the cloud refused it. */
  isSpent: z.boolean(),
});
const Index = z.object({ active: z.string().nullable(), rows: z.array(Row) });
const Stored = z.object({ username: z.string(), type: z.number(), data: z.string() });
/** What earlier versions kept: one account per zone. */
const Legacy = z.object({ username: z.string(), type: z.number(), data: z.string(), refusals: z.number().default(0) });

export type Remembered = Readonly<z.output<typeof Row>>;

/** More are not remembered per zone; the one unused for longest goes. */
const most = 32;

/**
 * The accounts a zone remembers: an index, and a sealed value of its own for each account's credentials, so that one is
 * wiped, damaged or read without another. The index is held in memory; writing is one after the other.
 */
export class LoginBook {
  readonly #store: Sealed;
  readonly #zone: string;
  readonly #log: Log;
  #rows: readonly Remembered[];
  #active: string | null;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(store: Sealed, zone: string, log: Log, index: z.output<typeof Index>) {
    this.#store = store;
    this.#zone = zone;
    this.#log = log;
    this.#rows = index.rows;
    this.#active = index.active;
  }

  static async open({ store, zone, log, now }: { readonly store: Sealed; readonly zone: string; readonly log: Log; readonly now: Millis }): Promise<LoginBook> {
    const index = Index.safeParse(await store.read(`logins/${zone}`));
    const book = new LoginBook(store, zone, log, index.success ? index.data : { active: null, rows: [] });
    if (!index.success && !(await book.#rebuild(now))) await book.#takeOver(now);
    return book;
  }

  get rows(): readonly Remembered[] {
    return this.#rows;
  }

  /** Who is to be logged in after a start. */
  get active(): Remembered | null {
    return this.find(this.#active);
  }

  find(username: string | null): Remembered | null {
    return this.#rows.find((row) => row.username === username) ?? null;
  }

  /** Null when nothing is stored or it cannot be read. */
  async credentials(username: string): Promise<Credentials | null> {
    await this.#writing;
    const stored = Stored.safeParse(await this.#store.read(this.#name(username)));
    // The name inside is the second lock: a value moved by hand does not become somebody else's login.
    if (!stored.success || stored.data.username !== username) return null;
    const data = fromBase64(stored.data.data);
    return data && { username, type: stored.data.type, data: new Secret<Uint8Array>(data) };
  }

  /** Keeps these and makes the account the active one. `how` null: logged in with what was stored, which is no use by itself. */
  async remember(username: string, { type, data }: Credentials, how: LoginWay | null, now: Millis): Promise<void> {
    const known = this.find(username);
    const row: Remembered = { username, way: how ?? known?.way ?? 'phone', since: known && !known.isSpent && how === null ? known.since : now, used: known && how === null ? known.used : now, refusals: 0, isSpent: false };
    this.#active = username;
    this.#rows = [row, ...this.#rows.filter((other) => other.username !== username)];
    const gone = this.#rows.slice(most);
    this.#rows = this.#rows.slice(0, most);
    await this.#keep(async () => {
      await this.#store.write(this.#name(username), { username, type, data: base64(data.reveal()) });
      await this.#writeIndex();
      for (const { username: old } of gone) await this.#store.remove(this.#name(old));
    });
  }

  /** Notes that it was used; written to disk only when `isWorthIt`. */
  async touch(username: string, now: Millis, isWorthIt: boolean): Promise<void> {
    if (!this.find(username)) return;
    this.#rows = this.#rows.map((row) => (row.username === username ? { ...row, used: now } : row));
    if (isWorthIt) await this.#keep(() => this.#writeIndex());
  }

  /**
   * The cloud turned stored credentials down. Once may be its mistake; twice in a row it means it: then they are wiped,
   * and the account is shown as one that has to log in again.
   */
  async refused(username: string): Promise<'again' | 'over'> {
    const row = this.find(username);
    if (!row) return 'over';
    const isSpent = row.refusals >= 1;
    this.#rows = this.#rows.map((other) => (other === row ? { ...row, refusals: row.refusals + 1, isSpent } : other));
    await this.#keep(async () => {
      await this.#writeIndex();
      if (isSpent) await this.#store.remove(this.#name(username));
    });
    return isSpent ? 'over' : 'again';
  }

  /** Wipes one account, or all; says whose. */
  async forget(username: string | null): Promise<readonly string[]> {
    const gone = this.#rows.filter((row) => username === null || row.username === username).map((row) => row.username);
    if (gone.length === 0 && username !== null) return [];
    this.#rows = this.#rows.filter((row) => !gone.includes(row.username));
    if (this.#active !== null && gone.includes(this.#active)) this.#active = null;
    await this.#keep(async () => {
      // Secrets first: what is cut short here is a row without a login, not a login without a row.
      const names = username === null ? await this.#store.names(`login/${this.#zone}/`) : gone.map((name) => this.#name(name));
      for (const name of names) await this.#store.remove(name);
      if (gone.length > 0) await this.#writeIndex();
    });
    return gone;
  }

  /** Resolves when everything is on disk. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  /** An index that is lost or damaged loses nobody: each login says itself whose it is. */
  async #rebuild(now: Millis): Promise<boolean> {
    const rows: Remembered[] = [];
    for (const name of await this.#store.names(`login/${this.#zone}/`)) {
      const stored = Stored.safeParse(await this.#store.read(name));
      if (stored.success && this.#name(stored.data.username) === name) rows.push({ username: stored.data.username, way: 'phone', since: now, used: now, refusals: 0, isSpent: false });
    }
    if (rows.length === 0) return false;
    this.#rows = rows;
    // Who was the last one is not known; with one account there is no question.
    this.#active = rows.length === 1 ? (rows[0]?.username ?? null) : null;
    this.#log.warn('The list of remembered accounts was lost or damaged, and was made anew from the stored logins', { accounts: rows.length });
    await this.#keep(() => this.#writeIndex()).catch(() => undefined);
    return true;
  }

  async #takeOver(now: Millis): Promise<void> {
    const name = `connect-${this.#zone}`;
    const legacy = Legacy.safeParse(await this.#store.read(name));
    if (!legacy.success) return;
    const { username, type, data } = legacy.data;
    const bytes = fromBase64(data);
    if (!bytes) return;
    try {
      await this.remember(username, { username, type, data: new Secret<Uint8Array>(bytes) }, 'phone', now);
      await this.#keep(() => this.#store.remove(name));
    } catch (error) {
      this.#log.warn('The login of an earlier version could not be moved to its new place; it is used from where it is', { code: toTonearmError(error).code });
    }
  }

  /** Names of files can be read by whoever sees the folder: they say nothing about the account. */
  #name(username: string): string {
    return `login/${this.#zone}/${createHash('sha256').update(username).digest('hex').slice(0, 32)}`;
  }

  #writeIndex(): Promise<void> {
    return this.#store.write(`logins/${this.#zone}`, { active: this.#active, rows: this.#rows });
  }

  #keep(work: () => Promise<void>): Promise<void> {
    const kept = this.#writing.then(work);
    this.#writing = kept.catch(() => undefined);
    return kept;
  }
}
