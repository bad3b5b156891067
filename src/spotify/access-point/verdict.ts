import { TonearmError, type ErrorKind } from '#foundation';
import { LoginFailureCode, type LoginFailure } from '#spotify/wire';

/**
 * What a failed connection means for the next one.
 * - `next`: another access point, at once
 * - `elsewhere`: this address does not work; another one after a moment
 * - `again`: the same thing once more after a pause
 * - `wait`: after a growing pause, for ever
 * - `refused`: the account's credentials did not convince; final the second time
 * - `final`: never again with these credentials
 */
export type Verdict = 'next' | 'elsewhere' | 'again' | 'wait' | 'refused' | 'final';

export interface Ending {
  readonly verdict: Verdict;
  readonly error: TonearmError;
}

interface Row {
  readonly verdict: Verdict;
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
}

/** `connect-session.md §5.5`, with a sentence for people beside each code. */
const rows: ReadonlyMap<number, Row> = new Map<number, Row>([
  [LoginFailureCode.ProtocolError, row('final', 'internal', 'protocol-error', 'Spotify could not understand the login. This version of Tonearm is probably too old: update it.')],
  [LoginFailureCode.TryAnotherAP, row('next', 'unavailable', 'try-another', 'This access point is full; the next one is tried at once.')],
  [LoginFailureCode.BadConnectionId, row('again', 'unavailable', 'bad-connection', 'Spotify mixed up the connection; it is opened once more.')],
  [
    LoginFailureCode.TravelRestriction,
    row('final', 'forbidden', 'travel-restriction', 'Spotify refuses the login because the account is being used outside its home country for too long. Change the country in the account settings, then pair again.'),
  ],
  [
    LoginFailureCode.PremiumAccountRequired,
    row('final', 'forbidden', 'not-premium', 'This account has no Spotify Premium, and Spotify lets only Premium accounts play on speakers like this one. Pair with a Premium account.'),
  ],
  [
    LoginFailureCode.BadCredentials,
    row('refused', 'unauthorized', 'credentials-refused', 'Spotify no longer accepts the stored login, for example because the password was changed. Pair again: open Spotify on a phone in the same network and choose this speaker.'),
  ],
  [LoginFailureCode.CouldNotValidateCredentials, row('wait', 'unavailable', 'cannot-check-login', 'Spotify cannot check the login right now. It is tried again by itself; nothing needs to be done.')],
  [LoginFailureCode.AccountExists, row('final', 'forbidden', 'account-exists', 'Spotify refuses the login because another account already uses this identity. Pair again with the account you want to use.')],
  [
    LoginFailureCode.ExtraVerificationRequired,
    row('final', 'unauthorized', 'verification-required', 'Spotify wants to verify this account first. Log in at spotify.com, complete the verification, then pair again.'),
  ],
  [LoginFailureCode.InvalidAppKey, row('final', 'internal', 'app-key-refused', 'Spotify refuses this application. This version of Tonearm is probably too old: update it.')],
  [LoginFailureCode.ApplicationBanned, row('final', 'forbidden', 'application-banned', 'Spotify has blocked this version of the application. Update Tonearm; if it is the newest, there is nothing to be done on this side.')],
]);

function row(verdict: Verdict, kind: ErrorKind, what: string, message: string): Row {
  return { verdict, kind, code: `spotify/${what}`, message };
}

export function judgeLoginFailure({ code, name, retryDelay }: LoginFailure): Ending {
  const known = rows.get(code) ?? row('final', 'unauthorized', 'login-refused', `Spotify refused the login for a reason unknown to this version (${code} ${name}). Update Tonearm, or pair again.`);
  const { verdict, kind, message } = known;
  return {
    verdict,
    error: new TonearmError({ kind, code: known.code, message, ...(retryDelay !== undefined && retryDelay > 0 && { retryAfter: retryDelay * 1000 }) }),
  };
}

/** For failures the access point did not announce. */
export function ending(verdict: Verdict, kind: ErrorKind, what: string, message: string, cause?: unknown): Ending {
  return { verdict, error: new TonearmError({ kind, code: `spotify/${what}`, message, ...(cause !== undefined && { cause }) }) };
}
