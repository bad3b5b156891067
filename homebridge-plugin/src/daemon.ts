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
const newKey = '“tonearm keys add homebridge --scope control” on its machine makes a new key; it belongs into the settings of this plugin.';

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
  /** Attempts since the last greeting that came to nothing. */
  #misses = 0;
  /** The address that is dialled, and the one that greeted us last. */
  #dialled: string | null = null;
  #greeter: string | null = null;
  /** Addresses that refused us when they were asked last. */
  #refusing: readonly string[] = [];

  constructor(options: DaemonOptions) {
    const { settings, clock, dial, random } = options;
    this.settings = settings;
    this.#options = options;
    this.#awaySince = clock.monotonic();
    this.#link = new DaemonLink({
      clock,
      dial,
      key: settings.key,
      address: () => this.#address(),
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

  #address(): string | null {
    const bases = this.#bases();
    const others = bases.filter((base) => base !== this.#greeter);
    // However many others are announced: who greeted us is back soon after it is there again.
    const round = this.#greeter === null || others.length === 0 ? bases : others.flatMap((other) => [this.#greeter, other]);
    this.#dialled = round[this.#misses % round.length] ?? null;
    return this.#dialled && socketUrl(this.#dialled);
  }

  /**
   * What announces itself under this name comes before what was written down, which may have changed; and not every address a machine
   * announces leads to it from here. An announcement is nothing to leave TLS for: others could read along.
   */
  #bases(): readonly string[] {
    const { settings: { instance, url }, whereabouts } = this.#options;
    const announced = instance !== null && !/^https:/i.test(url ?? '') ? whereabouts(instance) : [];
    return [...new Set([this.#greeter, ...announced, url])].filter((base) => base !== null);
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
    this.#misses = 0;
    this.#greeter = this.#dialled;
    this.#refusing = [];
    const away = this.#outage.over(clock.monotonic());
    if (!this.#wasGreeted) log.info(`${this.title} ${version} is connected; zones: ${zones.map(({ name }) => name).join(', ') || 'none'}.`);
    else if (away !== null) log.info(`${this.title} is back after ${Math.round(away / 1000)} s.`);
    else log.debug(`${this.title} is connected again.`);
    this.#wasGreeted = true;
  }

  #ended(ending: Ending): Ending['kind'] {
    const { clock, log } = this.#options;
    const now = clock.monotonic();
    const kind = this.#judged(ending);
    const { why } = ending;
    // Whoever has just greeted us is asked again first.
    if (!this.#isWhole) this.#misses += 1;
    this.#isWhole = false;
    this.#awaySince ??= now;
    this.#loseAll();
    log.debug(`${this.title}: ${why}.`);
    this.#isRefused ||= kind === 'refused';
    // A moment's absence is not worth a line, a refused key is.
    if ((!this.#isRefused && now - this.#awaySince < grace) || !this.#outage.failed(now)) return kind;
    if (kind === 'refused') log.warn(`${this.title} refuses us: ${why}. Home shows “No Response” meanwhile. ${newKey}`);
    else log.warn(`${this.title} cannot be reached: ${why}. Home shows “No Response” until it is back, which is noticed by itself.${this.#doubt()}`);
    return kind;
  }

  /** Anybody can announce an address and refuse us there: that is believed of who had greeted us, or once it is so at every address. */
  #judged({ kind }: Ending): Ending['kind'] {
    const bases = this.#bases();
    this.#refusing = bases.filter((base) => (base === this.#dialled ? kind === 'refused' : this.#refusing.includes(base)));
    return kind === 'refused' && (this.#isWhole || this.#refusing.length === bases.length) ? 'refused' : 'away';
  }

  #doubt(): string {
    return this.#refusing.length === 0 ? '' : ` What answers at ${this.#refusing.join(' and ')} refuses our key. If that is it: ${newKey}`;
  }

  #loseAll(): void {
    for (const end of [...this.#asked.values()]) end({ kind: 'lost' });
  }
}
