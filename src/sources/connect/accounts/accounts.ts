import type { Accounts, AccountsEvents, AccountsPicture, GuestQuestion, Host, LoginPurpose, LoginRequest, LoginView, Notice } from '#core';
import { Emitter, every, maskUser, Scope, Secret, TonearmError, toTonearmError, type Events, type Log } from '#foundation';
import { defaultClientId, openOAuth, playbackScopes, webScopes, type CloudEndpoints, type Grant, type NetworkOptions, type OAuth } from '#spotify';
import { AuthType } from '#spotify/wire';
import { accountId } from './account-id.ts';
import type { GuestRules } from './guests.ts';
import { LoginBook } from './login-book.ts';
import { Logins } from './logins.ts';
import { Questions } from './questions.ts';
import { Reception } from './reception.ts';
import { WebLogins } from './web-logins.ts';

export interface AccountsSettings {
  readonly guests: GuestRules['policy'];
  /** Seconds. */
  readonly askFor: number;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly owners: readonly string[];
  /** Hours; 0 for never. */
  readonly forgetAfter: number;
  /** For the web API; playing needs none. */
  readonly web?: { readonly clientId: string } | undefined;
}

export const usualAccounts: AccountsSettings = { guests: 'last-wins', askFor: 60, allow: [], deny: [], owners: [], forgetAfter: 0 };

export interface AccountsOptions {
  readonly settings?: AccountsSettings | undefined;
  readonly zones: readonly { readonly id: string; readonly name: string }[];
  readonly endpoints: CloudEndpoints;
  readonly network?: NetworkOptions | undefined;
  readonly host: Pick<Host, 'clock' | 'log' | 'store' | 'version'>;
}

/** The accounts of the whole daemon, with the inside that receivers need. */
export interface OpenAccounts extends Accounts, AsyncDisposable {
  /** The front desk of a zone. */
  reception(zone: string): Reception;
  /** For looking things up; see `WebLogins.accessToken`. */
  webToken(id: string, signal: AbortSignal): Promise<Secret<string>>;
}

const tidyPeriod = 60_000;

/** Reads what is remembered. Needs no cloud: that is asked when somebody logs in. */
export async function openAccounts(options: AccountsOptions): Promise<OpenAccounts> {
  const accounts = new ConnectAccounts(options);
  try {
    await accounts.open();
    return accounts;
  } catch (error) {
    await accounts[Symbol.asyncDispose]();
    throw error;
  }
}

class ConnectAccounts implements OpenAccounts {
  readonly #options: AccountsOptions;
  readonly #settings: AccountsSettings;
  readonly #log: Log;
  readonly #scope = new Scope();
  readonly #emitter: Emitter<AccountsEvents>;
  readonly #receptions = new Map<string, Reception>();
  readonly #questions: Questions;
  readonly #logins: Logins;
  readonly #web: WebLogins;

