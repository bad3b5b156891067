import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openDeck, type OpenedDeck } from '#audio';
import type { Playable } from '#core';
import { silentLog, systemClock } from '#foundation';
import { OutputSettings } from '#outputs';
import { buildPrograms } from '../../src/audio/test-kit/programs.ts';
import { openRangeServer, type RangeServer } from '../../src/audio/test-kit/range-server.ts';
import { encipher, encodeVorbis, foreignPage, synthesise } from '../../src/audio/test-kit/tune.ts';

/*
 * Must-show 3, the decoder's part: real Ogg Vorbis files, enciphered, behind Spotify's first page, from a ranged HTTP server through the
 * audio thread to real outputs. Every sample has to be within one step of what libvorbis' own `oggdec` says, and none may be missing.
 */

const has = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
const missing = (...programs: string[]) => programs.filter((program) => !has(program));

let folder: string;
let tunes: { readonly playable: Playable; readonly reference: Int16Array; readonly server: RangeServer }[];
let deck: OpenedDeck | null = null;
const children: ChildProcess[] = [];
const environment = { ...process.env };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-sound-'));
  if (missing('oggdec').length > 0) return;
  tunes = await Promise.all(
    [
      { seconds: 25, quality: 9 },
      { seconds: 18.737_123, quality: 5 },
      { seconds: 12, quality: 1 },
    ].map(async ({ seconds, quality }, index) => {
      const plain = await encodeVorbis(synthesise(seconds, 44_100, index + 1), 44_100, quality);
      const path = join(folder, `${index}.ogg`);
      await writeFile(path, plain);
      const { stdout } = spawnSync('oggdec', ['-Q', '-R', '-o', '-', path], { maxBuffer: 2 ** 28 });
      const { bytes, cipher } = encipher(Buffer.concat([foreignPage(), plain]));
      const server = await openRangeServer(bytes);
      const track = { uri: `test:${index}`, kind: 'track', title: '', artists: [], album: '', duration: seconds * 1000, covers: [], explicit: false } as const;
      return { playable: { track, bytes: { urls: [server.url], live: false }, cipher, format: 'vorbis' } as const, reference: words(stdout), server };
    }),
  );
});

