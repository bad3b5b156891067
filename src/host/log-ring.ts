import type { LogLine, LogLines } from '#core';
import { Emitter } from '#foundation';

const kept = 500;

/** The last few hundred lines of the log, for whoever asks the daemon what it said. What comes in holds no secrets any more. */
export class LogRing implements LogLines {
  /** A listener that fails must not end the program; to say so would be the next line it fails at. */
  readonly #emitter = new Emitter<{ said: LogLine }>(() => undefined);
  readonly #lines: LogLine[] = [];
  /** Where the next line goes once all places are taken. */
  #next = 0;

  /** Oldest first. */
  get recent(): readonly LogLine[] {
    return [...this.#lines.slice(this.#next), ...this.#lines.slice(0, this.#next)];
  }

  get events(): LogLines['events'] {
    return this.#emitter.events;
  }

  add(line: LogLine): void {
    this.#lines[this.#next] = line;
    this.#next = (this.#next + 1) % kept;
    this.#emitter.emit('said', line);
  }
}
