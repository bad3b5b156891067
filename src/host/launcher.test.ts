import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeClock } from '#foundation';
import { openLauncher } from './launcher.ts';

let clock: FakeClock;
let launcher: ReturnType<typeof openLauncher>;
let folder: string;
let said: string[];
beforeEach(async () => {
  clock = new FakeClock();
  launcher = openLauncher(clock);
  folder = await mkdtemp(join(tmpdir(), 'tonearm-launcher-'));
  said = [];
});
afterEach(async () => {
  await launcher[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const calm = new AbortController().signal;
const launch = (program: string, list: readonly string[] = [], signal = calm, environment = {}) => launcher.launch(program, list, { environment, signal, said: (text) => void said.push(text) });
/** A program of ours, by what it does. */
const node = (script: string, signal = calm, environment = {}, ...list: string[]) => launch(process.execPath, ['-e', script, '--', ...list], signal, environment);
/** Whose parent is gone may stay as an entry in the table for as long as nobody asks for its end. */
const isAlive = (pid: number) => existsSync(`/proc/${pid}/status`) && !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
/** For scripts: tells its number, once it is ready. */
const here = (name: string) => `{ const { writeFileSync, renameSync } = require('node:fs'); const path = ${JSON.stringify(join(folder, name))}; writeFileSync(path + '.new', String(process.pid)); renameSync(path + '.new', path); }`;
/** The numbers of those that are ready, by their names; waits for so many. */
async function ready(count: number): Promise<readonly number[]> {
  for (;;) {
    const names = (await readdir(folder)).filter((name) => !name.endsWith('.new')).sort();
    if (names.length === count) return await Promise.all(names.map(async (name) => Number(await readFile(join(folder, name), 'utf8'))));
  }
}
const forEver = 'setInterval(() => {}, 1000);';
const deaf = 'process.on("SIGTERM", () => {});';
const startsChild = (script: string) => `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(script)}], { stdio: ['ignore', 'inherit', 'ignore'] });`;

it('hands arguments on as they are, and nothing of our own environment but what everybody may know', async () => {
  process.env['TONEARM_TEST_PASSWORD'] = 'planted';
  const end = await node('console.log(JSON.stringify([process.argv.slice(1), process.env])); console.error("and this")', calm, { TONEARM_TITLE: '`id`' }, '$(id); "x" *', '--help');
  delete process.env['TONEARM_TEST_PASSWORD'];
  expect(end).toEqual({ code: 0, killedBy: null });
  const [heard, environment] = JSON.parse(said[0]?.split('\n')[0] ?? '') as [string[], Record<string, string>];
  expect(heard).toEqual(['$(id); "x" *', '--help']);
  expect(environment['TONEARM_TITLE']).toBe('`id`');
  expect(Object.keys(environment).filter((name) => !['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'LC_ALL', 'TZ', 'TMPDIR', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS', 'PULSE_SERVER', 'TONEARM_TITLE'].includes(name))).toEqual([]);
  expect(said[0]).toMatch(/\nand this$/);
});

it('tells how it ended, and the last whole lines of what it said', async () => {
  expect(await node('process.stdout.write("token=abc " + "x".repeat(1990) + "\\nnext to last\\nthe end", () => process.exit(3))')).toEqual({ code: 3, killedBy: null });
  expect(await node('process.kill(process.pid, "SIGKILL")')).toEqual({ code: null, killedBy: 'SIGKILL' });
  expect(said).toEqual(['next to last\nthe end']);
});

it('says what is missing or cannot be run', async () => {
  await expect(launch('/nowhere/amp')).rejects.toMatchObject({ code: 'host/program-missing', message: expect.stringContaining('There is no program /nowhere/amp.') });
  await expect(launch('/etc')).rejects.toMatchObject({ code: 'host/program-not-started', message: expect.stringContaining('EACCES') });
  await expect(launch(process.execPath, ['x'.repeat(5_000_000)])).rejects.toMatchObject({ code: 'host/program-not-started', message: expect.stringContaining('E2BIG') });
});

it('ends it with all it has started when it is told to, and still tells what it said', async () => {
  const abort = new AbortController();
  const run = node(`console.log('on my way'); ${startsChild(`${here('child')} ${forEver}`)} ${here('parent')} ${forEver}`, abort.signal);
  const pids = await ready(2);
  expect(pids.map(isAlive)).toEqual([true, true]);
  abort.abort(new Error('enough'));
  await expect(run).rejects.toThrow('enough');
  await expect.poll(() => pids.map(isAlive)).toEqual([false, false]);
  expect(said).toEqual(['on my way']);
});

it('makes whoever does not listen end after a second', async () => {
  const abort = new AbortController();
  const run = node(`${deaf} ${here('deaf')} ${forEver}`, abort.signal);
  const pids = await ready(1);
  abort.abort(new Error('enough'));
  await clock.advance(999);
  expect(pids.map(isAlive)).toEqual([true]);
  await clock.advance(1);
  await expect(run).rejects.toThrow('enough');
  expect(pids.map(isAlive)).toEqual([false]);
});

it('makes what it has started end, too, when only that does not listen', async () => {
  const abort = new AbortController();
  const run = node(`${startsChild(`${deaf} ${here('child')} ${forEver}`)} ${here('parent')} ${forEver}`, abort.signal);
  const pids = await ready(2);
  abort.abort(new Error('enough'));
  await expect(run).rejects.toThrow('enough');
  await expect.poll(() => pids.map(isAlive)).toEqual([false, false]);
});

it('is done with a program that has ended, whatever that has left running', async () => {
  const run = node(`${startsChild(`${here('child')} ${forEver}`)} setInterval(() => require('node:fs').existsSync(${JSON.stringify(join(folder, 'child'))}) && process.exit(0), 10)`);
  const [child = 0] = await ready(1);
  let end: unknown;
  void run.then((value) => (end = value));
  while (end === undefined) {
    await new Promise(setImmediate);
    await clock.advance(500);
  }
  expect([end, isAlive(child)]).toEqual([{ code: 0, killedBy: null }, true]);
  process.kill(child, 'SIGKILL');
});

it('starts eight at a time and no more, and ends them with the daemon', async () => {
  const ends = Promise.allSettled(Array.from({ length: 8 }, (_, index) => node(`${here(String(index))} ${forEver}`)));
  const pids = await ready(8);
  await expect(node(forEver)).rejects.toMatchObject({ kind: 'conflict', code: 'host/too-many-programs' });
  await launcher[Symbol.asyncDispose]();
  expect(pids.map(isAlive)).toEqual(Array(8).fill(false));
  expect((await ends).map((end) => end.status === 'rejected' && (end.reason as Error).name)).toEqual(Array(8).fill('AbortError'));
});
