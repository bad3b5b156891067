import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/* Real sound devices that can be listened to: an ALSA device that is a file, and a PulseAudio of our own with a monitor. */

const has = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
export const missing = (...programs: string[]) => programs.filter((program) => !has(program));

const touched = ['ALSA_CONFIG_PATH', 'HOME', 'XDG_RUNTIME_DIR', 'PULSE_SERVER'];
const environment = { ...process.env };
const children: ChildProcess[] = [];

/** Ends what was started here and brings the environment back. */
export function clearRecorders(): void {
  for (const child of children.splice(0).reverse()) child.kill();
  for (const name of touched) {
    if (environment[name] === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = environment[name];
  }
}

/** Writes what a program says on its standard output into a file. */
export function record(program: string, list: readonly string[], into: string): ChildProcess {
  const child = spawn(program, list, { stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.pipe(createWriteStream(into));
  children.push(child);
  return child;
}

/**
 * An ALSA configuration whose default device, also called `recorder`, writes what it is given to a file, as fast as it comes.
 * Each opening writes the file anew, so a device that was closed and opened again has lost what came before.
 */
export async function alsaFile(folder: string, name: string): Promise<string> {
  const recording = join(folder, `${name}.raw`);
  const config = join(folder, `${name}.conf`);
  const device = `{ type file slave.pcm "nothing" file "${recording}" format "raw" }\n`;
  await writeFile(config, `pcm.nothing { type null }\npcm.!default ${device}pcm.recorder ${device}`);
  process.env['ALSA_CONFIG_PATH'] = config;
  return recording;
}

export interface PulseRecorder {
  /** What the sink has played since the recorder was ready. */
  readonly recording: string;
  /** Waits until everything that was played until now is in the recording. */
  readonly settle: () => Promise<void>;
  /** How many streams play on the sink now, without the one that keeps it awake. */
  readonly streams: () => number;
  /** How often a stream was opened on the sink, without that one. */
  readonly opened: () => number;
}

/**
 * A private PulseAudio with one sink, and a recording of what that sink plays, exact to the sample. The sink is kept awake by a stream of
 * silence, the recorder is waited for until it delivers, and the sink may not rewind: when a stream starts, PulseAudio renders again what it
 * had rendered ahead, which a sound card hears right and a monitor that has passed on the first version cannot.
 * With `alsa` the default ALSA device plays to the sink as well, in real time.
 */
export async function pulse(folder: string, { alsa = false } = {}): Promise<PulseRecorder> {
  const home = join(folder, `pulse-${children.length}-${Date.now()}`);
  await mkdir(home, { recursive: true, mode: 0o700 });
  const socket = join(home, 'sock');
  process.env['HOME'] = process.env['XDG_RUNTIME_DIR'] = home;
  process.env['PULSE_SERVER'] = `unix:${socket}`;
  if (alsa) {
    const config = join(home, 'asound.conf');
    await writeFile(config, `pcm_type.pulse { lib "libasound_module_pcm_pulse.so" }\npcm.!default { type pulse server "unix:${socket}" device "recorder" }\n`);
    process.env['ALSA_CONFIG_PATH'] = config;
  }
  const sink = '--load=module-null-sink sink_name=recorder rate=44100 format=s16le channels=2 norewinds=1';
  children.push(spawn('pulseaudio', ['--system=false', '-n', '--exit-idle-time=-1', '--daemonize=no', `--load=module-native-protocol-unix socket=${socket} auth-anonymous=1`, sink], { stdio: 'ignore' }));
  for (let tries = 0; !existsSync(socket) && tries < 200; tries++) await wait(50);
  children.push(spawn('pacat', ['--playback', '--raw', '--format=s16le', '--rate=44100', '--channels=2', '--latency-msec=20', '--device=recorder', '--stream-name=awake', '/dev/zero'], { stdio: 'ignore' }));
  const recording = join(home, 'heard.raw');
  const size = async () => (await stat(recording).catch(() => null))?.size ?? 0;
  const grow = async (bytes: number) => {
    const from = await size();
    for (let tries = 0; (await size()) < from + bytes; tries++) {
      if (tries > 400) throw new Error('The recorder delivers nothing.');
      await wait(50);
    }
  };
  record('parec', ['--raw', '--format=s16le', '--rate=44100', '--channels=2', '--latency-msec=50', '--device=recorder.monitor'], recording);
  await grow(1);
  await grow(44_100 * 4);
  const list = () => spawnSync('pactl', ['list', 'short', 'sink-inputs'], { encoding: 'utf8' }).stdout.split('\n').filter((line) => line !== '');
  return {
    recording,
    settle: () => grow(44_100 * 4),
    streams: () => list().length - 1,
    // Numbers are given out one after the other: silence was the first.
    opened: () => Math.max(0, ...list().map((line) => Number(line.split('\t')[0]))),
  };
}

/** Waits until a file stops growing. */
export async function settled(path: string): Promise<void> {
  for (let before = -1; ; ) {
    const { size } = await stat(path);
    if (size === before) return;
    before = size;
    await wait(200);
  }
}

export async function forget(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
