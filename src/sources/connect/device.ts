import type { Command, Lease, Origin, PlayerEvents, SourceState, Zone } from '#core';
import { Emitter, Scope, TonearmError, isAbort, toTonearmError, type Clock, type Events, type Log } from '#foundation';
import type { Session, SessionEvents } from '#spotify';
import { decodeClusterUpdate, decodeSetVolume } from '#spotify/wire';
import { loadContext, loadPage } from './context/load.ts';
import { sourceOf } from './context/rows.ts';
import { step } from './device-machine.ts';
import { initialState, type DeviceEffect, type DeviceInput, type DeviceState, type TimerName } from './device-state.ts';
import { fromWireVolume, putStateOf, type DeviceFacts } from './report.ts';
import { Reporter, type ReportKind } from './reporter.ts';
import { deviceCommand, localCommand } from './request.ts';
import { refreshRow, resolveRow, type Normalisation, type ResolvedRow } from './resolve.ts';
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
};

/** The machine's hands: turns what happens into inputs, and effects into calls. Decides nothing. */
export class Device implements AsyncDisposable {
  readonly #options: DeviceOptions;
  readonly #scope = new Scope();
  readonly #emitter: Emitter<DeviceEvents>;
  readonly #reporter: Reporter;
  readonly #answers = new Map<number, Answer>();
  readonly #loads = new Map<string, { readonly abort: AbortController; resolved: ResolvedRow | null }>();
  readonly #timers = new Map<TimerName, Disposable>();
  readonly #inputs: DeviceInput[] = [];
  #state: DeviceState;
  #lease: { readonly lease: Lease; readonly listeners: readonly Disposable[] } | null = null;
  #context = new AbortController();
  #tickets = 0;
  #isStepping = false;

