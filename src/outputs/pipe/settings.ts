import { z } from 'zod';

export const PipeSettings = /* @__PURE__ */ (() =>
  z.strictObject({
    kind: z.literal('pipe'),
    path: z.string().min(1).describe('A FIFO that something reads, such as Snapcast; made if there is nothing yet. Never a file'),
    format: z.enum(['s16le', 's24le', 's32le', 'f32le']).default('s16le').describe('How samples are written, interleaved stereo'),
    rate: z.int().min(8000).max(192_000).default(44_100).describe('Frames per second; music of another rate is converted'),
    clocked: z.boolean().default(false).describe('Write in real time instead of as fast as the reader takes it'),
    delay: z.int().min(0).max(10_000).default(0).describe('How long the reader takes until a sample is heard, in ms'),
  }))();
export type PipeSettings = z.infer<typeof PipeSettings>;
