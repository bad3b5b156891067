import { createHash } from 'node:crypto';

/** Eight hex digits that stand for an account where its name should not be shown. */
export function accountId(user: string): string {
  return createHash('sha256').update('tonearm account\0').update(user.toLowerCase()).digest('hex').slice(0, 8);
}
