import { Scope, silentLog, systemClock } from '#foundation';
import type { Cloud } from './cloud-contract.ts';
import { openAccessPoint } from './access-point/server.ts';
import { Accounts } from './accounts.ts';
import { Catalogue } from './catalogue/catalogue.ts';
import { Contexts } from './catalogue/contexts.ts';
import { Commands } from './connect-state/commands.ts';
import { controllerRoutes } from './connect-state/controller-routes.ts';
import { deviceRoutes } from './connect-state/device-routes.ts';
import { ConnectStateHub } from './connect-state/hub.ts';
import { Counters } from './counters.ts';
import { Dealer } from './dealer/dealer.ts';
import { Pushes } from './dealer/pushes.ts';
import { Faults } from './faults.ts';
import { makeDispatcher } from './http/dispatch.ts';
import { Router } from './http/router.ts';
import { openPlainPort, openSecurePort, type Listeners, type OpenPort } from './http/server.ts';
import { Journal } from './journal.ts';
import { openAuthority } from './certificates.ts';
import { serverKeyOf } from './keys.ts';
import { testKey } from './test-key.ts';
import { Network } from './latency.ts';
import { makeAddresses } from './addresses.ts';
import type { CloudOptions } from './options.ts';
import type { Parts, ServerTime } from './parts.ts';
import { Phone } from './phone/phone.ts';
import { Authorizations } from './services/accounts.ts';
import { cdnRoutes } from './services/cdn.ts';
import { clientTokenRoutes } from './services/client-token.ts';
import { contextRoutes } from './services/context.ts';
import { directoryRoutes } from './services/directory.ts';
import { login5Routes } from './services/login5.ts';
import { metadataRoutes } from './services/metadata.ts';
import { storageRoutes } from './services/storage.ts';
import { ResumePoints, webRoutes } from './services/web.ts';
import { Timers } from './timers.ts';
import { openStateFolder } from './state-folder.ts';

