import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { silentLog, systemClock } from '#foundation';
import { ProgramOutput } from './program-output.ts';
import { tryProgram } from './try-program.ts';

const calm = new AbortController().signal;
const world = { clock: systemClock, log: silentLog, programs: { speakerChild: new URL('file:///none') } };
let folder: string;
let output: ProgramOutput;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-program-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => output[Symbol.asyncDispose]());

/** An output that plays to a shell script. */
function playTo(script: string, { program = 'sh', staysOpen = false } = {}): ProgramOutput {
  output = new ProgramOutput({ program, arguments: ['-c', script], device: 'test', deviceBuffer: 130, buffer: 500, staysOpen }, { rate: 44_100, channels: 2 }, world);
  return output;
}

const frames = (count: number, value = 0.5) => new Float32Array(2 * count).fill(value);

/** Until something is so that a program on a busy machine brings about in its own time. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await wait(10);
}

const sizeOf = async (path: string) => (await stat(path).catch(() => null))?.size ?? 0;

/** Until a process has ended and whoever started it knows. */
async function gone(id: number): Promise<void> {
  for (;;) {
    try {
      process.kill(id, 0);
    } catch {
      // Its end is reaped and told in one turn of the loop.
      await wait(20);
      return;
    }
    await wait(10);
  }
}

async function writeUntilError(): Promise<unknown> {
  for (let writes = 0; writes < 200; writes++) {
    try {
      await output.write(frames(4096), calm);
    } catch (error) {
      return error;
    }
  }
  return null;
}

test('everything arrives, and drain waits for the program to have played it', async () => {
  const path = join(folder, 'all');
  playTo(`cat > ${path}; sleep 0.2; echo done >> ${path}.done`);
  for (let writes = 0; writes < 5; writes++) await output.write(frames(4096, writes / 8), calm);
  await output.drain(calm);
  expect((await readFile(`${path}.done`, 'utf8')).trim()).toBe('done');
  const bytes = await readFile(path);
  expect(bytes.length).toBe(5 * 4096 * 4);
  for (let writes = 0; writes < 5; writes++) expect(bytes.readInt16LE(writes * 4096 * 4)).toBe(writes * 4096);
});

test('no more than the buffer is ahead of a program that plays in real time', async () => {
  // 4410 frames each 100 ms, as a sound card would take them.
  playTo('while dd bs=17640 count=1 iflag=fullblock of=/dev/null 2>/dev/null; do sleep 0.1; done');
  const start = systemClock.monotonic();
  let most = 0;
  for (let written = 0; written < 3 * 44_100; written += 4096) {
    await output.write(frames(4096), calm);
    most = Math.max(most, output.delay);
  }
  const passed = systemClock.monotonic() - start;
  expect(passed).toBeGreaterThan(2000);
  expect(most).toBeLessThan(1000);
});

describe('a program that dies', () => {
  test('in play: its last words are in the sentence', async () => {
    playTo('head -c 100000 > /dev/null; echo "Device or resource gone" >&2; exit 1');
    expect(await writeUntilError()).toMatchObject({ name: 'TonearmError', kind: 'unavailable', code: 'output/device-lost', message: expect.stringContaining('Device or resource gone') as string });
  });

  test('is started again by the next write', async () => {
    const path = join(folder, 'again');
    playTo(`if [ -e ${path} ]; then cat > ${path}.pcm; else touch ${path}; exit 1; fi`);
    expect(await writeUntilError()).toMatchObject({ code: 'output/device-lost' });
    output.drop();
    await output.write(frames(4096), calm);
    await output.drain(calm);
    expect((await readFile(`${path}.pcm`)).length).toBe(4096 * 4);
  });

  test('that does not exist is said not to be installed', async () => {
    playTo('', { program: 'no-such-player-anywhere' });
    expect(await writeUntilError()).toMatchObject({ kind: 'not-found', code: 'output/program-missing', message: expect.stringContaining('not installed') as string });
  });
});

