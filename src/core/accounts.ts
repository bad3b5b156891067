import type { Events } from '#foundation';
import type { Notice } from './player.ts';
import type { Millis } from './units.ts';

/** How somebody logs in without a phone beside the speaker: with a short code on another screen, or in a browser. */
export type LoginMethod = 'code' | 'browser';

/** What a login is for. Spotify keeps playing and looking things up apart, so these are two logins and two stores. */
export type LoginPurpose = 'playback' | 'web';

export interface LoginRequest {
  readonly method: LoginMethod;
  /** `playback` unless told. */
  readonly purpose?: LoginPurpose | undefined;
  /** Id of the zone; all of them unless told. */
  readonly zone?: string | undefined;
}

/** A login under way. */
export interface LoginView {
  readonly id: string;
  readonly method: LoginMethod;
  readonly purpose: LoginPurpose;
  /** Ids of the zones it is for. */
  readonly zones: readonly string[];
  /** `finishing`: the person has agreed, the speakers are logging in. */
  readonly status: 'waiting' | 'finishing' | 'done' | 'failed' | 'cancelled';
  /** To be opened in any browser. */
  readonly address: string;
  /** To be typed there, if the address does not hold it already. */
  readonly code: string | null;
  /** The address as a QR code: lines of half blocks for a terminal, and a picture. Null where the address is too long for one. */
  readonly qr: { readonly text: string; readonly svg: string } | null;
  /** Our own page for this login, while one is open; whoever knows the address can complete it. */
  readonly page: string | null;
  /** Unix time after which it is over. */
  readonly ends: Millis;
  /** Who logged in, once known. */
  readonly account: string | null;
  readonly error: Notice | null;
}

export type LoginWay = 'phone' | LoginMethod;

/** An account a zone remembers. */
export interface AccountView {
  /** Eight hex digits made from the name, to be used instead of it. */
  readonly id: string;
  /** Canonical name. It is the owner's to see: not for logs, topics or guests. */
  readonly name: string;
  readonly zone: string;
  /** Logged in there right now. */
  readonly active: boolean;
  readonly way: LoginWay;
  /** Unix time of the first login. */
  readonly since: Millis;
  /** Unix time of the last login or the last music. */
  readonly used: Millis;
  /** Unix time at which it is forgotten unless it plays again; null for never. */
  readonly forgotten: Millis | null;
  /** `login-needed`: Spotify no longer accepts what is stored. */
  readonly state: 'ready' | 'login-needed';
}

/** A login for looking things up in Spotify's web API; plays nothing. */
export interface WebLoginView {
  readonly id: string;
  readonly name: string | null;
  readonly since: Millis;
  /** Unix time at which Spotify ends it, whatever is done; six months after the consent. */
  readonly ends: Millis;
  /** Whole days until then, never below 0. */
  readonly daysLeft: number;
  readonly state: 'ready' | 'ending' | 'login-needed';
}

/** Somebody wants a speaker that another account has; the owner decides. */
export interface GuestQuestion {
  readonly id: string;
  readonly zone: string;
  /** Who asks. */
  readonly account: string;
  /** Name of the phone, as it says itself. */
  readonly phone: string | null;
  /** Who has the speaker. */
  readonly active: string;
  readonly asked: Millis;
  /** Unix time at which no answer counts as no. */
  readonly ends: Millis;
}

export interface AccountsPicture {
  readonly accounts: readonly AccountView[];
  readonly web: readonly WebLoginView[];
  readonly logins: readonly LoginView[];
  readonly questions: readonly GuestQuestion[];
}

export interface AccountsEvents {
  /** Something in the picture is different. */
  changed: AccountsPicture;
  login: LoginView;
  question: { readonly question: GuestQuestion; readonly answer: 'open' | 'yes' | 'no' | 'expired' | 'withdrawn' };
  /** A take-over was turned down. */
  refused: { readonly zone: string; readonly account: string; readonly why: Notice };
  /** A login ends soon, or has ended: once a day and at each start. */
  ending: { readonly login: WebLoginView; readonly notice: Notice };
}

/** Who may play, who is remembered, and ways to log in: one for the whole daemon. Rejections are `TonearmError`s. */
export interface Accounts {
  readonly picture: AccountsPicture;
  readonly events: Events<AccountsEvents>;
  /** Begins a login and resolves once there is something to show. */
  login(request: LoginRequest): Promise<LoginView>;
  /** Takes the address a browser ended at; resolves when the login is over. */
  paste(id: string, address: string): Promise<LoginView>;
  /** Resolves when the login is over, one way or the other. */
  wait(id: string, signal?: AbortSignal): Promise<LoginView>;
  cancel(id: string): LoginView;
  /** The login whose page has this key; null when there is none. */
  byKey(key: string): LoginView | null;
  /** Says where pages for logins are: `<base>/login/<key>`. Until disposed. */
  servePages(base: string): Disposable;
  /** Wipes what is stored, of one account or all, in one zone or all. Resolves with how many were wiped. */
  logout(which: { readonly account?: string | undefined; readonly zone?: string | undefined }): Promise<number>;
  /** Logs a remembered account in again. */
  use(which: { readonly account: string; readonly zone?: string | undefined }): Promise<void>;
  /** Lets a guest in or not. The only open question is meant when none is named. */
  answer(question: string | undefined, allow: boolean): GuestQuestion;
}
