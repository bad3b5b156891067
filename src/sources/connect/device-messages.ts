import type { Millis, Origin, Track } from '#core';
import type { ErrorKind, TonearmError } from '#foundation';
import type { RowName } from './context/places.ts';
import type { EditedRow } from './context/queue.ts';
import type { Metadata, Row } from './context/row.ts';
import type { TrackList } from './context/track-list.ts';

/** Where a context comes from: as a controller named it, with whatever pages it sent along. */
export interface ContextSource {
  readonly uri: string;
  readonly url: string;
  readonly metadata: Metadata;
  /** Reasons by name as the cloud's own messages spell it: `disallowTogglingShuffleReasons`. */
  readonly restrictions: Readonly<Record<string, readonly string[]>>;
  /** Rows given with the command; the controller will refer to their uids later. */
  readonly rows: readonly Row[];
  /** Addresses of pages the command named without their rows. */
  readonly morePages: readonly string[];
}

/** A context with its rows, ready to be played from. */
export type ResolvedContext = ContextSource;

/** Who pressed play and where, echoed to the cloud as it came. */
export type PlayOrigin = Readonly<Record<string, unknown>>;

export interface PlayOptions {
  readonly shuffle: boolean;
  readonly repeatContext: boolean;
  readonly repeatTrack: boolean;
  readonly modes: Metadata;
}

/** Everything another speaker of the house has to know to go on with what plays. */
export interface CarriedPlayback {
  readonly list: TrackList;
  readonly options: PlayOptions;
  readonly origin: PlayOrigin;
  readonly suppressions: readonly string[];
  readonly sessionId: string;
  /** To be shown until it is loaded. */
  readonly track: Track | null;
  readonly at: Millis;
  readonly isPaused: boolean;
}

/** What a dealer request or a local command asks for, after `request.ts` has understood it. */
export type DeviceCommand =
  | {
      readonly kind: 'play';
      readonly context: ContextSource;
      readonly start: RowName | null;
      readonly at: Millis | null;
      readonly paused: boolean;
      readonly options: Partial<PlayOptions> | null;
      readonly origin: PlayOrigin;
      readonly suppressions: readonly string[];
    }
  | {
      readonly kind: 'transfer';
      /** Null: nothing to move, only become the active device. */
      readonly from: {
        readonly context: ContextSource;
        readonly track: Row | null;
        /** The context row that goes on after the queue, when a queued row plays. */
        readonly contextUid: string | null;
        readonly isQueued: boolean;
        readonly queue: readonly EditedRow[];
        /** Where it was at `timestamp` (server time), and whether it was moving then. */
        readonly position: Millis;
        readonly timestamp: Millis;
        readonly wasPaused: boolean;
        readonly paused: boolean;
        readonly options: PlayOptions;
        readonly origin: PlayOrigin;
        readonly suppressions: readonly string[];
        readonly sessionId: string | null;
      } | null;
    }
  /** Goes on with what another speaker of the house played. */
  | { readonly kind: 'adopt'; readonly playback: CarriedPlayback }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume'; readonly at?: Millis | undefined }
  | { readonly kind: 'stop' }
  | { readonly kind: 'seek'; readonly to: Millis; readonly from: 'start' | 'here' }
  | { readonly kind: 'next'; readonly row: EditedRow | null }
  | { readonly kind: 'previous'; readonly mayRestart: boolean }
  | { readonly kind: 'options'; readonly options: Partial<Omit<PlayOptions, 'modes'>> }
  /** The URI may be empty when the uid names a row of the context. */
  | { readonly kind: 'enqueue'; readonly row: Omit<EditedRow, 'provider'> }
  | { readonly kind: 'edit'; readonly rows: readonly EditedRow[] }
  | { readonly kind: 'update'; readonly context: ContextSource }
  | { readonly kind: 'sleep'; readonly after: Millis | 'track' | null }
  /** Understood as a request, but nothing we can do. */
  | { readonly kind: 'refuse'; readonly why: string };

