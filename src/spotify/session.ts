import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Emitter, every, fromHex, hex, Scope, throwIfAborted, TonearmError, toTonearmError, withEither, type Events, type Log } from '#foundation';
import type { Cluster, Context, Input, PutStateRequest } from '#spotify/wire';
import { AccessPoint } from './access-point/access-point.ts';
import { AudioKeys } from './access-point/audio-keys.ts';
import { Mercury } from './access-point/mercury.ts';
import { AccountState } from './accounts/account-state.ts';
import { Accounts } from './accounts/accounts.ts';
import { Dealer } from './dealer/dealer.ts';
import type { Credentials, Identity } from './ports.ts';
import type { Session, SessionEvents, SessionOptions } from './session-contract.ts';
import { ConnectState } from './web/connect-state.ts';
import { Contexts } from './web/contexts.ts';
import { Directory } from './web/directory.ts';
import { HttpClient } from './web/http-client.ts';
import { resolveMetadata, type Resolved } from './web/metadata.ts';
import { ResumePoints } from './web/resume-points.ts';
import { ServerClock } from './web/server-clock.ts';
import { Spclient } from './web/spclient.ts';
import { resolveStorage, type StoredFile } from './web/storage.ts';

/** After a PUT was refused for its connection id, a new one must have come within this time (`connect-control.md §10.3`). */
const staleTime = 5000;
const warmPeriod = 30_000;
/** A play command needs the context, the metadata and the state PUT at about the same time. */
const warmConnections = 3;

