import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { chmod, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TonearmError, type Log } from '#foundation';

/**
 * Replaces a file as one step: after a power cut there is the old content or the new one, never a mixture.
 * Readable by its owner only, or with the mode of the file it replaces, and with its owner and group where they may be given.
 */
export async function writeFileAtomically(path: string, content: Uint8Array | string, replaced?: Pick<Stats, 'uid' | 'gid' | 'mode'>): Promise<void> {
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      if (replaced) {
        // Nobody but root may give a file away; its group may be one of ours all the same.
        const isItsGroup = await file.chown(replaced.uid, replaced.gid).catch(() => file.chown(-1, replaced.gid)).then(() => true, () => false);
        // What its group might do is not for ours.
        await file.chmod(replaced.mode & (isItsGroup ? 0o777 : 0o707));
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Makes the rename itself durable. Some file systems refuse to sync a folder; then their own order has to do. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch {
    // Nothing to mend: the content itself is on disk.
  }
}

/** A folder only its owner can enter; parents are made as the system's habits say. */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new TonearmError({
      kind: 'invalid',
      code: 'host/data-not-writable',
      message: `The folder ${path} for Tonearm's data cannot be made (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}). Choose another with --data or the setting "data", or correct its permissions.`,
      cause: error,
    });
  }
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/** Others on this machine could read it: corrected, and said. */
export async function keepPrivate(path: string, mode: number, log: Log): Promise<void> {
  const found = (await stat(path)).mode & 0o777;
  if ((found & 0o077) === 0) return;
  await chmod(path, mode);
  log.warn('Others on this machine could read Tonearm\'s data; the permissions have been corrected', { path, was: found.toString(8), is: mode.toString(8) });
}
