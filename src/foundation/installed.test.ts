import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isInstalled } from './installed.ts';

const { PATH } = process.env;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-installed-'));
  await writeFile(join(folder, 'player'), '#!/bin/sh\n');
  await chmod(join(folder, 'player'), 0o755);
  await writeFile(join(folder, 'notes'), 'nothing to run\n');
  await mkdir(join(folder, 'folder'));
  process.env['PATH'] = `/nowhere:${folder}`;
});
afterAll(async () => {
  process.env['PATH'] = PATH;
  await rm(folder, { recursive: true });
});

it.each([['player', true], ['notes', false], ['folder', false], ['missing', false]])('%s is installed: %s', async (name, expected) => {
  expect(await isInstalled(name)).toBe(expected);
});
