import { randomBytes, randomInt } from 'node:crypto';
import type { Command, Host, LoginWay, Notice, Origin, Source, SourceEvents, SourceState, Uri, Zone } from '#core';
import { Emitter, Scope, TonearmError, hex, isAbort, maskUser, throwIfAborted, toTonearmError, type Events, type Log } from '#foundation';
import { defaultClientId, openDiscovery, openSession, type Bitrate, type CloudEndpoints, type Credentials, type Discovery, type Identity, type NetworkOptions, type Session, type Visitor } from '#spotify';
import { openAccounts, type OpenAccounts } from './accounts/accounts.ts';
import { refusal } from './accounts/guests.ts';
import type { Reception, Seat } from './accounts/reception.ts';
import { explained, notReadable } from './accounts/refusals.ts';
import { Device } from './device.ts';
import type { DeviceFacts } from './report.ts';
import { spotifyUri } from './request.ts';
import type { Normalisation } from './resolve.ts';

export interface ReceiverSettings {
  /** 40 hex digits, the same for ever. */
  readonly deviceId: string;
  readonly endpoints: CloudEndpoints;
  readonly network?: NetworkOptions | undefined;
  readonly bitrate: Bitrate;
  readonly normalisation: Normalisation;
  /** Whether something goes on where a context ends; as the account is set when absent. */
  readonly autoplay?: boolean | undefined;
  readonly deviceType: DeviceFacts['deviceType'];
  /** Port and address phones pair on; port 0 for any free one. */
  readonly pairing: { readonly port: number; readonly address: string };
  /** Who may play and who is remembered; this zone's own, with the usual rules, when there is none for the whole daemon. */
  readonly accounts?: OpenAccounts | undefined;
}

const goodbye = 3000;
/** Stored credentials that were turned down once are tried again after this time. */
const secondTry = 60_000;
const brand = 'Tonearm';
const model = 'Tonearm';

/** The Connect source of a zone: lets phones pair, keeps one account logged in, and plays what it is told. */
export interface Receiver extends Source {
  /** Where phones pair. */
  readonly port: number;
}

/** Rejects only when the pairing port cannot be had; a cloud that is away is waited for in the background. */
export async function openReceiver(settings: ReceiverSettings, { zone, host }: { readonly zone: Zone; readonly host: Host }): Promise<Receiver> {
  const receiver = new ConnectReceiver(settings, zone, host);
  await receiver.open();
  return receiver;
}

class ConnectReceiver implements Receiver {
  readonly name = 'connect';
  readonly #settings: ReceiverSettings;
  readonly #zone: Zone;
  readonly #host: Host;
  readonly #log: Log;
  readonly #scope = new Scope();
  readonly #emitter: Emitter<SourceEvents>;
  readonly #identity: Identity;
  #reception!: Reception; // there once opened; nothing is public before
  #discovery: Discovery | null = null;
  #login: AbortController | null = null;
  #current: { readonly session: Session; readonly device: Device; readonly scope: Scope } | null = null;
  #notice: Notice | null = null;
  #question: Notice | null = null;
  /** Why the login before this moment failed, for whoever asked for it. */
  #lastRefusal: TonearmError | null = null;
  /** Sessions on their way out: each waits for the one before. */
  #ending: Promise<void> = Promise.resolve();
  #again: Disposable | null = null;
  #isClosed = false;
  readonly #since: number;

  constructor(settings: ReceiverSettings, zone: Zone, host: Host) {
    this.#settings = settings;
    this.#zone = zone;
    this.#host = host;
    this.#log = host.log.child(`connect/${zone.id}`);
    this.#emitter = new Emitter((error) => this.#log.error('A listener failed', { error }));
    this.#since = host.clock.now();
    this.#identity = { deviceId: settings.deviceId, name: zone.name, brand, model, version: host.version, clientId: defaultClientId };
  }

  get events(): Events<SourceEvents> {
    return this.#emitter.events;
  }

  get port(): number {
    return this.#discovery?.port ?? 0;
  }