/**
 * Logs in and connects. What waits for what: the directory and the client token are asked at once, side by side; the access
 * point needs the directory; login5 needs the client token and the access point's welcome, or, when these very credentials
 * were welcomed before, only the client token; the dealer needs login5. So on a first pairing five exchanges follow one
 * another (directory, handshake, login, login5, dealer), later three (directory, then handshake and login beside login5 and
 * dealer).
 *
 * Rejects only when the account is refused (`ended` tells the same later) or the signal fires; everything else is tried
 * again with growing pauses and told to `onTrouble`.
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const session = new CloudSession(options);
  try {
    await session.open();
    return session;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

class CloudSession implements Session {
  readonly #options: SessionOptions;
  readonly #log: Log;
  readonly #scope = new Scope();
  readonly #emitter: Emitter<SessionEvents>;
  readonly #serverClock: ServerClock;
  readonly #accounts: Accounts;
  readonly #accessPoint: AccessPoint;
  readonly #keys: AudioKeys;
  readonly #mercury: Mercury;
  readonly #dealer: Dealer;
  readonly #spclient: Spclient;
  readonly #connectState: ConnectState;
  readonly #contexts: Contexts;
  readonly #resumePoints: ResumePoints;
  readonly #account: AccountState;
  #username: string;
  #credentials: Credentials;
  #end: TonearmError | null = null;
  #staleTimer: Disposable | null = null;
  readonly #ending = new AbortController();

  constructor(options: SessionOptions) {
    const { identity, endpoints, credentials, host, network = {} } = options;
    const { clock } = host;
    const log = host.log.child('spotify');
    this.#options = options;
    this.#log = log;
    this.#username = credentials.username ?? '';
    this.#credentials = credentials;
    this.#emitter = new Emitter((error, name) => log.error('A listener of the session failed.', { event: String(name), error }));
    const userAgent = `tonearm/${identity.version}`;
    this.#account = new AccountState({ clock, log });
    setMaxListeners(0, this.#ending.signal);
    const serverClock = (this.#serverClock = new ServerClock(clock));
    const http = this.#scope.use(new HttpClient({ clock, userAgent, certificates: endpoints.certificates, proxy: network.proxy }));
    const directory = new Directory({ url: endpoints.directory, http, clock, log: log.child('directory'), serverClock, store: host.store, friendlyPorts: network.friendlyPorts ?? network.proxy !== undefined });
    const accounts = (this.#accounts = this.#scope.use(new Accounts({ identity, endpoints, http, host, log: log.child('accounts'), serverClock })));
    const serverKey = endpoints.serverKey === undefined ? undefined : fromHex(endpoints.serverKey);
    if (serverKey === null) throw new TonearmError({ kind: 'invalid', code: 'spotify/bad-server-key', message: 'The configured key of the access point is not hexadecimal. Correct cloud.serverKey.' });
    this.#accessPoint = this.#scope.use(new AccessPoint({ identity, credentials, directory, dialler: http.dialler, serverKey, clock, log: log.child('access-point') }));
    this.#keys = new AudioKeys({ link: this.#accessPoint, clock, log: log.child('keys') });
    this.#mercury = new Mercury({ send: (command, payload) => this.#accessPoint.send(command, payload), clock, log: log.child('mercury') });
    const insecure = endpoints.insecure;
    this.#spclient = new Spclient({ http, directory, authority: accounts, serverClock, clock, log: log.child('web'), insecure });
    this.#connectState = new ConnectState({ spclient: this.#spclient, deviceId: identity.deviceId, serverClock, log });
    this.#contexts = new Contexts({ spclient: this.#spclient, clock });
    this.#resumePoints = new ResumePoints({ spclient: this.#spclient, clock: serverClock, log: log.child('resume-points') });
    const agents = http.dialler.agents({});
    this.#dealer = this.#scope.use(new Dealer({ directory, authority: accounts, agent: insecure ? agents.plain : agents.secure, insecure, userAgent, clock, log: log.child('dealer') }));
    this.#listen();
  }

  async open(): Promise<void> {
    const { signal } = this.#options;
    throwIfAborted(signal);
    const stop = () => this.#close();
    signal?.addEventListener('abort', stop, { once: true });
    this.#scope.defer(() => signal?.removeEventListener('abort', stop));
    try {
      await this.#guard(undefined, async (alive) => {
        // Everything that needs nothing starts at once; each part waits for what it needs by itself.
        this.#accessPoint.start();
        this.#accounts.start();
        await this.#useKnownCredentials();
        this.#dealer.start();
        await Promise.all([this.#accessPoint.whenOnline(alive), this.#accounts.loggedIn(alive)]);
        await this.#account.known(alive);
      });
    } finally {
      throwIfAborted(signal);
    }
    this.#warm();
    this.#scope.use(every(this.#options.host.clock, warmPeriod, () => this.#warm()));
  }

  get username(): string {
    return this.#username;
  }

  get country(): string | null {
    return this.#account.country;
  }

  get attributes(): ReadonlyMap<string, string> {
    return this.#account.attributes;
  }

  get connectionId(): string | null {
    return this.#dealer.connectionId;
  }

  get credentials(): Credentials {
    return this.#credentials;
  }

  get events(): Events<SessionEvents> {
    return this.#emitter;
  }

  now(): number {
    return this.#serverClock.now();
  }

  async ready(signal: AbortSignal): Promise<void> {
    await this.#guard(signal, (alive) => {
      const connected = this.connectionId === null ? this.#emitter.once('connected', { signal: alive }) : null;
      return Promise.all([connected, this.#account.known(alive)]);
    });
  }

  putState(request: Input<PutStateRequest> | (() => Input<PutStateRequest>), signal: AbortSignal): Promise<Cluster> {
    return this.#guard(signal, async (alive) => {
      const connectionId = this.connectionId;
      if (connectionId === null) throw notConnected();
      try {
        return await this.#connectState.put(request, connectionId, alive);
      } catch (error) {
        if (toTonearmError(error).code === 'spotify/stale-connection') this.#replaceConnection(connectionId);
        throw error;
      }
    });
  }

  putInactive(signal: AbortSignal): Promise<void> {
    return this.#guard(signal, (alive) => this.#connectState.putInactive(this.connectionId, alive));
  }

  removeDevice(signal: AbortSignal): Promise<void> {
    return this.#guard(signal, (alive) => this.#connectState.remove(alive));
  }

  resolveContext(uri: string, signal: AbortSignal): Promise<Context> {
    return this.#guard(signal, (alive) => this.#contexts.resolve(uri, alive));
  }

  fetchPage(hmUrl: string, signal: AbortSignal): Promise<Context> {
    return this.#guard(signal, (alive) => this.#contexts.page(hmUrl, alive));
  }

  autoplay(contextUri: string, recent: readonly string[], signal: AbortSignal): Promise<Context> {
    return this.#guard(signal, (alive) => this.#contexts.autoplay(contextUri, recent, alive));
  }

  metadata(uri: string, signal: AbortSignal): Promise<Resolved> {
    const account = { country: this.country, attributes: this.attributes, bitrate: this.#options.bitrate ?? 320 };
    return this.#guard(signal, (alive) => resolveMetadata({ spclient: this.#spclient, serverClock: this.#serverClock }, uri, account, alive));
  }

  audioKey(gid: Uint8Array, fileId: Uint8Array, signal: AbortSignal): Promise<Buffer> {
    return this.#guard(signal, (alive) => this.#keys.request(gid, fileId, alive));
  }

  storage(fileId: Uint8Array, format: number, signal: AbortSignal): Promise<StoredFile> {
    return this.#guard(signal, (alive) => resolveStorage({ spclient: this.#spclient, serverClock: this.#serverClock }, fileId, format, alive));
  }

  resumePoint(uri: string, signal: AbortSignal): Promise<number> {
    return this.#guard(signal, (alive) => this.#resumePoints.read(uri, alive));
  }

  keepResumePoint(uri: string, position: number | 'finished', signal: AbortSignal): Promise<void> {
    return this.#guard(signal, (alive) => this.#resumePoints.write(uri, position, alive));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(closed());
    this.#staleTimer?.[Symbol.dispose]();
    await this.#scope[Symbol.asyncDispose]();
  }

  #listen(): void {
    const accessPoint = this.#accessPoint.events;
    accessPoint.on('online', ({ username, credentials }) => {
      this.#username = username;
      this.#credentials = credentials;
      this.#accounts.use(username, credentials);
      this.#dealer.hurry();
      void this.#rememberCredentials(username, credentials);
    });
    accessPoint.on('offline', () => {
      this.#keys.lost();
      this.#mercury.lost();
    });
    accessPoint.on('trouble', ({ error }) => this.#options.onTrouble?.(error));
    accessPoint.on('country', ({ country }) => this.#account.setCountry(country));
    accessPoint.on('product', ({ attributes }) => this.#account.setAttributes(attributes));
    accessPoint.on('time', ({ seconds }) => this.#serverClock.sample(seconds * 1000, true));
    accessPoint.on('packet', ({ command, payload }) => {
      if (!this.#keys.accept(command, payload)) this.#mercury.accept(command, payload);
    });
    accessPoint.on('ended', ({ error }) => this.#finish(error));

    const dealer = this.#dealer.events;
    dealer.on('connected', (event) => {
      this.#accessPoint.hurry();
      this.#emitter.emit('connected', event);
    });
    dealer.on('disconnected', (event) => {
      this.#emitter.emit('disconnected', event);
      this.#options.onTrouble?.(event.reason);
    });
    dealer.on('request', (event) => {
      // A command usually asks for several things at once: their connections are opened while it is being read.
      this.#warm();
      this.#emitter.emit('request', event);
    });
    dealer.on('message', (event) => {
      this.#account.pushed(event.uri, event.payload);
      this.#emitter.emit('message', event);
    });
    dealer.on('ended', ({ error }) => this.#finish(error));

    this.#account.events.on('changed', (event) => this.#emitter.emit('account', event));
    this.#account.events.on('unfit', ({ error }) => this.#finish(error));
    this.#accounts.events.on('refused', ({ error }) => this.#finish(error));
    this.#accounts.events.on('trouble', ({ error }) => this.#options.onTrouble?.(error));
  }

  #warm(): void {
    void this.#spclient.warm(warmConnections, this.#ending.signal).catch(() => undefined);
  }

  #replaceConnection(stale: string): void {
    this.#staleTimer?.[Symbol.dispose]();
    this.#staleTimer = this.#options.host.clock.timer(staleTime, () => {
      if (this.connectionId === stale) this.#dealer.reopen();
    });
  }

  /** Credentials that were welcomed before need not wait for the access point: login5 starts beside it. */
  async #useKnownCredentials(): Promise<void> {
    const { identity, host, credentials } = this.#options;
    const known = await host.store.sealed.read(storeName(identity)).catch(() => null);
    if (credentials.username !== null && known === fingerprint(credentials.username, credentials)) this.#accounts.use(credentials.username, credentials, true);
  }

  async #rememberCredentials(username: string, credentials: Credentials): Promise<void> {
    const { identity, host } = this.#options;
    try {
      await host.store.sealed.write(storeName(identity), fingerprint(username, credentials));
    } catch (error) {
      this.#log.debug('The login could not be marked as known; the next start takes a little longer.', { error });
    }
  }

  #finish(error: TonearmError): void {
    if (this.#end || this.#ending.signal.aborted) return;
    this.#end = error;
    this.#log.error(error.message, { code: error.code });
    this.#emitter.emit('ended', { error });
    this.#close();
  }

  #close(): void {
    this[Symbol.asyncDispose]().catch((error: unknown) => this.#log.error('The session could not be closed cleanly.', { error }));
  }

  /** Runs `work` until the session ends. After the end everything fails for the reason of the end, not for how it shows. */
  async #guard<T>(signal: AbortSignal | undefined, work: (alive: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await withEither(this.#ending.signal, signal, work);
    } catch (error) {
      throw this.#end ?? error;
    }
  }
}

function notConnected(): TonearmError {
  return new TonearmError({ kind: 'conflict', code: 'spotify/stale-connection', message: 'The speaker has no connection to Spotify at the moment; its state is told when it is back.' });
}

function storeName({ deviceId }: Identity): string {
  return `session-${deviceId}`;
}

function fingerprint(username: string, { data }: Credentials): string {
  return hex(createHash('sha256').update(username).update('\0').update(data.reveal()).digest());
}

function closed(): TonearmError {
  return new TonearmError({ kind: 'cancelled', code: 'spotify/session-closed', message: 'The session with Spotify was closed.' });
}
