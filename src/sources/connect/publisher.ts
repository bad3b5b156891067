import { toTonearmError } from '#foundation';
import type { Session } from '#spotify';
import type { Cluster } from '#spotify/wire';
import type { DeviceState } from './device-state.ts';
import { putStateOf, type DeviceFacts, type StateReport } from './report.ts';

export interface PublisherPorts {
  readonly session: Pick<Session, 'putState' | 'now'>;
  readonly facts: Omit<DeviceFacts, 'volume' | 'publicIp' | 'now'>;
  /** 0 to 1. */
  readonly volume: () => number;
  readonly state: () => DeviceState;
}

/** Lists of what comes next that a controller may still be looking at (connect-control.md §3.14). */
const remembered = 8;

/** Puts the state as it is at that moment into the cloud, and remembers what was published. */
export class Publisher {
  readonly #ports: PublisherPorts;
  /** How the cloud sees us, told back to it. */
  #publicIp = '';
  #isShort = false;
  #revisions: readonly string[] = [];

  constructor(ports: PublisherPorts) {
    this.#ports = ports;
  }

  /** Whether this is the revision of a list that was published lately. */
  knows(revision: string): boolean {
    return this.#revisions.includes(revision);
  }

  async put(kind: StateReport, signal: AbortSignal): Promise<Cluster> {
    const { session, facts } = this.#ports;
    if (kind === 'hello') this.#isShort = false;
    const put = (isShort: boolean) => session.putState(() => this.#make(kind, isShort), signal);
    let cluster;
    try {
      cluster = await put(this.#isShort);
    } catch (error) {
      if (toTonearmError(error).code !== 'spotify/state-too-large' || this.#isShort) throw error;
      // What was too much once is too much again: shorter lists for as long as this connection lasts.
      this.#isShort = true;
      cluster = await put(true);
    }
    this.#publicIp = cluster.device[facts.deviceId]?.publicIp ?? this.#publicIp;
    return cluster;
  }

  #make(kind: StateReport, isShort: boolean): ReturnType<typeof putStateOf> {
    const { session, facts, volume, state } = this.#ports;
    const made = putStateOf(state(), kind, { ...facts, volume: volume(), publicIp: this.#publicIp, now: Math.round(session.now()) }, isShort);
    const revision = made.device?.playerState?.queueRevision ?? '';
    if (revision !== this.#revisions.at(-1)) this.#revisions = [...this.#revisions, revision].slice(-remembered);
    return made;
  }
}
