import type { LoadId, Playable } from '#core';
import type { HttpWorld } from '../bytes/index.ts';
import { Load } from './load.ts';

/** Every load not given back, oldest first. */
export class LoadSet {
  readonly #alive = new Set<Load>();
  readonly #http: HttpWorld;
  readonly #onWanted: (id: LoadId) => void;

  constructor(http: HttpWorld, onWanted: (id: LoadId) => void) {
    this.#http = http;
    this.#onWanted = onWanted;
  }

  [Symbol.iterator](): Iterator<Load> {
    return [...this.#alive][Symbol.iterator]();
  }

  has(load: Load): boolean {
    return this.#alive.has(load);
  }

  make(id: LoadId, playable: Playable): Load {
    const load = new Load(id, playable, this.#http, () => this.#onWanted(id));
    this.#alive.add(load);
    return load;
  }

  /** Gives back what the load holds. Giving back twice is the same as once. */
  async discard(load: Load | null): Promise<void> {
    if (load && this.#alive.delete(load)) await load[Symbol.asyncDispose]();
  }

  async discardAllBut(...kept: readonly (Load | null)[]): Promise<void> {
    for (const load of this) if (!kept.includes(load)) await this.discard(load);
  }
}
