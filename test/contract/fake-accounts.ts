import type { Accounts, AccountsEvents, AccountsPicture, GuestQuestion, LoginView } from '#core';
import { Emitter, type TonearmError } from '#foundation';

export const login: LoginView = {
  id: '0a0b0c0d', method: 'code', purpose: 'playback', zones: ['kitchen'], status: 'waiting', address: 'https://spotify.com/pair?code=ABCD1234', code: 'ABCD1234',
  qr: { text: '██\n██', svg: '<svg xmlns="http://www.w3.org/2000/svg"></svg>' }, page: null, ends: Date.UTC(2026, 10, 22), account: null, error: null,
};

export const question: GuestQuestion = { id: '11112222', zone: 'kitchen', account: 'somebody', phone: 'A phone', active: 'listener', asked: 0, ends: 60_000 };

/** Accounts that remember what they were asked, and say what a test wants. */
export class FakeAccounts implements Accounts {
  readonly emitter = new Emitter<AccountsEvents>();
  readonly events = this.emitter.events;
  readonly asked: unknown[][] = [];
  pages: string | null = null;
  /** What the page shows under the key of 22 letters `k`. */
  view: LoginView = login;
  error: TonearmError | null = null;
  picture: AccountsPicture = {
    accounts: [{ id: 'aaaabbbb', name: 'listener', zone: 'kitchen', active: true, way: 'phone', since: 0, used: 1000, forgotten: null, state: 'ready' }],
    web: [{ id: 'ccccdddd', name: 'listener', since: 0, ends: 86_400_000, daysLeft: 1, state: 'ending' }],
    logins: [{ ...login, page: 'http://speaker/login/key' }],
    questions: [question],
  };

  login = (request: unknown) => this.#did(['login', request], this.view);
  paste = (id: string, address: string) => this.#did(['paste', id, address], { ...this.view, status: 'done' as const });
  wait = (id: string) => this.#did(['wait', id], { ...this.view, status: 'done' as const, account: 'listener' });
  logout = (which: unknown) => this.#did(['logout', which], 1);
  use = (which: unknown) => this.#did(['use', which], undefined);

  cancel(id: string): LoginView {
    this.asked.push(['cancel', id]);
    return this.view;
  }

  answer(id: string | undefined, allow: boolean): GuestQuestion {
    this.asked.push(['answer', id, allow]);
    return question;
  }

  byKey(key: string): LoginView | null {
    return key === 'k'.repeat(22) ? this.view : null;
  }

  servePages(base: string): Disposable {
    this.pages = base;
    return { [Symbol.dispose]: () => void (this.pages = null) };
  }

  #did<T>(what: unknown[], result: T): Promise<T> {
    this.asked.push(what);
    return this.error ? Promise.reject(this.error) : Promise.resolve(result);
  }
}
