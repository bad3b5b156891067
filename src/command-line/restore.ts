import { constants, type Stats } from 'node:fs';
import { access, copyFile, mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checkConfig, ConfigError, configurationName, formatProblem, isKept, largestBackup, type Config, type ConfigSource } from '#config';
import type { Store } from '#core';
import { TonearmError, toTonearmError } from '#foundation';
import { openHost, writeFileAtomically } from '#host';
import { handOver } from './hand-over.ts';
import { unpackBackup } from './unpack.ts';

export interface RestoreWorld {
  readonly source: ConfigSource;
  readonly version: string;
  /** For people, on stdout. */
  readonly say: (text: string) => void;
  /** What the log says meanwhile, on stderr. */
  readonly write: (line: string) => void;
}

/** Puts a backup in its place; nothing is written before all of it is known to be good. Rejects with a `TonearmError` that says why not. */
export async function restore(argv: readonly string[], { source, version, say, write }: RestoreWorld): Promise<void> {
  const { file, isForced, data } = readArguments(argv);
  const backup = unpackBackup(await readArchive(file));
  const config = await checkUnpacked(backup.configuration, source);
  const folder = data === undefined ? config.data : resolve(data);
  if (!isForced) await refuseToOverwrite(source.path, folder);
  const target = await targetAt(source.path);
  // Takes the lock of the folder.
  const host = await openHost({ ...config, data: folder, log: { ...config.log, level: 'warn' } }, { version, write });
  try {
    const kept = await writeConfiguration(target, backup.configuration);
    if (kept !== null) say(`The configuration that was there is ${kept} now.`);
    await writeValues(host.store, backup.values);
  } catch (error) {
    throw new TonearmError({ kind: 'unavailable', code: 'command/restore-failed', message: `Not all of the backup could be written to ${target.place} and ${folder} (${reasonOf(error)}). Mend that, and run the same command again, with --force.`, cause: error });
  } finally {
    await host[Symbol.asyncDispose]();
    await handOver(folder);
  }
  say([
    `Restored from the backup of ${backup.made} (Tonearm ${backup.tonearm}): ${target.place} and ${backup.values.size} values in ${folder}.`,
    ...(target.there === null ? [`Only the user who ran this may read ${target.place}. If Tonearm runs as another, let that one read it and enter its folder.`] : []),
    ...(backup.leftOut.length === 0 ? [] : ['Not in the backup, because it is secret; fill in what you need:', ...backup.leftOut.map((one) => `  ${one}`)]),
    'Next: make sure that the Tonearm this was made of does not run beside this one: both would be the same speaker (host/duplicate-identity).',
    'Then start Tonearm and log in again: pick the speaker in the Spotify app, or run "tonearm login". Keys for the API are made anew with "tonearm keys add NAME".',
  ].join('\n'));
}

function readArguments(argv: readonly string[]): { readonly file: string; readonly isForced: boolean; readonly data: string | undefined } {
  const usage = 'Usage: tonearm restore FILE.zip [--force] [--config PATH] [--data PATH]';
  const refuse = (what: string) => new TonearmError({ kind: 'invalid', code: 'command/wrong-usage', message: `${what}\n${usage}` });
  try {
    const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: { force: { type: 'boolean' }, config: { type: 'string' }, data: { type: 'string' } } });
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) throw refuse('Say which backup is to be restored.');
    return { file, isForced: values.force === true, data: values.data };
  } catch (error) {
    throw error instanceof TonearmError ? error : refuse((error as Error).message);
  }
}

async function readArchive(file: string): Promise<Buffer> {
  try {
    if ((await stat(file)).size > largestBackup) throw new TonearmError({ kind: 'invalid', code: 'command/bad-backup', message: `${file} is larger than any backup of Tonearm. Nothing was changed.` });
    return await readFile(file);
  } catch (error) {
    if (error instanceof TonearmError) throw error;
    throw new TonearmError({ kind: 'not-found', code: 'command/bad-backup', message: `The backup ${file} cannot be read (${reasonOf(error)}).` });
  }
}

/** What is wrong is in the archive, so its lines are not those of a file that may be at the same path. */
async function checkUnpacked(text: string, source: ConfigSource): Promise<Config> {
  try {
    return (await checkConfig(text, source)).config;
  } catch (error) {
    if (!(error instanceof ConfigError) || error.problems.length === 0) throw error;
    const problems = error.problems.map((problem) => ('file' in problem.place && problem.place.file === source.path ? { ...problem, place: { ...problem.place, file: `${configurationName} in the backup` } } : problem));
    throw new ConfigError('config/invalid', `The configuration in the backup cannot be used here. Nothing was changed.\n${problems.map((problem) => `  ${formatProblem(problem)}`).join('\n')}`, problems);
  }
}

async function refuseToOverwrite(path: string, folder: string): Promise<void> {
  for (const there of [path, join(folder, 'values')]) {
    const isThere = await stat(there).then(() => true, () => false);
    if (isThere) throw new TonearmError({ kind: 'conflict', code: 'command/would-overwrite', message: `There already is ${there}. Nothing was changed. With --force the backup takes its place: the configuration file is kept beside it, presets, tags, volumes and the identity are not.` });
  }
}

interface Target {
  /** Where the configuration goes: what `--config` names may be a link to it. */
  readonly place: string;
  readonly there: { readonly text: string; readonly stats: Stats } | null;
}

/** Rejects where nothing could be written: found out before anything is. */
async function targetAt(path: string): Promise<Target> {
  try {
    const place = await unlessMissing(realpath(path));
    if (place !== null) {
      const there = { text: await readFile(place, 'utf8'), stats: await stat(place) };
      await access(dirname(place), constants.W_OK);
      return { place, there };
    }
    let folder = dirname(resolve(path));
    while ((await unlessMissing(access(folder, constants.W_OK).then(() => true))) === null) folder = dirname(folder);
    return { place: path, there: null };
  } catch (error) {
    throw new TonearmError({ kind: 'invalid', code: 'command/restore-failed', message: `The configuration cannot be written to ${path} (${reasonOf(error)}). Correct that, or name another place with --config. Nothing was changed.`, cause: error });
  }
}

async function unlessMissing<T>(looked: Promise<T>): Promise<T | null> {
  try {
    return await looked;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Resolves with where the one that was there is now; null when there was none, or it was the same. */
async function writeConfiguration({ place, there }: Target, text: string): Promise<string | null> {
  if (there === null) {
    await mkdir(dirname(place), { recursive: true, mode: 0o700 });
    await writeFileAtomically(place, text);
    return null;
  }
  if (there.text === text) return null;
  const kept = await keep(place);
  await writeFileAtomically(place, text, there.stats);
  return kept;
}

/** Never over one that was kept before: that may be the only one with the passwords. */
async function keep(place: string): Promise<string> {
  for (let count = 1; ; count += 1) {
    const kept = `${place}.before-restore${count === 1 ? '' : `-${count}`}`;
    try {
      await copyFile(place, kept, constants.COPYFILE_EXCL);
      return kept;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** What the backup does not have was of another house. */
async function writeValues(store: Store, values: ReadonlyMap<string, unknown>): Promise<void> {
  for (const [name, value] of values) await store.write(name, value);
  for (const name of await store.names('')) {
    if (isKept(name) && !values.has(name)) await store.remove(name);
  }
}

function reasonOf(error: unknown): string {
  const { code } = (error instanceof TonearmError ? error.cause ?? error : error) as NodeJS.ErrnoException;
  return code ?? toTonearmError(error).message;
}
