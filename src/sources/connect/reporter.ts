import type { Millis } from '#core';
import { Backoff, isAbort, toTonearmError, type Clock, type Log, type TonearmError } from '#foundation';

/** Why the cloud is told. Earlier in this list goes first when several are due; `inactive` gives playback up and tells nothing else. */
export type ReportKind = (typeof kinds)[number];
const kinds = ['inactive', 'hello', 'claim', 'volume', 'state'] as const;

export interface ReporterPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
  /** One PUT with the state as it is at that moment. */
  put(kind: ReportKind, signal: AbortSignal): Promise<void>;
  /** The cloud does not want to hear from this account; nothing more is told before the next hello. */
  disallowed(error: TonearmError): void;
}

const spacing = 200;
/** The cloud takes 20 in 5 s (§2.7, §2.9). The more were sent, the further they are apart, so that there is room for what is urgent and the newest state is still told in time. */
const budget = { within: 5000, steps: [{ below: 10, spacing }, { below: 13, spacing: 350 }] as const, spacing: 500 };
const volumeQuiet = 150;
const rateLimitPause = 10_000;
/** When it could not be told. 15 s at most, jitter included; zones of one house do not ask in step. */
const pauses = { first: 5000, factor: 2.2, cap: 14_250, jitter: 0.05 };
/** For so long giving up waits for a report that is under way: overtaken by it, we would be active again. */
const inactivePatience = 1000;

/**
 * Decides when the cloud is told (connect-control.md §2.6, §2.7): claims at once, the rest gathered to one PUT each 200 ms, or
 * up to 500 ms after many of them, volume after 150 ms of quiet, never two at a time, and silence for as long as a 429 asks. Between a lost connection and the
 * next hello there is nobody to tell.
 */
export class Reporter implements AsyncDisposable {
  readonly #ports: ReporterPorts;
  readonly #due = new Set<ReportKind>();
  readonly #backoff: Backoff;
  /** Its code; the same one again is not worth a warning. */
  #lastTrouble = '';
  #timer: Disposable | undefined;
  #quiet: Disposable | undefined;
  #patience: Disposable | undefined;
  #put: AbortController | null = null;
  #isConnected = true;
  #isAllowed = true;
  /** False once the cloud has said that it does not know our connection: what follows is for the next one. */
  #isKnown = true;
  #isClosed = false;
  #earliest: Millis;
  /** When the latest ones were sent. */
  readonly #sent: Millis[] = [];
  #blockedUntil: Millis = 0;
  /** It is the cloud that asked for the pause. */
  #isLimited = false;
  #idle: Promise<void> = Promise.resolve();

  constructor(ports: ReporterPorts) {
    this.#ports = ports;
    this.#backoff = new Backoff(pauses, ports.random);
    this.#earliest = ports.clock.monotonic();
  }

