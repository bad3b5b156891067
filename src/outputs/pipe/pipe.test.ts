import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { silentLog, systemClock } from '#foundation';
import type { Output } from '#core';
import { openPipe, probePipe } from './index.ts';
import { PipeSettings } from './settings.ts';

const calm = new AbortController().signal;
const world = { clock: systemClock, log: silentLog, programs: { speakerChild: new URL('file:///none') } };
let folder: string;
let output: Output | null = null;
let files = 0;
const children: ChildProcess[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-pipe-'));
});
afterEach(async () => {
  await output?.[Symbol.asyncDispose]();
  output = null;
  for (const child of children.splice(0)) child.kill();
});
afterAll(() => rm(folder, { recursive: true }));

const open = async (settings: object) => (output = await openPipe(PipeSettings.parse({ kind: 'pipe', ...settings }), { rate: 44_100, channels: 2 }, world, calm));

/** Frames that carry their number in both channels, with a sign. */
function numbered(from: number, count: number): Float32Array {
  return Float32Array.from({ length: 2 * count }, (_, index) => ((index % 2 === 0 ? 1 : -1) * ((from + (index >> 1)) % 30_000)) / 32_768);
}

function reader(path: string, into: string, limit = ''): ChildProcess {
  const child = spawn('sh', ['-c', limit === '' ? `exec cat '${path}' > '${into}'` : `exec head -c ${limit} '${path}' > '${into}'`]);
  children.push(child);
  return child;
}

const size = async (path: string) => (await stat(path).catch(() => null))?.size ?? 0;

describe('a FIFO', () => {
  const makeFifo = () => {
    const path = join(folder, `fifo-${files++}`);
    execFileSync('mkfifo', [path]);
    return path;
  };

  test('without a reader the writer waits, and loses nothing', async () => {
    const path = makeFifo();
    const pipe = await open({ path });
    let done = false;
    const writing = pipe.write(numbered(0, 4096), calm).then(() => (done = true));
    await wait(300);
    expect(done).toBe(false);
    reader(path, `${path}.out`);
    await writing;
    await pipe.drain(calm);
    while ((await size(`${path}.out`)) < 4096 * 4) await wait(20);
    const bytes = await readFile(`${path}.out`);
    expect([bytes.length, bytes.readInt16LE(4 * 4095), bytes.readInt16LE(4 * 4095 + 2)]).toEqual([4096 * 4, 4095, -4095]);
  });

  test('waiting for a reader can be called off', async () => {
    const pipe = await open({ path: makeFifo() });
    await expect(pipe.write(numbered(0, 10), AbortSignal.timeout(50))).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('a reader that goes away in the middle of a frame does not shift the next one', async () => {
    const path = makeFifo();
    const pipe = await open({ path });
    const gone = reader(path, `${path}.1`, '100001');
    const left = new Promise((resolve) => gone.once('exit', resolve));
    let at = 0;
    const abort = new AbortController();
    const writing = (async () => {
      for (; !abort.signal.aborted; at += 4096) await pipe.write(numbered(at, 4096), abort.signal);
    })().catch(() => undefined);
    await left;
    reader(path, `${path}.2`);
    while ((await size(`${path}.2`)) < 200_000) await wait(20);
    abort.abort();
    await writing;
    const bytes = await readFile(`${path}.2`);
    const first = bytes.readInt16LE(0);
    for (let frame = 0; frame < 40_000; frame++) {
      const value = (first + frame) % 30_000;
      if (bytes.readInt16LE(4 * frame) !== value || bytes.readInt16LE(4 * frame + 2) !== 0 - value) expect([frame, bytes.readInt16LE(4 * frame)]).toEqual([frame, value]);
    }
  });
});

test('a file that takes the place of the FIFO is not written to', async () => {
  const path = join(folder, `swapped-${files++}`);
  const pipe = await open({ path });
  const gone = reader(path, `${path}.1`, '1000');
  const left = new Promise((resolve) => gone.once('exit', resolve));
  await pipe.write(numbered(0, 4096), calm);
  await left;
  await rm(path);
  await writeFile(path, 'keep');
  const error: unknown = await (async () => {
    for (;;) await pipe.write(numbered(0, 4096), AbortSignal.timeout(5000));
  })().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'output/not-a-pipe' });
  expect(await readFile(path, 'latin1')).toBe('keep');
});

describe('what it writes to', () => {
  test('a file is refused and stays as it was', async () => {
    const path = join(folder, 'kept');
    await writeFile(path, 'keep');
    await expect(open({ path })).rejects.toMatchObject({ code: 'output/not-a-pipe', message: expect.stringContaining(`${path} is a file`) as string });
    expect(await readFile(path, 'latin1')).toBe('keep');
  });

  test.each([
    ['s16le', 4],
    ['s24le', 6],
    ['s32le', 8],
    ['f32le', 8],
  ])('%s takes %i bytes a frame, in a FIFO that it makes itself', async (format, bytes) => {
    const path = join(folder, format);
    const pipe = await open({ path, format });
    expect((await stat(path)).isFIFO()).toBe(true);
    reader(path, `${path}.out`);
    await pipe.write(numbered(0, 100), calm);
    await pipe.drain(calm);
    await pipe[Symbol.asyncDispose]();
    while ((await size(`${path}.out`)) < 100 * bytes) await wait(20);
    expect(await size(`${path}.out`)).toBe(100 * bytes);
  });

  test('has the rate that is set, whatever is asked for', async () => {
    expect((await open({ path: join(folder, 'rate'), rate: 48_000 })).format).toEqual({ rate: 48_000, channels: 2 });
  });

  test('what cannot be written is explained when it is opened, and a device that fails when it is written', async () => {
    await expect(open({ path: '/nowhere/x' })).rejects.toMatchObject({ code: 'output/pipe-unwritable', message: expect.stringContaining('/nowhere/x') as string });
    await expect(open({ path: folder })).rejects.toMatchObject({ code: 'output/not-a-pipe' });
    const pipe = await open({ path: '/dev/full' });
    await expect(pipe.write(numbered(0, 4096), calm)).rejects.toMatchObject({ code: 'output/pipe-failed', message: expect.stringContaining('ENOSPC') as string });
  });

  test('the delay that is set is how late the last sample is', async () => {
    const pipe = await open({ path: '/dev/null', delay: 300 });
    expect(pipe.delay).toBe(0);
    await pipe.write(numbered(0, 4096), calm);
    expect(pipe.delay).toBeGreaterThan(200);
    const start = systemClock.monotonic();
    await pipe.drain(calm);
    expect(systemClock.monotonic() - start).toBeGreaterThan(250);
    expect(pipe.delay).toBe(0);
  });
});

test('a look beforehand tells whether it would work', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  const probe = (path: string) => probePipe(PipeSettings.parse({ kind: 'pipe', path }));
  expect(await probe(join(folder, 'new'))).toBeNull();
  expect(await probe(folder)).toContain('is a folder');
  expect(await probe(file)).toContain('is a file');
  expect(await probe('/nowhere/at/all')).toContain('may not be written to');
});
