import { chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { handOver } from './hand-over.ts';

it.runIf(process.getuid?.() === 0)('what root has put into a folder of Tonearm’s user is given to that user', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tonearm-hand-over-'));
  await mkdir(join(folder, 'values'));
  await writeFile(join(folder, 'values/api-keys.json'), '[]');
  await chown(folder, 65_534, 65_533);
  await handOver(folder);
  const owners = await Promise.all(['values', 'values/api-keys.json'].map(async (name) => stat(join(folder, name))));
  expect(owners.map(({ uid, gid }) => [uid, gid])).toEqual([[65_534, 65_533], [65_534, 65_533]]);
  await rm(folder, { recursive: true });
});

it('a folder that is not there is no fault', async () => {
  await expect(handOver('/nowhere/at/all')).resolves.toBeUndefined();
});
