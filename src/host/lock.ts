import { readFileSync } from 'node:fs';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { TonearmError } from '#foundation';
import { isMissing } from './files.ts';

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process began, in the kernel's own count; tells a reused pid from the holder. Null where the system does not say. */
  readonly began: string | null;
}

/**
 * Takes the data folder for this process. Rejects with `host/already-running` while another living Tonearm holds it;
 * what a dead one left is taken over.
 */
export async function takeLock(path: string): Promise<AsyncDisposable> {
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), began: beganOf(process.pid) } satisfies Holder);
  for (let attempt = 0; attempt < 5; attempt++) {
    if (await create(path, mine)) return { [Symbol.asyncDispose]: () => release(path, mine) };
    const found = await content(path);
    if (found === null) continue; // released in between
    const holder = parse(found);
    if (holder && isAlive(holder)) throw alreadyRunning(path, holder);
    await setAside(path, found);
  }
  throw alreadyRunning(path, null);
}

/** Makes the lock with its content in one step, or says that there is one. */
async function create(path: string, text: string): Promise<boolean> {
  const draft = `${path}.${process.pid}.tmp`;
  await writeFile(draft, text, { mode: 0o600 });
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // A file system without hard links: the small window in which the lock is empty has to do.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
    return await writeFile(path, text, { mode: 0o600, flag: 'wx' }).then(
      () => true,
      (failure: unknown) => {
        if ((failure as NodeJS.ErrnoException).code === 'EEXIST') return false;
        throw failure;
      },
    );
  } finally {
    await rm(draft, { force: true });
  }
}

/** Removes a stale lock. Of two that found it, the slower may have moved the faster one's new lock: that is put back. */
async function setAside(path: string, stale: string): Promise<void> {
  const aside = `${path}.${process.pid}.stale`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if ((await content(aside)) === stale) await rm(aside, { force: true });
  else await rename(aside, path);
}

async function release(path: string, mine: string): Promise<void> {
  if ((await content(path)) === mine) await rm(path, { force: true });
}

async function content(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function parse(text: string): Holder | null {
  try {
    const value = JSON.parse(text) as Partial<Holder> | null;
    return typeof value?.pid === 'number' && Number.isInteger(value.pid) && value.pid > 0
      ? { pid: value.pid, host: String(value.host), began: typeof value.began === 'string' ? value.began : null }
      : null;
  } catch {
    return null;
  }
}

function isAlive(holder: Holder): boolean {
  // A shared folder held on another machine cannot be judged from here. Containers get a new name each time they are made, so theirs would never end.
  if (holder.host !== hostname() && !isContainerName(holder.host)) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const began = beganOf(holder.pid);
  return began === null || holder.began === null || began === holder.began;
}

function isContainerName(host: string): boolean {
  return /^[0-9a-f]{12}$/.test(host);
}

/** Boot and start time of a process, on Linux. */
function beganOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // The command name may hold spaces and brackets; fields are counted after the last bracket. Start time is field 22.
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return start === undefined ? null : `${boot}/${start}`;
  } catch {
    return null;
  }
}

function alreadyRunning(path: string, holder: Holder | null): TonearmError {
  const who = holder === null ? 'Another Tonearm' : `Another Tonearm (process ${holder.pid}${holder.host === hostname() ? '' : ` on ${holder.host}`})`;
  return new TonearmError({
    kind: 'conflict',
    code: 'host/already-running',
    message: `${who} is running with the same data folder, so this one stops here. Stop the other first, or give this one a folder of its own with --data. (If you are sure that none runs, remove ${path}.)`,
  });
}