test('drop silences at once, and what comes then is played by a new run', async () => {
  const path = join(folder, 'drop');
  playTo(`echo $$ >> ${path}.runs; exec cat > ${path}.$(wc -l < ${path}.runs)`);
  for (let writes = 0; writes < 4; writes++) await output.write(frames(4096, 0.25), calm);
  await until(async () => (await sizeOf(`${path}.1`)) > 0);
  const forgotten = output.drop();
  expect(forgotten).toBeGreaterThan(4096);
  expect(output.delay).toBe(0);
  await gone(Number(await readFile(`${path}.runs`, 'utf8')));
  const size = await sizeOf(`${path}.1`);
  await output.write(frames(4096), calm);
  await output.drain(calm);
  expect(await sizeOf(`${path}.1`)).toBe(size);
  const second = await readFile(`${path}.2`);
  expect([second.length, second.readInt16LE(0)]).toEqual([4096 * 4, 16_384]);
});

test('a program that fails while it plays out has not played to the end', async () => {
  playTo('cat > /dev/null; echo "Broken pipe to the sound server" >&2; exit 1');
  await output.write(frames(4096), calm);
  await expect(output.drain(calm)).rejects.toMatchObject({ code: 'output/device-lost', message: expect.stringContaining('Broken pipe') as string });
});

describe('a device that stays open', () => {
  /** Takes 100 ms of sound each 100 ms, as a sound card would, and notes every start. */
  const card = (path: string) => `echo run >> ${path}.runs; while dd bs=17640 count=1 iflag=fullblock status=none >> ${path}; do sleep 0.095; done`;
  /** Frames that carry their number. */
  const numbered = (from: number, count: number) => Float32Array.from({ length: 2 * count }, (_, index) => (1 + from + (index >> 1)) / 32_768);
  const music = async (path: string) => {
    const bytes = await readFile(path);
    const found: number[] = [];
    for (let at = 0; at + 4 <= bytes.length; at += 4) if (bytes.readInt16LE(at) !== 0) found.push(bytes.readInt16LE(at) - 1);
    return { found, silence: bytes.length / 4 - found.length };
  };
  /** What the card has played once that is so many frames of music. */
  const played = async (path: string, frames: number) => {
    await until(async () => (await music(path)).found.length >= frames);
    return music(path);
  };
  const runs = async (path: string) => (await readFile(`${path}.runs`, 'utf8')).trim().split('\n').length;

  test('what was taken back is given again: every frame is heard once and in order, and the program is never stopped', async () => {
    const path = join(folder, 'card');
    playTo(card(path), { staysOpen: true });
    let at = 0;
    for (const quiet of [300, 0, 150]) {
      for (let writes = 0; writes < 6; writes++) {
        await output.write(numbered(at, 2048), calm);
        at += 2048;
      }
      const forgotten = output.drop();
      expect(forgotten).toBeGreaterThan(0);
      expect(output.drop()).toBe(0);
      at -= forgotten;
      await wait(quiet);
    }
    await output.write(numbered(at, 2048), calm);
    await output.drain(calm);
    const { found, silence } = await played(path, at + 2048);
    expect(found.findIndex((frame, index) => frame !== index)).toBe(-1);
    expect(found.length).toBe(at + 2048);
    expect(silence).toBeGreaterThan(4410);
    expect(await runs(path)).toBe(1);
  });

  test('a drain lets the end be heard, and a follower that comes late loses nothing of it', async () => {
    const path = join(folder, 'late');
    playTo(card(path), { staysOpen: true });
    for (let writes = 0; writes < 6; writes++) await output.write(numbered(writes * 2048, 2048), calm);
    const abort = new AbortController();
    const draining = output.drain(abort.signal).catch((error: unknown) => error);
    await wait(60);
    abort.abort('late');
    expect(await draining).toBe('late');
    await output.write(numbered(6 * 2048, 2048), calm);
    await output.drain(calm);
    const { found } = await played(path, 7 * 2048);
    expect(found.length).toBe(7 * 2048);
    expect(found.findIndex((frame, index) => frame !== index)).toBe(-1);
    expect(await runs(path)).toBe(1);
  });

  test('when no music comes for a moment silence does, and the music goes on in front of what is left of it', async () => {
    const path = join(folder, 'starved');
    playTo(card(path), { staysOpen: true });
    let at = 0;
    for (const pause of [700, 250, 0]) {
      for (let writes = 0; writes < 4; writes++) {
        await output.write(numbered(at, 2048), calm);
        at += 2048;
      }
      await wait(pause);
    }
    const start = systemClock.monotonic();
    await output.drain(calm);
    // What waited behind the silence was not much.
    expect(systemClock.monotonic() - start).toBeLessThan(800);
    const { found, silence } = await played(path, at);
    expect(found.findIndex((frame, index) => frame !== index)).toBe(-1);
    expect(found.length).toBe(at);
    expect(silence).toBeGreaterThan(10_000);
    expect(await runs(path)).toBe(1);
  });

  test('a program that dies in the silence is started again without a word', async () => {
    const path = join(folder, 'silent');
    playTo(`echo run >> ${path}.runs; echo $$ > ${path}; head -c 100000 > /dev/null; exit 1`, { staysOpen: true });
    await output.write(frames(1000), calm);
    await output.drain(calm);
    await gone(Number(await readFile(path, 'utf8')));
    await output.write(frames(1000), calm);
    // The second has to begin before it can write that it runs.
    await until(async () => (await runs(path)) >= 2);
    expect(await runs(path)).toBe(2);
  });
});

