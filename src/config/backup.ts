import { createHash } from 'node:crypto';
import { zipSync } from 'fflate';
import type { Backup, Store } from '#core';
import { TonearmError } from '#foundation';
import { configurationName, fileOfValue, isKept, largestBackup, manifestName, readmeName } from './backup-names.ts';
import { checkConfig, readText, type ConfigSource } from './load.ts';
import { withoutPassword, withoutSecrets } from './without-secrets.ts';

export interface BackupParts {
  readonly source: ConfigSource;
  readonly store: Pick<Store, 'read' | 'names'>;
  readonly version: string;
  readonly now: number;
}

/** Rejects for a configuration that cannot be used: it would not be of use elsewhere either. */
export async function makeBackup({ source, store, version, now }: BackupParts): Promise<Backup> {
  const { text, leftOut } = withoutSecrets(await checkConfig(await readText(source.path), source));
  await checkConfig(text, source);
  const files: Record<string, string> = { [configurationName]: text };
  const told = [...leftOut];
  for (const name of (await store.names('')).filter(isKept)) {
    const value = await store.read(name);
    if (value === null) continue;
    const written = JSON.stringify(value);
    const without = withoutPassword(written);
    if (without !== written) told.push(`${name} (a password in an address)`);
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

const readme = (version: string, made: string, leftOut: readonly string[]) => `A backup of Tonearm ${version}, made ${made}.

To put it back:  tonearm restore FILE.zip

It holds the configuration, presets and volumes, what was switched by hand, and who this speaker is.
Logins, passwords, keys and tokens are not in it. Left out of the configuration:
${leftOut.length === 0 ? '  nothing' : leftOut.map((one) => `  ${one}`).join('\n')}

It makes the speaker it was made of. Do not let that one run beside it.
`;
