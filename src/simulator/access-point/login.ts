import type { decodeLogin } from '#spotify/wire';
import { keymaster, type Account } from '../accounts.ts';
import type { Parts } from '../parts.ts';

/** Whose credentials these are; null (and a note of why) when they are nobody's (connect-session §5.10). */
export function accountFor({ accounts, journal }: Parts, { username, type, data, deviceId }: ReturnType<typeof decodeLogin>): Account | null {
  const refuse = (what: string): null => {
    journal.refuse({ service: 'access-point', clause: 'connect-session §5.10', what: `login: ${what}`, refused: true });
    return null;
  };
  if (type === 3) {
    const token = accounts.accessToken(data.toString('latin1'));
    if (!token) return refuse('the access token is not valid');
    // Since August 2026; no breach, because a client can only find out by trying.
    if (token.clientId !== keymaster) return null;
    if (username !== null && username !== token.account.name) return refuse('the access token belongs to somebody else');
    return token.scopes.includes('streaming') ? token.account : refuse('the access token lacks the scope "streaming"');
  }
  if (type !== 1) return refuse(`credentials of type ${type} are not accepted any more`);
  const account = username === null ? null : accounts.find(username);
  if (!account) return refuse(`no user ${JSON.stringify(username)}`);
  if (accounts.checkStored(account, data, deviceId)) return account;
  return accounts.wasStored(account, data, deviceId) ? null : refuse('the stored credentials are not valid');
}
