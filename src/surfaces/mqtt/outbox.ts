import type { IClientPublishOptions, MqttClient } from 'mqtt';
import type { Log } from '#foundation';
import type { Message } from './message.ts';

/** What the broker said it can take. */
export interface OutboxLimits {
  /** Whether messages may carry properties (MQTT 5). */
  readonly properties: boolean;
  /** Messages that may wait for the broker's receipt at once. */
  readonly inFlight: number;
  /** Bytes of a packet. */
  readonly largest: number;
  readonly retain: boolean;
  readonly qos: 0 | 1;
}

/** Messages that may wait for their turn and are not retained; beyond it the oldest go. */
const mostLoose = 100;

interface Waiting {
  message: Message;
  readonly done: ((sent: boolean) => void)[];
}

/**
 * Messages on their way to one connection, in order. A broker that is slow to confirm makes them wait here,
 * and a newer picture of a retained topic takes the place of the one that still waits.
 */
export class Outbox {
  readonly #client: Pick<MqttClient, 'publish'>;
  readonly #limits: OutboxLimits;
  readonly #origin: string;
  readonly #log: Log;
  readonly #waiting: Waiting[] = [];
  readonly #unconfirmed = new Set<Waiting>();
  #closed = false;

  constructor(client: Pick<MqttClient, 'publish'>, limits: OutboxLimits, origin: string, log: Log) {
    this.#client = client;
    this.#limits = limits;
    this.#origin = origin;
    this.#log = log;
  }

  push(message: Message): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    const size = Buffer.byteLength(message.topic) + Buffer.byteLength(message.payload) + 256;
    if (size > this.#limits.largest) {
      this.#log.warn('A message is larger than the broker takes, so it was not sent.', { topic: message.topic, size, largest: this.#limits.largest });
      return Promise.resolve(false);
    }
    return new Promise((resolve) => {
      const older = message.retained ? this.#waiting.find((entry) => entry.message.retained && entry.message.topic === message.topic) : undefined;
      if (older) {
        older.message = message;
        older.done.push(resolve);
        return;
      }
      this.#waiting.push({ message, done: [resolve] });
      this.#thin();
      this.#pump();
    });
  }

  /** The connection is gone: nothing that waits will arrive. */
  close(): void {
    this.#closed = true;
    for (const entry of [...this.#unconfirmed, ...this.#waiting.splice(0)]) settle(entry, false);
    this.#unconfirmed.clear();
  }

  #thin(): void {
    const loose = this.#waiting.filter(({ message }) => !message.retained);
    const [oldest] = loose;
    if (!oldest || loose.length <= mostLoose) return;
    this.#waiting.splice(this.#waiting.indexOf(oldest), 1);
    settle(oldest, false);
  }

  #pump(): void {
    while (!this.#closed) {
      const entry = this.#waiting[0];
      if (!entry) return;
      const qos = this.#limits.qos === 0 ? 0 : entry.message.qos;
      if (qos === 1 && this.#unconfirmed.size >= this.#limits.inFlight) return;
      this.#waiting.shift();
      if (qos === 1) this.#unconfirmed.add(entry);
      const { topic, payload } = entry.message;
      this.#client.publish(topic, typeof payload === 'string' ? payload : Buffer.from(payload), this.#options(entry.message, qos), (error) => {
        this.#unconfirmed.delete(entry);
        if (error && !this.#closed) this.#log.warn('The broker did not take a message.', { topic, error: error.message });
        settle(entry, !error);
        this.#pump();
      });
    }
  }

  #options({ retained, payload, expiry, correlation }: Message, qos: 0 | 1): IClientPublishOptions {
    const options = { qos, retain: retained && this.#limits.retain };
    if (!this.#limits.properties || payload.length === 0) return options;
    return {
      ...options,
      properties: {
        contentType: contentType(payload),
        userProperties: { origin: this.#origin },
        ...(expiry === undefined ? {} : { messageExpiryInterval: expiry }),
        ...(correlation === undefined ? {} : { correlationData: correlation }),
      },
    };
  }
}

function contentType(payload: string | Uint8Array): string {
  if (typeof payload !== 'string') return 'image/jpeg';
  return /^[{[]/.test(payload) ? 'application/json' : 'text/plain';
}

function settle(entry: Waiting, sent: boolean): void {
  for (const done of entry.done.splice(0)) done(sent);
}
