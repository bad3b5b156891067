import { writableKeys } from './wire/index.ts';

export interface TopicRow {
  /** Below the prefix. `<zone>`, `<key>` and `<name>` stand for one level each. */
  readonly topic: string;
  readonly direction: 'out' | 'in';
  readonly retained: boolean;
  readonly qos: 0 | 1;
  readonly payload: string;
}

/** Every topic we use, once: publishing, subscribing, Home Assistant's discovery and docs/mqtt.md are made from it. */
export const topicTable = {
  bridgeState: { topic: 'bridge/state', direction: 'out', retained: true, qos: 1, payload: '`{"state":"online"}`, or `offline`; also our last will' },
  bridgeInfo: { topic: 'bridge/info', direction: 'out', retained: true, qos: 1, payload: 'version, Node, system, instance, settings without secrets' },
  bridgePlayers: { topic: 'bridge/players', direction: 'out', retained: true, qos: 1, payload: 'list of zones: `id`, `name`, `area`, `topic`, `features`' },
  bridgePresets: { topic: 'bridge/presets', direction: 'out', retained: true, qos: 1, payload: 'list of presets: `id`, `name`, `uri`, `zones`' },
  bridgeAutomations: { topic: 'bridge/automations', direction: 'out', retained: true, qos: 1, payload: 'automations and alarms, people and rooms, see below' },
  bridgeTags: { topic: 'bridge/tags', direction: 'out', retained: true, qos: 1, payload: 'readers, what tags stand for, what is learnt just now; empty without `tags` in the configuration' },
  bridgeTag: { topic: 'bridge/tag', direction: 'out', retained: true, qos: 1, payload: 'the tag read last, and what came of it; empty without `tags`' },
  bridgeHealth: { topic: 'bridge/health', direction: 'out', retained: true, qos: 1, payload: 'every 10 minutes and when a part gets ill or well: uptime, memory, message counters, lag of the event loop, how the parts are' },
  bridgeEvent: { topic: 'bridge/event', direction: 'out', retained: false, qos: 0, payload: '`{"type":"notice","data":{"zone":"kitchen","code":"…","message":"…"}}`, see below' },
  bridgeLogging: { topic: 'bridge/logging', direction: 'out', retained: false, qos: 0, payload: '`{"level":"warn","message":"…","namespace":"spotify"}`; only with the setting `logging`' },
  bridgeRequest: { topic: 'bridge/request/<name>', direction: 'in', retained: false, qos: 1, payload: 'empty, or JSON with an optional `transaction`' },
  bridgeResponse: { topic: 'bridge/response/<name>', direction: 'out', retained: false, qos: 0, payload: '`{"status":"ok","data":{…}}` or `{"status":"error","error":"…","message":"…","data":{}}`' },
  zoneState: { topic: '<zone>', direction: 'out', retained: true, qos: 1, payload: 'the state, see below' },
  zoneAvailability: { topic: '<zone>/availability', direction: 'out', retained: true, qos: 1, payload: '`{"state":"online"}` or `offline`' },
  zoneAttributes: { topic: '<zone>/attributes', direction: 'out', retained: true, qos: 1, payload: 'who did it (`changed_by`, `started_by`), context, fade, last error, what is accepted now' },
  zonePosition: { topic: '<zone>/position', direction: 'out', retained: false, qos: 0, payload: '`{"position":42,"duration":214,"updated_at":"…","rate":1}` on every jump and every 10 s while playing' },
  zoneImage: { topic: '<zone>/image_url', direction: 'out', retained: true, qos: 0, payload: 'address of the cover; the last one stays when nothing plays' },
  zoneCover: { topic: '<zone>/image', direction: 'out', retained: true, qos: 0, payload: 'the cover as JPEG, at most 640 pixels wide and 256 kB; empty when there is none; only with `artwork: bytes`' },
  zoneQueue: { topic: '<zone>/queue', direction: 'out', retained: true, qos: 0, payload: 'what comes next; only with the setting `queue`' },
  zoneEvent: { topic: '<zone>/event', direction: 'out', retained: false, qos: 0, payload: '`{"event_type":"track_changed", …}`' },
  zoneResponse: { topic: '<zone>/response', direction: 'out', retained: false, qos: 0, payload: 'answer to a command with a `transaction`, and every refusal' },
  zoneSet: { topic: '<zone>/set', direction: 'in', retained: false, qos: 1, payload: 'JSON with any of the keys below, done as one step' },
  zoneSetKey: { topic: '<zone>/set/<key>', direction: 'in', retained: false, qos: 1, payload: 'the bare value' },
  zoneGet: { topic: '<zone>/get', direction: 'in', retained: false, qos: 0, payload: 'anything: state, attributes and position are sent again' },
  groupSet: { topic: 'group/all/set', direction: 'in', retained: false, qos: 1, payload: 'as `<zone>/set`, for every zone' },
  groupSetKey: { topic: 'group/all/set/<key>', direction: 'in', retained: false, qos: 1, payload: 'as `<zone>/set/<key>`, for every zone' },
  groupResponse: { topic: 'group/all/response', direction: 'out', retained: false, qos: 0, payload: 'as `<zone>/response`, `data` holds the outcome per zone' },
} as const satisfies Record<string, TopicRow>;

