import { randomBytes } from 'node:crypto';
import { fromHex } from '#foundation';
import { checkHashcash, decodeClientTokenRequest, encodeClientTokenAnswer, encodeClientTokenRefusal } from '#spotify/wire';
import { keymaster } from '../accounts.ts';
import { answerBytes, protobuf, type Answer, type Route } from '../http/exchange.ts';
import type { Parts } from '../parts.ts';
import { Refused, decodeOr400 } from '../refused.ts';

/** Usual lifetimes in seconds: 14 days and a bit (connect-session §7.2). */
const expiresAfter = 1_216_800;
const refreshAfter = 1_209_600;

interface Pending {
  readonly clientId: string;
  readonly deviceId: string;
  readonly prefix: string;
  readonly length: number;
}

/** Client tokens, with a puzzle first where a fault asks for one (connect-session §7). */
export function clientTokenRoutes({ accounts, faults, journal }: Parts): Route[] {
  const pending = new Map<string, Pending>();

  const refuse = (clause: string, message: string): never => {
    throw new Refused(400, clause, message, { body: encodeClientTokenRefusal(message), headers: protobuf });
  };

  const challenge = (clientId: string, deviceId: string, length: number): Answer => {
    const state = randomBytes(24).toString('base64url');
    const prefix = randomBytes(16).toString('hex').toUpperCase();
    pending.set(state, { clientId, deviceId, prefix, length });
    return answerBytes(encodeClientTokenAnswer({ kind: 'challenges', state, challenges: [{ kind: 'hashcash', prefix, length }] }));
  };

  const grant = (clientId: string, deviceId: string): Answer => {
    const seconds = faults.take('client-token/refresh-after', { device: deviceId })?.seconds ?? refreshAfter;
    const token = accounts.issueClientToken(clientId, deviceId, expiresAfter * 1000);
    return answerBytes(encodeClientTokenAnswer({ kind: 'granted', token, expiresAfter, refreshAfter: seconds, domains: ['spotify.com', 'spotify.net'] }));
  };

  return [
    {
      name: 'client-token/token',
      service: 'client-token',
      method: 'POST',
      path: '/v1/clienttoken',
      authorisation: 'none',
      clause: 'connect-session §7.1',
      handle({ body, phone }) {
        const request = decodeOr400('connect-session §7.1', 'ClientTokenRequest', () => decodeClientTokenRequest(body));
        if (request.kind === 'answers') {
          const asked = pending.get(request.state);
          pending.delete(request.state);
          if (!asked) return refuse('connect-session §7.2', 'the state of the challenge is unknown or was used before');
          const suffix = fromHex(request.suffixes[0] ?? '');
          if (!suffix || !checkHashcash({ prefix: Buffer.from(asked.prefix, 'hex'), suffix, length: asked.length })) return refuse('connect-session §7.3', 'the answer does not solve the challenge');
          if (request.suffixes[0] !== request.suffixes[0]?.toUpperCase()) {
            journal.refuse({ service: 'client-token', clause: 'connect-session §7.3', what: 'the suffix is not in upper case', refused: false, phone });
          }
          return grant(asked.clientId, asked.deviceId);
        }
        const { clientId, deviceId, version } = request;
        if (!/^[0-9a-f]{32}$/.test(clientId)) return refuse('connect-session §7.1', 'client_id is not 32 hex digits');
        if (deviceId === '') return refuse('connect-session §7.1', 'device_id is missing');
        if (version === '') return refuse('connect-session §7.1', 'client_version is missing');
        const about = { device: deviceId };
        if (faults.take('client-token/unsolvable', about)) {
          return answerBytes(encodeClientTokenAnswer({ kind: 'challenges', state: 'unsolvable', challenges: [{ kind: 'other', type: 2 }] }));
        }
        const puzzle = faults.take('client-token/challenge', about);
        if (puzzle) return challenge(clientId, deviceId, puzzle.length ?? 10);
        if (clientId !== keymaster) journal.record('client-token', 'another client id', { clientId }, phone);
        return grant(clientId, deviceId);
      },
    },
  ];
}