describe('trouble with the device', () => {
  test('a program that takes nothing is killed after five seconds, and all it was given is given back', async () => {
    const path = join(folder, 'hangs');
    playTo(`echo $$ > ${path}; exec sleep 60`, { staysOpen: true });
    const start = systemClock.monotonic();
    let accepted = 0;
    let error: unknown = null;
    while (error === null) {
      await output.write(frames(4096), calm).then(
        () => (accepted += 4096),
        (thrown: unknown) => (error = thrown),
      );
    }
    expect(error).toMatchObject({ name: 'TonearmError', kind: 'timeout', code: 'output/device-stuck' });
    expect(systemClock.monotonic() - start).toBeGreaterThan(5000);
    expect(systemClock.monotonic() - start).toBeLessThan(7000);
    expect(output.drop()).toBe(accepted);
    expect(output.delay).toBe(0);
    await gone(Number(await readFile(path, 'utf8')));
  });

  test('a program that hangs while it plays out is killed, too', async () => {
    playTo('cat > /dev/null; exec sleep 60');
    await output.write(frames(1000), calm);
    await expect(output.drain(calm)).rejects.toMatchObject({ code: 'output/device-stuck' });
  });

  test('of an occupied device the owner is named', async () => {
    const owners = () => Promise.resolve([{ name: 'mpd', process: 4711 }]);
    output = new ProgramOutput({ program: 'sh', arguments: ['-c', 'echo "aplay: main:850: audio open error: Device or resource busy" >&2; exit 1'], device: 'hw:0', deviceBuffer: 130, buffer: 500, staysOpen: true }, { rate: 44_100, channels: 2 }, { ...world, owners });
    expect(await writeUntilError()).toMatchObject({ kind: 'conflict', code: 'output/device-busy', message: expect.stringContaining('hw:0 is in use by mpd (process 4711)') as string });
  });

  test('and without a name it is another program', async () => {
    playTo('echo "Device or resource busy" >&2; exit 1');
    expect(await writeUntilError()).toMatchObject({ code: 'output/device-busy', message: expect.stringContaining('in use by another program') as string });
  });
});

