import { randomBytes } from 'node:crypto';
import type { LoginMethod, LoginPurpose, LoginView } from '#core';
import { abortable, hex, isAbort, sameBytes, sleep, throwIfAborted, TonearmError, toTonearmError, type Clock, type Log } from '#foundation';
import { makeProof, readRedirect, type DevicePoll, type DeviceStart, type Grant, type OAuth, type Proof } from '#spotify';
import { openCallback, type Callback } from './callback.ts';
import { qrOf } from './qr.ts';

/** How long a browser login may take. */
const browserTime = 10 * 60_000;
/** Added to the interval when Spotify asks for patience (RFC 8628 §3.5). */
const slower = 5000;
/** Logins that may be under way at once; the oldest makes room. */
const most = 4;
/** Logins that are over and still told about. */
const mostOver = 8;

export interface LoginsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** A client for one login; its owner closes it. Throws when this purpose is not configured. */
  readonly oauth: (purpose: LoginPurpose) => OAuth;
  /** The person has agreed: use it. Resolves with the account's name, if known. */
  readonly onGrant: (grant: Grant, login: LoginView, signal: AbortSignal) => Promise<string | null>;
  readonly onChange: (login: LoginView) => void;
}

type Base = Pick<LoginView, 'id' | 'method' | 'purpose' | 'zones' | 'status' | 'account' | 'error'>;

interface Running {
  view: LoginView;
  /** In the address of its page: 16 random bytes. */
  readonly key: string;
  readonly abort: AbortController;
  readonly over: Promise<LoginView>;
  /** Only of browser logins. */
  readonly returned: ((address: string) => Promise<LoginView>) | null;
}

/** The logins somebody has begun, each on its way until it is agreed to, refused, cancelled or too late. */
export class Logins implements AsyncDisposable {
  readonly #options: LoginsOptions;
  readonly #running = new Map<string, Running>();
  /** Where pages are served, if they are. */
  #pages: string | null = null;
  #isClosed = false;

  constructor(options: LoginsOptions) {
    this.#options = options;
  }

