import { copyFile, mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checkConfig, type ConfigSource, largestBackup } from '#config';
import { TonearmError, toTonearmError } from '#foundation';
import { openHost, writeFileAtomically } from '#host';
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
  const { config } = await checkConfig(backup.configuration, source);
  const folder = data === undefined ? config.data : resolve(data);
  if (!isForced) await refuseToOverwrite(source.path, folder);
  // Takes the lock of the folder.
  const host = await openHost({ ...config, data: folder, log: { ...config.log, level: 'warn' } }, { version, write });
  try {
    const kept = await writeConfiguration(source.path, backup.configuration);
    for (const [name, value] of backup.values) await host.store.write(name, value);
    say([
      `Restored from the backup of ${backup.made} (Tonearm ${backup.tonearm}): ${source.path} and ${backup.values.size} values in ${folder}.`,
      ...(kept === null ? [] : [`The configuration that was there is ${kept} now.`]),
      ...(backup.leftOut.length === 0 ? [] : ['Not in the backup, because it is secret; fill in what you need:', ...backup.leftOut.map((one) => `  ${one}`)]),
      'Next: make sure that the Tonearm this was made of does not run beside this one: both would be the same speaker (host/duplicate-identity).',
      'Then start Tonearm and log in again: pick the speaker in the Spotify app, or run "tonearm login". Keys for the API are made anew with "tonearm keys add NAME".',
    ].join('\n'));
  } finally {
    await host[Symbol.asyncDispose]();
  }
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
    throw new TonearmError({ kind: 'not-found', code: 'command/bad-backup', message: `The backup ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? toTonearmError(error).message}).` });
  }
}

async function refuseToOverwrite(path: string, folder: string): Promise<void> {
  for (const there of [path, join(folder, 'values')]) {
    const isThere = await stat(there).then(() => true, () => false);
    if (isThere) throw new TonearmError({ kind: 'conflict', code: 'command/would-overwrite', message: `There already is ${there}. Nothing was changed. With --force the backup takes its place: the configuration file is kept beside it, presets, volumes and the identity are not.` });
  }
}

/** Resolves with where the one that was there is now. */
async function writeConfiguration(path: string, text: string): Promise<string | null> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const place = await realpath(path).catch(() => null);
  if (place === null) {
    await writeFileAtomically(path, text);
    return null;
  }
  const kept = `${place}.before-restore`;
  await copyFile(place, kept);
  await writeFileAtomically(place, text);
  return kept;
}
