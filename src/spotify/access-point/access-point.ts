import { randomBytes } from 'node:crypto';
import { Backoff, Emitter, maskUser, Secret, toTonearmError, withEither, type Clock, type Dialler, type Events, type Log, type TonearmError } from '#foundation';
import { CpuFamily, createDhKeyPair, encodeLogin, Packet, parseProductInfo, PRODUCTION_SERVER_MODULUS, type Welcome } from '#spotify/wire';
import type { Credentials, Identity } from '../ports.ts';
import type { Directory } from '../web/directory.ts';
import { Pause } from '../web/pause.ts';
import { openConnection, type Connection } from './connection.ts';
import { looksHostile } from './session-machine.ts';
import type { Ending } from './verdict.ts';

export interface AccessPointOptions {
  readonly identity: Identity;
  readonly credentials: Credentials;
  readonly directory: Pick<Directory, 'current' | 'failed' | 'list'>;
  readonly dialler: Pick<Dialler, 'plain' | 'suspect'>;
  /** Modulus that replaces the production key. */
  readonly serverKey?: Uint8Array | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
}

export interface AccessPointEvents {
  /** Logged in, for the first time or again. */
  online: { readonly username: string; readonly credentials: Credentials };
  /** The link is gone; it reconnects by itself. Also for each failed attempt. */
  trouble: { readonly error: TonearmError };
  offline: { readonly error: TonearmError };
  country: { readonly country: string };
  product: { readonly attributes: ReadonlyMap<string, string> };
  /** The access point's clock, Unix seconds. */
  time: { readonly seconds: number };
  packet: { readonly command: number; readonly payload: Buffer };
  /** Refused for good. */
  ended: { readonly error: TonearmError };
}

const refusalsThatCount = 2;
/** A link that lasted this long starts the pauses from the beginning again. */
const stableTime = 60_000;
const walkPause = 100;

/**
 * Keeps one login at an access point alive: walks the addresses, reconnects for ever with growing, jittered pauses, and
 * gives up only when the account itself is refused (`connect-session.md §3.7, §5.5, §5.6`).
 */
export class AccessPoint implements AsyncDisposable {
  readonly #options: AccessPointOptions;
  readonly #emitter: Emitter<AccessPointEvents>;
  readonly #abort = new AbortController();
  readonly #random: () => number;
  readonly #pause: Pause;
  readonly #pauses: Backoff;
  readonly #hostilePauses: Backoff;
  #credentials: Credentials;
  #connection: Connection | null = null;
  #online = false;
  #end: TonearmError | null = null;
  #loop: Promise<void> = Promise.resolve();
  #lastTrouble = '';

  constructor(options: AccessPointOptions) {
    this.#options = options;
    this.#credentials = options.credentials;
    this.#random = options.random ?? Math.random;
    this.#pause = new Pause(options.clock);
    this.#pauses = new Backoff({ first: 500, factor: 1.5, cap: 60_000 }, this.#random);
    this.#hostilePauses = new Backoff({ first: 5000, factor: 3, cap: 600_000 }, this.#random);
    this.#emitter = new Emitter((error) => options.log.error('A listener of the access point failed.', { error }));
  }

  get events(): Events<AccessPointEvents> {
    return this.#emitter;
  }

  /** Begins to connect. Register listeners first. */
  start(): void {
    this.#loop = this.#run().catch((error: unknown) => this.#finish(toTonearmError(error, 'spotify/access-point-failed')));
  }

  /** Resolves at once while logged in, else with the next login; rejects when the account is refused for good. */
  async whenOnline(signal: AbortSignal): Promise<void> {
    if (this.#online) return;
    if (this.#end) throw this.#end;
    this.hurry();
    const stop = new AbortController();
    await withEither(signal, stop.signal, async (either) => {
      try {
        await Promise.race([
          this.#emitter.once('online', { signal: either }),
          this.#emitter.once('ended', { signal: either }).then(({ error }) => {
            throw error;
          }),
        ]);
      } finally {
        stop.abort();
      }
    });
  }

  /** There is news that the network works, or somebody waits: tries again without sitting out its pause. */
  hurry(): void {
    this.#pause.hurry();
  }

