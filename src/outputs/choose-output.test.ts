import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { silentLog, systemClock } from '#foundation';
import { chooseOutput, OutputSettings } from './index.ts';

/* With an empty PATH there is no aplay and no pacat, and a speaker child that does not exist cannot start: every machine looks the same. */
const world = { clock: systemClock, log: silentLog, programs: { speakerChild: new URL('file:///nowhere/speaker-child.js') } };
const { PATH } = process.env;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-choose-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  process.env['PATH'] = PATH;
});

async function install(program: string, script: string): Promise<void> {
  await writeFile(join(folder, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

test('what is configured is taken as it is, working or not', async () => {
  for (const settings of [{ kind: 'aplay', device: 'nowhere' }, { kind: 'pipe', path: '/nowhere' }, { kind: 'null' }]) {
    const parsed = OutputSettings.parse(settings);
    expect(await chooseOutput(parsed, world)).toEqual({ settings: parsed, why: 'It is configured so.' });
  }
});

test('nothing works: silence in real time, with every reason', async () => {
  process.env['PATH'] = folder;
  await install('aplay', 'echo "audio open error: No such file or directory" >&2; exit 1');
  const { settings, why } = await chooseOutput({ kind: 'auto', release: 10 }, world);
  expect(settings).toEqual({ kind: 'null', delay: 0 });
  expect(why).toMatch(/^No sound device works here \(speaker: .+; aplay: audio open error: No such file or directory; pacat: not installed\)\./);
});

test('a device that is only occupied is better than none, and worse than one that works', async () => {
  process.env['PATH'] = folder;
  await install('aplay', 'echo "aplay: main:850: audio open error: Device or resource busy" >&2; exit 1');
  const { settings, why } = await chooseOutput({ kind: 'auto', release: 'never' }, world);
  expect(settings).toEqual(OutputSettings.parse({ kind: 'aplay', release: 'never' }));
  expect(why).toContain('another program has it now');
  await install('pacat', 'exit 0');
  expect((await chooseOutput({ kind: 'auto', release: 10 }, world)).settings).toMatchObject({ kind: 'pacat', release: 10 });
  await rm(join(folder, 'pacat'));
});

test('the first that works is taken, and the others are accounted for', async () => {
  process.env['PATH'] = folder;
  await install('aplay', 'exit 0');
  const first = await chooseOutput({ kind: 'auto', release: 10 }, world);
  expect(first.settings).toEqual(OutputSettings.parse({ kind: 'aplay' }));
  expect(first.why).toMatch(/^It is the first that works here \(speaker: .+\)\.$/);
  await install('aplay', 'exit 1');
  await install('pacat', 'exit 0');
  expect((await chooseOutput({ kind: 'auto', release: 10 }, world)).settings).toEqual(OutputSettings.parse({ kind: 'pacat' }));
});
