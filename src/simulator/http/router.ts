import { TonearmError } from '#foundation';
import { mayServe } from './host-names.ts';
import type { Handler, Route } from './exchange.ts';

export interface Match {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

interface Entry {
  route: Route;
  readonly segments: readonly string[];
}

/** All routes of the cloud. Handlers can be replaced by name while it runs. */
export class Router {
  readonly #entries: Entry[] = [];
  readonly #originals = new Map<string, Route>();

  add(routes: readonly Route[]): void {
    for (const route of routes) {
      this.#entries.push({ route, segments: route.path.split('/') });
      this.#originals.set(route.name, route);
    }
  }

  get names(): readonly string[] {
    return this.#entries.map(({ route }) => route.name);
  }

  /** Puts another handler in a route's place until disposed. It receives the original to fall back on. */
  replace(name: string, make: (original: Handler) => Handler): Disposable {
    const entries = this.#entries.filter(({ route }) => route.name === name);
    const original = this.#originals.get(name);
    if (!original || entries.length === 0) {
      throw new TonearmError({ kind: 'not-found', code: 'simulator/no-such-route', message: `There is no route "${name}"; routes are ${this.names.join(', ')}.` });
    }
    const before = entries.map((entry) => entry.route);
    for (const entry of entries) entry.route = { ...entry.route, handle: make(entry.route.handle) };
    return {
      [Symbol.dispose]: () => {
        entries.forEach((entry, at) => {
          const route = before[at];
          if (route) entry.route = route;
        });
      },
    };
  }

  /** The route of a request; `'wrong-host'` and `'wrong-method'` tell why there is none. */
  match(method: string, path: string, host: string): Match | 'unknown' | 'wrong-host' | 'wrong-method' {
    let why: 'unknown' | 'wrong-host' | 'wrong-method' = 'unknown';
    const segments = path.split('/');
    for (const { route, segments: pattern } of this.#entries) {
      const parameters = fitPath(pattern, segments);
      if (!parameters) continue;
      if (!mayServe(host, route.service)) why = 'wrong-host';
      else if (route.method !== method) why = 'wrong-method';
      else return { route, parameters };
    }
    return why;
  }
}

/** The parameters of a path that fits a pattern, else null. */
export function fitPath(pattern: readonly string[], segments: readonly string[]): Record<string, string> | null {
  const parameters: Record<string, string> = {};
  for (const [at, part] of pattern.entries()) {
    const [, prefix = '', name, rest] = /^([^{]*)\{(.+?)(…)?\}$/.exec(part) ?? [];
    const segment = rest === undefined ? segments[at] : segments.slice(at).join('/');
    if (segment === undefined) return null;
    if (name === undefined) {
      if (segment !== part) return null;
      continue;
    }
    const value = segment.startsWith(prefix) ? decode(segment.slice(prefix.length)) : null;
    if (!value) return null;
    parameters[name] = value;
    if (rest !== undefined) return parameters;
  }
  return segments.length === pattern.length ? parameters : null;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
