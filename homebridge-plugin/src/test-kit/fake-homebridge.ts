import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import type { API, Characteristic, CharacteristicValue, Logging, PlatformAccessory, Service } from 'homebridge';
import type { CharacteristicName, ServiceName } from '../plan.ts';

const require = createRequire(import.meta.url);
const hap = createRequire(require.resolve('homebridge'))('hap-nodejs') as API['hap'];
const { PlatformAccessory: Accessory } = createRequire(require.resolve('homebridge'))('./platformAccessory.js') as { PlatformAccessory: typeof PlatformAccessory };

/** Homebridge without its servers: its own accessories and HomeKit's own characteristics, so that reads, writes and events are the real ones. */
export class FakeHomebridge extends EventEmitter {
  readonly hap = hap;
  readonly platformAccessory = Accessory;
  readonly user: { storagePath: () => string };
  readonly bridged = new Map<string, PlatformAccessory>();
  readonly external = new Map<string, PlatformAccessory>();
  readonly said: string[] = [];
  readonly updated: string[] = [];
  /** What subscribers were told: `Kitchen Television.Active=1`. */
  readonly told: string[] = [];

  constructor(storage: string) {
    super();
    this.user = { storagePath: () => storage };
  }

  get api(): API {
    return this as unknown as API;
  }

  readonly log = Object.assign((...words: string[]) => this.said.push(words.join(' ')), Object.fromEntries(['info', 'warn', 'error', 'success'].map((level) => [level, (...words: string[]) => this.said.push(`${level}: ${words.join(' ')}`)])), { debug: () => undefined }) as unknown as Logging;

  registerPlatformAccessories(_plugin: string, _platform: string, accessories: PlatformAccessory[]): void {
    if (this.bridged.size + accessories.length > 149) throw new Error('Cannot Bridge more than 149 Accessories');
    for (const accessory of accessories) this.#add(this.bridged, accessory);
  }

  publishExternalAccessories(_plugin: string, accessories: PlatformAccessory[]): void {
    for (const accessory of accessories) this.#add(this.external, accessory);
  }

  unregisterPlatformAccessories(_plugin: string, _platform: string, accessories: PlatformAccessory[]): void {
    for (const { UUID } of accessories) if (!this.bridged.delete(UUID)) throw new Error('It was not registered.');
  }

  updatePlatformAccessories(accessories: PlatformAccessory[]): void {
    this.updated.push(...accessories.map(({ displayName }) => displayName));
  }

  get names(): readonly string[] {
    return [...this.external.values(), ...this.bridged.values()].map(({ displayName }) => displayName);
  }

  service(name: string, kind: ServiceName, id?: string): Service {
    const found = [...this.external.values(), ...this.bridged.values()].filter(({ displayName }) => displayName === name).flatMap(({ services }) => services).find((one) => one.UUID === hap.Service[kind].UUID && (id === undefined || one.subtype === id));
    if (!found) throw new Error(`There is no ${kind} of ${name}.`);
    return found;
  }

  characteristic(name: string, kind: ServiceName, characteristic: CharacteristicName, id?: string): Characteristic {
    return this.service(name, kind, id).getCharacteristic(hap.Characteristic[characteristic]);
  }

  /** As a HomeKit controller reads; rejects with HomeKit's status. */
  read(name: string, kind: ServiceName, characteristic: CharacteristicName, id?: string): Promise<unknown> {
    return this.characteristic(name, kind, characteristic, id).handleGetRequest();
  }

  write(name: string, kind: ServiceName, characteristic: CharacteristicName, value: CharacteristicValue, id?: string): Promise<unknown> {
    return this.characteristic(name, kind, characteristic, id).handleSetRequest(value);
  }

  #add(where: Map<string, PlatformAccessory>, accessory: PlatformAccessory): void {
    if (where.has(accessory.UUID)) throw new Error(`${accessory.displayName} is there already.`);
    where.set(accessory.UUID, accessory);
    for (const service of accessory.services) {
      for (const characteristic of service.characteristics) {
        (characteristic as EventEmitter).on('change', ({ newValue, oldValue }: { readonly newValue: unknown; readonly oldValue: unknown }) => {
          if (newValue !== oldValue) this.told.push(`${accessory.displayName} ${service.constructor.name}.${characteristic.constructor.name}=${JSON.stringify(newValue)}`);
        });
      }
    }
  }
}
