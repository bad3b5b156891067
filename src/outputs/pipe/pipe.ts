import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sleep, throwIfAborted, TonearmError } from '#foundation';
import type { Millis, Output, PcmFormat } from '#core';
import type { OutputWorld } from '../output-definition.ts';
import { PcmEncoder, type SampleFormat } from '../pcm-encoding.ts';
import { PlaybackClock } from '../playback-clock.ts';
import { FifoWriter } from './fifo-writer.ts';
import { FileWriter } from './file-writer.ts';

export interface PipeSettings {
  readonly path: string;
  readonly format: SampleFormat;
  readonly rate: number;
  readonly clocked: boolean;
  readonly delay: Millis;
}

/** How much is taken ahead of time when clocked. */
const buffer: Millis = 250;

export async function openPipe(settings: PipeSettings, format: PcmFormat, world: OutputWorld, signal: AbortSignal): Promise<Output> {
  const { path } = settings;
  const found = await stat(path).catch(() => null);
  throwIfAborted(signal);
  if (found?.isDirectory()) throw new TonearmError({ kind: 'invalid', code: 'output/pipe-is-folder', message: `The pipe output's path ${path} is a folder. Give the path of a FIFO or a file.` });
  const writer = found?.isFIFO() ? new FifoWriter(path, world) : await FileWriter.open(path);
  return new PipeOutput(settings, { ...format, rate: settings.rate }, world, writer);
}

/** Why frames could not be written there, or null. */
export async function probePipe(path: string): Promise<string | null> {
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

  constructor(settings: PipeSettings, format: PcmFormat, world: OutputWorld, writer: FifoWriter | FileWriter) {
    this.format = format;
    this.#settings = settings;
    this.#world = world;
    this.#writer = writer;
    this.#encoder = new PcmEncoder(settings.format);
    this.#pace = settings.clocked ? new PlaybackClock(world.clock, format.rate) : null;
  }

  get delay(): Millis {
    return this.#settings.delay + (this.#pace?.remaining ?? 0);
  }

  async write(frames: Float32Array, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const pace = this.#pace;
    if (pace && pace.remaining > buffer) await sleep(this.#world.clock, Math.ceil(pace.remaining - buffer), signal);
    await this.#writer.ready(signal);
    this.#writer.write(this.#encoder.encode(frames));
    pace?.accept(frames.length / this.format.channels);
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