  constructor(options: AccountsOptions) {
    const { host } = options;
    const { clock } = host;
    this.#options = options;
    this.#settings = options.settings ?? usualAccounts;
    this.#log = host.log.child('accounts');
    this.#emitter = new Emitter((error) => this.#log.error('A listener of the accounts failed', { error }));
    this.#questions = new Questions({ clock, time: this.#settings.askFor * 1000, tell: (event) => this.#asked(event) });
    this.#logins = this.#scope.use(
      new Logins({
        clock,
        log: this.#log,
        oauth: (purpose) => this.#oauth(purpose),
        onGrant: (grant, login, signal) => this.#granted(grant, login, signal),
        onChange: (login) => {
          this.#emitter.emit('login', login);
          this.#changed();
        },
      }),
    );
    this.#web = this.#scope.use(
      new WebLogins({
        store: host.store.sealed,
        clock,
        log: this.#log,
        oauth: () => (this.#settings.web ? this.#oauth('web') : null),
        onChange: () => this.#changed(),
        onEnding: (login, notice) => this.#emitter.emit('ending', { login, notice }),
      }),
    );
  }

  async open(): Promise<void> {
    const { zones, host } = this.#options;
    const { allow, deny, owners, guests, forgetAfter } = this.#settings;
    const { clock } = host;
    for (const zone of zones) {
      const book = await LoginBook.open({ store: host.store.sealed, zone: zone.id, log: this.#log, now: clock.now() });
      this.#receptions.set(
        zone.id,
        new Reception({
          zone,
          rules: { policy: guests, allow, deny, owners },
          forgetAfter: forgetAfter > 0 ? forgetAfter * 3_600_000 : null,
          book,
          questions: this.#questions,
          clock,
          log: this.#log,
          onRefused: (account, why) => this.#refused(zone.id, account, why),
          onChange: () => this.#changed(),
        }),
      );
      this.#scope.defer(() => book.settled());
    }
    await this.#web.open();
    this.#scope.use(every(clock, tidyPeriod, () => void this.#tidy()));
    await this.#tidy();
    // Whoever listens is not there yet while we open.
    this.#scope.use(clock.timer(1000, () => this.#web.tell()));
  }

  get events(): Events<AccountsEvents> {
    return this.#emitter.events;
  }

  get picture(): AccountsPicture {
    return {
      accounts: [...this.#receptions.values()].flatMap(({ views }) => views),
      web: this.#web.views,
      logins: this.#logins.views,
      questions: this.#questions.views,
    };
  }

  reception(zone: string): Reception {
    const found = this.#receptions.get(zone);
    if (found) return found;
    throw new TonearmError({ kind: 'not-found', code: 'accounts/no-such-zone', message: `There is no zone "${zone.slice(0, 64)}". Known are ${[...this.#receptions.keys()].join(', ')}.` });
  }

  async login({ method, purpose = 'playback', zone }: LoginRequest): Promise<LoginView> {
    const zones = purpose === 'web' ? [] : zone === undefined ? [...this.#receptions.keys()] : [this.reception(zone).zone.id];
    return this.#logins.begin({ method, purpose, zones });
  }

  async paste(id: string, address: string): Promise<LoginView> {
    return this.#logins.paste(id, address);
  }

  wait(id: string, signal?: AbortSignal): Promise<LoginView> {
    return this.#logins.wait(id, signal);
  }

  cancel(id: string): LoginView {
    return this.#logins.cancel(id);
  }

  byKey(key: string): LoginView | null {
    return this.#logins.byKey(key);
  }

  servePages(base: string): Disposable {
    return this.#logins.servePages(base);
  }

  async logout({ account, zone }: { readonly account?: string | undefined; readonly zone?: string | undefined }): Promise<number> {
    const receptions = zone === undefined ? [...this.#receptions.values()] : [this.reception(zone)];
    let count = 0;
    for (const reception of receptions) {
      for (const { username } of reception.book.rows.filter((row) => account === undefined || isMeant(account, row.username))) {
        const { seat, book } = reception;
        // Also one whose login is still under way.
        const isSeated = seat?.user === username || (seat?.user === null && book.active?.username === username);
        if (seat && isSeated) await seat.logOut('The owner logged the account out.');
        else await book.forget(username);
        count += 1;
      }
    }
    if (zone === undefined) {
      const web = this.#web.views.filter(({ id, name }) => account === undefined || id === account || (name !== null && isMeant(account, name)));
      for (const { id } of web) count += await this.#web.forget(id);
    }
    if (count === 0 && account !== undefined) throw noSuchAccount(account);
    this.#changed();
    return count;
  }

  async use({ account, zone }: { readonly account: string; readonly zone?: string | undefined }): Promise<void> {
    const receptions = zone === undefined ? [...this.#receptions.values()] : [this.reception(zone)];
    const found = receptions.flatMap((reception) => reception.book.rows.filter(({ username }) => isMeant(account, username)).map(({ username, isSpent }) => ({ reception, username, isSpent })));
    if (found.length === 0) throw noSuchAccount(account);
    for (const { reception, username, isSpent } of found) {
      if (isSpent) throw new TonearmError({ kind: 'unauthorized', code: 'accounts/login-needed', message: `Spotify no longer accepts what is stored of this account for “${reception.zone.name}”. Log in again with a phone, or with "tonearm login".` });
      if (reception.seat?.user !== username) await reception.seat?.restore(username);
      // The owner wants it: not to be forgotten a minute later.
      await reception.book.touch(username, this.#options.host.clock.now(), true);
    }
  }

  answer(question: string | undefined, allow: boolean): GuestQuestion {
    return this.#questions.answer(question, allow);
  }

  webToken(id: string, signal: AbortSignal): Promise<Secret<string>> {
    return this.#web.accessToken(id, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }

  #oauth(purpose: LoginPurpose): OAuth {
    const { endpoints, network, host } = this.#options;
    const base = { endpoints, network, clock: host.clock, version: host.version };
    // Tokens of other applications are not accepted for playing, and ours is of no use for looking things up.
    if (purpose === 'playback') return openOAuth({ ...base, clientId: defaultClientId, scopes: playbackScopes });
    const { web } = this.#settings;
    if (!web) {
      throw new TonearmError({
        kind: 'invalid',
        code: 'accounts/no-client-id',
        message: 'A login for the web API needs an application of your own: make one at developer.spotify.com, give it the redirect address http://127.0.0.1:5588/login, and write its client id into the settings as accounts.web.clientId. Playing works without.',
      });
    }
    return openOAuth({ ...base, clientId: web.clientId, scopes: webScopes });
  }

  async #granted(grant: Grant, { purpose, zones, method }: LoginView, signal: AbortSignal): Promise<string | null> {
    if (purpose === 'web') return (await this.#web.remember(grant)).name;
    // Only what the access point gives in exchange is kept; this token and its refresh token end here (§9.6).
    const credentials = { username: null, type: AuthType.token, data: new Secret<Uint8Array>(Buffer.from(grant.accessToken.reveal())) };
    const outcomes = await Promise.all(
      zones.map(async (id) => {
        const { seat, zone } = this.reception(id);
        try {
          if (!seat) throw new TonearmError({ kind: 'unavailable', code: 'accounts/zone-closed', message: `“${zone.name}” is closing, so nobody was logged in there.` });
          return { name: await seat.logIn(credentials, method, signal), error: null };
        } catch (error) {
          return { name: null, error: toTonearmError(error) };
        }
      }),
    );
    const failed = outcomes.find(({ error }) => error !== null);
    if (failed?.error) throw failed.error;
    return outcomes[0]?.name ?? grant.username;
  }

  #asked(event: AccountsEvents['question']): void {
    const { question, answer } = event;
    const said = { open: 'A guest wants the speaker; the owner is asked', yes: 'The owner lets the guest in', no: 'The owner turned the guest down', expired: 'Nobody answered; the guest was turned down', withdrawn: 'The guest has gone away' }[answer];
    this.#log.info(said, { zone: question.zone, guest: maskUser(question.account), question: question.id });
    this.#emitter.emit('question', event);
    this.#changed();
  }

  #refused(zone: string, account: string, why: Notice): void {
    this.#log.info(why.message, { code: why.code, account: maskUser(account) });
    this.#emitter.emit('refused', { zone, account, why });
  }

  async #tidy(): Promise<void> {
    for (const reception of this.#receptions.values()) {
      await reception.tidy().catch((error: unknown) => this.#log.warn('What is remembered of accounts could not be tidied', { code: toTonearmError(error).code }));
    }
  }

  #changed(): void {
    this.#emitter.emit('changed', this.picture);
  }
}

function isMeant(account: string, username: string): boolean {
  return account.toLowerCase() === username.toLowerCase() || account.toLowerCase() === accountId(username);
}

function noSuchAccount(account: string): TonearmError {
  return new TonearmError({ kind: 'not-found', code: 'accounts/no-such-account', message: `No account ${JSON.stringify(account.slice(0, 64))} is remembered. "tonearm accounts" lists those that are.` });
}
