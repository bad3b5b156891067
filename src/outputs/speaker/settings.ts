import { z } from 'zod';
import { Release } from '../release.ts';

// Pure, here and in the other outputs, so that the audio thread, which gets parsed settings, is bundled without zod.
export const SpeakerSettings = /* @__PURE__ */ (() =>
  z.strictObject({
    kind: z.literal('speaker'),
    device: z.string().min(1).optional().describe('ALSA device, as listed by `aplay -L`; absent: the default one'),
    release: Release,
  }))();
export type SpeakerSettings = z.infer<typeof SpeakerSettings>;
