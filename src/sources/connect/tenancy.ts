import { randomBytes, randomInt } from 'node:crypto';
import type { Host, LoginWay, Notice, Origin, SourceEvents, Zone } from '#core';
import { Scope, TonearmError, hex, isAbort, maskUser, throwIfAborted, toTonearmError, type Log } from '#foundation';
import { openSession, type Credentials, type Identity, type Session } from '#spotify';
import { refusal } from './accounts/guests.ts';
import type { Reception } from './accounts/reception.ts';
import { explained, notReadable } from './accounts/refusals.ts';
import { Device } from './device.ts';
import type { ReceiverSettings } from './receiver-settings.ts';

export interface TenancyPorts {
  readonly settings: ReceiverSettings;
  readonly identity: Identity;
  readonly zone: Zone;
  readonly host: Host;
  readonly log: Log;
  readonly reception: Reception;
  readonly changed: (by: Origin) => void;
  readonly ended: (event: SourceEvents['ended']) => void;
  readonly failed: (event: SourceEvents['failed']) => void;
  /** Phones remember who had the speaker; what is announced anew they look at again. */
  readonly announceAnew: () => Promise<void> | undefined;
}

interface Tenant {
  readonly session: Session;
  readonly device: Device;
  readonly scope: Scope;
}

const goodbye = 3000;
/** Stored credentials that were turned down once are tried again after this time. */
const secondTry = 60_000;

/** Who has the speaker: one account at a time, from its login to its goodbye. */
export class Tenancy implements AsyncDisposable {
  readonly #ports: TenancyPorts;
  readonly #closing = new AbortController();
  #login: AbortController | null = null;
  #current: Tenant | null = null;
  #notice: Notice | null = null;
  /** Why the login before this moment failed, for whoever asked for it. */
  #lastRefusal: TonearmError | null = null;
  /** Sessions on their way out: each waits for the one before. */
  #ending: Promise<void> = Promise.resolve();
  #again: Disposable | null = null;

  constructor(ports: TenancyPorts) {
    this.#ports = ports;
  }

  get device(): Device | null {
    return this.#current?.device ?? null;
  }

  /** Canonical name; null when nobody is logged in. */
  get user(): string | null {
    return this.#current?.session.username ?? null;
  }

  /** Why nobody can play, when that is so. */
  get notice(): Notice | null {
    return this.#notice;
  }

  /** Whoever had the speaker last has it again. */
  begin(): void {
    this.#background(this.logInStored());
  }

  /** For whoever wants to know: rejects with why not. Resolves with the canonical name. */
  async admit(credentials: Credentials, how: LoginWay, signal: AbortSignal): Promise<string> {
    const outcome = await this.logIn(credentials, signal, how);
    if (outcome === 'ok' && this.user !== null) return this.user;
    throw this.#whyNot();
  }

  /** The same with what is remembered of an account. */
  async restore(username: string): Promise<void> {
    await this.logInStored(username);
    if (this.user !== username) throw this.#whyNot();
  }

