import { ClusterUpdateReason, PutStateReason, type Cluster, type ConnectPlayerState, type Input, type PutStateRequest } from '#spotify/wire';
import { transferOf } from './transfer.ts';

/** What everybody who watches has to be told. */
export interface ClusterChange {
  readonly reason: number;
  readonly devices: readonly string[];
}

/** How a device describes itself to the cluster. */
export type ConnectDeviceInfo = NonNullable<NonNullable<PutStateRequest['device']>['deviceInfo']>;

export interface KnownDevice {
  readonly info: ConnectDeviceInfo;
  /** The last full request, for checks and for tests. */
  readonly last: PutStateRequest;
  readonly connection: string;
}

/** The devices of one user, and which of them plays (connect-control §2.9). Knows nothing of sockets. */
export class UserCluster {
  readonly #devices = new Map<string, KnownDevice>();
  #active = '';
  #startedAt = 0;
  #playerState: ConnectPlayerState | null = null;
  #transferData: Buffer = Buffer.alloc(0);
  #changed = 0;

  /** Id of the device that plays; empty for none. */
  get active(): string {
    return this.#active;
  }

  get playerState(): ConnectPlayerState | null {
    return this.#playerState;
  }

  get devices(): ReadonlyMap<string, KnownDevice> {
    return this.#devices;
  }

  /** Takes a state in. `isNew`: the first on its connection. */
  put(id: string, request: PutStateRequest, connection: string, { isNew, now }: { readonly isNew: boolean; readonly now: number }): ClusterChange {
    const info = request.device?.deviceInfo;
    if (!request.device || !info) throw new Error('a state without device info');
    this.#devices.set(id, { info: { ...info, publicIp: '127.0.0.1' }, last: request, connection });
    this.#changed = now;
    const mayClaim = this.#active === '' || this.#active === id || request.startedPlayingAt > this.#startedAt;
    if (request.isActive && mayClaim) {
      this.#active = id;
      this.#startedAt = request.startedPlayingAt;
      this.#playerState = request.device.playerState;
    } else if (!request.isActive && this.#active === id) {
      this.#release(now);
    }
    const isVolume = request.putStateReason === PutStateReason.VOLUME_CHANGED;
    const reason = isNew ? ClusterUpdateReason.NEW_DEVICE_APPEARED : isVolume ? ClusterUpdateReason.DEVICE_VOLUME_CHANGED : ClusterUpdateReason.DEVICE_STATE_CHANGED;
    return { reason, devices: [id] };
  }

  /** The device gives playback up. */
  inactive(id: string, now: number): ClusterChange {
    if (this.#active === id) this.#release(now);
    return { reason: ClusterUpdateReason.DEVICE_STATE_CHANGED, devices: [id] };
  }

  /** The device is gone. Null when it was not there. */
  remove(id: string, now: number): ClusterChange | null {
    if (!this.#devices.delete(id)) return null;
    if (this.#active === id) this.#release(now);
    this.#changed = now;
    return { reason: ClusterUpdateReason.DEVICES_DISAPPEARED, devices: [id] };
  }

  /** What is handed over to the next device; empty when nothing was ever played. */
  transferData(now: number): Buffer {
    return this.#playerState && this.#active !== '' ? transferOf(this.#playerState, now) : this.#transferData;
  }

  /** The picture as the cloud tells it. */
  view({ now, withPlayerState = true, needFullState = false, active = this.#active }: { readonly now: number; readonly withPlayerState?: boolean; readonly needFullState?: boolean; readonly active?: string }): Input<Cluster> {
    return {
      changedTimestampMs: this.#changed,
      activeDeviceId: active,
      playerState: withPlayerState ? this.#playerState : null,
      device: Object.fromEntries([...this.#devices].map(([id, { info }]) => [id, info])),
      transferData: this.#transferData,
      transferDataTimestamp: this.#transferData.length > 0 ? this.#changed : 0,
      needFullPlayerState: needFullState,
      serverTimestampMs: now,
      startedPlayingAtTimestamp: this.#startedAt,
    };
  }

  #release(now: number): void {
    if (this.#playerState) this.#transferData = transferOf(this.#playerState, now);
    this.#active = '';
    this.#changed = now;
  }
}
