import type { Events, LogLevel } from '#foundation';

/** What may be changed of a zone: how it is called, and those of its settings that reach nothing but its own sound and looks. */
export interface ZoneChange {
  readonly name?: string | undefined;
  /** As in the configuration: `bitrate`, `normalisation`, `autoplay`, `volume`, `device`. Null takes one out, for the default. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * What the owner can do to the daemon itself. Changes go into the configuration file, comments kept; nothing is written that
 * the daemon could not start with. Rejections are `TonearmError`s that say which key is wrong and why.
 */
export interface Control {
  readonly events: Events<{ changed: undefined }>;
  /**
   * Closes everything and opens it again, with the configuration as it is then. Resolves when that is certain, a moment before it
   * begins; rejects, and nothing is closed, when the configuration cannot be used.
   */
  restart(): Promise<void>;
  /** The file was changed since it was read: a restart would show it. */
  readonly restartRequired: boolean;
  readonly logLevel: LogLevel;
  /** Until the next start. */
  setLogLevel(level: LogLevel): void;
  /** Each of these restarts. Resolves with the id the zone has. */
  addZone(zone: { readonly name: string; readonly id?: string | undefined }): Promise<string>;
  removeZone(id: string): Promise<void>;
  /** The id stays: to phones, topics and Home Assistant it is the same speaker. */
  changeZone(id: string, change: ZoneChange): Promise<void>;
  /** A rule or an alarm as it would stand in the file; takes the place of the one of its id. Restarts. Resolves with that id. */
  setAutomation(kind: 'rule' | 'alarm', settings: Readonly<Record<string, unknown>>): Promise<string>;
  removeAutomation(id: string): Promise<void>;
  /**
   * Merges settings into the configuration; null takes one out, for its default. Restarts, unless all of it can be had without.
   * Rejects, and nothing is changed, for what is not there, makes no sense, comes from the environment or is for the file only.
   */
  changeOptions(options: Readonly<Record<string, unknown>>): Promise<{ /** It restarts in a moment. */ readonly restarts: boolean }>;
  backup(): Promise<Backup>;
}

/** Everything that makes this installation what it is, but secrets and logins. */
export interface Backup {
  readonly zip: Uint8Array;
  /** What it had to leave out, by name. */
  readonly leftOut: readonly string[];
}
