/** What went wrong in kind, so that every caller can decide without knowing the room it came from. */
export type ErrorKind =
  | 'invalid' // the input is wrong and will stay wrong
  | 'unauthorized' // we are not, or no longer, who we say
  | 'forbidden' // we are known, and may not
  | 'not-found'
  | 'conflict' // true, but not now: something else holds it
  | 'unavailable' // the far side is away; later may work
  | 'timeout'
  | 'cancelled' // somebody asked us to stop
  | 'corrupt' // bytes that cannot be what they claim to be
  | 'internal'; // our mistake

export interface ErrorDetails {
  readonly kind: ErrorKind;
  /** `room/what-happened`, stable across versions. */
  readonly code: string;
  /** For people: what happened, what it means, what to do next. Never holds a secret. */
  readonly message: string;
  readonly cause?: unknown;
  /** How long the far side asked us to wait, in milliseconds. */
  readonly retryAfter?: number;
}

/** The only kind of error that leaves a room. */
export class TonearmError extends Error {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly retryAfter: number | undefined;

  constructor({ kind, code, message, cause, retryAfter }: ErrorDetails) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.kind = kind;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** Turns whatever was thrown into a `TonearmError`; one that already is passes unchanged. */
export function toTonearmError(thrown: unknown, code = 'internal/unexpected'): TonearmError {
  if (thrown instanceof TonearmError) return thrown;
  if (isAbort(thrown)) return new TonearmError({ kind: 'cancelled', code: 'internal/cancelled', message: 'The operation was cancelled.', cause: thrown });
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new TonearmError({ kind: 'internal', code, message, cause: thrown });
}

/** True for the error an `AbortSignal` makes, and for our own `cancelled`. */
export function isAbort(thrown: unknown): boolean {
  if (thrown instanceof TonearmError) return thrown.kind === 'cancelled';
  return thrown instanceof Error && (thrown.name === 'AbortError' || (thrown as NodeJS.ErrnoException).code === 'ABORT_ERR');
}
