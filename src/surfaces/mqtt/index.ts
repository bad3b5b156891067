import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Store } from '#core';
import { hex, Scope, sleep, TonearmError } from '#foundation';
import { defineSurface, type SurfaceContext } from '../surface.ts';
import { Bridge } from './bridge.ts';
import { HomeAssistant } from './home-assistant.ts';
import { Inbox } from './inbox.ts';
import { Link } from './link.ts';
import { Outlet } from './outlet.ts';
import { MqttSettings } from './settings.ts';
import { reservedIds, Topics } from './topics.ts';
import { ZoneMirror } from './zone-mirror.ts';

/** How long a clean goodbye may take. Milliseconds. */
const goodbye = 1000;

/** Mirrors every zone to an MQTT broker, and does what is asked there. See docs/mqtt.md. */
export const mqtt = defineSurface({ name: 'mqtt', config: MqttSettings, open: openMqtt });

async function openMqtt(settings: MqttSettings, { zones, host, instance: given, url, accounts }: SurfaceContext): Promise<AsyncDisposable> {
  for (const { id, name } of zones) checkId(id, name);
  const { clock, version } = host;
  const log = host.log.child('mqtt');
  const tls = { ...(await readPem('ca', settings.ca)), ...(await readPem('cert', settings.cert)), ...(await readPem('key', settings.key)) };
  const instance = given ?? (await ownInstance(host.store));
  const topics = new Topics(settings.prefix);
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
  const mirrors = new Map(zones.map((zone) => [zone.id, scope.use(new ZoneMirror(zone, outlet, clock))]));
  const bridge = scope.use(new Bridge({ zones, outlet, topics, link, settings, clock, version, instance, url, accounts, health: host.health }));
  const homeAssistant = scope.use(
    new HomeAssistant({
      zones, link, clock, log,
      context: { topics, instance, version, qos: settings.qos, url },
      settings: settings.discovery,
      store: host.store,
      onBirth: () => void showAll(),
    }),
  );
  const inbox = scope.use(
    new Inbox({ zones, topics, outlet, link, bridge, clock, log, signal: scope.signal, onGet: (zone) => mirrors.get(zone)?.showState() }),
  );

  /** Everything there is to see, in the order Home Assistant wants it: that we are here, what there is, how it is. */
  async function showAll(): Promise<void> {
    bridge.showState();
    bridge.showRest();
    await homeAssistant.announce();
    for (const mirror of mirrors.values()) mirror.showAll();
  }

  scope.use(
    link.events.on('up', () => {
      outlet.forget();
      void showAll();
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
