import type { ServiceName } from './journal.ts';

/** One question on its way: from its arrival until its answer has left. */
export interface Trip {
  end(): void;
}

export interface CounterView {
  /** Questions (requests, packets that want an answer) by service since the last `mark`. */
  readonly requests: Readonly<Partial<Record<ServiceName, number>>>;
  /** The same by name of the question. */
  readonly byName: Readonly<Record<string, number>>;
  /** New connections by service. */
  readonly connections: Readonly<Partial<Record<ServiceName, number>>>;
  /**
   * Longest chain of round trips in which each began after another had been answered, connection set-up included.
   * Exact when a latency of some milliseconds is set; without one, parallel questions may look sequential.
   */
  readonly sequential: number;
  /** The links of that chain, first to last. */
  readonly chain: readonly string[];
}

interface Link {
  readonly depth: number;
  readonly name: string;
  readonly cause: Link | null;
}

/** Counts what clients (not simulated phones) ask, and how deep their questions wait for one another. */
export class Counters {
  #requests = new Map<ServiceName, number>();
  #byName = new Map<string, number>();
  #connections = new Map<ServiceName, number>();
  #answered: Link | null = null;
  #deepest: Link | null = null;
  #generation = 0;

  /** Starts all figures anew; questions under way are forgotten. */
  mark(): void {
    this.#requests = new Map();
    this.#byName = new Map();
    this.#connections = new Map();
    this.#answered = null;
    this.#deepest = null;
    this.#generation += 1;
  }

  connected(service: ServiceName): void {
    this.#connections.set(service, (this.#connections.get(service) ?? 0) + 1);
  }

  /** Something that nobody waits for: a push, a ping. Counted, and no link of a chain. */
  note(service: ServiceName, name: string): void {
    this.#requests.set(service, (this.#requests.get(service) ?? 0) + 1);
    this.#byName.set(name, (this.#byName.get(name) ?? 0) + 1);
  }

  /** A question arrived. `setUp` is how many round trips its new connection took before it. */
  begin(service: ServiceName, name: string, setUp = 0): Trip {
    this.note(service, name);
    const generation = this.#generation;
    const cause = this.#answered;
    const link: Link = { depth: (cause?.depth ?? 0) + 1 + setUp, name: setUp > 0 ? `${name} (+${setUp} to connect)` : name, cause };
    return {
      end: () => {
        if (generation !== this.#generation) return;
        if (link.depth > (this.#answered?.depth ?? 0)) this.#answered = link;
        if (link.depth > (this.#deepest?.depth ?? 0)) this.#deepest = link;
      },
    };
  }

  get view(): CounterView {
    const chain: string[] = [];
    for (let link = this.#deepest; link; link = link.cause) chain.unshift(link.name);
    return {
      requests: Object.fromEntries(this.#requests),
      byName: Object.fromEntries(this.#byName),
      connections: Object.fromEntries(this.#connections),
      sequential: this.#deepest?.depth ?? 0,
      chain,
    };
  }
}
