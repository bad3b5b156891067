import type { Events } from '#foundation';
import type { Millis } from './units.ts';

/** What a tag stands for: music, by the id or name of a preset or by its URI, or an automation, by its id. */
export type TagWish = { readonly play: string } | { readonly run: string };

/** Of a request, where at most one of them is given; null for what is on. */
export function tagWishOf({ play, run }: { readonly play?: string | undefined; readonly run?: string | undefined }): TagWish | null {
  if (play !== undefined) return { play };
  return run === undefined ? null : { run };
}

/** A tag (RFID, NFC) that means something. */
export interface TagView {
  /** Its number or text, capital letters without `-`, `:` and blanks. */
  readonly tag: string;
  readonly wish: TagWish;
  /** As people say what it stands for: name of the preset, title of the album. */
  readonly name: string;
  /** Of the configuration: not to be learnt anew or forgotten. */
  readonly isFixed: boolean;
}

/** `resumed`: its music was paused; `kept`: it plays already; `nothing-on`: there was nothing to learn; `removed`: taken off the reader. */
export type TagOutcome = 'played' | 'resumed' | 'kept' | 'ran' | 'learned' | 'nothing-on' | 'unknown' | 'removed' | 'failed';

/** One time a tag was held to a reader, or taken off it. */
export interface TagRead {
  readonly tag: string;
  /** Null for one that was read elsewhere, and told by a program. */
  readonly reader: string | null;
  readonly zone: string;
  readonly at: Millis;
  readonly outcome: TagOutcome;
  /** What the tag stands for; null while it stands for nothing. */
  readonly name: string | null;
  /** Why nothing came of it, for people; null when all is well. */
  readonly why: string | null;
}

export interface TagsPicture {
  readonly readers: readonly { readonly id: string; readonly zone: string }[];
  /** Those of the configuration first. */
  readonly tags: readonly TagView[];
  /** The next tag that is read will stand for this; `name` null: for what is on then. Null while nothing is learnt. */
  readonly learning: { readonly name: string | null; readonly until: Millis } | null;
  readonly last: TagRead | null;
}

/** Tags held to readers, and what they stand for. Errors are `TonearmError`s. */
export interface Tags {
  readonly picture: TagsPicture;
  readonly events: Events<{ changed: TagsPicture; read: TagRead }>;
  /**
   * The next tag that is read within a minute stands for this from then on; without a wish for what is on in its zone then.
   * Throws `not-found` for a preset or an automation nobody knows.
   */
  learn(wish: TagWish | null): { readonly until: Millis };
  /** Rejects with `not-found`, or `conflict` for one of the configuration. Resolves once it is kept. */
  forget(tag: string): Promise<void>;
  /** As if a reader had read it. Resolves with what came of it; rejects with `not-found` for a zone, `invalid` for no tag. */
  scan(tag: string, zone?: string): Promise<TagRead>;
}
