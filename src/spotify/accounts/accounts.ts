import { setMaxListeners } from 'node:events';
import { abortable, Backoff, Emitter, Secret, sleep, throwIfAborted, toTonearmError, withTimeout, withEither, type TonearmError, type Clock, type Events, type Log } from '#foundation';
import type { CloudEndpoints, Credentials, Identity, SessionHost } from '../ports.ts';
import type { HttpClient } from '../web/http-client.ts';
import type { ServerClock } from '../web/server-clock.ts';
import type { Authority } from '../web/spclient.ts';
import { TokenBucket } from '../web/token-bucket.ts';
import { ClientTokens } from './client-token.ts';
import { login5, type Login5Grant, type Login5Options, type StoredCredential } from './login5.ts';

export interface AccountsOptions {
  readonly identity: Identity;
  readonly endpoints: Pick<CloudEndpoints, 'clientToken' | 'login5'>;
  readonly http: HttpClient;
  readonly host: SessionHost;
  readonly log: Log;
  readonly serverClock: ServerClock;
}

export interface AccountsEvents {
  token: { readonly token: Secret<string> };
  trouble: { readonly error: TonearmError };
  /** The account is refused for good. */
  refused: { readonly error: TonearmError };
}

interface Held {
  readonly token: Secret<string>;
  /** Monotonic. */
  readonly expiry: number;
}

/** Renewal this long before the end (`connect-session.md §8.5`). */
const margin = 60_000;
/** How long a request waits for a token that is being fetched. */
const tokenTime = 15_000;

/**
 * Keeps an access token at hand (`connect-session.md §8`): one loop fetches and renews it, everybody else waits for that
 * loop, so there is never more than one login at a time and never a storm of them.
 */
export class Accounts implements Authority, Disposable {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #login: Login5Options;
  readonly #clientTokens: ClientTokens;
  readonly #emitter: Emitter<AccountsEvents>;
  readonly #abort = new AbortController();
  readonly #pauses = new Backoff({ first: 1000, factor: 2, cap: 300_000 });
  readonly #forced = new TokenBucket(3, 30_000);
  /** To be tried in this order: what the last login5 gave, then what the access point gave. */
  #newest: StoredCredential | null = null;
  #base: StoredCredential | null = null;
  #isGuess = false;
  #isForced = false;
  #held: Held | null = null;
  #end: TonearmError | null = null;
  #lastError: TonearmError | null = null;
  #wake: () => void = () => undefined;
  #clientTokenMissing = false;

  constructor({ identity, endpoints, http, host, log, serverClock }: AccountsOptions) {
    this.#clock = host.clock;
    this.#log = log;
    this.#login = { identity, url: endpoints.login5, http, host, serverClock };
    this.#clientTokens = new ClientTokens({ identity, url: endpoints.clientToken, http, host, log, serverClock });
    // Every request that waits for a token listens.
    setMaxListeners(0, this.#abort.signal);
    this.#emitter = new Emitter((error) => log.error('A listener of the accounts failed.', { error }));
  }

  get events(): Events<AccountsEvents> {
    return this.#emitter;
  }

  /** Begins: the client token needs no credentials and is asked for at once. */
  start(): void {
    void this.#clientTokens.get(this.#abort.signal).catch(() => undefined);
    void this.#keep().catch((error: unknown) => {
      if (!this.#abort.signal.aborted) this.#refuse(toTonearmError(error, 'spotify/login-failed'));
    });
  }

