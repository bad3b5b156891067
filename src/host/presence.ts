import type { Announcement } from '#core';
import type { Link, SkippedLink } from './links.ts';
import type { NameClaim } from './mdns/name-claim.ts';
import type { Service } from './mdns/service-records.ts';

/** The network at one moment, and what of it we are to be visible on. */
export interface NetworkView {
  readonly links: readonly Link[];
  readonly skipped: readonly SkippedLink[];
  /** Differs after another router has taken over. */
  readonly gateways: string;
  /** Addresses of the whole machine. */
  readonly addresses: readonly string[];
  readonly isBehindContainerBridge: boolean;
}

/** Something announced, with the name it has now. */
export interface Presence {
  readonly id: number;
  readonly announcement: Announcement;
  readonly claim: NameClaim;
  service: Service;
  /** Where people were last told that it is. */
  told: string;
}

/** A presence on a link, with the addresses that belong to both. */
export interface Place {
  readonly presence: Presence;
  readonly link: Link;
}
