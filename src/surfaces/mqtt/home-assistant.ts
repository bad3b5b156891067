import { z } from 'zod';
import type { Store, ZoneView } from '#core';
import type { Clock, Log } from '#foundation';
import { bridgePayload, type Component, type DeviceContext, deviceId, type DevicePayload, zonePayload } from './device-payload.ts';
import type { Link } from './link.ts';
import type { Incoming } from './message.ts';
import type { DiscoverySettings } from './settings.ts';
import { type TopicName, type TopicRow, Topics, topicTable } from './topics.ts';

export interface HomeAssistantOptions {
  readonly zones: readonly ZoneView[];
  readonly context: DeviceContext;
  readonly settings: DiscoverySettings;
  readonly link: Pick<Link, 'publish' | 'isUp'>;
  readonly store: Pick<Store, 'read' | 'write'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
  /** Home Assistant has started: show everything again. */
  readonly onBirth: () => void;
}

const recordName = 'mqtt-announced';

/** What the broker holds of us from last time, so that what is gone can be taken back. */
const Record = z.object({
  prefix: z.string(),
  discoveryPrefix: z.string(),
  zones: z.array(z.string()),
  /** Component keys and their platforms, by device. */
  devices: z.record(z.string(), z.record(z.string(), z.string())),
});
type Record = z.infer<typeof Record>;

/** After a birth we wait this long, so that not every bridge in the house speaks at once. Milliseconds. */
const jitter = { least: 2000, most: 10_000 };

/** Tells Home Assistant what there is, and takes back what is no more. */
export class HomeAssistant implements Disposable {
  readonly #options: HomeAssistantOptions;
  #record: Record | null | undefined;
  #lastAnnounced = -Infinity;
  #birth: Disposable | null = null;

  constructor(options: HomeAssistantOptions) {
    this.#options = options;
  }

  /** Takes messages of Home Assistant itself; false for all others. */
  receive({ topic, payload, retained }: Incoming): boolean {
    const { clock, log, random = Math.random, settings, onBirth } = this.#options;
    if (!settings.enabled || topic !== settings.statusTopic) return false;
    // A retained one is news of the past, and connecting has just announced everything.
    if (retained || payload.toString() !== 'online' || clock.monotonic() - this.#lastAnnounced < 10_000) return true;
    log.info('Home Assistant has started and will be told everything again.');
    this.#birth?.[Symbol.dispose]();
    this.#birth = clock.timer(jitter.least + random() * (jitter.most - jitter.least), onBirth);
    return true;
  }

  /** Publishes every device, retained. Resolves when what was outdated has been taken back and the rest is on its way. */
  async announce(): Promise<void> {
    const { settings, context, zones, log } = this.#options;
    this.#birth?.[Symbol.dispose]();
    this.#lastAnnounced = this.#options.clock.monotonic();
    const payloads = new Map<string, DevicePayload>();
    if (settings.enabled) {
      payloads.set(deviceId(context.instance, 'bridge'), bridgePayload(context));
      for (const zone of zones) payloads.set(deviceId(context.instance, zone.id), zonePayload(zone, context));
    }
    const record: Record = {
      prefix: context.topics.prefix,
      discoveryPrefix: settings.prefix,
      zones: zones.map(({ id }) => id),
      devices: Object.fromEntries([...payloads].map(([id, { components }]) => [id, platforms(components)])),
    };
    try {
      const old = await this.#readRecord();
      const taken = old ? await this.#takeBack(old, payloads) : true;
      const sent = [...payloads].map(([id, payload]) => this.#publish(settings.prefix, id, payload));
      // Only what arrived counts: otherwise it is taken back the next time.
      void Promise.all(sent).then((all) => (taken && all.every(Boolean) ? this.#writeRecord(record) : undefined)).catch((error: unknown) => {
        log.warn('What Home Assistant was told could not be noted down, so entities of older versions may stay.', { error });
      });
    } catch (error) {
      log.warn('Home Assistant could not be told about the zones.', { error });
    }
  }

  /** Clears what is gone, and names components that are gone in their stub form, which removes them (home-integrations.md §1.8). */
  async #takeBack(old: Record, payloads: ReadonlyMap<string, DevicePayload>): Promise<boolean> {
    const { settings, context } = this.#options;
    const moved = old.discoveryPrefix !== settings.prefix;
    const done: Promise<boolean>[] = [];
    const sameTree = old.prefix === context.topics.prefix;
    const kept = new Set(sameTree ? this.#options.zones.map(({ id }) => id) : []);
    for (const zone of old.zones) if (!kept.has(zone)) done.push(...this.#clear(new Topics(old.prefix), zone));
    if (!sameTree) done.push(...this.#clear(new Topics(old.prefix), null));
    for (const [id, components] of Object.entries(old.devices)) {
      const payload = payloads.get(id);
      if (moved || !payload) {
        done.push(this.#publish(old.discoveryPrefix, id, null));
        continue;
      }
      const gone = Object.entries(components).filter(([key]) => !(key in payload.components));
      if (gone.length === 0) continue;
      const stubs = Object.fromEntries(gone.map(([key, platform]) => [key, { platform }]));
      done.push(this.#publish(settings.prefix, id, { ...payload, components: { ...payload.components, ...stubs } }));
    }
    return (await Promise.all(done)).every(Boolean);
  }

  /** Empties every retained topic of a zone, or those of the bridge. */
  #clear(topics: Topics, zone: string | null): Promise<boolean>[] {
    return (Object.keys(topicTable) as TopicName[])
      .filter((name) => {
        const row: TopicRow = topicTable[name];
        return row.retained && row.topic.startsWith('<zone>') === (zone !== null);
      })
      .map((name) => this.#options.link.publish({ topic: topics.of(name, zone === null ? {} : { zone }), payload: '', retained: true, qos: this.#options.context.qos }));
  }

  #publish(prefix: string, id: string, payload: object | null): Promise<boolean> {
    const { link, context } = this.#options;
    return link.publish({ topic: `${prefix}/device/${id}/config`, payload: payload === null ? '' : JSON.stringify(payload), retained: true, qos: context.qos });
  }

  async #readRecord(): Promise<Record | null> {
    this.#record ??= Record.safeParse(await this.#options.store.read(recordName)).data ?? null;
    return this.#record;
  }

  async #writeRecord(record: Record): Promise<void> {
    if (JSON.stringify(record) === JSON.stringify(this.#record)) return;
    this.#record = record;
    await this.#options.store.write(recordName, record);
  }

  [Symbol.dispose](): void {
    this.#birth?.[Symbol.dispose]();
  }
}

function platforms(components: Readonly<{ [key: string]: Component }>): { [key: string]: string } {
  return Object.fromEntries(Object.entries(components).map(([key, { platform }]) => [key, platform]));
}
