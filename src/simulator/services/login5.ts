import { randomBytes } from 'node:crypto';
import { checkHashcash, decodeLogin5Request, encodeLogin5Answer, Login5Error, solveHashcash } from '#spotify/wire';
import { answerBytes, type Answer, type Route } from '../http/exchange.ts';
import type { Parts } from '../parts.ts';
import { Refused, decodeOr400 } from '../refused.ts';

/** Milliseconds an access token lives (connect-session §8.2). */
const lifetime = 3_600_000;

interface Puzzle {
  readonly prefix: Buffer;
  readonly length: number;
}

/** Access tokens for stored credentials, with a puzzle first where a fault asks for one (connect-session §8). */
export function login5Routes({ accounts, faults, journal, time }: Parts): Route[] {
  const puzzles = new Map<string, Puzzle>();

  const error = (code: number): Answer => answerBytes(encodeLogin5Answer({ kind: 'error', code, name: 'UNKNOWN_ERROR' }));

  return [
    {
      name: 'login5/login',
      service: 'login5',
      method: 'POST',
      path: '/v3/login',
      authorisation: 'none',
      clause: 'connect-session §8.1',
      handle({ body, headers, phone }) {
        const clause = 'connect-session §8.1';
        const refused = (code: number, what: string, where = clause): Answer => {
          journal.refuse({ service: 'login5', clause: where, what, refused: true, phone });
          return error(code);
        };
        const clientToken = headers.get('client-token');
        if (clientToken === undefined || clientToken === '') throw new Refused(400, clause, 'no client-token header');
        const client = accounts.clientToken(clientToken);
        if (!client) {
          if (accounts.wasClientToken(clientToken)) return { status: 401 };
          throw new Refused(400, clause, 'the client token was never issued');
        }
        const request = decodeOr400(clause, 'LoginRequest', () => decodeLogin5Request(body));
        const about = { device: request.deviceId };
        if (request.clientId !== client.clientId || request.deviceId !== client.deviceId) {
          return refused(Login5Error.BAD_REQUEST, 'the client token was issued for another client id or device', 'connect-session §7.4');
        }
        const scripted = faults.take('login5/error', about);
        if (scripted) return error(scripted.code);
        if (faults.take('login5/no-member', about)) return answerBytes(Buffer.alloc(0));
        if (faults.take('login5/code-challenge', about)) {
          return answerBytes(encodeLogin5Answer({ kind: 'challenges', loginContext: randomBytes(32), challenges: [{ kind: 'code' }] }));
        }
        if (request.solutions.length > 0) {
          const id = Buffer.from(request.loginContext).toString('hex');
          const puzzle = puzzles.get(id);
          puzzles.delete(id);
          if (!puzzle) return refused(Login5Error.BAD_REQUEST, 'the login context is unknown or was used before', 'connect-session §8.3');
          if (!solves(request.loginContext, puzzle, request.solutions)) return refused(Login5Error.INVALID_CREDENTIALS, 'the solution does not solve the challenge', 'connect-session §8.4');
        }
        const challenge = faults.take('login5/challenge', about);
        if (challenge) {
          const puzzle = { prefix: randomBytes(16), length: challenge.length ?? 10 };
          const loginContext = randomBytes(70);
          puzzles.set(loginContext.toString('hex'), puzzle);
          return answerBytes(encodeLogin5Answer({ kind: 'challenges', loginContext, challenges: [{ kind: 'hashcash', ...puzzle }] }));
        }
        const account = accounts.find(request.username);
        const stored = account && accounts.checkStored(account, request.data, request.deviceId);
        if (account && accounts.wasStored(account, request.data, request.deviceId)) return error(Login5Error.INVALID_CREDENTIALS);
        if (!account || !stored) return refused(Login5Error.INVALID_CREDENTIALS, 'user and stored credentials do not fit together');
        if (stored.clientId !== request.clientId) return refused(Login5Error.INVALID_CREDENTIALS, 'the credentials were made under another client id', 'connect-session §8.7');
        const seconds = faults.take('login5/expires-in', about)?.seconds ?? lifetime / 1000;
        const token = accounts.issueAccessToken(account, seconds * 1000);
        journal.record('login5', 'token granted', { user: account.name, at: time.now() }, phone);
        const renewed = accounts.reusableCredential(account, request.deviceId, request.clientId);
        return answerBytes(encodeLogin5Answer({ kind: 'ok', username: account.name, accessToken: token.value, storedCredential: renewed.data, expiresIn: seconds }));
      },
    },
  ];

  /** Checks the bit test, and that the search began where the context says (connect-session §8.4). */
  function solves(context: Uint8Array, { prefix, length }: Puzzle, solutions: readonly { readonly suffix: Uint8Array }[]): boolean {
    const suffix = solutions[0]?.suffix;
    if (solutions.length !== 1 || suffix?.length !== 16 || !checkHashcash({ prefix, suffix, length })) return false;
    const first = length <= 16 ? solveHashcash({ context, prefix, length }) : null;
    if (first && !Buffer.from(first.suffix).equals(suffix)) {
      journal.refuse({ service: 'login5', clause: 'connect-session §8.4', what: 'the suffix is not the first one of the search', refused: false });
    }
    return true;
  }
}