  get views(): readonly LoginView[] {
    return [...this.#running.values()].map(({ view }) => view);
  }

  async begin({ method, purpose, zones }: { readonly method: LoginMethod; readonly purpose: LoginPurpose; readonly zones: readonly string[] }): Promise<LoginView> {
    this.#makeRoom();
    const oauth = this.#options.oauth(purpose);
    const base = { id: hex(randomBytes(4)), method, purpose, zones, status: 'waiting', account: null, error: null } as const;
    try {
      return method === 'code' ? await this.#beginCode(base, oauth) : await this.#beginBrowser(base, oauth);
    } catch (error) {
      oauth[Symbol.dispose]();
      throw error;
    }
  }

  paste(id: string, address: string): Promise<LoginView> {
    const { returned, view } = this.#get(id);
    if (!returned) throw new TonearmError({ kind: 'conflict', code: 'accounts/nothing-to-paste', message: 'This login uses a code: nothing has to be pasted. Type the code at the address that was shown.' });
    if (view.status !== 'waiting') throw new TonearmError({ kind: 'conflict', code: 'accounts/login-over', message: 'This login is over. Begin a new one.' });
    return returned(address);
  }

  async wait(id: string, signal?: AbortSignal): Promise<LoginView> {
    const { over } = this.#get(id);
    return signal ? abortable(over, signal) : over;
  }

  cancel(id: string): LoginView {
    const login = this.#get(id);
    login.abort.abort(cancelled());
    return login.view;
  }

  byKey(key: string): LoginView | null {
    for (const login of this.#running.values()) if (sameText(login.key, key)) return login.view;
    return null;
  }

  servePages(base: string): Disposable {
    this.#pages = base;
    return { [Symbol.dispose]: () => void (this.#pages = null) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#running.values()];
    for (const { abort } of all) abort.abort(cancelled());
    await Promise.all(all.map(({ over }) => over));
    this.#running.clear();
  }

  async #beginCode(base: Base, oauth: OAuth): Promise<LoginView> {
    const { clock } = this.#options;
    const abort = new AbortController();
    const start = await oauth.startDevice(abort.signal);
    const address = start.completeAddress ?? start.address;
    const view = { ...base, address, code: start.userCode, qr: await qrOf(address), ends: clock.now() + start.life };
    return this.#run(view, abort, oauth, (signal) => this.#pollUntilAgreed(oauth, start, signal), null);
  }

  async #beginBrowser(base: Base, oauth: OAuth): Promise<LoginView> {
    const { clock, log } = this.#options;
    const abort = new AbortController();
    const proof = makeProof();
    let give: (code: string) => void = () => undefined;
    let refuse: (error: TonearmError) => void = () => undefined;
    const brought = new Promise<string>((resolve, reject) => ([give, refuse] = [resolve, reject]));
    brought.catch(() => undefined);
    const returned = (address: string): Promise<LoginView> => {
      // A wrong address is the mistake of whoever pasted it: said, and the login goes on waiting.
      const found = readRedirect(address, proof.state);
      if (found.kind === 'code') give(found.code);
      else refuse(denied());
      return this.wait(base.id);
    };
    const callback = await openCallback({ log, onReturn: async (address) => sayHowItEnded(await returned(address)) });
    const address = oauth.authorizeAddress({ redirect: callback.redirect, challenge: proof.challenge, state: proof.state });
    const view = { ...base, address, code: null, qr: null, ends: clock.now() + browserTime };
    return this.#run(view, abort, oauth, (signal) => this.#redeem(oauth, callback, proof, brought, signal), returned);
  }

  /** Starts what leads to the grant and sees it to its end. */
  #run(given: Omit<LoginView, 'page'>, abort: AbortController, oauth: OAuth, grant: (signal: AbortSignal) => Promise<Grant>, returned: Running['returned']): LoginView {
    const { clock, log, onGrant, onChange } = this.#options;
    const { id } = given;
    const key = randomBytes(16).toString('base64url');
    const view: LoginView = { ...given, page: this.#pages === null ? null : `${this.#pages}/login/${key}` };
    const show = (change: Partial<LoginView>): LoginView => {
      login.view = { ...login.view, ...change };
      onChange(login.view);
      return login.view;
    };
    const work = async (): Promise<LoginView> => {
      const late = clock.timer(view.ends - clock.now(), () => abort.abort(tooLate()));
      try {
        const granted = await grant(abort.signal);
        // From here on the person has done their part; only a cancellation stops it.
        late[Symbol.dispose]();
        show({ status: 'finishing' });
        const account = await onGrant(granted, login.view, abort.signal);
        return show({ status: 'done', account, code: null, qr: null });
      } catch (thrown) {
        const error = toTonearmError(abort.signal.aborted ? abort.signal.reason : thrown, 'accounts/login-failed');
        if (!isAbort(error)) log.warn(error.message, { code: error.code, login: id });
        return show({ status: isAbort(error) ? 'cancelled' : 'failed', error: { code: error.code, message: error.message }, code: null, qr: null });
      } finally {
        late[Symbol.dispose]();
        oauth[Symbol.dispose]();
      }
    };
    let begin: () => void = () => undefined;
    const over = new Promise<void>((resolve) => (begin = resolve)).then(work);
    const login: Running = { view, key, abort, over, returned };
    // Again, because others may have begun while this one asked for its code.
    this.#makeRoom();
    this.#running.set(id, login);
    if (this.#isClosed) abort.abort(cancelled());
    onChange(view);
    begin();
    return view;
  }

  async #pollUntilAgreed(oauth: OAuth, start: DeviceStart, signal: AbortSignal): Promise<Grant> {
    const { clock, log } = this.#options;
    let { interval } = start;
    for (;;) {
      await sleep(clock, interval, signal);
      let poll: DevicePoll;
      try {
        poll = await oauth.pollDevice(start.deviceCode, signal);
      } catch (thrown) {
        throwIfAborted(signal);
        const error = toTonearmError(thrown);
        if (error.kind !== 'unavailable' && error.kind !== 'timeout') throw error;
        // RFC 8628 §3.5: a connection that fails is tried at growing distances.
        log.debug(error.message, { code: error.code });
        interval = Math.max(Math.min(interval * 2, 60_000), error.retryAfter ?? 0);
        continue;
      }
      if (poll.kind === 'granted') return poll.grant;
      if (poll.kind === 'denied') throw denied();
      if (poll.kind === 'expired') throw tooLate();
      if (poll.kind === 'slower') interval += slower;
    }
  }

  async #redeem(oauth: OAuth, callback: Callback, proof: Proof, brought: Promise<string>, signal: AbortSignal): Promise<Grant> {
    try {
      const code = await abortable(brought, signal);
      return await oauth.redeem({ code, redirect: callback.redirect, verifier: proof.verifier }, signal);
    } finally {
      // Its last answer may still wait for the outcome of this login.
      void callback[Symbol.asyncDispose]();
    }
  }

  #get(id: string): Running {
    const login = this.#running.get(id);
    if (login) return login;
    throw new TonearmError({ kind: 'not-found', code: 'accounts/no-such-login', message: 'There is no login with this id; it may be over. Begin a new one.' });
  }

  #makeRoom(): void {
    const isOpen = ({ view }: Running) => view.status === 'waiting' || view.status === 'finishing';
    const all = [...this.#running.values()];
    const over = all.filter((login) => !isOpen(login));
    for (const { view } of over.slice(0, Math.max(over.length - mostOver, 0))) this.#running.delete(view.id);
    const open = all.filter(isOpen);
    for (const { abort } of open.slice(0, Math.max(open.length - most + 1, 0))) abort.abort(cancelled());
  }
}

/** For the person in front of the browser. */
export function sayHowItEnded({ status, error }: LoginView): string {
  return status === 'done' ? 'You are logged in. This page can be closed.' : (error?.message ?? 'The login is under way.');
}

function denied(): TonearmError {
  return new TonearmError({ kind: 'forbidden', code: 'accounts/login-denied', message: 'The login was declined in the browser, so nobody was logged in. Begin again to try once more.' });
}

function tooLate(): TonearmError {
  return new TonearmError({ kind: 'timeout', code: 'accounts/login-expired', message: 'Nobody agreed to the login in time, so it is over. Begin again to get a new code or link.' });
}

function cancelled(): TonearmError {
  return new TonearmError({ kind: 'cancelled', code: 'accounts/login-cancelled', message: 'The login was cancelled.' });
}

function sameText(a: string, b: string): boolean {
  return sameBytes(Buffer.from(a), Buffer.from(b));
}
