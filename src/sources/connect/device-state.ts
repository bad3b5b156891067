import type { Millis, Notice, Origin, Track } from '#core';
import type { TonearmError } from '#foundation';
import type { RowName } from './context/places.ts';
import type { Metadata, Row } from './context/row.ts';
import { emptyList, type RandomBelow, type TrackList } from './context/track-list.ts';
import type { DeviceEffect, PlayOptions, PlayOrigin } from './device-messages.ts';

export type * from './device-messages.ts';

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
  readonly claim: { readonly at: Millis; readonly before: readonly string[]; readonly isConfirmed: boolean; /** Told once more that it is ours. */ readonly isRepeated?: boolean } | null;
  readonly activeDevice: string;
  /** Server time at which that device became active, by its own clock. */
  readonly activeDeviceSince: Millis;
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
  /** The load whose sound was paused while the deck has not said where; so long the cloud is told nothing. */
  readonly settling: string | null;
  readonly anchor: Anchor;
  readonly duration: Millis;
  readonly load: { readonly id: string; readonly row: Row; readonly isInDeck: boolean; /** Starts where the listener stopped, unless told otherwise. */ readonly resumes?: boolean } | null;
  readonly track: Track | null;
  /** What is known of the current track before it is loaded. */
  readonly preview: Track | null;
  /** What the cloud shows of the current track beyond the row's own metadata. */
  readonly trackMetadata: Metadata;
  /** What follows without a gap; in the deck once it is loaded. */
  readonly next: { readonly id: string; readonly row: Row; readonly loaded: Prepared | null } | null;
  /** The row after this one, and what was found out about it. */
  readonly foreseen: { readonly uri: string; readonly found: { readonly track: Track; readonly metadata: Metadata } | null } | null;
  /** Counts contexts; answers to an older one are dropped. */
  readonly generation: number;
  /** What the newest question about a context is for; `more` goes on behind music that plays. */
  readonly resolving: 'start' | 'update' | 'page' | 'more' | 'autoplay' | null;
  /** A playlist that was edited while something else was asked: asked for when that is answered. */
  readonly edited: string | null;
  /** The next page could not be had: not asked for again before the track changes. */
  readonly isPageFailed: boolean;
  /** Pages in a row that had nothing in them. */
  readonly emptyPages: number;
  /** How often the page that playback waits for could not be had. */
  readonly pageTries: number;
  /** Server time of the last skip to the next row. */
  readonly skippedAt: Millis;
  /** What was asked about the end of this context (§5.6); `pausing`: asked again after a while. */
  readonly autoplay: { readonly ticket: string; readonly contextUri: string; readonly tries: number; readonly phase: 'asked' | 'pausing' | 'done' } | null;
  /** How to find the first row once the context is there. */
  readonly pick: {
    readonly start: RowName | null;
    readonly row: Row | null;
    /** The row that plays came from the queue; the context goes on with this uid. */
    readonly isQueued: boolean;
    readonly contextUid: string | null;
    readonly at: Millis;
    /** An episode starts where the listener stopped: no place was named. */
    readonly resumes: boolean;
    /** How many rows further: somebody skipped before it was known what comes next. */
    readonly skips: number;
    /** What to come back to when the context cannot be had. */
    readonly before: { readonly list: TrackList; readonly position: Millis; readonly track: Track | null } | null;
  } | null;
  readonly failures: Failures;
  /** What could not be played lately: passed over until then, without asking again (§4.8). */
  readonly unavailable: readonly { readonly uri: string; readonly until: Millis }[];
  /** Whether the account gets audio keys at all. */
  readonly keys: 'unknown' | 'granted' | 'refused';
  /** The key of the current row was refused: is it the row or the account? Looks ahead, out of sight. */
  readonly doubt: Doubt | null;
  /** The place in an episode that was kept last. */
  readonly place: { readonly id: string; readonly position: Millis | 'finished' } | null;
  /** Server time of the last correction for drift, and of the last report because the cloud asked for one. */
  readonly correctedAt: Millis;
  readonly askedAt: Millis;
  readonly sleepAtEnd: boolean;
  readonly sleepAt: Millis | null;
  readonly notice: Notice | null;
  readonly by: Origin;
}

/** A row that is ready to be heard; `at` is where the listener stopped. */
export interface Prepared {
  readonly track: Track;
  readonly metadata: Metadata;
  readonly at: Millis;
}

export interface Failures {
  /** Rows that could not be played, one after the other. */
  readonly inRow: number;
  /** Times the network failed the current row. */
  readonly retries: number;
  /** Server time since when there is no sound for want of data; null while there is. */
  readonly since: Millis | null;
}

export interface Doubt {
  readonly error: TonearmError;
  /** Different tracks whose keys were refused one after the other. */
  readonly refused: number;
  /** Rows looked at in vain for another reason. */
  readonly passed: number;
  /** How far was looked ahead, and from where. */
  readonly ahead: TrackList;
  readonly base: TrackList;
  readonly probe: { readonly id: string; readonly row: Row } | null;
}

export const noFailures: Failures = { inRow: 0, retries: 0, since: null };

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

export const usualOptions: PlayOptions = { shuffle: false, repeatContext: false, repeatTrack: false, modes: {} };

export function initialState(sessionId: string, now: Millis): DeviceState {
  return {
    isOnline: false,
    isActive: false,
    activeSince: 0,
    claim: null,
    activeDevice: '',
    activeDeviceSince: 0,
    sessionId,
    lastCommand: null,
    answered: [],
    origin: {},
    suppressions: [],
    options: usualOptions,
    list: emptyList(),
    phase: 'idle',
    isPauseWanted: false,
    settling: null,
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
    edited: null,
    isPageFailed: false,
    emptyPages: 0,
    pageTries: 0,
    skippedAt: Number.NEGATIVE_INFINITY,
    autoplay: null,
    pick: null,
    failures: noFailures,
    unavailable: [],
    keys: 'unknown',
    doubt: null,
    place: null,
    correctedAt: Number.NEGATIVE_INFINITY,
    askedAt: Number.NEGATIVE_INFINITY,
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

  /** Takes reports back that are not urgent. */
  withhold(): void {
    const told = this.effects.filter((effect) => effect.type !== 'report' || effect.reason !== 'state');
    this.effects.splice(0, this.effects.length, ...told);
  }

  /** Sound is the end of most trouble, but not of what the cloud thinks of the account. */
  clearNotice(): void {
    if (this.state.notice?.code !== 'spotify/not-allowed') this.set({ notice: null });
  }

  anchorAt(position: Millis, isMoving: boolean): void {
    this.set({ anchor: { timestamp: this.env.now, position, isMoving } });
  }
}

