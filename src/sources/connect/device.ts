import type { Command, Origin, PlayerEvents, SourceState, Zone } from '#core';
import { Emitter, Scope, TonearmError, toTonearmError, type Clock, type Events, type Log } from '#foundation';
import type { Session, SessionEvents } from '#spotify';
import type { CommandRequest } from '#spotify/wire';
import { Answers } from './answers.ts';
import { carry, type Carried } from './device-carrying.ts';
import { tellDeck } from './deck-effects.ts';
import { step } from './device-machine.ts';
import { initialState, type DeviceCommand, type DeviceEffect, type DeviceInput, type DeviceState } from './device-state.ts';
import { sayFarewell } from './farewell.ts';
import { Hold } from './hold.ts';
import { Loads } from './loads.ts';
import { newsOf } from './news.ts';
import { PlaceKeeper } from './place-keeper.ts';
import { Publisher } from './publisher.ts';
import { Questions } from './questions.ts';
import type { DeviceFacts } from './report.ts';
import { Reporter, type ReportKind } from './reporter.ts';
import { localCommand, understood } from './request.ts';
import type { Normalisation } from './resolve.ts';
import { Skew } from './skew.ts';
import { Timers } from './timers.ts';
import { viewOf } from './view.ts';

export interface DeviceOptions {
  readonly session: Session;
  readonly zone: Zone;
  readonly clock: Clock;
  readonly log: Log;
  readonly facts: Omit<DeviceFacts, 'volume' | 'publicIp' | 'now'>;
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

const isFiltered = ({ attributes }: Pick<Session, 'attributes'>): boolean => attributes.get('filter-explicit-content') === '1';

/** The machine's hands: turns what happens into inputs, and effects into calls. Decides nothing. */
export class Device implements AsyncDisposable {
  readonly #options: DeviceOptions;
  readonly #scope = new Scope();
  readonly #emitter: Emitter<DeviceEvents>;
  readonly #reporter: Reporter;
  readonly #publisher: Publisher;
  readonly #answers = new Answers();
  readonly #loads: Loads;
  readonly #questions: Questions;
  readonly #hold: Hold;
  readonly #timers: Timers;
  readonly #places: PlaceKeeper;
  readonly #skew: Skew;
  readonly #inputs: DeviceInput[] = [];
  #state: DeviceState;
  #isStepping = false;
  #isClosed = false;
  #isFiltered: boolean;

