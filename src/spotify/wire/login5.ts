import { decode, encode, login5 } from './proto/index.ts';
import { WireError } from './wire-error.ts';

/** A login with stored credentials (connect-session.md §8.1). */
export interface Login5Request {
  readonly clientId: string;
  readonly deviceId: string;
  readonly username: string;
  readonly data: Uint8Array;
  /** Empty at first, then copied from the last answer. */
  readonly loginContext?: Uint8Array;
  /** For the challenges of the last answer, in their order. */
  readonly solutions?: readonly Login5Solution[];
}

export interface Login5Solution {
  /** 16 bytes. */
  readonly suffix: Uint8Array;
  /** How long the search took, in milliseconds. */
  readonly duration: number;
}

export function encodeLogin5Request({ clientId, deviceId, username, data, loginContext, solutions = [] }: Login5Request): Buffer {
  return encode(login5.LoginRequest, {
    clientInfo: { clientId, deviceId },
    loginContext,
    challengeSolutions: solutions.length > 0 ? { solutions: solutions.map(({ suffix, duration }) => ({ hashcash: { suffix, duration: durationOf(duration) } })) } : null,
    storedCredential: { username, data },
  });
}

function durationOf(millis: number): { seconds: number; nanos: number } {
  const seconds = Math.floor(millis / 1000);
  return { seconds, nanos: Math.round((millis - seconds * 1000) * 1e6) };
}

/** @throws WireError, also when it holds no stored credentials */
export function decodeLogin5Request(bytes: Uint8Array): Required<Login5Request> {
  const { clientInfo, loginContext, challengeSolutions, storedCredential } = decode(login5.LoginRequest, bytes);
  if (!storedCredential) throw badAnswer('the request holds no stored credentials');
  return {
    clientId: clientInfo?.clientId ?? '',
    deviceId: clientInfo?.deviceId ?? '',
    username: storedCredential.username,
    data: storedCredential.data,
    loginContext,
    solutions: (challengeSolutions?.solutions ?? []).flatMap(({ hashcash }) =>
      hashcash ? [{ suffix: hashcash.suffix, duration: (hashcash.duration?.seconds ?? 0) * 1000 + (hashcash.duration?.nanos ?? 0) / 1e6 }] : [],
    ),
  };
}

/** What login5 said (§8.2). HTTP status is 200 for all of these. */
export type Login5Answer =
  | { readonly kind: 'ok'; readonly username: string; readonly accessToken: string; readonly storedCredential: Uint8Array; /** Seconds. */ readonly expiresIn: number }
  | { readonly kind: 'error'; readonly code: number; readonly name: Login5ErrorName }
  | { readonly kind: 'challenges'; readonly loginContext: Uint8Array; readonly challenges: readonly Login5Challenge[] };

/** A `code` challenge asks a person, and cannot be solved here. */
export type Login5Challenge = { readonly kind: 'hashcash'; readonly prefix: Uint8Array; readonly length: number } | { readonly kind: 'code' };

export const Login5Error = login5.LoginError;
export type Login5ErrorName = keyof typeof login5.LoginError;

/** @throws WireError, also when the answer is none of the three */
export function decodeLogin5Answer(bytes: Uint8Array): Login5Answer {
  const { ok, error, challenges, loginContext } = decode(login5.LoginResponse, bytes);
  if (ok) {
    if (ok.accessToken === '') throw badAnswer('it says yes without a token');
    return { kind: 'ok', username: ok.username, accessToken: ok.accessToken, storedCredential: ok.storedCredential, expiresIn: ok.accessTokenExpiresIn };
  }
  // Zero is an error too: it is written, because it is in a oneof.
  if (error !== null) return { kind: 'error', code: error, name: nameOf(error) };
  if (!challenges) throw badAnswer('it is neither yes, no nor a challenge');
  return {
    kind: 'challenges',
    loginContext,
    challenges: challenges.challenges.map(({ hashcash }) => (hashcash ? { kind: 'hashcash', prefix: hashcash.prefix, length: hashcash.length } : { kind: 'code' })),
  };
}

function nameOf(code: number): Login5ErrorName {
  const names = Object.keys(login5.LoginError) as Login5ErrorName[];
  return names.find((name) => login5.LoginError[name] === code) ?? 'UNKNOWN_ERROR';
}

export function encodeLogin5Answer(answer: Login5Answer): Buffer {
  switch (answer.kind) {
    case 'ok': {
      const { username, accessToken, storedCredential, expiresIn } = answer;
      return encode(login5.LoginResponse, { ok: { username, accessToken, storedCredential, accessTokenExpiresIn: expiresIn } });
    }
    case 'error':
      return encode(login5.LoginResponse, { error: answer.code });
    case 'challenges':
      return encode(login5.LoginResponse, {
        loginContext: answer.loginContext,
        challenges: {
          challenges: answer.challenges.map((challenge) =>
            challenge.kind === 'hashcash' ? { hashcash: { prefix: challenge.prefix, length: challenge.length } } : { code: { method: 1, codeLength: 6 } },
          ),
        },
      });
  }
}

function badAnswer(why: string): WireError {
  return new WireError('wire/bad-login5', `The login service gave an answer that cannot be understood (${why}). It will be asked again.`);
}