  /** False while there is no login. */
  send(command: number, payload: Uint8Array): boolean {
    return this.#online && (this.#connection?.send(command, payload) ?? false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort(new DOMException('The session is closing.', 'AbortError'));
    this.#connection?.close();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { directory } = this.#options;
    const signal = this.#abort.signal;
    let walked = 0;
    let refusals = 0;
    while (!signal.aborted) {
      let pause: number;
      let isFirm = false;
      try {
        const address = await directory.current('accesspoint', signal);
        const { ending, lasted } = await this.#connect(address);
        if (isFired(signal)) return;
        const { verdict, error } = ending;
        if (lasted !== null) walked = refusals = 0;
        if (lasted !== null && lasted >= stableTime) this.#resetPauses();
        if (verdict === 'refused') refusals += 1;
        if (verdict === 'final' || refusals >= refusalsThatCount) {
          this.#finish(error);
          return;
        }
        this.#trouble(error);
        isFirm = error.retryAfter !== undefined || looksHostile(error);
        if (verdict === 'next' || verdict === 'elsewhere') {
          directory.failed('accesspoint', address);
          walked += 1;
          const all = (await directory.list('accesspoint', signal)).length;
          const round = walked % all === 0;
          pause = round ? this.#nextPause(error) : verdict === 'next' ? 0 : jittered(walkPause, this.#random);
        } else pause = this.#nextPause(error);
      } catch (error) {
        if (isFired(signal)) return;
        this.#trouble(toTonearmError(error, 'spotify/access-point-failed'));
        pause = this.#pauses.next();
      }
      await this.#pause.wait(pause, signal, isFirm).catch(() => undefined);
    }
  }

  /** One connection from beginning to end, and how long it was logged in. */
  async #connect(address: string): Promise<{ readonly ending: Ending; readonly lasted: number | null }> {
    const { identity, clock, log, serverKey, dialler } = this.#options;
    const login: { since: number | null } = { since: null };
    const { username, type, data } = this.#credentials;
    const connection = openConnection({
      address,
      dialler,
      clock,
      plan: {
        keyPair: createDhKeyPair(),
        nonce: randomBytes(16),
        serverKey: serverKey ?? PRODUCTION_SERVER_MODULUS,
        login: encodeLogin({ username, type, data: data.reveal(), deviceId: identity.deviceId, ...describeSystem(identity) }),
      },
      onWelcome: (welcome) => {
        login.since = clock.monotonic();
        this.#welcomed(welcome, address);
      },
      onPacket: (command, payload) => this.#packet(command, payload),
      onPing: (seconds) => this.#emitter.emit('time', { seconds }),
    });
    this.#connection = connection;
    log.debug('Connecting to an access point.', { address });
    const ending = await connection.ended;
    this.#connection = null;
    if (this.#online) {
      this.#online = false;
      this.#emitter.emit('offline', { error: ending.error });
    }
    return { ending, lasted: login.since === null ? null : clock.monotonic() - login.since };
  }

  #welcomed(welcome: Welcome, address: string): void {
    this.#lastTrouble = '';
    this.#online = true;
    const { username, type, data } = welcome;
    // From here on these log in: a token or a pairing blob is good for one login only (§5.4).
    this.#credentials = { username, type, data: new Secret<Uint8Array>(data) };
    this.#options.log.info('Logged in to Spotify.', { user: maskUser(username), address });
    this.#emitter.emit('online', { username, credentials: this.#credentials });
  }

  #packet(command: number, payload: Buffer): void {
    if (command === Packet.countryCode) {
      const country = payload.toString('latin1').toUpperCase();
      if (/^[A-Z]{2}$/.test(country)) this.#emitter.emit('country', { country });
    } else if (command === Packet.productInfo) this.#emitter.emit('product', { attributes: parseProductInfo(payload) });
    else this.#emitter.emit('packet', { command, payload });
  }

  #trouble(error: TonearmError): void {
    // The same trouble again is told once: a dead network must not fill the log.
    const say = error.code === this.#lastTrouble ? 'debug' : 'warn';
    this.#lastTrouble = error.code;
    this.#options.log[say](error.message, { code: error.code, cause: error.cause });
    this.#emitter.emit('trouble', { error });
  }

  #nextPause(error: TonearmError): number {
    const pause = looksHostile(error) ? this.#hostilePauses.next() : this.#pauses.next();
    return Math.max(pause, Math.min(error.retryAfter ?? 0, 600_000));
  }

  #resetPauses(): void {
    this.#pauses.reset();
    this.#hostilePauses.reset();
  }

  #finish(error: TonearmError): void {
    if (this.#end || this.#abort.signal.aborted) return;
    this.#end = error;
    this.#options.log.error(error.message, { code: error.code });
    this.#emitter.emit('ended', { error });
  }
}

function describeSystem({ version }: Identity): { readonly systemInfo: string; readonly version: string; readonly cpu: number } {
  const cpu = process.arch === 'x64' ? CpuFamily.x64 : process.arch === 'ia32' ? CpuFamily.x86 : process.arch.startsWith('arm') ? CpuFamily.arm : CpuFamily.unknown;
  return { systemInfo: `tonearm ${version} (${process.platform} ${process.arch})`, version: `tonearm ${version}`, cpu };
}

function jittered(delay: number, random: () => number): number {
  return delay * (0.5 + random());
}

/** Through a function, because awaiting lets it change behind the type checker's back. */
function isFired(signal: AbortSignal): boolean {
  return signal.aborted;
}