  get state(): SourceState {
    const shown = this.#current?.device.state;
    const notice = this.#question ?? this.#notice;
    if (shown) return notice && !shown.notice ? { ...shown, notice } : shown;
    return {
      status: 'stopped',
      track: null,
      position: { at: 0, measured: this.#since },
      order: { shuffle: false, repeat: 'off' },
      queue: { context: null, next: [] },
      account: { name: null, connected: false },
      notice,
      accepts: new Set(),
    };
  }

  async open(): Promise<void> {
    const { pairing, endpoints, network, accounts } = this.#settings;
    const { id, name } = this.#zone;
    try {
      const desk = accounts ?? this.#scope.use(await openAccounts({ zones: [{ id, name }], endpoints, network, host: this.#host }));
      this.#reception = desk.reception(id);
      this.#scope.use(this.#reception.attach(this.#seat()));
      this.#scope.use(desk.events.on('question', ({ question, answer }) => question.zone === id && this.#asked(answer === 'open')));
      this.#discovery = this.#scope.use(
        await openDiscovery({
          identity: this.#identity,
          host: this.#host,
          name,
          port: pairing.port,
          address: pairing.address,
          onUser: (credentials, signal, visitor) => this.#pair(credentials, signal, visitor),
          mayPair: (visitor) => this.#reception.mayPair(visitor),
          activeUser: () => this.#current?.session.username ?? null,
          mayReset: () => this.#reception.mayReset(),
          onReset: () => this.#logOut('A phone logged the account out.'),
        }),
      );
    } catch (error) {
      await this.#scope[Symbol.asyncDispose]();
      throw error;
    }
    this.#background(this.#logInStored());
  }

  plays(uri: Uri): boolean {
    return spotifyUri(uri) !== null;
  }

  async execute(command: Command, by: Origin): Promise<void> {
    if (!this.#current) {
      throw new TonearmError({
        kind: 'conflict',
        code: 'connect/no-account',
        message: `No Spotify account is connected to “${this.#zone.name}” yet. Open the Spotify app in the same network and pick “${this.#zone.name}” as the device.`,
      });
    }
    await this.#current.device.execute(command, by);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#again?.[Symbol.dispose]();
    this.#login?.abort(new DOMException('The zone is closing.', 'AbortError'));
    // While the session is still there, it can tell the cloud.
    await this.#end();
    await this.#reception.book.settled();
    await this.#scope[Symbol.asyncDispose]();
  }

  #seat(): Seat {
    const playing = () => this.state.status;
    const user = () => this.#current?.session.username ?? null;
    return {
      get user() {
        return user();
      },
      get isPlaying() {
        return ['playing', 'loading', 'stalled'].includes(playing());
      },
      logIn: async (credentials, how, signal) => {
        const outcome = await this.#logIn(credentials, signal, how);
        if (outcome === 'ok' && this.#current) return this.#current.session.username;
        throw this.#lastRefusal ?? new TonearmError({ kind: 'cancelled', code: 'connect/login-replaced', message: 'Somebody else logged in meanwhile.' });
      },
      restore: async (username) => {
        await this.#logInStored(username);
        if (this.#current?.session.username !== username) throw this.#lastRefusal ?? new TonearmError({ kind: 'cancelled', code: 'connect/login-replaced', message: 'Somebody else logged in meanwhile.' });
      },
      logOut: (why) => this.#logOut(why),
    };
  }

  /** Somebody with a phone wants the speaker: the rules for guests first, the owner if they say so, then the login. */
  async #pair(credentials: Credentials, signal: AbortSignal, visitor: Visitor): Promise<'ok' | 'refused'> {
    try {
      await this.#reception.admit(visitor, signal);
    } catch (error) {
      if (!isAbort(error)) this.#log.info(toTonearmError(error).message, { code: toTonearmError(error).code });
      return 'refused';
    }
    return this.#logIn(credentials, signal, 'phone');
  }

