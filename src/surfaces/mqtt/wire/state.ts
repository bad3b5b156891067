import type { PlayerState, RepeatMode } from '#core';

/** What `tonearm/<zone>` holds. Volume 0–100, duration in seconds, text empty when there is nothing to say. */
export interface ZoneStateMessage {
  readonly state: ZonePlayState;
  readonly volume: number;
  readonly mute: 'ON' | 'OFF';
  readonly shuffle: 'ON' | 'OFF';
  readonly repeat: RepeatWord;
  readonly source: SourceWord;
  readonly title: string;
  readonly artist: string;
  readonly album: string;
  readonly duration: number;
  readonly media_type: 'music' | 'podcast' | '';
  readonly uri: string;
  readonly image_url: string;
}

/** `off`: no source holds the zone; `idle`: one does and nothing is loaded. */
export const zonePlayStates = ['off', 'idle', 'buffering', 'playing', 'paused'] as const;
export type ZonePlayState = (typeof zonePlayStates)[number];

export const repeatWords = ['off', 'all', 'one'] as const;
export type RepeatWord = (typeof repeatWords)[number];

/** A closed list, because Home Assistant refuses a value it was not told of. */
export const sourceWords = ['spotify', 'library', 'radio', 'line_in', 'announcement', 'other', 'none'] as const;
export type SourceWord = (typeof sourceWords)[number];

const sources: Readonly<Record<string, SourceWord>> = { connect: 'spotify', soloist: 'spotify', spotify: 'spotify', queue: 'library', library: 'library', radio: 'radio' };

const repeats: Readonly<Record<RepeatMode, RepeatWord>> = { off: 'off', queue: 'all', track: 'one' };

export function playState({ status, source }: Pick<PlayerState, 'status' | 'source'>): ZonePlayState {
  switch (status) {
    case 'playing':
    case 'paused':
      return status;
    case 'loading':
    case 'stalled':
      return 'buffering';
    case 'stopped':
      return source === null ? 'off' : 'idle';
  }
}

export function sourceWord(source: string | null): SourceWord {
  if (source === null) return 'none';
  return Object.hasOwn(sources, source) ? (sources[source] ?? 'other') : 'other';
}

/** 0 to 1 as whole percent. */
export function toPercent(level: number): number {
  return Math.round(Math.min(Math.max(level, 0), 1) * 100);
}

/** The retained picture of a zone, home-integrations.md §1.12. */
export function zoneState(state: PlayerState): ZoneStateMessage {
  const { track } = state;
  return {
    state: playState(state),
    volume: toPercent(state.volume.level),
    mute: state.volume.muted ? 'ON' : 'OFF',
    shuffle: state.order.shuffle ? 'ON' : 'OFF',
    repeat: repeats[state.order.repeat],
    source: sourceWord(state.source),
    title: track?.title ?? '',
    artist: track?.artists.join(', ') ?? '',
    album: track?.album ?? '',
    duration: seconds(track?.duration ?? 0),
    media_type: track === null ? '' : track.kind === 'episode' ? 'podcast' : 'music',
    uri: track?.uri ?? '',
    image_url: track?.covers[0]?.url ?? '',
  };
}

/** What `tonearm/<zone>/attributes` holds: slow-changing extras. No key Home Assistant blocks (§1.10), and never the position. */
export function zoneAttributes(state: PlayerState): Readonly<Record<string, unknown>> {
  const { context, next } = state.queue;
  return {
    changed_by: state.by.changed,
    started_by: state.by.started,
    engine: state.source,
    context_uri: context?.uri ?? null,
    context_title: context?.title ?? null,
    next_title: next[0]?.title ?? null,
    explicit: state.track?.explicit ?? null,
    connected: state.account.connected,
    notice: state.notice === null ? null : { code: state.notice.code, message: state.notice.message },
    accepts: [...state.accepts].sort(),
  };
}

/** What `tonearm/<zone>/position` holds: seconds, true at `updated_at`, moving at `rate`. */
export interface PositionMessage {
  readonly position: number;
  readonly duration: number;
  readonly updated_at: string;
  readonly rate: 0 | 1;
}

/** `now` is Unix time in ms. */
export function zonePosition(state: PlayerState, now: number): PositionMessage {
  return {
    position: Math.round(positionAt(state, now) / 100) / 10,
    duration: seconds(state.track?.duration ?? 0),
    updated_at: new Date(now).toISOString(),
    rate: state.status === 'playing' ? 1 : 0,
  };
}

/** Where the track is at `now`, in ms, never outside it. */
export function positionAt({ status, position, track }: Pick<PlayerState, 'status' | 'position' | 'track'>, now: number): number {
  const moved = status === 'playing' ? Math.max(now - position.measured, 0) : 0;
  const at = Math.max(position.at + moved, 0);
  return track && track.duration > 0 ? Math.min(at, track.duration) : at;
}

function seconds(millis: number): number {
  return Math.round(millis / 1000);
}
