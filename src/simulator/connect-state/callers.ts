import type { Account } from '../accounts.ts';
import type { DealerConnection } from '../dealer/connection.ts';
import type { Dealer } from '../dealer/dealer.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Parts } from '../parts.ts';
import { Refused } from '../refused.ts';

const clause = 'connect-control §2.9';

/** Whose request it is: every route here needs a bearer token. */
export function accountOf({ account }: Exchange): Account {
  if (!account) throw new Refused(401, 'connect-session §11.1', 'nobody is logged in');
  return account;
}

/** The connection a request names; one that has closed is no breach, one that never was is. */
export function connectionOf({ faults }: Parts, dealer: Dealer, { headers, parameters }: Exchange, account: Account): DealerConnection {
  const id = headers.get('x-spotify-connection-id');
  if (id === undefined) throw new Refused(400, clause, 'no X-Spotify-Connection-Id', jsonError('no_connection_id'));
  const connection = dealer.find(id);
  const unknown = faults.take('connect-state/unknown-connection', { device: parameters['device'] ?? '' }) !== null;
  if (connection?.account === account && !unknown) return connection;
  throw new Refused(400, clause, dealer.wasConnection(id) ? 'the connection id is that of a closed socket' : 'the connection id is not known', jsonError('unknown_connection'));
}

/** The body of a refusal (connect-control §2.1). */
export function jsonError(type: string) {
  return { body: JSON.stringify({ error_type: type.toUpperCase(), message: type }), headers: { 'Content-Type': 'application/json' } };
}
