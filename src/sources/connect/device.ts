import type { Command, Origin, PlayerEvents, SourceState, Zone } from '#core';
import { Emitter, Scope, TonearmError, toTonearmError, type Clock, type Events, type Log } from '#foundation';
import type { Session, SessionEvents } from '#spotify';
import { decodeClusterUpdate, decodePlaylistModification, decodeSetVolume } from '#spotify/wire';
import { step } from './device-machine.ts';
import { initialState, type DeviceEffect, type DeviceInput, type DeviceState, type TimerName } from './device-state.ts';
import { Hold } from './hold.ts';
import { Loads } from './loads.ts';
import { Questions } from './questions.ts';
import { fromWireVolume, putStateOf, type DeviceFacts } from './report.ts';
import { Reporter, type ReportKind } from './reporter.ts';
import { deviceCommand, localCommand } from './request.ts';
import type { Normalisation } from './resolve.ts';
import { viewOf } from './view.ts';

export interface DeviceOptions {
  readonly session: Session;
  readonly zone: Zone;
  readonly clock: Clock;
  readonly log: Log;
  readonly facts: Omit<DeviceFacts, 'volume' | 'now'>;
  readonly normalisation: Normalisation;
  /** Null: as the account is set. */
  readonly autoplay: boolean | null;
  readonly newId: () => string;
  readonly below: (limit: number) => number;
}

export interface DeviceEvents {
  changed: { readonly by: Origin };
  ended: PlayerEvents['ended'];
  failed: PlayerEvents['failed'];
  /** A phone logged this account out of the speaker. */
  loggedOut: Record<string, never>;
}

type Answer = (success: boolean, why: Extract<DeviceEffect, { type: 'answer' }>['why']) => void;

const uris = {
  cluster: 'hm://connect-state/v1/cluster',
  volume: 'hm://connect-state/v1/connect/volume',
  logout: 'hm://connect-state/v1/connect/logout',
  playlist: 'hm://playlist/v2/playlist/',
};
/** Differences between two clocks below this come from reading them one after the other. */
const skewTolerance = 50;

/** The machine's hands: turns what happens into inputs, and effects into calls. Decides nothing. */
export class Device implements AsyncDisposable {
  readonly #options: DeviceOptions;
  readonly #scope = new Scope();
  readonly #emitter: Emitter<DeviceEvents>;
  readonly #reporter: Reporter;
  readonly #answers = new Map<number, Answer>();
  readonly #loads: Loads;
  readonly #questions: Questions;
  readonly #hold: Hold;
  readonly #timers = new Map<TimerName, Disposable>();
  readonly #inputs: DeviceInput[] = [];
  #state: DeviceState;
  #tickets = 0;
  #isStepping = false;
  #isClosed = false;
  /** Server time minus local time. */
  #skew = 0;

