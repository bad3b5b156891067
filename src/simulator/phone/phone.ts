import { createHash } from 'node:crypto';
import { Emitter, TonearmError, type Events } from '#foundation';
import { decodeCluster, decodeClusterUpdate, decodeSetVolume, parseCommandRequest, type Cluster, type ProvidedTrack } from '#spotify/wire';
import type { Account } from '../accounts.ts';
import type { Outcome } from '../dealer/requests.ts';
import type { Parts } from '../parts.ts';
import type { ContextDocument } from '../catalogue/contexts.ts';
import { assertSucceeded, Remote, type CommandAnswer } from './commands.ts';
import { discoverSpeaker, type DiscoveryOptions, type FoundSpeaker } from './discovery.ts';
import { askInfo, pairWith, resetUsers, type Pairer, type PairingOptions, type PairingOutcome, type SpeakerInfo } from './pairing.ts';
import { encodeOwnState, newDevice, playbackFrom, stateChanged, type OwnPlayback } from './self.ts';
import { PhoneSession, type DealerRequest } from './session.ts';

export type ClusterDevice = Cluster['device'][string];

export interface PhoneEvents {
  /** A push came in; `cluster` is the whole picture. */
  cluster: { readonly cluster: Cluster; readonly reason: number; readonly devices: readonly string[]; readonly ackId: string };
  closed: Record<never, never>;
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
export class Phone implements AsyncDisposable {
  readonly name: string;
  readonly user: string;
  readonly deviceId: string;
  readonly #account: Account;
  readonly #parts: Parts;
  readonly #session: PhoneSession;
  readonly #remote: Remote;
  readonly #emitter = new Emitter<PhoneEvents>();
  #cluster: Cluster;
  #volume = 32_768;
  #startedAt = 0;
  #playback: OwnPlayback | null = null;

  private constructor({ name, account, parts, outcomeOf }: PhoneOptions, session: PhoneSession, cluster: Cluster, deviceId: string) {
    this.name = name;
    this.user = account.name;
    this.deviceId = deviceId;
    this.#account = account;
    this.#parts = parts;
    this.#session = session;
    this.#cluster = cluster;
    this.#remote = new Remote(session, deviceId, outcomeOf);
  }

