import type { Store } from '#core';
import { type Clock, type Log, sleep } from '#foundation';
import { type Announced, platforms, readAnnounced, retainedTopics, Sweep, writeAnnounced } from './announced.ts';
import { type BridgeFacts, bridgePayload, type DeviceContext, deviceId, type DevicePayload, singleConfigs, type ZoneFacts, zonePayload } from './device-payload.ts';
import type { Link } from './link.ts';
import type { Incoming } from './message.ts';
import type { DiscoverySettings } from './settings.ts';

export interface HomeAssistantOptions {
  readonly zones: () => readonly ZoneFacts[];
  readonly bridge: () => BridgeFacts;
  readonly context: DeviceContext;
  readonly settings: Pick<DiscoverySettings, 'enabled' | 'prefix' | 'statusTopic'>;
  readonly link: Pick<Link, 'publish' | 'listen'>;
  readonly store: Pick<Store, 'read' | 'write'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly random?: () => number;
  /** Home Assistant is there, again or still. */
  readonly onOnline: () => void;
  /** It has started a moment ago: show everything again. */
  readonly onBirth: () => void;
  /** It knows now what has changed: show the states again, which it may have read with what it knew before. */
  readonly onTakenIn: () => void;
  /** Zones that came and went since the last start. */
  readonly onZones?: (change: { readonly added: readonly string[]; readonly removed: readonly string[] }) => void;
}

/** After a birth we wait this long, so that not every bridge in the house speaks at once. Milliseconds. */
const jitter = { least: 2000, most: 10_000 };
/**
 * So long Home Assistant may take to take in what has changed; a Raspberry Pi with a hundred entities needs its time. It hears states
 * meanwhile with what it knew before: an option it does not know yet is none. Milliseconds.
 */
const takingIn = 3000;
/** So long the broker may take to show what it holds of us, when our own record is lost. Milliseconds. */
const sweepTime = 5000;
/** From emptying what was announced to emptying the states behind it. Milliseconds. */
const farewell = 1000;

/** What is to be announced, ready to be sent. */
interface Picture {
  /** Below the discovery prefix. */
  readonly texts: ReadonlyMap<string, string>;
  readonly devices: ReadonlyMap<string, DevicePayload>;
  readonly record: Announced;
}

