import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { mosquitto } from '../mqtt-peers.ts';
import { cacheFolder, findPython, launch, once, type Python } from './python.ts';

const run = promisify(execFile);
const installer = 'uv==0.13.9';

export interface Release {
  readonly version: string;
  /** Oldest Python it runs on. */
  readonly python: string;
  /** Debian's releases that have one, if this machine has none. */
  readonly suites: readonly string[];
  /** What Tonearm has to be told of it; nothing for what is new. */
  readonly minimum?: string;
}

/** The newest there was when its requirements were written down. */
export const newest: Release = { version: '2026.11.0', python: '3.14.2', suites: ['forky', 'sid'] };
/** The first whose device payloads are no longer experimental. */
export const older: Release = { version: '2024.12.5', python: '3.12.0', suites: [], minimum: '2024.12' };

export interface Installation {
  readonly release: Release;
  readonly python: Python;
  /** Folder of its virtual environment. */
  readonly folder: string;
}

/** Installs Home Assistant into the cache, or finds it there; the reason why not, if it cannot be. */
export async function install(release: Release): Promise<Installation | string> {
  const obstacle = findObstacle();
  if (obstacle !== '') return obstacle;
  const python = await findPython(release.python, release.suites);
  if (!python) return `Home Assistant ${release.version} needs Python ${release.python}, and there is none`;
  const list = fileURLToPath(new URL(`requirements/${release.version}.txt`, import.meta.url));
  const hash = createHash('sha256').update(await readFile(list)).update(python.path).digest('hex').slice(0, 8);
  try {
    const folder = await once(join(cacheFolder(), `home-assistant-${release.version}-${hash}`), async (draft) => {
      const uv = join(await findInstaller(), 'bin', 'uv');
      const inside = async (...args: readonly string[]) => run(...mutable(launch(python, uv, args)), { timeout: 600_000 });
      await inside('venv', '--quiet', '--allow-existing', '--python', python.path, draft);
      await inside('pip', 'install', '--quiet', '--no-deps', '--python', join(draft, 'bin', 'python'), '--requirements', list);
    });
    return { release, python, folder };
  } catch (error) {
    return `Home Assistant ${release.version} could not be installed: ${(error as Error).message}`;
  }
}

/** A folder that holds the installer: it needs a third of the time of Python's own. */
function findInstaller(): Promise<string> {
  return once(join(cacheFolder(), installer.replace('==', '-')), async (draft) => {
    await run('python3', ['-m', 'pip', 'install', '--quiet', '--no-compile', '--target', draft, installer], { timeout: 300_000 });
  });
}

function findObstacle(): string {
  if (mosquitto === undefined) return 'mosquitto is not installed';
  try {
    // It would look around in the network: it gets one of its own.
    execFileSync('unshare', ['--net', '--mount', 'sh', '-c', 'ip link set lo up'], { stdio: 'ignore' });
    return '';
  } catch {
    return 'no right to make a network of its own';
  }
}

function mutable([file, args]: readonly [string, readonly string[]]): [string, string[]] {
  return [file, [...args]];
}
