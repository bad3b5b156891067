import type { PlayerState, RepeatMode } from '#core';
import { maskUser } from '#foundation';

/** Rows of the queue that are told. */
const longestQueue = 50;

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
  /** Name of the preset that plays. */
  readonly preset: string;
  /** Minutes until the sleep timer pauses, begun ones counted whole; 0 when none runs. */
  readonly sleep_timer: number;
  /** 0 to 100; 100 for no limit. */
  readonly volume_cap: number;
  readonly output: string;
  readonly announcing: 'ON' | 'OFF';
}

/** What a picture does not say itself. */
export interface Seen {
  /** Unix ms. */
  readonly now: number;
  readonly preset: string | null;
}

/** `off`: no source holds the zone; `idle`: one does and nothing is loaded. */
export const zonePlayStates = ['off', 'idle', 'buffering', 'playing', 'paused'] as const;
export type ZonePlayState = (typeof zonePlayStates)[number];

export const repeatWords = ['off', 'all', 'one'] as const;
export type RepeatWord = (typeof repeatWords)[number];

/** A closed list, because Home Assistant refuses a value it was not told of. */
export const sourceWords = ['spotify', 'library', 'radio', 'line_in', 'announcement', 'other', 'none'] as const;
export type SourceWord = (typeof sourceWords)[number];

const sources: Readonly<Record<string, SourceWord>> = { sounds: 'announcement', connect: 'spotify', soloist: 'spotify', spotify: 'spotify', queue: 'library', library: 'library', radio: 'radio' };

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
export function zoneState(state: PlayerState, { now, preset }: Seen): ZoneStateMessage {
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
    uri: shownUri(track?.uri ?? ''),
    image_url: track?.covers[0]?.url ?? '',
    preset: preset ?? '',
    sleep_timer: sleepMinutes(state.sleep, now),
    volume_cap: toPercent(state.volume.limit),
    output: state.output.name ?? '',
    announcing: state.announcing ? 'ON' : 'OFF',
  };
}

export function sleepMinutes(sleep: PlayerState['sleep'], now: number): number {
  return sleep === null ? 0 : Math.max(Math.ceil((sleep.ends - now) / 60_000), 0);
}

/** What only the surface knows. */
export interface AttributesSeen {
  /** The account in use as Home Assistant's list of them says it; null when none is. */
  readonly account: string | null;
  readonly lastError: { readonly error: string; readonly message: string; readonly at: string } | null;
}

/** What `tonearm/<zone>/attributes` holds: slow-changing extras. No key Home Assistant blocks (§1.10), and never the position. */
export function zoneAttributes(state: PlayerState, { account, lastError }: AttributesSeen): Readonly<Record<string, unknown>> {
  const { context, next } = state.queue;
  const { fading } = state.volume;
  return {
    changed_by: state.by.changed,
    started_by: state.by.started,
    engine: state.source,
    context_uri: context?.uri ?? null,
    context_title: context?.title ?? null,
    next_title: next[0]?.title ?? null,
    explicit: state.track?.explicit ?? null,
    codec: state.track?.format?.codec ?? null,
    bitrate: state.track?.format?.bitrate ?? null,
    connected: state.account.connected,
    spotify_user: state.account.name === null ? null : maskUser(state.account.name),
    account,
    preset_id: state.preset,
    fading_to: fading === null ? null : toPercent(fading.to),
    fading_ends: fading === null ? null : new Date(fading.ends).toISOString(),
    sleep_ends: state.sleep === null ? null : new Date(state.sleep.ends).toISOString(),
    notice: state.notice === null ? null : { code: state.notice.code, message: state.notice.message },
    last_error: lastError,
    accepts: [...state.accepts].sort(),
  };
}

/** What `tonearm/<zone>/queue` holds: what comes next, nearest first. */
export function zoneQueue({ queue }: Pick<PlayerState, 'queue'>): Readonly<Record<string, unknown>> {
  return { context: queue.context, next: queue.next.slice(0, longestQueue).map(({ uri, title, queued }) => ({ uri, title, queued })) };
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

/** Addresses of the web may hold a password or a signature; topics are read by many. */
function shownUri(uri: string): string {
  if (!/^https?:/i.test(uri) || !URL.canParse(uri)) return uri;
  const { protocol, host, pathname } = new URL(uri);
  return `${protocol}//${host}${pathname}`;
}
