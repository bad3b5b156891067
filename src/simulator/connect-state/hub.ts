import { Emitter, type Events } from '#foundation';
import { encodeCluster, encodeClusterUpdate, encodeDealerMessage, type Cluster, type Input } from '#spotify/wire';
import type { Account } from '../accounts.ts';
import type { DealerConnection } from '../dealer/connection.ts';
import type { Dealer } from '../dealer/dealer.ts';
import type { Parts } from '../parts.ts';
import { UserCluster, type ClusterChange } from './user-cluster.ts';

export interface HubOptions {
  /** Milliseconds from a change to its push. */
  readonly pushDelay: number;
  /** Milliseconds a device stays listed after its socket closed. */
  readonly linger: number;
}

/** The clusters of all users, and who has to hear of changes (connect-control §2.9). */
export class ConnectStateHub {
  readonly #parts: Parts;
  readonly #dealer: Dealer;
  readonly #options: HubOptions;
  readonly #clusters = new Map<string, UserCluster>();
  /** Acknowledgement ids that the next push of a user carries. */
  readonly #acks = new Map<string, string[]>();
  readonly #emitter = new Emitter<{ changed: { readonly user: string; readonly change: ClusterChange } }>();

  constructor(parts: Parts, dealer: Dealer, options: HubOptions) {
    this.#parts = parts;
    this.#dealer = dealer;
    this.#options = options;
    dealer.events.on('closed', ({ connection }) => this.#socketClosed(connection));
  }

  get events(): Events<{ changed: { readonly user: string; readonly change: ClusterChange } }> {
    return this.#emitter.events;
  }

  of(account: Account): UserCluster {
    let cluster = this.#clusters.get(account.name);
    if (!cluster) this.#clusters.set(account.name, (cluster = new UserCluster()));
    return cluster;
  }

  /** The cluster as bytes, for the answer to a PUT. */
  answer(account: Account): Buffer {
    return encodeCluster(this.view(account));
  }

  view(account: Account): Input<Cluster> {
    return this.of(account).view({ now: this.#parts.time.now(), needFullState: this.#parts.faults.take('connect-state/need-full-state') !== null });
  }

  /** The next push of this user names this id. */
  acknowledge(account: Account, ackId: string): void {
    this.#acks.set(account.name, [...(this.#acks.get(account.name) ?? []).slice(-50), ackId]);
  }

  /**
   * Tells everybody who is connected, after the usual moment, but for `player`: a device that plays and has just said so.
   * It has the cluster in the answer, and librespot, which answers every push with a PUT while it plays, would go round in circles.
   */
  announce(account: Account, change: ClusterChange, player: string | null = null): void {
    this.#emitter.emit('changed', { user: account.name, change });
    const except = this.#parts.faults.take('connect-state/push-to-sender') ? null : player;
    this.#parts.timers.after(this.#options.pushDelay, () => this.pushNow(account, change, { except }));
  }

  /** Pushes the cluster as it is; `active` pretends another owner. */
  pushNow(account: Account, change: ClusterChange, { active, except = null }: { readonly active?: string; readonly except?: string | null } = {}): void {
    const { faults, time } = this.#parts;
    const withPlayerState = faults.take('connect-state/push-without-player-state') === null;
    const needFullState = faults.take('connect-state/need-full-state') !== null;
    const cluster = this.of(account).view({ now: time.now(), withPlayerState, needFullState, ...(active === undefined ? {} : { active }) });
    const [ackId = '', ...rest] = this.#acks.get(account.name) ?? [];
    this.#acks.set(account.name, rest);
    const payload = encodeClusterUpdate({ cluster, updateReason: change.reason, ackId, devicesThatChanged: change.devices });
    for (const connection of this.#dealer.connections) {
      if (connection.account !== account || connection.device === null || connection.device === except) continue;
      connection.push(encodeDealerMessage({ uri: 'hm://connect-state/v1/cluster', payload, gzip: connection.gzip }));
    }
  }

  #socketClosed(connection: DealerConnection): void {
    const { account, device } = connection;
    if (device === null) return;
    this.#parts.timers.after(this.#options.linger, () => {
      if (this.of(account).devices.get(device)?.connection !== connection.id) return;
      const change = this.of(account).remove(device, this.#parts.time.now());
      if (change) this.announce(account, change);
    });
  }
}
