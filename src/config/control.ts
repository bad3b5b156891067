import { realpath } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { isAlias, isMap, isNode, isSeq, visit, type Document, type Node, type YAMLMap, type YAMLSeq } from 'yaml';
import type { Control, ZoneChange } from '#core';
import { Emitter, every, TonearmError, type Clock, type Log, type LogLevel } from '#foundation';
import { checkConfig, readText, type Config, type ConfigSource, type LoadedConfig } from './load.ts';
import { ConfigError } from './problem.ts';
import { slugOf } from './slug.ts';
import { plainText } from './yaml-file.ts';

/** How often the file is looked at. Milliseconds. */
const rhythm = 15_000;

export interface ControlParts {
  readonly source: ConfigSource;
  /** What the daemon runs on now. */
  readonly loaded: LoadedConfig;
  readonly clock: Clock;
  readonly log: Log & { level: LogLevel };
  /** Replaces the file as one step. */
  readonly write: (path: string, text: string) => Promise<void>;
  /** Begins soon after it was called, so that answers get out. */
  readonly restart: () => void;
}

/** Changes to the daemon itself, by way of its configuration file. */
export function openControl({ source, loaded, clock, log, write, restart }: ControlParts): Control & Disposable {
  const emitter = new Emitter<{ changed: undefined }>((error) => log.error('A listener failed', { error }));
  let isStale = false;
  let queue: Promise<unknown> = Promise.resolve();
  const look = async () => {
    const now = await readText(source.path).then((text) => text !== loaded.text, () => isStale);
    if (now === isStale) return;
    isStale = now;
    if (now) log.info('The configuration file has changed. Restart Tonearm (or send it SIGHUP) to use it.', { path: source.path });
    emitter.emit('changed', undefined);
  };
  const watch = every(clock, rhythm, () => void look());

  /** One change after the other; each on the file as it is then. One that changes nothing is done. */
  const edit = <T>(keys: readonly string[], change: (document: Document, config: Config) => T): Promise<T> => {
    const work = async () => {
      refuseOverrides(source, keys);
      const { file, config } = await checkConfig(await readText(source.path), source);
      const { document } = file;
      if (!isMap(document.contents)) document.contents = document.createNode({});
      const before = document.toString({ lineWidth: 0 });
      const outcome = change(document, config);
      const text = document.toString({ lineWidth: 0 });
      // Who says at every start what is so already must not cause the next one.
      if (text === before) return outcome;
      await checkConfig(text, source); // rejects before anything is written
      // Where a link leads, so that it stays one.
      await write(await realpath(source.path), text).catch((error: unknown) => {
        throw new ConfigError('config/not-writable', `The configuration file ${source.path} cannot be changed (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}). Correct the permissions of the file and its folder, or change it by hand.`);
      });
      restart();
      return outcome;
    };
    const done = queue.then(work, work);
    queue = done.catch(() => undefined);
    return done;
  };
  const editZones = <T>(change: (zones: YAMLSeq, document: Document, ids: readonly string[]) => T): Promise<T> =>
    edit(['zones'], (document, config) => change(zonesOf(document, config), document, config.zones.map(({ id }) => id)));

  return {
    events: emitter.events,
    get restartRequired() {
      return isStale;
    },
    get logLevel() {
      return log.level;
    },
    setLogLevel(level) {
      if (level === log.level) return;
      log.level = level;
      emitter.emit('changed', undefined);
    },
    async restart() {
      await checkConfig(await readText(source.path), source);
      restart();
    },
    addZone: ({ name, id }) =>
      editZones((zones, document, ids) => {
        const own = id ?? slugOf(name.trim());
        if (ids.includes(own)) throw new TonearmError({ kind: 'conflict', code: 'config/zone-exists', message: `There already is a zone "${own}". Give the new one another name, or an id of its own.` });
        zones.add(document.createNode({ name: plainText(name.trim()), ...(id !== undefined && { id: plainText(id) }) }));
        return own;
      }),
    removeZone: (id) =>
      editZones((zones, document, ids) => {
        const at = indexOf(ids, id);
        if (zones.items.length === 1) throw new TonearmError({ kind: 'conflict', code: 'config/last-zone', message: 'The last zone cannot be removed: without one there would be nothing to play to.' });
        freeOf(document, anchorsIn(zones.items[at]));
        takeOut(zones, at);
      }),
    changeZone: (id, { name, options = {} }: ZoneChange) =>
      editZones((zones, document, ids) => {
        const zone = zones.items[indexOf(ids, id)];
        if (!isMap(zone)) throw noSuchZone(id);
        putOptions(document, zone, options);
        if (name === undefined) return;
        zone.set('name', plainText(name.trim()));
        // The id comes from the name unless it is written down; it has to stay.
        if (!zone.has('id')) zone.set('id', document.createNode(id));
      }),
    setAutomation: (kind, settings) => edit(Object.values(automationKeys), (document, { automations }) => putAutomation(document, automations, automationKeys[kind], settings)),
    removeAutomation: (id) => edit(Object.values(automationKeys), (document, { automations }) => dropAutomation(document, automations, id)),
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

/** A list as written; null when the file has none. */
function listOf(document: Document, key: string): YAMLSeq | null {
  const written = document.get(key, true);
  if (isAlias(written)) freeOf(document, new Set([written.source]));
  const found = document.get(key);
  return isSeq(found) ? found : null;
}

/** Made from what runs when the file has none. */
function zonesOf(document: Document, config: Pick<Config, 'zones'>): YAMLSeq {
  return listOf(document, 'zones') ?? makeList(document, 'zones', config.zones.map(({ name, id }) => (id === slugOf(name) ? { name: plainText(name) } : { name: plainText(name), id })));
}

function makeList(document: Document, key: string, items: readonly unknown[]): YAMLSeq {
  const written = document.get(key, true);
  const made = document.createNode(items) as unknown as YAMLSeq;
  // Its entries may all stand there as comments.
  if (isNode(written) && written.comment != null) made.comment = written.comment;
  document.set(key, made);
  return made;
}

/** The comment right above it goes with it. To the parser the one above the first entry is the list's. */
function takeOut(list: YAMLSeq, at: number): void {
  list.delete(at);
  if (at > 0) return;
  const kept = list.commentBefore?.match(/^[^]*\n\n/)?.[0] ?? '';
  const next = list.items[0];
  list.commentBefore = `${kept}${(isNode(next) && next.commentBefore) || ''}` || null;
  if (!isNode(next)) return;
  next.commentBefore = null;
  next.spaceBefore = false;
}

/** Where the sound goes and which ports are open is not among them: that is for whoever can write the file. */
const zoneOptions = ['bitrate', 'normalisation', 'autoplay', 'volume', 'device'];

function putOptions(document: Document, zone: YAMLMap, options: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(options)) {
    if (!zoneOptions.includes(key)) throw new TonearmError({ kind: 'invalid', code: 'config/closed-option', message: `"${key.slice(0, 40)}" cannot be changed from outside. These can: ${zoneOptions.join(', ')}. Everything else is changed in the configuration file.` });
    const written = zone.get(key, true);
    if (isWritten(document, written, plainTexts(value))) continue;
    freeOf(document, isAlias(written) ? new Set([written.source]) : anchorsIn(written));
    const inner = zone.get(key);
    if (value === null) zone.delete(key);
    else if (isMap(inner) && isRecord(value)) for (const [name, one] of Object.entries(value).filter(([name, one]) => !isWritten(document, inner.get(name, true), plainTexts(one)))) inner.set(name, document.createNode(plainTexts(one)));
    else zone.set(key, document.createNode(plainTexts(value)));
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Defined = Config['automations'];

function putAutomation(document: Document, defined: Defined, key: AutomationKey, settings: Readonly<Record<string, unknown>>): string {
  const { id } = settings;
  if (typeof id !== 'string') throw new TonearmError({ kind: 'invalid', code: 'config/no-automation-id', message: 'A rule or an alarm needs an id: {"id": "morning", …}, as in the configuration.' });
  const list = listOf(document, key) ?? makeList(document, key, []);
  const at = positionOf(defined, key, id);
  const written = list.items[at];
  const wanted = plainTexts(settings);
  if (isWritten(document, written, wanted)) return id;
  refuseReach(settings);
  const node = document.createNode(wanted) as Node;
  // Left from a list that was written as [].
  if (list.items.length === 0) list.flow = false;
  if (!isNode(written)) list.add(node);
  else {
    freeOf(document, anchorsIn(written));
    Object.assign(node, { commentBefore: written.commentBefore, spaceBefore: written.spaceBefore, comment: written.comment });
    list.set(at, node);
  }
  return id;
}

/** What says or hears anything on MQTT does it with our login at the broker: that is for whoever can write the file. */
function refuseReach(part: unknown): void {
  if (typeof part !== 'object' || part === null) return;
  for (const [key, inner] of Object.entries(part)) {
    if (key === 'publish' || key === 'mqtt') throw new TonearmError({ kind: 'invalid', code: 'config/closed-option', message: `A rule with "${key}" cannot be defined from outside: it would use Tonearm's own login at the broker. Write it into the configuration file.` });
    refuseReach(inner);
  }
}

function dropAutomation(document: Document, defined: Defined, id: string): void {
  for (const key of Object.values(automationKeys)) {
    const list = listOf(document, key);
    const at = positionOf(defined, key, id);
    if (!list || at < 0) continue;
    freeOf(document, anchorsIn(list.items[at]));
    takeOut(list, at);
    return;
  }
  throw new TonearmError({ kind: 'not-found', code: 'config/no-such-automation', message: `There is no automation or alarm "${id.slice(0, 64)}" in the configuration file.` });
}

const automationKeys = { rule: 'automations', alarm: 'alarms' } as const;

type AutomationKey = (typeof automationKeys)[keyof typeof automationKeys];

/** By the ids that are meant: those in the file may be numbers, aliases or variables. */
const positionOf = (defined: Defined, key: AutomationKey, id: string): number => defined?.[key].findIndex((one) => one.id === id) ?? -1;

/** Whether exactly this stands there. */
const isWritten = (document: Document, node: unknown, value: unknown): boolean => isNode(node) && isDeepStrictEqual(node.toJS(document), value);

/** What somebody sends must not look into our environment, at any depth. */
function plainTexts(value: unknown): unknown {
  if (typeof value === 'string') return plainText(value);
  if (Array.isArray(value)) return value.map(plainTexts);
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plainTexts(one)])) : value;
}