  tell(kind: ReportKind): void {
    if (this.#isClosed) return;
    if (kind === 'hello') this.#begin();
    if (!this.#isConnected || (!(this.#isAllowed && this.#isKnown) && kind !== 'inactive')) return;
    if (kind === 'volume') {
      this.#quiet?.[Symbol.dispose]();
      this.#quiet = this.#ports.clock.timer(volumeQuiet, () => {
        this.#quiet = undefined;
        this.#due.add('volume');
        this.#plan();
      });
      return;
    }
    if (kind === 'inactive') {
      this.#due.delete('claim');
      this.#due.delete('state');
      if (this.#put) this.#patience ??= this.#ports.clock.timer(inactivePatience, () => this.#put?.abort(overtaken()));
    }
    this.#due.add(kind);
    this.#plan();
  }

  /** A new connection: what the cloud asked for still holds, pauses of our own because it did not answer do not. */
  #begin(): void {
    this.#isConnected = this.#isAllowed = this.#isKnown = true;
    if (this.#isLimited) return;
    this.#blockedUntil = 0;
    this.#backoff.reset();
  }

  /** The connection is gone: nothing can be told, and the next hello tells everything. */
  disconnected(): void {
    this.#isConnected = false;
    this.#due.clear();
    for (const timer of [this.#timer, this.#quiet]) timer?.[Symbol.dispose]();
    this.#timer = this.#quiet = undefined;
    this.#put?.abort(overtaken());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.disconnected();
    await this.#idle;
  }

  #forgetDue(): void {
    for (const kind of this.#due) if (kind !== 'inactive') this.#due.delete(kind);
    this.#quiet?.[Symbol.dispose]();
    this.#quiet = undefined;
  }

  #plan(): void {
    if (this.#put || this.#due.size === 0) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const now = this.#ports.clock.monotonic();
    const isUrgent = this.#due.has('hello') || this.#due.has('claim');
    const at = this.#due.has('inactive') ? now : Math.max(this.#blockedUntil, isUrgent ? now : this.#earliest);
    if (at <= now) {
      const put = (this.#put = new AbortController());
      // After everything that is told in the same breath, so that it goes out as one.
      this.#idle = Promise.resolve().then(() => this.#flush(put));
    } else
      this.#timer = this.#ports.clock.timer(at - now, () => {
        this.#timer = undefined;
        this.#plan();
      });
  }

  async #flush(put: AbortController): Promise<void> {
    const { clock, log } = this.#ports;
    const kind = kinds.find((candidate) => this.#due.has(candidate));
    try {
      if (!kind || put.signal.aborted) return;
      this.#due.delete(kind);
      // One PUT carries everything; only the web player needs a second one after a volume change to keep its position (§2.6).
      if (kind !== 'inactive') this.#due.clear();
      if (kind === 'volume') this.#due.add('state');
      log.trace('Telling the cloud', { kind });
      if (kind !== 'inactive') this.#sent.push(clock.monotonic());
      await this.#ports.put(kind, put.signal);
      if (kind === 'inactive') return;
      this.#backoff.reset();
      this.#lastTrouble = '';
    } catch (thrown) {
      if (kind && !isAbort(thrown) && !put.signal.aborted) this.#failed(kind, toTonearmError(thrown), log);
      // Overtaken by giving up; without a hello nobody would know us.
      else if (kind === 'hello' && this.#isConnected) this.#due.add('hello');
    } finally {
      this.#put = null;
      this.#patience?.[Symbol.dispose]();
      this.#patience = undefined;
      // Counted from the answer: what counts is when the cloud had the one before.
      this.#earliest = clock.monotonic() + this.#spacing();
      this.#plan();
    }
  }

  #spacing(): Millis {
    const since = this.#ports.clock.monotonic() - budget.within;
    while (this.#sent[0] !== undefined && this.#sent[0] <= since) this.#sent.shift();
    return budget.steps.find(({ below }) => this.#sent.length < below)?.spacing ?? budget.spacing;
  }

  #failed(kind: ReportKind, error: TonearmError, log: Log): void {
    const isLimited = (this.#isLimited = error.code === 'spotify/rate-limited' || error.retryAfter !== undefined);
    const say = error.code === this.#lastTrouble ? 'debug' : 'warn';
    this.#lastTrouble = error.code;
    if (isLimited || error.kind === 'unavailable' || error.kind === 'timeout') {
      const wait = isLimited ? (error.retryAfter ?? rateLimitPause) : this.#backoff.next();
      this.#blockedUntil = this.#ports.clock.monotonic() + wait;
      // After an `inactive` that did not arrive the state says it, too.
      this.#due.add(kind === 'hello' ? 'hello' : 'state');
      log[say](isLimited ? 'Spotify asks for fewer messages; the newest state is sent after a pause' : 'Spotify does not take the playback state at the moment; the newest one is sent after a pause', { code: error.code, wait });
      return;
    }
    if (error.code === 'spotify/not-allowed') {
      log.error(error.message, { code: error.code });
      this.#isAllowed = false;
      this.#forgetDue();
      this.#ports.disallowed(error);
    } else if (error.code === 'spotify/stale-connection') {
      // A new connection is on its way, and its hello tells the whole state.
      log.debug(error.message, { code: error.code });
      if (kind === 'inactive') return;
      this.#isKnown = false;
      this.#forgetDue();
    } else log[say](`The playback state could not be reported: ${error.message}`, { code: error.code });
  }
}

function overtaken(): DOMException {
  return new DOMException('There is something else to tell.', 'AbortError');
}