  static async open(options: PhoneOptions): Promise<Phone> {
    const { name, account, parts, base } = options;
    const deviceId = createHash('sha1').update(`phone ${name} ${account.name}`).digest('hex');
    const credential = parts.accounts.reusableCredential(account, deviceId);
    const session = await PhoneSession.open({ name, username: account.name, credential: credential.data, deviceId, base, clock: parts.clock });
    try {
      const body = encodeOwnState({ deviceId, name, volume: 32_768, reason: newDevice, startedAt: 0, now: parts.time.now(), playback: null });
      const phone = new Phone(options, session, await putState(session, deviceId, body), deviceId);
      phone.#listen();
      return phone;
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
    const document = track !== undefined || withRows ? await this.#resolve(contextUri) : null;
    const override = {
      ...(shuffle === undefined ? {} : { shuffling_context: shuffle }),
      ...(repeat === undefined ? {} : { repeating_context: repeat !== 'off', repeating_track: repeat === 'track' }),
    };
    await this.#send(options.on, {
      endpoint: 'play',
      context: { uri: contextUri, url: `context://${contextUri}`, metadata: {}, restrictions: {}, ...(withRows && document ? { pages: document.pages } : {}) },
      play_origin: { feature_identifier: 'playlist', feature_version: 'simulator', referrer_identifier: 'your_library' },
      prepare_play_options: {
        ...(track === undefined ? {} : { skip_to: this.#rowOf(document, track) }),
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

  pause(on?: string): Promise<void> {
    return this.#send(on, { endpoint: 'pause' });
  }

  resume(on?: string): Promise<void> {
    return this.#send(on, { endpoint: 'resume' });
  }

  /** To a place in ms. */
  seek(position: number, on?: string): Promise<void> {
    return this.#send(on, { endpoint: 'seek_to', value: position, position, relative: 'beginning' });
  }

  next(on?: string): Promise<void> {
    return this.#send(on, { endpoint: 'next_track' });
  }

  previous(on?: string): Promise<void> {
    return this.#send(on, { endpoint: 'prev_track', options: { allow_seeking: true, override_restrictions: false } });
  }

  /** A click on a row of what comes next. */
  skipTo(track: Pick<ProvidedTrack, 'uri' | 'uid' | 'provider'>, on?: string): Promise<void> {
    return this.#send(on, { endpoint: 'next_track', track: { uri: track.uri, uid: track.uid, provider: track.provider, metadata: {} } });
  }

  shuffle(isOn: boolean, on?: string): Promise<void> {
    return this.#send(on, { endpoint: 'set_shuffling_context', value: isOn });
  }

  async repeat(mode: 'off' | 'context' | 'track', on?: string): Promise<void> {
    await this.#send(on, { endpoint: 'set_options', repeating_context: mode !== 'off', repeating_track: mode === 'track' });
  }

  addToQueue(uri: string, on?: string): Promise<void> {
    return this.#send(on, { endpoint: 'add_to_queue', track: { uri, uid: '', metadata: {} } });
  }

  /** Replaces what comes next, as reordering and clearing do. Rows default to the ones published. */
  setQueue(next: readonly Partial<ProvidedTrack>[], on?: string): Promise<void> {
    const revision = this.#cluster.playerState?.queueRevision ?? '';
    const isNumber = /^\d{1,15}$/.test(revision);
    return this.#send(on, {
      endpoint: 'set_queue',
      // Controllers send the number bare (connect-control §2.7); longer ones would lose digits in JSON.
      queue_revision: isNumber ? Number(revision) : revision,
      prev_tracks: (this.#cluster.playerState?.prevTracks ?? []).map(rowJson),
      next_tracks: next.map(rowJson),
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
    const document = await this.#resolve(contextUri);
    const { track_uri: trackUri, track_uid: uid } = this.#rowOf(document, track);
    const duration = this.#parts.catalogue.byUri(trackUri)?.duration ?? 0;
    await this.#become({ contextUri, trackUri, uid, position, duration, isPaused: paused, queue: queue.map((uri, at) => ({ uri, uid: `q${at}` })) });
  }

  /** Stops playing on this phone. */
  async stopHere(): Promise<void> {
    this.#playback = null;
    await this.#session.ask(`/connect-state/v1/devices/${this.deviceId}/inactive?notify=false`, { method: 'PUT' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }

  /** Leaves the device list before it closes. */
  async leave(): Promise<void> {
    await this.#session.ask(`/connect-state/v1/devices/${this.deviceId}`, { method: 'DELETE' });
    await this[Symbol.asyncDispose]();
  }

  #listen(): void {
    this.#session.events.on('message', ({ uri, payload }) => {
      if (uri.startsWith('hm://connect-state/v1/cluster')) this.#clusterPushed(payload);
      if (uri.startsWith('hm://connect-state/v1/connect/volume')) void this.#volumeSet(decodeSetVolume(payload).volume);
    });
    this.#session.events.on('request', ({ request, reply }) => void this.#requested(request, reply));
    this.#session.events.on('closed', () => this.#emitter.emit('closed', {}));
  }

  #clusterPushed(payload: Buffer): void {
    const update = decodeClusterUpdate(payload);
    if (!update.cluster) return;
    this.#cluster = update.cluster;
    // Somebody else plays now: a phone just stops.
    if (this.#playback && update.cluster.activeDeviceId !== this.deviceId && update.cluster.activeDeviceId !== '') this.#playback = null;
    this.#emitter.emit('cluster', { cluster: update.cluster, reason: update.updateReason, devices: update.devicesThatChanged, ackId: update.ackId });
  }

  async #volumeSet(volume: number): Promise<void> {
    this.#volume = volume;
    await this.#put(stateChanged);
  }

  async #requested(request: DealerRequest, reply: (success: boolean) => void): Promise<void> {
    const { command } = parseCommandRequest(request.body);
    if (command.endpoint === 'transfer') {
      const playback = playbackFrom(command.data ?? Buffer.alloc(0), (uri) => this.#parts.catalogue.byUri(uri)?.duration ?? 0);
      if (playback) await this.#become({ ...playback, isPaused: command.restorePaused === 'pause' || (command.restorePaused !== 'resume' && playback.isPaused) });
      reply(true);
    } else if (this.#playback && (command.endpoint === 'pause' || command.endpoint === 'resume')) {
      await this.#become({ ...this.#playback, isPaused: command.endpoint === 'pause' });
      reply(true);
    } else {
      reply(false);
    }
  }

  async #become(playback: OwnPlayback): Promise<void> {
    if (!this.#playback) this.#startedAt = this.#parts.time.now();
    this.#playback = playback;
    await this.#put(stateChanged);
  }

  async #put(reason: number): Promise<void> {
    const body = encodeOwnState({
      deviceId: this.deviceId,
      name: this.name,
      volume: this.#volume,
      reason,
      startedAt: this.#startedAt,
      now: this.#parts.time.now(),
      playback: this.#playback,
    });
    this.#cluster = await putState(this.#session, this.deviceId, body);
  }

  async #send(on: string | undefined, command: Readonly<Record<string, unknown>>): Promise<void> {
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

  async #resolve(contextUri: string): Promise<ContextDocument> {
    const answer = await this.#session.ask(`/context-resolve/v1/${contextUri}`);
    if (answer.status === 200) return JSON.parse(answer.body.toString('utf8')) as ContextDocument;
    throw new TonearmError({ kind: 'not-found', code: 'simulator/no-context', message: `The simulated cloud does not know ${contextUri}.` });
  }

  #rowOf(document: ContextDocument | null, track: string | number): { readonly track_uid: string; readonly track_uri: string; readonly track_index: number } {
    const rows = document?.pages.flatMap(({ tracks = [] }) => tracks) ?? [];
    const uri = typeof track === 'string' && !track.startsWith('spotify:') ? this.#parts.catalogue.get(track).uri : track;
    const index = typeof uri === 'number' ? uri : rows.findIndex((row) => this.#uriOf(row) === uri);
    const row = rows[index];
    return { track_uid: row?.uid ?? '', track_uri: row ? this.#uriOf(row) : typeof uri === 'string' ? uri : '', track_index: Math.max(0, index) };
  }

  #uriOf({ uri, gid }: { readonly uri?: string; readonly gid?: string }): string {
    return uri ?? (gid === undefined ? '' : (this.#parts.catalogue.byGid(Buffer.from(gid, 'base64'))?.uri ?? ''));
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

async function putState(session: PhoneSession, deviceId: string, body: Buffer): Promise<Cluster> {
  const answer = await session.ask(`/connect-state/v1/devices/${deviceId}`, { method: 'PUT', headers: { 'Content-Type': 'application/x-protobuf' }, body });
  if (answer.status === 200) return decodeCluster(answer.body);
  throw new TonearmError({ kind: 'unavailable', code: 'simulator/phone-state', message: `The cloud answered ${answer.status} to the state of the simulated phone.` });
}
