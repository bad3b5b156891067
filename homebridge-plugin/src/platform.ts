import type { API, DynamicPlatformPlugin, Logging, PlatformAccessory, PlatformConfig } from 'homebridge';
import { join } from 'node:path';
import { Daemon } from './daemon.ts';
import { type Finder, type FoundDaemon } from './finder.ts';
import { silence } from './fitting.ts';
import type { Clock } from './foundation.ts';
import { pluginName } from './identity.ts';
import { Household } from './household.ts';
import { Memory } from './memory.ts';
import { readSettings, type Settings } from './settings.ts';
import type { Dial } from './socket.ts';

/** The world outside Homebridge; tests bring their own. */
export interface World {
  readonly clock: Clock;
  readonly dial: Dial;
  openFinder(changed: (daemon: FoundDaemon) => void): Finder;
}

/** What Homebridge makes one of for the platform block in its configuration. */
export class TonearmPlatform implements DynamicPlatformPlugin {
  readonly #log: Logging;
  readonly #api: API;
  readonly #world: World;
  /** Accessories Homebridge remembers, by UUID, until somebody claims or forgets them. */
  readonly #remembered = new Map<string, PlatformAccessory>();
  readonly #daemons: Daemon[] = [];
  readonly #ends: Disposable[] = [];
  #isShut = false;

  constructor(log: Logging, config: PlatformConfig, api: API, world: World) {
    this.#log = log;
    this.#api = api;
    this.#world = world;
    const read = readSettings(config);
    if (read.kind !== 'empty') for (const complaint of read.complaints) log.warn(complaint);
    if (read.kind !== 'ready') {
      log.info('Not configured yet: open the settings of this plugin, let it find your Tonearm and enter a key. Until then it does nothing.');
      return;
    }
    api.on('didFinishLaunching', () => {
      this.#launch(read.settings).catch((error: unknown) => log.error(`The plugin could not start: ${String(error)}`));
    });
    api.on('shutdown', () => this.#shut());
  }

  /** Called for each remembered accessory before `didFinishLaunching`. */
  configureAccessory(accessory: PlatformAccessory): void {
    this.#remembered.set(accessory.UUID, accessory);
    silence(this.#api.hap, accessory);
  }

  async #launch(settings: Settings): Promise<void> {
    const memory = await Memory.open(join(this.#api.user.storagePath(), `${pluginName}.json`), (sentence) => this.#log.warn(sentence));
    if (this.#isShut) return;
    const finder = settings.servers.some(({ instance }) => instance !== null) ? this.#openFinder() : null;
    const household = new Household({ api: this.#api, log: this.#log, clock: this.#world.clock, settings, memory, remembered: this.#remembered });
    this.#ends.push(household);
    for (const server of settings.servers) {
      const daemon: Daemon = new Daemon({
        settings: server,
        clock: this.#world.clock,
        dial: this.#world.dial,
        log: this.#log,
        whereabouts: (instance) => finder?.found.get(instance)?.urls ?? [],
        pictured: (after, before) => {
          try {
            household.pictured(daemon, after, before);
          } catch (error) {
            // It came over a socket: thrown on, it would end Homebridge.
            this.#log.error(`${daemon.title} could not be shown in Home: ${String(error)}`);
          }
        },
      });
      household.expect(daemon);
      this.#ends.push(daemon);
      this.#daemons.push(daemon);
      daemon.connect();
    }
  }

  #openFinder(): Finder | null {
    try {
      const finder = this.#world.openFinder(({ instance }) => this.#daemons.find(({ settings }) => settings.instance === instance)?.connect());
      this.#ends.push(finder);
      return finder;
    } catch (error) {
      this.#log.warn(`Looking for Tonearm by mDNS is not possible here (${String(error)}). Servers with an address work all the same.`);
      return null;
    }
  }

  #shut(): void {
    this.#isShut = true;
    for (const end of this.#ends.splice(0).reverse()) end[Symbol.dispose]();
  }
}
