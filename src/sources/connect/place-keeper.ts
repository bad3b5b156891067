import type { Millis } from '#core';
import { toTonearmError, type Log } from '#foundation';
import type { Session } from '#spotify';

/** Tells the cloud how far somebody has listened to an episode: in order, because the last word counts. */
export class PlaceKeeper {
  readonly #session: Pick<Session, 'keepResumePoint'>;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  #done: Promise<void> = Promise.resolve();

  constructor(session: Pick<Session, 'keepResumePoint'>, log: Log, signal: AbortSignal) {
    this.#session = session;
    this.#log = log;
    this.#signal = signal;
  }

  /** Resolves when all is told; whoever leaves waits for it. */
  get done(): Promise<void> {
    return this.#done;
  }

  keep(uri: string, position: Millis | 'finished'): void {
    this.#done = this.#done
      .then(() => this.#session.keepResumePoint(uri, position, this.#signal))
      .catch((error: unknown) => this.#log.debug('How far the listener is could not be kept', { code: toTonearmError(error).code }));
  }
}
