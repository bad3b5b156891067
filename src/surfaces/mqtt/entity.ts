import type { TopicName, Topics } from './topics.ts';

/** Keys Home Assistant allows at the root of a device payload; one more, and it drops the whole message (home-integrations.md §1.4). */
export interface DevicePayload {
  readonly device: Readonly<Record<string, unknown>>;
  readonly origin: Origin;
  readonly availability?: readonly Availability[];
  readonly availability_mode?: 'all';
  readonly qos: 0 | 1;
  readonly components: Readonly<Record<string, Component>>;
}

export interface Origin {
  readonly name: string;
  readonly sw_version: string;
}

export interface Availability {
  readonly topic: string;
  readonly value_template: string;
}

export interface Component {
  readonly platform: Platform;
  readonly [option: string]: unknown;
}

/** All known to every Home Assistant that knows device payloads: an unknown one would cost the whole device. */
export type Platform = 'sensor' | 'binary_sensor' | 'switch' | 'button' | 'number' | 'select' | 'text' | 'image' | 'event' | 'notify' | 'scene' | 'update' | 'device_automation';
/** Younger ones, which go out in configs of their own: a Home Assistant that does not know them leaves out just these (§1.2). */
export type YoungPlatform = 'time';

/** How much Home Assistant is shown. */
export type EntityLevel = 'minimal' | 'standard' | 'full';

export interface DeviceContext {
  readonly topics: Topics;
  readonly instance: string;
  readonly version: string;
  readonly qos: 0 | 1;
  /** Of our own pages. */
  readonly url: string | undefined;
  readonly level: EntityLevel;
  /** Oldest Home Assistant that listens, as year and month; null for the newest. */
  readonly minimum: readonly [year: number, month: number] | null;
}

export interface Row {
  readonly platform: Platform;
  /** Without the name of the device: Home Assistant puts that in front. */
  readonly name: string;
  /** End of the suggested entity id; the key if not given. */
  readonly slug?: string;
  /** Shown also where little is wanted. */
  readonly minimal?: boolean;
  readonly options: (at: Place) => Readonly<Record<string, unknown>>;
}

export type Rows = Readonly<Record<string, Row>>;

/** Topics of one device, by name. */
export interface Place {
  readonly topic: (name: TopicName) => string;
  readonly command: (key: string) => { readonly command_topic: string };
  readonly request: (name: string) => { readonly command_topic: string };
  /** Reads one value of the zone's state. */
  readonly state: (template: string) => { readonly state_topic: string; readonly value_template: string };
  readonly availability: readonly Availability[];
}

export const value = (key: string) => `{{ value_json.${key} }}`;
export const onWhen = (condition: string) => `{{ 'ON' if ${condition} else 'OFF' }}`;
/** States of sensors end at 255 characters. */
export const text = (key: string) => `{{ (value_json.${key} or '')[:250] }}`;
export const diagnostic = { entity_category: 'diagnostic' } as const;
export const config = { entity_category: 'config' } as const;
export const hidden = { enabled_by_default: false } as const;

/** Name of a device in topics and unique ids. */
export function deviceId(instance: string, id: string): string {
  return `tonearm_${instance}_${id}`;
}

export function bridgeAvailability(topics: Topics): Availability {
  return { topic: topics.of('bridgeState'), value_template: value('state') };
}

/** Rows as Home Assistant wants them, and no more of them than wanted. */
export function buildComponents(rows: Rows, { id, slug, place, context: { level, minimum } }: { readonly id: string; readonly slug: string; readonly place: Place; readonly context: Pick<DeviceContext, 'level' | 'minimum'> }): Record<string, Component> {
  const namesIdsOldStyle = !knows(minimum, entityIdsSince);
  return Object.fromEntries(
    Object.entries(rows)
      .filter(([, { minimal = false }]) => minimal || level !== 'minimal')
      .map(([key, row]): [string, Component] => {
        const { enabled_by_default: isEnabled, ...options } = row.options(place);
        const shown = isEnabled === false && level !== 'full' ? hidden : {};
        // Triggers are no entities: they have neither name nor id.
        const objectId = `${slug}_${row.slug ?? key}`;
        const entity = row.platform === 'device_automation' ? {} : { unique_id: `${id}_${key}`, default_entity_id: `${row.platform}.${objectId}`, ...(namesIdsOldStyle && { object_id: objectId }), name: row.name };
        return [key, { platform: row.platform, ...entity, ...shown, ...options }];
      }),
  );
}

/** First Home Assistant that takes `default_entity_id`; later ones complain about `object_id`. */
const entityIdsSince = [2025, 10] as const;

/** Whether every Home Assistant that listens is at least this new. */
export function knows(minimum: DeviceContext['minimum'], [year, month]: readonly [number, number]): boolean {
  return minimum === null || minimum[0] > year || (minimum[0] === year && minimum[1] >= month);
}

export function slugOf(id: string): string {
  return id.toLowerCase().replace(/[^a-z0-9]+/g, '_');
}

/** Text as a string of Home Assistant's templates. */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}
