import { execFile } from 'node:child_process';
import { constants, readSync, writeSync } from 'node:fs';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TonearmError } from '#foundation';

const run = promisify(execFile);

/** What a Linux pipe holds unless told otherwise. */
export const smallPipeBytes = 64 * 1024;

/**
 * A kernel pipe of 64 KiB to a child's standard input. Both ends are also held here, so that what the child has not read yet
 * can be counted and taken back. No call waits. The ends are file handles, because those are closed with a thread that is terminated:
 * the child then reads to the end and leaves.
 */
export class SmallPipe implements Disposable {
  readonly #childEnd: FileHandle;
  readonly #readEnd: FileHandle;
  readonly #writeEnd: FileHandle;
  readonly #open: Set<FileHandle>;

  constructor(childEnd: FileHandle, readEnd: FileHandle, writeEnd: FileHandle) {
    this.#childEnd = childEnd;
    this.#readEnd = readEnd;
    this.#writeEnd = writeEnd;
    this.#open = new Set([childEnd, readEnd, writeEnd]);
  }

  /** The child's end: a descriptor that waits for bytes. */
  get childEnd(): number {
    return this.#childEnd.fd;
  }

  /** The child has its end. */
  handedOver(): void {
    this.#close(this.#childEnd);
  }

  /** Puts in as much as there is room for; returns how many bytes that were. None after `end`. */
  push(bytes: Uint8Array): number {
    if (!this.#open.has(this.#writeEnd)) return 0;
    let pushed = 0;
    try {
      while (pushed < bytes.length) pushed += writeSync(this.#writeEnd.fd, bytes, pushed);
    } catch (error) {
      if (!isAgain(error)) throw error;
    }
    return pushed;
  }

  /** Takes out everything the child has not read. */
  takeBack(): Buffer {
    const parts: Buffer[] = [];
    try {
      while (this.#open.has(this.#readEnd)) {
        const part = Buffer.allocUnsafe(smallPipeBytes);
        const count = readSync(this.#readEnd.fd, part);
        if (count === 0) break;
        parts.push(part.subarray(0, count));
      }
    } catch (error) {
      if (!isAgain(error)) throw error;
    }
    return Buffer.concat(parts);
  }

  /** Nothing more comes: the child reads to the end. */
  end(): void {
    this.#close(this.#writeEnd);
  }

  [Symbol.dispose](): void {
    for (const end of this.#open) this.#close(end);
  }

  #close(end: FileHandle): void {
    if (this.#open.delete(end)) end.close().catch(() => undefined);
  }
}

function isAgain(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EAGAIN';
}

/**
 * Makes one. Node gives children a socket pair instead, which swallows a second of sound and more: as long would a change of volume
 * take to be heard. Rejects with `output/no-pipe`.
 */
export async function openSmallPipe(): Promise<SmallPipe> {
  const ends: FileHandle[] = [];
  let folder: string | null = null;
  try {
    folder = await mkdtemp(join(tmpdir(), 'tonearm-'));
    const path = join(folder, 'pcm');
    await run('mkfifo', ['-m', '600', path]);
    // Our own end first, because it does not wait for a writer; then neither of the others has to wait.
    const readEnd = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    ends.push(readEnd);
    const writeEnd = await open(path, constants.O_WRONLY | constants.O_NONBLOCK);
    ends.push(writeEnd);
    const childEnd = await open(path, constants.O_RDONLY);
    return new SmallPipe(childEnd, readEnd, writeEnd);
  } catch (cause) {
    for (const end of ends) await end.close();
    const { code = 'unknown reason' } = cause as NodeJS.ErrnoException;
    throw new TonearmError({ kind: 'unavailable', code: 'output/no-pipe', message: `A pipe to the player could not be made in ${tmpdir()} (${code}). Check that this folder may be written to and that mkfifo is installed.`, cause });
  } finally {
    if (folder !== null) await rm(folder, { recursive: true, force: true });
  }
}
