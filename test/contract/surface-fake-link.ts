import { Emitter } from '#foundation';
import type { LinkEvents } from '../../src/surfaces/mqtt/link.ts';
import type { Incoming, Message } from '../../src/surfaces/mqtt/message.ts';
import { fitsFilter } from '#surfaces';

/** A broker that takes everything and forgets nothing. */
export class FakeLink {
  readonly sent: Message[] = [];
  readonly counters = { connects: 0, received: 0, published: 0, dropped: 0 };
  readonly events = new Emitter<LinkEvents>();
  isUp = true;
  version: '5' | '3.1.1' | null = '5';
  rival: { readonly since: number; readonly times: number } | null = null;
  readonly listening: { readonly filter: string; readonly hear: (message: Incoming) => void }[] = [];

  publish(message: Message): Promise<boolean> {
    if (this.isUp) this.sent.push(message);
    return Promise.resolve(this.isUp);
  }

  listen(filter: string, hear: (message: Incoming) => void): Disposable {
    const entry = { filter, hear };
    this.listening.push(entry);
    return { [Symbol.dispose]: () => void this.listening.splice(this.listening.indexOf(entry), 1) };
  }

  /** Somebody publishes, or the broker shows what it keeps. */
  say(message: Incoming): void {
    for (const { filter, hear } of [...this.listening]) if (fitsFilter(filter, message.topic)) hear(message);
  }

  topics(): string[] {
    return this.sent.map(({ topic }) => topic);
  }

  on(topic: string): string[] {
    return this.sent.filter((message) => message.topic === topic).map(({ payload }) => (typeof payload === 'string' ? payload : Buffer.from(payload).toString('latin1')));
  }

  /** JSON of what was published there last. */
  last<T = Record<string, unknown>>(topic: string): T {
    return JSON.parse(this.on(topic).at(-1) ?? 'null') as T;
  }
}

export function incoming(topic: string, payload: string | object, more: Partial<Incoming> = {}): Incoming {
  return { topic, payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)), retained: false, ...more };
}
