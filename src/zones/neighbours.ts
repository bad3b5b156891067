import type { Millis, Origin, PlayerState } from '#core';
import { TonearmError } from '#foundation';

/** What plays in a zone, on its way to another. */
export interface Move {
  /** Name of the source that plays it. */
  readonly source: string;
  /** Everything, for a source of that name. */
  readonly playback: object | null;
  /** What everybody can see of it, and where it is right now. */
  readonly state: PlayerState;
  readonly at: Millis;
}

/** A zone as the others see it. */
export interface Neighbour {
  readonly id: string;
  readonly name: string;
  /** Goes on with it. Resolves when that was accepted. */
  receive(move: Move, by: Origin, signal: AbortSignal): Promise<void>;
}

/** The zones of one house: what plays in one can go on in another. */
export class Neighbours {
  readonly #zones = new Map<string, Neighbour>();
  readonly #listeners = new Set<() => void>();

  get count(): number {
    return this.#zones.size;
  }

  /** Until disposed. `changed`: somebody has come or gone. */
  join(zone: Neighbour, changed: () => void): Disposable {
    this.#zones.set(zone.id, zone);
    this.#tell();
    this.#listeners.add(changed);
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(changed);
        this.#zones.delete(zone.id);
        this.#tell();
      },
    };
  }

  /** By id, or by name without regard to case. */
  find(idOrName: string): Neighbour {
    const wanted = idOrName.trim().toLowerCase();
    const zones = [...this.#zones.values()];
    const found = this.#zones.get(idOrName) ?? zones.find(({ name }) => name.toLowerCase() === wanted);
    if (found) return found;
    throw new TonearmError({
      kind: 'not-found',
      code: 'zones/no-such-zone',
      message: `There is no zone “${idOrName}”. There ${zones.length === 1 ? 'is' : 'are'} ${zones.map(({ id }) => `“${id}”`).join(', ')}.`,
    });
  }

  #tell(): void {
    for (const changed of this.#listeners) changed();
  }
}
