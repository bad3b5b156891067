import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseSpeakerTask, SpeakerMessages, ToSpeaker, type FromSpeaker } from './messages.ts';

/**
 * The child process around the package `speaker`, which aborts its process when ALSA has no default device and leaks a little
 * with every write (node-speaker issues 96, 126): here it can do neither harm to the daemon. Closing the device while a write is under
 * way aborts as well (an assertion in alsa-lib), so what the device holds is dropped between two writes.
 */

/** What we use of the package; its own types lack most of it. */
interface Speaker {
  readonly audio_handle: object | null;
  write(chunk: Buffer, done: (error?: Error | null) => void): boolean;
  end(): void;
  close(flush?: boolean): void;
  /** Opens the device, which the first write would do otherwise. */
  _open?(): unknown;
  on(name: 'error', listener: (error: Error) => void): void;
  once(name: 'close', listener: () => void): void;
}
type SpeakerClass = new (options: Record<string, unknown>) => Speaker;
/** The native part; `flush` makes the device forget what it holds. */
interface Binding {
  flush(handle: object): void;
}

/** Large writes, because the leak is per write. */
const samplesPerFrame = 8192;
/** How often silence is written, in ms: more often than a write lasts, so that the device never runs empty. */
const silenceEvery = 150;
/** What the device holds at most, and a little, in ms: music written before that is heard. */
const heardAfter = 600;
/** After so long without music, in ms, what is there is written, full or not, and silence behind it: the device is not to run empty. */
const urgeAfter = 150;
/** Every so many writes of silence the parent is told how large this process has become. */
const tellEvery = 64;

const given = parseSpeakerTask(process.argv[2] ?? '');
if (!given) throw new Error('This program is started by Tonearm to play sound.');
const task = given;
const frameBytes = 2 * task.channels;
const writeBytes = samplesPerFrame * frameBytes;
const silence = Buffer.alloc(writeBytes);
const require = createRequire(import.meta.url);
const Native = load();
const binding = loadBinding();

function load(): SpeakerClass {
  try {
    return require('speaker') as SpeakerClass;
  } catch {
    tell({ kind: 'failed', reason: 'the optional package speaker is not installed' });
    process.exit(1);
  }
}

function loadBinding(): Binding | null {
  try {
    return require(join(dirname(require.resolve('speaker')), 'build', 'Release', 'binding.node')) as Binding;
  } catch {
    return null;
  }
}

function tell(news: FromSpeaker): void {
  process.stdout.write(`${JSON.stringify(news)}\n`);
}

function openDevice(): Speaker {
  const device = task.device === null ? {} : { device: task.device };
  const speaker = new Native({ channels: task.channels, bitDepth: 16, sampleRate: task.rate, signed: true, samplesPerFrame, ...device });
  speaker.on('error', (error) => {
    if (speaker === current) giveUp(error);
  });
  return speaker;
}

function giveUp(error: Error): void {
  tell({ kind: 'failed', reason: error.message });
  process.exitCode = 1;
  clearInterval(quiet);
  clearTimeout(idle);
  process.stdin.destroy();
}

let current: Speaker | null = null;
let waiting: Buffer[] = [];
let gathered = 0;
let busy = false;
let taken = 0;
let draining = false;
let round = 0;
/** What the device holds is to be forgotten before the next write. */
let dropping = false;
/** Less than a full write may go. */
let urging = false;
let idle: NodeJS.Timeout | undefined;
/** Runs while silence is played. */
let quiet: NodeJS.Timeout | undefined;
/** Writes of silence since the last music. */
let silences = 0;
let lastMusic = 0;

function feed(): void {
  if (busy) return;
  if (dropping) forget();
  if (gathered === 0 && draining) playOut();
  // Full writes only, but for the end.
  if (gathered === 0 || (gathered < writeBytes && !draining && !urging)) return;
  const all = Buffer.concat(waiting);
  const chunk = all.subarray(0, writeBytes);
  waiting = [all.subarray(chunk.length)];
  gathered = all.length - chunk.length;
  const before = round;
  write(chunk, () => {
    lastMusic = performance.now();
    if (round !== before) return;
    taken += chunk.length;
    tell({ kind: 'taken', bytes: taken, memory: process.memoryUsage.rss(), round });
  });
}

function write(chunk: Buffer, done: () => void): void {
  current ??= openDevice();
  busy = true;
  current.write(chunk, (error) => {
    busy = false;
    if (error) {
      giveUp(error);
      return;
    }
    done();
    feed();
  });
}

function forget(): void {
  dropping = false;
  const handle = current?.audio_handle;
  if (handle) binding?.flush(handle);
}

function playOut(): void {
  const speaker = current;
  draining = false;
  taken = 0;
  if (task.staysOpen) {
    beQuiet();
    tell({ kind: 'drained', round });
    return;
  }
  current = null;
  clearTimeout(idle);
  if (speaker) {
    speaker.once('close', () => tell({ kind: 'drained', round }));
    speaker.end();
  } else tell({ kind: 'drained', round });
}

function beQuiet(): void {
  if (quiet || !task.staysOpen) return;
  silences = 0;
  const play = () => {
    if (busy || gathered > 0) return;
    write(silence, () => {
      silences += 1;
      if (silences % tellEvery === 0) tell({ kind: 'taken', bytes: taken, memory: process.memoryUsage.rss(), round });
    });
  };
  quiet = setInterval(play, silenceEvery);
  play();
}

/** Music comes: it is not to wait behind the silence. The end of the music before may still be in the device, however. */
function endQuiet(): void {
  if (!quiet) return;
  clearInterval(quiet);
  quiet = undefined;
  if (silences > 0 && performance.now() - lastMusic > heardAfter) dropping = true;
}

function urge(): void {
  urging = true;
  feed();
  beQuiet();
}

function drop(): void {
  waiting = [];
  gathered = taken = 0;
  draining = false;
  dropping = true;
  round += 1;
  lastMusic = 0;
  beQuiet();
}

function probe(): void {
  const speaker = openDevice();
  speaker.on('error', (error) => giveUp(error));
  // One frame of silence opens the device.
  speaker.write(Buffer.alloc(frameBytes), (error) => {
    speaker.close();
    if (error) giveUp(error);
    else tell({ kind: 'ready', canDrop: binding !== null });
  });
}

function open(): void {
  current = openDevice();
  try {
    current._open?.();
    tell({ kind: 'ready', canDrop: binding !== null });
  } catch (error) {
    giveUp(error as Error);
  }
}

if (task.task === 'probe') {
  probe();
} else {
  const messages = new SpeakerMessages();
  process.stdin.on('data', (bytes: Buffer) => {
    for (const { type, body } of messages.push(bytes)) {
      // Part of a frame would shift all that follows.
      if (type === ToSpeaker.pcm && body.length % frameBytes === 0) {
        endQuiet();
        urging = false;
        clearTimeout(idle);
        idle = setTimeout(urge, urgeAfter);
        waiting.push(Buffer.from(body));
        gathered += body.length;
      }
      if (type === ToSpeaker.drain) draining = true;
      if (type === ToSpeaker.drop) drop();
      feed();
    }
  });
  process.stdin.on('end', () => process.exit());
  open();
}
