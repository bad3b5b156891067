import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { openDeck, type OpenedDeck } from '#audio';
import type { DeckEvents, Playable } from '#core';
import { silentLog, systemClock } from '#foundation';
import { OutputSettings } from '#outputs';
import { buildPrograms } from '../../src/audio/test-kit/programs.ts';
import { encodeVorbis, synthesise } from '../../src/audio/test-kit/tune.ts';
import { alsaFile, clearRecorders, missing, pulse, type PulseRecorder } from './recorders.ts';
import { firstSound, isSilent, search, words, worstDifference } from './samples.ts';

/*
 * Pains T7, T13, T15, T16 and T17 of sound devices, on a real sound server in real time: what is heard, not what was called.
 */

const noSpeaker = !existsSync('node_modules/speaker/build/Release/binding.node');
const fiftyMillis = 2 * 2205;

let folder: string;
let tunes: { readonly playable: Playable; readonly reference: Int16Array }[];
let deck: OpenedDeck;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-device-'));
  if (missing('oggdec').length > 0) return;
  tunes = await Promise.all(
    [4, 5, 8].map(async (seconds, index) => {
      const path = join(folder, `${index}.ogg`);
      await writeFile(path, await encodeVorbis(synthesise(seconds, 44_100, index + 11), 44_100, 4));
      const { stdout } = spawnSync('oggdec', ['-Q', '-R', '-o', '-', path], { maxBuffer: 2 ** 28 });
      const track = { uri: `test:${index}`, kind: 'track', title: '', artists: [], album: '', duration: seconds * 1000, covers: [], explicit: false } as const;
      return { playable: { track, bytes: { file: path }, format: 'vorbis' } as const, reference: words(stdout) };
    }),
  );
});
afterEach(async () => {
  await deck[Symbol.asyncDispose]();
  clearRecorders();
  vi.restoreAllMocks();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(settings: object) {
  deck = openDeck({ host: { clock: systemClock, log: silentLog, programs: await buildPrograms() }, output: OutputSettings.parse(settings) });
  const said: string[] = [];
  for (const name of ['playing', 'paused', 'stalled', 'ended', 'failed'] as const) deck.events.on(name, ({ id }) => said.push(`${name} ${id}`));
  const next = <Name extends keyof DeckEvents>(name: Name, id?: string) => deck.events.once(name, { signal: AbortSignal.timeout(20_000), test: (event) => id === undefined || ('id' in event && event.id === id) });
  return { said, next };
}

const loudest = (samples: Int16Array) => samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);

const heardBy = async ({ recording, settle }: PulseRecorder) => {
  await settle();
  return words(await readFile(recording));
};

/** The process behind the one stream that is not the silence of the recorder. */
function playerProcess(): number {
  const text = spawnSync('pactl', ['list', 'sink-inputs'], { encoding: 'utf8' }).stdout;
  const streams = text.split('Sink Input #').filter((stream) => stream.includes('application.process.id') && !stream.includes('media.name = "awake"'));
  return Number(/application\.process\.id = "(\d+)"/.exec(streams[0] ?? '')?.[1] ?? 0);
}

describe.skipIf(missing('oggdec', 'pulseaudio', 'pacat', 'parec', 'pactl').length > 0).each([
  ['pacat', { kind: 'pacat', device: 'recorder' }, false],
  ['aplay', { kind: 'aplay' }, missing('aplay').length > 0],
  ['speaker', { kind: 'speaker' }, noSpeaker],
] as const)('%s', (kind, settings, isAbsent) => {
  test.skipIf(isAbsent)('T17: the first 50 ms of every track are heard, whether it came by itself, by a skip or after a pause; the device is opened once', async () => {
    const recorder = await pulse(folder, { alsa: kind !== 'pacat' });
    const { next } = await start(settings);
    const [a, b, c] = tunes as [typeof tunes[0], typeof tunes[0], typeof tunes[0]];
    deck.play(a.playable, { id: 'a', at: 0, paused: false });
    deck.follow({ id: 'b', playable: b.playable });
    await next('playing', 'b');
    const opened = recorder.opened();
    const player = playerProcess();
    expect(player).toBeGreaterThan(0);
    await wait(1000);
    // A skip.
    deck.play(c.playable, { id: 'c', at: 0, paused: false });
    await next('playing', 'c');
    await wait(1000);
    deck.pause();
    await next('paused', 'c');
    await wait(1500);
    expect(recorder.streams()).toBe(1);
    // The next one after a pause.
    deck.play(b.playable, { id: 'd', at: 0, paused: false });
    await next('ended', 'd');
    // And after the queue had run dry.
    await wait(1000);
    deck.play(a.playable, { id: 'e', at: 0, paused: false });
    await next('ended', 'e');
    expect(playerProcess()).toBe(player);
    // What `speaker` drops, ALSA's PulseAudio plugin drops by a new stream on the same device; a sound card goes on.
    if (kind !== 'speaker') expect(recorder.opened()).toBe(opened);
    const heard = await heardBy(recorder);
    let at = 0;
    for (const tune of [a, b, c, b, a]) {
      const found = search(tune.reference.subarray(0, fiftyMillis), heard, at);
      expect(found).toBeGreaterThanOrEqual(at);
      at = found + fiftyMillis;
    }
    // The first two stand side by side, and the last ones are whole.
    const first = search(a.reference.subarray(0, fiftyMillis), heard);
    expect(worstDifference(heard, a.reference, first)).toBeLessThanOrEqual(1);
    expect(worstDifference(heard, b.reference.subarray(0, fiftyMillis), first + a.reference.length)).toBeLessThanOrEqual(1);
    expect(worstDifference(heard, a.reference, at - fiftyMillis)).toBeLessThanOrEqual(1);
  });

  test.skipIf(isAbsent).each([
    [0, 500],
    [2, 3000],
  ])('T15: with release %i the device is free %i ms after a pause, and music goes on where it was', async (release, limit) => {
    const recorder = await pulse(folder, { alsa: kind !== 'pacat' });
    const { next } = await start({ ...settings, release });
    const [, , c] = tunes as [typeof tunes[0], typeof tunes[0], typeof tunes[0]];
    deck.play(c.playable, { id: 'c', at: 0, paused: false });
    await next('moved');
    deck.pause();
    await next('paused');
    if (release > 0) {
      await wait(release * 1000 - 600);
      expect(recorder.streams()).toBe(1);
      await wait(limit - release * 1000 + 600);
    } else await wait(limit);
    expect(recorder.streams()).toBe(0);
    deck.resume();
    await next('moved');
    expect(recorder.streams()).toBe(1);
  });

  test.skipIf(isAbsent)('T15: kept for good, it plays silence', async () => {
    const recorder = await pulse(folder, { alsa: kind !== 'pacat' });
    const { next } = await start({ ...settings, release: 'never' });
    deck.play(tunes[0]!.playable, { id: 'a', at: 0, paused: false });
    await next('ended');
    await wait(12_000);
    expect(recorder.streams()).toBe(1);
    const heard = await heardBy(recorder);
    const { reference } = tunes[0]!;
    const at = search(reference.subarray(0, fiftyMillis), heard);
    expect(worstDifference(heard, reference, at)).toBeLessThanOrEqual(1);
    expect(isSilent(heard.subarray(at + reference.length))).toBe(true);
  });

  test.skipIf(isAbsent)('T7 and T13: the player killed, then hung, then the thread killed: sound is back within ten seconds each, and never louder than it was set', async () => {
    const recorder = await pulse(folder, { alsa: kind !== 'pacat' });
    const threads: Worker[] = [];
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the right receiver below
    const { postMessage } = Worker.prototype;
    vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...parameters) {
      if (!threads.includes(this)) threads.push(this);
      postMessage.apply(this, parameters);
    });
    const path = join(folder, 'long.ogg');
    await writeFile(path, await encodeVorbis(synthesise(60, 44_100, 31), 44_100, 3));
    const peak = loudest(words(spawnSync('oggdec', ['-Q', '-R', '-o', '-', path], { maxBuffer: 2 ** 28 }).stdout));
    const { next, said } = await start(settings);
    deck.setGain(0.05);
    deck.play({ ...tunes[0]!.playable, track: { ...tunes[0]!.playable.track, duration: 60_000 }, bytes: { file: path } }, { id: 'a', at: 0, paused: false });
    await next('playing');
    const blows: (() => unknown)[] = [() => process.kill(playerProcess(), 'SIGKILL'), () => process.kill(playerProcess(), 'SIGSTOP'), () => threads[0]?.terminate()];
    for (const blow of blows) {
      await wait(4000);
      said.length = 0;
      const stalled = next('stalled');
      const again = next('playing');
      const since = systemClock.monotonic();
      blow();
      const { position } = await stalled;
      const back = await again;
      expect(systemClock.monotonic() - since).toBeLessThan(10_000);
      expect(Math.abs(back.position - position)).toBeLessThan(50);
      expect(said.filter((text) => text.startsWith('failed'))).toEqual([]);
    }
    await wait(1500);
    const heard = await heardBy(recorder);
    expect(loudest(heard)).toBeGreaterThan(300);
    // Of the loudest moment of this music, not of the loudest there can be: two players at once are heard here.
    expect(loudest(heard)).toBeLessThanOrEqual(Math.ceil(0.05 * peak) + 2);
    // It was heard to the last.
    expect(firstSound(heard, heard.length - 2 * 4 * 44_100)).toBeGreaterThan(0);
  });
});

