import { z } from 'zod';
import { AplaySettings } from './aplay/settings.ts';
import { NullSettings } from './null/settings.ts';
import { PacatSettings } from './pacat/settings.ts';
import { PipeSettings } from './pipe/settings.ts';
import { Release } from './release.ts';
import { SpeakerSettings } from './speaker/settings.ts';

/** Which output a zone plays to. `auto` takes the first of speaker, aplay, pacat that works here, else plays in silence. */
export const OutputSettings = /* @__PURE__ */ (() =>
  z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('auto'), release: Release }), SpeakerSettings, AplaySettings, PacatSettings, PipeSettings, NullSettings]))();
export type OutputSettings = z.infer<typeof OutputSettings>;

/** What `auto` has become. */
export type ConcreteOutput = Exclude<OutputSettings, { readonly kind: 'auto' }>;
