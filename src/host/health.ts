import type { Condition, Health } from '#core';
import { Emitter, type Events, type Log } from '#foundation';

/** Where the parts say how they are. Each change is one line in the log. */
export class HealthBoard implements Health {
  readonly #log: Log;
  readonly #conditions = new Map<string, Condition>();
  readonly #emitter: Emitter<{ changed: Condition }>;

  constructor(log: Log) {
    this.#log = log;
    this.#emitter = new Emitter((error) => log.error('A listener failed', { error }));
  }

  get conditions(): readonly Condition[] {
    return [...this.#conditions.values()];
  }

  get events(): Events<{ changed: Condition }> {
    return this.#emitter.events;
  }

  report(condition: Condition): void {
    const before = this.#conditions.get(condition.part);
    this.#conditions.set(condition.part, condition);
    if (before && JSON.stringify(before) === JSON.stringify(condition)) return;
    if (condition.code !== (before?.code ?? null)) {
      if (condition.code === null) this.#log.info(condition.message, { part: condition.part });
      else this.#log.warn(condition.message, { part: condition.part, code: condition.code });
    }
    this.#emitter.emit('changed', condition);
  }
}
