/** The world as Tonearm sees it: time, talk, memory, names on the network. */
import type { Announcement, Host } from '#core';
import { Scope, systemClock, type LogLevel } from '#foundation';
import { join } from 'node:path';
import { makePrivateFolder } from './files.ts';
import { HealthBoard } from './health.ts';
import { instanceIdentity } from './identity.ts';
import { takeLock } from './lock.ts';
import { openHousekeeper } from './housekeeper.ts';
import { openLog, type OpenLog } from './log.ts';
import { openLoopLag } from './loop-lag.ts';
import { findPrograms } from './programs.ts';
import type { DiscoverySettings } from './system-announcer.ts';
import type { StoreSecrets } from './keyring.ts';
import { openStore } from './store.ts';

export { deviceIdentity } from './identity.ts';
export { openLog, type LogOptions, type OpenLog } from './log.ts';
export { writeFileAtomically } from './files.ts';
export { keptValue } from './kept-value.ts';
export { openLauncher } from './launcher.ts';
export { findPrograms } from './programs.ts';
export { openStore, type OpenStore } from './store.ts';

export interface HostSettings {
  /** Folder for everything that is kept. Made when missing; used by one Tonearm at a time. */
  readonly data: string;
  readonly log: { readonly level: LogLevel; readonly format: 'text' | 'json' };
  /** What stored values are encrypted with, when not with a key in the data folder. */
  readonly store?: StoreSecrets | undefined;
  readonly discovery: DiscoverySettings;
}

export interface HostOptions {
  readonly version: string;
  /** Where log lines go, each with its line feed. */
  readonly write: (line: string) => void;
  readonly colour?: boolean;
}

export interface OpenHost extends Host, AsyncDisposable {
  readonly log: OpenLog;
  /** Names this installation: 8 hex digits, the same after each restart. */
  readonly instance: string;
  /** How the process is, since the last time it was asked: for health reports. */
  vitals(): Readonly<Record<string, unknown>>;
  /** Encrypts everything that is sealed with a new key; resolves with how many values that were. */
  rotateKey(): Promise<number>;
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
    const store = await openStore(settings.data, log.child('host/store'), settings.store);
    const instance = await instanceIdentity(store);
    scope.use(openHousekeeper(systemClock));
    const lag = scope.use(openLoopLag(systemClock));
    const health = new HealthBoard(log.child('host/health'));
    // What mDNS takes is needed once there is something to announce.
    const openAnnouncer = async () => {
      const { systemAnnouncer } = await import('./system-announcer.ts');
      return systemAnnouncer({ clock: systemClock, log: log.child('host/mdns'), health, instance, settings: settings.discovery });
    };
    let announcer: ReturnType<typeof openAnnouncer> | undefined;
    const announce = async (announcement: Announcement) => await (await (announcer ??= openAnnouncer())).announce(announcement);
    const close = () => scope[Symbol.asyncDispose]();
    return {
      clock: systemClock,
      log,
      store,
      programs: findPrograms(),
      version,
      instance,
      vitals() {
        const { p99, most } = lag.take();
        return { loop_lag_p99_ms: p99, loop_lag_max_ms: most };
      },
      rotateKey: () => store.rotateKey(),
      health,
      announce,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}
