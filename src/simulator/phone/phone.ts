import { createHash } from 'node:crypto';
import { Emitter, TonearmError, type Events } from '#foundation';
import { decodeClusterUpdate, type Cluster, type ProvidedTrack } from '#spotify/wire';
import type { Account } from '../accounts.ts';
import type { Outcome } from '../dealer/requests.ts';
import type { Parts } from '../parts.ts';
import { assertSucceeded, Remote, type CommandAnswer } from './commands.ts';
import { Controls } from './controls.ts';
import { discoverSpeaker, type DiscoveryOptions, type FoundSpeaker } from './discovery.ts';
import { askInfo, pairWith, resetUsers, type Pairer, type PairingOptions, type PairingOutcome, type SpeakerInfo } from './pairing.ts';
import { OwnPlayer } from './own-player.ts';
import { findRow, loadContext } from './rows.ts';
import { PhoneSession } from './session.ts';

export type ClusterDevice = Cluster['device'][string];

export interface PhoneEvents {
  /** A push came in; `cluster` is the whole picture. */
  cluster: { readonly cluster: Cluster; readonly reason: number; readonly devices: readonly string[]; readonly ackId: string };
  closed: { readonly name: string };
}

export interface PlayOptions {
  /** Device id. Default: the one that plays, else the only other one. */
  readonly on?: string;
  /** Uri, title known to the catalogue, or number of the row. */
  readonly track?: string | number;
  /** Milliseconds. */
  readonly position?: number;
  readonly paused?: boolean;
  readonly shuffle?: boolean;
  readonly repeat?: 'off' | 'context' | 'track';
  /** Sends the rows along, as apps do for lists they have sorted or filtered. */
  readonly withRows?: boolean;
}

export interface TransferOptions {
  /** `restore` (default): as it was; `resume`: play; `pause`. */
  readonly paused?: 'restore' | 'resume' | 'pause';
}

export interface PhoneOptions {
  readonly name: string;
  readonly account: Account;
  readonly parts: Parts;
  readonly base: string;
  readonly outcomeOf: (ackId: string) => Promise<Outcome> | null;
}

/** A person with the app: finds speakers, pairs, plays, and watches what all devices say. Commands reject when the speaker does not say yes. */
export class Phone extends Controls implements AsyncDisposable {
  readonly name: string;
  readonly user: string;
  readonly deviceId: string;
  readonly #account: Account;
  readonly #parts: Parts;
  readonly #session: PhoneSession;
  readonly #remote: Remote;
  readonly #emitter = new Emitter<PhoneEvents>();
  readonly #player: OwnPlayer;
  #cluster: Cluster;

