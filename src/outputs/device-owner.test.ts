import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { playbackOwners } from './device-owner.ts';

let proc: string;
beforeEach(async () => {
  proc = await mkdtemp(join(tmpdir(), 'tonearm-proc-'));
});
afterEach(() => rm(proc, { recursive: true }));

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(proc, path)), { recursive: true });
  await writeFile(join(proc, path), text);
}

/** What the kernel writes for an open stream. */
const open = (process: number) => `state: RUNNING\nowner_pid   : ${process}\ntrigger_time: 1.2\n`;

test('names who plays on which card, each once; capture and closed devices do not count', async () => {
  await put('asound/card0/pcm0p/sub0/status', open(4711));
  await put('asound/card0/pcm0p/sub1/status', 'closed\n');
  await put('asound/card0/pcm1p/sub0/status', open(4711));
  await put('asound/card1/pcm3p/sub0/status', open(99));
  await put('asound/card1/pcm0c/sub0/status', open(100));
  await put('4711/comm', 'mpd\n');
  await put('4711/stat', '4711 (mpd) S 1 4711');
  expect(await playbackOwners(proc, 1000)).toEqual([
    { name: 'mpd', process: 4711 },
    { name: 'a program', process: 99 },
  ]);
});

test('our own players are not accused', async () => {
  await put('asound/card0/pcm0p/sub0/status', open(50));
  await put('asound/card0/pcm0p/sub1/status', open(1000));
  await put('50/comm', 'aplay\n');
  await put('50/stat', '50 (a) (play) S 1000 50');
  expect(await playbackOwners(proc, 1000)).toEqual([]);
});

test('without sound cards, or without the right to look, nobody is accused', async () => {
  expect(await playbackOwners(proc)).toEqual([]);
  expect(await playbackOwners('/nowhere')).toEqual([]);
});
