import type { Clock, Log } from '#foundation';
import type { Accounts } from './accounts.ts';
import type { Catalogue } from './catalogue/catalogue.ts';
import type { CdnStyle } from './http/host-names.ts';
import type { Contexts } from './catalogue/contexts.ts';
import type { Counters } from './counters.ts';
import type { Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import type { Network } from './latency.ts';
import type { Timers } from './timers.ts';

/** Server time: the cloud's clock, which a test may set wrong. */
export interface ServerTime {
  /** Unix ms as this cloud believes it to be. */
  now(): number;
  /** How far it is ahead of the clock it was given. */
  shift: number;
}

/** Where things are reachable, as answers name them. Known once the ports are open. */
export interface Addresses {
  /** `host:port`, best first. */
  readonly accessPoints: readonly string[];
  readonly dealers: readonly string[];
  readonly web: readonly string[];
  /** `https://host:port` of a CDN host; the style says how its addresses expire. */
  cdn(style: CdnStyle): string;
  readonly images: string;
}

/** What every handler of the cloud works with. */
export interface Parts {
  readonly clock: Clock;
  /** For everything that happens later. */
  readonly timers: Timers;
  readonly log: Log;
  readonly time: ServerTime;
  readonly seed: string;
  readonly journal: Journal;
  readonly faults: Faults;
  readonly counters: Counters;
  readonly network: Network;
  readonly accounts: Accounts;
  readonly catalogue: Catalogue;
  readonly contexts: Contexts;
  readonly addresses: Addresses;
}
