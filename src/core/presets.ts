import type { Events } from '#foundation';
import type { Uri } from './units.ts';

/** A named wish: what to play, and how. */
export interface Preset {
  /** Slug: stable, part of entity names and HomeKit identities. */
  readonly id: string;
  /** As people say it. */
  readonly name: string;
  readonly uri: Uri;
  /** The row to begin with, as its URI or counted from 0. */
  readonly from?: Uri | number | undefined;
  readonly shuffle?: boolean | undefined;
  /** 0 to 1, set before it sounds. */
  readonly level?: number | undefined;
  /** Zones it is offered in; all of them when absent. */
  readonly zones?: readonly string[] | undefined;
}

/** The presets of the whole daemon: those of the configuration, and those added since, which are kept. */
export interface Presets {
  readonly list: readonly Preset[];
  readonly events: Events<{ changed: readonly Preset[] }>;
  /** By id, or by name without regard to case; null when there is none in this zone. */
  find(idOrName: string, zone: string): Preset | null;
  /** Rejects with `invalid` or `conflict`; what the configuration holds cannot be replaced. Resolves once it is kept. */
  add(preset: Omit<Preset, 'id'> & { readonly id?: string | undefined }): Promise<Preset>;
  /** Rejects with `not-found`, or `conflict` for one of the configuration. */
  remove(id: string): Promise<void>;
}
