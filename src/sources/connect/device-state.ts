import type { Millis, Notice, Origin, Track } from '#core';
import type { ErrorKind, TonearmError } from '#foundation';
import type { Metadata, Row } from './context/row.ts';
import { emptyList, type EditedRow, type RandomBelow, type RowName, type TrackList } from './context/track-list.ts';

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
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume'; readonly at?: Millis | undefined }
  | { readonly kind: 'stop' }
  | { readonly kind: 'seek'; readonly to: Millis; readonly from: 'start' | 'here' }
  | { readonly kind: 'next'; readonly row: EditedRow | null }
  | { readonly kind: 'previous'; readonly mayRestart: boolean }
  | { readonly kind: 'options'; readonly options: Partial<Omit<PlayOptions, 'modes'>> }
  | { readonly kind: 'enqueue'; readonly row: { readonly uri: string; readonly uid: string; readonly metadata: Metadata } }
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
  | { readonly type: 'cluster'; readonly activeDevice: string; readonly isAnswer?: boolean; readonly needsState?: boolean }
  /** A playlist was edited somewhere. */
  | { readonly type: 'modified'; readonly uri: string }
  | { readonly type: 'resolved'; readonly generation: number; readonly context: ResolvedContext }
  | { readonly type: 'unresolved'; readonly generation: number; readonly error: TonearmError }
  | { readonly type: 'page'; readonly generation: number; readonly rows: readonly Row[]; readonly morePages: readonly string[] }
  | { readonly type: 'loaded'; readonly id: string; readonly track: Track; readonly metadata: Metadata }
  | { readonly type: 'unloadable'; readonly id: string; readonly error: TonearmError }
  /** What a row that comes next will look like. */
  | { readonly type: 'foreseen'; readonly uri: string; readonly track: Track; readonly metadata: Metadata }
  | { readonly type: 'playing' | 'paused' | 'stalled' | 'moved'; readonly id: string; readonly position: Millis }
  | { readonly type: 'measured'; readonly id: string; readonly duration: Millis }
  | { readonly type: 'ended'; readonly id: string }
  | { readonly type: 'failed'; readonly id: string; readonly error: TonearmError }
  | { readonly type: 'waited'; readonly timer: TimerName }
  | { readonly type: 'outplayed' }
  | { readonly type: 'loggedOut' };

/** `follow`: the deck was to go on by itself and has not said so yet. */
export type TimerName = 'prefetch' | 'retry' | 'sleep' | 'follow';

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
      /** Walk them all, within bounds: a shuffle needs every row. */
      readonly isWhole: boolean;
    }
  | { readonly type: 'fetchPage'; readonly generation: number; readonly url: string }
  | { readonly type: 'autoplay'; readonly generation: number; readonly contextUri: string; readonly recent: readonly string[] }
  | { readonly type: 'load'; readonly id: string; readonly row: Row }
  | { readonly type: 'forget'; readonly id: string }
  /** Asks for the metadata of what comes next, so that a skip needs one question less. */
  | { readonly type: 'foresee'; readonly row: Row }
  | { readonly type: 'deckPlay'; readonly id: string; readonly at: Millis; readonly paused: boolean }
  | { readonly type: 'deckFollow'; readonly id: string | null }
  | { readonly type: 'deckPause' | 'deckResume' | 'deckStop' }
  | { readonly type: 'deckSeek'; readonly to: Millis }
  | { readonly type: 'report'; readonly reason: ReportReason }
  | { readonly type: 'inactive' }
  | { readonly type: 'timer'; readonly name: TimerName; readonly delay: Millis | null }
  | { readonly type: 'trackEnded'; readonly track: Track; readonly reason: 'finished' | 'skipped' | 'failed' }
  | { readonly type: 'trouble'; readonly error: TonearmError };

export interface Anchor {
  /** Server time at which `position` was true. */
  readonly timestamp: Millis;
  readonly position: Millis;
  readonly isMoving: boolean;
}

export type DevicePhase = 'idle' | 'loading' | 'playing' | 'paused' | 'stalled';

