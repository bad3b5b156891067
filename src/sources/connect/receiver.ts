import { randomBytes, randomInt } from 'node:crypto';
import { z } from 'zod';
import type { Command, Host, Notice, Origin, Source, SourceEvents, SourceState, Uri, Zone } from '#core';
import { Emitter, Scope, Secret, TonearmError, base64, fromBase64, hex, isAbort, maskUser, throwIfAborted, toTonearmError, type Events, type Log } from '#foundation';
import { defaultClientId, openDiscovery, openSession, type Bitrate, type CloudEndpoints, type Credentials, type Discovery, type Identity, type Session } from '#spotify';
import { Device } from './device.ts';
import type { DeviceFacts } from './report.ts';
import { spotifyUri } from './request.ts';
import type { Normalisation } from './resolve.ts';

export interface ReceiverSettings {
  /** 40 hex digits, the same for ever. */
  readonly deviceId: string;
  readonly endpoints: CloudEndpoints;
  readonly bitrate: Bitrate;
  readonly normalisation: Normalisation;
  readonly deviceType: DeviceFacts['deviceType'];
  /** Port and address phones pair on; port 0 for any free one. */
  readonly pairing: { readonly port: number; readonly address: string };
}

/** Who was logged in last, kept encrypted; `refusals` counts logins that the cloud turned down with it. */
const StoredCredentials = z.object({ username: z.string(), type: z.number(), data: z.string(), refusals: z.number().default(0) });

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
  #discovery: Discovery | null = null;
  #login: AbortController | null = null;
  #current: { readonly session: Session; readonly device: Device; readonly scope: Scope } | null = null;
  #notice: Notice | null = null;
  /** Sessions on their way out, and writes on their way to the store: each waits for the one before. */
  #ending: Promise<void> = Promise.resolve();
  #keeping: Promise<unknown> = Promise.resolve();
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
    if (shown) return this.#notice && !shown.notice ? { ...shown, notice: this.#notice } : shown;
    return {
      status: 'stopped',
      track: null,
      position: { at: 0, measured: this.#since },
      order: { shuffle: false, repeat: 'off' },
      queue: { context: null, next: [] },
      account: { name: null, connected: false },
      notice: this.#notice,
      accepts: new Set(),
    };
  }

  async open(): Promise<void> {
    const { pairing } = this.#settings;
    try {
      this.#discovery = this.#scope.use(
        await openDiscovery({
          identity: this.#identity,
          host: this.#host,
          name: this.#zone.name,
          port: pairing.port,
          address: pairing.address,
          onUser: (credentials, signal) => this.#logIn(credentials, signal, 'paired'),
          activeUser: () => this.#current?.session.username ?? null,
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
    await this.#scope[Symbol.asyncDispose]();
    await this.#keeping;
  }

  async #logInStored(): Promise<void> {
    const stored = await this.#stored();
    if (!stored) return;
    const data = fromBase64(stored.data);
    if (!data) return;
    await this.#logIn({ username: stored.username, type: stored.type, data: new Secret<Uint8Array>(data) }, this.#scope.signal, 'stored');
  }

  /** The newest login wins: it ends one that is still under way, and replaces the account that is connected. */
  async #logIn(credentials: Credentials, outer: AbortSignal, how: 'paired' | 'stored'): Promise<'ok' | 'refused'> {
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
      const { endpoints, bitrate } = this.#settings;
      const session = await openSession({
        identity: this.#identity,
        endpoints,
        credentials,
        bitrate,
        host: this.#host,
        signal,
        onTrouble: (error) => this.#log.debug(`Still trying: ${error.message}`, { code: error.code }),
      });
      if (signal.aborted) {
        await session[Symbol.asyncDispose]();
        return 'refused';
      }
      this.#connect(session);
      await this.#remember(session);
      return 'ok';
    } catch (thrown) {
      if (isAbort(thrown) || signal.aborted) return 'refused';
      await this.#refused(toTonearmError(thrown), how);
      // Whoever was logged in before did nothing wrong.
      if (how === 'paired') this.#background(this.#logInStored());
      return 'refused';
    } finally {
      outer.removeEventListener('abort', stop);
      if (this.#login === abort) this.#login = null;
    }
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
        autoplay: null,
        newId: () => hex(randomBytes(16)),
        below: (limit) => randomInt(limit),
      }),
    );
    scope.use(device.events.on('changed', ({ by }) => this.#changed(by)));
    scope.use(device.events.on('ended', (event) => this.#emitter.emit('ended', event)));
    scope.use(device.events.on('failed', (event) => this.#emitter.emit('failed', event)));
    scope.use(device.events.on('loggedOut', () => this.#background(this.#logOut('A phone logged the account out.'))));
    scope.use(session.events.on('connected', () => this.#changed('tonearm')));
    scope.use(session.events.on('disconnected', () => this.#changed('tonearm')));
    scope.use(session.events.on('ended', ({ error }) => this.#background(this.#over(error))));
    this.#current = { session, device, scope };
    this.#notice = null;
    this.#log.info(`Connected as ${maskUser(session.username)}. “${this.#zone.name}” is in the Spotify app’s list of devices.`);
    this.#changed('tonearm');
  }

  /** The account is refused for good: say so everywhere, keep waiting for a pairing. */
  async #over(error: TonearmError): Promise<void> {
    await this.#end();
    await this.#refused(error, 'stored');
  }

  async #refused(error: TonearmError, how: 'paired' | 'stored'): Promise<void> {
    this.#log.error(error.message, { code: error.code });
    this.#notice = { code: error.code, message: error.message };
    if (how === 'stored' && error.kind === 'unauthorized') {
      const stored = await this.#stored();
      // Once may be the cloud's mistake; twice in a row it means it.
      if (stored && stored.refusals >= 1) await this.#keep((store, key) => store.remove(key));
      else if (stored) {
        await this.#keep((store, key) => store.write(key, { ...stored, refusals: stored.refusals + 1 }));
        if (!this.#isClosed) this.#again = this.#host.clock.timer(secondTry, () => this.#background(this.#logInStored()));
      }
    }
    this.#emitter.emit('failed', { error });
    this.#changed('tonearm');
  }

  async #logOut(why: string): Promise<void> {
    this.#login?.abort(new DOMException(why, 'AbortError'));
    this.#again?.[Symbol.dispose]();
    const isGone = this.#keep((store, key) => store.remove(key));
    await this.#end();
    await isGone;
    this.#notice = null;
    this.#log.info(`${why} “${this.#zone.name}” waits for somebody to pick it.`);
    this.#changed('tonearm');
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
  #background(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#log.error(`The Spotify account could not be kept in order: ${toTonearmError(error).message}`, { code: toTonearmError(error).code }));
  }

  #changed(by: Origin): void {
    this.#emitter.emit('changed', { state: this.state, by });
  }

  #key(): string {
    return `connect-${this.#zone.id}`;
  }

  #keep(work: (store: Host['store']['sealed'], key: string) => Promise<void>): Promise<void> {
    const kept = this.#keeping.then(() => work(this.#host.store.sealed, this.#key()));
    this.#keeping = kept.catch(() => undefined);
    return kept;
  }

  async #stored(): Promise<z.output<typeof StoredCredentials> | null> {
    const parsed = StoredCredentials.safeParse(await this.#host.store.sealed.read(this.#key()));
    return parsed.success ? parsed.data : null;
  }

  async #remember(session: Session): Promise<void> {
    const { username, type, data } = session.credentials;
    try {
      await this.#keep((store, key) => store.write(key, { username: username ?? session.username, type, data: base64(data.reveal()), refusals: 0 }));
    } catch (error) {
      this.#log.warn('The login could not be saved, so a phone has to pick this speaker again after a restart', { code: toTonearmError(error).code });
    }
  }
}
