import type { Millis, Uri } from './units.ts';

export interface Cover {
  readonly url: string;
  /** Pixels; 0 when unknown. */
  readonly width: number;
}

/** What is shown of a thing that plays. */
export interface Track {
  readonly uri: Uri;
  readonly kind: 'track' | 'episode' | 'file' | 'stream';
  readonly title: string;
  readonly artists: readonly string[];
  readonly album: string;
  /** 0 when it has no known end. */
  readonly duration: Millis;
  /** Largest first. */
  readonly covers: readonly Cover[];
  readonly explicit: boolean;
  /** As it is stored; bitrate in kbit/s. Absent when unknown. */
  readonly format?: { readonly codec: string; readonly bitrate: number };
}
