import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Preset, Presets, Store } from '#core';
import { hex, Scope, sleep, TonearmError } from '#foundation';
import type { SurfaceContext } from '../surface.ts';
import { Artwork, largestCover } from './artwork.ts';
import { accountLabels, Bridge } from './bridge.ts';
import { carryMessages } from './carry.ts';
import type { BridgeFacts, ZoneFacts } from './device-payload.ts';
import { HomeAssistant } from './home-assistant.ts';
import { Inbox } from './inbox.ts';
import { Link } from './link.ts';
import { followLog } from './logging.ts';
import { Outlet } from './outlet.ts';
import { type MqttSettings, yearAndMonth } from './settings.ts';
import { reservedIds, Topics } from './topics.ts';
import { TreeWatch } from './tree-watch.ts';
import { ZoneMirror } from './zone-mirror.ts';

/** What a message has besides its payload, in bytes: topic, properties. */
const besides = 1024;
/** How long a clean goodbye may take. Milliseconds. */
const goodbye = 1000;

/** Opens the mirror. Rejects with `invalid` for certificate files that cannot be read and for ids that cannot be topics. */
export async function openMqtt(settings: MqttSettings, context: SurfaceContext): Promise<AsyncDisposable> {
  const { zones, host, url, accounts, presets, automations, control, carry, fetchCover, vitals, lines } = context;
  for (const { id, name } of zones) checkId(id, name);
  const { clock, version } = host;
  const log = host.log.child('mqtt');
  const tls = { ...(await readPem('ca', settings.ca)), ...(await readPem('cert', settings.cert)), ...(await readPem('key', settings.key)) };
  const instance = context.instance ?? (await ownInstance(host.store));
  const run = hex(randomBytes(4));
  const topics = new Topics(settings.prefix);
  const artwork = settings.artwork === 'bytes' && !fetchCover ? 'url' : settings.artwork;
  const scope = new Scope();

  const will = { topic: topics.of('bridgeState'), payload: JSON.stringify({ state: 'offline' }), retained: true, qos: settings.qos };
  const discoveryTopics = settings.discovery.enabled ? [{ topic: settings.discovery.statusTopic, qos: 0 as const }] : [];
  const link = scope.use(
    new Link({
      settings, tls, will, clock, log,
      clientId: settings.clientId ?? `tonearm_${instance}`,
      origin: `tonearm/${instance}`,
      subscriptions: [...topics.filters(), ...discoveryTopics],
    }),
  );
  const outlet = new Outlet(link, topics, { qos: settings.qos });
  const labels = (zone: string) => accountLabels(accounts?.picture.accounts ?? [], zone);
  const homeAssistant = scope.use(
    new HomeAssistant({
      zones: () => zones.map((zone): ZoneFacts => {
        const { choices, name } = zone.player.state.output;
        const known = labels(zone.id);
        return {
          id: zone.id,
          name: zone.name,
          area: zone.area,
          presets: presets ? presetsIn(presets, zone.id).map((preset) => preset.name) : null,
          outputs: [...new Set([...choices, ...(name === null ? [] : [name])])],
          accounts: known.length > 0 ? known : null,
          artwork,
        };
      }),
      bridge: (): BridgeFacts => ({
        control: control !== undefined,
        automations: automations?.picture.automations ?? null,
        tags: (automations?.tags ?? null) !== null,
        scenes: (presets?.list ?? []).filter((preset) => zones.filter(({ id }) => isOfferedIn(preset, id)).length > 1),
      }),
      context: { topics, instance, version, qos: settings.qos, url, level: settings.discovery.entities, minimum: yearAndMonth(settings.discovery.minimum) },
      settings: settings.discovery,
      link, clock, log,
      store: host.store,
      signal: scope.signal,
      onBirth: () => inBackground(showAll),
      onTakenIn: () => {
        bridge.showLists();
        for (const mirror of mirrors.values()) mirror.sayAgain();
      },
      onOnline: () => carrier?.born(),
      onZones: ({ added, removed }) => {
        for (const zone of added) bridge.say('zone_added', { zone });
        for (const zone of removed) bridge.say('zone_removed', { zone });
      },
    }),
  );
  // Before anything shows a state: Home Assistant must know what may be chosen before it hears what is chosen.
  for (const { player } of zones) {
    scope.use(player.events.on('changed', ({ state, previous }) => {
      if (state.output !== previous.output && JSON.stringify(state.output) !== JSON.stringify(previous.output)) void homeAssistant.refresh();
    }));
  }
  const mirrors = new Map(
    zones.map((zone) => {
      const pictures = artwork === 'bytes' && fetchCover ? new Artwork({ fetchCover, clock, log, limit: Math.min(largestCover, (settings.maxPacket ?? Infinity) - besides), show: (picture) => void outlet.send('zoneCover', { zone: zone.id }, picture) }) : undefined;
      const account = (id: string, name: string) => labels(id).find((one) => one.name === name)?.label ?? null;
      return [zone.id, scope.use(new ZoneMirror(zone, { outlet, clock, presets, account, artwork: pictures, queue: settings.queue }))];
    }),
  );
  const watch = scope.use(
    new TreeWatch({
      link, run, clock, log,
      topic: topics.of('bridgeInfo'),
      retain: settings.retain,
      onLost: () => inBackground(showAll),
      onRival: () => bridge.showRest(),
    }),
  );
  const bridge = scope.use(new Bridge({ zones, outlet, topics, link, settings, clock, version, instance, run, url, watch, accounts, presets, automations, control, lines, vitals, health: host.health }));
  const inbox = scope.use(
    new Inbox({ zones, topics, outlet, link, bridge, presets, clock, log, signal: scope.signal, onGet: (zone) => mirrors.get(zone)?.showState(), told: (zone) => mirrors.get(zone)?.told, hold: (zone) => mirrors.get(zone)?.hold() }),
  );
  const carrier = carry ? scope.use(carryMessages(carry, { link, topics, log, qos: settings.qos })) : null;
  if (lines && settings.logging !== 'off') scope.use(followLog(lines, { level: settings.logging, outlet, clock }));

  const inBackground = (work: () => Promise<void>) => {
    work().catch((error: unknown) => {
      if (!scope.signal.aborted) log.error('Not everything could be shown on MQTT.', { error });
    });
  };
  /** Everything there is to see, in the order Home Assistant wants it: that we are here, what there is, how it is. */
  async function showAll(): Promise<void> {
    bridge.showState();
    bridge.showRest();
    await homeAssistant.announce();
    bridge.showLists();
    for (const mirror of mirrors.values()) mirror.showAll();
  }
  /** Something else can be chosen now. */
  async function offerAnew(): Promise<void> {
    await homeAssistant.refresh();
    bridge.showLists(false);
    for (const mirror of mirrors.values()) mirror.refresh();
  }

  for (const changes of [presets?.events.on('changed', () => inBackground(offerAnew)), automations?.events.on('changed', () => void homeAssistant.refresh()), accounts?.events.on('changed', () => inBackground(offerAnew))]) {
    if (changes) scope.use(changes);
  }
  scope.use(
    link.events.on('up', () => {
      outlet.forget();
      inBackground(showAll);
    }),
  );
  scope.use(
    link.events.on('message', (message) => {
      if (!homeAssistant.receive(message)) inbox.receive(message);
    }),
  );
  // Last in, first out: the goodbye goes through while the line is still open.
  scope.defer(async () => {
    if (!link.isUp) return;
    const limit = new AbortController();
    const said = Promise.all([...[...mirrors.values()].map((mirror) => mirror.hide()), bridge.hide()]);
    await Promise.race([said, sleep(clock, goodbye, limit.signal).catch(() => undefined)]);
    limit.abort();
  });
  link.start();
  return scope;
}

