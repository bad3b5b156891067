import { openDeck } from '#audio';
import type { AutomationsContext, AutomationsSettings, OpenAutomations } from '#automations';
import { slugOf, type Config, type ZoneConfig } from '#config';
import type { Control, ZoneView } from '#core';
import { Scope } from '#foundation';
import { deviceIdentity, openLauncher, type OpenHost } from '#host';
import { openAccounts, openReceiver, openSounds, type OpenAccounts, type Receiver } from '#sources';
import { productionEndpoints, type CloudEndpoints } from '#spotify';
import { openApiKeys, openEach, openHomeMessages, openWebFetch, surfaces } from '#surfaces';
import { Neighbours, openPresets, openZone, type OpenZone, type ZoneParts } from '#zones';

/** The whole daemon, running. */
export interface Tonearm extends AsyncDisposable {
  readonly zones: readonly ZoneView[];
  /** Address of the MQTT broker that is used; null when there is none. */
  readonly mqtt: string | null;
  /** Where phones pair, by zone id. */
  readonly ports: ReadonlyMap<string, number>;
  /** Where the sound goes, by zone id. */
  readonly outputs: ReadonlyMap<string, string>;
  /** Lines for people: what is reachable where, and what to do next. */
  report(): readonly string[];
  /** Stores at once what would be stored soon. Never rejects. */
  keep(): Promise<void>;
}

/** The order of construction, and nothing else. Rejects only for what the owner must mend. */
export async function openTonearm(config: Config, host: OpenHost, control?: Control): Promise<Tonearm> {
  const scope = new Scope();
  try {
    const accounts = scope.use(await openAccounts({ settings: config.accounts, zones: config.zones, endpoints: config.cloud ?? productionEndpoints, network: config.network, host }));
    const presets = await openPresets({ settings: config.presets, host, slug: (name) => slugOf(name, 'preset') });
    const house = { neighbours: new Neighbours(), presets };
    // Zones first: a phone looks for them. The broker is not in their way.
    const speakers = scope.use(new Scope({ isSideBySide: true }));
    const opening = config.zones.map((zone) => openOne(zone, house, accounts, config, host, speakers));
    const broking = openOwnBroker(config, host, scope);
    // Where one fails the others are waited for: what comes after the tearing down would hold ports of the next start.
    await Promise.allSettled([...opening, broking]);
    const [opened, broker] = await Promise.all([Promise.all(opening), broking]);
    const zones = opened.map(({ view }) => view);
    // Before the surfaces, which show them; what they say to the home goes out through a surface.
    const home = openHomeMessages((error) => host.log.error('A listener to MQTT messages failed', { error }));
    const { fetch, request } = scope.use(openWebFetch({ clock: host.clock, proxy: config.network.proxy, certificates: config.cloud?.certificates }));
    // Before the rules, so that these end first: none of them goes on because its program was ended.
    const { launch } = scope.use(openLauncher(host.clock));
    const automations = config.automations ? await openOwnAutomations(config.automations, { zones, presets, messages: home.messages, host, fetch, request, launch }, scope) : undefined;
    // Our own broker speaks no other version: asking for MQTT 5 first would cost a connection.
    const mqtt = config.mqtt ?? (broker ? { url: broker, version: '3.1.1', username: config.broker.username, password: config.broker.password } : undefined);
    const apiKeys = await openApiKeys({ host, configured: config.http.keys });
    await openEach(surfaces, { mqtt, local: { folder: config.data }, login: config.login, http: config.http }, { zones, host, instance: host.instance, accounts, presets, automations, carry: home.carry, control, apiKeys, announce: (announcement) => host.announce(announcement), fetchCover: fetch, vitals: () => host.vitals(), lines: host.log.lines, rotateKey: () => host.rotateKey() }, scope);
    return {
      zones,
      mqtt: mqtt?.url ?? null,
      ports: new Map(opened.map(({ view, receiver }) => [view.id, receiver.port])),
      outputs: new Map(opened.map(({ view, output }) => [view.id, output])),
      report: () => [
        ...opened.map(({ view, receiver, output }) => `“${view.name}” plays ${output === 'null' ? 'in silence, without a sound device,' : `to ${output}`} and can be picked in the Spotify app (pairing port ${receiver.port}).`),
        ...(mqtt ? [`MQTT: ${mqtt.url}${broker ? ` (built-in broker, MQTT 3.1.1${config.broker.username === undefined ? ', this machine only' : ''})` : ''}; everything is below “${config.mqtt?.prefix ?? 'tonearm'}/”.`] : ['MQTT is off: no broker is configured and the built-in one is disabled.']),
        `Next: open Spotify on a phone in the same network, play something, and choose ${zones.map(({ name }) => `“${name}”`).join(' or ')} from the devices.`,
      ],
      async keep() {
        await Promise.all(opened.map(({ keep }) => keep()));
      },
      [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
    };
  } catch (error) {
    await scope[Symbol.asyncDispose](); // a half-built house is torn down in reverse
    throw error;
  }
}

interface Opened extends Pick<OpenZone, 'keep'> {
  readonly view: ZoneView;
  readonly receiver: Receiver;
  readonly output: string;
}

async function openOne(settings: ZoneConfig, house: Required<Pick<ZoneParts, 'neighbours' | 'presets'>>, accounts: OpenAccounts, config: Config, host: OpenHost, scope: Scope): Promise<Opened> {
  const endpoints: CloudEndpoints = config.cloud ?? productionEndpoints;
  const deviceId = await deviceIdentity(host.store, settings.id);
  const deck = openDeck({ host, output: settings.output, ...(endpoints.certificates !== undefined && { certificates: endpoints.certificates }), proxy: config.network.proxy });
  let receiver: Receiver | undefined;
  const zone = scope.use(
    await openZone(
      { id: settings.id, name: settings.name, initialVolume: settings.volume.initial / 100, curve: settings.volume.curve },
      {
        ...house,
        host,
        deck,
        sources: [
          async (port) =>
            (receiver = await openReceiver(
              {
                deviceId,
                endpoints,
                network: config.network,
                accounts,
                bitrate: settings.bitrate,
                normalisation: settings.normalisation,
                autoplay: settings.autoplay,
                deviceType: settings.device,
                pairing: { port: settings.discovery.port, address: config.discovery.address },
              },
              { zone: port, host },
            )),
          (port) => Promise.resolve(openSounds(config.sounds, { zone: port, host })),
        ],
      },
    ),
  );
  if (!receiver) throw new Error('A zone was opened without its receiver.');
  // Phones can find the speaker while devices are still being tried.
  const { output, why } = await deck.chosen;
  host.log.info(`“${settings.name}” plays to ${output}. ${why}`);
  return { view: { id: zone.id, name: zone.name, area: settings.area, player: zone.player }, receiver, output, keep: () => zone.keep() };
}

/** Where rules, alarms or presence are set; without them none of it is loaded. */
async function openOwnAutomations(settings: AutomationsSettings, context: AutomationsContext, scope: Scope): Promise<OpenAutomations | undefined> {
  const { hasAutomations, openAutomations } = await import('#automations');
  return hasAutomations(settings) ? scope.use(await openAutomations(settings, context)) : undefined;
}

/** The built-in broker, when nobody configured another. */
async function openOwnBroker(config: Config, host: OpenHost, scope: Scope): Promise<string | null> {
  if (config.mqtt || !config.broker.enabled) return null;
  const { openBroker } = await import('#broker');
  const { port, address, username, password } = config.broker;
  const login = username !== undefined && password ? { username, password } : {};
  return scope.use(await openBroker({ port, host: address, ...login, log: host.log.child('broker') })).url;
}
