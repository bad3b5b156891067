import type { Events, TonearmError } from '#foundation';
import type { OutputView } from './output.ts';
import type { Millis } from './units.ts';
import type { Playable } from './playable.ts';

/** Names one load of one playable; events carry it, so that news of an older load is recognised as such. */
export type LoadId = string;

export interface DeckEvents {
  /** Sound of this load has begun, or begins again after a pause, a seek or a stall. Position is what is audible. */
  playing: { readonly id: LoadId; readonly position: Millis };
  /** Paused and silent; also after a load that was to stay paused, and after a seek while paused. */
  paused: { readonly id: LoadId; readonly position: Millis };
  /** No data for one second while playing. `playing` follows when data is back. */
  stalled: { readonly id: LoadId; readonly position: Millis };
  /** Where the audible sound is; at most once a second, and after every jump. */
  moved: { readonly id: LoadId; readonly position: Millis };
  /** The file's own length, once known. */
  measured: { readonly id: LoadId; readonly duration: Millis };
  /** The last sample of this load left for the device. If a playable was waiting by `follow`, it goes on without a gap and `playing` of it comes next. */
  ended: { readonly id: LoadId };
  /** This load cannot be played (further). The deck is idle. */
  failed: { readonly id: LoadId; readonly error: TonearmError };
  /** Every address has failed or expired: answer with `refresh`, or let it fail after 30 s. */
  wanted: { readonly id: LoadId };
  /** The first sample of an announcement is heard. */
  announcing: { readonly id: LoadId };
  /** An announcement is over: said to its end, hushed (`error` null too), or not playable. */
  announced: { readonly id: LoadId; readonly error: TonearmError | null };
  /** Sound goes elsewhere now. */
  output: OutputView;
}

/**
 * The handle of what turns recipes into sound, one per zone. Calls return at once; outcomes arrive as events.
 * The newest call wins: `play` replaces whatever was loaded.
 */
export interface Deck {
  readonly events: Events<DeckEvents>;
  /** Something will be played soon: what takes time is made ready meanwhile. */
  prepare(): void;
  /** Loads and starts at `at`; with `paused` it is made ready but silent. Buffered sound of an older load is dropped. */
  play(playable: Playable, options: { readonly id: LoadId; readonly at: Millis; readonly paused: boolean }): void;
  /** What comes after the current load without a gap; `null` takes it back. */
  follow(next: { readonly playable: Playable; readonly id: LoadId } | null): void;
  /** New addresses for a load that asked with `wanted`. */
  refresh(id: LoadId, playable: Playable): void;
  pause(): void;
  resume(): void;
  seek(to: Millis): void;
  /** Silence, nothing loaded; the output may be released. */
  stop(): void;
  /** Linear factor 0 to 1, ramped over about 10 ms. 1 leaves samples untouched. */
  setGain(gain: number): void;
  /**
   * Says something at `gain` (its own; `setGain` does not touch it) over what plays, which is lowered to the factor `duck` meanwhile
   * and never stops; also while nothing plays, or in a pause. Several are said one after the other.
   */
  announce(playable: Playable, options: { readonly id: LoadId; readonly gain: number; readonly duck: number }): void;
  /** Ends what is being said and forgets what was still to be said. */
  hush(): void;
  readonly output: OutputView;
  /** Sends the sound another way: one of `output.choices`. Rejects with `invalid` for another; what plays goes on. */
  useOutput(name: string): Promise<void>;
}
