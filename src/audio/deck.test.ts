import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { FakeClock, silentLog, systemClock, type Log } from '#foundation';
import type { DeckEvents, Playable, Programs } from '#core';
import { openDeck, type DeckOptions, type OpenedDeck } from './index.ts';
import { firstDifference, openFrom, readAll } from './test-kit/decode-all.ts';
import { track } from './test-kit/engine-bench.ts';
import { openTone } from './decoders/tone/tone.ts';
import { buildPrograms } from './test-kit/programs.ts';
import { encodeVorbis, synthesise } from './test-kit/tune.ts';

let folder: string;
let programs: Programs;
let tune: Playable;
let other: Playable;
let sound: Float32Array;
let soundOther: Float32Array;
let deck: OpenedDeck;
let files = 0;
const readers: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-deck-'));
  programs = await buildPrograms();
  const make = async (seconds: number, seed: number) => {
    const bytes = await encodeVorbis(synthesise(seconds, 44_100, seed));
    const path = join(folder, `${seed}.ogg`);
    await writeFile(path, bytes);
    return { playable: { track: track(seconds * 1000), bytes: { file: path }, format: 'vorbis' } as Playable, sound: (await readAll(await openFrom(bytes, 'vorbis'))).samples };
  };
  ({ playable: tune, sound } = await make(8, 1));
  ({ playable: other, sound: soundOther } = await make(3, 2));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(async () => {
  await deck[Symbol.asyncDispose]();
  for (const reader of readers.splice(0)) reader.kill();
  vi.restoreAllMocks();
});

async function start(options: Partial<DeckOptions> & { log?: Log; paced?: boolean } = {}) {
  const path = join(folder, `out-${files++}`);
  spawnSync('mkfifo', [path]);
  // Open for both, so that it goes on when the output is closed for a while; what it reads stays in memory.
  const reader = spawn('sh', ['-c', `exec cat <> '${path}'`], { stdio: ['ignore', 'pipe', 'ignore'] });
  readers.push(reader);
  const parts: Buffer[] = [];
  reader.stdout.on('data', (part: Buffer) => parts.push(part));
  const { log = silentLog, paced = false, ...rest } = options;
  deck = openDeck({ host: { clock: systemClock, log, programs }, output: { kind: 'pipe', path, format: 'f32le', rate: 44_100, clocked: paced, delay: 0 }, ...rest });
  const said: string[] = [];
  for (const name of ['playing', 'paused', 'stalled', 'ended', 'failed', 'wanted'] as const) deck.events.on(name, ({ id }) => said.push(`${name} ${id}`));
  const next = <Name extends keyof DeckEvents>(name: Name, id?: string) => deck.events.once(name, { signal: AbortSignal.timeout(15_000), test: (event) => id === undefined || ('id' in event && event.id === id) });
  const written = async () => {
    for (let before = -1; before !== parts.length; ) {
      before = parts.length;
      await wait(100);
    }
    return new Float32Array(Uint8Array.from(Buffer.concat(parts)).buffer);
  };
  return { deck, said, next, written };
}

describe.each([
  ['in a thread', false],
  ['in-process', true],
])('%s', (_name, inProcess) => {
  test('plays one load after the other, bit for bit', async () => {
    const { next, written, said } = await start({ inProcess });
    deck.play(tune, { id: 'a', at: 0, paused: false });
    deck.follow({ playable: other, id: 'b' });
    await next('ended', 'b');
    const all = await written();
    expect(firstDifference(all.subarray(0, sound.length), sound)).toBe(-1);
    expect(firstDifference(all.subarray(sound.length), soundOther)).toBe(-1);
    expect(said).toEqual(['playing a', 'ended a', 'playing b', 'ended b']);
  });

  test('tells failures as errors with a sentence', async () => {
    const { next } = await start({ inProcess });
    const failed = next('failed');
    deck.play({ ...tune, bytes: { file: '/nowhere' } }, { id: 'a', at: 0, paused: false });
    const { error } = await failed;
    expect(error).toMatchObject({ name: 'TonearmError', code: 'audio/file-missing', kind: 'not-found' });
    expect(error.message).toContain('/nowhere');
  });

  test('closes in the middle of everything', async () => {
    const { next } = await start({ inProcess, paced: true });
    const playing = next('playing');
    deck.play(tune, { id: 'a', at: 0, paused: false });
    await playing;
    await deck[Symbol.asyncDispose]();
    deck.play(tune, { id: 'b', at: 0, paused: false });
    deck.resume();
    await deck[Symbol.asyncDispose]();
  });
});

