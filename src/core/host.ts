import type { Clock, Log } from '#foundation';

/** A service on the local network, as mDNS says it. */
export interface Announcement {
  /** Instance name people may see; at most 63 bytes. */
  readonly name: string;
  /** Without underscore and protocol: `spotify-connect`. */
  readonly type: string;
  readonly port: number;
  readonly txt: Readonly<Record<string, string>>;
}

/** Keeps small JSON values across restarts. Writes are atomic; `sealed` ones are encrypted at rest. */
export interface Store {
  /** The value, or null when there is none or it cannot be read (which is logged). */
  read(name: string): Promise<unknown>;
  write(name: string, value: unknown): Promise<void>;
  remove(name: string): Promise<void>;
  /** The same names in a second, encrypted space: AES-256-GCM, key in a 0600 file. */
  readonly sealed: Omit<Store, 'sealed'>;
}

/** Files with code for other threads and processes; `dist/` knows where they are. */
export interface Programs {
  readonly audioThread: URL;
  readonly puzzleThread: URL;
  readonly speakerChild: URL;
}

/** The world: time, talk, memory, network names. */
export interface Host {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  readonly programs: Programs;
  readonly version: string;
  /** Makes a service known until disposed. Resolves once it has been announced. */
  announce(announcement: Announcement): Promise<AsyncDisposable>;
}
