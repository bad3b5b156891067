import type { PlayOrigin } from './connect-state.ts';
import type { Context, ContextPage, ContextTrack } from './context.ts';
import { decode, encode, player, type Input } from './proto/index.ts';

/** What one device hands to the next (connect-control.md §3.4). Missing parts are empty, never null. */
export interface TransferState {
  readonly options: PlayerOptions;
  readonly playback: Playback;
  readonly session: TransferSession;
  readonly queue: TransferQueue;
}

export interface PlayerOptions {
  readonly shufflingContext: boolean;
  readonly repeatingContext: boolean;
  readonly repeatingTrack: boolean;
  readonly playbackSpeed: number | null;
  readonly modes: Readonly<Record<string, string>>;
}

export interface Playback {
  /** Server time at which `position` was true, Unix milliseconds. */
  readonly timestamp: number;
  /** Milliseconds. */
  readonly position: number;
  readonly speed: number;
  readonly isPaused: boolean;
  /** Often with a gid only. */
  readonly track: ContextTrack | null;
}

export interface TransferSession {
  readonly origin: PlayOrigin;
  readonly context: Context;
  readonly currentUid: string;
  /** Names of providers whose rows are not to be played. */
  readonly suppressions: readonly string[];
  readonly shuffleSeed: string | null;
  readonly originalSessionId: string | null;
}

export interface TransferQueue {
  readonly tracks: readonly ContextTrack[];
  /** The first of `tracks` is the one that plays. */
  readonly isPlaying: boolean;
}

/** @throws WireError */
export function decodeTransferState(bytes: Uint8Array): TransferState {
  const { options, playback, currentSession: session, queue } = decode(player.TransferState, bytes);
  return {
    options: {
      shufflingContext: options?.shufflingContext ?? false,
      repeatingContext: options?.repeatingContext ?? false,
      repeatingTrack: options?.repeatingTrack ?? false,
      playbackSpeed: options?.playbackSpeed ?? null,
      modes: options?.modes ?? {},
    },
    playback: {
      timestamp: playback?.timestamp ?? 0,
      position: playback?.positionAsOfTimestamp ?? 0,
      speed: playback?.playbackSpeed ?? 0,
      isPaused: playback?.isPaused ?? false,
      track: playback?.currentTrack ? trackOf(playback.currentTrack) : null,
    },
    session: {
      origin: originOf(session?.playOrigin ?? null),
      context: contextOf(session?.context ?? null),
      currentUid: session?.currentUid ?? '',
      suppressions: session?.suppressions?.providers ?? [],
      shuffleSeed: session?.shuffleSeed ?? null,
      originalSessionId: session?.originalSessionId ?? null,
    },
    queue: { tracks: (queue?.tracks ?? []).map(trackOf), isPlaying: queue?.isPlayingQueue ?? false },
  };
}

function originOf(origin: player.PlayOrigin | null): PlayOrigin {
  return {
    featureIdentifier: origin?.featureIdentifier ?? '',
    featureVersion: origin?.featureVersion ?? '',
    viewUri: origin?.viewUri ?? '',
    externalReferrer: origin?.externalReferrer ?? '',
    referrerIdentifier: origin?.referrerIdentifier ?? '',
    deviceIdentifier: origin?.deviceIdentifier ?? '',
    featureClasses: origin?.featureClasses ?? [],
    restrictionIdentifier: origin?.restrictionIdentifier ?? '',
  };
}

function contextOf(context: player.Context | null): Context {
  const restrictions = Object.entries(context?.restrictions ?? {}) as [string, readonly string[]][];
  return {
    uri: context?.uri ?? '',
    url: context?.url ?? '',
    metadata: context?.metadata ?? {},
    restrictions: Object.fromEntries(restrictions.filter(([, reasons]) => reasons.length > 0)),
    pages: (context?.pages ?? []).map(pageOf),
    loading: context?.loading ?? false,
  };
}

function pageOf(page: player.ContextPage): ContextPage {
  return {
    pageUrl: page.pageUrl ?? '',
    nextPageUrl: page.nextPageUrl ?? '',
    metadata: page.metadata,
    tracks: page.tracks.map(trackOf),
    loading: page.loading ?? false,
  };
}

function trackOf(track: player.ContextTrack): ContextTrack {
  return {
    uri: track.uri ?? '',
    uid: track.uid ?? '',
    gid: track.gid && track.gid.length > 0 ? track.gid : null,
    metadata: track.metadata,
    provider: '',
    removed: [],
    blocked: [],
  };
}

/** For the far side's part. Empty texts are left out, so that a row with a gid only stays one. */
export function encodeTransferState({ options, playback, session, queue }: Input<TransferState>): Buffer {
  return encode(player.TransferState, {
    options,
    playback: playback && {
      timestamp: playback.timestamp,
      positionAsOfTimestamp: playback.position,
      playbackSpeed: playback.speed,
      isPaused: playback.isPaused,
      currentTrack: playback.track && rowOf(playback.track),
    },
    currentSession: session && {
      playOrigin: session.origin && withoutEmpty(session.origin),
      context: session.context && { ...withoutEmpty(session.context), pages: session.context.pages?.map((page) => ({ ...page, tracks: page.tracks?.map(rowOf) })) },
      currentUid: session.currentUid === '' ? null : session.currentUid,
      suppressions: session.suppressions?.length ? { providers: session.suppressions } : null,
      shuffleSeed: session.shuffleSeed,
      originalSessionId: session.originalSessionId,
    },
    queue: queue && { tracks: queue.tracks?.map(rowOf), isPlayingQueue: queue.isPlaying },
  });
}

function rowOf({ uri, uid, gid, metadata }: Input<ContextTrack>): Input<player.ContextTrack> {
  return withoutEmpty({ uri, uid, gid, metadata });
}

function withoutEmpty<T extends object>(value: T): { [Key in keyof T]?: T[Key] } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== '' && member !== false)) as { [Key in keyof T]?: T[Key] };
}
