import { createHash } from 'node:crypto';
import { unzipSync } from 'fflate';
import { z } from 'zod';
import { configurationName, manifestName, readmeName, valueOfFile } from '#config';
import { TonearmError } from '#foundation';

/** Bytes of all files together. */
const largest = 4 * 1024 * 1024;
const mostFiles = 500;

const Manifest = z.looseObject({ form: z.literal(1), tonearm: z.string().max(64), made: z.string().max(64), left_out: z.array(z.string().max(500)).max(500), files: z.record(z.string(), z.string()) });

export interface UnpackedBackup {
  readonly tonearm: string;
  readonly made: string;
  readonly leftOut: readonly string[];
  readonly configuration: string;
  /** Of the store, by name. */
  readonly values: ReadonlyMap<string, unknown>;
}

/** Reads a backup, in memory. Throws `command/bad-backup` for what is not one of ours, was damaged or holds anything else. */
export function unpackBackup(archive: Uint8Array): UnpackedBackup {
  const files = new Map(Object.entries(unzip(archive)).map(([name, bytes]) => [name, Buffer.from(bytes).toString('utf8')]));
  const { tonearm, made, left_out: leftOut, files: sums } = manifestOf(files.get(manifestName));
  const values = new Map<string, unknown>();
  for (const [name, text] of files) {
    if (name === manifestName || name === readmeName) continue;
    if (createHash('sha256').update(text).digest('hex') !== sums[name]) throw bad(`its part ${name} is damaged`);
    const value = valueOfFile(name);
    if (value === null) continue;
    const content = parsed(text);
    if (content === null) throw bad(`its part ${name} cannot be read`);
    values.set(value, content);
  }
  const missing = Object.keys(sums).find((name) => !files.has(name));
  if (missing !== undefined) throw bad(`its part ${missing.slice(0, 100)} is missing`);
  const configuration = files.get(configurationName);
  if (configuration === undefined) throw bad('there is no configuration in it');
  return { tonearm: plain(tonearm), made: plain(made), leftOut: leftOut.map(plain), configuration, values };
}

/** Names and sizes are looked at before anything is unpacked. */
function unzip(archive: Uint8Array): Record<string, Uint8Array> {
  let size = 0;
  const names = new Set<string>();
  try {
    return unzipSync(archive, {
      filter({ name, size: packed, originalSize }) {
        if (![configurationName, manifestName, readmeName].includes(name) && valueOfFile(name) === null) throw bad(`it holds something that is not of a backup: ${JSON.stringify(name.slice(0, 100))}`);
        if (names.has(name)) throw bad(`it holds ${name} twice`);
        // What is not compressed is taken in its packed size, whatever it claims.
        size += Math.max(packed, originalSize);
        if (names.add(name).size > mostFiles || size > largest) throw bad('it is far too large');
        return true;
      },
    });
  } catch (error) {
    throw error instanceof TonearmError ? error : bad('it cannot be unpacked');
  }
}

function manifestOf(text: string | undefined): z.output<typeof Manifest> {
  const found = Manifest.safeParse(parsed(text));
  if (found.success) return found.data;
  throw bad('it has no manifest that this version understands');
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null;
  }
}

/** For a terminal. */
const plain = (text: string) => text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?');

const bad = (why: string) => new TonearmError({ kind: 'invalid', code: 'command/bad-backup', message: `This is no backup of Tonearm that can be restored: ${why}. Nothing was changed.` });
