import type { EpisodeMetadata, Restriction, TrackMetadata } from './metadata.ts';
import type { metadata } from './proto/index.ts';

/** Who wants to play, and when. */
export interface Listener {
  /** Two letters; anything else counts as unknown, and then no country rule applies. */
  readonly country: string | null;
  /** Account attribute `catalogue`; `premium` when unknown. */
  readonly catalogue: string;
  /** Account attribute `filter-explicit-content`. */
  readonly filterExplicit: boolean;
  /** Unix milliseconds, server time. */
  readonly now: number;
}

export type Availability =
  | {
      readonly isPlayable: true;
      /** The alternative to play instead, when the item itself may not be played here. */
      readonly relinked: TrackMetadata | null;
      /** Further allowed alternatives, to be tried when the item turns out to have no files. */
      readonly alternatives: readonly TrackMetadata[];
    }
  | { readonly isPlayable: false; readonly reason: 'no-duration' | 'explicit' | 'embargo' | 'country' };

/**
 * Whether an item may be played, and what instead of it (connect-session.md §12.5, "Ours"). Checks in this order: duration,
 * explicit filter, embargo, country; an item that only its country forbids is replaced by the first alternative allowed there.
 */
export function judgeAvailability(item: TrackMetadata | EpisodeMetadata, listener: Listener): Availability {
  if ((item.duration ?? 0) <= 0) return { isPlayable: false, reason: 'no-duration' };
  if (item.explicit === true && listener.filterExplicit) return { isPlayable: false, reason: 'explicit' };
  if (isEmbargoed(item, listener.now)) return { isPlayable: false, reason: 'embargo' };
  const candidates = 'alternative' in item ? item.alternative : [];
  const alternatives = candidates.filter((candidate) => isAllowed(candidate.restriction, listener) && (candidate.gid?.length ?? 0) > 0);
  if (isAllowed(item.restriction, listener)) return { isPlayable: true, relinked: null, alternatives };
  const [relinked, ...others] = alternatives;
  return relinked ? { isPlayable: true, relinked, alternatives: others } : { isPlayable: false, reason: 'country' };
}

/** True unless the first restriction that concerns the listener's catalogue and names countries forbids theirs. */
export function isAllowed(restrictions: readonly Restriction[], { country, catalogue }: Pick<Listener, 'country' | 'catalogue'>): boolean {
  const here = country?.toUpperCase() ?? '';
  if (!/^[A-Z]{2}$/.test(here)) return true;
  for (const { catalogueStr, countriesAllowed, countriesForbidden } of restrictions) {
    const concerns = catalogueStr.length === 0 || catalogueStr.includes(catalogue);
    if (!concerns) continue;
    if (countriesAllowed !== null) return namesCountry(countriesAllowed, here);
    if (countriesForbidden !== null) return !namesCountry(countriesForbidden, here);
  }
  return true;
}

/** Codes are glued together: `DEFRGB`. */
function namesCountry(codes: string, country: string): boolean {
  for (let at = 0; at + 2 <= codes.length; at += 2) {
    if (codes.slice(at, at + 2).toUpperCase() === country) return true;
  }
  return false;
}

function isEmbargoed(item: TrackMetadata | EpisodeMetadata, now: number): boolean {
  const earliest = 'earliestLiveTimestamp' in item ? (item.earliestLiveTimestamp ?? 0) : 0;
  // Nobody says in which unit: small values can only be seconds.
  if (now < (earliest < 1e11 ? earliest * 1000 : earliest)) return true;
  return item.availability.length > 0 && !item.availability.some(({ start }) => start === null || millisOf(start) <= now);
}

/** Unix milliseconds of a date; a missing month or day counts as 1. */
export function millisOf({ year, month, day, hour, minute }: metadata.Date): number {
  return Date.UTC(year ?? 0, (month || 1) - 1, day || 1, hour ?? 0, minute ?? 0);
}
