import { z } from 'zod';
import { Release } from '../release.ts';

export const PacatSettings = /* @__PURE__ */ (() =>
  z.strictObject({
    kind: z.literal('pacat'),
    device: z.string().min(1).optional().describe('Sink, as listed by `pactl list short sinks`; absent: the default one'),
    server: z.string().min(1).optional().describe('PulseAudio server; absent: the usual one of this user'),
    buffer: z.int().min(200).max(2000).default(500).describe('Sound kept ready, in ms: more survives a busy machine, less reacts faster to volume'),
    release: Release,
  }))();
export type PacatSettings = z.infer<typeof PacatSettings>;