  private constructor({ name, account, parts, outcomeOf }: PhoneOptions, session: PhoneSession, player: OwnPlayer, cluster: Cluster, deviceId: string) {
    super();
    this.name = name;
    this.user = account.name;
    this.deviceId = deviceId;
    this.#account = account;
    this.#parts = parts;
    this.#session = session;
    this.#cluster = cluster;
    this.#remote = new Remote(session, deviceId, outcomeOf);
    this.#player = player;
    player.seen = (seen) => this.#saw(seen, { reason: 0, devices: [deviceId], ackId: '' });
    session.events.on('message', ({ uri, payload }) => {
      if (uri.startsWith('hm://connect-state/v1/cluster')) this.#pushed(payload);
    });
    session.events.on('closed', ({ name: closed }) => this.#emitter.emit('closed', { name: closed }));
  }

  static async open(options: PhoneOptions): Promise<Phone> {
    const { name, account, parts, base } = options;
    const deviceId = createHash('sha1').update(`phone ${name} ${account.name}`).digest('hex');
    const credential = parts.accounts.reusableCredential(account, deviceId);
    const session = await PhoneSession.open({ name, username: account.name, credential: credential.data, deviceId, base, clock: parts.clock });
    try {
      const player = new OwnPlayer(session, parts, { deviceId, name });
      return new Phone(options, session, player, await player.register(), deviceId);
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  get events(): Events<PhoneEvents> {
    return this.#emitter.events;
  }

  /** The newest picture the cloud has sent. */
  get cluster(): Cluster {
    return this.#cluster;
  }

  /** Every device but this phone, by id. */
  get devices(): ReadonlyMap<string, ClusterDevice> {
    return new Map(Object.entries(this.#cluster.device).filter(([id]) => id !== this.deviceId));
  }

  /** The device that plays; null when none does. */
  get active(): ClusterDevice | null {
    return this.#cluster.device[this.#cluster.activeDeviceId] ?? null;
  }

  /** What is playing, as the active device said last. */
  get track(): ProvidedTrack | null {
    return this.#cluster.playerState?.track ?? null;
  }

  /** Where the seek bar stands now, in ms. */
  get position(): number {
    const state = this.#cluster.playerState;
    if (!state) return 0;
    const moves = state.isPlaying && !state.isPaused && !state.isBuffering;
    return state.positionAsOfTimestamp + (moves ? Math.max(0, this.#parts.time.now() - state.timestamp) : 0);
  }

  /** The first picture, present or to come, that `test` accepts. */
  async until(test: (cluster: Cluster) => boolean, signal?: AbortSignal): Promise<Cluster> {
    if (test(this.#cluster)) return this.#cluster;
    const accepts = ({ cluster }: PhoneEvents['cluster']) => test(cluster);
    return (await this.#emitter.once('cluster', signal ? { test: accepts, signal } : { test: accepts })).cluster;
  }

  // Speakers on the network

  /** Looks for a speaker by mDNS. */
  discover(options: DiscoveryOptions): Promise<FoundSpeaker> {
    return discoverSpeaker(options);
  }

  /** Asks a speaker who it is and checks the answer. */
  info(url: string, signal?: AbortSignal): Promise<SpeakerInfo> {
    return askInfo(url, this.#pairer, signal);
  }

  /** Hands this user's credentials to a speaker. */
  pair(url: string, options: PairingOptions = {}): Promise<PairingOutcome> {
    return pairWith(url, this.#pairer, options);
  }

  /** Logs everybody out of a speaker. */
  resetUsers(url: string, signal?: AbortSignal): Promise<PairingOutcome> {
    return resetUsers(url, this.#pairer, signal);
  }

  get #pairer(): Pairer {
    const { data } = this.#parts.accounts.pairingCredential(this.#account);
    return { name: this.name, deviceId: this.deviceId, username: this.user, credential: { type: 1, data }, journal: this.#parts.journal };
  }

  // Playing

  /** Plays a context (playlist, album, track …) on a speaker. */
  async play(contextUri: string, options: PlayOptions = {}): Promise<void> {
    const { position, paused, shuffle, repeat, track, withRows = false } = options;
    const document = track !== undefined || withRows ? await loadContext(this.#session, contextUri) : null;
    const override = {
      ...(shuffle === undefined ? {} : { shuffling_context: shuffle }),
      ...(repeat === undefined ? {} : { repeating_context: repeat !== 'off', repeating_track: repeat === 'track' }),
    };
    await this.send(options.on, {
      endpoint: 'play',
      context: { uri: contextUri, url: `context://${contextUri}`, metadata: {}, restrictions: {}, ...(withRows && document ? { pages: document.pages } : {}) },
      play_origin: { feature_identifier: 'playlist', feature_version: 'simulator', referrer_identifier: 'your_library' },
      prepare_play_options: {
        ...(track === undefined || !document ? {} : { skip_to: findRow(document, track, this.#parts.catalogue) }),
        ...(position === undefined ? {} : { seek_to: position }),
        initially_paused: paused ?? false,
        always_play_something: false,
        license: 'premium',
        ...(Object.keys(override).length > 0 ? { player_options_override: override } : {}),
        suppressions: {},
        prefetch_level: 'none',
        audio_stream: 'default',
      },
      play_options: { reason: 'interactive', operation: 'replace', trigger: 'immediately' },
    });
  }

  /** Replaces what comes next, as reordering and clearing do. Rows default to the ones published. */
  setQueue(next: readonly Partial<ProvidedTrack>[], on?: string): Promise<void> {
    const revision = this.#cluster.playerState?.queueRevision ?? '';
    const isNumber = /^\d{1,15}$/.test(revision);
    return this.send(on, {
      endpoint: 'set_queue',
      // Controllers send the number bare (connect-control §2.7); longer ones would lose digits in JSON.
      queue_revision: isNumber ? Number(revision) : revision,
      prev_tracks: (this.#cluster.playerState?.prevTracks ?? []).map((row) => rowJson(row)),
      next_tracks: next.map((row) => rowJson(row)),
    });
  }

  /** 0 to 65535. A message: nothing says that it arrived but the next picture. */
  async setVolume(volume: number, on?: string): Promise<void> {
    await this.#remote.volume(this.#target(on), volume);
  }

  /** Moves what plays to another device, or back to this phone with its own id. */
  async transfer(to: string, { paused = 'restore' }: TransferOptions = {}): Promise<void> {
    assertSucceeded('transfer', await this.#remote.transfer(to, { restore_paused: paused }));
  }

  /** This phone takes playback over. */
  takeOver(options: TransferOptions = {}): Promise<void> {
    return this.transfer(this.deviceId, options);
  }

  /** Any command as JSON, unchecked; resolves with how the speaker took it. */
  command(command: Readonly<Record<string, unknown>>, on?: string): Promise<CommandAnswer> {
    return this.#remote.command(this.#target(on), command);
  }

  // The phone as a player of its own

  /** Plays on this phone itself: whoever played before hears of it. */
  async playHere(contextUri: string, { track = 0, position = 0, paused = false, queue = [] }: PlayHereOptions = {}): Promise<void> {
    const { catalogue } = this.#parts;
    const { track_uri: trackUri, track_uid: uid } = findRow(await loadContext(this.#session, contextUri), track, catalogue);
    const duration = catalogue.byUri(trackUri)?.duration ?? 0;
    await this.#player.play({ contextUri, trackUri, uid, position, duration, isPaused: paused, queue: queue.map((uri, at) => ({ uri, uid: `q${at}` })) });
  }

  /** Stops playing on this phone. */
  stopHere(): Promise<void> {
    return this.#player.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }

  /** Leaves the device list before it closes. */
  async leave(): Promise<void> {
    await this.#session.ask(`/connect-state/v1/devices/${this.deviceId}`, { method: 'DELETE' });
    await this[Symbol.asyncDispose]();
  }

  #pushed(payload: Buffer): void {
    const { cluster, updateReason: reason, devicesThatChanged: devices, ackId } = decodeClusterUpdate(payload);
    if (!cluster) return;
    this.#player.watched(cluster);
    this.#saw(cluster, { reason, devices, ackId });
  }

  #saw(cluster: Cluster, rest: Omit<PhoneEvents['cluster'], 'cluster'>): void {
    this.#cluster = cluster;
    this.#emitter.emit('cluster', { cluster, ...rest });
  }

  protected override async send(on: string | undefined, command: Readonly<Record<string, unknown>>): Promise<void> {
    assertSucceeded(String(command['endpoint']), await this.#remote.command(this.#target(on), command));
  }

  #target(on: string | undefined): string {
    const others = [...this.devices].filter(([, info]) => info.capabilities?.canBePlayer === true);
    const [only] = others;
    const id = on ?? (this.#cluster.activeDeviceId !== '' ? this.#cluster.activeDeviceId : others.length === 1 && only ? only[0] : undefined);
    if (id !== undefined) return id;
    const message = others.length === 0 ? 'No speaker is in the list of devices yet.' : 'There are several speakers and none plays: say which one is meant.';
    throw new TonearmError({ kind: 'not-found', code: 'simulator/no-target', message });
  }
}

export interface PlayHereOptions {
  readonly track?: string | number;
  readonly position?: number;
  readonly paused?: boolean;
  /** Uris queued by hand. */
  readonly queue?: readonly string[];
}

function rowJson({ uri = '', uid = '', provider = 'context', metadata = {} }: Partial<ProvidedTrack>): Readonly<Record<string, unknown>> {
  return { uri, uid, provider, metadata };
}
