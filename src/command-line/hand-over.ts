import { lchown, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Gives what root has put into a folder to the folder's owner: Tonearm, run as that user, could not read it. */
export async function handOver(folder: string): Promise<void> {
  const owner = await stat(folder).catch(() => null);
  if (process.getuid?.() !== 0 || owner === null || owner.uid === 0) return;
  for (const { parentPath, name } of await readdir(folder, { recursive: true, withFileTypes: true })) await lchown(join(parentPath, name), owner.uid, owner.gid);
}
