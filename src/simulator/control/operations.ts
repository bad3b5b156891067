import { z } from 'zod';
import type { Cloud } from '../cloud-contract.ts';
import type { EndpointFault } from '../faults.ts';
import { faultNotes, type FaultName } from '../fault-names.ts';
import type { ServiceName } from '../journal.ts';
import { checked, type Operation } from './operation.ts';
import { phoneOperations } from './phone-operations.ts';
import { stageOperations } from './stage-operations.ts';

const Scope = {
  count: z.number().int().min(1).optional(),
  skip: z.number().int().min(0).optional(),
  device: z.string().optional(),
  file: z.string().optional(),
  host: z.string().optional(),
};
const NamedFault = z.looseObject({ name: z.enum(Object.keys(faultNotes) as [FaultName, ...FaultName[]]), ...Scope });
const RouteFault = z.discriminatedUnion('kind', [
  z.strictObject({ endpoint: z.string(), kind: z.literal('fail'), status: z.number().int(), headers: z.record(z.string(), z.string()).optional(), body: z.string().optional(), ...Scope }),
  z.strictObject({ endpoint: z.string(), kind: z.literal('hang'), after: z.number().optional(), ...Scope }),
  z.strictObject({ endpoint: z.string(), kind: z.literal('drop'), when: z.enum(['before', 'after']), ...Scope }),
  z.strictObject({ endpoint: z.string(), kind: z.enum(['cut', 'garbage']), ...Scope }),
  z.strictObject({ endpoint: z.string(), kind: z.literal('truncate'), bytes: z.number().int().min(0), ...Scope }),
]);
const LatencyBody = z.strictObject({ accessPoint: z.number().min(0), http: z.number().min(0), cdn: z.number().min(0), dealer: z.number().min(0) }).partial();
const UserBody = z.strictObject({ name: z.string().min(1), product: z.string().optional(), country: z.string().length(2).optional(), attributes: z.record(z.string(), z.string()).optional() });
const PushBody = z.strictObject({
  device: z.string(),
  kind: z.enum(['logout', 'volume', 'raw', 'close']),
  volume: z.number().int().default(0),
  text: z.string().default('{}'),
  code: z.number().int().default(1001),
});
const CutBody = z.strictObject({ duration: z.number().min(0).default(0), which: z.array(z.enum(['access-point', 'dealer', 'web'])).optional() });

/** Everything the control API offers. */
export function operationsOf(cloud: Cloud): readonly Operation[] {
  const operations: Operation[] = [
    { method: 'GET', path: '/', about: 'this list', run: () => operations.map(({ method, path, about }) => ({ method, path, about })) },
    { method: 'GET', path: '/status', about: 'ports, files, devices, who plays', run: () => statusOf(cloud) },
    ...phoneOperations(cloud),
    ...faultOperations(cloud),
    ...observationOperations(cloud),
    ...accountOperations(cloud),
    ...stageOperations(cloud),
    {
      method: 'POST',
      path: '/push',
      about: '{device, kind: logout|volume|raw|close, volume?, text?, code?} tells a device something else than a command',
      run: ({ body }) => ({ isConnected: push(cloud, checked(PushBody, body)) }),
    },
  ];
  return operations;
}

function push({ pushes }: Cloud, { device, kind, volume, text, code }: z.infer<typeof PushBody>): boolean {
  if (kind === 'logout') return pushes.logout(device);
  if (kind === 'volume') return pushes.volume(device, volume);
  return kind === 'raw' ? pushes.raw(device, text) : pushes.close(device, code);
}

function statusOf(cloud: Cloud) {
  const { certificates, ...endpoints } = cloud.endpoints;
  return {
    ports: cloud.ports,
    files: cloud.files,
    endpoints: { ...endpoints, hasCertificates: certificates !== undefined },
    everything: cloud.contexts.everything,
    phones: cloud.phones.map(({ name, user }) => ({ name, user })),
    accessPoint: cloud.accessPoint.sessions.map(({ device, account }) => ({ device, user: account?.name ?? null })),
    users: cloud.accounts.all.map((account) => {
      const cluster = cloud.connectState.of(account);
      return {
        name: account.name,
        active: cluster.active,
        devices: [...cluster.devices].map(([id, { info }]) => ({ id, name: info.name, volume: info.volume, isConnected: cloud.dealer.ofDevice(id) !== null })),
      };
    }),
  };
}

