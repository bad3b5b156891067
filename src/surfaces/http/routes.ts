import { TonearmError } from '#foundation';
import { base } from './paths.ts';
import { requests, type RequestName, type RequestRow } from './wire/requests.ts';

/** A request as both ways in name it. */
export interface Asked {
  /** Of the table, or `account/…`. */
  readonly name: string;
  /** What the path says. */
  readonly fields: Readonly<Record<string, string>>;
  /** The field the body is, when it does not hold the fields themselves. */
  readonly body: string | null;
}

interface Route {
  readonly name: string;
  readonly method: string;
  readonly path: readonly string[];
  readonly body: string | null;
}

const routes: readonly Route[] = [
  ...(Object.entries(requests) as [RequestName, RequestRow][]).map(([name, { route, body = null }]) => {
    const [method = '', path = ''] = route.split(' ');
    return { name, method, path: path.slice(1).split('/'), body };
  }),
  { name: 'account/list', method: 'GET', path: ['accounts'], body: null },
  { name: 'account/{request}', method: 'POST', path: ['accounts', '{request}'], body: null },
];

/** Finds what is asked for. Throws `http/not-found`, or `http/method` with a sentence that says what would work there. */
export function findRoute(method: string, pathname: string): Asked {
  const parts = pathname.startsWith(`${base}/`) ? pathname.slice(base.length + 1).split('/') : [];
  const wanted = method === 'HEAD' ? 'GET' : method;
  const others: string[] = [];
  for (const route of routes) {
    const fields = fit(route.path, parts);
    if (!fields) continue;
    if (route.method !== wanted) {
      others.push(route.method);
      continue;
    }
    const { request, ...rest } = fields;
    return { name: request === undefined ? route.name : route.name.replace('{request}', request), fields: rest, body: route.body };
  }
  if (others.length > 0) throw new TonearmError({ kind: 'invalid', code: 'http/method', message: `This address takes ${others.join(', ')}, not ${method.slice(0, 20)}.` });
  throw new TonearmError({ kind: 'not-found', code: 'http/not-found', message: 'There is nothing at this address. docs/api.md lists what there is.' });
}

/** The fields in the path, or null when it is another one. */
function fit(path: readonly string[], parts: readonly string[]): Record<string, string> | null {
  if (path.length !== parts.length) return null;
  const fields: Record<string, string> = {};
  for (const [index, word] of path.entries()) {
    const part = decoded(parts[index] ?? '');
    if (part === null) return null;
    if (word.startsWith('{')) fields[word.slice(1, -1)] = part;
    else if (word !== part) return null;
  }
  return fields;
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
