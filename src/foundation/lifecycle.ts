/**
 * Owns things that live, and ends them in reverse order of arrival, one after the other; or side by side, when none needs another.
 * Every failure while closing is reported; none keeps the others from being closed. Closing twice is the same as closing once.
 */
export class Scope implements AsyncDisposable {
  readonly #ends: (() => unknown)[] = [];
  readonly #abort = new AbortController();
  readonly #isSideBySide: boolean;
  #closing: Promise<void> | undefined;

  constructor({ isSideBySide = false }: { readonly isSideBySide?: boolean } = {}) {
    this.#isSideBySide = isSideBySide;
  }

  /** Fires when the scope starts to close: hand it to everything that waits. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Takes ownership and gives the thing back. After closing has begun the thing is ended at once. */
  use<T extends AsyncDisposable | Disposable>(thing: T): T {
    this.defer(() => (Symbol.asyncDispose in thing ? thing[Symbol.asyncDispose]() : thing[Symbol.dispose]()));
    return thing;
  }

  /** Registers a plain function to run at the end. */
  defer(end: () => unknown): void {
    if (this.#closing) void Promise.resolve().then(end).catch(() => undefined);
    else this.#ends.push(end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#abort.abort(cancelled());
    const failures: unknown[] = [];
    const run = async (end: () => unknown) => {
      try {
        await end();
      } catch (error) {
        failures.push(error);
      }
    };
    if (this.#isSideBySide) await Promise.all(this.#ends.splice(0).map(run));
    for (let end = this.#ends.pop(); end; end = this.#ends.pop()) await run(end);
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, 'Several parts could not be closed cleanly.');
  }
}

function cancelled(): Error {
  return new DOMException('This part is closing.', 'AbortError');
}

/** Throws the signal's reason if it has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason;
}

/** A signal that fires when any of the given ones does; absent ones are skipped. */
export function anySignal(...signals: (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined));
}

/** Settles with `promise`, or rejects with the signal's reason, whichever is first. The promise itself goes on. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => undefined);
      reject(signal.reason as Error);
      return;
    }
    const aborted = () => reject(signal.reason as Error);
    signal.addEventListener('abort', aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}
