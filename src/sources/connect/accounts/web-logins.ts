import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Host, Millis, Notice, WebLoginView } from '#core';
import { abortable, every, hex, Secret, TonearmError, toTonearmError, type Clock, type Log } from '#foundation';
import type { Grant, OAuth } from '#spotify';

const Row = z.object({ id: z.string(), name: z.string().nullable(), since: z.number(), isSpent: z.boolean() });
const Index = z.object({ rows: z.array(Row) });
const Stored = z.object({ id: z.string(), refreshToken: z.string() });
type Row = Readonly<z.output<typeof Row>>;

const day = 86_400_000;
/** Spotify ends a refresh token this long after the consent; renewing does not move it (announced 2026-06-18). */
const lifeInMonths = 6;
/** The owner is told this long before. */
const ahead = 30 * day;
/** An access token is renewed this long before its end. */
const margin = 60_000;

export interface WebLoginsOptions {
  readonly store: Host['store']['sealed'];
  readonly clock: Clock;
  readonly log: Log;
  /** A client of the accounts service for one exchange; null when no client id is configured. */
  readonly oauth: () => OAuth | null;
  readonly onChange: () => void;
  readonly onEnding: (login: WebLoginView, notice: Notice) => void;
}

/**
 * Logins for Spotify's web API: refresh tokens, in values of their own, never mixed with what logs in for playing. A token
 * that was refused is not sent again: from then on the login is needed, until a new consent replaces it.
 */
export class WebLogins implements Disposable {
  readonly #options: WebLoginsOptions;
  #rows: readonly Row[] = [];
  readonly #held = new Map<string, { readonly token: Secret<string>; readonly expiry: number }>();
  readonly #renewing = new Map<string, Promise<Secret<string>>>();
  #watch: Disposable | null = null;
  readonly #closing = new AbortController();

  constructor(options: WebLoginsOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { store, clock } = this.#options;
    const index = Index.safeParse(await store.read('web-logins'));
    this.#rows = index.success ? index.data.rows : [];
    this.#watch = every(clock, day, () => this.tell());
  }

  get views(): readonly WebLoginView[] {
    return this.#rows.map((row) => this.#view(row));
  }

  /** Says which logins end soon or have ended. */
  tell(): void {
    const { log, onEnding } = this.#options;
    for (const view of this.views) {
      if (view.state === 'ready') continue;
      const notice = view.state === 'ending' ? endsSoon(view) : loginNeeded();
      log.warn(notice.message, { code: notice.code, login: view.id });
      onEnding(view, notice);
    }
  }

  /** A consent was given: it replaces the one of the same account. */
  async remember(grant: Grant): Promise<WebLoginView> {
    const { store, clock } = this.#options;
    if (grant.refreshToken === null) {
      throw new TonearmError({ kind: 'unavailable', code: 'accounts/no-refresh-token', message: 'Spotify gave a login that ends within the hour and cannot be renewed, so it was not kept. Try again.' });
    }
    const known = this.#rows.find(({ name }) => name === grant.username);
    const row: Row = { id: known?.id ?? hex(randomBytes(4)), name: grant.username, since: clock.now(), isSpent: false };
    await store.write(`web-login/${row.id}`, { id: row.id, refreshToken: grant.refreshToken.reveal() });
    this.#held.set(row.id, { token: grant.accessToken, expiry: clock.monotonic() + grant.life });
    await this.#replace(row);
    return this.#view(row);
  }