  constructor(options: DeviceOptions) {
    const { session, zone, clock, log } = options;
    this.#options = options;
    this.#skew = new Skew(session, clock);
    this.#places = new PlaceKeeper(session, log, this.#scope.signal);
    this.#emitter = new Emitter((error) => log.error('A listener of the device failed', { error }));
    this.#state = initialState(options.newId(), session.now());
    this.#reporter = new Reporter({ clock, log, put: (kind, signal) => this.#put(kind, signal), disallowed: (error) => this.#send({ type: 'disallowed', error }) });
    const volume = () => (zone.volume.muted ? 0 : zone.volume.level);
    this.#publisher = new Publisher({ session, facts: options.facts, volume, state: () => this.#state });
    this.#isFiltered = isFiltered(session);
    this.#loads = new Loads({
      session,
      clock,
      normalisation: options.normalisation,
      loaded: (id, { playable: { track }, metadata }, at) => this.#send({ type: 'loaded', id, track, metadata, at }),
      failed: (id, error) => this.#send({ type: 'unloadable', id, error }),
      foreseen: (uri, shown) => this.#send({ type: 'foreseen', uri, ...shown }),
    });
    this.#timers = new Timers(clock, (timer) => this.#send({ type: 'waited', timer }));
    this.#questions = new Questions({ session, clock, answer: (input) => this.#send(input) });
    this.#hold = new Hold({ zone, hear: (input) => this.#send(input), wanted: (id) => this.#refresh(id) });
    this.#scope.defer(() => this.#letGo());
    this.#scope.use(this.#reporter);
    this.#listen();
    if (session.connectionId !== null) this.#send({ type: 'connected' });
  }

  get events(): Events<DeviceEvents> {
    return this.#emitter.events;
  }

  get state(): SourceState {
    const { session } = this.#options;
    return viewOf(this.#state, { skew: this.#skew.now, account: { name: session.username, connected: session.connectionId !== null } });
  }

  /** Resolves when the command has been accepted; what takes time shows in `state`. */
  execute(command: Command, by: Origin): Promise<void> {
    const understood = localCommand(command);
    if (!understood) return Promise.reject(new TonearmError({ kind: 'internal', code: 'connect/not-ours', message: `“${command.kind}” is not for the Spotify source.` }));
    return this.#ask(understood, by);
  }

  /** What plays, for another speaker of the house. */
  handOver(): Carried | null {
    return carry(this.#state, this.#options.session.now());
  }

  takeOver({ playback }: Carried, by: Origin): Promise<void> {
    return this.#ask({ kind: 'adopt', playback }, by);
  }

  #ask(command: DeviceCommand, by: Origin): Promise<void> {
    if (this.#isClosed) return Promise.reject(new TonearmError({ kind: 'conflict', code: 'connect/closing', message: 'The Spotify account is being disconnected. Try again in a moment.' }));
    return new Promise((resolve, reject) => {
      const ticket = this.#answers.ticket((success, why) => {
        if (success) resolve();
        else reject(new TonearmError(why ?? { kind: 'internal', code: 'connect/refused', message: 'Spotify Connect could not do this.' }));
      });
      this.#send({ type: 'local', ticket, command, by });
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
      await sayFarewell(this.#options, { isActive: wasActive, kept: this.#places.done }, signal);
    } catch (error) {
      this.#options.log.debug('The cloud could not be told that this speaker leaves', { code: toTonearmError(error).code });
    }
  }

  #filter(): void {
    this.#loads.forgetForeseen();
    this.#send({ type: 'filtered' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }

  #listen(): void {
    const { session, zone } = this.#options;
    this.#scope.use(zone.events.on('volume', () => this.#reporter.tell('volume')));
    this.#scope.use(session.events.on('connected', () => this.#send({ type: 'connected' })));
    this.#scope.use(
      session.events.on('disconnected', () => {
        this.#reporter.disconnected();
        this.#send({ type: 'disconnected' });
      }),
    );
    this.#scope.use(
      session.events.on('account', () => {
        const was = this.#isFiltered;
        this.#isFiltered = isFiltered(session);
        if (this.#isFiltered && !was) this.#filter();
      }),
    );
    this.#scope.use(session.events.on('request', (event) => this.#request(event)));
    this.#scope.use(session.events.on('message', (message) => this.#message(message)));
  }

  #request(event: SessionEvents['request']): void {
    const { log } = this.#options;
    const { request, raw } = event;
    const { messageId, sentBy, endpoint } = request;
    const command = understood(request);
    if (command.kind === 'refuse') log.info(command.why, { endpoint });
    log.debug('A phone commands', { endpoint, commandId: request.commandId });
    log.trace('The command as it came', { raw });
    this.#checkRevision(request.command);
    const ticket = this.#answers.ticket((success, why) => {
      if (why) log.info(`Not done: ${why.message}`, { endpoint, code: why.code });
      event.reply(success);
    });
    this.#send({ type: 'request', ticket, messageId, sentBy, endpoint, command });
  }

  /** An edit of a list that is long gone is done all the same: nothing better can be made of it (connect-control.md §3.14). */
  #checkRevision(command: CommandRequest['command']): void {
    if (command.endpoint !== 'set_queue' || command.revision === null || this.#publisher.knows(command.revision)) return;
    this.#options.log.info('A phone edited an older list of what comes next; its order was taken', { revision: command.revision });
  }

  #message(message: SessionEvents['message']): void {
    const { log, zone } = this.#options;
    let news;
    try {
      news = newsOf(message);
    } catch (error) {
      log.warn('A message of the cloud could not be read and was ignored', { uri: message.uri, code: toTonearmError(error).code });
    }
    if (news?.kind === 'input') this.#send(news.input);
    else if (news?.kind === 'volume') zone.setVolume(news.level, 'phone');
    else if (news) this.#emitter.emit('loggedOut', {});
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
    // Whoever shows a position extrapolates it with the machine's clock.
    if (this.#skew.hasChanged() || this.#state !== before) this.#emitter.emit('changed', { by: this.#state.by });
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
    switch (effect.type) {
      case 'answer':
        this.#answers.give(effect);
        return;
      case 'claim':
        this.#hold.claim(effect.by);
        return;
      case 'release':
        this.#hold.release(this.#state.by);
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
        this.#loads.start(effect.id, effect.row, effect.resumes);
        return;
      case 'forget':
        this.#loads.forget(effect.id);
        return;
      case 'foresee':
        this.#loads.foresee(effect.row);
        return;
      case 'deckPlay':
      case 'deckFollow':
      case 'deckPause':
      case 'deckResume':
      case 'deckStop':
      case 'deckSeek':
        tellDeck(this.#hold.deck, effect, (id) => this.#loads.recipe(id));
        return;
      case 'report':
        this.#reporter.tell(effect.reason);
        return;
      case 'inactive':
        this.#reporter.tell('inactive');
        return;
      case 'keepPlace':
        this.#places.keep(effect.uri, effect.position);
        return;
      case 'timer':
        this.#timers.set(effect.name, effect.delay);
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

  async #put(kind: ReportKind, signal: AbortSignal): Promise<void> {
    if (kind === 'inactive') return this.#options.session.putInactive(signal);
    const { activeDeviceId, startedPlayingAtTimestamp } = await this.#publisher.put(kind, signal);
    this.#send({ type: 'cluster', activeDevice: activeDeviceId, isAnswer: true, startedAt: startedPlayingAtTimestamp ?? 0 });
  }

  #letGo(): void {
    this.#isClosed = true;
    this.#hold.release('tonearm');
    this.#timers[Symbol.dispose]();
    this.#loads[Symbol.dispose]();
    this.#questions[Symbol.dispose]();
    this.#answers[Symbol.dispose]();
  }
}
