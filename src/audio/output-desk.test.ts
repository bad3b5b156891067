import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock, silentLog } from '#foundation';
import { OutputDesk } from './output-desk.ts';

/* With a PATH of our own every machine has the same programs, and a speaker child that does not exist cannot start. */
const { PATH } = process.env;
let folder: string;
let clock: FakeClock;
let desk: OutputDesk;
let changes: (string | null)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-desk-'));
  process.env['PATH'] = folder;
  clock = new FakeClock();
  changes = [];
});
afterEach(async () => {
  desk[Symbol.dispose]();
  expect(clock.pending).toBe(0);
  process.env['PATH'] = PATH;
  await rm(folder, { recursive: true });
});

async function open(kind: 'auto' | 'null'): Promise<void> {
  const world = { clock, log: silentLog, programs: { speakerChild: new URL('file:///nowhere/speaker-child.js') } };
  desk = new OutputDesk(kind === 'auto' ? { kind, release: 10 } : { kind, delay: 0 }, world, () => changes.push(desk.view.name));
  await desk.open();
}
const install = (program: string, script: string) => writeFile(join(folder, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

/** Lets seconds pass until the output is this one. */
async function until(name: string, most = 300): Promise<void> {
  for (let seconds = 0; desk.view.name !== name; seconds++) {
    if (seconds >= most) throw new Error(`It is still ${desk.view.name}.`);
    await clock.advance(1000);
    // A real program is tried.
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('where no device was found one is looked for while sound is due', async () => {
  await open('auto');
  expect(desk.view.name).toBe('null');
  await install('aplay', 'exit 0');
  await clock.advance(60_000);
  expect(desk.view.name).toBe('null');
  desk.expect(true);
  await until('aplay');
  expect(desk.current).toMatchObject({ kind: 'aplay', release: 10 });
  expect(clock.pending).toBe(0);
}, 60_000);

test('silence that is configured stays silence', async () => {
  await open('null');
  await install('aplay', 'exit 0');
  desk.expect(true);
  expect(clock.pending).toBe(0);
});

test('what is asked for by name counts, and is not looked beyond', async () => {
  await install('aplay', 'exit 0');
  await install('pacat', 'exit 0');
  await open('auto');
  expect(desk.view.name).toBe('aplay');
  for (let tries = 0; !desk.view.choices.includes('pacat') && tries < 200; tries++) await new Promise((resolve) => setTimeout(resolve, 50));
  await desk.use('pacat');
  expect(desk.view.name).toBe('pacat');
  await desk.use('null');
  desk.expect(true);
  expect(clock.pending).toBe(0);
  await desk.use('auto');
  expect(desk.view.name).toBe('aplay');
  await install('pacat', 'echo "Connection refused" >&2; exit 1');
  await expect(desk.use('pacat')).rejects.toMatchObject({ code: 'audio/output-not-working', message: expect.stringContaining('Connection refused') as string });
  expect(desk.view.name).toBe('aplay');
});
