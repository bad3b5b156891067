import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A Python, and the Debian whose `/usr` it needs in the place of ours; null: it runs as it is. */
export interface Python {
  readonly path: string;
  readonly usr: string | null;
}

/** Where what was installed for the tests stays for the next run. */
export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tonearm-tests');
}

/** Makes a folder once: half-made ones are never seen under its name. */
export async function once(folder: string, make: (folder: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder;
  const parent = join(folder, '..');
  await mkdir(parent, { recursive: true });
  const draft = await mkdtemp(join(parent, '.draft-'));
  try {
    await make(draft);
    await rename(draft, folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
}

/** How a program of that Python is started: laying a `/usr` over ours happens where nobody else sees it. */
export function launch({ usr }: Python, file: string, args: readonly string[]): readonly [file: string, args: readonly string[]] {
  if (usr === null) return [file, args];
  return ['unshare', ['--mount', 'sh', '-c', 'mount --bind "$0" /usr && exec "$@"', usr, file, ...args]];
}

/** The first that is at least as new as `least` (`3.14.2`) and of the same minor version: on the path, with pyenv, or from Debian. */
export async function findPython(least: string, suites: readonly string[]): Promise<Python | null> {
  const minor = least.split('.').slice(0, 2).join('.');
  for (const path of [...onPath(`python${minor}`), ...(await withPyenv(minor))]) {
    if (await fits(path, least, null)) return { path, usr: null };
  }
  for (const suite of suites) {
    const usr = await debianUsr(suite, minor).catch(() => null);
    const path = `/usr/bin/python${minor}`;
    if (usr !== null && (await fits(path, least, usr))) return { path, usr };
  }
  return null;
}

async function fits(path: string, least: string, usr: string | null): Promise<boolean> {
  const test = `import sys, venv, ensurepip; print(sys.version_info[:3] >= (${least.split('.').join(', ')}))`;
  const [file, args] = launch({ path, usr }, path, ['-c', test]);
  return await run(file, args).then(({ stdout }) => stdout.trim() === 'True', () => false);
}

function onPath(name: string): readonly string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter(Boolean).map((folder) => join(folder, name)).filter((path) => existsSync(path));
}

async function withPyenv(minor: string): Promise<readonly string[]> {
  const root = process.env['PYENV_ROOT'] ?? (await run('pyenv', ['root']).then(({ stdout }) => stdout.trim(), () => join(homedir(), '.pyenv')));
  const versions = await readdir(join(root, 'versions')).catch(() => []);
  return versions.filter((name) => name.startsWith(`${minor}.`)).sort().reverse().map((name) => join(root, 'versions', name, 'bin', 'python3'));
}

/** The few packages of a newer Debian that Python consists of, unpacked in the cache. Their lists may be some weeks old. */
async function debianUsr(suite: string, minor: string): Promise<string> {
  const folder = await once(join(cacheFolder(), `debian-${suite}-python${minor}`), async (draft) => {
    const packages = [`python${minor}-minimal`, `libpython${minor}-stdlib`, `python${minor}-venv`, 'ca-certificates'].join(',');
    await run('mmdebstrap', ['--quiet', '--mode=root', '--variant=extract', `--include=${packages}`, '--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Check-Valid-Until "false"', suite, draft], { timeout: 240_000 });
  });
  return join(folder, 'usr');
}
