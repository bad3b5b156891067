import type { Millis } from '#core';
import { isAbort, toTonearmError, type Clock, type Log, type TonearmError } from '#foundation';

/** Why the cloud is told. Earlier in this list goes first when several are due. */
export type ReportKind = 'hello' | 'claim' | 'volume' | 'state';

export interface ReporterPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** One PUT with the state as it is at that moment. */
  put(kind: ReportKind, signal: AbortSignal): Promise<void>;
}

const spacing = 200;
const volumeQuiet = 150;
const rateLimitPause = 10_000;

/**
 * Decides when the cloud is told (connect-control.md §2.6, §2.7): claims at once, the rest gathered to one PUT each 200 ms,
 * volume after 150 ms of quiet, never two at a time, and silence for as long as a 429 asks.
 */
export class Reporter implements AsyncDisposable {
  readonly #ports: ReporterPorts;
  readonly #abort = new AbortController();
  readonly #due = new Set<ReportKind>();
  #timer: Disposable | undefined;
  #quiet: Disposable | undefined;
  #isPutting = false;
  #earliest: Millis;
  #blockedUntil: Millis = 0;
  #idle: Promise<void> = Promise.resolve();

  constructor(ports: ReporterPorts) {
    this.#ports = ports;
    this.#earliest = ports.clock.monotonic();
  }

  tell(kind: ReportKind): void {
    if (this.#abort.signal.aborted) return;
    if (kind === 'volume') {
      this.#quiet?.[Symbol.dispose]();
      this.#quiet = this.#ports.clock.timer(volumeQuiet, () => {
        this.#quiet = undefined;
        this.#due.add('volume');
        this.#plan();
      });
      return;
    }
    this.#due.add(kind);
    this.#plan();
  }

  /** Forgets what was due: without a connection id nothing can be told, and the next hello tells everything. */
  forget(): void {
    this.#due.clear();
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#blockedUntil = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.forget();
    this.#quiet?.[Symbol.dispose]();
    this.#abort.abort(new DOMException('The device is closing.', 'AbortError'));
    await this.#idle;
  }

  #plan(): void {
    if (this.#isPutting || this.#timer || this.#due.size === 0) return;
    const now = this.#ports.clock.monotonic();
    const isUrgent = this.#due.has('hello') || this.#due.has('claim');
    const at = Math.max(this.#blockedUntil, isUrgent ? now : this.#earliest);
    if (at <= now) {
      this.#isPutting = true;
      // After everything that is told in the same breath, so that it goes out as one.
      this.#idle = Promise.resolve().then(() => this.#flush());
    } else
      this.#timer = this.#ports.clock.timer(at - now, () => {
        this.#timer = undefined;
        this.#plan();
      });
  }

  async #flush(): Promise<void> {
    const kind = (['hello', 'claim', 'volume', 'state'] as const).find((candidate) => this.#due.has(candidate));
    if (!kind || this.#abort.signal.aborted) {
      this.#isPutting = false;
      return;
    }
    // One PUT carries everything; only the web player needs a second one after a volume change to keep its position (§2.6).
    this.#due.clear();
    if (kind === 'volume') this.#due.add('state');
    const { clock, log } = this.#ports;
    log.trace('Telling the cloud', { kind });
    try {
      await this.#ports.put(kind, this.#abort.signal);
    } catch (thrown) {
      if (!isAbort(thrown)) this.#failed(kind, toTonearmError(thrown), log);
    } finally {
      this.#isPutting = false;
      // Counted from the answer: what counts is when the cloud had the one before.
      this.#earliest = clock.monotonic() + spacing;
      if (!this.#abort.signal.aborted) this.#plan();
    }
  }

  #failed(kind: ReportKind, error: TonearmError, log: Log): void {
    if (error.code === 'spotify/rate-limited' || error.retryAfter !== undefined) {
      this.#blockedUntil = this.#ports.clock.monotonic() + (error.retryAfter ?? rateLimitPause);
      this.#due.add(kind === 'hello' ? 'hello' : 'state');
      log.warn('Spotify asks for fewer messages; the newest state is sent after a pause', { code: error.code, wait: error.retryAfter ?? rateLimitPause });
      return;
    }
    // The next edge tells the whole state again, so a lost report is not repeated here.
    log.warn(`The playback state could not be reported: ${error.message}`, { code: error.code });
  }
}