export type DeviceInput =
  | { readonly type: 'request'; readonly ticket: number; readonly messageId: number; readonly sentBy: string; readonly endpoint: string; readonly command: DeviceCommand }
  | { readonly type: 'local'; readonly ticket: number; readonly command: DeviceCommand; readonly by: Origin }
  | { readonly type: 'connected' }
  | { readonly type: 'disconnected' }
  /** `isAnswer`: it came with the answer to a report of ours. `needsState`: the cloud has lost what we told it. */
  | { readonly type: 'cluster'; readonly activeDevice: string; readonly isAnswer?: boolean; readonly needsState?: boolean; /** When whoever plays began. */ readonly startedAt?: Millis }
  /** A playlist was edited somewhere. */
  | { readonly type: 'modified'; readonly uri: string }
  | { readonly type: 'resolved'; readonly generation: number; readonly context: ResolvedContext }
  | { readonly type: 'unresolved'; readonly generation: number; readonly error: TonearmError }
  /** What goes on where the context ends, or that nothing does. */
  | { readonly type: 'continued'; readonly ticket: string; readonly context: ContextSource }
  | { readonly type: 'notContinued'; readonly ticket: string; readonly error: TonearmError }
  | { readonly type: 'page'; readonly generation: number; readonly rows: readonly Row[]; readonly morePages: readonly string[] }
  /** `at`: where the listener stopped, for a load that asked. */
  | { readonly type: 'loaded'; readonly id: string; readonly track: Track; readonly metadata: Metadata; readonly at?: Millis }
  | { readonly type: 'unloadable'; readonly id: string; readonly error: TonearmError }
  /** What a row that comes next will look like. */
  | { readonly type: 'foreseen'; readonly uri: string; readonly track: Track; readonly metadata: Metadata }
  | { readonly type: 'playing' | 'paused' | 'stalled' | 'moved'; readonly id: string; readonly position: Millis }
  | { readonly type: 'measured'; readonly id: string; readonly duration: Millis }
  | { readonly type: 'ended'; readonly id: string }
  | { readonly type: 'failed'; readonly id: string; readonly error: TonearmError }
  | { readonly type: 'waited'; readonly timer: TimerName }
  /** The cloud does not take our state from this account. */
  | { readonly type: 'disallowed'; readonly error: TonearmError }
  /** The account has been set to leave explicit items out. */
  | { readonly type: 'filtered' }
  | { readonly type: 'outplayed' }
  | { readonly type: 'loggedOut' };

/** `follow`: the deck was to go on by itself and has not said so yet. `stall`: no sound for too long. `pause`: the deck has not said where. */
export type TimerName = 'pause' | 'prefetch' | 'retry' | 'sleep' | 'follow' | 'stall' | 'autoplay' | 'skip' | 'page';

/** Why the cloud is told; `claim` and `hello` go out at once, the rest is gathered. */
export type ReportReason = 'state' | 'claim' | 'hello';

export type DeviceEffect =
  | { readonly type: 'answer'; readonly ticket: number; readonly success: boolean; readonly why: Refusal }
  | { readonly type: 'claim'; readonly by: Origin }
  | { readonly type: 'release' }
  | {
      readonly type: 'resolve';
      readonly generation: number;
      readonly context: ContextSource;
      /** Walk pages until this row is found. */
      readonly until: RowName | null;
      /** Walk them all, within bounds. */
      readonly isWhole: boolean;
      /** It plays already and has changed. */
      readonly isAnew: boolean;
    }
  | { readonly type: 'fetchPage'; readonly generation: number; readonly url: string }
  | { readonly type: 'autoplay'; readonly ticket: string; readonly contextUri: string; readonly recent: readonly string[] }
  /** `resumes`: ask as well where the listener stopped. */
  | { readonly type: 'load'; readonly id: string; readonly row: Row; readonly resumes: boolean }
  | { readonly type: 'forget'; readonly id: string }
  /** Asks for the metadata of what comes next, so that a skip needs one question less. */
  | { readonly type: 'foresee'; readonly row: Row }
  | { readonly type: 'deckPlay'; readonly id: string; readonly at: Millis; readonly paused: boolean }
  | { readonly type: 'deckFollow'; readonly id: string | null }
  | { readonly type: 'deckPause' | 'deckResume' | 'deckStop' }
  | { readonly type: 'deckSeek'; readonly to: Millis }
  | { readonly type: 'report'; readonly reason: ReportReason }
  | { readonly type: 'inactive' }
  /** Keeps where the listener is in an episode. */
  | { readonly type: 'keepPlace'; readonly uri: string; readonly position: Millis | 'finished' }
  | { readonly type: 'timer'; readonly name: TimerName; readonly delay: Millis | null }
  | { readonly type: 'trackEnded'; readonly track: Track; readonly reason: 'finished' | 'skipped' | 'failed' }
  | { readonly type: 'trouble'; readonly error: TonearmError };

/** Null: accepted and applied. Otherwise why not. */
export type Refusal = { readonly kind: ErrorKind; readonly code: string; readonly message: string } | null;
