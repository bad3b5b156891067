import { z } from 'zod';
import { Position, Uri } from './units.ts';

export const RepeatMode = z.enum(['off', 'track', 'queue']);
export type RepeatMode = z.infer<typeof RepeatMode>;

export const FadeCurve = z.enum(['perceptual', 'linear']);
export type FadeCurve = z.infer<typeof FadeCurve>;

/** Everything anyone can ask of a zone. Each surface parses its own dialect into this. */
export const Command = z.discriminatedUnion('kind', [
  /**
   * Without `uri`: go on with what is loaded. `at` in ms. `from`: the row of the context to begin with, as its URI or counted from 0;
   * `shuffle`: the order it begins in, instead of the one that is set.
   */
  z.strictObject({ kind: z.literal('play'), uri: Uri.optional(), at: Position.optional(), from: z.union([Uri, z.int().min(0).max(100_000)]).optional(), shuffle: z.boolean().optional() }),
  /** A named wish of the owner's configuration, by its id or name: what to play, how loud, in which order. */
  z.strictObject({ kind: z.literal('preset'), preset: z.string().min(1).max(100) }),
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
  /** Moves the volume there in `over` ms. Whoever touches the volume meanwhile ends it. `perceptual` moves evenly as people hear it. */
  z.strictObject({ kind: z.literal('fade'), to: z.number().min(0).max(1), over: z.number().min(0).max(86_400_000), curve: FadeCurve.default('perceptual') }),
  /** Nothing in this zone is louder than this from now on, whoever asks; 1 takes the limit away. */
  z.strictObject({ kind: z.literal('limit'), level: z.number().min(0).max(1) }),
  /** Pauses after so many ms, fading out over the last `fade` of them, and puts the volume back. Null takes it back. */
  z.strictObject({ kind: z.literal('sleep'), after: z.number().min(0).max(86_400_000).nullable(), fade: z.number().min(0).max(3_600_000).default(30_000) }),
  /** Says something over what plays, which is lowered meanwhile: an address of sound, or `sound:chime`. Several are said one after the other. Level 0 to 1 on the slider. */
  z.strictObject({ kind: z.literal('announce'), uri: Uri, level: z.number().min(0).max(1).optional(), chime: z.boolean().default(false) }),
  /** What plays here goes on in that zone, at the same place; here it stops. */
  z.strictObject({ kind: z.literal('transfer'), to: z.string().min(1).max(64) }),
  /** Another way out for the sound: one of `output.choices`. */
  z.strictObject({ kind: z.literal('output'), output: z.string().min(1).max(100) }),
]);
export type Command = z.output<typeof Command>;
/** As it may be written: what has a default may be left out. */
export type CommandInput = z.input<typeof Command>;
export type CommandKind = Command['kind'];