export async function openCloud(options: CloudOptions = {}): Promise<Cloud> {
  const scope = new Scope();
  try {
    return await build(options, scope);
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

async function build(options: CloudOptions, scope: Scope): Promise<Cloud> {
  const { clock = systemClock, log = silentLog, seed = 'tonearm', ports = {}, names = 'loopback', ipv6 = false } = options;
  const secure = options.secure ?? ports.tls !== undefined;
  const keys = options.state === undefined ? null : await openStateFolder(options.state);
  const server = keys?.server ?? serverKeyOf(testKey());
  const authority = keys?.authority ?? (secure ? await openAuthority({ key: testKey(), leafKey: testKey() }) : null);
  const entries = options.folder === undefined ? [] : await (await import('./catalogue/folder.ts')).readMusicFolder(options.folder);
  const more = options.entries === undefined ? [] : await (await import('./catalogue/entries-file.ts')).readEntriesFile(options.entries);

  const open: { plain: number; tls: number | null; accessPoint: readonly number[] } = { plain: 0, tls: null, accessPoint: [] };
  const addresses = makeAddresses(open, { secure, names });
  const time: ServerTime = { now: () => clock.now() + time.shift, shift: 0 };
  const journal = new Journal(clock);
  const catalogue = new Catalogue(seed, [...entries, ...more, ...(options.catalogue ?? [])]);
  const parts: Parts = {
    clock,
    timers: scope.use(new Timers(clock)),
    log,
    time,
    seed,
    journal,
    faults: new Faults(journal),
    counters: new Counters(),
    network: new Network(clock, options.latency),
    accounts: new Accounts(time, seed, () => addresses.images),
    catalogue,
    contexts: new Contexts(catalogue),
    addresses,
  };

  const dealer = new Dealer(parts, { noise: options.noise ?? true });
  const hub = new ConnectStateHub(parts, dealer, { pushDelay: options.pushDelay ?? 20, linger: options.linger ?? 30_000 });
  const commands = new Commands(parts, dealer, hub);
  const authorizations = new Authorizations(parts);
  const resumePoints = new ResumePoints();
  const router = new Router();
  router.add([
    ...directoryRoutes(parts),
    ...clientTokenRoutes(parts),
    ...login5Routes(parts),
    ...authorizations.routes(),
    ...cdnRoutes(parts),
    ...deviceRoutes(parts, hub, dealer, commands, { limited: options.rateLimit ?? true }),
    ...controllerRoutes(parts, hub, commands),
    ...metadataRoutes(parts),
    ...storageRoutes(parts),
    ...webRoutes(parts, resumePoints),
    // Last: it takes every path that nobody else wants.
    ...contextRoutes(parts),
  ]);

  const bound = ipv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
  const reach = { web: true };
  const dispatch = makeDispatcher(parts, router, reach);
  const listeners: Listeners = { request: dispatch, upgrade: (request, socket, head) => dealer.upgrade(request, socket, head) };
  const accessPoint = scope.use(
    await openAccessPoint(parts, { ports: ports.accessPoint ?? [0], addresses: bound, key: server, pingPeriod: options.pingPeriod ?? 120_000 }),
  );
  const plain: OpenPort = scope.use(await openPlainPort({ port: ports.plain ?? 0, addresses: bound }, listeners));
  const tls = secure && authority ? scope.use(await openSecurePort({ port: ports.tls ?? 0, addresses: bound }, listeners, authority.leaf)) : null;
  Object.assign(open, { plain: plain.port, tls: tls?.port ?? null, accessPoint: accessPoint.ports });
  for (const user of options.users ?? [{ name: 'listener' }]) parts.accounts.add(user);

  const phones = new Set<Phone>();
  let controlUrl: string | null = null;
  const base = tls ? `https://127.0.0.1:${tls.port}` : `http://127.0.0.1:${plain.port}`;
  const cloud: Cloud = {
    endpoints: {
      directory: base,
      clientToken: base,
      login5: base,
      accounts: base,
      serverKey: server.modulus.toString('hex'),
      ...(tls && authority ? { certificates: authority.pem } : { insecure: true as const }),
    },
    caPath: keys?.files.authority ?? null,
    files: keys?.files ?? null,
    ports: open,
    get controlUrl() {
      return controlUrl;
    },
    accounts: parts.accounts,
    authorizations,
    catalogue,
    contexts: parts.contexts,
    resumePoints,
    faults: parts.faults,
    network: parts.network,
    journal,
    get refusals() {
      return journal.refusals;
    },
    counters: parts.counters,
    time,
    router,
    dealer,
    pushes: new Pushes(dealer),
    connectState: hub,
    commands,
    accessPoint,
    get phones() {
      return [...phones];
    },
    async openPhone({ name = 'Phone', user = parts.accounts.all[0]?.name ?? 'listener' } = {}) {
      const account = parts.accounts.find(user) ?? parts.accounts.add({ name: user });
      const phone = await Phone.open({ name, account, parts, base: `http://127.0.0.1:${plain.port}`, outcomeOf: (ackId) => commands.outcome(ackId) });
      phones.add(phone);
      phone.events.on('closed', () => phones.delete(phone));
      return phone;
    },
    cut(duration, which = ['access-point', 'dealer', 'web']) {
      const isReachable = (reachable: boolean) => {
        if (which.includes('access-point')) accessPoint.reachable = reachable;
        if (which.includes('dealer')) dealer.reachable = reachable;
        if (which.includes('web')) reach.web = reachable;
      };
      isReachable(false);
      if (which.includes('access-point')) accessPoint.cut();
      if (which.includes('dealer')) dealer.cut();
      parts.timers.after(duration, () => isReachable(true));
    },
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
  scope.defer(async () => {
    for (const phone of phones) await phone[Symbol.asyncDispose]();
  });
  if (ports.control !== undefined) {
    const { openControl } = await import('./control/server.ts');
    controlUrl = scope.use(await openControl(cloud, ports.control)).url;
  }
  return cloud;
}