  constructor(options: DeviceOptions) {
    const { session, zone, clock, log } = options;
    this.#options = options;
    this.#emitter = new Emitter((error) => log.error('A listener of the device failed', { error }));
    this.#state = initialState(options.newId(), session.now());
    this.#reporter = new Reporter({ clock, log, put: (kind, signal) => this.#put(kind, signal) });
    this.#loads = new Loads({
      session,
      clock,
      normalisation: options.normalisation,
      loaded: (id, { playable: { track }, metadata }) => this.#send({ type: 'loaded', id, track, metadata }),
      failed: (id, error) => this.#send({ type: 'unloadable', id, error }),
      foreseen: (uri, shown) => this.#send({ type: 'foreseen', uri, ...shown }),
    });
    this.#questions = new Questions({ session, clock, answer: (input) => this.#send(input) });
    this.#hold = new Hold({ zone, hear: (input) => this.#send(input), wanted: (id) => this.#refresh(id) });
    this.#scope.defer(() => this.#letGo());
    this.#scope.use(this.#reporter);
    this.#scope.use(zone.events.on('volume', () => this.#reporter.tell('volume')));
    this.#scope.use(session.events.on('connected', () => this.#send({ type: 'connected' })));
    this.#scope.use(
      session.events.on('disconnected', () => {
        this.#reporter.disconnected();
        this.#send({ type: 'disconnected' });
      }),
    );
    this.#scope.use(session.events.on('request', (event) => this.#request(event)));
    this.#scope.use(session.events.on('message', (message) => this.#message(message)));
    if (session.connectionId !== null) this.#send({ type: 'connected' });
  }

  get events(): Events<DeviceEvents> {
    return this.#emitter.events;
  }

  get state(): SourceState {
    const { session, clock } = this.#options;
    const skew = session.now() - clock.now();
    if (Math.abs(skew - this.#skew) > skewTolerance) this.#skew = skew;
    return viewOf(this.#state, { skew: this.#skew, account: { name: session.username, connected: session.connectionId !== null } });
  }

  /** Resolves when the command has been accepted; what takes time shows in `state`. */
  execute(command: Command, by: Origin): Promise<void> {
    const understood = localCommand(command);
    if (this.#isClosed) return Promise.reject(new TonearmError({ kind: 'conflict', code: 'connect/closing', message: 'The Spotify account is being disconnected. Try again in a moment.' }));
    if (!understood) return Promise.reject(new TonearmError({ kind: 'internal', code: 'connect/not-ours', message: `“${command.kind}” is not for the Spotify source.` }));
    return new Promise((resolve, reject) => {
      const ticket = this.#ticket((success, why) => {
        if (success) resolve();
        else reject(new TonearmError(why ?? { kind: 'internal', code: 'connect/refused', message: 'Spotify Connect could not do this.' }));
      });
      this.#send({ type: 'local', ticket, command: understood, by });
    });
  }

  /** Gives playback up if it has it, and leaves the list of devices: for log-out and shutdown. At most about three seconds. */
  async leave(signal: AbortSignal): Promise<void> {
    const wasActive = this.#state.isActive;
    this.#send({ type: 'loggedOut' });
    this.#isClosed = true;
    try {
      // A report that is under way would put us back on the list.
      await this.#reporter[Symbol.asyncDispose]();
      if (wasActive) await this.#options.session.putInactive(signal);
      await this.#options.session.removeDevice(signal);
    } catch (error) {
      this.#options.log.debug('The cloud could not be told that this speaker leaves', { code: toTonearmError(error).code });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }

  #ticket(answer: Answer): number {
    const ticket = ++this.#tickets;
    this.#answers.set(ticket, answer);
    return ticket;
  }

  #request(event: SessionEvents['request']): void {
    const { log } = this.#options;
    const { request, raw } = event;
    const { messageId, sentBy, endpoint } = request;
    let command;
    try {
      command = deviceCommand(request);
    } catch (error) {
      log.warn('A phone sent a command that cannot be understood; nothing was done', { endpoint, code: toTonearmError(error).code });
      event.reply(false);
      return;
    }
    if (command.kind === 'refuse') log.info(command.why, { endpoint });
    log.debug('A phone commands', { endpoint, commandId: request.commandId });
    log.trace('The command as it came', { raw });
    const ticket = this.#ticket((success, why) => {
      if (why) log.info(`Not done: ${why.message}`, { endpoint, code: why.code });
      event.reply(success);
    });
    this.#send({ type: 'request', ticket, messageId, sentBy, endpoint, command });
  }

  #message({ uri, payload }: SessionEvents['message']): void {
    const { log, zone } = this.#options;
    try {
      if (uri.startsWith(uris.cluster)) {
        const { cluster } = decodeClusterUpdate(payload);
        if (cluster) this.#send({ type: 'cluster', activeDevice: cluster.activeDeviceId, needsState: cluster.needFullPlayerState });
      } else if (uri.startsWith(uris.volume)) zone.setVolume(fromWireVolume(decodeSetVolume(payload).volume), 'phone');
      else if (uri.startsWith(uris.logout)) this.#emitter.emit('loggedOut', {});
      else if (uri.startsWith(uris.playlist)) this.#send({ type: 'modified', uri: decodePlaylistModification(payload).uri });
    } catch (error) {
      log.warn('A message of the cloud could not be read and was ignored', { uri, code: toTonearmError(error).code });
    }
  }

  #send(input: DeviceInput): void {
    if (this.#isClosed) return;
    this.#inputs.push(input);
    if (this.#isStepping) return;
    this.#isStepping = true;
    const before = this.#state;
    try {
      for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) this.#step(next);
    } finally {
      this.#isStepping = false;
    }
    if (this.#state !== before) this.#emitter.emit('changed', { by: this.#state.by });
  }

  #step(input: DeviceInput): void {
    const { session, facts, newId, below, autoplay } = this.#options;
    const { state, effects } = step(this.#state, input, {
      now: Math.round(session.now()),
      deviceId: facts.deviceId,
      newId,
      below,
      autoplay: autoplay ?? session.attributes.get('autoplay') === '1',
    });
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: DeviceEffect): void {
    const { deck } = this.#hold;
    switch (effect.type) {
      case 'answer':
        this.#answers.get(effect.ticket)?.(effect.success, effect.why);
        this.#answers.delete(effect.ticket);
        return;
      case 'claim':
        this.#hold.claim(effect.by);
        return;
      case 'release':
        this.#hold.release();
        return;
      case 'resolve':
        this.#questions.resolve(effect);
        return;
      case 'fetchPage':
        this.#questions.fetchPage(effect, this.#state.list);
        return;
      case 'autoplay':
        this.#questions.autoplay(effect);
        return;
      case 'load':
        this.#loads.start(effect.id, effect.row);
        return;
      case 'forget':
        this.#loads.forget(effect.id);
        return;
      case 'foresee':
        this.#loads.foresee(effect.row);
        return;
      case 'deckPlay': {
        const { id, at, paused } = effect;
        const playable = this.#loads.recipe(id);
        if (playable) deck?.play(playable, { id, at, paused });
        return;
      }
      case 'deckFollow': {
        const { id } = effect;
        const playable = id === null ? null : this.#loads.recipe(id);
        deck?.follow(playable && id !== null ? { playable, id } : null);
        return;
      }
      case 'deckPause':
        deck?.pause();
        return;
      case 'deckResume':
        deck?.resume();
        return;
      case 'deckStop':
        deck?.stop();
        return;
      case 'deckSeek':
        deck?.seek(effect.to);
        return;
      case 'report':
        this.#reporter.tell(effect.reason);
        return;
      case 'inactive':
        this.#reporter.tell('inactive');
        return;
      case 'timer':
        this.#timer(effect.name, effect.delay);
        return;
      case 'trackEnded':
        this.#emitter.emit('ended', { track: effect.track, reason: effect.reason });
        return;
      case 'trouble':
        this.#options.log.warn(effect.error.message, { code: effect.error.code });
        this.#emitter.emit('failed', { error: effect.error });
        return;
    }
  }

  #refresh(id: string): void {
    this.#loads.refresh(id).then(
      (playable) => {
        if (playable) this.#hold.deck?.refresh(id, playable);
      },
      // The deck waits for a while and then says that it failed; that is the one report people need.
      (error: unknown) => this.#options.log.warn(`Fresh addresses could not be had: ${toTonearmError(error).message}`, { code: toTonearmError(error).code }),
    );
  }

  #timer(name: TimerName, delay: number | null): void {
    this.#timers.get(name)?.[Symbol.dispose]();
    this.#timers.delete(name);
    if (delay === null) return;
    const timer = this.#options.clock.timer(delay, () => {
      this.#timers.delete(name);
      this.#send({ type: 'waited', timer: name });
    });
    this.#timers.set(name, timer);
  }

  async #put(kind: ReportKind, signal: AbortSignal): Promise<void> {
    const { session } = this.#options;
    if (kind === 'inactive') return session.putInactive(signal);
    const request = (isShort: boolean) => putStateOf(this.#state, kind, this.#facts(), isShort);
    let cluster;
    try {
      cluster = await session.putState(request(false), signal);
    } catch (error) {
      if (toTonearmError(error).code !== 'spotify/state-too-large') throw error;
      cluster = await session.putState(request(true), signal);
    }
    this.#send({ type: 'cluster', activeDevice: cluster.activeDeviceId, isAnswer: true });
  }

  #facts(): DeviceFacts {
    const { facts, zone, session } = this.#options;
    return { ...facts, volume: zone.volume.muted ? 0 : zone.volume.level, now: Math.round(session.now()) };
  }

  #letGo(): void {
    this.#isClosed = true;
    this.#hold.release();
    for (const timer of this.#timers.values()) timer[Symbol.dispose]();
    this.#timers.clear();
    this.#loads[Symbol.dispose]();
    this.#questions[Symbol.dispose]();
    for (const answer of this.#answers.values()) answer(false, { kind: 'cancelled', code: 'connect/closing', message: 'Tonearm is closing.' });
    this.#answers.clear();
  }
}