function faultOperations({ faults, network, router, ...cloud }: Cloud): Operation[] {
  return [
    { method: 'GET', path: '/faults', about: 'names of all faults, of all endpoints, and what is switched on', run: () => ({ names: faults.names, endpoints: router.names, active: faults.active }) },
    {
      method: 'POST',
      path: '/faults',
      about: '{name, count?, skip?, device?, file?, host?, …} switches a named fault on',
      run({ body }) {
        const { name, ...options } = checked(NamedFault, body);
        // The names are checked above; what each of them takes is said in its note.
        (faults.set as (name: FaultName, options: object) => Disposable)(name, options);
        return { active: faults.active };
      },
    },
    {
      method: 'POST',
      path: '/faults/endpoint',
      about: '{endpoint, kind: fail|hang|drop|truncate|cut|garbage, …} makes an endpoint fail',
      run({ body }) {
        const { endpoint, ...fault } = checked(RouteFault, body);
        faults.endpoint(endpoint, fault as EndpointFault);
        return { active: faults.active };
      },
    },
    { method: 'DELETE', path: '/faults', about: 'ends all faults', run: () => (faults.clear(), { active: faults.active }) },
    { method: 'GET', path: '/latency', about: 'round-trip times in ms', run: () => network.latency },
    { method: 'PUT', path: '/latency', about: '{accessPoint?, http?, cdn?, dealer?} sets round-trip times in ms', run: ({ body }) => Object.assign(network.latency, checked(LatencyBody, body)) },
    {
      method: 'POST',
      path: '/cut',
      about: '{duration, which?} cuts connections and lets nobody in for so many ms',
      run({ body }) {
        const { duration, which } = checked(CutBody, body);
        cloud.cut(duration, which);
        return { cut: duration };
      },
    },
  ];
}

function observationOperations({ journal, counters, catalogue, contexts }: Cloud): Operation[] {
  return [
    {
      method: 'GET',
      path: '/journal',
      about: 'what was received; ?service= ?after=SEQUENCE ?what=TEXT ?limit=N',
      run({ query }) {
        const service = query.get('service') as ServiceName | null;
        const after = Number(query.get('after') ?? 0);
        const what = query.get('what') ?? '';
        const entries = journal.entries.filter((entry) => (service === null || entry.service === service) && entry.sequence > after && entry.what.includes(what));
        return entries.slice(-Number(query.get('limit') ?? 200));
      },
    },
    { method: 'DELETE', path: '/journal', about: 'forgets journal and refusals', run: () => (journal.clear(), {}) },
    { method: 'GET', path: '/refusals', about: 'breaches of the protocol, with the clause', run: () => journal.refusals },
    { method: 'GET', path: '/counters', about: 'requests by service, longest chain of round trips since the last mark', run: () => counters.view },
    { method: 'POST', path: '/counters/mark', about: 'starts the counters anew', run: () => (counters.mark(), {}) },
    {
      method: 'GET',
      path: '/catalogue',
      about: 'everything there is to play',
      run: () => ({
        everything: contexts.everything,
        albums: catalogue.albums.map(({ uri, name }) => ({ uri, name })),
        artists: catalogue.artists.map(({ uri, name }) => ({ uri, name })),
        items: catalogue.items.map(({ uri, title, artists, album, duration, files, isListed }) => ({
          uri,
          title,
          artists: artists.map(({ name }) => name),
          album: album.name,
          duration,
          isListed,
          files: files.map(({ hex, format, bitrate }) => ({ id: hex, format, bitrate })),
        })),
      }),
    },
  ];
}

function accountOperations({ accounts, accessPoint, authorizations }: Cloud): Operation[] {
  return [
    {
      method: 'GET',
      path: '/accounts',
      about: 'users and their logins',
      run: () => accounts.all.map(({ name, country, attributes, logins }) => ({ name, country, product: attributes.get('type'), logins })),
    },
    { method: 'POST', path: '/accounts', about: '{name, product?, country?, attributes?} adds a user', run: ({ body }) => ({ name: accounts.add(checked(UserBody, body) as Parameters<typeof accounts.add>[0]).name }) },
    {
      method: 'PUT',
      path: '/accounts/{name}/attributes',
      about: '{key: value …} changes product attributes and tells the devices',
      run({ parameters, body }) {
        const account = accounts.get(parameters['name'] ?? '');
        for (const [key, value] of Object.entries(checked(z.record(z.string(), z.string()), body))) account.attributes.set(key, value);
        for (const session of accessPoint.sessions) if (session.account === account) session.pushAccount();
        return Object.fromEntries(account.attributes);
      },
    },
    { method: 'POST', path: '/tokens/expire', about: 'ends all access tokens now', run: () => (accounts.expireAccessTokens(), {}) },
    { method: 'POST', path: '/accounts/{name}/revoke', about: 'withdraws all stored credentials of a user', run: ({ parameters }) => (accounts.revoke(accounts.get(parameters['name'] ?? '')), {}) },
    { method: 'GET', path: '/authorizations', about: 'user codes that wait for an answer', run: () => authorizations.waiting },
    {
      method: 'POST',
      path: '/authorizations/{code}',
      about: '{user} approves a user code, {} denies it',
      run({ parameters, body }) {
        const { user } = checked(z.strictObject({ user: z.string().optional() }), body);
        const code = parameters['code'] ?? '';
        return { known: user === undefined ? authorizations.deny(code) : authorizations.approve(code, user) };
      },
    },
  ];
}
