import { createRequire } from 'node:module';
import { parseSpeakerTask, SpeakerMessages, ToSpeaker, type FromSpeaker } from './messages.ts';

/**
 * The child process around the package `speaker`, which aborts its process when ALSA has no default device and leaks a little
 * with every write (node-speaker issues 96, 126): here it can do neither harm to the daemon. Closing the device while a write is under
 * way aborts as well (an assertion in alsa-lib), so sound that is not wanted any more is stopped by killing this process.
 */

/** What we use of the package; its own types lack most of it. */
interface Speaker {
  write(chunk: Buffer, done: (error?: Error | null) => void): boolean;
  end(): void;
  close(flush?: boolean): void;
  on(name: 'error', listener: (error: Error) => void): void;
  once(name: 'close', listener: () => void): void;
}
type SpeakerClass = new (options: Record<string, unknown>) => Speaker;

/** Large writes, because the leak is per write. */
const samplesPerFrame = 8192;

const given = parseSpeakerTask(process.argv[2] ?? '');
if (!given) throw new Error('This program is started by Tonearm to play sound.');
const task = given;
const frameBytes = 2 * task.channels;
const writeBytes = samplesPerFrame * frameBytes;
const Native = load();

function load(): SpeakerClass {
  try {
    return createRequire(import.meta.url)('speaker') as SpeakerClass;
  } catch {
    tell({ kind: 'failed', reason: 'the optional package speaker is not installed' });
    process.exit(1);
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
  process.stdin.destroy();
}

let current: Speaker | null = null;
let waiting: Buffer[] = [];
let gathered = 0;
let busy = false;
let taken = 0;
let draining = false;

function feed(): void {
  if (busy) return;
  if (gathered === 0 && draining) playOut();
  // Full writes only, but for the end.
  if (gathered === 0 || (gathered < writeBytes && !draining)) return;
  const all = Buffer.concat(waiting);
  const chunk = all.subarray(0, writeBytes);
  waiting = [all.subarray(chunk.length)];
  gathered = all.length - chunk.length;
  current ??= openDevice();
  const speaker = current;
  busy = true;
  speaker.write(chunk, (error) => {
    busy = false;
    if (error) {
      giveUp(error);
      return;
    }
    taken += chunk.length;
    tell({ kind: 'taken', bytes: taken, memory: process.memoryUsage.rss() });
    feed();
  });
}

function playOut(): void {
  const speaker = current;
  draining = false;
  current = null;
  taken = 0;
  if (speaker) {
    speaker.once('close', () => tell({ kind: 'drained' }));
    speaker.end();
  } else tell({ kind: 'drained' });
}

function probe(): void {
  const speaker = openDevice();
  speaker.on('error', (error) => giveUp(error));
  // One frame of silence opens the device.
  speaker.write(Buffer.alloc(frameBytes), (error) => {
    speaker.close();
    if (error) giveUp(error);
    else tell({ kind: 'ready' });
  });
}

if (task.task === 'probe') {
  probe();
} else {
  const messages = new SpeakerMessages();
  tell({ kind: 'ready' });
  process.stdin.on('data', (bytes: Buffer) => {
    for (const { type, body } of messages.push(bytes)) {
      // Part of a frame would shift all that follows.
      if (type === ToSpeaker.pcm && body.length % frameBytes === 0) {
        waiting.push(Buffer.from(body));
        gathered += body.length;
      }
      if (type === ToSpeaker.drain) draining = true;
      feed();
    }
  });
  process.stdin.on('end', () => process.exit());
}
