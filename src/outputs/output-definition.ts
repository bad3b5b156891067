import type { z } from 'zod';
import type { Clock, Log } from '#foundation';
import type { Output, PcmFormat, Programs } from '#core';

/** What an output may use of the world. */
export interface OutputWorld {
  readonly clock: Clock;
  readonly log: Log;
  readonly programs: Pick<Programs, 'speakerChild'>;
}

/** One way for PCM to leave. */
export interface OutputDefinition<Kind extends string, Schema extends z.ZodObject> {
  readonly kind: Kind;
  readonly settings: Schema;
  /**
   * Opens it for frames of this format. The result may have another rate when the far side knows only one; the caller adapts.
   * Rejects with a `TonearmError` that says why there is no sound.
   */
  open(settings: z.infer<Schema>, format: PcmFormat, world: OutputWorld, signal: AbortSignal): Promise<Output>;
  /** Null when it would work here, else the reason why not, for people. Makes no sound. */
  probe(settings: z.infer<Schema>, world: OutputWorld, signal: AbortSignal): Promise<string | null>;
}

export function defineOutput<const Kind extends string, Schema extends z.ZodObject>(definition: OutputDefinition<Kind, Schema>): OutputDefinition<Kind, Schema> {
  return definition;
}
