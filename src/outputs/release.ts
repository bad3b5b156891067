import { z } from 'zod';

/** How long a silent output keeps its device. */
export const Release = /* @__PURE__ */ (() =>
  z
    .union([z.int().min(0).max(86_400), z.literal('never')])
    .default(10)
    .describe('Seconds of silence after which the device is closed and other programs can have it. Until then it plays silence, so that nothing clicks and no beginning is lost. 0: closed at once, at every jump, too. never: kept'))();
export type Release = z.infer<typeof Release>;
