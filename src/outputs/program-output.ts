import { abortable, sleep, throwIfAborted, type Clock, type TonearmError } from '#foundation';
import type { Millis, Output, PcmFormat } from '#core';
import { playbackOwners } from './device-owner.ts';
import { deviceStuck, killPatience, stuckAfter } from './device-trouble.ts';
import type { OutputWorld } from './output-world.ts';
import { PcmEncoder } from './pcm-encoding.ts';
import { PlaybackClock } from './playback-clock.ts';
import { PlayerRun, type Player } from './player-run.ts';
import { openSmallPipe, smallPipeBytes } from './small-pipe.ts';

/** From starting the program to the first sample being heard, about. */
const startUp: Millis = 60;
/** After so long the estimate of what is heard is set right by filling the pipe to its end. */
const recalibrate: Millis = 5 * 60_000;
/** How often a full pipe is looked at again. */
const poll: Millis = 10;
/** How often the pipe is filled up with silence; it holds several times that. */
const refill: Millis = 80;
/** After so long without music silence is put behind it, lest the device run empty: it would click, and some wait until they are full again. */
const quietAfter: Millis = 150;
/** Enough for a player on a busy machine. */
const usualShare: Millis = 250;
const frameBytes = 4;
const silence = Buffer.alloc(smallPipeBytes);
const nothing = Buffer.alloc(0);

/**
 * Plays through a child process, started with the first frames. What is in the pipe can be taken back without stopping the program,
 * so that a jump or a pause does not close the device; only its own buffer is still heard then. A program that takes nothing any more is killed.
 */
