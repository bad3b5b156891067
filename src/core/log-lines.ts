import type { Events, LogLevel } from '#foundation';

/** One thing said in the log, secrets taken out. */
export interface LogLine {
  /** Unix ms. */
  readonly at: number;
  readonly level: LogLevel;
  readonly part: string;
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

/** What was said lately, and what is said now. */
export interface LogLines {
  /** The last few hundred, oldest first. */
  readonly recent: readonly LogLine[];
  readonly events: Events<{ said: LogLine }>;
}
