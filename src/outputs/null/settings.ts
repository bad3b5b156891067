import { z } from 'zod';

export const NullSettings = /* @__PURE__ */ (() =>
  z.strictObject({
    kind: z.literal('null'),
    delay: z.int().min(0).max(10_000).default(0).describe('Pretended time in ms from a sample being taken to its being heard'),
  }))();
export type NullSettings = z.infer<typeof NullSettings>;
