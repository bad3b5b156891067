import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLock } from './lock.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'tonearm-lock-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the lock of the data folder', () => {
  it('is held by one at a time and leaves nothing behind', async () => {
    const path = join(folder, 'lock');
    const lock = await takeLock(path);
    await expect(takeLock(path)).rejects.toMatchObject({ kind: 'conflict', code: 'host/already-running' });
    await expect(takeLock(path)).rejects.toThrow(String(process.pid));
    await lock[Symbol.asyncDispose]();
    await lock[Symbol.asyncDispose]();
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes over what a dead process left', async () => {
    const child = spawn(process.execPath, ['-e', '0']);
    await once(child, 'exit');
    await writeFile(join(folder, 'lock'), JSON.stringify({ pid: child.pid, host: hostname(), began: null }));
    await using lock = await takeLock(join(folder, 'lock'));
    expect(lock).toBeDefined();
    expect(JSON.parse(await readFile(join(folder, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
  });

  it.each([
    ['a pid that now belongs to another process', JSON.stringify({ pid: process.pid, host: hostname(), began: 'another-boot/1' })],
    ['half a file', '{"pid":'],
    ['an empty file', ''],
    ['a container that is gone', JSON.stringify({ pid: 2 ** 22 + 1, host: '0123456789ab', began: 'x/1' })],
  ])('takes over %s', async (_what, left) => {
    await writeFile(join(folder, 'lock'), left);
    await using lock = await takeLock(join(folder, 'lock'));
    expect(lock).toBeDefined();
  });

  it('leaves the lock of another machine alone', async () => {
    await writeFile(join(folder, 'lock'), JSON.stringify({ pid: 1, host: 'another-machine', began: null }));
    await expect(takeLock(join(folder, 'lock'))).rejects.toThrow(/another-machine/);
  });

  it('is given to exactly one of many that find the same stale lock', async () => {
    await writeFile(join(folder, 'lock'), '');
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(join(folder, 'lock'))));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});
