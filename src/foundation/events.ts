type Listener<T> = (event: T) => void;

/** The read side of an emitter: everybody may listen, nobody else may emit. */
export interface Events<Map extends object> {
  /** Calls `listener` for each event until the returned handle is disposed. */
  on<K extends keyof Map>(name: K, listener: Listener<Map[K]>): Disposable;
  /** Resolves with the next event that `test` accepts; rejects when the signal fires. */
  once<K extends keyof Map>(name: K, options?: { readonly signal?: AbortSignal; readonly test?: (event: Map[K]) => boolean }): Promise<Map[K]>;
}

/**
 * Owned by whoever announces; hand out `events` only.
 * A listener that throws is reported to `onError` and never stops the others.
 */
export class Emitter<Map extends object> implements Events<Map> {
  readonly #listeners = new globalThis.Map<keyof Map, Set<Listener<never>>>();
  readonly #onError: (error: unknown, name: PropertyKey) => void;

  constructor(onError: (error: unknown, name: PropertyKey) => void = rethrowLater) {
    this.#onError = onError;
  }

  get events(): Events<Map> {
    return this;
  }

  on<K extends keyof Map>(name: K, listener: Listener<Map[K]>): Disposable {
    let set = this.#listeners.get(name);
    if (!set) this.#listeners.set(name, (set = new Set()));
    // A wrapper, so that one function registered twice is two registrations.
    const entry: Listener<Map[K]> = (event) => listener(event);
    set.add(entry);
    return { [Symbol.dispose]: () => void set.delete(entry) };
  }

  once<K extends keyof Map>(name: K, { signal, test }: { readonly signal?: AbortSignal; readonly test?: (event: Map[K]) => boolean } = {}): Promise<Map[K]> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const end = () => {
        handle[Symbol.dispose]();
        signal?.removeEventListener('abort', aborted);
      };
      const aborted = () => {
        end();
        reject(signal?.reason as Error);
      };
      const handle = this.on(name, (event) => {
        if (test && !test(event)) return;
        end();
        resolve(event);
      });
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }

  emit<K extends keyof Map>(name: K, event: Map[K]): void {
    const set = this.#listeners.get(name);
    if (!set) return;
    for (const listener of [...set]) {
      try {
        (listener as Listener<Map[K]>)(event);
      } catch (error) {
        this.#onError(error, name);
      }
    }
  }

  /** How many listeners there are; for leak tests. */
  get size(): number {
    let total = 0;
    for (const set of this.#listeners.values()) total += set.size;
    return total;
  }
}

function rethrowLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
