import { closeSync, constants, fstatSync, open as openCallback } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import { abortable, sleep, throwIfAborted, TonearmError } from '#foundation';
import type { OutputWorld } from '../output-world.ts';

const open = promisify(openCallback);
const again = 200;

/**
 * The writing end of a FIFO. Without a reader it waits for one; a reader that goes away costs what it had not read, and the next one
 * begins with a whole frame.
 */
export class FifoWriter {
  readonly #path: string;
  readonly #world: OutputWorld;
  #socket: Socket | null = null;
  #pending: Promise<void> = Promise.resolve();

  constructor(path: string, world: OutputWorld) {
    this.#path = path;
    this.#world = world;
  }

  /** Resolves when there is a reader and it took what was written before. */
  async ready(signal: AbortSignal): Promise<void> {
    await abortable(this.#pending, signal);
    if (this.#socket?.writable !== true) this.#socket = await this.#open(signal);
  }

  /** Only after `ready`. The memory is in use until the next `ready` resolves. */
  write(bytes: Buffer): void {
    // An error closes the socket, and the next `ready` looks for a new reader.
    this.#pending = new Promise((resolve) => this.#socket?.write(bytes, () => resolve()));
  }

  async #open(signal: AbortSignal): Promise<Socket> {
    for (let waited = false; ; waited = true) {
      throwIfAborted(signal);
      try {
        const fd = await open(this.#path, constants.O_WRONLY | constants.O_NONBLOCK);
        if (!fstatSync(fd).isFIFO()) {
          // Somebody put something else in its place. Music is never written into files.
          closeSync(fd);
          throw new TonearmError({ kind: 'invalid', code: 'output/not-a-pipe', message: `The pipe output's path ${this.#path} is no FIFO any more, so nothing is written to it. Remove what is there; Tonearm makes the FIFO anew.` });
        }
        const socket = new Socket({ fd, readable: false, writable: true });
        socket.on('error', () => socket.destroy());
        if (waited) this.#world.log.info('Somebody reads the pipe now', { path: this.#path });
        return socket;
      } catch (cause) {
        if (cause instanceof TonearmError) throw cause;
        const code = (cause as NodeJS.ErrnoException).code;
        if (code !== 'ENXIO') {
          throw new TonearmError({ kind: 'unavailable', code: 'output/pipe-unwritable', message: `The pipe output cannot write to ${this.#path} (${code ?? 'unknown reason'}). Check the path and its permissions.`, cause });
        }
        if (!waited) this.#world.log.info('Nobody reads the pipe: playback waits for a reader', { path: this.#path });
        await sleep(this.#world.clock, again, signal);
      }
    }
  }

  /** Gives up what the kernel has not taken: nobody may be reading. */
  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.destroy();
    });
  }
}
