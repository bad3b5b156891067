import type { API, Characteristic, CharacteristicValue, HAPStatus, PlatformAccessory, Service } from 'homebridge';
import type { Clock } from './foundation.ts';
import type { HousePicture, Outcome } from './picture.ts';
import type { AccessoryPlan, Row, Scene, ServicePlan, Value, Wish } from './plan.ts';

/** After a write the value is the writer's for so long; then what is really so is told. Milliseconds. */
export const settleTime = 300;
/** A write is answered after this long at the latest: HomeKit's own patience ends soon after. Milliseconds. */
const patience = 2000;
/** `HAPStatus.SERVICE_COMMUNICATION_FAILURE`: Home shows "No Response". */
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- A const enum of a package; only its numbers exist at run time.
const communicationFailure = -70402 as HAPStatus;

/** What a fitting needs of the daemon it stands for. */
export interface Home {
  readonly clock: Clock;
  /** Null while nothing true can be said. */
  scene(): Scene | null;
  ask(wish: Wish): Promise<Outcome>;
  /** The daemon said no; the owner should know why. */
  refused(accessory: string, why: string): void;
}

/** Makes an accessory look as planned and keeps it true. Holds no values: reads come from the scene, writes become wishes. */
export class Fitting implements Disposable {
  readonly accessory: PlatformAccessory;
  readonly #hap: API['hap'];
  readonly #home: Home;
  #plan: AccessoryPlan;
  /** What can be told, with where it is told. */
  #told: readonly { readonly characteristic: Characteristic; readonly row: Row }[] = [];
  /** Just written: the truth about these waits. */
  readonly #held = new Map<Characteristic, { timer: Disposable | null }>();

  constructor(hap: API['hap'], accessory: PlatformAccessory, home: Home, plan: AccessoryPlan) {
    this.#hap = hap;
    this.accessory = accessory;
    this.#home = home;
    this.#plan = plan;
  }

  get plan(): AccessoryPlan {
    return this.#plan;
  }

  /** Adds, renames and removes services, and puts ourselves behind each characteristic. */
  dress(plan: AccessoryPlan, about: { readonly serial: string; readonly version: string }): void {
    const { accessory } = this;
    const { Characteristic: Names, Service: Services } = this.#hap;
    this.#plan = plan;
    accessory.getService(Services.AccessoryInformation)?.setCharacteristic(Names.Manufacturer, 'Tonearm').setCharacteristic(Names.Model, plan.model).setCharacteristic(Names.SerialNumber, about.serial).setCharacteristic(Names.FirmwareRevision, about.version).updateCharacteristic(Names.Name, plan.name);
    const wanted = new Set(plan.services.map(({ id }) => id));
    for (const service of [...accessory.services]) {
      // Those without an id of ours are HomeKit's own.
      if (service.subtype !== undefined && !wanted.has(service.subtype)) accessory.removeService(service);
    }
    const services = plan.services.map((one) => this.#service(one));
    const [primary, ...others] = services;
    primary?.setPrimaryService(true);
    for (const other of others) {
      if (primary && !primary.linkedServices.includes(other)) primary.addLinkedService(other);
    }
    this.#told = plan.services.flatMap(({ rows }, index) => {
      const service = services[index];
      return service ? rows.flatMap((row) => this.#wire(service, row)) : [];
    });
  }

  /** Tells HomeKit what is so; it passes on what differs from before. */
  tell(): void {
    const scene = this.#home.scene();
    if (!scene) return;
    for (const { characteristic, row } of this.#told) {
      const value = this.#held.has(characteristic) ? null : (row.read?.(scene) ?? null);
      // Never `setValue`: that would call our own write handler, and what we were told would go back as a command.
      if (value !== null) characteristic.updateValue(value);
    }
  }

  /** Lets a button know what has happened. */
  happened(before: HousePicture, after: HousePicture): void {
    const press = this.#plan.press?.(before, after) ?? null;
    if (press === null) return;
    const { Characteristic: Names, Service: Services } = this.#hap;
    this.accessory.getService(Services.StatelessProgrammableSwitch)?.getCharacteristic(Names.ProgrammableSwitchEvent).sendEventNotification(press);
  }

  [Symbol.dispose](): void {
    for (const { timer } of this.#held.values()) timer?.[Symbol.dispose]();
    this.#held.clear();
    this.#told = [];
  }

  #service({ service, id, name }: ServicePlan): Service {
    const kind = this.#hap.Service[service];
    const found = this.accessory.getServiceById(kind, id) ?? this.accessory.addService(kind, name, id);
    found.updateCharacteristic(this.#hap.Characteristic.Name, name);
    return found;
  }

  #wire(service: Service, row: Row): { readonly characteristic: Characteristic; readonly row: Row }[] {
    const characteristic = service.getCharacteristic(this.#hap.Characteristic[row.characteristic]);
    if (row.props) characteristic.setProps(row.props);
    const { read, write } = row;
    if (read) characteristic.onGet(() => this.#read(read));
    if (write) characteristic.onSet((value) => this.#write(characteristic, write, value));
    return read ? [{ characteristic, row }] : [];
  }

  #read(read: NonNullable<Row['read']>): CharacteristicValue {
    const scene = this.#home.scene();
    const value = scene && read(scene);
    if (value === null) throw this.#noResponse();
    return value;
  }

  async #write(characteristic: Characteristic, write: NonNullable<Row['write']>, value: CharacteristicValue): Promise<void> {
    const scene = this.#home.scene();
    if (!scene) throw this.#noResponse();
    const held = this.#hold(characteristic);
    const wish = write(value as Value, scene);
    const asked: Promise<Outcome> = wish ? this.#home.ask(wish) : Promise.resolve({ kind: 'done' });
    const settled = asked.then((outcome) => {
      if (outcome.kind === 'refused') this.#home.refused(this.accessory.displayName, outcome.why);
      this.#release(characteristic, held);
      return outcome;
    });
    // What takes longer is under way; how it ends shows in the pictures.
    if ((await this.#soon(settled))?.kind === 'lost') throw this.#noResponse();
  }

  #hold(characteristic: Characteristic): { timer: Disposable | null } {
    this.#held.get(characteristic)?.timer?.[Symbol.dispose]();
    const held = { timer: null };
    this.#held.set(characteristic, held);
    return held;
  }

  #release(characteristic: Characteristic, held: { timer: Disposable | null }): void {
    // Written again meanwhile: the later write has it.
    if (this.#held.get(characteristic) !== held) return;
    held.timer = this.#home.clock.timer(settleTime, () => {
      this.#held.delete(characteristic);
      // All of it: what was written may show elsewhere too, as a hidden input does.
      this.tell();
    });
  }

  async #soon(outcome: Promise<Outcome>): Promise<Outcome | null> {
    let timer: Disposable | undefined;
    const late = new Promise<null>((resolve) => (timer = this.#home.clock.timer(patience, () => resolve(null))));
    try {
      return await Promise.race([outcome, late]);
    } finally {
      timer?.[Symbol.dispose]();
    }
  }

  #noResponse(): Error {
    return new this.#hap.HapStatusError(communicationFailure);
  }
}

/** What Homebridge remembers answers nothing until a daemon has said what is so. */
export function silence(hap: API['hap'], accessory: PlatformAccessory): void {
  for (const { subtype, characteristics } of accessory.services) {
    if (subtype === undefined) continue;
    for (const characteristic of characteristics) {
      if (characteristic.UUID !== hap.Characteristic.Name.UUID) {
        const away = () => {
          throw new hap.HapStatusError(communicationFailure);
        };
        characteristic.onGet(away).onSet(away);
      }
    }
  }
}
