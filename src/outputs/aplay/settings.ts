import { z } from 'zod';
import { Release } from '../release.ts';

export const AplaySettings = /* @__PURE__ */ (() =>
  z.strictObject({
    kind: z.literal('aplay'),
    device: z.string().min(1).optional().describe('ALSA device, as listed by `aplay -L`; absent: the default one'),
    buffer: z.int().min(200).max(2000).default(500).describe('Sound kept ready, in ms: more survives a busy machine, less reacts faster to volume'),
    release: Release,
  }))();
export type AplaySettings = z.infer<typeof AplaySettings>;
