import { z } from 'zod';
import type { Store } from '#core';
import { deviceId } from './entity.ts';
import { type TopicName, type TopicRow, Topics, topicTable } from './topics.ts';

const recordName = 'mqtt-announced';

/** What the broker holds of us from last time, so that what is gone can be taken back. */
export const Announced = z.object({
  prefix: z.string(),
  discoveryPrefix: z.string(),
  zones: z.array(z.string()),
  /** Component keys and their platforms, by device. */
  devices: z.record(z.string(), z.record(z.string(), z.string())),
  /** Topics below the discovery prefix of configs that stand alone. */
  singles: z.array(z.string()).default([]),
});
export type Announced = z.output<typeof Announced>;

/** The last record, or null when there is none that can be read. */
export async function readAnnounced(store: Pick<Store, 'read'>): Promise<Announced | null> {
  return Announced.safeParse(await store.read(recordName)).data ?? null;
}

export function writeAnnounced(store: Pick<Store, 'write'>, record: Announced): Promise<void> {
  return store.write(recordName, record);
}

/** Topics of ours that hold something and belong to this zone, or to the bridge. */
export function retainedTopics(prefix: string, zone: string | null): readonly string[] {
  const topics = new Topics(prefix);
  return (Object.keys(topicTable) as TopicName[])
    .filter((name) => {
      const row: TopicRow = topicTable[name];
      return row.retained && row.topic.startsWith('<zone>') === (zone !== null);
    })
    .map((name) => topics.of(name, zone === null ? {} : { zone }));
}

/** Platforms and keys of a payload's components, as the record has them. */
export function platforms(components: Readonly<Record<string, { readonly platform: string }>>): Record<string, string> {
  return Object.fromEntries(Object.entries(components).map(([key, { platform }]) => [key, platform]));
}

/** Puts together what was announced from what the broker still holds below the discovery prefix, when the record is lost. */
export class Sweep {
  readonly #instance: string;
  readonly #prefix: string;
  readonly #discoveryPrefix: string;
  readonly #devices: Record<string, Record<string, string>> = {};
  readonly #singles: string[] = [];

  constructor({ instance, prefix, discoveryPrefix }: { readonly instance: string; readonly prefix: string; readonly discoveryPrefix: string }) {
    this.#instance = instance;
    this.#prefix = prefix;
    this.#discoveryPrefix = discoveryPrefix;
  }

  get filter(): string {
    return `${this.#discoveryPrefix}/+/+/config`;
  }

  /** Notes what is ours; all else is not ours to touch. */
  note(topic: string, payload: Uint8Array): void {
    const [kind = '', id = ''] = topic.slice(this.#discoveryPrefix.length + 1).split('/');
    if (!id.startsWith(deviceId(this.#instance, '')) || payload.length === 0) return;
    if (kind !== 'device') this.#singles.push(`${kind}/${id}/config`);
    else this.#devices[id] = componentsIn(payload);
  }

  get found(): Announced {
    const own = deviceId(this.#instance, '');
    const zones = Object.keys(this.#devices).map((id) => id.slice(own.length)).filter((id) => id !== 'bridge');
    return { prefix: this.#prefix, discoveryPrefix: this.#discoveryPrefix, zones, devices: this.#devices, singles: this.#singles };
  }
}

function componentsIn(payload: Uint8Array): Record<string, string> {
  const shape = z.object({ components: z.record(z.string(), z.object({ platform: z.string() })) });
  try {
    return platforms(shape.parse(JSON.parse(Buffer.from(payload).toString())).components);
  } catch {
    return {};
  }
}
