import type { HomeMessages } from '#core';
import type { Log, TonearmError } from '#foundation';
import type { Interrupts } from './interrupts.ts';
import type { AutomationsContext } from './ports.ts';
import type { Cause } from './rule-machine.ts';
import type { RuleSettings } from './settings.ts';
import type { Surroundings } from './watch.ts';

/** The run on whose behalf something is done. */
export interface Acting {
  /** `morning#3` */
  readonly key: string;
  readonly rule: RuleSettings;
  readonly cause: Cause;
  readonly signal: AbortSignal;
  /** It begins something there. */
  began(zone: string): void;
  /** A person has taken it over there. */
  hasLost(zone: string): boolean;
}

/** What actions need of the world. */
export interface Doing extends Surroundings, Pick<AutomationsContext, 'request' | 'launch'> {
  readonly messages: HomeMessages;
  readonly log: Pick<Log, 'info'>;
  readonly interrupts: Interrupts;
  /** Whether a run goes on. */
  readonly isLive: (run: string) => boolean;
  /** Sets another automation off, led to by these. */
  readonly setOff: (id: string, chain: readonly string[]) => void;
  /** Switches another automation. Its runs end with it, but for the one that does this. */
  readonly enable: (id: string, on: boolean, run: string) => Promise<void>;
  /** It is about to say something there: what comes back is its own doing. */
  readonly said: (topic: string, automation: string) => void;
}

export interface Outcome {
  readonly what: string;
  readonly outcome: string;
  /** The run cannot go on. */
  readonly error?: TonearmError;
}
