import { TonearmError, toTonearmError, type Log } from '#foundation';
import { decodeCluster, encodePutState, type Cluster, type Input, type PutStateRequest } from '#spotify/wire';
import type { HttpResponse } from './http-client.ts';
import type { ServerClock } from './server-clock.ts';
import { expectOk, readAnswer, type RetryPolicy, type Spclient } from './spclient.ts';

interface ConnectStateOptions {
  readonly spclient: Pick<Spclient, 'send'>;
  readonly deviceId: string;
  readonly serverClock: ServerClock;
  readonly log: Log;
}

/** 5xx twice with a second between; a 429 and silence are the caller's, who will have newer state by then (`connect-control.md §10.1`). */
const putPolicy: RetryPolicy = { pauses: [1000, 1000], throttles: 0, longestThrottle: 0, time: 10_000, endsWithSilence: true };
/** When that went wrong this often in a row, which takes half a minute, it is tried once whenever the caller asks. */
const patience = 3;
const againPolicy: RetryPolicy = { ...putPolicy, pauses: [], isAgain: true };
const inactivePolicy: RetryPolicy = { pauses: [500], throttles: 0, longestThrottle: 0, time: 5000, endsWithSilence: true };
const removePolicy: RetryPolicy = { pauses: [], throttles: 0, longestThrottle: 0, time: 2000 };

/** This device's resource at the cloud (`connect-control.md §2.1`), with the answers of §10.1 turned into decisions. */
export class ConnectState {
  readonly #options: ConnectStateOptions;
  /** PUTs in a row that could not be made. */
  #failures = 0;

  constructor(options: ConnectStateOptions) {
    this.#options = options;
  }

  /**
   * Tells the cloud how we are; a function is asked anew for each try, so that what arrives is never old. Codes to act upon:
   * `spotify/stale-connection` the connection id is not known any more ·
   * `spotify/rate-limited` with `retryAfter` · `spotify/state-too-large` send fewer tracks · `spotify/state-dropped` wait
   * for the next change · `spotify/not-allowed` stop.
   */
  async put(request: Input<PutStateRequest> | (() => Input<PutStateRequest>), connectionId: string, signal: AbortSignal): Promise<Cluster> {
    const { spclient, serverClock } = this.#options;
    const headers = { 'X-Spotify-Connection-Id': connectionId };
    const body = () => encodePutState({ ...(typeof request === 'function' ? request() : request), clientSideTimestamp: serverClock.now() });
    const policy = this.#failures >= patience ? againPolicy : putPolicy;
    let answer: HttpResponse;
    try {
      answer = await spclient.send({ method: 'PUT', path: this.#path(), headers, body, policy }, signal);
    } catch (error) {
      if (!signal.aborted) this.#failures += 1;
      throw error;
    }
    this.#failures = 0;
    if (answer.status < 200 || answer.status > 299) throw judgePut(answer);
    const cluster = readAnswer('the speaker\'s state', () => decodeCluster(answer.body));
    serverClock.sample(cluster.serverTimestampMs);
    return cluster;
  }

  /** Gives playback up. Nothing that could go wrong matters to anyone: failures are logged, only an abort rejects. */
  async putInactive(connectionId: string | null, signal: AbortSignal): Promise<void> {
    const headers = connectionId === null ? {} : { 'X-Spotify-Connection-Id': connectionId };
    await this.#quietly('giving up playback', signal, this.#options.spclient.send({ method: 'PUT', path: `${this.#path()}/inactive?notify=false`, headers, policy: inactivePolicy }, signal));
  }

  /** Leaves the list of devices; for shutdown and log-out only (§2.10). */
  async remove(signal: AbortSignal): Promise<void> {
    await this.#quietly('leaving the device list', signal, this.#options.spclient.send({ method: 'DELETE', path: this.#path(), policy: removePolicy }, signal));
  }

  async #quietly(what: string, signal: AbortSignal, sent: Promise<HttpResponse>): Promise<void> {
    const { log } = this.#options;
    try {
      const { status } = await sent;
      if (status >= 300) log.debug(`Spotify did not take note of ${what}.`, { status });
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      log.debug(`Spotify could not be told of ${what}.`, { code: toTonearmError(thrown).code });
    }
  }

  #path(): string {
    return `/connect-state/v1/devices/${this.#options.deviceId}`;
  }
}

function judgePut(answer: HttpResponse): unknown {
  const { status } = answer;
  if (status === 400 || status === 404) {
    return new TonearmError({ kind: 'conflict', code: 'spotify/stale-connection', message: 'Spotify no longer knows this connection of the speaker; it is opened anew. Music goes on playing.' });
  }
  if (status === 403) {
    return new TonearmError({
      kind: 'forbidden',
      code: 'spotify/not-allowed',
      message: 'Spotify does not let this account use the speaker, so it does not appear on phones. Check that the account is a Premium account, then pair again.',
    });
  }
  if (status === 409 || status === 422) {
    return new TonearmError({ kind: 'conflict', code: 'spotify/state-dropped', message: 'Spotify did not take the speaker\'s state because something newer is known there. The next change is told again.' });
  }
  if (status === 413) return new TonearmError({ kind: 'invalid', code: 'spotify/state-too-large', message: 'The list of coming tracks is too long for Spotify; a shorter one is sent.' });
  try {
    expectOk(answer, 'did not take the speaker\'s state');
  } catch (error) {
    return error;
  }
  return new TonearmError({ kind: 'unavailable', code: 'spotify/request-refused', message: `Spotify answered the speaker's state with ${status}.` });
}
