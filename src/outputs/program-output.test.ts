import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { silentLog, systemClock } from '#foundation';
import { ProgramOutput, tryProgram } from './program-output.ts';

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
function playTo(script: string, program = 'sh'): ProgramOutput {
  output = new ProgramOutput({ program, arguments: ['-c', script], device: 'test', deviceBuffer: 250, buffer: 500 }, { rate: 44_100, channels: 2 }, world);
  return output;
}

const frames = (count: number, value = 0.5) => new Float32Array(2 * count).fill(value);

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
    playTo('', 'no-such-player-anywhere');
    expect(await writeUntilError()).toMatchObject({ kind: 'not-found', code: 'output/program-missing', message: expect.stringContaining('not installed') as string });
  });
});

test('drop silences at once, and what comes then is played by a new run', async () => {
  const path = join(folder, 'drop');
  playTo(`cat > ${path}.$$`);
  for (let writes = 0; writes < 4; writes++) await output.write(frames(4096), calm);
  const forgotten = output.drop();
  expect(forgotten).toBeGreaterThan(4096);
  expect(output.delay).toBe(0);
  await output.write(frames(4096), calm);
  await output.drain(calm);
});

test('a write aborted while the program takes nothing leaves it usable', async () => {
  playTo('sleep 0.4; cat > /dev/null');
  const abort = new AbortController();
  const writing = (async () => {
    for (;;) await output.write(frames(4096), abort.signal);
  })().catch((error: unknown) => error);
  await wait(200);
  abort.abort('enough');
  expect(await writing).toBe('enough');
  await output.write(frames(4096), calm);
  await output.drain(calm);
});

test('trying a program gives its last words, or none when all is well', async () => {
  output = playTo('true');
  expect(await tryProgram('sh', ['-c', 'exit 0'], calm)).toBeNull();
  expect(await tryProgram('sh', ['-c', 'echo one >&2; echo two >&2; exit 3'], calm)).toBe('two');
  expect(await tryProgram('no-such-player-anywhere', [], calm)).toBe('not installed');
  expect(await tryProgram('sleep', ['60'], AbortSignal.timeout(50))).toBe('it does not answer');
});
