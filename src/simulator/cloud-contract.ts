import type { AccessPoint } from './access-point/server.ts';
import type { Accounts } from './accounts.ts';
import type { OpenPorts } from './addresses.ts';
import type { Catalogue } from './catalogue/catalogue.ts';
import type { Contexts } from './catalogue/contexts.ts';
import type { Commands } from './connect-state/commands.ts';
import type { ConnectStateHub } from './connect-state/hub.ts';
import type { Counters } from './counters.ts';
import type { Dealer } from './dealer/dealer.ts';
import type { Pushes } from './dealer/pushes.ts';
import type { Faults } from './faults.ts';
import type { Router } from './http/router.ts';
import type { Journal, Refusal } from './journal.ts';
import type { Network } from './latency.ts';
import type { ServerTime } from './parts.ts';
import type { Phone } from './phone/phone.ts';
import type { Authorizations } from './services/accounts.ts';
import type { ResumePoints } from './services/web.ts';
import type { StateFiles } from './state-folder.ts';

/** Shaped like the daemon's own setting for where the cloud is; plain data. */
export interface SimulatedEndpoints {
  readonly directory: string;
  readonly clientToken: string;
  readonly login5: string;
  readonly accounts: string;
  readonly certificates?: string;
  readonly serverKey: string;
  readonly insecure?: true;
}

/** A whole cloud on loopback. Everything can be looked at and changed while it runs. */
export interface Cloud extends AsyncDisposable {
  readonly endpoints: SimulatedEndpoints;
  /** Where the certificate authority was written; null without a state folder. */
  readonly caPath: string | null;
  readonly files: StateFiles | null;
  readonly ports: OpenPorts;
  /** Base of the control API; null when it is not open. */
  readonly controlUrl: string | null;
  readonly accounts: Accounts;
  readonly authorizations: Authorizations;
  readonly catalogue: Catalogue;
  readonly contexts: Contexts;
  readonly resumePoints: ResumePoints;
  readonly faults: Faults;
  readonly network: Network;
  readonly journal: Journal;
  /** Breaches of the protocol so far. A good client leaves this empty. */
  readonly refusals: readonly Refusal[];
  readonly counters: Counters;
  readonly time: ServerTime;
  readonly router: Router;
  readonly dealer: Dealer;
  /** What devices are told besides commands and clusters. */
  readonly pushes: Pushes;
  readonly connectState: ConnectStateHub;
  readonly commands: Commands;
  readonly accessPoint: AccessPoint;
  readonly phones: readonly Phone[];
  /** A phone of a user, logged in and watching. The user is made when there is none with that name. */
  openPhone(options?: { readonly name?: string; readonly user?: string }): Promise<Phone>;
  /** Cuts what devices (not phones) have open, and lets nobody in for `duration` ms. */
  cut(duration: number, which?: readonly ('access-point' | 'dealer' | 'web')[]): void;
}
