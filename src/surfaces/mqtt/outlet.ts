import type { Link } from './link.ts';
import type { Message } from './message.ts';
import { type OutName, type TopicPlace, type TopicRow, type Topics, topicTable } from './topics.ts';

/** Seconds others may find an event or an answer; later it is no news. */
const freshness = 60;

/** Publishes on the rows of the topic table, and nowhere else: what we publish is never what we listen to. */
export class Outlet {
  readonly #link: Pick<Link, 'publish'>;
  readonly #topics: Topics;
  readonly #qos: 0 | 1;
  /** What the broker holds, by topic. */
  readonly #held = new Map<string, string>();
  #sent = 0;

  constructor(link: Pick<Link, 'publish'>, topics: Topics, { qos }: { readonly qos: 0 | 1 }) {
    this.#link = link;
    this.#topics = topics;
    this.#qos = qos;
  }

  /** Messages handed over so far. */
  get sent(): number {
    return this.#sent;
  }

  /** The broker may have forgotten everything. */
  forget(): void {
    this.#held.clear();
  }

  /** Sends JSON, or text and bytes as they are. A retained topic that already holds the same is left alone unless `again`; bytes are not compared. */
  send(name: OutName, place: TopicPlace, payload: object | string | Uint8Array, { again = false, correlation }: { readonly again?: boolean; readonly correlation?: Buffer } = {}): Promise<boolean> {
    const row: TopicRow = topicTable[name];
    const topic = this.#topics.of(name, place);
    const text = typeof payload === 'string' || payload instanceof Uint8Array ? payload : JSON.stringify(payload);
    if (row.retained && typeof text === 'string') {
      if (!again && this.#held.get(topic) === text) return Promise.resolve(true);
      this.#held.set(topic, text);
    }
    this.#sent += 1;
    const message: Message = {
      topic,
      payload: text,
      retained: row.retained,
      qos: Math.min(row.qos, this.#qos) === 1 ? 1 : 0,
      ...(row.retained ? {} : { expiry: freshness }),
      ...(correlation === undefined ? {} : { correlation }),
    };
    return this.#link.publish(message).then((sent) => {
      // A picture that did not arrive must not count as known.
      if (!sent && this.#held.get(topic) === text) this.#held.delete(topic);
      return sent;
    });
  }
}
