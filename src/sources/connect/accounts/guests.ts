import { TonearmError } from '#foundation';
import { accountId } from './account-id.ts';

/** Who may take a speaker that somebody else has. */
export interface GuestRules {
  readonly policy: 'last-wins' | 'ask' | 'refuse-while-playing';
  /** When not empty, nobody else is let in. Names or ids, without regard to case. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** Never asked about, never turned down, never forgotten. */
  readonly owners: readonly string[];
}

export interface Visit {
  /** Canonical name; null when only the login will tell. */
  readonly user: string | null;
  /** Who has the speaker. */
  readonly current: string | null;
  /** Music is on, or about to be. */
  readonly isPlaying: boolean;
}

export type Verdict = 'welcome' | 'ask' | 'denied' | 'occupied';

export function isListed(list: readonly string[], user: string): boolean {
  const name = user.toLowerCase();
  const id = accountId(user);
  return list.some((entry) => entry.trim().toLowerCase() === name || entry.trim().toLowerCase() === id);
}

/** Whether the lists let this account in at all. */
export function isDenied({ allow, deny, owners }: GuestRules, user: string | null): boolean {
  // Without a name nobody can be on a list; that is looked at again once the login has told it.
  if (user === null) return false;
  if (isListed(deny, user)) return true;
  return allow.length > 0 && !isListed(allow, user) && !isListed(owners, user);
}

/** What becomes of somebody who wants the speaker. */
export function judgeVisit(rules: GuestRules, { user, current, isPlaying }: Visit): Verdict {
  if (isDenied(rules, user)) return 'denied';
  // Who could be on a list and gives no name gets no benefit of it.
  if (current === null || user === current || (user !== null && isListed(rules.owners, user))) return 'welcome';
  switch (rules.policy) {
    case 'last-wins':
      return 'welcome';
    case 'ask':
      return 'ask';
    case 'refuse-while-playing':
      return isPlaying ? 'occupied' : 'welcome';
  }
}

export function refusal(verdict: 'denied' | 'occupied' | 'no' | 'expired', zone: string): TonearmError {
  switch (verdict) {
    case 'denied':
      return new TonearmError({ kind: 'forbidden', code: 'accounts/not-allowed', message: `This account may not use “${zone}”: the settings under "accounts" do not let it in.` });
    case 'occupied':
      return new TonearmError({ kind: 'conflict', code: 'accounts/occupied', message: `Somebody else is playing on “${zone}”, and the settings say that nobody may take it over meanwhile. Try again when the music has stopped.` });
    case 'no':
      return new TonearmError({ kind: 'forbidden', code: 'accounts/guest-refused', message: `The owner of “${zone}” said no.` });
    case 'expired':
      return new TonearmError({ kind: 'forbidden', code: 'accounts/guest-unanswered', message: `Nobody answered whether a guest may use “${zone}”, so the guest was not let in.` });
  }
}