describe.skipIf(missing('oggdec', 'aplay').length > 0)('an occupied device', () => {
  test('T16: fails visibly, stands still, is tried again, and then plays from where it was', async () => {
    const recording = await alsaFile(folder, 'busy');
    const programs = join(folder, 'bin');
    const lock = join(folder, 'lock');
    await mkdir(programs, { recursive: true });
    const real = spawnSync('which', ['aplay'], { encoding: 'utf8' }).stdout.trim();
    await writeFile(join(programs, 'aplay'), `#!/bin/sh\nif [ -e ${lock} ]; then echo "aplay: main:850: audio open error: Device or resource busy" >&2; exit 1; fi\nexec ${real} "$@"\n`);
    await chmod(join(programs, 'aplay'), 0o755);
    await writeFile(lock, '');
    vi.stubEnv('PATH', `${programs}:${process.env['PATH']}`);
    const { next, said } = await start({ kind: 'aplay', device: 'recorder', release: 0 });
    const { playable, reference } = tunes[0]!;
    const failed = next('failed');
    deck.play(playable, { id: 'a', at: 1000, paused: false });
    const { error } = await failed;
    expect(error).toMatchObject({ code: 'output/device-busy', kind: 'conflict' });
    said.length = 0;
    await wait(4000);
    expect(said).toEqual([]);
    await rm(lock);
    expect((await next('playing')).position).toBe(1000);
    await next('ended');
    await deck[Symbol.asyncDispose]();
    const heard = words(await readFile(recording));
    expect(worstDifference(heard, reference.subarray(2 * 44_100))).toBeLessThanOrEqual(1);
    vi.unstubAllEnvs();
  });
});