export class ProgramOutput implements Output {
  readonly format: PcmFormat;
  readonly #player: Player;
  readonly #world: OutputWorld;
  readonly #encoder = new PcmEncoder('s16le');
  readonly #device: PlaybackClock;
  #run: PlayerRun | null = null;
  /** Accepted and not yet in the pipe; the encoder's memory. */
  #rest: Buffer = nothing;
  #settled = Number.NEGATIVE_INFINITY;
  /** Frames that went down with a lost run; `drop` gives them back. */
  #sunk = 0;
  /** The program was told that nothing more comes. */
  #isEnding = false;
  #isClosed = false;
  /** While nothing is to be heard. `pushed`: bytes of silence behind the last music. */
  #quiet: { timer: Disposable; pushed: number } | null = null;

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
    if (this.#isEnding) await this.drain(signal);
    let run = this.#run;
    if (run?.error && this.#quiet) {
      // It died while nothing was to be heard: no harm done.
      this.#forgetRun(run);
      run = null;
    }
    if (run?.error) throw this.#lost(run, run.error);
    run ??= await this.#start(signal);
    this.#endQuiet(run);
    await this.#pushRest(run, signal);
    await this.#keepPace(signal);
    if (run.error) throw this.#lost(run, run.error);
    const bytes = this.#encoder.encode(frames);
    this.#rest = bytes.subarray(run.pipe.push(bytes));
    run.accepted += frames.length / 2;
    this.#device.accept(frames.length / 2);
    if (this.#player.staysOpen) this.#beQuiet(run);
  }

  async drain(signal: AbortSignal): Promise<void> {
    const run = this.#run;
    if (!run) return;
    await this.#pushRest(run, signal);
    if (this.#player.staysOpen) {
      for (let left = this.#device.remaining; left > 0 && !run.error; left = this.#device.remaining) await sleep(this.#world.clock, Math.min(left, 100), signal);
      if (run.error) throw this.#lost(run, run.error);
      return;
    }
    this.#isEnding = true;
    run.pipe.end();
    await abortable(this.#orStuck(run, this.#device.remaining + stuckAfter), signal);
    if (run.error && !run.isDone) throw this.#lost(run, run.error);
    this.#forgetRun(run);
    this.#device.forget();
  }

  drop(): number {
    const run = this.#run;
    if (run && !run.error && this.#player.staysOpen) return this.#takeBack(run);
    if (run) {
      this.#forgetRun(run);
      run.kill();
    }
    const forgotten = this.#sunk + this.#device.forget();
    this.#sunk = 0;
    return forgotten;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const run = this.#run;
    if (!run) return;
    this.#forgetRun(run);
    run.kill();
    this.#device.forget();
    await atMost(this.#world.clock, killPatience, run.ended);
  }

  /** All that pipe and device can hold, and a little. */
  get #capacity(): Millis {
    return (smallPipeBytes / frameBytes / this.format.rate) * 1000 + this.#player.deviceBuffer + startUp + 200;
  }

  /** What the device holds when there is still something in the pipe. */
  get #fullDevice(): number {
    return (this.#player.deviceBuffer * this.format.rate) / 1000;
  }

  /** Puts what was accepted before into the pipe. */
  async #pushRest(run: PlayerRun, signal: AbortSignal): Promise<void> {
    const { clock } = this.#world;
    let hasWaited = false;
    for (let since = clock.monotonic(); this.#rest.length > 0; ) {
      const pushed = run.pipe.push(this.#rest);
      this.#rest = this.#rest.subarray(pushed);
      if (this.#rest.length === 0) break;
      if (pushed > 0) since = clock.monotonic();
      if (clock.monotonic() - since > stuckAfter) throw await this.#stuck(run);
      hasWaited = true;
      await sleep(clock, poll, signal);
      if (run.error) throw this.#lost(run, run.error);
    }
    if (!hasWaited) return;
    // The last bytes went in just now, so the pipe and the device are full.
    this.#device.settle(smallPipeBytes / frameBytes + this.#fullDevice);
    this.#settled = clock.monotonic();
  }

  /** Waits until there is less than the buffer in front. */
  async #keepPace(signal: AbortSignal): Promise<void> {
    const { clock } = this.#world;
    const isCalibrating = clock.monotonic() - this.#settled > recalibrate;
    const surplus = this.#device.remaining - (isCalibrating ? this.#capacity : this.#player.buffer);
    if (surplus <= 0) return;
    // A device that swallows more than it can hold has no clock of its own: ours it is.
    if (isCalibrating) this.#settled = clock.monotonic();
    await sleep(clock, Math.ceil(surplus), signal);
  }

  #takeBack(run: PlayerRun): number {
    const bytes = run.pipe.takeBack();
    const music = Math.max(0, bytes.length - (this.#quiet?.pushed ?? 0));
    const frames = (music + this.#rest.length) / frameBytes;
    this.#rest = nothing;
    run.accepted -= frames;
    this.#device.retract(frames);
    if (music > 0 && !this.#quiet?.pushed) this.#device.settle(Math.min(run.accepted, this.#fullDevice));
    if (this.#quiet) this.#quiet.pushed = 0;
    this.#beQuiet(run);
    return frames;
  }

  /** When no music comes for a moment, keeps the pipe filled with silence until it does. */
  #beQuiet(run: PlayerRun): void {
    if (this.#quiet) return;
    const { clock } = this.#world;
    const fill = () => {
      if (this.#quiet !== quiet || run.error) return;
      this.#rest = this.#rest.subarray(run.pipe.push(this.#rest));
      if (this.#rest.length === 0) quiet.pushed += run.pipe.push(silence);
      quiet.timer = clock.timer(refill, fill);
    };
    const quiet = { timer: clock.timer(Math.min(quietAfter, this.#player.deviceBuffer / 2), fill), pushed: 0 };
    this.#quiet = quiet;
  }

  #endQuiet(run: PlayerRun): void {
    const quiet = this.#quiet;
    if (!quiet) return;
    this.#quiet = null;
    quiet.timer[Symbol.dispose]();
    if (quiet.pushed === 0) return;
    const bytes = run.pipe.takeBack();
    const music = bytes.subarray(0, Math.max(0, bytes.length - quiet.pushed));
    if (music.length > 0) run.pipe.push(music);
    else this.#device.queueBehind(this.#player.deviceBuffer);
  }

  async #start(signal: AbortSignal): Promise<PlayerRun> {
    const pipe = await openSmallPipe();
    if (signal.aborted || this.#isClosed) {
      pipe[Symbol.dispose]();
      throw signal.aborted ? signal.reason : new DOMException('The output is closed.', 'AbortError');
    }
    const run = new PlayerRun(this.#player, pipe, this.#world);
    this.#run = run;
    this.#isEnding = false;
    this.#sunk = 0;
    return run;
  }

  /** Waits for the end of the run, or makes one. */
  async #orStuck(run: PlayerRun, limit: Millis): Promise<void> {
    if (!(await atMost(this.#world.clock, limit, run.ended))) throw await this.#stuck(run);
  }

  async #stuck(run: PlayerRun): Promise<TonearmError> {
    const { program, device } = this.#player;
    this.#lost(run, null);
    run.kill();
    return deviceStuck(device, program, await (this.#world.owners ?? playbackOwners)());
  }

  /** The run is over before its time: what it had not played stays unheard, and `drop` says how much that is. */
  #lost<E extends TonearmError | null>(run: PlayerRun, error: E): E {
    if (this.#run !== run) return error;
    const bytes = run.pipe.takeBack();
    const music = Math.max(0, bytes.length - (this.#quiet?.pushed ?? 0)) + this.#rest.length;
    const inDevice = music > 0 && error !== null ? this.#fullDevice : 0;
    const known = music / frameBytes + inDevice;
    this.#sunk = Math.round(Math.min(run.accepted, Math.max(known, error === null ? 0 : this.#device.ahead)));
    this.#device.forget();
    this.#forgetRun(run);
    return error;
  }

  #forgetRun(run: PlayerRun): void {
    if (this.#run === run) this.#run = null;
    this.#quiet?.timer[Symbol.dispose]();
    this.#quiet = null;
    this.#rest = nothing;
    run.pipe[Symbol.dispose]();
    this.#isEnding = false;
    this.#settled = Number.NEGATIVE_INFINITY;
  }
}

/** How much of the buffer is the device's own: no more than is needed, because it cannot be taken back, and what the pipe cannot hold beside it. */
export function deviceShare(buffer: Millis, rate: number): Millis {
  const pipe = (smallPipeBytes / frameBytes / rate) * 1000;
  return Math.round(Math.max(Math.min(buffer / 2, usualShare), buffer - pipe));
}

/** Whether the work was done within that time. */
async function atMost(clock: Clock, limit: Millis, work: Promise<void>): Promise<boolean> {
  let timer: Disposable | undefined;
  const late = new Promise<false>((resolve) => (timer = clock.timer(limit, () => resolve(false))));
  try {
    return await Promise.race([work.then(() => true as const), late]);
  } finally {
    timer?.[Symbol.dispose]();
  }
}
