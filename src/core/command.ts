import { z } from 'zod';
import { Position, Uri } from './units.ts';

export const RepeatMode = z.enum(['off', 'track', 'queue']);
export type RepeatMode = z.infer<typeof RepeatMode>;

/** Everything anyone can ask of a zone. Each surface parses its own dialect into this. */
export const Command = z.discriminatedUnion('kind', [
  /** Without `uri`: go on with what is loaded. `at` in ms. */
  z.strictObject({ kind: z.literal('play'), uri: Uri.optional(), at: Position.optional() }),
  z.strictObject({ kind: z.literal('pause') }),
  /** Ends playback and gives the zone back. */
  z.strictObject({ kind: z.literal('stop') }),
  z.strictObject({ kind: z.literal('next') }),
  z.strictObject({ kind: z.literal('previous') }),
  z.strictObject({ kind: z.literal('seek'), to: Position }),
  /** Level is perceived loudness, 0 to 1; the curve to gain is the zone's. */
  z.strictObject({ kind: z.literal('volume'), level: z.number().min(0).max(1) }),
  z.strictObject({ kind: z.literal('mute'), muted: z.boolean() }),
  z.strictObject({ kind: z.literal('shuffle'), on: z.boolean() }),
  z.strictObject({ kind: z.literal('repeat'), mode: RepeatMode }),
  z.strictObject({ kind: z.literal('enqueue'), uri: Uri }),
]);
export type Command = z.infer<typeof Command>;
export type CommandKind = Command['kind'];