export type TopicName = keyof typeof topicTable;
type Named<Direction extends TopicRow['direction']> = { [N in TopicName]: (typeof topicTable)[N]['direction'] extends Direction ? N : never }[TopicName];
/** Topics we publish. */
export type OutName = Named<'out'>;
/** Topics we listen to. */
export type InName = Named<'in'>;

/** What stands for `<zone>`, `<key>` and `<name>`. */
export interface TopicPlace {
  readonly zone?: string;
  readonly key?: string;
  readonly name?: string;
}

/** Ids no zone may have, because they are the first level of other topics. */
export const reservedIds: ReadonlySet<string> = new Set(['bridge', 'group']);

const names = Object.keys(topicTable) as TopicName[];
const heard = names.filter((name): name is InName => topicTable[name].direction === 'in').map((row) => ({ row, pattern: topicTable[row].topic.split('/') }));

export class Topics {
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  of(name: TopicName, place: TopicPlace = {}): string {
    const topic = topicTable[name].topic.replace(/<(zone|key|name)>/g, (_, hole: keyof TopicPlace) => place[hole] ?? '');
    return `${this.prefix}/${topic}`;
  }

  /** One filter for each row we listen to. */
  filters(): readonly { readonly topic: string; readonly qos: 0 | 1 }[] {
    return names
      .filter((name) => topicTable[name].direction === 'in')
      .map((name) => ({ topic: this.of(name, { zone: '+', key: '+', name: '#' }), qos: topicTable[name].qos }));
  }

  /** Which row a received topic belongs to; `null` for one that is not ours to hear. */
  parse(topic: string): ({ readonly row: InName } & TopicPlace) | null {
    if (!topic.startsWith(`${this.prefix}/`)) return null;
    const levels = topic.slice(this.prefix.length + 1).split('/');
    for (const { row, pattern } of heard) {
      const place = match(pattern, levels);
      if (place) return { row, ...place };
    }
    return null;
  }
}

/** `<name>` is last and takes all that is left: requests may have two levels. */
function match(pattern: readonly string[], levels: readonly string[]): TopicPlace | null {
  const place: Record<string, string> = {};
  const open = pattern.at(-1) === '<name>';
  if (open ? levels.length < pattern.length : levels.length !== pattern.length) return null;
  for (const [at, want] of pattern.entries()) {
    const level = open && at === pattern.length - 1 ? levels.slice(at).join('/') : levels[at] ?? '';
    const hole = /^<(\w+)>$/.exec(want)?.[1];
    if (hole !== undefined && level !== '' && !(hole === 'zone' && reservedIds.has(level))) place[hole] = level;
    else if (want !== level) return null;
  }
  return place;
}

/** The table of topics of docs/mqtt.md. */
export function renderTopicTable(): string {
  const rows = names.map((name) => {
    const row: TopicRow = topicTable[name];
    return [`\`tonearm/${row.topic}\``, row.direction, row.direction === 'in' ? '–' : row.retained ? 'yes' : 'no', String(row.qos), row.payload];
  });
  return markdown(['Topic', 'Direction', 'Retained', 'QoS', 'Payload'], rows);
}

/** The table of writable keys of docs/mqtt.md. */
export function renderKeyTable(): string {
  const rows = Object.entries(writableKeys).map(([key, { forms, example }]) => [`\`${key}\``, forms, `\`${example}\``]);
  return markdown(['Key', 'Values', 'Example'], rows);
}

export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
