import type { Clock, Events, Log } from '#foundation';

/** A service on the local network, as mDNS says it. */
export interface Announcement {
  /** Instance name people may see; at most 63 bytes. */
  readonly name: string;
  /** Without underscore and protocol: `spotify-connect`. */
  readonly type: string;
  readonly port: number;
  readonly txt: Readonly<Record<string, string>>;
  /** The only address it answers on; absent: all of the machine's. */
  readonly address?: string | undefined;
  /** Lets it be checked that whoever is found is really there, and who else claims to be the same. */
  readonly proof?: ServiceProof | undefined;
}

/** How to recognise a service by asking it. */
export interface ServiceProof {
  /** What ours answers. */
  readonly id: string;
  /** Asks whoever is at `url` (`http://192.0.2.1:4711/zc`); null: no answer that can be used. Never rejects. */
  ask(url: string, signal: AbortSignal): Promise<string | null>;
}

/** How a part of the daemon is, for people and for health reports. */
export interface Condition {
  readonly part: string;
  /** Error code of what is wrong; null: all is well. */
  readonly code: string | null;
  /** What is so, what it means and what to do. */
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** The conditions of all parts that report one. */
export interface Health {
  readonly conditions: readonly Condition[];
  readonly events: Events<{ changed: Condition }>;
}

/** Keeps small JSON values across restarts. Writes are atomic; `sealed` ones are encrypted at rest. */
export interface Store {
  /** The value, or null when there is none or it cannot be read (which is logged). */
  read(name: string): Promise<unknown>;
  write(name: string, value: unknown): Promise<void>;
  remove(name: string): Promise<void>;
  /** Names that begin so, readable or not. */
  names(prefix: string): Promise<readonly string[]>;
  /** The same names in a second, encrypted space: AES-256-GCM, key in a 0600 file. */
  readonly sealed: Omit<Store, 'sealed'>;
}

/** Files with code for other threads and processes; `dist/` knows where they are. */
export interface Programs {
  readonly audioThread: URL;
  readonly puzzleThread: URL;
  readonly holidaysThread: URL;
  readonly speakerChild: URL;
}

export interface LaunchOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** Fires: the program is ended with all it has started. */
  readonly signal: AbortSignal;
  /** Told the end of what it said, on both ways, however it ended; not when it said nothing. */
  readonly said: (text: string) => void;
}

export interface Launched {
  /** Null when a signal has ended it. */
  readonly code: number | null;
  readonly killedBy: string | null;
}

/** Starts a program without a shell, in a process group of its own, with nothing to read and no more than a handful of our environment. */
export type Launch = (program: string, list: readonly string[], options: LaunchOptions) => Promise<Launched>;

/** The world: time, talk, memory, network names. */
export interface Host {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  readonly programs: Programs;
  readonly version: string;
  /** Absent where nobody keeps it. */
  readonly health?: Health;
  /** Makes a service known until disposed. Resolves once it has been announced. */
  announce(announcement: Announcement): Promise<AsyncDisposable>;
}
