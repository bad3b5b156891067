import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A process that holds a sound card's playback now. */
export interface DeviceOwner {
  readonly name: string;
  readonly process: number;
}

/**
 * Who holds ALSA's playback devices, as the kernel says in `/proc/asound/card0/pcm0p/sub0/status`. Our own children are left out.
 * Empty where that cannot be read, as in some containers: then nobody is accused.
 */
export async function playbackOwners(proc = '/proc', self = process.pid): Promise<readonly DeviceOwner[]> {
  const owners = new Map<number, DeviceOwner>();
  for (const card of await names(join(proc, 'asound'), /^card\d+$/)) {
    for (const device of await names(join(proc, 'asound', card), /^pcm\d+p$/)) {
      for (const stream of await names(join(proc, 'asound', card, device), /^sub\d+$/)) {
        const status = await text(join(proc, 'asound', card, device, stream, 'status'));
        const id = Number(/^owner_pid\s*:\s*(\d+)/m.exec(status)?.[1] ?? 0);
        if (id === 0 || (await isOurs(proc, id, self))) continue;
        owners.set(id, { name: (await text(join(proc, String(id), 'comm'))).trim() || 'a program', process: id });
      }
    }
  }
  return [...owners.values()];
}

async function isOurs(proc: string, id: number, self: number): Promise<boolean> {
  // The second field is the name, in parentheses that may hold anything; the parent comes two fields later.
  const parent = Number(/^\d+ \(.*\) \S (\d+)/s.exec(await text(join(proc, String(id), 'stat')))?.[1] ?? 0);
  return id === self || parent === self;
}

async function names(folder: string, like: RegExp): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).filter((name) => like.test(name)).sort();
}

function text(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
