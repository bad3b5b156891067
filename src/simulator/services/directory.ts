import type { Route } from '../http/exchange.ts';
import type { Parts } from '../parts.ts';
import { Refused } from '../refused.ts';

const kinds = ['accesspoint', 'dealer', 'spclient'] as const;
/** Nothing listens there. */
const dead = '127.0.0.1:9';

/** Names the addresses of the other services (connect-session §2). */
export function directoryRoutes({ addresses, faults }: Parts): Route[] {
  return [
    {
      name: 'directory/resolve',
      service: 'directory',
      method: 'GET',
      path: '/',
      authorisation: 'none',
      clause: 'connect-session §2.1',
      handle({ query }) {
        const wanted = query.getAll('type');
        if (wanted.length === 0) throw new Refused(400, 'connect-session §2.1', 'no type was asked for: the bare form is gone');
        const unknown = wanted.find((type) => !(kinds as readonly string[]).includes(type));
        if (unknown !== undefined) throw new Refused(400, 'connect-session §2.1', `type "${unknown}" is not known`);
        if (faults.take('directory/bad-json')) return { status: 200, headers: { 'Content-Type': 'application/json' }, body: '{"accesspoint":[' };
        const empty = faults.take('directory/empty') !== null;
        const deadFirst = faults.take('directory/dead-first') !== null;
        const lists = { accesspoint: addresses.accessPoints, dealer: addresses.dealers, spclient: addresses.web };
        const list = (kind: (typeof kinds)[number]) => (empty ? [] : [...(deadFirst ? [dead] : []), ...lists[kind]]);
        return { status: 200, json: Object.fromEntries(kinds.filter((kind) => wanted.includes(kind)).map((kind) => [kind, list(kind)])) };
      },
    },
  ];
}
