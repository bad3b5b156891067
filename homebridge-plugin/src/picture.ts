import type { AutomationView, CommandInput, PlayStatus } from '../../src/core/index.ts';

/** A zone, as far as Home can show it. */
export interface ZonePicture {
  readonly id: string;
  readonly name: string;
  readonly status: PlayStatus;
  readonly track: { readonly uri: string; readonly title: string; readonly artists: readonly string[] } | null;
  /** Milliseconds into the track at `measured`, Unix ms of the daemon's clock. */
  readonly position: { readonly at: number; readonly measured: number };
  /** 0 to 1. */
  readonly level: number;
  /** `level` never lies above it. */
  readonly limit: number;
  readonly muted: boolean;
  /** Id of the preset that plays. */
  readonly preset: string | null;
  /** Kinds of commands that would work right now. */
  readonly accepts: ReadonlySet<string>;
}

export interface PresetPicture {
  readonly id: string;
  readonly name: string;
  /** Absent: offered everywhere. */
  readonly zones?: readonly string[] | undefined;
}

export interface AutomationPicture {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  /** Null for what is no alarm. */
  readonly alarm: NonNullable<AutomationView['alarm']>['state'] | null;
}

/** Everything a daemon says of itself; replaced as a whole, never changed. */
export interface HousePicture {
  /** Stable name of the installation: survives renames and new addresses. */
  readonly instance: string;
  readonly name: string;
  readonly version: string;
  /** False: our key only reads. */
  readonly mayControl: boolean;
  /** How far the daemon's clock is ahead of ours, milliseconds. */
  readonly ahead: number;
  readonly zones: readonly ZonePicture[];
  readonly presets: readonly PresetPicture[];
  readonly automations: readonly AutomationPicture[];
}

/** What Home asks of a daemon. */
export type Request =
  | { readonly kind: 'zone'; readonly zone: string; readonly commands: readonly CommandInput[] }
  | { readonly kind: 'automation'; readonly id: string; readonly action: 'enable' | 'disable' | 'run' | 'stop' | 'snooze' };

/** How a request ended. `refused`: the daemon said no, and why; `lost`: nobody heard it. */
export type Outcome = { readonly kind: 'done' } | { readonly kind: 'refused'; readonly why: string } | { readonly kind: 'lost' };

export function zoneOf({ zones }: HousePicture, id: string): ZonePicture | null {
  return zones.find((zone) => zone.id === id) ?? null;
}

/** Presets a zone offers, in the daemon's order. */
export function presetsFor({ presets }: HousePicture, zone: string): readonly PresetPicture[] {
  return presets.filter(({ zones }) => zones?.includes(zone) ?? true);
}

/** True while it sounds or is about to. */
export function isSounding({ status }: ZonePicture): boolean {
  return status === 'playing' || status === 'loading' || status === 'stalled';
}
