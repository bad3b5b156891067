import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { calm } from '../test-kit/decode-all.ts';
import { openFileBytes } from './file-bytes.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-bytes-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('gives the bytes of any place, ahead and aside', async () => {
  const path = join(folder, 'file');
  await writeFile(path, Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251)));
  await using file = await openFileBytes(path);
  expect(await file.size(calm)).toBe(200_000);
  for (const [at, options] of [[0, {}], [199_990, {}], [70_000, { ahead: false }], [65_530, {}]] as const) {
    const bytes = await file.read(at, 100, calm, options);
    expect(bytes.length).toBeGreaterThan(0);
    expect([...bytes]).toEqual(Array.from({ length: bytes.length }, (_, index) => (at + index) % 251));
  }
  expect((await file.read(200_000, 10, calm)).length).toBe(0);
});

test.each([{}, { ahead: false }])('what cannot be read is explained, %j', async (options) => {
  await expect(openFileBytes(join(folder, 'none'))).rejects.toMatchObject({ code: 'audio/file-missing' });
  await using file = await openFileBytes(folder);
  await expect(file.read(0, 10, calm, options)).rejects.toMatchObject({ code: 'audio/file-unreadable', message: expect.stringContaining('EISDIR') as string });
});
