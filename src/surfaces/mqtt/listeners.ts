import type { ISubscriptionMap, MqttClient } from 'mqtt';
import type { Log } from '#foundation';
import { fitsFilter } from '../topic-filter.ts';
import type { Incoming } from './message.ts';

/** Number of the subscriptions we could not do without; the others count on from here (MQTT 5.0 §3.8.2.1.2). */
export const ownIdentifier = 1;

/** Topics of kept messages that are remembered for one filter. */
const mostKept = 10_000;

type Hear = (message: Incoming) => void;

interface Entry {
  readonly filter: string;
  readonly id: number;
  readonly hears: Set<Hear>;
  /** What we say ourselves comes back, too. */
  readonly echo: boolean;
  /** Topics whose kept message has come since this was subscribed to. */
  readonly kept: Set<string>;
}

/** Subscriptions that come and go while a connection lives, and are made again on the next one. */
export class Listeners {
  readonly #own: ReadonlySet<string>;
  readonly #log: Log;
  readonly #entries = new Map<string, Entry>();
  #nextId = ownIdentifier + 1;
  #line: { readonly client: MqttClient; readonly isFive: boolean; readonly identifiers: boolean } | null = null;

  /** `own`: filters that are subscribed to anyway. */
  constructor(own: readonly string[], log: Log) {
    this.#own = new Set(own);
    this.#log = log;
  }

  /** Hears what fits, until disposed: kept messages once at first and after each reconnect. */
  add(filter: string, hear: Hear, echo: boolean): Disposable {
    let entry = this.#entries.get(filter);
    if (!entry) {
      entry = { filter, id: this.#nextId++, hears: new Set(), echo, kept: new Set() };
      this.#entries.set(filter, entry);
      this.#subscribe(entry);
    }
    const { hears } = entry;
    hears.add(hear);
    return {
      [Symbol.dispose]: () => {
        if (!hears.delete(hear) || hears.size > 0) return;
        this.#entries.delete(filter);
        if (this.#line?.client.connected && !this.#own.has(filter)) this.#line.client.unsubscribe(filter);
      },
    };
  }

  /** `identifiers`: the broker says of each message to which subscription it belongs. */
  up(client: MqttClient, { isFive, identifiers }: { readonly isFive: boolean; readonly identifiers: boolean }): void {
    this.#line = { client, isFive, identifiers };
    for (const entry of this.#entries.values()) this.#subscribe(entry);
  }

  down(): void {
    this.#line = null;
  }

  /** Hands a message to those who listen for it. */
  hear(message: Incoming, ids: readonly number[] | null): void {
    for (const { filter, id, hears, kept } of [...this.#entries.values()]) {
      if (ids && !ids.includes(id) && !(this.#own.has(filter) && ids.includes(ownIdentifier))) continue;
      if (!fitsFilter(filter, message.topic)) continue;
      // Without identifiers a kept message comes once for each subscription it fits, and nobody says for which.
      if (!ids && message.retained) {
        if (kept.has(message.topic)) continue;
        if (kept.size < mostKept) kept.add(message.topic);
      }
      for (const each of [...hears]) each(message);
    }
  }

  #subscribe({ filter, id, echo, kept }: Entry): void {
    kept.clear();
    // The same filter again would take the place of our own subscription.
    if (!this.#line?.client.connected || this.#own.has(filter)) return;
    const { client, isFive, identifiers } = this.#line;
    const wanted: ISubscriptionMap = { [filter]: { qos: 1, ...(isFive && { nl: !echo, rap: false, rh: 0 }) } };
    client.subscribe(wanted, identifiers ? { properties: { subscriptionIdentifier: id } } : {}, (error) => {
      if (error && client.connected) this.#log.warn('The broker does not let us listen to a topic. Allow this user to read there.', { filter, error: error.message });
    });
  }
}
