import { randomBytes, randomInt } from 'node:crypto';
import { z } from 'zod';
import type { Command, Host, Notice, Origin, Source, SourceEvents, SourceState, Uri, Zone } from '#core';
import { Emitter, Scope, Secret, TonearmError, anySignal, base64, fromBase64, hex, isAbort, maskUser, toTonearmError, type Events, type Log } from '#foundation';
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

  constructor(settings: ReceiverSettings, zone: Zone, host: Host) {
    this.#settings = settings;
    this.#zone = zone;
    this.#host = host;
    this.#log = host.log.child(`connect/${zone.id}`);
    this.#emitter = new Emitter((error) => this.#log.error('A listener failed', { error }));
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
      position: { at: 0, measured: this.#host.clock.now() },
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
    void this.#logInStored();
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
    this.#login?.abort(new DOMException('The zone is closing.', 'AbortError'));
    // While the session is still there, it can tell the cloud.
    await this.#end();
    await this.#scope[Symbol.asyncDispose]();
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
    this.#login?.abort(new DOMException('Somebody else logs in.', 'AbortError'));
    const abort = new AbortController();
    this.#login = abort;
    const signal = anySignal(outer, abort.signal, this.#scope.signal);
    try {
      await this.#end();
      const { endpoints, bitrate } = this.#settings;
      const session = await openSession({
        identity: this.#identity,
        endpoints,
        credentials,
        bitrate,
        host: this.#host,
        signal: anySignal(abort.signal, this.#scope.signal),
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
      return 'refused';
    } finally {
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
    scope.use(device.events.on('loggedOut', () => void this.#logOut('A phone logged the account out.')));
    scope.use(session.events.on('connected', () => this.#changed('tonearm')));
    scope.use(session.events.on('disconnected', () => this.#changed('tonearm')));
    scope.use(session.events.on('ended', ({ error }) => void this.#over(error)));
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
      if (stored && stored.refusals >= 1) await this.#host.store.sealed.remove(this.#key());
      else if (stored) await this.#host.store.sealed.write(this.#key(), { ...stored, refusals: stored.refusals + 1 });
    }
    this.#emitter.emit('failed', { error });
    this.#changed('tonearm');
  }

  async #logOut(why: string): Promise<void> {
    this.#login?.abort(new DOMException(why, 'AbortError'));
    await this.#end();
    await this.#host.store.sealed.remove(this.#key());
    this.#log.info(`${why} “${this.#zone.name}” waits for somebody to pick it.`);
    this.#changed('tonearm');
  }

  async #end(): Promise<void> {
    const current = this.#current;
    if (!current) return;
    this.#current = null;
    const limit = new AbortController();
    const timer = this.#host.clock.timer(goodbye, () => limit.abort(new DOMException('Too slow.', 'TimeoutError')));
    try {
      await current.device.leave(limit.signal);
      await current.scope[Symbol.asyncDispose]();
    } catch (error) {
      this.#log.debug('The session did not end cleanly', { code: toTonearmError(error).code });
    } finally {
      timer[Symbol.dispose]();
    }
    this.#changed('tonearm');
  }

  #changed(by: Origin): void {
    this.#emitter.emit('changed', { state: this.state, by });
  }

  #key(): string {
    return `connect-${this.#zone.id}`;
  }

  async #stored(): Promise<z.output<typeof StoredCredentials> | null> {
    const parsed = StoredCredentials.safeParse(await this.#host.store.sealed.read(this.#key()));
    return parsed.success ? parsed.data : null;
  }

  async #remember(session: Session): Promise<void> {
    const { username, type, data } = session.credentials;
    try {
      await this.#host.store.sealed.write(this.#key(), { username: username ?? session.username, type, data: base64(data.reveal()), refusals: 0 });
    } catch (error) {
      this.#log.warn('The login could not be saved, so a phone has to pick this speaker again after a restart', { code: toTonearmError(error).code });
    }
  }
}
