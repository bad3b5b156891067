import { TonearmError } from '#foundation';
import { PutStateReason, decodeCluster, decodeSetVolume, decodeTransferState, formatUri, itemKindOfContext, parseCommandRequest, type Cluster } from '#spotify/wire';
import type { Parts } from '../parts.ts';
import { encodeOwnState, type OwnPlayback } from './own-state.ts';
import type { DealerRequest, PhoneSession } from './session.ts';

/** The phone as a player of its own: it has a state, and others may command it. Its music is silent. */
export class OwnPlayer {
  readonly #session: PhoneSession;
  readonly #parts: Parts;
  readonly #who: { readonly deviceId: string; readonly name: string };
  #volume = 32_768;
  #startedAt = 0;
  #playback: OwnPlayback | null = null;

  /** Called with the picture that comes back with each state. */
  seen: (cluster: Cluster) => void = () => undefined;

  constructor(session: PhoneSession, parts: Parts, who: { readonly deviceId: string; readonly name: string }) {
    this.#session = session;
    this.#parts = parts;
    this.#who = who;
    session.events.on('request', ({ request, reply }) => void this.#requested(request, reply));
    session.events.on('message', ({ uri, payload }) => {
      if (uri.startsWith('hm://connect-state/v1/connect/volume')) void this.#setVolume(decodeSetVolume(payload).volume);
    });
  }

  get isPlaying(): boolean {
    return this.#playback !== null;
  }

  /** Makes the phone known to the cloud. */
  register(): Promise<Cluster> {
    return this.#put(PutStateReason.NEW_DEVICE);
  }

  /** Plays this from now on; whoever played before hears of it. */
  async play(playback: OwnPlayback): Promise<void> {
    if (!this.#playback) this.#startedAt = this.#parts.time.now();
    this.#playback = playback;
    await this.#put(PutStateReason.PLAYER_STATE_CHANGED);
  }

  /** Gives playback up. */
  async stop(): Promise<void> {
    this.#playback = null;
    await this.#session.ask(`/connect-state/v1/devices/${this.#who.deviceId}/inactive?notify=false`, { method: 'PUT' });
  }

  /** The cloud said who plays: a phone that does not any more just stops. */
  watched({ activeDeviceId }: Cluster): void {
    if (activeDeviceId !== '' && activeDeviceId !== this.#who.deviceId) this.#playback = null;
  }

  async #requested(request: DealerRequest, reply: (success: boolean) => void): Promise<void> {
    const { command } = parseCommandRequest(request.body);
    const current = this.#playback;
    if (command.endpoint === 'transfer') {
      const playback = this.#handedOver(command.data ?? Buffer.alloc(0));
      const isPaused = command.restorePaused === 'pause' || (command.restorePaused !== 'resume' && (playback?.isPaused ?? false));
      if (playback) await this.play({ ...playback, isPaused });
      reply(true);
    } else if (current && (command.endpoint === 'pause' || command.endpoint === 'resume')) {
      await this.play({ ...current, isPaused: command.endpoint === 'pause' });
      reply(true);
    } else {
      reply(false);
    }
  }

  /** What to go on with; null when nothing was handed over. */
  #handedOver(data: Buffer): OwnPlayback | null {
    if (data.length === 0) return null;
    const { playback, session } = decodeTransferState(data);
    const { uri = '', gid = null, uid = '' } = playback.track ?? {};
    const trackUri = uri !== '' || !gid ? uri : formatUri(itemKindOfContext(session.context.uri) ?? 'track', gid);
    if (trackUri === '') return null;
    const duration = this.#parts.catalogue.byUri(trackUri)?.duration ?? 0;
    return { contextUri: session.context.uri, trackUri, uid, position: playback.position, duration, isPaused: playback.isPaused, queue: [] };
  }

  async #setVolume(volume: number): Promise<void> {
    this.#volume = volume;
    await this.#put(PutStateReason.VOLUME_CHANGED);
  }

  async #put(reason: number): Promise<Cluster> {
    const now = this.#parts.time.now();
    const body = encodeOwnState({ ...this.#who, volume: this.#volume, reason, startedAt: this.#startedAt, now, playback: this.#playback });
    const headers = { 'Content-Type': 'application/x-protobuf' };
    const answer = await this.#session.ask(`/connect-state/v1/devices/${this.#who.deviceId}`, { method: 'PUT', headers, body });
    if (answer.status === 200) {
      const cluster = decodeCluster(answer.body);
      this.seen(cluster);
      return cluster;
    }
    throw new TonearmError({ kind: 'unavailable', code: 'simulator/phone-state', message: `The cloud answered ${answer.status} to the state of the simulated phone.` });
  }
}