  /** With what is remembered of an account: of the last one unless told. */
  async logInStored(username = this.#ports.reception.book.active?.username): Promise<void> {
    const { reception, zone, log } = this.#ports;
    if (username === undefined) return;
    if (!reception.mayStay(username)) {
      log.warn('A remembered account is no longer let in by the settings; it stays logged out', { account: maskUser(username) });
      this.#lastRefusal = refusal('denied', zone.name);
      return;
    }
    const credentials = await reception.book.credentials(username);
    if (credentials) await this.logIn(credentials, this.#closing.signal, 'stored');
    else this.#lastRefusal = notReadable(zone.name);
  }

  /** The newest login wins: it ends one that is still under way, and replaces the account that is connected once Spotify has said yes. */
  async logIn(credentials: Credentials, outer: AbortSignal, how: LoginWay | 'stored'): Promise<'ok' | 'refused'> {
    const { reception } = this.#ports;
    this.#lastRefusal = null;
    if (this.#closing.signal.aborted) return 'refused';
    this.#login?.abort(new DOMException('Somebody else logs in.', 'AbortError'));
    this.#again?.[Symbol.dispose]();
    const abort = (this.#login = new AbortController());
    const { signal } = abort;
    const stop = () => abort.abort(outer.reason);
    if (outer.aborted) stop();
    outer.addEventListener('abort', stop, { once: true });
    try {
      const session = await this.#open(credentials, signal);
      if (signal.aborted) await session[Symbol.asyncDispose]();
      throwIfAborted(signal);
      this.#moveIn(session);
      await this.#remember(session, how === 'stored' ? null : how);
      reception.changed();
      return 'ok';
    } catch (thrown) {
      const isLast = how === 'stored' && credentials.username === reception.book.active?.username;
      if (isAbort(thrown) || signal.aborted) {
        // Given up by whoever began it, and nobody else has come: the one before has the speaker again.
        if (outer.aborted && !isLast && this.#login === abort && !this.#current) this.#background(this.logInStored());
        return 'refused';
      }
      const error = explained(toTonearmError(thrown), credentials, how);
      await this.#refused(error, how === 'stored' ? credentials.username : null, isLast);
      // Whoever was logged in before did nothing wrong.
      if (!isLast && !this.#current) this.#background(this.logInStored());
      this.#lastRefusal = error;
      return 'refused';
    } finally {
      outer.removeEventListener('abort', stop);
      if (this.#login === abort) this.#login = null;
    }
  }

  async logOut(why: string): Promise<void> {
    const { reception, host, identity, zone, log, changed } = this.#ports;
    const { book } = reception;
    this.#login?.abort(new DOMException(why, 'AbortError'));
    this.#again?.[Symbol.dispose]();
    const user = this.user ?? book.active?.username;
    const wiped = Promise.allSettled([user === undefined ? null : book.forget(user)]);
    await this.#end();
    const outcomes = [...(await wiped), ...(await Promise.allSettled([host.store.sealed.remove(`session-${identity.deviceId}`)]))];
    if (!this.#closing.signal.aborted) this.#background(this.#ports.announceAnew());
    this.#notice = null;
    log.info(`${why} “${zone.name}” waits for somebody to pick it.`);
    reception.changed();
    changed('tonearm');
    // The account is out either way; whoever asked must hear that its login is still on the disk.
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw toTonearmError(outcome.reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DOMException('The zone is closing.', 'AbortError'));
    this.#again?.[Symbol.dispose]();
    this.#login?.abort(new DOMException('The zone is closing.', 'AbortError'));
    // While the session is still there, it can tell the cloud.
    await this.#end();
    await this.#ports.reception.book.settled();
  }

  #whyNot(): TonearmError {
    return this.#lastRefusal ?? new TonearmError({ kind: 'cancelled', code: 'connect/login-replaced', message: 'Somebody else logged in meanwhile.' });
  }

  /**
   * A session that may move in, with the place free for it. Whoever has the speaker keeps it until Spotify and the lists have said yes
   * to the new one; but both have one device id, so the old one has left before the new one says hello.
   */
  async #open(credentials: Credentials, signal: AbortSignal): Promise<Session> {
    const { settings, identity, host, reception } = this.#ports;
    const { endpoints, bitrate, network } = settings;
    throwIfAborted(signal);
    const session = await openSession({ identity, endpoints, network, credentials, bitrate, host, signal, onTrouble: (error) => this.#troubled(error) });
    try {
      const over: TonearmError[] = [];
      const listener = session.events.on('ended', ({ error }) => over.push(error));
      throwIfAborted(signal);
      // Only now is it certain who this is.
      reception.verify(session.username);
      await this.#end();
      listener[Symbol.dispose]();
      throwIfAborted(signal);
      if (over[0]) throw over[0];
      return session;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** It is tried again by itself; only what the owner of the house must mend is shown everywhere. */
  #troubled(error: TonearmError): void {
    this.#ports.log.debug(`Still trying: ${error.message}`, { code: error.code });
    if (!error.code.startsWith('network/proxy-') || this.#notice?.code === error.code) return;
    this.#notice = { code: error.code, message: error.message };
    this.#ports.changed('tonearm');
  }

  #moveIn(session: Session): void {
    const { settings, identity, zone, host, log, changed, ended, failed } = this.#ports;
    const { normalisation, deviceType, autoplay } = settings;
    const scope = new Scope();
    scope.use(session);
    const device = scope.use(
      new Device({
        session,
        zone,
        clock: host.clock,
        log,
        facts: { ...identity, deviceType },
        normalisation,
        autoplay: autoplay ?? null,
        newId: () => hex(randomBytes(16)),
        below: (limit) => randomInt(limit),
      }),
    );
    scope.use(device.events.on('changed', ({ by }) => changed(by)));
    scope.use(device.events.on('ended', ended));
    scope.use(device.events.on('failed', failed));
    scope.use(device.events.on('loggedOut', () => this.#background(this.logOut('A phone logged the account out.'))));
    scope.use(
      session.events.on('connected', () => {
        if (this.#notice?.code.startsWith('network/') === true) this.#notice = null;
        changed('tonearm');
      }),
    );
    scope.use(session.events.on('disconnected', () => changed('tonearm')));
    scope.use(session.events.on('ended', ({ error }) => this.#background(this.#over(error))));
    this.#current = { session, device, scope };
    this.#notice = null;
    log.info(`Connected as ${maskUser(session.username)}. “${zone.name}” is in the Spotify app’s list of devices.`);
    changed('tonearm');
  }

  /** The account is refused for good: say so everywhere, keep waiting for a pairing. */
  async #over(error: TonearmError): Promise<void> {
    const { user } = this;
    await this.#end();
    await this.#refused(error, user, true);
  }

  /** `stored`: whose stored credentials were turned down, if it was about such. `isLast`: nobody else waits to be logged in again. */
  async #refused(error: TonearmError, stored: string | null, isLast: boolean): Promise<void> {
    const { log, reception, host, failed, changed } = this.#ports;
    log.error(error.message, { code: error.code });
    // Somebody else's failed try is nothing that whoever plays has to mend.
    if (!this.#current) this.#notice = { code: error.code, message: error.message };
    if (stored !== null && error.kind === 'unauthorized') {
      // Once may be the cloud's mistake; twice in a row it means it.
      const isOver = (await reception.book.refused(stored)) === 'over';
      if (!isOver && isLast && !this.#closing.signal.aborted) this.#again = host.clock.timer(secondTry, () => this.#background(this.logInStored(stored)));
      reception.changed();
    }
    failed({ error });
    changed('tonearm');
  }

  /** Resolves when no session is left, also one that somebody else is ending. */
  #end(): Promise<void> {
    const current = this.#current;
    this.#current = null;
    if (current) this.#ending = this.#ending.then(() => this.#sayGoodbye(current));
    return this.#ending;
  }

  async #sayGoodbye({ device, scope }: Tenant): Promise<void> {
    const { host, log, changed } = this.#ports;
    const limit = new AbortController();
    const timer = host.clock.timer(goodbye, () => limit.abort(new DOMException('Too slow.', 'TimeoutError')));
    try {
      await device.leave(limit.signal);
      await scope[Symbol.asyncDispose]();
    } catch (error) {
      log.debug('The session did not end cleanly', { code: toTonearmError(error).code });
    } finally {
      timer[Symbol.dispose]();
    }
    changed('tonearm');
  }

  /** What nobody waits for must not fail unnoticed. */
  #background(work: Promise<unknown> | undefined): void {
    work?.catch((error: unknown) => this.#ports.log.error(`The Spotify account could not be kept in order: ${toTonearmError(error).message}`, { code: toTonearmError(error).code }));
  }

  async #remember(session: Session, how: LoginWay | null): Promise<void> {
    const { reception, host, log } = this.#ports;
    try {
      await reception.book.remember(session.username, session.credentials, how, host.clock.now());
    } catch (error) {
      log.warn('The login could not be saved, so a phone has to pick this speaker again after a restart', { code: toTonearmError(error).code });
    }
  }
}