afterEach(async () => {
  await deck?.[Symbol.asyncDispose]();
  deck = null;
  for (const child of children.splice(0)) child.kill();
  for (const name of ['ALSA_CONFIG_PATH', 'HOME', 'XDG_RUNTIME_DIR', 'PULSE_SERVER']) {
    if (environment[name] === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = environment[name];
  }
});

afterAll(async () => {
  for (const { server } of tunes) await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Plays all tunes, one after the other without a gap. */
async function playAll(output: unknown, chosen = tunes): Promise<void> {
  deck = openDeck({ host: { clock: systemClock, log: silentLog, programs: await buildPrograms() }, output: OutputSettings.parse(output) });
  const failed = deck.events.once('failed').then(({ error }) => Promise.reject(error));
  const [first, ...others] = chosen;
  const opened = deck;
  deck.play(first!.playable, { id: '0', at: 0, paused: false });
  for (let index = 0; index < chosen.length; index++) {
    const next = others[index];
    if (next) opened.follow({ id: String(index + 1), playable: next.playable });
    await Promise.race([failed, opened.events.once('ended', { test: ({ id }) => id === String(index) })]);
  }
  failed.catch(() => undefined);
}

const all = () => concatenate(tunes.map(({ reference }) => reference));

describe.skipIf(missing('oggdec').length > 0)('samples as oggdec gives them', () => {
  test.each(['each alone', 'gapless'])('(a) to the reader of the pipe output, %s', async (how) => {
    const rounds = how === 'gapless' ? [tunes] : tunes.map((tune) => [tune]);
    for (const [index, chosen] of rounds.entries()) {
      const path = join(folder, `fifo-${how}-${index}`);
      spawnSync('mkfifo', [path]);
      const recording = `${path}.raw`;
      children.push(record('cat', [path], recording));
      await playAll({ kind: 'pipe', path }, chosen);
      await deck?.[Symbol.asyncDispose]();
      await settled(recording);
      expectSame(words(await readFile(recording)), concatenate(chosen.map(({ reference }) => reference)));
    }
  });

  test.skipIf(!existsSync('node_modules/speaker/build/Release/binding.node'))('(b) to `speaker`, through an ALSA file device, gapless', async () => {
    const recording = await alsaFile('speaker');
    await playAll({ kind: 'speaker' });
    expectSame(words(await readFile(recording)), all());
  });

  test.skipIf(missing('aplay').length > 0)('(b) to `aplay`, through an ALSA file device, gapless', async () => {
    const recording = await alsaFile('aplay');
    const [, , short] = tunes;
    await playAll({ kind: 'aplay', device: 'recorder' }, [short!, short!]);
    const heard = words(await readFile(recording));
    const reference = concatenate([short!.reference, short!.reference]);
    expectSame(heard.subarray(0, reference.length), reference);
    // aplay fills its last block with silence.
    expect(heard.subarray(reference.length).every((sample) => sample === 0)).toBe(true);
    expect(heard.length - reference.length).toBeLessThan(44_100);
  });

  test.skipIf(missing('pulseaudio', 'pacat', 'parec').length > 0)('(c) to `pacat`, as the monitor of a PulseAudio sink hears it', async () => {
    const recording = await pulse();
    const [, tune] = tunes;
    await playAll({ kind: 'pacat', device: 'recorder' }, [tune!]);
    await wait(1000);
    for (const child of children.splice(0).reverse()) child.kill();
    const heard = trim(words(await readFile(recording)));
    // A stream's first milliseconds may be lost when the sink is just waking up (measured: 0 to 161 frames, also with pacat alone).
    const lost = tune!.reference.length - trimStart(tune!.reference) - heard.length;
    const { offset, worst } = align(heard, tune!.reference);
    expect(worst).toBeLessThanOrEqual(1);
    expect(offset / 2 - trimStart(tune!.reference) / 2).toBeLessThanOrEqual(2000);
    expect(offset + heard.length).toBeGreaterThanOrEqual(trimEnd(tune!.reference));
    expect(Math.abs(lost)).toBeLessThanOrEqual(4000);
  });
});

/** An ALSA configuration whose default device writes what it is given to a file, as fast as it comes. */
async function alsaFile(name: string): Promise<string> {
  const recording = join(folder, `${name}.raw`);
  const config = join(folder, `${name}.conf`);
  const device = `{ type file slave.pcm "nothing" file "${recording}" format "raw" }\n`;
  await writeFile(config, `pcm.nothing { type null }\npcm.!default ${device}pcm.recorder ${device}`);
  process.env['ALSA_CONFIG_PATH'] = config;
  return recording;
}

/** A private PulseAudio with one sink, and a recording of what that sink plays. */
async function pulse(): Promise<string> {
  const home = join(folder, 'pulse');
  await rm(home, { recursive: true, force: true });
  spawnSync('mkdir', ['-p', '-m', '700', home]);
  const socket = join(home, 'sock');
  process.env['HOME'] = process.env['XDG_RUNTIME_DIR'] = home;
  process.env['PULSE_SERVER'] = `unix:${socket}`;
  children.push(
    spawn('pulseaudio', ['--system=false', '-n', '--exit-idle-time=-1', '--daemonize=no', `--load=module-native-protocol-unix socket=${socket} auth-anonymous=1`, '--load=module-null-sink sink_name=recorder rate=44100 format=s16le channels=2'], { stdio: 'ignore' }),
  );
  for (let tries = 0; !existsSync(socket) && tries < 100; tries++) await wait(50);
  // A stream of silence keeps the sink awake and its blocks short.
  children.push(spawn('pacat', ['--playback', '--raw', '--format=s16le', '--rate=44100', '--channels=2', '--latency-msec=20', '--device=recorder', '/dev/zero'], { stdio: 'ignore' }));
  const recording = join(folder, 'pulse.raw');
  children.push(record('parec', ['--raw', '--format=s16le', '--rate=44100', '--channels=2', '--latency-msec=50', '--device=recorder.monitor'], recording));
  for (let tries = 0; tries < 100 && ((await stat(recording).catch(() => null))?.size ?? 0) === 0; tries++) await wait(50);
  await wait(2500);
  return recording;
}

function record(program: string, list: readonly string[], into: string): ChildProcess {
  const child = spawn(program, list, { stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.pipe(createWriteStream(into));
  return child;
}

/** Waits until a file stops growing. */
async function settled(path: string): Promise<void> {
  for (let before = -1; ; ) {
    const { size } = await stat(path);
    if (size === before) return;
    before = size;
    await wait(200);
  }
}

function words(bytes: Buffer): Int16Array {
  return new Int16Array(Uint8Array.from(bytes).buffer, 0, bytes.length >> 1);
}

function concatenate(parts: readonly Int16Array[]): Int16Array {
  const whole = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function expectSame(heard: Int16Array, reference: Int16Array): void {
  expect(heard.length).toBe(reference.length);
  expect(worstDifference(heard, reference, 0)).toBeLessThanOrEqual(1);
}

function worstDifference(heard: Int16Array, reference: Int16Array, offset: number): number {
  let worst = 0;
  for (let index = 0; index < heard.length; index++) worst = Math.max(worst, Math.abs((heard[index] ?? 0) - (reference[index + offset] ?? 0)));
  return worst;
}

/** Even indices, so that frames stay whole. */
function trimStart(samples: Int16Array): number {
  const first = samples.findIndex((sample) => Math.abs(sample) > 1);
  return first - (first % 2);
}

function trimEnd(samples: Int16Array): number {
  const last = samples.findLastIndex((sample) => Math.abs(sample) > 1);
  return last - (last % 2) + 2;
}

function trim(samples: Int16Array): Int16Array {
  return samples.subarray(trimStart(samples), trimEnd(samples));
}

/** Where in the reference the heard samples begin: the place near its start at which they agree. */
function align(heard: Int16Array, reference: Int16Array): { readonly offset: number; readonly worst: number } {
  for (let offset = 0; offset < 40_000; offset += 2) {
    if (worstDifference(heard.subarray(0, 2000), reference, offset) <= 1) return { offset, worst: worstDifference(heard, reference, offset) };
  }
  return { offset: -1, worst: Infinity };
}
