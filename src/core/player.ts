import type { Events, TonearmError } from '#foundation';
import type { Command, CommandKind, RepeatMode } from './command.ts';
import type { Deck } from './deck.ts';
import type { OutputView } from './output.ts';
import type { Track } from './track.ts';
import type { Millis, Origin, Uri } from './units.ts';

export type PlayStatus = 'stopped' | 'loading' | 'playing' | 'paused' | 'stalled';

/** Where a track is: true at `measured` (Unix ms); viewers extrapolate while playing. */
export interface PlayPosition {
  readonly at: Millis;
  readonly measured: Millis;
}

export interface QueueItem {
  readonly uri: Uri;
  readonly title: string | null;
  /** True for what a person queued by hand, false for what follows from the context. */
  readonly queued: boolean;
}

export interface QueueView {
  /** What is played from: album, playlist …; null when nothing. */
  readonly context: { readonly uri: Uri; readonly title: string | null } | null;
  /** What comes next, nearest first, bounded. */
  readonly next: readonly QueueItem[];
}

export interface PlayOrder {
  readonly shuffle: boolean;
  readonly repeat: RepeatMode;
}

export interface Volume {
  /** 0 to 1 as people perceive and set it. */
  readonly level: number;
  readonly muted: boolean;
  /** Nothing gets louder than this, whoever asks; 1 for no limit. `level` never lies above it. */
  readonly limit: number;
  /** Where a fade is going, and when it is there (Unix ms); null when none is under way. */
  readonly fading: { readonly to: number; readonly ends: Millis } | null;
}

/** Something the owner should know; shown on every surface until it is over. */
export interface Notice {
  readonly code: string;
  readonly message: string;
}

/** A frozen, complete picture of a zone. */
export interface PlayerState {
  readonly revision: number;
  /** Which source holds the zone; null when none does. */
  readonly source: string | null;
  readonly status: PlayStatus;
  readonly track: Track | null;
  readonly position: PlayPosition;
  readonly volume: Volume;
  readonly order: PlayOrder;
  readonly queue: QueueView;
  readonly account: { readonly name: string | null; readonly connected: boolean };
  readonly notice: Notice | null;
  readonly output: OutputView;
  /** Unix ms at which the sleep timer pauses; null when none runs. */
  readonly sleep: { readonly ends: Millis } | null;
  /** Id of the preset that was started last and still plays. */
  readonly preset: string | null;
  /** Something is being said over what plays, or into the silence. */
  readonly announcing: boolean;
  readonly by: { readonly started: Origin | null; readonly changed: Origin };
  /** What would work right now: surfaces grey out the rest. */
  readonly accepts: ReadonlySet<CommandKind>;
}

export interface PlayerEvents {
  changed: { readonly state: PlayerState; readonly previous: PlayerState };
  ended: { readonly track: Track; readonly reason: 'finished' | 'skipped' | 'failed' };
  failed: { readonly error: TonearmError };
  announced: { readonly uri: Uri; readonly phase: 'started' | 'finished'; readonly error: TonearmError | null };
}

/** A zone's only door. */
export interface Player {
  readonly state: PlayerState;
  readonly events: Events<PlayerEvents>;
  /** Several commands are one step: volume is always applied before sound. Rejects with a `TonearmError` saying why not. */
  dispatch(commands: readonly Command[], by: Origin, signal?: AbortSignal): Promise<void>;
}

/** What a source says of itself; the zone's snapshot is made from this and the volume. */
export interface SourceState {
  readonly status: PlayStatus;
  readonly track: Track | null;
  readonly position: PlayPosition;
  readonly order: PlayOrder;
  readonly queue: QueueView;
  readonly account: { readonly name: string | null; readonly connected: boolean };
  readonly notice: Notice | null;
  /** A sleep timer of its own, which it obeys itself: that of the Spotify app. */
  readonly sleep?: { readonly ends: Millis } | null;
  readonly accepts: ReadonlySet<CommandKind>;
}

export interface SourceEvents {
  changed: { readonly state: SourceState; readonly by: Origin };
  ended: PlayerEvents['ended'];
  failed: PlayerEvents['failed'];
}

/** Something that can drive a zone: our Connect device, Soloist, the queue. */
export interface Source extends AsyncDisposable {
  readonly name: string;
  readonly state: SourceState;
  readonly events: Events<SourceEvents>;
  plays(uri: Uri): boolean;
  execute(command: Command, by: Origin, signal: AbortSignal): Promise<void>;
  /** All there is to know of what plays, for the same kind of source in another zone; null when it cannot be carried there. */
  handOver?(): object | null;
  /** Goes on with what another zone handed over, at the same place. Resolves when it has been accepted. */
  takeOver?(playback: object, by: Origin, signal: AbortSignal): Promise<void>;
}

/** The right to be heard in a zone. The signal fires when somebody else takes over or the zone closes. */
export interface Lease extends Disposable {
  readonly deck: Deck;
  readonly signal: AbortSignal;
  /** The holder begins something else, and says for whom: who started what plays is known by this. */
  renew(by: Origin): void;
  /** Gives the zone back because somebody wants it so; disposing does it in the name of whoever began. */
  release(by: Origin): void;
}

/** What a zone gives its sources. */
export interface Zone {
  /** Slug: lower-case ASCII, stable. */
  readonly id: string;
  /** As people see it. */
  readonly name: string;
  readonly volume: Volume;
  readonly events: Events<{ volume: { readonly volume: Volume; readonly by: Origin } }>;
  setVolume(level: number, by: Origin): void;
  /** Takes the zone; whoever held it hears their signal. */
  claim(source: string, by: Origin): Lease;
}

/** What surfaces see of a zone. */
export interface ZoneView {
  readonly id: string;
  readonly name: string;
  /** Room or part of the house, as the owner calls it. */
  readonly area?: string | undefined;
  readonly player: Player;
}