function isOfferedIn({ zones }: Preset, zone: string): boolean {
  return zones?.includes(zone) !== false;
}

function presetsIn(presets: Presets, zone: string): readonly Preset[] {
  return presets.list.filter((preset) => isOfferedIn(preset, zone));
}

/** Ids become topics, and must not be able to become other topics than theirs. */
function checkId(id: string, name: string): void {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(id) && !reservedIds.has(id)) return;
  throw new TonearmError({
    kind: 'invalid',
    code: 'mqtt/zone-id',
    message: `The zone "${name}" would have the topic name "${id}", which cannot be used on MQTT. Give the zone another name.`,
  });
}

async function readPem(key: 'ca' | 'cert' | 'key', path: string | undefined): Promise<{ [K in typeof key]?: Buffer }> {
  if (path === undefined) return {};
  try {
    return { [key]: await readFile(path) };
  } catch (cause) {
    throw new TonearmError({ kind: 'invalid', code: 'mqtt/unreadable-file', message: `The file of "mqtt.${key}", ${path}, cannot be read. Check the path and its permissions.`, cause });
  }
}

/** Eight hex digits that stay with this installation. */
async function ownInstance(store: Store): Promise<string> {
  const known = await store.read('mqtt-instance');
  if (typeof known === 'string' && /^[0-9a-f]{8}$/.test(known)) return known;
  const made = hex(randomBytes(4));
  await store.write('mqtt-instance', made);
  return made;
}
