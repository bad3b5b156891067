import { faultNotes, type FaultName, type FaultParameters } from './fault-names.ts';
import type { Journal, ServiceName } from './journal.ts';

/** How often and for whom a fault strikes. Members left out match everything. */
export interface FaultScope {
  /** Strikes this many times, then is over. Default: until cleared. */
  readonly count?: number;
  /** Lets this many occasions pass first. */
  readonly skip?: number;
  /** Only for this device id. */
  readonly device?: string;
  /** Only for this file (40 hex digits). */
  readonly file?: string;
  /** Only for this host name of the CDN. */
  readonly host?: string;
}

/** Who or what an occasion is about; compared with the fault's scope. */
export type Occasion = Pick<FaultScope, 'device' | 'file' | 'host'>;

/** What a route does instead of answering. */
export type EndpointFault = FaultScope &
  (
    | { readonly kind: 'fail'; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Uint8Array }
    /** Answers late; without `after` never. */
    | { readonly kind: 'hang'; readonly after?: number }
    /** Cuts the connection before the request is handled, or after it was and before it is answered. */
    | { readonly kind: 'drop'; readonly when: 'before' | 'after' }
    /** Promises the whole body and sends only this many bytes of it. */
    | { readonly kind: 'truncate'; readonly bytes: number }
    /** Sends half of the body, then resets. */
    | { readonly kind: 'cut' }
    /** Answers 200 with a web page, as a hotel's network does before one has logged in. */
    | { readonly kind: 'garbage' }
  );

interface Armed {
  readonly scope: FaultScope;
  left: number;
  skip: number;
}

type ArmedFault = Armed & { readonly parameters: unknown };
type ArmedEndpoint = Armed & { readonly fault: EndpointFault };

/** What goes wrong on purpose: named switches, and failures of any web endpoint by its route name. */
export class Faults {
  readonly #journal: Journal;
  readonly #named = new Map<FaultName, ArmedFault[]>();
  readonly #endpoints = new Map<string, ArmedEndpoint[]>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Names with what they do. */
  get names(): Readonly<Record<FaultName, string>> {
    return faultNotes;
  }

  /** Switches a fault on. Dispose the handle or call `clear` to end it early. */
  set<K extends FaultName>(name: K, ...[options]: FaultArguments<K>): Disposable {
    const scope: FaultScope = options ?? {};
    const entry: ArmedFault = { scope, left: scope.count ?? Infinity, skip: scope.skip ?? 0, parameters: options ?? {} };
    const list = (this.#named.get(name) ?? []).filter(({ left }) => left > 0);
    list.push(entry);
    this.#named.set(name, list);
    return { [Symbol.dispose]: () => void (entry.left = 0) };
  }

  /** Makes a route fail: `endpoint` is its name (`connect-state/put`) or the part before the slash for all of a service. */
  endpoint(endpoint: string, fault: EndpointFault): Disposable {
    const entry: ArmedEndpoint = { scope: fault, left: fault.count ?? Infinity, skip: fault.skip ?? 0, fault };
    const list = (this.#endpoints.get(endpoint) ?? []).filter(({ left }) => left > 0);
    list.push(entry);
    this.#endpoints.set(endpoint, list);
    return { [Symbol.dispose]: () => void (entry.left = 0) };
  }

  /** Answers with this status. */
  fail(endpoint: string, status: number, options: Omit<Extract<EndpointFault, { kind: 'fail' }>, 'kind' | 'status'> = {}): Disposable {
    return this.endpoint(endpoint, { kind: 'fail', status, ...options });
  }

  /** Answers after `after` ms, or never. */
  hang(endpoint: string, after?: number, scope: FaultScope = {}): Disposable {
    return this.endpoint(endpoint, after === undefined ? { kind: 'hang', ...scope } : { kind: 'hang', after, ...scope });
  }

  /** Cuts the connection. */
  drop(endpoint: string, when: 'before' | 'after', scope: FaultScope = {}): Disposable {
    return this.endpoint(endpoint, { kind: 'drop', when, ...scope });
  }

  /** Ends one fault, or all. */
  clear(name?: string): void {
    if (name === undefined) {
      this.#named.clear();
      this.#endpoints.clear();
    } else {
      this.#named.delete(name as FaultName);
      this.#endpoints.delete(name);
    }
  }

  /** Every fault that is still switched on. */
  get active(): readonly string[] {
    const on = (list: readonly Armed[]) => list.some(({ left }) => left > 0);
    return [...this.#named, ...this.#endpoints].filter(([, list]) => on(list)).map(([name]) => name);
  }

  /** Asks whether a fault strikes on this occasion, and uses it up once. */
  take<K extends FaultName>(name: K, occasion: Occasion = {}): FaultParameters[K] | null {
    const hit = strike(this.#named.get(name), occasion);
    if (hit) this.#journal.record(serviceOf(name), `fault ${name}`, { ...occasion });
    return hit ? (hit.parameters as FaultParameters[K]) : null;
  }

  /** What `take` would give, without using anything up. */
  peek<K extends FaultName>(name: K, occasion: Occasion = {}): FaultParameters[K] | null {
    const hit = this.#named.get(name)?.find((entry) => entry.left > 0 && entry.skip === 0 && matches(entry.scope, occasion));
    return hit ? (hit.parameters as FaultParameters[K]) : null;
  }

  /** The failure of a route on this occasion, used up once. */
  takeEndpoint(route: string, occasion: Occasion = {}): EndpointFault | null {
    const hit = strike(this.#endpoints.get(route), occasion) ?? strike(this.#endpoints.get(serviceOf(route)), occasion);
    if (hit) this.#journal.record(serviceOf(route), `fault ${hit.fault.kind} ${route}`, { ...occasion });
    return hit?.fault ?? null;
  }
}

type FaultArguments<K extends FaultName> = object extends FaultParameters[K]
  ? [options?: FaultParameters[K] & FaultScope]
  : [options: FaultParameters[K] & FaultScope];

function strike<T extends Armed>(list: readonly T[] | undefined, occasion: Occasion): T | null {
  for (const entry of list ?? []) {
    if (entry.left <= 0 || !matches(entry.scope, occasion)) continue;
    if (entry.skip > 0) {
      entry.skip -= 1;
      continue;
    }
    entry.left -= 1;
    return entry;
  }
  return null;
}

function matches(scope: FaultScope, occasion: Occasion): boolean {
  return (['device', 'file', 'host'] as const).every((key) => scope[key] === undefined || scope[key] === occasion[key]);
}

/** A fault or route is named `service/what`. */
function serviceOf(name: string): ServiceName {
  return (name.split('/')[0] ?? name) as ServiceName;
}
