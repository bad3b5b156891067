import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { FakeClock, silentLog, systemClock } from '#foundation';
import type { Programs } from '#core';
import { openOutput, OutputSettings } from '#outputs';
import { buildPrograms } from '../../src/audio/test-kit/programs.ts';
import { absentOutputContract, outputContract } from './output.contract.ts';

const calm = new AbortController().signal;
const format = { rate: 44_100, channels: 2 };
const missing = (program: string) => (spawnSync(program, ['--version'], { stdio: 'ignore' }).error ? `${program} is not installed` : null);
const noSpeaker = existsSync(new URL('../../node_modules/speaker/build/Release/binding.node', import.meta.url)) ? null : 'the package speaker is not installed';

let folder: string;
let programs: Programs;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-outputs-'));
  programs = await buildPrograms();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const fresh = () => join(folder, String(files++));
const concrete = (settings: object) => {
  const parsed = OutputSettings.parse(settings);
  if (parsed.kind === 'auto') throw new Error('Not a concrete output.');
  return parsed;
};
const open = (settings: object, clock = systemClock) => openOutput(concrete(settings), format, { clock, log: silentLog, programs }, calm);
const real = { pass: (milliseconds: number) => wait(milliseconds), canForget: true, isPaced: true };

outputContract('null', async () => {
  const clock = new FakeClock();
  return { ...real, output: await open({ kind: 'null', delay: 120 }, clock), pass: (milliseconds) => clock.advance(milliseconds), heard: null };
});

/** Reads a FIFO to its end, in memory. One that is never opened for writing is waited for no longer than the test takes. */
function readFifo(path: string): () => Promise<Buffer> {
  spawnSync('mkfifo', [path]);
  const reader = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void reader.kill());
  const parts: Buffer[] = [];
  const ended = new Promise<void>((resolve) => reader.stdout.on('data', (part: Buffer) => parts.push(part)).on('close', () => resolve()));
  return async () => {
    await ended;
    return Buffer.concat(parts);
  };
}

outputContract('pipe', async () => {
  const path = fresh();
  const heard = readFifo(path);
  return { ...real, output: await open({ kind: 'pipe', path }), heard, canForget: false, isPaced: false };
});

outputContract('pipe, clocked', async () => {
  const clock = new FakeClock();
  const path = fresh();
  const heard = readFifo(path);
  return { ...real, output: await open({ kind: 'pipe', path, clocked: true }, clock), pass: (milliseconds) => clock.advance(milliseconds), heard, canForget: false };
});

for (const release of [0, 'never'] as const) {
  outputContract(`aplay, release ${release}`, () => onAlsaFile('aplay', release), missing('aplay'));
  outputContract(`speaker, release ${release}`, () => onAlsaFile('speaker', release), noSpeaker);
}

absentOutputContract('aplay', () => withAlsa('pcm.x { type null }\n', () => open({ kind: 'aplay' })), missing('aplay'));
absentOutputContract('speaker', () => withAlsa('pcm.x { type null }\n', () => open({ kind: 'speaker' })), noSpeaker);
absentOutputContract('pacat', () => open({ kind: 'pacat', server: 'unix:/nowhere/at/all' }), missing('pacat'));
absentOutputContract('pipe', () => open({ kind: 'pipe', path: '/nowhere/at/all' }));
absentOutputContract('pipe to a folder', () => open({ kind: 'pipe', path: folder }));

/** A player on an ALSA device that writes to a file. Every start of the device writes the file anew, so the parts are put together. */
async function onAlsaFile(kind: string, release: 0 | 'never') {
  const path = fresh();
  const config = `pcm.nothing { type null }\npcm.!default { type file slave.pcm "nothing" file "|cat >> ${path}" format "raw" }\n`;
  const output = await withAlsa(config, () => open({ kind, release }));
  return {
    ...real,
    output,
    heard: async () => {
      while (await isOpen(path)) await wait(20);
      return readFile(path);
    },
    // What this device has swallowed is out of reach of a program's pipe.
    canForget: kind === 'speaker' || release === 0,
    // A device that takes everything at once still plays in real time as far as we know.
    isPaced: kind === 'aplay',
    ...(release === 'never' && { quietFor: 1500 }),
  };
}

/** Whether any process has the file open. */
async function isOpen(path: string): Promise<boolean> {
  for (const id of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    // One that has ended meanwhile, or is somebody else's, has not.
    const open = await readdir(`/proc/${id}/fd`).catch(() => []);
    for (const one of open) if ((await readlink(`/proc/${id}/fd/${one}`).catch(() => '')) === path) return true;
  }
  return false;
}

async function withAlsa<T>(config: string, run: () => Promise<T>): Promise<T> {
  const path = fresh();
  await writeFile(path, config);
  // Stays set: a player is started again with the first frames after a drop.
  process.env['ALSA_CONFIG_PATH'] = path;
  return run();
}
