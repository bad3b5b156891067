import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sleep, throwIfAborted, TonearmError } from '#foundation';
import type { Millis, Output, PcmFormat } from '#core';
import type { OutputWorld } from '../output-world.ts';
import { PcmEncoder } from '../pcm-encoding.ts';
import { PlaybackClock } from '../playback-clock.ts';
import { FifoWriter } from './fifo-writer.ts';
import { FileWriter } from './file-writer.ts';
import type { PipeSettings } from './settings.ts';

/** How much is taken ahead of time when clocked. */
const buffer: Millis = 250;
/** Frames after which other things on the thread get their turn. */
const breathAfter = 65_536;

/** Raw PCM into a FIFO or a file. Its rate is the one that is set, whatever is asked for: readers know only one. */
export async function openPipe(settings: PipeSettings, format: PcmFormat, world: OutputWorld, signal: AbortSignal): Promise<Output> {
  const { path } = settings;
  const found = await stat(path).catch(() => null);
  throwIfAborted(signal);
  if (found?.isDirectory()) throw new TonearmError({ kind: 'invalid', code: 'output/pipe-is-folder', message: `The pipe output's path ${path} is a folder. Give the path of a FIFO or a file.` });
  const writer = found?.isFIFO() ? new FifoWriter(path, world) : new FileWriter(path);
  return new PipeOutput(settings, { ...format, rate: settings.rate }, world, writer);
}

/** Why frames could not be written there, or null. */
export async function probePipe({ path }: PipeSettings): Promise<string | null> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) return `${path} is a folder`;
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
  readonly #writer: FifoWriter | FileWriter;
  readonly #encoder: PcmEncoder;
  readonly #pace: PlaybackClock | null;
  #last = Number.NEGATIVE_INFINITY;
  #unbroken = 0;

  constructor(settings: PipeSettings, format: PcmFormat, world: OutputWorld, writer: FifoWriter | FileWriter) {
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
