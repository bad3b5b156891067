import { execFile } from 'node:child_process';
import { constants, open as openCallback, closeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const open = promisify(openCallback);
const run = promisify(execFile);

/** What a Linux pipe holds unless told otherwise. */
export const smallPipeBytes = 64 * 1024;

/** Both ends of a kernel pipe of 64 KiB. */
export interface SmallPipe {
  /** For a child's standard input; close it here once the child has it. */
  readonly readEnd: number;
  readonly writer: Socket;
}

/**
 * A pipe whose size is known. Node gives children a socket pair instead, which swallows a second of sound and more:
 * as long would a change of volume take to be heard.
 */
export async function openSmallPipe(): Promise<SmallPipe> {
  const folder = await mkdtemp(join(tmpdir(), 'tonearm-'));
  try {
    const path = join(folder, 'pcm');
    await run('mkfifo', ['-m', '600', path]);
    // Open for both, which never waits, so that neither of the real ends does.
    const both = await open(path, constants.O_RDWR);
    try {
      const readEnd = await open(path, constants.O_RDONLY);
      const fd = await open(path, constants.O_WRONLY | constants.O_NONBLOCK);
      return { readEnd, writer: new Socket({ fd, readable: false, writable: true }) };
    } finally {
      closeSync(both);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
