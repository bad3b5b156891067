import type { LoginWay } from '#core';
import { TonearmError } from '#foundation';
import type { Credentials } from '#spotify';
import { AuthType } from '#spotify/wire';

/** A refused access token is another matter than a refused stored login: nothing was stored, no password was changed. */
export function explained(error: TonearmError, { type }: Credentials, how: LoginWay | 'stored'): TonearmError {
  if (type !== AuthType.token || error.code !== 'spotify/credentials-refused') return error;
  return new TonearmError({
    kind: 'unauthorized',
    code: 'connect/token-refused',
    message:
      how === 'phone'
        ? 'A phone handed over an access token that Spotify does not accept for playing: it has ended, or was made for another application. Choose the speaker in the app once more; if that does not help, update the app.'
        : 'Spotify does not accept this login for playing: the token has ended, or was made for another application. A login for the web API is not one for playing. Log in again with a phone, or with "tonearm login".',
    cause: error,
  });
}

export function notReadable(zone: string): TonearmError {
  return new TonearmError({
    kind: 'unauthorized',
    code: 'accounts/login-needed',
    message: `What is stored of this account for “${zone}” cannot be read. Log in again with a phone, or with "tonearm login".`,
  });
}
