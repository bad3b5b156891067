import { type Clock, type Log } from '#foundation';
import type { Link } from './link.ts';
import type { Incoming } from './message.ts';

/** After a connection stands, so long until the broker is asked whether it still has what we said (home-integrations.md §5.1). Milliseconds. */
const settling = 2000;
/** So long it may take to answer. Milliseconds. */
const patience = 2000;
/** Others that are told of; more of them are somebody's game. */
const mostRivals = 16;

export interface TreeWatchOptions {
  readonly link: Pick<Link, 'listen' | 'events' | 'isUp'>;
  /** Where each bridge says who it is. */
  readonly topic: string;
  /** Of this process. */
  readonly run: string;
  /** Whether the broker is to keep anything at all. */
  readonly retain: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** The broker has lost what it was to keep. */
  readonly onLost: () => void;
  /** Another bridge writes on our topics; it should hear of us, too. */
  readonly onRival: (rival: Rival) => void;
}

export interface Rival {
  readonly instance: string;
  /** Unix ms. */
  readonly since: number;
}

/** Looks after our part of the broker's tree: that it is kept, and that nobody else writes there. */
export class TreeWatch implements Disposable {
  readonly #options: TreeWatchOptions;
  readonly #ends: Disposable[];
  readonly #known = new Set<string>();
  #timer: Disposable | null = null;
  #listening: Disposable | null = null;
  #rival: Rival | null = null;

  constructor(options: TreeWatchOptions) {
    this.#options = options;
    const { link } = options;
    this.#ends = [link.events.on('up', () => this.#begin()), link.events.on('down', () => this.#end())];
  }

  /** The other bridge on our topics, as far as this connection has shown one. */
  get rival(): Rival | null {
    return this.#rival;
  }

  #begin(): void {
    this.#end();
    this.#rival = null;
    const { clock } = this.#options;
    this.#timer = clock.timer(settling, () => this.#look());
  }

  #look(): void {
    const { link, topic, clock, retain, log, onLost } = this.#options;
    let isKept = false;
    this.#listening = link.listen(topic, (message) => {
      isKept ||= message.retained;
      this.#hear(message);
    });
    this.#timer = clock.timer(patience, () => {
      if (isKept || !retain || !link.isUp) return;
      log.warn('The MQTT broker has not kept what we said, so it is all said again. If this comes back: does it allow this user retained messages?', { topic });
      onLost();
    });
  }

  #hear({ payload }: Incoming): void {
    const said = whoIs(payload);
    if (!said || said.run === this.#options.run) return;
    const { clock, log, onRival, topic } = this.#options;
    this.#rival = { instance: said.instance, since: this.#rival?.since ?? clock.now() };
    if (this.#known.has(said.run) || this.#known.size >= mostRivals) return;
    this.#known.add(said.run);
    log.warn('Another Tonearm writes on our MQTT topics, so what is shown there is sometimes ours and sometimes its. Give each its own "mqtt.prefix".', { topic, other: said.instance });
    onRival(this.#rival);
  }

  #end(): void {
    this.#timer?.[Symbol.dispose]();
    this.#listening?.[Symbol.dispose]();
    this.#timer = this.#listening = null;
  }

  [Symbol.dispose](): void {
    this.#end();
    for (const end of this.#ends.splice(0)) end[Symbol.dispose]();
  }
}

function whoIs(payload: Uint8Array): { readonly instance: string; readonly run: string } | null {
  try {
    const { instance, run } = JSON.parse(Buffer.from(payload).toString()) as { instance?: unknown; run?: unknown };
    return typeof instance === 'string' ? { instance: instance.slice(0, 64), run: typeof run === 'string' ? run.slice(0, 64) : `${instance} of old` } : null;
  } catch {
    return null;
  }
}