test('says which output it chose and why', async () => {
  await start();
  expect(await deck.chosen).toEqual({ output: 'pipe', why: 'It is configured so.' });
});

test('starts nothing before the first play', async () => {
  const threads = watchThreads();
  const { deck: idle } = await start();
  idle.setGain(0.5);
  idle.pause();
  idle.resume();
  idle.seek(1000);
  idle.follow(null);
  idle.stop();
  idle.refresh('x', tune);
  await idle.chosen;
  await wait(50);
  expect(threads).toHaveLength(0);
});

test('made ready, it plays on the thread it has, and lets go of it when nothing comes', async () => {
  const clock = new FakeClock();
  const threads = watchThreads();
  const { next, deck: waiting } = await start({ host: { clock, log: silentLog, programs } });
  await waiting.chosen;
  waiting.prepare();
  expect(threads).toHaveLength(1);
  const ended = next('ended');
  deck.play(other, { id: 'a', at: 0, paused: false });
  await ended;
  deck.prepare();
  expect(threads).toHaveLength(1);
  const gone = new Promise((resolve) => threads[0]?.once('exit', resolve));
  await clock.advance(180_000);
  expect(await gone).toBe(0);
  deck.prepare();
  const unused = new Promise((resolve) => threads[1]?.once('exit', resolve));
  await clock.advance(180_000);
  expect(await unused).toBe(0);
});

test('gain set before the first play holds', async () => {
  const { next, written } = await start();
  deck.setGain(0.5);
  const ended = next('ended');
  deck.play(other, { id: 'a', at: 0, paused: false });
  await ended;
  expect(firstDifference(await written(), soundOther.map((sample) => sample * 0.5))).toBe(-1);
});

/** The threads that are started from here on. */
function watchThreads(): Worker[] {
  const threads: Worker[] = [];
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the right receiver below
  const { postMessage } = Worker.prototype;
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...parameters) {
    if (!threads.includes(this)) threads.push(this);
    postMessage.apply(this, parameters);
  });
  return threads;
}

test('music of another rate is converted for a reader that knows one, without a gap', async () => {
  const path = join(folder, 'slow.ogg');
  await writeFile(path, await encodeVorbis(synthesise(2, 48_000, 3), 48_000));
  const { next, written } = await start();
  const ended = next('ended', 'c');
  deck.play(other, { id: 'a', at: 0, paused: false });
  deck.follow({ playable: { track: track(), bytes: { file: path }, format: 'vorbis' }, id: 'b' });
  await next('playing', 'b');
  deck.follow({ playable: other, id: 'c' });
  await ended;
  const all = await written();
  expect(all.length).toBe(2 * soundOther.length + 2 * 2 * 44_100);
  expect(firstDifference(all.subarray(0, soundOther.length), soundOther)).toBe(-1);
  expect(firstDifference(all.subarray(-soundOther.length), soundOther)).toBe(-1);
});