  /** Logs in with these from now on; without any the loop waits. `isGuess`: not welcomed by the access point yet. */
  use(username: string, credentials: Credentials, isGuess = false): void {
    if (this.#base?.username !== username) this.#newest = null;
    this.#base = { username, data: credentials.data };
    this.#isGuess = isGuess;
    if (!this.#held) this.#wake();
  }

  /** Resolves with the first login, however long it takes; rejects when the account is refused. */
  async loggedIn(signal: AbortSignal): Promise<void> {
    await this.#next(signal);
  }

  async accessToken(signal: AbortSignal): Promise<Secret<string>> {
    const held = this.#usable();
    if (held) return held.token;
    const what = { code: 'spotify/no-token', message: 'Spotify has not answered the login yet; it is tried again by itself.' };
    try {
      return await withTimeout(this.#clock, tokenTime, what, signal, (both) => this.#next(both));
    } catch (error) {
      throw toTonearmError(error).code === what.code ? (this.#lastError ?? error) : error;
    }
  }

  async renew(refused: Secret<string>, signal: AbortSignal): Promise<void> {
    if (this.#held?.token === refused) {
      this.#log.debug('An access token was refused; a new one is fetched.');
      this.#held = null;
      this.#isForced = true;
      this.#wake();
    }
    await this.accessToken(signal);
  }

  async clientToken(signal: AbortSignal): Promise<Secret<string> | null> {
    try {
      const token = await this.#clientTokens.get(signal);
      this.#clientTokenMissing = false;
      return token;
    } catch (error) {
      if (signal.aborted) throw error;
      if (!this.#clientTokenMissing) this.#log.warn('Spotify gives no client token; requests are made without it and may be refused.', { code: toTonearmError(error).code });
      this.#clientTokenMissing = true;
      return null;
    }
  }

  dropClientToken(refused: Secret<string>): void {
    this.#clientTokens.drop(refused);
  }

  [Symbol.dispose](): void {
    this.#abort.abort(new DOMException('The session is closing.', 'AbortError'));
  }

  async #keep(): Promise<void> {
    const signal = this.#abort.signal;
    while (!signal.aborted) {
      const credential = this.#newest ?? this.#base;
      if (!credential) {
        await this.#sleep(null);
        continue;
      }
      // A token that was refused early is replaced at once, but not again and again.
      const wait = this.#isForced ? this.#forced.take(this.#clock.monotonic()) : 0;
      this.#isForced = false;
      if (wait > 0) await sleep(this.#clock, wait, signal);
      let pause: number;
      try {
        const clientToken = await this.#clientTokens.get(signal);
        try {
          pause = this.#granted(await login5(this.#login, credential, clientToken, signal), credential);
        } catch (error) {
          if (toTonearmError(error).code === 'spotify/client-token-expired') this.#clientTokens.drop(clientToken);
          throw error;
        }
      } catch (thrown) {
        throwIfAborted(signal);
        const error = toTonearmError(thrown, 'spotify/login-failed');
        if (this.#dropped(credential, error)) continue;
        if (isFinal(error)) {
          this.#refuse(error);
          return;
        }
        this.#lastError = error;
        this.#log.warn(error.message, { code: error.code });
        this.#emitter.emit('trouble', { error });
        pause = Math.max(this.#pauses.next(), error.retryAfter ?? 0);
        await sleep(this.#clock, pause, signal);
        continue;
      }
      await this.#sleep(pause);
    }
  }

  /** Notes the new token; returns when to fetch the next one. */
  #granted({ accessToken, expiresIn, storedCredential }: Login5Grant, credential: StoredCredential): number {
    const life = Math.max(expiresIn, 1) * 1000;
    const token = new Secret(accessToken);
    this.#held = { token, expiry: this.#clock.monotonic() + life };
    this.#lastError = null;
    this.#pauses.reset();
    if (storedCredential.length > 0) this.#newest = { username: credential.username, data: new Secret<Uint8Array>(storedCredential) };
    this.#emitter.emit('token', { token });
    return Math.max(life - margin, life / 2, 1000);
  }

  /** True when other credentials are left to try: what login5 gave before those of the access point, guessed before welcomed. */
  #dropped(credential: StoredCredential, error: TonearmError): boolean {
    if (error.code !== 'spotify/credentials-refused') return false;
    if (credential === this.#newest) {
      this.#newest = null;
      return this.#base !== null;
    }
    // A guess may be wrong without consequence: the access point has the last word.
    if (credential === this.#base && this.#isGuess) this.#base = null;
    return credential !== this.#base;
  }

  async #next(signal: AbortSignal): Promise<Secret<string>> {
    if (this.#end) throw this.#end;
    const held = this.#usable();
    if (held) return held.token;
    const stop = new AbortController();
    return withEither(this.#abort.signal, signal, (either) =>
      withEither(either, stop.signal, async (stopped) => {
        try {
          return await Promise.race([
            this.#emitter.once('token', { signal: stopped }).then(({ token }) => token),
            this.#emitter.once('refused', { signal: stopped }).then(({ error }) => {
              throw error;
            }),
          ]);
        } finally {
          stop.abort();
        }
      }),
    );
  }

  #usable(): Held | null {
    return this.#held && this.#clock.monotonic() < this.#held.expiry ? this.#held : null;
  }

  /** Until woken, or for `delay` at most; `null`: until woken. */
  async #sleep(delay: number | null): Promise<void> {
    const waking = new AbortController();
    this.#wake = () => waking.abort();
    await withEither(this.#abort.signal, waking.signal, async (signal) => {
      const never = new Promise<void>(() => undefined);
      await (delay === null ? abortable(never, signal) : sleep(this.#clock, delay, signal)).catch(() => undefined);
    });
    this.#wake = () => undefined;
  }

  #refuse(error: TonearmError): void {
    this.#end = error;
    this.#emitter.emit('refused', { error });
  }
}

function isFinal({ kind, code }: TonearmError): boolean {
  return kind === 'unauthorized' || code === 'spotify/login-impossible';
}
