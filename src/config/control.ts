import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { isAlias, isMap, isNode, isSeq, type Document, type Node, type YAMLMap, type YAMLSeq } from 'yaml';
import type { Control, Store, ZoneChange } from '#core';
import { Emitter, every, TonearmError, type Clock, type Log, type LogLevel } from '#foundation';
import { checkConfig, readText, type Config, type ConfigSource, type LoadedConfig } from './load.ts';
import { ConfigError } from './problem.ts';
import { slugOf } from './slug.ts';
import { anchorsIn, freeOf, isWritten, mergeInto, plainTexts, withCommentsOf } from './yaml-edit.ts';
import { plainText } from './yaml-file.ts';

/** How often the file is looked at. Milliseconds. */
const rhythm = 15_000;

export interface ControlParts {
  readonly source: ConfigSource;
  /** What the daemon runs on now. */
  readonly loaded: LoadedConfig;
  readonly clock: Clock;
  readonly log: Log & { level: LogLevel };
  /** Replaces the file as one step; who may read it stays the same. */
  readonly write: (path: string, text: string, replaced: Pick<Stats, 'uid' | 'gid' | 'mode'>) => Promise<void>;
  /** Begins soon after it was called, so that answers get out. */
  readonly restart: () => void;
  /** Stores at once what would be stored soon: backups are made of what is stored. */
  readonly keep: () => Promise<void>;
  /** What is kept, for backups. */
  readonly store: Pick<Store, 'read' | 'names'>;
  readonly version: string;
}

export interface OpenControl extends Control, AsyncDisposable {
  /** Every change that was asked for so far; another object once there is one more. Never rejects. */
  readonly changes: Promise<unknown>;
}

/** Changes to the daemon itself, by way of its configuration file. Closed, it refuses new ones; those before are waited for. */
export function openControl({ source, loaded, clock, log, write, restart, keep, store, version }: ControlParts): OpenControl {
  const emitter = new Emitter<{ changed: undefined }>((error) => log.error('A listener failed', { error }));
  let isStale = false;
  let isClosed = false;
  /** What the file held when it was last the same as what runs. */
  let known = loaded.text;
  let queue: Promise<unknown> = Promise.resolve();
  const look = async () => {
    const now = await readText(source.path).then((text) => text !== known, () => isStale);
    if (now === isStale) return;
    isStale = now;
    if (now) log.info('The configuration file has changed. Restart Tonearm (or send it SIGHUP) to use it.', { path: source.path });
    emitter.emit('changed', undefined);
  };
  const watch = every(clock, rhythm, () => void look());

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    if (isClosed) return Promise.reject(new TonearmError({ kind: 'unavailable', code: 'config/restarting', message: 'Tonearm is just starting again, so nothing was changed. Ask once more in a few seconds.' }));
    const done = queue.then(work, work);
    queue = done.catch(() => undefined);
    return done;
  };
  /** One change after the other; each on the file as it is then. One that changes nothing is done. */
  const edit = <T>(keys: readonly string[], change: (document: Document, config: Config) => T, after = (_config: Config, isChanged: boolean) => { if (isChanged) restart(); }): Promise<T> =>
    inTurn(async () => {
      refuseOverrides(source, keys);
      const found = await readText(source.path);
      const { file, config } = await checkConfig(found, source);
      const { document } = file;
      if (!isMap(document.contents)) document.contents = document.createNode({});
      const before = document.toString({ lineWidth: 0 });
      const outcome = change(document, config);
      const text = document.toString({ lineWidth: 0 });
      // Who says at every start what is so already must not cause the next one.
      if (text === before) {
        after(config, false);
        return outcome;
      }
      const wanted = await checkConfig(text, source); // rejects before anything is written
      // Where a link leads, so that it stays one.
      await realpath(source.path).then(async (place) => write(place, text, await stat(place))).catch((error: unknown) => {
        throw new ConfigError('config/not-writable', `The configuration file ${source.path} cannot be changed (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}). Correct the permissions of the file and its folder, or change it by hand.`);
      });
      if (found === known) known = text;
      after(wanted.config, true);
      return outcome;
    });
  const editZones = <T>(change: (zones: YAMLSeq, document: Document, ids: readonly string[]) => T): Promise<T> =>
    edit(['zones'], (document, config) => change(zonesOf(document, config), document, config.zones.map(({ id }) => id)));

  const setLogLevel = (level: LogLevel) => {
    if (level === log.level) return;
    log.level = level;
    emitter.emit('changed', undefined);
  };

  return {
    events: emitter.events,
    get changes() {
      return queue;
    },
    get restartRequired() {
      return isStale;
    },
    get logLevel() {
      return log.level;
    },
    setLogLevel,
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
    async changeOptions(options) {
      if (Object.keys(options).length === 0) return { restarts: false };
      const { checkOptions, isLive } = await import('./options.ts');
      await checkOptions(options, source.environment);
      let restarts = false;
      await edit([], (document, { mqtt }) => {
        if ('mqtt' in options && !mqtt) throw new ConfigError('config/invalid', 'The configuration file has no "mqtt" section, and its settings are for a broker of your own. Write mqtt.url into the file first. Nothing was changed.');
        mergeInto(document, document.contents as YAMLMap, options);
      }, ({ log: { level } }, isChanged) => {
        if ('log' in options) setLogLevel(level);
        restarts = isChanged && !isLive(options);
        if (restarts) restart();
      });
      return { restarts };
    },
    async backup() {
      const { makeBackup } = await import('./backup.ts');
      await keep();
      return await makeBackup({ source, store, version, now: clock.now() });
    },
    setAutomation: (kind, settings) => edit(Object.values(automationKeys), (document, { automations }) => putAutomation(document, automations, automationKeys[kind], settings)),
    removeAutomation: (id) => edit(Object.values(automationKeys), (document, { automations }) => dropAutomation(document, automations, id)),
    async [Symbol.asyncDispose]() {
      isClosed = true;
      watch[Symbol.dispose]();
      await queue;
    },
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
  for (const key of Object.keys(options)) {
    if (!zoneOptions.includes(key)) throw new TonearmError({ kind: 'invalid', code: 'config/closed-option', message: `"${key.slice(0, 40)}" cannot be changed from outside. These can: ${zoneOptions.join(', ')}. Everything else is changed in the configuration file.` });
  }
  mergeInto(document, zone, options);
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
    list.set(at, withCommentsOf(written, node));
  }
  return id;
}

/** What a rule does with our login at the broker, from this machine or as the user we are: that is for whoever can write the file. */
const reach: Readonly<Record<string, string>> = {
  publish: 'it would use Tonearm\'s own login at the broker',
  mqtt: 'it would use Tonearm\'s own login at the broker',
  request: 'it would reach what only this machine may reach',
  program: 'it would run as the user Tonearm runs as',
};

function refuseReach(part: unknown): void {
  if (typeof part !== 'object' || part === null) return;
  for (const [key, inner] of Object.entries(part)) {
    if (reach[key] !== undefined && Object.hasOwn(reach, key)) throw new TonearmError({ kind: 'invalid', code: 'config/closed-option', message: `A rule with "${key}" cannot be defined from outside: ${reach[key]}. Write it into the configuration file.` });
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
