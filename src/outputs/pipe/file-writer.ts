import { open, type FileHandle } from 'node:fs/promises';
import { TonearmError } from '#foundation';

/** Appends to a file, one write behind. */
export class FileWriter {
  readonly #path: string;
  readonly #handle: FileHandle;
  #pending: Promise<unknown> = Promise.resolve();

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  static async open(path: string): Promise<FileWriter> {
    try {
      return new FileWriter(path, await open(path, 'a'));
    } catch (cause) {
      throw new TonearmError({ kind: 'unavailable', code: 'output/pipe-unwritable', message: `The pipe output cannot write to ${path} (${reason(cause)}). Check the path and its permissions.`, cause });
    }
  }

  /** Resolves when what was written before is in the file; rejects when it did not get there. */
  async ready(): Promise<void> {
    try {
      await this.#pending;
    } catch (cause) {
      this.#pending = Promise.resolve();
      throw new TonearmError({ kind: 'unavailable', code: 'output/pipe-failed', message: `Writing to ${this.#path} failed (${reason(cause)}), so playback stopped. Free some space or choose another path, then resume.`, cause });
    }
  }

  /** Only after `ready`. The memory is in use until the next `ready` resolves. */
  write(bytes: Buffer): void {
    this.#pending = this.#handle.appendFile(bytes);
    this.#pending.catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#pending.catch(() => undefined);
    await this.#handle.close();
  }
}

function reason(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? String(cause);
}
