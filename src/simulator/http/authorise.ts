import type { Account } from '../accounts.ts';
import type { Parts } from '../parts.ts';
import { Refused } from '../refused.ts';
import type { Exchange, Route } from './exchange.ts';

/**
 * Checks who asks, as the route wants it (connect-session §11.1).
 * A token that was valid once is refused without being a breach: that is how clients learn to renew.
 */
export function authorise({ accounts, journal }: Parts, route: Route, request: Pick<Exchange, 'headers' | 'path' | 'method' | 'phone'>): Account | null {
  const authorization = request.headers.get('authorization');
  const clientToken = request.headers.get('client-token');
  if (route.authorisation === 'none') return null;
  if (route.authorisation === 'forbidden') {
    if (authorization !== undefined || clientToken !== undefined) {
      journal.refuse({
        service: route.service,
        clause: 'connect-session §12.7',
        what: `${request.method} ${request.path}: a token was sent to a content host`,
        refused: false,
        phone: request.phone,
      });
    }
    return null;
  }
  if (authorization === undefined) throw new Refused(401, 'connect-session §11.1', 'no Authorization header');
  const value = /^Bearer (\S+)$/.exec(authorization)?.[1];
  if (value === undefined) throw new Refused(401, 'connect-session §11.1', 'the Authorization header is not "Bearer <token>"');
  const token = accounts.accessToken(value);
  if (!token) {
    if (accounts.wasAccessToken(value)) throw new ExpiredToken();
    throw new Refused(401, 'connect-session §11.1', 'the access token was never issued');
  }
  if (route.authorisation === 'client') {
    if (clientToken === undefined) throw new Refused(400, 'connect-session §7.5', 'no client-token header');
    if (clientToken === '') throw new Refused(400, 'connect-control §0.3', 'the client-token header is empty: leave it out instead');
    if (!accounts.clientToken(clientToken) && !accounts.wasClientToken(clientToken)) {
      throw new Refused(400, 'connect-session §7.5', 'the client token was never issued');
    }
    if (!accounts.clientToken(clientToken)) throw new ExpiredToken();
  }
  if (!request.headers.get('user-agent')) {
    journal.refuse({ service: route.service, clause: 'connect-control §0.3', what: `${request.method} ${request.path}: no User-Agent`, refused: false, phone: request.phone });
  }
  return token.account;
}

/** 401 for a token whose time is over. Not a breach. */
export class ExpiredToken extends Error {
  constructor() {
    super('the token has expired');
    this.name = 'ExpiredToken';
  }
}
