import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { TonearmError } from '#foundation';

/** Writes to a character device, such as a terminal line or /dev/null. Synchronously: that takes less than the way through the thread pool would. */
export class DeviceWriter {
  readonly #path: string;
  #file: number | null;

  constructor(path: string) {
    this.#path = path;
    try {
      // Without O_CREAT and O_TRUNC: what is not there is not made, and what is there instead of the device stays as it is.
      const file = openSync(path, constants.O_WRONLY);
      if (!fstatSync(file).isCharacterDevice()) {
        closeSync(file);
        throw new Error('no device any more');
      }
      this.#file = file;
    } catch (cause) {
      throw new TonearmError({ kind: 'unavailable', code: 'output/pipe-unwritable', message: `The pipe output cannot write to ${path} (${reason(cause)}). Check the path and its permissions.`, cause });
    }
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  write(bytes: Buffer): void {
    const file = this.#file;
    if (file === null) return;
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    } catch (cause) {
      throw new TonearmError({ kind: 'unavailable', code: 'output/pipe-failed', message: `Writing to ${this.#path} failed (${reason(cause)}), so playback stopped. Choose another path, then resume.`, cause });
    }
  }

  close(): Promise<void> {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
    return Promise.resolve();
  }
}

function reason(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? (cause instanceof Error ? cause.message : String(cause));
}
