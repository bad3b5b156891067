import { throwIfAborted, toTonearmError, type Clock, type Log } from '#foundation';
import { decodeResumePosition, encodeListCurrentStates, encodeResumeReport } from '#spotify/wire';
import type { HttpResponse } from './http-client.ts';
import { expectOk, type RetryPolicy, type Spclient } from './spclient.ts';

interface ResumePointOptions {
  readonly spclient: Pick<Spclient, 'send'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

/** Tried once, for 10 s; only a refused token is renewed (`connect-control.md §10.1`). */
const policy: RetryPolicy = { pauses: [], throttles: 0, longestThrottle: 0, time: 10_000 };
const service = '/herodotus/spotify.resumption.v1.';

/** Where the listener stopped in an episode (`connect-control.md §7.3`). Failures are logged and matter to nobody; only an abort rejects. */
export class ResumePoints {
  readonly #options: ResumePointOptions;

  constructor(options: ResumePointOptions) {
    this.#options = options;
  }

  /** Milliseconds; 0 for one that was never begun, was heard to its end, or cannot be told. */
  async read(uri: string, signal: AbortSignal): Promise<number> {
    const answer = await this.#quietly('where the listener stopped', `${service}CurrentStateService/ListCurrentStates`, encodeListCurrentStates(uri), signal);
    if (!answer) return 0;
    try {
      return decodeResumePosition(answer.body, uri);
    } catch (error) {
      this.#options.log.debug('A resume point could not be read; the episode starts at its beginning.', { code: toTonearmError(error).code });
      return 0;
    }
  }

  /** Keeps a place in milliseconds, cut to whole seconds, or that the episode was heard to its end. */
  async write(uri: string, position: number | 'finished', signal: AbortSignal): Promise<void> {
    const body = encodeResumeReport({ uri, position, now: Math.round(this.#options.clock.now()) });
    await this.#quietly('how far the listener is', `${service}ResumePointRevisionService/CreateResumePointRevision`, body, signal);
  }

  async #quietly(what: string, path: string, body: Buffer, signal: AbortSignal): Promise<HttpResponse | null> {
    const { spclient, log } = this.#options;
    try {
      return expectOk(await spclient.send({ method: 'POST', path, body, policy }, signal), 'does not answer about resume points');
    } catch (error) {
      throwIfAborted(signal);
      log.debug(`Spotify and this speaker could not tell each other ${what}.`, { code: toTonearmError(error).code });
      return null;
    }
  }
}