/** Names that aliases elsewhere may refer to. */
function anchorsIn(part: unknown): ReadonlySet<string> {
  const anchors = new Set<string>();
  if (isNode(part)) visit(part, { Value: (_key, { anchor }) => void anchors.add(anchor ?? '') });
  anchors.delete('');
  return anchors;
}

/** Writes out what aliases to these anchors stand for: what they refer to goes away, or is no more the same. */
function freeOf(document: Document, anchors: ReadonlySet<string>): void {
  if (anchors.size === 0) return;
  visit(document, {
    Alias(_key, alias) {
      const copy = anchors.has(alias.source) ? alias.resolve(document)?.clone() : undefined;
      if (copy) visit(copy as Node, { Value: (_at, node) => { delete node.anchor; } });
      return copy as Node | undefined;
    },
  });
}

function indexOf(ids: readonly string[], id: string): number {
  const at = ids.indexOf(id);
  if (at < 0) throw noSuchZone(id);
  return at;
}

const noSuchZone = (id: string) => new TonearmError({ kind: 'not-found', code: 'config/no-such-zone', message: `There is no zone "${id.slice(0, 64)}" in the configuration file.` });

/** What the environment says goes before the file: a change there would show nothing. */
function refuseOverrides({ environment }: ConfigSource, keys: readonly string[]): void {
  const name = Object.keys(environment).find((key) => keys.some((one) => key.startsWith(`TONEARM_CONFIG_${one.toUpperCase()}`)) && environment[key] !== undefined);
  if (name === undefined) return;
  throw new TonearmError({ kind: 'conflict', code: 'config/set-by-environment', message: `${keys.includes('zones') ? 'Zones' : 'Automations'} are set by the environment variable ${name}, which goes before the configuration file. Change them there.` });
}
