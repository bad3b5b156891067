import type { AccountView, LoginWay, Notice } from '#core';
import type { Clock, Log, TonearmError } from '#foundation';
import type { Credentials, Visitor } from '#spotify';
import { accountId } from './account-id.ts';
import { isDenied, isListed, judgeVisit, refusal, type GuestRules } from './guests.ts';
import type { LoginBook } from './login-book.ts';
import type { Questions } from './questions.ts';

/** The place in a zone that one account at a time has. */
export interface Seat {
  /** Canonical name of who has it. */
  readonly user: string | null;
  readonly isPlaying: boolean;
  /** Logs in whatever the guest rules say: the owner wants it. Resolves with the canonical name, rejects with why not. */
  logIn(credentials: Credentials, how: LoginWay, signal: AbortSignal): Promise<string>;
  /** Logs in with what the book has. */
  restore(username: string): Promise<void>;
  /** Ends the login and wipes what is stored of it. */
  logOut(why: string): Promise<void>;
}

export interface ReceptionOptions {
  readonly zone: { readonly id: string; readonly name: string };
  readonly rules: GuestRules;
  /** Milliseconds after its last use that a guest is forgotten; null for never. */
  readonly forgetAfter: number | null;
  readonly book: LoginBook;
  readonly questions: Questions;
  readonly clock: Clock;
  readonly log: Log;
  readonly onRefused: (account: string, why: Notice) => void;
  readonly onChange: () => void;
}

/** How much later a use must be to be worth writing down. */
const worthWriting = 15 * 60_000;

/** One zone's front desk: who may come in, who is remembered, who is to be forgotten. */
export class Reception {
  readonly #options: ReceptionOptions;
  #seat: Seat | null = null;
  #written = 0;

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  get zone(): ReceptionOptions['zone'] {
    return this.#options.zone;
  }

  get book(): LoginBook {
    return this.#options.book;
  }

  get seat(): Seat | null {
    return this.#seat;
  }

  attach(seat: Seat): Disposable {
    this.#seat = seat;
    return { [Symbol.dispose]: () => void (this.#seat = this.#seat === seat ? null : this.#seat) };
  }

  /** Whether it makes sense to look at a pairing of this account at all: what is turned down here disturbs nobody. */
  mayPair(visitor: Visitor): boolean {
    const verdict = this.#judge(visitor);
    if (verdict !== 'denied' && verdict !== 'occupied') return true;
    this.#turnDown(visitor.user, refusal(verdict, this.zone.name));
    return false;
  }

  /** Whether somebody who only is in the network may log out who has the speaker, or is about to: not where guests may not simply take it. */
  mayReset(): boolean {
    const { rules: { policy, allow } } = this.#options;
    return this.#holder === null || (policy === 'last-wins' && allow.length === 0);
  }

  /** Resolves when the visitor may log in; rejects with why not. May take as long as the owner thinks about it. */
  async admit(visitor: Visitor, signal: AbortSignal): Promise<void> {
    const verdict = this.#judge(visitor);
    if (verdict === 'welcome') return;
    if (verdict !== 'ask') throw this.#turnDown(visitor.user, refusal(verdict, this.zone.name));
    const { questions, zone } = this.#options;
    const answer = await questions.ask({ zone: zone.id, account: visitor.user ?? '', phone: visitor.phone, active: this.#holder ?? '' }, signal);
    if (answer !== 'yes') throw this.#turnDown(visitor.user, refusal(answer, zone.name));
  }

  /** The login has told who it is: throws when the lists do not let that account in. */
  verify(username: string): void {
    if (isDenied(this.#options.rules, username)) throw this.#turnDown(username, refusal('denied', this.zone.name));
  }

  /** Why the account that is logged in at the start of the zone must not be; null when it may. */
  mayStay(username: string): boolean {
    return !isDenied(this.#options.rules, username);
  }

  /** Notes who uses the zone, and forgets guests whose time is over. Called now and then. */
  async tidy(): Promise<void> {
    const { book, clock, forgetAfter, rules, zone } = this.#options;
    const now = clock.now();
    const seat = this.#seat;
    if (seat?.user != null && seat.isPlaying) {
      const isWorthIt = now - this.#written >= worthWriting;
      if (isWorthIt) this.#written = now;
      await book.touch(seat.user, now, isWorthIt);
    }
    if (forgetAfter === null) return;
    for (const { username, used } of book.rows) {
      if (isListed(rules.owners, username) || used + forgetAfter > now) continue;
      if (seat?.user === username) await seat.logOut(`A guest has not used “${zone.name}” for ${Math.round(forgetAfter / 3_600_000)} hours and is forgotten.`);
      else await book.forget(username);
      this.#options.onChange();
    }
  }

  changed(): void {
    this.#options.onChange();
  }

  get views(): readonly AccountView[] {
    const { book, forgetAfter, rules, zone } = this.#options;
    return book.rows.map(({ username, way, since, used, isSpent }) => ({
      id: accountId(username),
      name: username,
      zone: zone.id,
      active: this.#seat?.user === username,
      way,
      since,
      used,
      forgotten: forgetAfter === null || isListed(rules.owners, username) ? null : used + forgetAfter,
      state: isSpent ? 'login-needed' : 'ready',
    }));
  }

  /** Who has the speaker: also while a login is under way, or the cloud away, it is not free for the taking. */
  get #holder(): string | null {
    return this.#seat?.user ?? this.#options.book.active?.username ?? null;
  }

  #judge({ user }: Visitor): ReturnType<typeof judgeVisit> {
    return judgeVisit(this.#options.rules, { user, current: this.#holder, isPlaying: this.#seat?.isPlaying ?? false });
  }

  #turnDown(user: string | null, error: TonearmError): TonearmError {
    this.#options.onRefused(user ?? '', { code: error.code, message: error.message });
    return error;
  }
}
