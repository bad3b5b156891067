import type { HomeMessage, HomeMessages } from '#core';
import { Emitter } from '#foundation';

interface Listener {
  readonly filter: string;
  readonly hear: (message: HomeMessage) => void;
}

/** The owner's broker as automations hear it: everything at once, nothing lost but by choice. */
export class HomeBroker {
  readonly messages: HomeMessages;
  /** Everything we said. */
  readonly published: { readonly topic: string; readonly payload: string; readonly retained: boolean }[] = [];
  readonly #emitter = new Emitter<{ up: undefined; down: undefined; born: undefined }>();
  readonly #listeners = new Set<Listener>();
  readonly #kept = new Map<string, string>();
  #isUp: boolean;

  constructor({ isUp = true }: { readonly isUp?: boolean } = {}) {
    this.#isUp = isUp;
    const isUpNow = () => this.#isUp;
    this.messages = {
      get isUp() {
        return isUpNow();
      },
      events: this.#emitter.events,
      subscribe: (filter, hear) => {
        const listener = { filter, hear };
        this.#listeners.add(listener);
        if (this.#isUp) this.#remind(listener);
        return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
      },
      publish: ({ topic, payload, retained = false }) => {
        if (this.#isUp) this.published.push({ topic, payload, retained });
        return Promise.resolve(this.#isUp);
      },
    };
  }

  /** How many subscriptions there are; for leak tests. */
  get listeners(): number {
    return this.#listeners.size;
  }

  up(): void {
    this.#isUp = true;
    this.#emitter.emit('up', undefined);
    for (const listener of this.#listeners) this.#remind(listener);
  }

  down(): void {
    this.#isUp = false;
    this.#emitter.emit('down', undefined);
  }

  /** Home Assistant has started. */
  born(): void {
    this.#emitter.emit('born', undefined);
  }

  /** Somebody publishes. What is no text is said as JSON. */
  say(topic: string, payload: unknown, { isRetained = false }: { readonly isRetained?: boolean } = {}): void {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    if (isRetained) this.#kept.set(topic, text);
    if (!this.#isUp) return;
    for (const { filter, hear } of [...this.#listeners]) if (fits(filter, topic)) hear({ topic, payload: Buffer.from(text), retained: false });
  }

  #remind({ filter, hear }: Listener): void {
    for (const [topic, text] of this.#kept) if (fits(filter, topic)) hear({ topic, payload: Buffer.from(text), retained: true });
  }
}

function fits(filter: string, topic: string): boolean {
  const levels = topic.split('/');
  const wanted = filter.split('/');
  if (wanted.at(-1) === '#') return levels.length >= wanted.length - 1 && wanted.slice(0, -1).every((level, at) => level === '+' || level === levels[at]);
  return levels.length === wanted.length && wanted.every((level, at) => level === '+' || level === levels[at]);
}
