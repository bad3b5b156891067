import { z } from 'zod';
import { aplay } from './aplay/index.ts';
import { nothing } from './null/index.ts';
import { pacat } from './pacat/index.ts';
import { pipe } from './pipe/index.ts';
import { speaker } from './speaker/index.ts';

export const outputs = { speaker, aplay, pacat, pipe, null: nothing } as const;

/** Which output a zone plays to. `auto` takes the first of speaker, aplay, pacat that works here, else plays in silence. */
export const OutputSettings = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('auto') }),
  speaker.settings,
  aplay.settings,
  pacat.settings,
  pipe.settings,
  nothing.settings,
]);
export type OutputSettings = z.infer<typeof OutputSettings>;

/** What `auto` has become. */
export type ConcreteOutput = Exclude<OutputSettings, { readonly kind: 'auto' }>;
