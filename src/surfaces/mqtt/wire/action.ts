import type { Command, FadeCurve } from '#core';

/** One step of a command. Those that depend on the state of the zone are resolved when it is done. */
export type Action =
  | { readonly kind: 'command'; readonly command: Command }
  | { readonly kind: 'toggle'; readonly what: 'play' | 'mute' | 'shuffle' }
  /** Goes on with Spotify whatever else plays, or gives the zone back. */
  | { readonly kind: 'source'; readonly source: 'spotify' | 'none' }
  /** Percent points. */
  | { readonly kind: 'volume-by'; readonly by: number }
  /** Milliseconds. */
  | { readonly kind: 'seek-by'; readonly by: number }
  /** From silence to `to` (0 to 1; the volume as it is when null) in `over` ms: two commands. */
  | { readonly kind: 'fade-in'; readonly to: number | null; readonly over: number; readonly curve: FadeCurve };
