import { Emitter, type Clock, type Events } from '#foundation';

/** The parts of the cloud, as journal, counters, latency and faults name them. */
export type ServiceName =
  | 'directory'
  | 'access-point'
  | 'client-token'
  | 'login5'
  | 'accounts'
  | 'dealer'
  | 'connect-state'
  | 'metadata'
  | 'context'
  | 'storage'
  | 'cdn'
  | 'images'
  | 'web'
  | 'discovery';

/** One thing that arrived, was sent on purpose, or went wrong. Secrets included: this is test data. */
export interface JournalEntry {
  readonly sequence: number;
  /** Unix ms of the cloud's clock. */
  readonly at: number;
  readonly service: ServiceName;
  /** What happened: `PUT /connect-state/…`, `packet 0x0c`, `frame ping`, `pushed cluster` … */
  readonly what: string;
  /** Name of the simulated phone that caused it; null for everybody else. */
  readonly phone: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** A breach of the protocol by a client. */
export interface Refusal {
  readonly at: number;
  readonly service: ServiceName;
  /** Where the rule is written: `connect-session §3.10`. */
  readonly clause: string;
  readonly what: string;
  /** True when the client was told so, false when the cloud lets it pass but a good client would not do it. */
  readonly refused: boolean;
  readonly phone: string | null;
}

export type RefusalInput = Omit<Refusal, 'at' | 'phone'> & { readonly phone?: string | null };

const keep = 20_000;

/** Everything that was received, in order, and what was wrong with it. Bounded: the oldest entries go first. */
export class Journal {
  readonly #clock: Clock;
  readonly #emitter = new Emitter<{ entry: JournalEntry; refusal: Refusal }>();
  readonly #entries: JournalEntry[] = [];
  readonly #refusals: Refusal[] = [];
  #sequence = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get events(): Events<{ entry: JournalEntry; refusal: Refusal }> {
    return this.#emitter.events;
  }

  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  get refusals(): readonly Refusal[] {
    return this.#refusals;
  }

  record(service: ServiceName, what: string, detail: Readonly<Record<string, unknown>> = {}, phone: string | null = null): void {
    const entry: JournalEntry = { sequence: ++this.#sequence, at: this.#clock.now(), service, what, phone, detail };
    this.#entries.push(entry);
    if (this.#entries.length > keep) this.#entries.splice(0, keep / 10);
    this.#emitter.emit('entry', entry);
  }

  refuse({ phone = null, ...input }: RefusalInput): void {
    const refusal: Refusal = { at: this.#clock.now(), phone, ...input };
    this.#refusals.push(refusal);
    if (this.#refusals.length > keep) this.#refusals.splice(0, keep / 10);
    this.#emitter.emit('refusal', refusal);
  }

  /** Entries whose `what` holds or matches `what`, oldest first. */
  find(what: string | RegExp, service?: ServiceName): JournalEntry[] {
    return this.#entries.filter(
      (entry) => (!service || entry.service === service) && (typeof what === 'string' ? entry.what.includes(what) : what.test(entry.what)),
    );
  }

  /** The first entry, past or to come, that `test` accepts. */
  until(test: (entry: JournalEntry) => boolean, signal?: AbortSignal): Promise<JournalEntry> {
    const known = this.#entries.find(test);
    if (known) return Promise.resolve(known);
    return this.#emitter.once('entry', signal ? { test, signal } : { test });
  }

  /** Forgets entries and refusals, so that a test looks at what follows only. */
  clear(): void {
    this.#entries.length = 0;
    this.#refusals.length = 0;
  }
}
