import type { HomeMessages } from '#core';
import { Scope } from '#foundation';
import { valueOf, type MessageValue } from './message-value.ts';

/** The last message on each topic that conditions ask about. While the broker is away nothing is known: what was true may not be any more. */
export class Heard implements AsyncDisposable {
  readonly #messages: HomeMessages;
  readonly #scope = new Scope();
  readonly #last = new Map<string, MessageValue>();
  readonly #topics = new Set<string>();

  constructor(messages: HomeMessages) {
    this.#messages = messages;
    this.#scope.use(messages.events.on('down', () => this.#last.clear()));
  }

  listen(topic: string): void {
    if (this.#topics.has(topic)) return;
    this.#topics.add(topic);
    this.#scope.use(this.#messages.subscribe(topic, ({ payload }) => void this.#last.set(topic, valueOf(payload))));
  }

  get(topic: string): MessageValue | undefined {
    return this.#last.get(topic);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }
}
