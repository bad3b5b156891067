import type { Clock } from './foundation.ts';
import { DaemonLink } from './daemon-link.ts';
import { type Answer, apply, readMessage, socketUrl, writeRequest } from './messages.ts';
import { Outage } from './outage.ts';
import type { HousePicture, Outcome, Request } from './picture.ts';
import type { ServerSettings } from './settings.ts';
import type { Dial, Ending } from './socket.ts';

/** For so long an absence is no absence: what was true last is still told. Milliseconds. */
export const grace = 3000;
/** No answer after this long is none. Milliseconds. */
const answerTime = 15_000;

export interface DaemonLog {
  info(sentence: string): void;
  warn(sentence: string): void;
  debug(sentence: string): void;
}

export interface DaemonOptions {
  readonly settings: ServerSettings;
  readonly clock: Clock;
  readonly dial: Dial;
  readonly log: DaemonLog;
  /** Where an installation was seen; empty while it was not. */
  readonly whereabouts: (instance: string) => readonly string[];
  /** There is another picture. `before` is null for the first one after connecting. */
  readonly pictured: (after: HousePicture, before: HousePicture | null) => void;
  readonly random?: () => number;
}

/** One daemon as the plugin knows it: its last picture, whether that still holds, and a way to ask for something. */
export class Daemon implements Disposable {
  readonly settings: ServerSettings;
  readonly #options: DaemonOptions;
  readonly #link: DaemonLink;
  readonly #outage = new Outage();
  readonly #asked = new Map<string, (outcome: Outcome) => void>();
  #picture: HousePicture | null = null;
  /** Monotonic; null while connected and told everything. */
  #awaySince: number | null;
  #isRefused = false;
  #isWhole = false;
  #wasGreeted = false;
  #number = 0;
  /** Attempts in a row that came to nothing. */
  #misses = 0;

  constructor(options: DaemonOptions) {
    const { settings, clock, dial, whereabouts, random } = options;
    this.settings = settings;
    this.#options = options;
    this.#awaySince = clock.monotonic();
    this.#link = new DaemonLink({
      clock,
      dial,
      key: settings.key,
      // What announces itself under this name is asked first: an address that was written down may have changed. Then, in turn, the others:
      // not every address a machine announces leads to it from here. An announcement is nothing to leave TLS for: others could read along.
      address: () => {
        const announced = settings.instance !== null && !/^https:/i.test(settings.url ?? '') ? whereabouts(settings.instance) : [];
        const bases = [...new Set([...announced, settings.url])].filter((base) => base !== null);
        const base = bases[this.#misses % bases.length];
        return base === undefined ? null : socketUrl(base);
      },
      opened: () => (this.#isWhole = false),
      heard: (text) => this.#heard(text),
      ended: (ending) => this.#ended(ending),
      ...(random && { random }),
    });
  }

  /** Also after the daemon has shown itself in the network. */
  connect(): void {
    this.#link.nudge();
  }

  /** The last picture, while it can be believed; null once the daemon has been away for longer than a moment. */
  get picture(): HousePicture | null {
    if (this.#isRefused) return null;
    const isAway = this.#awaySince !== null && this.#options.clock.monotonic() - this.#awaySince >= grace;
    return isAway ? null : this.#picture;
  }

  /** The last picture, believed or not. */
  get lastPicture(): HousePicture | null {
    return this.#picture;
  }

  get title(): string {
    const { name, url, instance } = this.settings;
    return `Tonearm “${name ?? this.#picture?.name ?? url ?? instance ?? ''}”`;
  }

  /** Never rejects. */
  ask(request: Request): Promise<Outcome> {
    const id = String((this.#number += 1));
    return new Promise((resolve) => {
      if (!this.#isWhole || !this.#link.send(writeRequest(id, request))) {
        resolve({ kind: 'lost' });
        return;
      }
      const timer = this.#options.clock.timer(answerTime, () => end({ kind: 'lost' }));
      const end = (outcome: Outcome) => {
        timer[Symbol.dispose]();
        this.#asked.delete(id);
        resolve(outcome);
      };
      this.#asked.set(id, end);
    });
  }

  [Symbol.dispose](): void {
    this.#link[Symbol.dispose]();
    this.#loseAll();
  }

  #heard(text: string): void {
    const message = readMessage(text, this.#options.clock.now());
    if (message === null) return;
    if (message.kind === 'answer') {
      this.#answered(message);
      return;
    }
    const before = this.#isWhole ? this.#picture : null;
    const after = apply(this.#picture, message);
    // Changes before the whole have nothing to change.
    if (after === null || (message.kind !== 'whole' && !this.#isWhole)) return;
    this.#picture = after;
    if (message.kind === 'whole') this.#greeted(after);
    this.#options.pictured(after, before);
  }

  #answered({ id, outcome }: Answer): void {
    this.#asked.get(id)?.(outcome);
  }

  #greeted({ version, zones }: HousePicture): void {
    const { clock, log } = this.#options;
    this.#isWhole = true;
    this.#awaySince = null;
    this.#isRefused = false;
    const away = this.#outage.over(clock.monotonic());
    if (!this.#wasGreeted) log.info(`${this.title} ${version} is connected; zones: ${zones.map(({ name }) => name).join(', ') || 'none'}.`);
    else if (away !== null) log.info(`${this.title} is back after ${Math.round(away / 1000)} s.`);
    else log.debug(`${this.title} is connected again.`);
    this.#wasGreeted = true;
  }

  #ended({ kind, why }: Ending): void {
    const { clock, log } = this.#options;
    const now = clock.monotonic();
    // Whoever has just greeted us is asked again first.
    if (!this.#isWhole) this.#misses += 1;
    this.#isWhole = false;
    this.#awaySince ??= now;
    this.#loseAll();
    log.debug(`${this.title}: ${why}.`);
    const wasRefused = this.#isRefused;
    this.#isRefused = kind === 'refused';
    // A moment's absence is not worth a line, a refused key is.
    if (kind === 'away' && !wasRefused && now - this.#awaySince < grace) return;
    if (!this.#outage.failed(now)) return;
    if (kind === 'refused') log.warn(`${this.title} refuses us: ${why}. Home shows “No Response” meanwhile. “tonearm keys add homebridge --scope control” on its machine makes a new key; it belongs into the settings of this plugin.`);
    else log.warn(`${this.title} cannot be reached: ${why}. Home shows “No Response” until it is back, which is noticed by itself.`);
  }

  #loseAll(): void {
    for (const end of [...this.#asked.values()]) end({ kind: 'lost' });
  }
}
