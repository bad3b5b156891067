import os from 'node:os';
import { Backoff, fromHex, hex, Secret, TonearmError, toTonearmError, type Clock, type Log } from '#foundation';
import { decodeClientTokenAnswer, decodeClientTokenRefusal, encodeClientTokenAnswers, encodeClientTokenRequest, type ClientTokenAnswer, type ClientTokenGrant } from '#spotify/wire';
import type { Identity, SessionHost } from '../ports.ts';
import { requestedDelay } from '../web/delay-header.ts';
import type { HttpClient } from '../web/http-client.ts';
import type { ServerClock } from '../web/server-clock.ts';
import { solvePuzzle } from './puzzle/puzzle.ts';
import { SingleFlight } from './single-flight.ts';

export interface ClientTokenOptions {
  readonly identity: Identity;
  /** Base address of the service. */
  readonly url: string;
  readonly http: HttpClient;
  readonly host: SessionHost;
  readonly log: Log;
  readonly serverClock: ServerClock;
}

interface Held {
  readonly token: Secret<string>;
  /** Unix milliseconds. */
  readonly refresh: number;
  readonly expiry: number;
}

/** The desktop client whose tokens we ask for (`connect-session.md §7.1`). */
const clientVersion = '1.2.52.442';
const rounds = 3;
const protobuf = { Accept: 'application/x-protobuf', 'Content-Type': 'application/x-protobuf' };

/**
 * The token that speaks for the program rather than the account (`connect-session.md §7`): kept for its two weeks, also
 * across restarts (sealed), renewed in the background, asked for once however many wait for it.
 */
export class ClientTokens {
  readonly #options: ClientTokenOptions;
  readonly #clock: Clock;
  readonly #flight = new SingleFlight<Held>();
  readonly #pauses = new Backoff({ first: 1000, factor: 2, cap: 300_000 });
  #held: Held | null = null;
  #isRead = false;
  #notBefore = Number.NEGATIVE_INFINITY;
  #lastError: TonearmError | null = null;

  constructor(options: ClientTokenOptions) {
    this.#options = options;
    this.#clock = options.host.clock;
  }

  /** Rejects at once while a pause after a failure lasts. */
  async get(signal?: AbortSignal): Promise<Secret<string>> {
    const held = this.#held;
    const now = this.#clock.now();
    if (held && now < held.expiry) {
      if (now >= held.refresh && this.#clock.monotonic() >= this.#notBefore) void this.#flight.run(() => this.#fetch()).catch(() => undefined);
      return held.token;
    }
    if (this.#lastError && this.#clock.monotonic() < this.#notBefore) throw this.#lastError;
    return (await this.#flight.run(() => this.#readOrFetch(), signal)).token;
  }

  /** Forgets a token that was refused; the next caller gets a new one. */
  drop(refused: Secret<string>): void {
    if (this.#held?.token === refused) this.#held = null;
  }

  async #readOrFetch(): Promise<Held> {
    if (!this.#isRead) {
      this.#isRead = true;
      this.#held = await this.#read();
      if (this.#held) return this.#held;
    }
    return this.#fetch();
  }

  async #fetch(): Promise<Held> {
    try {
      const { token, refreshAfter, expiresAfter } = await this.#ask();
      const now = this.#clock.now();
      const held: Held = { token: new Secret(token), refresh: now + Math.max(refreshAfter - 10, 1) * 1000, expiry: now + expiresAfter * 1000 };
      this.#held = held;
      this.#lastError = null;
      this.#pauses.reset();
      void this.#write(held);
      return held;
    } catch (thrown) {
      const error = toTonearmError(thrown, 'spotify/client-token-failed');
      this.#lastError = error;
      this.#notBefore = this.#clock.monotonic() + Math.max(this.#pauses.next(), error.retryAfter ?? 0);
      this.#options.log.debug('The client token could not be had.', { code: error.code });
      throw error;
    }
  }

  async #ask(): Promise<ClientTokenGrant> {
    const { identity } = this.#options;
    const platform = { systemName: 'Linux', release: os.release(), version: os.version(), hardware: os.machine() };
    let answer = await this.#post(encodeClientTokenRequest({ clientId: identity.clientId, deviceId: identity.deviceId, version: clientVersion, platform }));
    for (let round = 0; answer.kind === 'challenges'; round++) {
      if (round === rounds) throw refused('it was not content with three solved puzzles');
      answer = await this.#post(encodeClientTokenAnswers({ state: answer.state, suffixes: [await this.#solve(answer)] }));
    }
    return answer;
  }

  /** Only the first challenge of the list is wanted (§7.3). */
  async #solve({ challenges }: Extract<ClientTokenAnswer, { kind: 'challenges' }>): Promise<string> {
    const [first] = challenges;
    const prefix = first?.kind === 'hashcash' ? fromHex(first.prefix) : null;
    if (first?.kind !== 'hashcash' || !prefix) throw refused('it asks for a proof this program cannot give');
    const { clock, programs } = this.#options.host;
    const { suffix } = await solvePuzzle({ context: new Uint8Array(), prefix, length: first.length }, { program: programs.puzzleThread, clock });
    return hex(suffix).toUpperCase();
  }

  async #post(body: Buffer): Promise<ClientTokenAnswer> {
    const { http, url, serverClock } = this.#options;
    const answer = await http.send({ method: 'POST', origin: new URL(url).origin, path: '/v1/clienttoken', headers: protobuf, body, time: 10_000, limit: 65_536 });
    serverClock.sampleDate(answer.headers.date);
    if (answer.status === 200) return decodeClientTokenAnswer(answer.body);
    if (answer.status === 400) throw refused(explain(answer.body));
    const retryAfter = answer.status === 429 ? (requestedDelay(answer.headers, this.#clock.now()) ?? 10_000) : undefined;
    throw new TonearmError({
      kind: 'unavailable',
      code: 'spotify/client-token-failed',
      message: `Spotify's client token service has a problem (${answer.status}); it is asked again by itself.`,
      ...(retryAfter !== undefined && { retryAfter }),
    });
  }

  async #read(): Promise<Held | null> {
    const value: unknown = await this.#options.host.store.sealed.read(this.#name()).catch(() => null);
    if (typeof value !== 'object' || value === null) return null;
    const { token, refresh, expiry, clientId } = value as Record<string, unknown>;
    if (typeof token !== 'string' || typeof refresh !== 'number' || typeof expiry !== 'number' || clientId !== this.#options.identity.clientId) return null;
    // One that claims to live longer than any token does was written under another clock.
    const left = expiry - this.#clock.now();
    return left > 0 && left < 40 * 86_400_000 ? { token: new Secret(token), refresh, expiry } : null;
  }

  async #write({ token, refresh, expiry }: Held): Promise<void> {
    const { host, identity, log } = this.#options;
    try {
      await host.store.sealed.write(this.#name(), { token: token.reveal(), refresh, expiry, clientId: identity.clientId });
    } catch (error) {
      log.debug('The client token could not be kept; the next start fetches a new one.', { error });
    }
  }

  #name(): string {
    return `client-token-${this.#options.identity.deviceId}`;
  }
}

function explain(body: Buffer): string {
  try {
    return decodeClientTokenRefusal(body).replace(/[^\x20-\x7e]/g, '').slice(0, 200) || 'no reason given';
  } catch {
    return 'no reason given';
  }
}

function refused(why: string): TonearmError {
  return new TonearmError({
    kind: 'unavailable',
    code: 'spotify/client-token-refused',
    message: `Spotify does not give this program a client token (${why}). It is asked again by itself; if it stays like this, update Tonearm.`,
    retryAfter: 60_000,
  });
}
