/** The world as Tonearm sees it: time, talk, memory, names on the network. */
import type { Host } from '#core';
import { Scope, systemClock, type LogLevel } from '#foundation';
import { join } from 'node:path';
import { makePrivateFolder } from './files.ts';
import { instanceIdentity } from './identity.ts';
import { takeLock } from './lock.ts';
import { openLog } from './log.ts';
import { findPrograms } from './programs.ts';
import { openStore } from './store.ts';

export { deviceIdentity } from './identity.ts';
export { openLog, type LogOptions } from './log.ts';
export { openStore } from './store.ts';

export interface HostSettings {
  /** Folder for everything that is kept. Made when missing; used by one Tonearm at a time. */
  readonly data: string;
  readonly log: { readonly level: LogLevel; readonly format: 'text' | 'json' };
  /** Names or addresses of the interfaces to announce on; empty for all real ones. */
  readonly discovery: { readonly interfaces: readonly string[] };
}

export interface HostOptions {
  readonly version: string;
  /** Where log lines go, each with its line feed. */
  readonly write: (line: string) => void;
  readonly colour?: boolean;
}

export interface OpenHost extends Host, AsyncDisposable {
  /** Names this installation: 8 hex digits, the same after each restart. */
  readonly instance: string;
}

/**
 * Opens the real host. Rejects with `host/already-running` while another Tonearm uses the data folder, and with
 * `host/data-not-writable` when it cannot be made.
 */
export async function openHost(settings: HostSettings, { version, write, colour = false }: HostOptions): Promise<OpenHost> {
  const scope = new Scope();
  try {
    const log = openLog({ ...settings.log, write, colour });
    await makePrivateFolder(settings.data);
    scope.use(await takeLock(join(settings.data, 'lock')));
    const store = await openStore(settings.data, log.child('host/store'));
    const instance = await instanceIdentity(store);
    const close = () => scope[Symbol.asyncDispose]();
    return {
      clock: systemClock,
      log,
      store,
      programs: findPrograms(),
      version,
      instance,
      async announce(announcement) {
        // The mDNS library is needed once there is something to announce.
        const { Announcer } = await import('./announcer.ts');
        const announcer = new Announcer({ clock: systemClock, log: log.child('host/mdns'), interfaces: settings.discovery.interfaces, instance });
        return await announcer.announce(announcement);
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}