export interface DeviceState {
  readonly isOnline: boolean;
  /** True while this device owns the account's playback. */
  readonly isActive: boolean;
  /** Server time of becoming active; 0 while inactive. */
  readonly activeSince: Millis;
  /** The last claim, who may have been active before it, and whether the cluster has shown us since. */
  readonly claim: { readonly at: Millis; readonly before: readonly string[]; readonly isConfirmed: boolean } | null;
  readonly activeDevice: string;
  readonly sessionId: string;
  readonly lastCommand: { readonly messageId: number; readonly sentBy: string } | null;
  readonly answered: readonly { readonly key: string; readonly at: Millis; readonly success: boolean }[];
  readonly origin: PlayOrigin;
  readonly suppressions: readonly string[];
  readonly options: PlayOptions;
  readonly list: TrackList;
  readonly phase: DevicePhase;
  /** What the phase becomes when loading is done. */
  readonly isPauseWanted: boolean;
  readonly anchor: Anchor;
  readonly duration: Millis;
  readonly load: { readonly id: string; readonly row: Row; readonly isInDeck: boolean } | null;
  readonly track: Track | null;
  /** What is known of the current track before it is loaded. */
  readonly preview: Track | null;
  /** What the cloud shows of the current track beyond the row's own metadata. */
  readonly trackMetadata: Metadata;
  /** What follows without a gap; in the deck once it is loaded. */
  readonly next: { readonly id: string; readonly row: Row; readonly loaded: { readonly track: Track; readonly metadata: Metadata } | null } | null;
  /** The row after this one, and what was found out about it. */
  readonly foreseen: { readonly uri: string; readonly found: { readonly track: Track; readonly metadata: Metadata } | null } | null;
  /** Counts contexts; answers to an older one are dropped. */
  readonly generation: number;
  /** What the newest question about a context is for; `more` goes on behind music that plays. */
  readonly resolving: 'start' | 'update' | 'page' | 'more' | 'autoplay' | null;
  /** The next page could not be had: not asked for again before the track changes. */
  readonly isPageFailed: boolean;
  /** How to find the first row once the context is there. */
  readonly pick: {
    readonly start: RowName | null;
    readonly row: Row | null;
    /** The row that plays came from the queue; the context goes on with this uid. */
    readonly isQueued: boolean;
    readonly contextUid: string | null;
    readonly at: Millis;
    /** How many rows further: somebody skipped before it was known what comes next. */
    readonly skips: number;
    /** What to come back to when the context cannot be had. */
    readonly before: { readonly list: TrackList; readonly position: Millis; readonly track: Track | null } | null;
  } | null;
  readonly failures: { readonly inRow: number; readonly retries: number; readonly keys: number };
  readonly sleepAtEnd: boolean;
  readonly sleepAt: Millis | null;
  readonly notice: Notice | null;
  readonly by: Origin;
}

/** What a step may ask of the world. */
export interface DeviceEnvironment {
  /** Server time. */
  readonly now: Millis;
  readonly deviceId: string;
  /** 32 lower-case hex digits. */
  newId(): string;
  readonly below: RandomBelow;
  readonly autoplay: boolean;
}

export function initialState(sessionId: string, now: Millis): DeviceState {
  return {
    isOnline: false,
    isActive: false,
    activeSince: 0,
    claim: null,
    activeDevice: '',
    sessionId,
    lastCommand: null,
    answered: [],
    origin: {},
    suppressions: [],
    options: { shuffle: false, repeatContext: false, repeatTrack: false, modes: {} },
    list: emptyList(),
    phase: 'idle',
    isPauseWanted: false,
    anchor: { timestamp: now, position: 0, isMoving: false },
    duration: 0,
    load: null,
    track: null,
    preview: null,
    trackMetadata: {},
    next: null,
    foreseen: null,
    generation: 0,
    resolving: null,
    isPageFailed: false,
    pick: null,
    failures: { inRow: 0, retries: 0, keys: 0 },
    sleepAtEnd: false,
    sleepAt: null,
    notice: null,
    by: 'tonearm',
  };
}

const longestExtrapolation = 10 * 60_000;

/** Where the music is at `now`. */
export function positionAt(state: DeviceState, now: Millis): Millis {
  const { anchor, duration } = state;
  const elapsed = anchor.isMoving ? Math.max(0, now - anchor.timestamp) : 0;
  const position = anchor.position + elapsed;
  return duration > 0 ? Math.min(position, duration) : position;
}

/** Where a session stands that another device measured; a paused one has not moved (§3.4). */
export function extrapolate(position: Millis, timestamp: Millis, wasPaused: boolean, now: Millis): Millis {
  const elapsed = now - timestamp;
  return !wasPaused && elapsed > 0 && elapsed < longestExtrapolation ? position + elapsed : position;
}

/** Null: accepted and applied. Otherwise why not. */
export type Refusal = { readonly kind: ErrorKind; readonly code: string; readonly message: string } | null;

/** One transition in the making: the state so far and what the world is asked to do. */
export class Turn {
  state: DeviceState;
  readonly effects: DeviceEffect[] = [];
  readonly env: DeviceEnvironment;

  constructor(state: DeviceState, env: DeviceEnvironment) {
    this.state = state;
    this.env = env;
  }

  set(patch: Partial<DeviceState>): void {
    this.state = { ...this.state, ...patch };
  }

  do(...effects: DeviceEffect[]): void {
    this.effects.push(...effects);
  }

  anchorAt(position: Millis, isMoving: boolean): void {
    this.set({ anchor: { timestamp: this.env.now, position, isMoving } });
  }
}