describe('no player is left behind', () => {
  const player = (path: string, then: string) => `echo $$ > ${path}; ${then}`;
  const started = async (path: string) => {
    await until(async () => (await sizeOf(path)) > 1);
    return Number(await readFile(path, 'utf8'));
  };

  test.each<[what: string, then: string, act: () => unknown]>([
    ['idle', 'exec cat > /dev/null', () => undefined],
    ['in play', 'exec cat > /dev/null', () => output.write(frames(4096), calm)],
    ['that takes nothing', 'exec sleep 60', () => output.write(frames(4096), calm)],
    ['playing out', 'cat > /dev/null; exec sleep 60', () => void output.drain(calm).catch(() => undefined)],
    ['that minds no signal', 'trap "" TERM INT HUP; while :; do sleep 1; done', () => output.write(frames(4096), calm)],
  ])('%s', async (what, then, act) => {
    const path = join(folder, `left-${what}`.replaceAll(' ', '-'));
    playTo(player(path, then), { staysOpen: what === 'idle' });
    await output.start(calm);
    const id = await started(path);
    await act();
    await output[Symbol.asyncDispose]();
    expect(() => process.kill(id, 0)).toThrow('ESRCH');
  });

  test('by a close while it is being started', async () => {
    const path = join(folder, 'left-late');
    playTo(player(path, 'exec cat > /dev/null'));
    const writing = output.write(frames(100), calm);
    const refused = expect(writing).rejects.toMatchObject({ name: 'AbortError' });
    await output[Symbol.asyncDispose]();
    await refused;
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('by a thread that is ended in the middle of it', async () => {
    const path = join(folder, 'left-thread');
    const contents = `
      import { ProgramOutput } from './program-output.ts';
      import { systemClock, silentLog } from '#foundation';
      const player = { program: 'sh', arguments: ['-c', ${JSON.stringify(player(path, 'exec cat > /dev/null'))}], device: 'test', deviceBuffer: 130, buffer: 500, staysOpen: true };
      const output = new ProgramOutput(player, { rate: 44_100, channels: 2 }, { clock: systemClock, log: silentLog });
      (async () => { for (;;) await output.write(new Float32Array(8192), new AbortController().signal); })();`;
    const { outputFiles } = await build({ stdin: { contents, loader: 'ts', resolveDir: import.meta.dirname }, bundle: true, write: false, format: 'cjs', platform: 'node', conditions: ['source'] });
    const thread = new Worker(outputFiles[0]?.text ?? '', { eval: true, trackUnmanagedFds: false });
    const id = await started(path);
    await thread.terminate();
    // Whoever waited for its end is gone, too: its entry stays for as long as the daemon does, but nothing runs.
    while (!/^State:\tZ/m.test(await readFile(`/proc/${id}/status`, 'utf8').catch(() => 'State:\tZ'))) await wait(10);
  });
});

test('a write aborted while the program takes nothing leaves it usable', async () => {
  const path = join(folder, 'takes-again');
  playTo(`while [ ! -e ${path} ]; do sleep 0.02; done; cat > /dev/null`);
  const abort = new AbortController();
  const writing = (async () => {
    for (;;) await output.write(frames(4096), abort.signal);
  })().catch((error: unknown) => error);
  await wait(200);
  abort.abort('enough');
  expect(await writing).toBe('enough');
  await writeFile(path, '');
  await output.write(frames(4096), calm);
  await output.drain(calm);
});

test('trying a program gives its last words, or none when all is well', async () => {
  output = playTo('true');
  expect(await tryProgram('sh', ['-c', 'exit 0'], calm)).toBeNull();
  expect(await tryProgram('sh', ['-c', 'echo one >&2; echo two >&2; exit 3'], calm)).toBe('two');
  expect(await tryProgram('sh', ['-c', 'exit 3'], calm)).toBe('it ended with code 3');
  expect(await tryProgram('no-such-player-anywhere', [], calm)).toBe('not installed');
  expect(await tryProgram('sleep', ['60'], AbortSignal.timeout(50))).toBe('it does not answer');
});
