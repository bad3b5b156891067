import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { abortable, sleep, throwIfAborted, TonearmError } from '#foundation';
import type { Millis, Output, PcmFormat } from '#core';
import type { OutputWorld } from './output-world.ts';
import { PcmEncoder } from './pcm-encoding.ts';
import { PlaybackClock } from './playback-clock.ts';
import { openSmallPipe, smallPipeBytes } from './small-pipe.ts';

/** A program that plays raw s16le stereo from its standard input. */
export interface Player {
  /** Found on PATH. */
  readonly program: string;
  readonly arguments: readonly string[];
  /** How the device is called in sentences. */
  readonly device: string;
  /** What the program and the device together hold. */
  readonly deviceBuffer: Millis;
  /** How much is kept ready in all. */
  readonly buffer: Millis;
}

/** From starting the program to the first sample being heard, about. */
const startUp: Millis = 60;
/** After so long the estimate of what is heard is set right by filling the pipe to its end. */
const recalibrate: Millis = 5 * 60_000;
/** Even what goes through at once is confirmed a moment later; longer than this means that the pipe was full. */
const blocked: Millis = 2;
const mostErrorText = 2000;

/** One run of the program, until it is dropped, has played out, or died. */
interface Run {
  readonly child: ChildProcess;
  readonly writer: Socket;
  /** Resolves with the reason when the program has ended. */
  readonly ended: Promise<TonearmError>;
  error: TonearmError | null;
}

/** Plays through a child process: started with the first frames, ended by `drop` and `drain`, started again by the next frames. */
export class ProgramOutput implements Output {
  readonly format: PcmFormat;
  readonly #player: Player;
  readonly #world: OutputWorld;
  readonly #encoder = new PcmEncoder('s16le');
  readonly #device: PlaybackClock;
  #run: Run | null = null;
  #pending: Promise<void> = Promise.resolve();
  #isPending = false;
  #settled = Number.NEGATIVE_INFINITY;
  /** The program was told that nothing more comes. */
  #draining = false;

  constructor(player: Player, format: PcmFormat, world: OutputWorld) {
    this.format = format;
    this.#player = player;
    this.#world = world;
    this.#device = new PlaybackClock(world.clock, format.rate, startUp);
  }

  /** Starts the program, so that it is ready when the first frames come. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#start(signal);
  }

  get delay(): Millis {
    return this.#device.remaining;
  }

  async write(frames: Float32Array, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const { clock } = this.#world;
    if (this.#draining) await this.drain(signal);
    let run = this.#run;
    if (run?.error) throw this.#lost(run.error);
    run ??= await this.#start(signal);
    const ended = run.ended;
    if (this.#isPending) {
      const since = clock.monotonic();
      const died = await abortable(Promise.race([this.#pending, ended]), signal);
      if (died) throw this.#lost(died);
      if (clock.monotonic() - since > blocked) {
        // The last bytes went in just now, so the pipe and the device are full.
        this.#device.settle(smallPipeBytes / (2 * this.format.channels) + (this.#player.deviceBuffer * this.format.rate) / 1000);
        this.#settled = clock.monotonic();
      }
    }
    const isCalibrating = clock.monotonic() - this.#settled > recalibrate;
    const surplus = this.#device.remaining - (isCalibrating ? this.#capacity : this.#player.buffer);
    if (surplus > 0) {
      // A device that swallows more than it can hold has no clock of its own: ours it is.
      if (isCalibrating) this.#settled = clock.monotonic();
      await sleep(clock, Math.ceil(surplus), signal);
    }
    this.#send(run.writer, this.#encoder.encode(frames));
    this.#device.accept(frames.length / this.format.channels);
  }

  async drain(signal: AbortSignal): Promise<void> {
    const run = this.#run;
    if (!run) return;
    this.#draining = true;
    if (!run.writer.writableEnded) run.writer.end();
    await abortable(run.ended, signal);
    this.#forgetRun(run);
    this.#device.forget();
  }

  drop(): number {
    const run = this.#run;
    if (run) {
      this.#forgetRun(run);
      stop(run);
    }
    return this.#device.forget();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const run = this.#run;
    this.drop();
    await run?.ended;
  }

  /** All that pipe and device can hold, and a little. */
  get #capacity(): Millis {
    return (smallPipeBytes / (2 * this.format.channels) / this.format.rate) * 1000 + this.#player.deviceBuffer + startUp + 200;
  }

  #send(writer: Socket, bytes: Buffer): void {
    this.#isPending = true;
    this.#pending = new Promise((resolve) => {
      writer.write(bytes, () => {
        this.#isPending = false;
        resolve();
      });
    });
  }

  async #start(signal: AbortSignal): Promise<Run> {
    const { program, arguments: list } = this.#player;
    const pipe = await openSmallPipe();
    if (signal.aborted) {
      closeSync(pipe.readEnd);
      pipe.writer.destroy();
      throw signal.reason;
    }
    const child = spawn(program, list, { stdio: [pipe.readEnd, 'ignore', 'pipe'] });
    closeSync(pipe.readEnd);
    pipe.writer.on('error', () => pipe.writer.destroy());
    const run: Run = { child, writer: pipe.writer, ended: this.#watch(child), error: null };
    void run.ended.then((error) => (run.error = error));
    this.#run = run;
    this.#draining = this.#isPending = false;
    return run;
  }

  #watch(child: ChildProcess): Promise<TonearmError> {
    const { program, device } = this.#player;
    let text = '';
    child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      text = (text + part).slice(-mostErrorText);
    });
    return new Promise((resolve) => {
      child.on('error', (cause) => {
        const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
        const message = missing ? `${program} is not installed, so nothing can be played with it. Install it or choose another output.` : `${program} could not be started (${cause.message}).`;
        resolve(new TonearmError({ kind: missing ? 'not-found' : 'unavailable', code: missing ? 'output/program-missing' : 'output/program-failed', message, cause }));
      });
      child.on('close', (code, signalName) => {
        const reason = text.trim().split('\n').pop() ?? '';
        this.#world.log.debug('The player ended', { program, code, signal: signalName, reason });
        resolve(
          new TonearmError({
            kind: 'unavailable',
            code: 'output/device-lost',
            message: `The sound device ${device} stopped playing${reason === '' ? '' : ` (${program}: ${reason})`}. Check that it is connected and not in use by another program, then resume.`,
          }),
        );
      });
    });
  }

  /** The program died by itself: what it had not played stays unheard. */
  #lost(error: TonearmError): TonearmError {
    if (this.#run) this.#forgetRun(this.#run);
    return error;
  }

  #forgetRun(run: Run): void {
    if (this.#run === run) this.#run = null;
    run.writer.destroy();
    this.#draining = this.#isPending = false;
    this.#settled = Number.NEGATIVE_INFINITY;
  }
}

/** SIGKILL: playing out what is buffered is exactly what is not wanted. */
function stop(run: Run): void {
  run.child.kill('SIGKILL');
}

/** Runs a program to its end; returns null when it ended well, else its last words. */
export function tryProgram(program: string, list: readonly string[], signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(program, list, { stdio: ['ignore', 'ignore', 'pipe'], signal, killSignal: 'SIGKILL' });
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      text = (text + part).slice(-mostErrorText);
    });
    child.on('error', (error) => resolve((error as NodeJS.ErrnoException).code === 'ENOENT' ? 'not installed' : signal.aborted ? 'it does not answer' : error.message));
    child.on('close', (code) => resolve(code === 0 ? null : (text.trim().split('\n').pop() ?? `it ended with code ${code ?? 'none'}`)));
  });
}
