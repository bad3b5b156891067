import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEntriesFile } from './entries-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-entries-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(text: string): Promise<string> {
  const path = join(folder, 'catalogue.json');
  await writeFile(path, text);
  return path;
}

describe('readEntriesFile', () => {
  it('finds files beside the list, and takes entries without any', async () => {
    const path = await write('[{"title":"One","duration":30000,"files":[{"format":2,"path":"one.ogg"}]},{"kind":"episode","title":"Two","album":"Show","duration":1}]');
    expect(await readEntriesFile(path)).toEqual([
      { title: 'One', duration: 30_000, files: [{ format: 2, content: { path: join(folder, 'one.ogg') } }] },
      { kind: 'episode', title: 'Two', album: 'Show', duration: 1, files: [] },
    ]);
  });

  it.each(['{', '{}', '[{"title":"One"}]', '[{"title":"One","duration":1,"tittle":""}]'])('says what is wrong with %s', async (text) => {
    await expect(readEntriesFile(await write(text))).rejects.toMatchObject({ code: 'simulator/bad-catalogue' });
  });

  it('says that there is no such file', async () => {
    await expect(readEntriesFile(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'simulator/no-catalogue' });
  });
});
