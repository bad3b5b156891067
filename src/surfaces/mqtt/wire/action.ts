import type { Command } from '#core';

/** One step of a command. Those that depend on the state of the zone are resolved when it is done. */
export type Action =
  | { readonly kind: 'command'; readonly command: Command }
  | { readonly kind: 'toggle'; readonly what: 'play' | 'mute' | 'shuffle' }
  /** Percent points. */
  | { readonly kind: 'volume-by'; readonly by: number }
  /** Milliseconds. */
  | { readonly kind: 'seek-by'; readonly by: number };