  /** With what is remembered of an account: of the last one unless told. */
  async #logInStored(username = this.#reception.book.active?.username): Promise<void> {
    if (username === undefined) return;
    if (!this.#reception.mayStay(username)) {
      this.#log.warn('A remembered account is no longer let in by the settings; it stays logged out', { account: maskUser(username) });
      this.#lastRefusal = refusal('denied', this.#zone.name);
      return;
    }
    const credentials = await this.#reception.book.credentials(username);
    if (credentials) await this.#logIn(credentials, this.#scope.signal, 'stored');
    else this.#lastRefusal = notReadable(this.#zone.name);
  }

  /** The newest login wins: it ends one that is still under way, and replaces the account that is connected. */
  async #logIn(credentials: Credentials, outer: AbortSignal, how: LoginWay | 'stored'): Promise<'ok' | 'refused'> {
    this.#lastRefusal = null;
    if (this.#isClosed) return 'refused';
    this.#login?.abort(new DOMException('Somebody else logs in.', 'AbortError'));
    this.#again?.[Symbol.dispose]();
    const abort = (this.#login = new AbortController());
    const { signal } = abort;
    const stop = () => abort.abort(outer.reason);
    if (outer.aborted) stop();
    outer.addEventListener('abort', stop, { once: true });
    try {
      // The old account first: both would use the same device id.
      await this.#end();
      throwIfAborted(signal);
      const { endpoints, bitrate, network } = this.#settings;
      const session = await openSession({
        identity: this.#identity,
        endpoints,
        network,
        credentials,
        bitrate,
        host: this.#host,
        signal,
        onTrouble: (error) => this.#troubled(error),
      });
      if (signal.aborted) {
        await session[Symbol.asyncDispose]();
        throwIfAborted(signal);
      }
      try {
        // Only now is it certain who this is.
        this.#reception.verify(session.username);
      } catch (error) {
        await session[Symbol.asyncDispose]();
        throw error;
      }
      this.#connect(session);
      await this.#remember(session, how === 'stored' ? null : how);
      this.#reception.changed();
      return 'ok';
    } catch (thrown) {
      const isLast = how === 'stored' && credentials.username === this.#reception.book.active?.username;
      if (isAbort(thrown) || signal.aborted) {
        // Given up by whoever began it, and nobody else has come: the one before has the speaker again.
        if (outer.aborted && !isLast && this.#login === abort) this.#background(this.#logInStored());
        return 'refused';
      }
      const error = explained(toTonearmError(thrown), credentials, how);
      await this.#refused(error, how === 'stored' ? credentials.username : null, isLast);
      // Whoever was logged in before did nothing wrong.
      if (!isLast) this.#background(this.#logInStored());
      this.#lastRefusal = error;
      return 'refused';
    } finally {
      outer.removeEventListener('abort', stop);
      if (this.#login === abort) this.#login = null;
    }
  }

  /** It is tried again by itself; only what the owner of the house must mend is shown everywhere. */
  #troubled(error: TonearmError): void {
    this.#log.debug(`Still trying: ${error.message}`, { code: error.code });
    if (!error.code.startsWith('network/proxy-') || this.#notice?.code === error.code) return;
    this.#notice = { code: error.code, message: error.message };
    this.#changed('tonearm');
  }

  #connect(session: Session): void {
    const { normalisation, deviceType } = this.#settings;
    const scope = new Scope();
    scope.use(session);
    const device = scope.use(
      new Device({
        session,
        zone: this.#zone,
        clock: this.#host.clock,
        log: this.#log,
        facts: { ...this.#identity, deviceType },
        normalisation,
        autoplay: this.#settings.autoplay ?? null,
        newId: () => hex(randomBytes(16)),
        below: (limit) => randomInt(limit),
      }),
    );
    scope.use(device.events.on('changed', ({ by }) => this.#changed(by)));
    scope.use(device.events.on('ended', (event) => this.#emitter.emit('ended', event)));
    scope.use(device.events.on('failed', (event) => this.#emitter.emit('failed', event)));
    scope.use(device.events.on('loggedOut', () => this.#background(this.#logOut('A phone logged the account out.'))));
    scope.use(
      session.events.on('connected', () => {
        if (this.#notice?.code.startsWith('network/') === true) this.#notice = null;
        this.#changed('tonearm');
      }),
    );
    scope.use(session.events.on('disconnected', () => this.#changed('tonearm')));
    scope.use(session.events.on('ended', ({ error }) => this.#background(this.#over(error))));
    this.#current = { session, device, scope };
    this.#notice = null;
    this.#log.info(`Connected as ${maskUser(session.username)}. “${this.#zone.name}” is in the Spotify app’s list of devices.`);
    this.#changed('tonearm');
  }

  /** The account is refused for good: say so everywhere, keep waiting for a pairing. */
  async #over(error: TonearmError): Promise<void> {
    const user = this.#current?.session.username ?? null;
    await this.#end();
    await this.#refused(error, user, true);
  }

  /** `stored`: whose stored credentials were turned down, if it was about such. `isLast`: nobody else waits to be logged in again. */
  async #refused(error: TonearmError, stored: string | null, isLast: boolean): Promise<void> {
    this.#log.error(error.message, { code: error.code });
    this.#notice = { code: error.code, message: error.message };
    if (stored !== null && error.kind === 'unauthorized') {
      // Once may be the cloud's mistake; twice in a row it means it.
      const isOver = (await this.#reception.book.refused(stored)) === 'over';
      if (!isOver && isLast && !this.#isClosed) this.#again = this.#host.clock.timer(secondTry, () => this.#background(this.#logInStored(stored)));
      this.#reception.changed();
    }
    this.#emitter.emit('failed', { error });
    this.#changed('tonearm');
  }

  async #logOut(why: string): Promise<void> {
    this.#login?.abort(new DOMException(why, 'AbortError'));
    this.#again?.[Symbol.dispose]();
    const { book } = this.#reception;
    const user = this.#current?.session.username ?? book.active?.username;
    const wiped = Promise.allSettled([user === undefined ? null : book.forget(user)]);
    await this.#end();
    const outcomes = [...(await wiped), ...(await Promise.allSettled([this.#host.store.sealed.remove(`session-${this.#identity.deviceId}`)]))];
    // Phones remember who had the speaker; what is announced anew they look at again.
    if (!this.#isClosed) this.#background(this.#discovery?.announceAnew());
    this.#notice = null;
    this.#log.info(`${why} “${this.#zone.name}” waits for somebody to pick it.`);
    this.#reception.changed();
    this.#changed('tonearm');
    // The account is out either way; whoever asked must hear that its login is still on the disk.
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw toTonearmError(outcome.reason);
  }

  /** Resolves when no session is left, also one that somebody else is ending. */
  #end(): Promise<void> {
    const current = this.#current;
    this.#current = null;
    if (current) this.#ending = this.#ending.then(() => this.#sayGoodbye(current));
    return this.#ending;
  }

  async #sayGoodbye({ device, scope }: { readonly device: Device; readonly scope: Scope }): Promise<void> {
    const limit = new AbortController();
    const timer = this.#host.clock.timer(goodbye, () => limit.abort(new DOMException('Too slow.', 'TimeoutError')));
    try {
      await device.leave(limit.signal);
      await scope[Symbol.asyncDispose]();
    } catch (error) {
      this.#log.debug('The session did not end cleanly', { code: toTonearmError(error).code });
    } finally {
      timer[Symbol.dispose]();
    }
    this.#changed('tonearm');
  }

  /** What nobody waits for must not fail unnoticed. */
  #background(work: Promise<unknown> | undefined): void {
    work?.catch((error: unknown) => this.#log.error(`The Spotify account could not be kept in order: ${toTonearmError(error).message}`, { code: toTonearmError(error).code }));
  }

  #asked(isOpen: boolean): void {
    this.#question = isOpen ? { code: 'accounts/guest-waits', message: `A guest wants “${this.#zone.name}”. Say yes or no: “tonearm answer yes”, or the request account/answer over MQTT.` } : null;
    this.#changed('tonearm');
  }

  #changed(by: Origin): void {
    this.#emitter.emit('changed', { state: this.state, by });
  }

  async #remember(session: Session, how: LoginWay | null): Promise<void> {
    try {
      await this.#reception.book.remember(session.username, session.credentials, how, this.#host.clock.now());
    } catch (error) {
      this.#log.warn('The login could not be saved, so a phone has to pick this speaker again after a restart', { code: toTonearmError(error).code });
    }
  }
}
