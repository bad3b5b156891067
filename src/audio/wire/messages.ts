import { TonearmError, type ErrorKind, type LogLevel } from '#foundation';
import type { DeckEvents, LoadId, Millis, Playable } from '#core';
import type { ConcreteOutput } from '#outputs';

/** What a thread is started with. */
export interface ThreadSettings {
  readonly output: ConcreteOutput;
  /** PEM of certificate authorities trusted besides the usual ones. */
  readonly certificates: string | null;
  /** HTTP proxy for everything, with its password. */
  readonly proxy: string | null;
  readonly speakerChild: string;
  /** Silence after which the output is closed; infinite: never. */
  readonly releaseOutputAfter: Millis;
}

/** The handle's calls, as they are. */
export type ToThread =
  | { readonly kind: 'play'; readonly id: LoadId; readonly playable: Playable; readonly at: Millis; readonly paused: boolean }
  | { readonly kind: 'follow'; readonly next: { readonly id: LoadId; readonly playable: Playable } | null }
  | { readonly kind: 'refresh'; readonly id: LoadId; readonly playable: Playable }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'seek'; readonly to: Millis }
  | { readonly kind: 'stop' }
  | { readonly kind: 'gain'; readonly gain: number }
  | { readonly kind: 'announce'; readonly id: LoadId; readonly playable: Playable; readonly gain: number; readonly duck: number }
  | { readonly kind: 'hush' }
  | ({ readonly kind: 'output' } & Pick<ThreadSettings, 'output' | 'releaseOutputAfter'>)
  /** Asks for a sign of life. */
  | { readonly kind: 'ping' }
  | { readonly kind: 'close' };

/** An error without its class, stack and cause. */
export interface PlainError {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly retryAfter: number | null;
}

/** What the thread has to tell; where the sound goes the handle knows itself. */
export type ThreadEvent = Exclude<keyof DeckEvents, 'output'>;

type Plain<Value> = Value extends TonearmError ? PlainError : Value;
type PlainEvent<Event> = { readonly [Key in keyof Event]: Plain<Event[Key]> };

export type DeckNews = { [Name in ThreadEvent]: { readonly kind: 'event'; readonly name: Name; readonly event: PlainEvent<DeckEvents[Name]> } }[ThreadEvent];

export type FromThread =
  | DeckNews
  | { readonly kind: 'log'; readonly level: LogLevel; readonly name: string; readonly message: string; readonly fields: Readonly<Record<string, unknown>> }
  /** A process that plays began or ended; none is to outlive the thread. */
  | { readonly kind: 'player'; readonly pid: number; readonly isAlive: boolean }
  /** Answers `ping`. */
  | { readonly kind: 'alive' }
  /** Answers `close`: everything is given back. */
  | { readonly kind: 'closed' };

export function encodeError(error: TonearmError): PlainError {
  return { kind: error.kind, code: error.code, message: error.message, retryAfter: error.retryAfter ?? null };
}

export function decodeError({ kind, code, message, retryAfter }: PlainError): TonearmError {
  return new TonearmError({ kind, code, message, ...(retryAfter === null ? {} : { retryAfter }) });
}