describe('a thread that dies', () => {
  test('is replaced, and playback goes on from the last position, with what follows', async () => {
    const threads = watchThreads();
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warn: (message) => warnings.push(message), child: () => log };
    const { next, said, written } = await start({ paced: true, log });
    deck.setGain(0.5);
    const moved = next('moved');
    deck.play(tune, { id: 'a', at: 6000, paused: false });
    deck.follow({ playable: other, id: 'b' });
    const { position } = await moved;
    const again = next('playing', 'a');
    void threads[0]?.terminate();
    expect(Math.abs((await again).position - position)).toBeLessThan(1);
    await next('playing', 'b');
    expect(threads).toHaveLength(2);
    expect(warnings).toEqual(['The audio thread died']);
    expect(said).toEqual(['playing a', 'stalled a', 'playing a', 'ended a', 'playing b']);
    expect(Math.max(...(await written()).map(Math.abs).slice(-5000))).toBeLessThan(0.5);
  });

  test('that hangs is replaced within ten seconds, and the silence is told', async () => {
    const path = join(folder, 'hanging-thread.mjs');
    await writeFile(path, `import { parentPort } from 'node:worker_threads';\nsetTimeout(() => parentPort.on('message', ({ kind }) => { if (kind === 'hang') for (;;); }), 500);\nawait import('${programs.audioThread.href}');\n`);
    const threads = watchThreads();
    const warnings: unknown[] = [];
    const log: Log = { ...silentLog, warn: (_message, fields) => warnings.push(fields), child: () => log };
    const { next } = await start({ paced: true, host: { clock: systemClock, log, programs: { ...programs, audioThread: pathToFileURL(path) } } });
    const moved = next('moved');
    deck.play(tune, { id: 'a', at: 1000, paused: false });
    const { position } = await moved;
    const stalled = next('stalled');
    const again = next('playing', 'a');
    const since = systemClock.monotonic();
    threads[0]?.postMessage({ kind: 'hang' });
    expect((await stalled).position).toBeCloseTo(position, 3);
    expect(Math.abs((await again).position - position)).toBeLessThan(1);
    expect(systemClock.monotonic() - since).toBeLessThan(10_000);
    expect(threads).toHaveLength(2);
    expect(warnings).toMatchObject([{ reason: expect.stringContaining('not answered') as string, again: true }]);
  });

  test('again and again fails the track', async () => {
    const { next } = await start({ host: { clock: systemClock, log: silentLog, programs: { ...programs, audioThread: new URL('file:///nowhere.js') } } });
    const failed = next('failed');
    deck.play(tune, { id: 'a', at: 0, paused: false });
    expect((await failed).error).toMatchObject({ code: 'audio/thread-died', kind: 'internal' });
  });
});

test('the thread is ended after a long silence, and a resume brings everything back', async () => {
  const clock = new FakeClock();
  const threads = watchThreads();
  const { next } = await start({ host: { clock, log: silentLog, programs }, paced: true });
  const playing = next('playing');
  deck.play(tune, { id: 'a', at: 2000, paused: false });
  await playing;
  await wait(300);
  const paused = next('paused');
  deck.pause();
  const { position } = await paused;
  const gone = new Promise((resolve) => threads[0]?.once('exit', resolve));
  await clock.advance(180_000);
  expect(await gone).toBe(0);
  const again = next('playing');
  deck.resume();
  expect((await again).position).toBeCloseTo(position, 0);
});

test.each<[string, (parked: OpenedDeck, done: (name: 'announced') => Promise<unknown>) => unknown]>([
  ['it was to be made ready', (parked) => parked.prepare()],
  ['another place in it was chosen', (parked) => parked.seek(2000)],
  ['something was announced', (parked, done) => {
    const announced = done('announced');
    parked.announce(chime, { id: 'x', gain: 1, duck: 1 });
    return announced;
  }],
])('what was paused so long that its thread was ended goes on after %s', async (_, meanwhile) => {
  const clock = new FakeClock();
  const threads = watchThreads();
  const { next } = await start({ host: { clock, log: silentLog, programs } });
  const paused = next('paused');
  deck.play(tune, { id: 'a', at: 2000, paused: true });
  await paused;
  const gone = new Promise((resolve) => threads[0]?.once('exit', resolve));
  await clock.advance(180_000);
  await gone;
  await meanwhile(deck, next);
  const again = next('playing');
  deck.resume();
  expect((await again).position).toBeCloseTo(2000, 0);
});

const chime: Playable = { track: { ...track(), uri: 'sound:chime' }, bytes: { tone: 'chime' }, format: 'any' };
const bell: Playable = { track: { ...track(), uri: 'sound:bell' }, bytes: { tone: 'bell' }, format: 'any' };

