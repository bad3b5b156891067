import type { API, Logging, PlatformAccessory } from 'homebridge';
import type { Daemon } from './daemon.ts';
import { Fitting, type Home, settleTime } from './fitting.ts';
import type { Clock } from './foundation.ts';
import type { Memory } from './memory.ts';
import { type HousePicture, type Outcome, type Request, zoneOf } from './picture.ts';
import { type AccessoryPlan, category, type KeptChange, type Scene } from './plan.ts';
import { pluginName, platformName } from './identity.ts';
import { mostBridged, roster } from './roster.ts';
import type { Settings } from './settings.ts';

export interface HouseholdOptions {
  readonly api: API;
  readonly log: Logging;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly memory: Memory;
  /** Accessories Homebridge remembers from before, by UUID. */
  readonly remembered: Map<string, PlatformAccessory>;
}

/** Where an accessory of ours belongs; Homebridge keeps it with the accessory. */
interface Origin {
  readonly instance?: string;
  readonly key?: string;
}

/** Keeps Home's accessories the same as what daemons have: adds, renames and removes them, and passes pictures on. */
export class Household implements Disposable {
  readonly #options: HouseholdOptions;
  /** Daemons of the settings, each with its installation once that is known. */
  readonly #daemons = new Map<Daemon, string | null>();
  readonly #fittings = new Map<string, { readonly fitting: Fitting; readonly daemon: Daemon }>();
  /** What the accessories of a daemon were made from. */
  readonly #made = new Map<Daemon, string>();
  /** Volumes that were asked for and may not show yet, by zone: presses that come fast add up. */
  readonly #wished = new Map<string, { readonly percent: number }>();
  #wasTooMany = false;

  constructor(options: HouseholdOptions) {
    this.#options = options;
  }

  /** A daemon that will come, sooner or later. */
  expect(daemon: Daemon): void {
    this.#daemons.set(daemon, null);
  }

