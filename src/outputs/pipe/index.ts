import { execFile } from 'node:child_process';
import { constants, type Stats } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { sleep, throwIfAborted, TonearmError } from '#foundation';
import type { Millis, Output, PcmFormat } from '#core';
import type { OutputWorld } from '../output-world.ts';
import { PcmEncoder } from '../pcm-encoding.ts';
import { PlaybackClock } from '../playback-clock.ts';
import { DeviceWriter } from './device-writer.ts';
import { FifoWriter } from './fifo-writer.ts';
import type { PipeSettings } from './settings.ts';

/** How much is taken ahead of time when clocked. */
const buffer: Millis = 250;
/** Frames after which other things on the thread get their turn. */
const breathAfter = 65_536;

/**
 * Raw PCM into a FIFO, which is made if there is nothing yet, or a character device; never into a file: what was decrypted is heard
 * and forgotten. Its rate is the one that is set, whatever is asked for: readers know only one.
 */
export async function openPipe(settings: PipeSettings, format: PcmFormat, world: OutputWorld, signal: AbortSignal): Promise<Output> {
  const { path } = settings;
  const found = await stat(path).catch(() => null);
  throwIfAborted(signal);
  const wrong = found && unfit(found);
  if (wrong) {
    throw new TonearmError({
      kind: 'invalid',
      code: 'output/not-a-pipe',
      message: `The pipe output's path ${path} is ${wrong}. Music is never written into files: give the path of a FIFO that something reads, or a new path, and Tonearm makes the FIFO.`,
    });
  }
  if (!found) await makeFifo(path);
  const writer = found?.isCharacterDevice() ? new DeviceWriter(path) : new FifoWriter(path, world);
  return new PipeOutput(settings, { ...format, rate: settings.rate }, world, writer);
}

function unfit(found: Stats): string | null {
  if (found.isFIFO() || found.isCharacterDevice()) return null;
  return found.isDirectory() ? 'a folder' : found.isFile() ? 'a file' : 'neither a FIFO nor a device';
}

async function makeFifo(path: string): Promise<void> {
  try {
    await promisify(execFile)('mkfifo', ['-m', '660', path]);
  } catch (cause) {
    throw new TonearmError({ kind: 'unavailable', code: 'output/pipe-unwritable', message: `The FIFO ${path} could not be made. Check that its folder exists and may be written to.`, cause });
  }
}

/** Why frames could not be written there, or null. */
export async function probePipe({ path }: PipeSettings): Promise<string | null> {
  const found = await stat(path).catch(() => null);
  const wrong = found && unfit(found);
  if (wrong) return `${path} is ${wrong}`;
  const place = found ? path : dirname(path);
  return access(place, constants.W_OK).then(
    () => null,
    () => `${place} may not be written to`,
  );
}

class PipeOutput implements Output {
  readonly format: PcmFormat;
  readonly #settings: PipeSettings;
  readonly #world: OutputWorld;
  readonly #writer: FifoWriter | DeviceWriter;
  readonly #encoder: PcmEncoder;
  readonly #pace: PlaybackClock | null;
  #last = Number.NEGATIVE_INFINITY;
  #unbroken = 0;

  constructor(settings: PipeSettings, format: PcmFormat, world: OutputWorld, writer: FifoWriter | DeviceWriter) {
    this.format = format;
    this.#settings = settings;
    this.#world = world;
    this.#writer = writer;
    this.#encoder = new PcmEncoder(settings.format);
    this.#pace = settings.clocked ? new PlaybackClock(world.clock, format.rate, settings.delay) : null;
  }

  get delay(): Millis {
    if (this.#pace) return this.#pace.remaining;
    return Math.max(0, this.#last + this.#settings.delay - this.#world.clock.monotonic());
  }

  async write(frames: Float32Array, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const pace = this.#pace;
    const surplus = (pace?.remaining ?? 0) - buffer - this.#settings.delay;
    if (surplus > 0) await sleep(this.#world.clock, Math.ceil(surplus), signal);
    await this.#writer.ready(signal);
    this.#writer.write(this.#encoder.encode(frames));
    const count = frames.length / this.format.channels;
    pace?.accept(count);
    this.#last = this.#world.clock.monotonic();
    this.#unbroken += count;
    if (this.#unbroken > breathAfter) {
      // A reader as fast as we are would keep everything else on this thread waiting.
      this.#unbroken = 0;
      await sleep(this.#world.clock, 0);
    }
  }

  async drain(signal: AbortSignal): Promise<void> {
    await this.#writer.ready(signal);
    if (this.delay > 0) await sleep(this.#world.clock, Math.ceil(this.delay), signal);
  }

  /** What went into a pipe cannot be taken back. */
  drop(): number {
    return 0;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#writer.close();
  }
}