/** Tells Home Assistant what there is, and takes back what is no more. */
export class HomeAssistant implements Disposable {
  readonly #options: HomeAssistantOptions;
  /** Undefined before it was read. */
  #record: Announced | null | undefined;
  /** What was sent last, by topic below the discovery prefix. */
  #sent: ReadonlyMap<string, string> = new Map();
  #lastAnnounced = -Infinity;
  #birth: Disposable | null = null;
  #takenIn: Disposable | null = null;
  /** Announcements follow each other. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: HomeAssistantOptions) {
    this.#options = options;
  }

  /** Takes messages of Home Assistant itself; false for all others. */
  receive({ topic, payload, retained }: Incoming): boolean {
    const { clock, log, random = Math.random, settings, onBirth, onOnline } = this.#options;
    if (!settings.enabled || topic !== settings.statusTopic) return false;
    if (payload.toString() !== 'online') return true;
    // A retained one is news of the past.
    if (!retained) onOnline();
    // Connecting has just announced everything.
    if (retained || clock.monotonic() - this.#lastAnnounced < 10_000) return true;
    log.info('Home Assistant has started and will be told everything again.');
    this.#birth?.[Symbol.dispose]();
    this.#birth = clock.timer(jitter.least + random() * (jitter.most - jitter.least), onBirth);
    return true;
  }

  /** Publishes every device, retained. Resolves when what was outdated has been taken back and the rest is on its way. */
  announce(): Promise<void> {
    this.#birth?.[Symbol.dispose]();
    this.#lastAnnounced = this.#options.clock.monotonic();
    return this.#next(() => this.#announce(true));
  }

  /** Publishes the devices that are different from what was said last. What only adds something is on its way at once, before any state that needs it. */
  refresh(): Promise<void> {
    // Not announced yet: that will say it all.
    if (this.#sent.size === 0) return Promise.resolve();
    const picture = this.#picture();
    const outdated = this.#record && this.#outdated(this.#record, picture);
    if (outdated && outdated.announced.length + outdated.states.length === 0 && !outdated.stubs) {
      void this.#send(picture, false);
      return Promise.resolve();
    }
    return this.#next(() => this.#announce(false));
  }

  #next(work: () => Promise<void>): Promise<void> {
    const { log, signal } = this.#options;
    return (this.#work = this.#work.then(work).catch((error: unknown) => {
      if (!signal.aborted) log.warn('Home Assistant could not be told about the zones.', { error });
    }));
  }

  async #announce(all: boolean): Promise<void> {
    const { store, settings, onZones } = this.#options;
    const isFirst = this.#record === undefined;
    const old = (this.#record ??= await readAnnounced(store));
    const picture = this.#picture();
    if (isFirst && old?.prefix === picture.record.prefix) {
      const added = picture.record.zones.filter((id) => !old.zones.includes(id));
      const removed = old.zones.filter((id) => !picture.record.zones.includes(id));
      if (added.length + removed.length > 0) onZones?.({ added, removed });
    }
    // Listen before speaking: what the broker holds is about to be replaced.
    if (!old && settings.enabled) void this.#sweep(picture);
    const taken = old ? await this.#takeBack(old, picture) : true;
    void this.#send(picture, all, taken);
  }

  /** Only what arrived counts as known: otherwise it is sent, or taken back, the next time. */
  async #send(picture: Picture, all: boolean, taken = true): Promise<void> {
    const { settings, store, clock, log, onTakenIn } = this.#options;
    const before = this.#sent;
    this.#sent = picture.texts;
    const sent = [...picture.texts].flatMap(([topic, text]) => (all || before.get(topic) !== text ? [this.#publish(settings.prefix, topic, text)] : []));
    if (!all && sent.length > 0) {
      this.#takenIn?.[Symbol.dispose]();
      this.#takenIn = clock.timer(takingIn, onTakenIn);
    }
    const arrived = (await Promise.all(sent)).every(Boolean);
    if (!taken || !arrived || JSON.stringify(picture.record) === JSON.stringify(this.#record)) return;
    this.#record = picture.record;
    await writeAnnounced(store, picture.record).catch((error: unknown) => {
      log.warn('What Home Assistant was told could not be noted down, so entities of older versions may stay.', { error });
    });
  }

  #picture(): Picture {
    const { settings, context, zones, bridge } = this.#options;
    const facts = zones();
    const devices = new Map<string, DevicePayload>();
    const texts = new Map<string, string>();
    if (settings.enabled) {
      const about = bridge();
      devices.set(deviceId(context.instance, 'bridge'), bridgePayload(about, context));
      for (const zone of facts) devices.set(deviceId(context.instance, zone.id), zonePayload(zone, context));
      for (const [id, payload] of devices) texts.set(deviceTopic(id), JSON.stringify(payload));
      for (const { platform, objectId, payload } of singleConfigs(about, context)) texts.set(`${platform}/${objectId}/config`, JSON.stringify(payload));
    }
    return {
      texts,
      devices,
      record: {
        prefix: context.topics.prefix,
        discoveryPrefix: settings.prefix,
        zones: facts.map(({ id }) => id),
        devices: Object.fromEntries([...devices].map(([id, { components }]) => [id, platforms(components)])),
        singles: [...texts.keys()].filter((topic) => !topic.startsWith('device/')),
      },
    };
  }

  /** Whole topics that must be emptied: what was announced, and then the states behind it. `stubs`: components are gone from what stays. */
  #outdated(old: Announced, { texts, record }: Picture): { readonly announced: readonly string[]; readonly states: readonly string[]; readonly stubs: boolean } {
    const sameTree = old.prefix === record.prefix;
    const moved = old.discoveryPrefix !== record.discoveryPrefix;
    const announced = [...Object.keys(old.devices).map(deviceTopic), ...old.singles];
    return {
      announced: announced.filter((topic) => moved || !texts.has(topic)).map((topic) => `${old.discoveryPrefix}/${topic}`),
      states: [
        ...old.zones.filter((zone) => !sameTree || !record.zones.includes(zone)).flatMap((zone) => retainedTopics(old.prefix, zone)),
        ...(sameTree ? [] : retainedTopics(old.prefix, null)),
      ],
      stubs: Object.entries(old.devices).some(([id, components]) => texts.has(deviceTopic(id)) && gone(components, record.devices[id] ?? {}).length > 0),
    };
  }

  /** Clears what is gone, and names components that are gone in their stub form, which removes them (home-integrations.md §1.8). */
  async #takeBack(old: Announced, picture: Picture): Promise<boolean> {
    const { settings, context, link, clock, signal } = this.#options;
    const { announced, states } = this.#outdated(old, picture);
    const empty = (topic: string) => link.publish({ topic, payload: '', retained: true, qos: context.qos });
    const done = announced.map(empty);
    if (old.discoveryPrefix === settings.prefix) {
      for (const [id, payload] of picture.devices) {
        const stubs = Object.fromEntries(gone(old.devices[id] ?? {}, payload.components).map(([key, platform]) => [key, { platform }]));
        if (Object.keys(stubs).length === 0) continue;
        done.push(this.#publish(settings.prefix, deviceTopic(id), JSON.stringify({ ...payload, components: { ...payload.components, ...stubs } })));
      }
    }
    const taken = (await Promise.all(done)).every(Boolean);
    if (states.length === 0) return taken;
    // Home Assistant needs a moment to let go of entities; until then an empty state is an error in its log for each of them.
    await sleep(clock, farewell, signal);
    return (await Promise.all(states.map(empty))).every(Boolean) && taken;
  }

  /** When our record is lost: what the broker holds of us and is no more is taken back after a while. */
  async #sweep({ record }: Picture): Promise<void> {
    const { link, context, settings, clock, signal, log } = this.#options;
    const sweep = new Sweep({ instance: context.instance, prefix: record.prefix, discoveryPrefix: settings.prefix });
    const listening = link.listen(sweep.filter, ({ topic, payload, retained }) => {
      if (retained) sweep.note(topic, payload);
    });
    try {
      await sleep(clock, sweepTime, signal);
    } catch {
      return;
    } finally {
      listening[Symbol.dispose]();
    }
    await this.#next(async () => {
      const picture = this.#picture();
      const outdated = this.#outdated(sweep.found, picture);
      const topics = [...outdated.announced, ...outdated.states];
      if (topics.length === 0 && !outdated.stubs) return;
      log.info('The broker still held things of ours from earlier; they are taken back.', { topics });
      const taken = await this.#takeBack(sweep.found, picture);
      void this.#send(picture, true, taken);
    });
  }

  #publish(prefix: string, topic: string, payload: string): Promise<boolean> {
    const { link, context } = this.#options;
    return link.publish({ topic: `${prefix}/${topic}`, payload, retained: true, qos: context.qos });
  }

  [Symbol.dispose](): void {
    for (const timer of [this.#birth, this.#takenIn]) timer?.[Symbol.dispose]();
  }
}

function deviceTopic(id: string): string {
  return `device/${id}/config`;
}

/** Keys of the old that are not in the new, with what they were. */
function gone(old: Readonly<Record<string, string>>, next: Readonly<Record<string, unknown>>): readonly [key: string, platform: string][] {
  return Object.entries(old).filter(([key]) => !(key in next));
}