  pictured(daemon: Daemon, after: HousePicture, before: HousePicture | null): void {
    if (!this.#accepts(daemon, after)) return;
    const made = ingredients(after);
    const isNew = this.#made.get(daemon) !== made;
    if (isNew) {
      this.#made.set(daemon, made);
      this.#furnish(daemon, after);
    }
    for (const { fitting, daemon: owner } of this.#fittings.values()) {
      if (owner !== daemon) continue;
      if (before && !isNew && !concerns(fitting.plan, before, after)) continue;
      if (before) fitting.happened(before, after);
      fitting.tell();
    }
  }

  [Symbol.dispose](): void {
    for (const { fitting } of this.#fittings.values()) fitting[Symbol.dispose]();
    this.#fittings.clear();
  }

  /** Two servers in the settings may turn out to be one; the first has it. */
  #accepts(daemon: Daemon, { instance }: HousePicture): boolean {
    const known = this.#daemons.get(daemon);
    if (known === instance) return true;
    const owner = [...this.#daemons].find(([other, its]) => other !== daemon && its === instance)?.[0];
    if (owner) {
      this.#options.log.warn(`${daemon.title} is the same installation as ${owner.title}, so it is left out. Remove one of the two in the settings.`);
      daemon[Symbol.dispose]();
      this.#daemons.delete(daemon);
      return false;
    }
    this.#daemons.set(daemon, instance);
    return true;
  }

  #furnish(daemon: Daemon, picture: HousePicture): void {
    const { api, log, settings, memory } = this.#options;
    const { instance } = picture;
    const plans = this.#affordable(this.#room(daemon, instance), roster(picture, settings, [daemon.settings.name, instance, picture.name], (key, ids) => memory.identify(`${instance}/${key}`, ids)));
    const fresh: { readonly accessory: PlatformAccessory; readonly plan: AccessoryPlan }[] = [];
    const wanted = new Set<string>();
    for (const plan of plans) {
      const uuid = api.hap.uuid.generate(`${pluginName}/${instance}/${plan.key}`);
      wanted.add(uuid);
      const { fitting, isFresh } = this.#fitting(uuid, daemon, plan, instance);
      const { accessory } = fitting;
      const wasCalled = accessory.displayName;
      fitting.dress(plan, { serial: `${instance}/${plan.key}`.slice(-64), version: /\d+(\.\d+){0,2}/.exec(picture.version)?.[0] ?? '0.0.0' });
      if (isFresh) fresh.push({ accessory, plan });
      else if (wasCalled !== plan.name) {
        accessory.updateDisplayName(plan.name);
        if (!plan.isExternal) api.updatePlatformAccessories([accessory]);
        log.info(`“${wasCalled}” is now “${plan.name}”.`);
      }
    }
    const external = fresh.filter(({ plan }) => plan.isExternal).map(({ accessory }) => accessory);
    const bridged = fresh.filter(({ plan }) => !plan.isExternal).map(({ accessory }) => accessory);
    // First, because a bridge that is full takes nothing new.
    this.#clear(daemon, instance, wanted);
    if (external.length > 0) api.publishExternalAccessories(pluginName, external);
    if (bridged.length > 0) api.registerPlatformAccessories(pluginName, platformName, bridged);
  }

  #fitting(uuid: string, daemon: Daemon, plan: AccessoryPlan, instance: string): { readonly fitting: Fitting; readonly isFresh: boolean } {
    const { api, remembered } = this.#options;
    const known = this.#fittings.get(uuid);
    if (known) return { fitting: known.fitting, isFresh: false };
    const before = remembered.get(uuid);
    remembered.delete(uuid);
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- A const enum of a package; only its numbers exist at run time.
    const accessory = before ?? new api.platformAccessory(plan.name, uuid, category[plan.category]);
    accessory.context = { instance, key: plan.key } satisfies Origin;
    const fitting = new Fitting(api.hap, accessory, this.#home(daemon, instance), plan);
    this.#fittings.set(uuid, { fitting, daemon });
    return { fitting, isFresh: !before };
  }

  /** Takes away what this daemon no longer has, and what belongs to none once all have been heard. */
  #clear(daemon: Daemon, instance: string, wanted: ReadonlySet<string>): void {
    const { api, log, remembered } = this.#options;
    const gone: PlatformAccessory[] = [];
    for (const [uuid, { fitting, daemon: owner }] of this.#fittings) {
      // An accessory that was paired by itself stays, without response: only its owner can remove it from Home.
      if (owner !== daemon || wanted.has(uuid) || fitting.plan.isExternal) continue;
      fitting[Symbol.dispose]();
      this.#fittings.delete(uuid);
      gone.push(fitting.accessory);
    }
    for (const [uuid, accessory] of remembered) {
      if (this.#isAwaited(accessory, instance)) continue;
      remembered.delete(uuid);
      gone.push(accessory);
    }
    if (gone.length === 0) return;
    api.unregisterPlatformAccessories(pluginName, platformName, gone);
    log.info(`Removed from Home, because Tonearm has them no longer: ${gone.map(({ displayName }) => displayName).join(', ')}.`);
  }

  /** Whether a remembered accessory may be one of another daemon that has not been heard yet. */
  #isAwaited({ context }: PlatformAccessory, instance: string): boolean {
    const { instance: its } = context as Origin;
    const instances = [...this.#daemons.values()];
    return its !== instance && (instances.includes(null) || instances.includes(its ?? ''));
  }

  /** How many accessories a daemon may have behind the bridge beside those of the others. */
  #room(daemon: Daemon, instance: string): number {
    const others = [...this.#fittings.values()].filter(({ fitting, daemon: owner }) => owner !== daemon && !fitting.plan.isExternal).length;
    const awaited = [...this.#options.remembered.values()].filter((accessory) => this.#isAwaited(accessory, instance)).length;
    return Math.max(mostBridged - others - awaited, 0);
  }

  #affordable(room: number, plans: readonly AccessoryPlan[]): readonly AccessoryPlan[] {
    const bridged = plans.filter(({ isExternal }) => !isExternal);
    if (bridged.length <= room) return plans;
    const kept = new Set(bridged.slice(0, room));
    if (!this.#wasTooMany) this.#options.log.warn(`HomeKit takes ${mostBridged} accessories behind one bridge. There is room for ${room}; these settings ask for ${bridged.length}. The last ${bridged.length - room} are left out. Choose fewer switches.`);
    this.#wasTooMany = true;
    return plans.filter((plan) => plan.isExternal || kept.has(plan));
  }

  async #ask(daemon: Daemon, wish: Request, instance: string): Promise<Outcome> {
    const volume = wish.kind === 'zone' ? wish.commands.findLast((command) => command.kind === 'volume') : undefined;
    if (wish.kind !== 'zone' || !volume) return await daemon.ask(wish);
    // More than the limit will never be, and presses the other way count from what is.
    const limit = (daemon.picture && zoneOf(daemon.picture, wish.zone))?.limit ?? 1;
    const [zone, wished] = [`${instance}/${wish.zone}`, { percent: Math.round(Math.min(volume.level, limit) * 100) }];
    const forget = () => this.#wished.get(zone) === wished && this.#wished.delete(zone);
    this.#wished.set(zone, wished);
    const outcome = await daemon.ask(wish);
    if (outcome.kind === 'done') this.#options.clock.timer(settleTime, forget);
    else forget();
    return outcome;
  }

  #home(daemon: Daemon, instance: string): Home {
    const { clock, log, memory } = this.#options;
    const scope = (key: string) => `${instance}/${key}`;
    return {
      clock,
      scene: (): Scene | null => {
        const { picture } = daemon;
        return picture && { picture, now: clock.now() + picture.ahead, kept: (key) => memory.accessory(scope(key)), wished: (zone) => this.#wished.get(scope(zone))?.percent ?? null };
      },
      ask: (wish): Promise<Outcome> => {
        log.debug(`${daemon.title} ← ${JSON.stringify(wish)}`);
        if (wish.kind !== 'keep') return this.#ask(daemon, wish, instance);
        memory.keep({ ...wish.change, accessory: scope(wish.change.accessory) } satisfies KeptChange);
        return Promise.resolve({ kind: 'done' });
      },
      refused: (accessory, why) => log.warn(`${accessory}: ${why}`),
    };
  }
}

/** Whether what an accessory shows is different; pictures share what is not. */
function concerns({ zone }: AccessoryPlan, before: HousePicture, after: HousePicture): boolean {
  return zone === null ? before.automations !== after.automations : zoneOf(before, zone) !== zoneOf(after, zone);
}

/** What accessories are made from: as long as this is the same, so are they. */
function ingredients({ instance, version, zones, presets, automations }: HousePicture): string {
  return JSON.stringify([instance, version, zones.map(({ id, name }) => [id, name]), presets, automations.map(({ id, name, alarm }) => [id, name, alarm !== null])]);
}
