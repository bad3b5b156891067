import { realpath } from 'node:fs/promises';
import { isMap, isSeq, type Document, type YAMLSeq } from 'yaml';
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

  /** One change after the other; each on the file as it is then. */
  const edit = <T>(change: (zones: YAMLSeq, document: Document, ids: readonly string[]) => T): Promise<T> => {
    const work = async () => {
      refuseOverrides(source);
      const { file, config } = await checkConfig(await readText(source.path), source);
      const { document } = file;
      const outcome = change(zonesOf(document, config), document, config.zones.map(({ id }) => id));
      const text = document.toString({ lineWidth: 0 });
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
      edit((zones, document, ids) => {
        const own = id ?? slugOf(name.trim());
        if (ids.includes(own)) throw new TonearmError({ kind: 'conflict', code: 'config/zone-exists', message: `There already is a zone "${own}". Give the new one another name, or an id of its own.` });
        zones.add(document.createNode({ name: plainText(name.trim()), ...(id !== undefined && { id: plainText(id) }) }));
        return own;
      }),
    removeZone: (id) =>
      edit((zones, _document, ids) => {
        const at = indexOf(ids, id);
        if (zones.items.length === 1) throw new TonearmError({ kind: 'conflict', code: 'config/last-zone', message: 'The last zone cannot be removed: without one there would be nothing to play to.' });
        zones.delete(at);
      }),
    changeZone: (id, { name }: ZoneChange) =>
      edit((zones, document, ids) => {
        const zone = zones.items[indexOf(ids, id)];
        if (!isMap(zone)) throw noSuchZone(id);
        if (name === undefined) return;
        zone.set('name', plainText(name.trim()));
        // The id comes from the name unless it is written down; it has to stay.
        if (!zone.has('id')) zone.set('id', document.createNode(id));
      }),
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

/** The list of zones as written; made from what runs when the file has none. */
function zonesOf(document: Document, config: Pick<Config, 'zones'>): YAMLSeq {
  if (!isMap(document.contents)) document.contents = document.createNode({});
  const found = document.get('zones');
  if (isSeq(found)) return found;
  const made = document.createNode(config.zones.map(({ name, id }) => (id === slugOf(name) ? { name: plainText(name) } : { name: plainText(name), id }))) as unknown as YAMLSeq;
  document.set('zones', made);
  return made;
}

function indexOf(ids: readonly string[], id: string): number {
  const at = ids.indexOf(id);
  if (at < 0) throw noSuchZone(id);
  return at;
}

const noSuchZone = (id: string) => new TonearmError({ kind: 'not-found', code: 'config/no-such-zone', message: `There is no zone "${id.slice(0, 64)}" in the configuration file.` });

/** What the environment says goes before the file: a change there would show nothing. */
function refuseOverrides({ environment }: ConfigSource): void {
  const name = Object.keys(environment).find((key) => key.startsWith('TONEARM_CONFIG_ZONES') && environment[key] !== undefined);
  if (name === undefined) return;
  throw new TonearmError({ kind: 'conflict', code: 'config/set-by-environment', message: `Zones are set by the environment variable ${name}, which goes before the configuration file. Change them there.` });
}