describe('announcements', () => {
  test('are said before anything was played, one after the other, by a thread that is started for them', async () => {
    const threads = watchThreads();
    const { next, written } = await start();
    deck.announce(chime, { id: 'x', gain: 1, duck: 0.2 });
    deck.announce(chime, { id: 'y', gain: 0.5, duck: 0.2 });
    await next('announcing', 'x');
    expect(await next('announced', 'x')).toEqual({ id: 'x', error: null });
    expect(await next('announced', 'y')).toEqual({ id: 'y', error: null });
    expect(threads).toHaveLength(1);
    const all = await written();
    const { samples } = await readAll(openTone('chime'));
    expect(firstDifference(all.subarray(0, samples.length), samples)).toBe(-1);
    const second = samples.length + 2 * 0.25 * 44_100;
    expect(firstDifference(all.subarray(second, second + samples.length), samples.map((sample) => sample * 0.5))).toBe(-1);
  });

  test('what cannot be said is told as an error with a sentence', async () => {
    const { next } = await start();
    deck.announce({ ...chime, bytes: { file: '/nowhere' } }, { id: 'x', gain: 1, duck: 0.2 });
    const { error } = await next('announced', 'x');
    expect(error).toMatchObject({ name: 'TonearmError', code: 'audio/file-missing' });
    expect(error?.message).toContain('/nowhere');
  });

  test('are over when the thread dies, and the music comes back at its full level', async () => {
    const threads = watchThreads();
    const { next, written } = await start({ paced: true });
    deck.play(tune, { id: 'a', at: 0, paused: false });
    await next('moved');
    deck.announce(bell, { id: 'x', gain: 1, duck: 0 });
    deck.announce(chime, { id: 'y', gain: 1, duck: 0 });
    await next('announcing', 'x');
    const over = Promise.all([next('announced', 'x'), next('announced', 'y')]);
    const again = next('playing', 'a');
    void threads[0]?.terminate();
    for (const { error } of await over) expect(error).toMatchObject({ code: 'audio/thread-died' });
    await again;
    await next('ended', 'a');
    const all = await written();
    expect(firstDifference(all.subarray(-2 * 44_100), sound.subarray(-2 * 44_100))).toBe(-1);
  });

  test('hush ends them all, also those that no thread has heard of', async () => {
    const { next } = await start();
    deck.announce(bell, { id: 'x', gain: 1, duck: 0 });
    const over = next('announced', 'x');
    deck.hush();
    expect(await over).toEqual({ id: 'x', error: null });
    deck.announce(bell, { id: 'y', gain: 1, duck: 0 });
    deck.announce(bell, { id: 'z', gain: 1, duck: 0 });
    await next('announcing', 'y');
    const all = Promise.all([next('announced', 'y'), next('announced', 'z')]);
    deck.hush();
    for (const { error } of await all) expect(error).toBeNull();
  });

  test('more than can wait are turned away', async () => {
    const { next } = await start();
    for (let index = 0; index < 32; index++) deck.announce(bell, { id: String(index), gain: 1, duck: 0 });
    const over = next('announced', 'more');
    deck.announce(bell, { id: 'more', gain: 1, duck: 0 });
    expect((await over).error).toMatchObject({ code: 'audio/too-many-announcements' });
  });
});

describe('outputs', () => {
  test('are shown with what may be asked for', async () => {
    await start();
    expect(deck.output).toEqual({ name: null, choices: ['auto', 'pipe'] });
    await deck.chosen;
    expect(deck.output.name).toBe('pipe');
    if (deck.output.choices.length === 2) await deck.events.once('output', { test: ({ choices }) => choices.length > 2 });
    expect(deck.output.choices).toEqual(expect.arrayContaining(['auto', 'pipe', 'null']));
  });

  test('are changed while it plays, with the position right', async () => {
    const { next } = await start({ paced: true });
    if (!deck.output.choices.includes('null')) await deck.events.once('output', { test: ({ choices }) => choices.includes('null') });
    const since = systemClock.monotonic();
    deck.play(tune, { id: 'a', at: 1000, paused: false });
    await next('moved');
    const moved = next('moved');
    const changed = deck.events.once('output');
    await deck.useOutput('null');
    expect(await changed).toMatchObject({ name: 'null' });
    const { position } = await moved;
    const { position: later } = await next('moved');
    expect(later).toBeGreaterThan(position);
    expect(later - 1000).toBeLessThan(systemClock.monotonic() - since + 500);
    await deck.useOutput('pipe');
    expect(deck.output.name).toBe('pipe');
    await next('ended', 'a');
  });

  test('that are not there, or do not work, change nothing', async () => {
    const { next } = await start({ output: { kind: 'pipe', path: '/nowhere/at/all', format: 's16le', rate: 44_100, clocked: false, delay: 0 } });
    if (!deck.output.choices.includes('null')) await deck.events.once('output', { test: ({ choices }) => choices.includes('null') });
    await expect(deck.useOutput('trumpet')).rejects.toMatchObject({ kind: 'invalid', code: 'audio/no-such-output', message: expect.stringContaining('null') as string });
    await deck.useOutput('null');
    await expect(deck.useOutput('pipe')).rejects.toMatchObject({ kind: 'unavailable', code: 'audio/output-not-working' });
    expect(deck.output.name).toBe('null');
    deck.play(other, { id: 'a', at: 2000, paused: false });
    await next('ended', 'a');
  });
});