  constructor(options: DeviceOptions) {
    const { session, zone, clock, log } = options;
    this.#options = options;
    this.#emitter = new Emitter((error) => log.error('A listener of the device failed', { error }));
    this.#state = initialState(options.newId(), session.now());
    this.#reporter = new Reporter({ clock, log, put: (kind, signal) => this.#put(kind, signal) });
    this.#scope.defer(() => this.#letGo());
    this.#scope.use(this.#reporter);
    this.#scope.use(zone.events.on('volume', () => this.#reporter.tell('volume')));
    this.#scope.use(session.events.on('connected', () => this.#send({ type: 'connected' })));
    this.#scope.use(
      session.events.on('disconnected', () => {
        this.#reporter.forget();
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
    return viewOf(this.#state, { skew: session.now() - clock.now(), account: { name: session.username, connected: session.connectionId !== null } });
  }

  /** Resolves when the command has been accepted; what takes time shows in `state`. */
  execute(command: Command, by: Origin): Promise<void> {
    const understood = localCommand(command);
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
    this.#reporter.forget();
    this.#send({ type: 'loggedOut' });
    try {
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
        if (cluster) this.#send({ type: 'cluster', activeDevice: cluster.activeDeviceId });
      } else if (uri.startsWith(uris.volume)) zone.setVolume(fromWireVolume(decodeSetVolume(payload).volume), 'phone');
      else if (uri.startsWith(uris.logout)) this.#emitter.emit('loggedOut', {});
    } catch (error) {
      log.warn('A message of the cloud could not be read and was ignored', { uri, code: toTonearmError(error).code });
    }
  }

  #send(input: DeviceInput): void {
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
    const { session } = this.#options;
    const deck = this.#lease?.lease.deck;
    switch (effect.type) {
      case 'answer':
        this.#answers.get(effect.ticket)?.(effect.success, effect.why);
        this.#answers.delete(effect.ticket);
        return;
      case 'claim':
        this.#claim(effect.by);
        return;
      case 'release':
        this.#release();
        return;
      case 'resolve':
        this.#ask(effect.generation, async (signal) => ({
          type: 'resolved',
          generation: effect.generation,
          context: await loadContext({ clock: this.#options.clock, resolveContext: (uri, s) => session.resolveContext(uri, s), fetchPage: (url, s) => session.fetchPage(url, s) }, effect.context, effect, signal),
        }));
        return;
      case 'fetchPage': {
        const { list } = this.#state;
        this.#ask(effect.generation, async (signal) => ({
          type: 'page',
          generation: effect.generation,
          ...(await loadPage({ fetchPage: (url, s) => session.fetchPage(url, s) }, { uri: list.context.uri, rows: list.rows }, effect.url, signal)),
        }));
        return;
      }
      case 'autoplay':
        this.#ask(effect.generation, async (signal) => ({
          type: 'resolved',
          generation: effect.generation,
          context: sourceOf(await session.autoplay(effect.contextUri, effect.recent, signal)),
        }));
        return;
      case 'load':
        this.#load(effect);
        return;
      case 'forget':
        this.#loads.get(effect.id)?.abort.abort(new DOMException('Something else was chosen.', 'AbortError'));
        this.#loads.delete(effect.id);
        return;
      case 'deckPlay': {
        const resolved = this.#loads.get(effect.id)?.resolved;
        if (resolved) deck?.play(resolved.playable, { id: effect.id, at: effect.at, paused: effect.paused });
        return;
      }
      case 'deckFollow': {
        const resolved = effect.id === null ? null : this.#loads.get(effect.id)?.resolved;
        deck?.follow(resolved && effect.id !== null ? { playable: resolved.playable, id: effect.id } : null);
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
        this.#reporter.forget();
        void session.putInactive(this.#scope.signal).catch((error: unknown) => this.#failed('The cloud could not be told that playback ended here', error));
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

  #claim(by: Origin): void {
    if (this.#lease) return;
    const lease = this.#options.zone.claim('connect', by);
    const { events } = lease.deck;
    const listeners = [
      ...(['playing', 'paused', 'stalled', 'moved'] as const).map((type) => events.on(type, ({ id, position }) => this.#send({ type, id, position }))),
      events.on('measured', ({ id, duration }) => this.#send({ type: 'measured', id, duration })),
      events.on('ended', ({ id }) => this.#send({ type: 'ended', id })),
      events.on('failed', ({ id, error }) => this.#send({ type: 'failed', id, error })),
      events.on('wanted', ({ id }) => this.#refresh(id)),
    ];
    this.#lease = { lease, listeners };
    lease.signal.addEventListener('abort', () => {
      if (this.#lease?.lease === lease) {
        this.#release();
        this.#send({ type: 'outplayed' });
      }
    });
  }

  #release(): void {
    const held = this.#lease;
    this.#lease = null;
    for (const listener of held?.listeners ?? []) listener[Symbol.dispose]();
    held?.lease[Symbol.dispose]();
  }

  /** One question about contexts at a time: a newer one makes the older one pointless. */
  #ask(generation: number, work: (signal: AbortSignal) => Promise<DeviceInput>): void {
    this.#context.abort(new DOMException('Something else was chosen.', 'AbortError'));
    const abort = (this.#context = new AbortController());
    const signal = AbortSignal.any([abort.signal, this.#scope.signal]);
    work(signal).then(
      (input) => {
        if (!signal.aborted) this.#send(input);
      },
      (error: unknown) => {
        if (!signal.aborted) this.#send({ type: 'unresolved', generation, error: toTonearmError(error) });
      },
    );
  }

  #load({ id, row }: Extract<DeviceEffect, { type: 'load' }>): void {
    const abort = new AbortController();
    const load = { abort, resolved: null as ResolvedRow | null };
    this.#loads.set(id, load);
    const signal = AbortSignal.any([abort.signal, this.#scope.signal]);
    resolveRow(this.#options.session, row, this.#options.normalisation, signal).then(
      (resolved) => {
        if (signal.aborted) return;
        load.resolved = resolved;
        this.#send({ type: 'loaded', id, track: resolved.playable.track, metadata: resolved.metadata });
      },
      (error: unknown) => {
        if (!signal.aborted) this.#send({ type: 'unloadable', id, error: toTonearmError(error) });
      },
    );
  }

  #refresh(id: string): void {
    const load = this.#loads.get(id);
    if (!load?.resolved) return;
    const signal = AbortSignal.any([load.abort.signal, this.#scope.signal]);
    refreshRow(this.#options.session, load.resolved, signal).then(
      (resolved) => {
        if (signal.aborted) return;
        load.resolved = resolved;
        this.#lease?.lease.deck.refresh(id, resolved.playable);
      },
      // The deck waits for a while and then says that it failed; that is the one report people need.
      (error: unknown) => this.#failed('Fresh addresses could not be had', error),
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
    const request = (isShort: boolean) => putStateOf(this.#state, kind, this.#facts(), isShort);
    let cluster;
    try {
      cluster = await session.putState(request(false), signal);
    } catch (error) {
      if (toTonearmError(error).code !== 'spotify/state-too-large') throw error;
      cluster = await session.putState(request(true), signal);
    }
    this.#send({ type: 'cluster', activeDevice: cluster.activeDeviceId });
  }

  #facts(): DeviceFacts {
    const { facts, zone, session } = this.#options;
    return { ...facts, volume: zone.volume.muted ? 0 : zone.volume.level, now: Math.round(session.now()) };
  }

  #failed(what: string, error: unknown): void {
    if (!isAbort(error) && !this.#scope.signal.aborted) this.#options.log.warn(`${what}: ${toTonearmError(error).message}`, { code: toTonearmError(error).code });
  }

  #letGo(): void {
    this.#release();
    for (const timer of this.#timers.values()) timer[Symbol.dispose]();
    this.#timers.clear();
    for (const { abort } of this.#loads.values()) abort.abort(new DOMException('The device is closing.', 'AbortError'));
    this.#loads.clear();
    this.#context.abort(new DOMException('The device is closing.', 'AbortError'));
    for (const answer of this.#answers.values()) answer(false, { kind: 'cancelled', code: 'connect/closing', message: 'Tonearm is closing.' });
    this.#answers.clear();
  }
}
