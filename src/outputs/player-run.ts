import { spawn, type ChildProcess } from 'node:child_process';
import { TonearmError } from '#foundation';
import type { Millis } from '#core';
import { playbackOwners } from './device-owner.ts';
import { deviceLost } from './device-trouble.ts';
import { watchPlayer, type OutputWorld } from './output-world.ts';
import type { SmallPipe } from './small-pipe.ts';

const mostErrorText = 2000;

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
  /** Whether the device stays open, playing silence, when there is nothing to play; else it is closed by every `drop` and `drain`. */
  readonly staysOpen: boolean;
}

/** One run of the program, until it is stopped, has played out, or died. */
export class PlayerRun {
  readonly pipe: SmallPipe;
  /** Resolves when the program is gone; then `error` says why. */
  readonly ended: Promise<void>;
  error: TonearmError | null = null;
  /** It ended, and without a complaint. */
  isDone = false;
  /** Frames it was given. */
  accepted = 0;
  readonly #child: ChildProcess;

  constructor({ program, arguments: list, device }: Player, pipe: SmallPipe, { log, players, owners = playbackOwners }: OutputWorld) {
    this.pipe = pipe;
    const child = spawn(program, list, { stdio: [pipe.childEnd, 'ignore', 'pipe'] });
    pipe.handedOver();
    watchPlayer(players, child);
    this.#child = child;
    let text = '';
    child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      text = (text + part).slice(-mostErrorText);
    });
    this.ended = new Promise((resolve) => {
      child.on('error', (cause) => {
        const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
        const message = missing ? `${program} is not installed, so nothing can be played with it. Install it or choose another output.` : `${program} could not be started (${cause.message}).`;
        this.error = new TonearmError({ kind: missing ? 'not-found' : 'unavailable', code: missing ? 'output/program-missing' : 'output/program-failed', message, cause });
        resolve();
      });
      child.on('close', (code, signalName) => {
        const reason = text.trim().split('\n').pop() ?? '';
        log.debug('The player ended', { program, code, signal: signalName, reason });
        void (/busy/i.test(reason) ? owners() : Promise.resolve([])).then((found) => {
          this.error ??= deviceLost({ device, program, reason, owners: found });
          this.isDone = code === 0;
          resolve();
        });
      });
    });
  }

  /** SIGKILL: playing out what is buffered is exactly what is not wanted. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
