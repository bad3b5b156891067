import { open, type FileHandle } from 'node:fs/promises';
import { throwIfAborted, TonearmError } from '#foundation';
import type { ByteSource } from './byte-source.ts';

const block = 64 * 1024;

/** A file on disk, read in blocks of 64 KiB. */
export async function openFileBytes(path: string): Promise<ByteSource> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(path, 'r');
    const { size } = await handle.stat();
    return new FileBytes(handle, path, size);
  } catch (error) {
    await handle?.close();
    throw fileError(path, error);
  }
}

class FileBytes implements ByteSource {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #size: number;
  readonly #block = Buffer.allocUnsafeSlow(block);
  #from = 0;
  #filled = 0;

  constructor(handle: FileHandle, path: string, size: number) {
    this.#handle = handle;
    this.#path = path;
    this.#size = size;
  }

  size(): Promise<number> {
    return Promise.resolve(this.#size);
  }

  async read(at: number, length: number, signal: AbortSignal, options?: { readonly ahead?: boolean }): Promise<Uint8Array> {
    throwIfAborted(signal);
    if (options?.ahead === false) {
      const aside = Buffer.allocUnsafe(length);
      return aside.subarray(0, await this.#readInto(aside, at));
    }
    if (at < this.#from || at >= this.#from + this.#filled) {
      this.#filled = 0;
      this.#filled = await this.#readInto(this.#block, at);
      this.#from = at;
      throwIfAborted(signal);
    }
    const start = at - this.#from;
    return this.#block.subarray(start, Math.min(start + length, this.#filled));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async #readInto(buffer: Buffer, at: number): Promise<number> {
    try {
      return (await this.#handle.read(buffer, 0, buffer.length, at)).bytesRead;
    } catch (error) {
      throw fileError(this.#path, error);
    }
  }
}

function fileError(path: string, cause: unknown): TonearmError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') {
    return new TonearmError({ kind: 'not-found', code: 'audio/file-missing', message: `The file ${path} does not exist (any more), so it cannot be played.`, cause });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new TonearmError({ kind: 'forbidden', code: 'audio/file-forbidden', message: `The file ${path} may not be read by Tonearm. Check its permissions.`, cause });
  }
  return new TonearmError({ kind: 'unavailable', code: 'audio/file-unreadable', message: `The file ${path} could not be read (${code ?? 'unknown reason'}).`, cause });
}