  /** A token that is valid for a minute at least. Rejects `accounts/web-login-needed` without a request once it is known to be over. */
  async accessToken(id: string, signal: AbortSignal): Promise<Secret<string>> {
    const row = this.#rows.find((one) => one.id === id);
    if (!row || row.isSpent || this.#view(row).ends <= this.#options.clock.now()) throw new TonearmError({ kind: 'unauthorized', ...loginNeeded() });
    const held = this.#held.get(id);
    if (held && held.expiry - margin > this.#options.clock.monotonic()) return held.token;
    let renewing = this.#renewing.get(id);
    if (!renewing) {
      // Not with the signal of one who waits: others wait, too, and an answer nobody reads would lose the new refresh token.
      renewing = this.#renew(row, this.#closing.signal).finally(() => this.#renewing.delete(id));
      this.#renewing.set(id, renewing);
    }
    return abortable(renewing, signal);
  }

  /** Wipes one, or all; says how many. */
  async forget(id: string | null): Promise<number> {
    const gone = this.#rows.filter((row) => id === null || row.id === id);
    // The rows first: a renewal under way sees that its login is gone, and brings nothing back.
    this.#rows = this.#rows.filter((row) => !gone.includes(row));
    for (const row of gone) {
      this.#held.delete(row.id);
      await this.#options.store.remove(`web-login/${row.id}`);
    }
    if (gone.length > 0) await this.#write();
    return gone.length;
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
    this.#closing.abort(new DOMException('Tonearm is closing.', 'AbortError'));
    this.#held.clear();
  }

  async #renew(row: Row, signal: AbortSignal): Promise<Secret<string>> {
    const { store, clock, oauth } = this.#options;
    const stored = Stored.safeParse(await store.read(`web-login/${row.id}`));
    const client = stored.success ? oauth() : null;
    if (!stored.success || !client) throw new TonearmError({ kind: 'unauthorized', ...loginNeeded() });
    try {
      const grant = await client.renew(new Secret(stored.data.refreshToken), signal);
      if (!this.#rows.includes(row)) throw new TonearmError({ kind: 'unauthorized', ...loginNeeded() });
      this.#held.set(row.id, { token: grant.accessToken, expiry: clock.monotonic() + grant.life });
      // The date stays that of the consent: renewing does not move the end.
      if (grant.refreshToken) await store.write(`web-login/${row.id}`, { id: row.id, refreshToken: grant.refreshToken.reveal() });
      return grant.accessToken;
    } catch (error) {
      if (toTonearmError(error).code !== 'accounts/grant-refused' || !this.#rows.includes(row)) throw error;
      this.#held.delete(row.id);
      await store.remove(`web-login/${row.id}`);
      await this.#replace({ ...row, isSpent: true });
      this.tell();
      throw new TonearmError({ kind: 'unauthorized', ...loginNeeded(), cause: error });
    } finally {
      client[Symbol.dispose]();
    }
  }

  async #replace(row: Row): Promise<void> {
    this.#rows = [...this.#rows.filter(({ id }) => id !== row.id), row];
    await this.#write();
  }

  async #write(): Promise<void> {
    await this.#options.store.write('web-logins', { rows: this.#rows });
    this.#options.onChange();
  }

  #view({ id, name, since, isSpent }: Row): WebLoginView {
    const now = this.#options.clock.now();
    const ends = endOf(since);
    const left = ends - now;
    return { id, name, since, ends, daysLeft: Math.max(Math.floor(left / day), 0), state: isSpent || left <= 0 ? 'login-needed' : left <= ahead ? 'ending' : 'ready' };
  }
}

/** Six calendar months later; the last day of the month where the day does not exist. */
export function endOf(consent: Millis): Millis {
  const from = new Date(consent);
  const to = new Date(consent);
  to.setUTCMonth(to.getUTCMonth() + lifeInMonths);
  if (to.getUTCDate() !== from.getUTCDate()) to.setUTCDate(0);
  return to.getTime();
}

function endsSoon({ daysLeft, ends }: WebLoginView): Notice {
  const when = new Date(ends).toISOString().slice(0, 10);
  return {
    code: 'accounts/web-login-ending',
    message: `The login for Spotify's web API ends in ${daysLeft} ${daysLeft === 1 ? 'day' : 'days'} (${when}); Spotify ends each one six months after the consent. Log in again with "tonearm login --web". Playing is another login and goes on.`,
  };
}

function loginNeeded(): Notice {
  return {
    code: 'accounts/web-login-needed',
    message: 'The login for Spotify\'s web API has ended. Log in again with "tonearm login --web". Playing is another login and goes on.',
  };
}
