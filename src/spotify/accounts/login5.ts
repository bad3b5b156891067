import { sleep, TonearmError, type Secret } from '#foundation';
import { decodeLogin5Answer, encodeLogin5Request, type Login5Answer, type Login5ErrorName, type Login5Solution } from '#spotify/wire';
import type { Identity, SessionHost } from '../ports.ts';
import { requestedDelay } from '../web/delay-header.ts';
import type { HttpClient } from '../web/http-client.ts';
import type { ServerClock } from '../web/server-clock.ts';
import { solvePuzzle } from './puzzle/puzzle.ts';

export interface Login5Options {
  readonly identity: Identity;
  /** Base address of the service. */
  readonly url: string;
  readonly http: HttpClient;
  readonly host: SessionHost;
  readonly serverClock: ServerClock;
}

/** What logs in here: the canonical name and reusable credentials. */
export interface StoredCredential {
  readonly username: string;
  readonly data: Secret<Uint8Array>;
}

export type Login5Grant = Extract<Login5Answer, { kind: 'ok' }>;

const rounds = 3;
const patience = 3000;
const protobuf = { Accept: 'application/x-protobuf', 'Content-Type': 'application/x-protobuf' };

/**
 * Trades stored credentials for an access token, solving puzzles on the way (`connect-session.md §8`). Codes:
 * `spotify/credentials-refused` (unauthorized) pair again · `spotify/login-impossible` (internal) update · everything else is
 * unavailable or timeout: try again, not before `retryAfter`.
 */
export async function login5(options: Login5Options, credential: StoredCredential, clientToken: Secret<string>, signal: AbortSignal): Promise<Login5Grant> {
  const { identity, host } = options;
  const request = { clientId: identity.clientId, deviceId: identity.deviceId, username: credential.username, data: credential.data.reveal() };
  let loginContext: Uint8Array = new Uint8Array();
  let solutions: readonly Login5Solution[] = [];
  for (let round = 1; ; round++) {
    const answer = await post(options, encodeLogin5Request({ ...request, loginContext, solutions }), clientToken, signal);
    if (answer.kind === 'ok') return answer;
    if (answer.kind === 'error') {
      if (round > rounds || (answer.name !== 'TIMEOUT' && answer.name !== 'TOO_MANY_ATTEMPTS')) throw judge(answer.name);
      await sleep(host.clock, patience * round, signal);
      continue;
    }
    if (round > rounds) throw judge('TRY_AGAIN_LATER');
    loginContext = answer.loginContext;
    // The solutions of this round only, in the order of its challenges.
    solutions = await solve(options, answer, signal);
  }
}

async function solve({ host }: Login5Options, { loginContext, challenges }: Extract<Login5Answer, { kind: 'challenges' }>, signal: AbortSignal): Promise<readonly Login5Solution[]> {
  const solutions: Login5Solution[] = [];
  for (const challenge of challenges) {
    if (challenge.kind !== 'hashcash') {
      throw new TonearmError({
        kind: 'unauthorized',
        code: 'spotify/verification-required',
        message: 'Spotify wants to verify this account with a code sent to its owner. Log in at spotify.com, complete the verification, then pair again.',
      });
    }
    solutions.push(await solvePuzzle({ context: loginContext, prefix: challenge.prefix, length: challenge.length }, { program: host.programs.puzzleThread, clock: host.clock, signal }));
  }
  return solutions;
}

async function post({ http, url, serverClock, host }: Login5Options, body: Buffer, clientToken: Secret<string>, signal: AbortSignal): Promise<Login5Answer> {
  const headers = { ...protobuf, 'Client-Token': clientToken.reveal() };
  const answer = await http.send({ method: 'POST', origin: new URL(url).origin, path: '/v3/login', headers, body, time: 10_000, limit: 262_144 }, signal);
  serverClock.sampleDate(answer.headers.date);
  if (answer.status >= 200 && answer.status < 300) return decodeLogin5Answer(answer.body);
  if (answer.status === 401) {
    throw new TonearmError({ kind: 'unavailable', code: 'spotify/client-token-expired', message: 'Spotify no longer accepts this program\'s client token; a new one is fetched by itself.' });
  }
  const retryAfter = answer.status === 429 ? (requestedDelay(answer.headers, host.clock.now()) ?? 10_000) : undefined;
  throw new TonearmError({
    kind: 'unavailable',
    code: 'spotify/login-failed',
    message: `Spotify's login service has a problem (${answer.status}); it is tried again by itself.`,
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

/** `connect-session.md §8.2`. */
function judge(name: Login5ErrorName): TonearmError {
  switch (name) {
    case 'INVALID_CREDENTIALS':
      return new TonearmError({
        kind: 'unauthorized',
        code: 'spotify/credentials-refused',
        message: 'Spotify no longer accepts the stored login, for example because the password was changed. Pair again: open Spotify on a phone in the same network and choose this speaker.',
      });
    case 'BAD_REQUEST':
    case 'UNSUPPORTED_LOGIN_PROTOCOL':
    case 'UNKNOWN_IDENTIFIER':
    case 'INVALID_PHONENUMBER':
      return new TonearmError({
        kind: 'internal',
        code: 'spotify/login-impossible',
        message: `Spotify does not understand this program's way to log in (${name}). Update Tonearm; if it is the newest version, please report this.`,
      });
    case 'TOO_MANY_ATTEMPTS':
    case 'TRY_AGAIN_LATER':
      return new TonearmError({ kind: 'unavailable', code: 'spotify/login-later', message: 'Spotify asks to wait before the next login. It is tried again by itself in a few minutes.', retryAfter: 120_000 });
    case 'TIMEOUT':
    case 'UNKNOWN_ERROR':
      return new TonearmError({ kind: 'unavailable', code: 'spotify/login-failed', message: 'Spotify\'s login service has a problem of its own; it is tried again by itself.' });
  }
}
