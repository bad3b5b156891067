import { inspect } from 'node:util';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** What a part may say. Fields are plain values; secrets are wrapped in `Secret` and never shown. */
export interface Log {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with a more precise name: `spotify` → `spotify/dealer`. */
  child(name: string): Log;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** Says nothing; for tests. */
export const silentLog: Log = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

const hidden = '[secret]';

/** Holds a value that must never be printed: it shows itself as `[secret]` to logs, JSON and inspection. */
export class Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself. The caller answers for where it goes. */
  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }

  [inspect.custom](): string {
    return hidden;
  }
}

/** A user name as logs may show it: first two and last two characters, the part after an `@` kept. */
export function maskUser(name: string): string {
  const [local = '', ...domain] = name.split('@');
  const masked = local.length < 5 ? local : `${local.slice(0, 2)}${'*'.repeat(local.length - 4)}${local.slice(-2)}`;
  return [masked, ...domain].join('@');
}
