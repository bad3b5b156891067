import { createHash } from 'node:crypto';
import { zipSync } from 'fflate';
import type { Backup, Store } from '#core';
import { TonearmError } from '#foundation';
import { configurationName, fileOfValue, isKept, largestBackup, manifestName, readmeName } from './backup-names.ts';
import { checkConfig, readText, type ConfigSource } from './load.ts';
import { ConfigError } from './problem.ts';
import { withoutLogin, withoutSecrets } from './without-secrets.ts';

export interface BackupParts {
  readonly source: ConfigSource;
  readonly store: Pick<Store, 'read' | 'names'>;
  readonly version: string;
  readonly now: number;
}

/** Rejects for a configuration that cannot be used: it would not be of use elsewhere either. */
export async function makeBackup({ source, store, version, now }: BackupParts): Promise<Backup> {
  const { text, leftOut } = withoutSecrets(await checkConfig(await readText(source.path), source));
  await checkConfig(text, source).catch((error: unknown) => {
    throw error instanceof ConfigError ? notWithout(leftOut, error, source) : error;
  });
  const files: Record<string, string> = { [configurationName]: text };
  const told = [...leftOut];
  for (const name of (await store.names('')).filter(isKept)) {
    const value = await store.read(name);
    if (value === null) continue;
    const without = JSON.stringify(withoutLogins(value));
    if (without !== JSON.stringify(value)) told.push(`${name} (a login in an address)`);
    files[fileOfValue(name)] = `${without}\n`;
  }
  const made = new Date(now).toISOString();
  const sums = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, createHash('sha256').update(content).digest('hex')]));
  files[manifestName] = `${JSON.stringify({ form: 1, tonearm: version, made, left_out: told, files: sums }, null, 2)}\n`;
  files[readmeName] = readme(version, made, told);
  const zip = zipSync(Object.fromEntries(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)])), { level: 9 });
  if (zip.length > largestBackup) throw new TonearmError({ kind: 'conflict', code: 'config/backup-too-large', message: `The backup has ${Math.ceil(zip.length / 1024)} KiB, and ${largestBackup / 1024} is the most that is sent. Copy the configuration file and the data folder instead; docs/install.md says how.` });
  return { zip, leftOut: told };
}

/** Letter by letter it would be JSON, where quotes are not as they are meant. */
function withoutLogins(value: unknown): unknown {
  if (typeof value === 'string') return withoutLogin(value);
  if (Array.isArray(value)) return value.map(withoutLogins);
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutLogins(one)])) : value;
}

/** Lines and columns of what was to be the backup would tell nobody anything. */
function notWithout(leftOut: readonly string[], { problems }: ConfigError, { environment }: ConfigSource): TonearmError {
  const groups = problems.map(({ key }) => `TONEARM_CONFIG_${(/^\w*/.exec(key)?.[0] ?? '').toUpperCase()}`);
  const variables = Object.keys(environment).filter((name) => groups.some((group) => name.startsWith(group)));
  const why = variables.length === 0 ? 'an alias puts it where something is needed. Write what is meant there' : `the environment sets ${variables.join(', ')}. Set that and the secret in the same place, both in the file or both in the environment`;
  return new TonearmError({
    kind: 'conflict',
    code: 'config/backup-incomplete',
    message: `A backup cannot be made without what is secret in the configuration (${leftOut.join(', ')}), because ${why}.\n${problems.map(({ key, message }) => `  ${key}: ${message}`).join('\n')}`,
  });
}

const readme = (version: string, made: string, leftOut: readonly string[]) => `A backup of Tonearm ${version}, made ${made}.

To put it back:  tonearm restore FILE.zip

It holds the configuration without its comments, presets, tags and volumes, what was switched by hand, and who this speaker is.
Logins, passwords, keys and tokens are not in it. Left out of the configuration:
${leftOut.length === 0 ? '  nothing' : leftOut.map((one) => `  ${one}`).join('\n')}

It makes the speaker it was made of. Do not let that one run beside it.
`;
