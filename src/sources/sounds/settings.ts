import { z } from 'zod';

export const SoundsSettings = z.strictObject({
  folders: z.array(z.string().min(1).max(4096)).max(100).default([]).describe('Folders whose sound files may be played as file:///path/name.mp3, with all below them. Relative to this file. Without any, no file may be'),
});
export type SoundsSettings = z.output<typeof SoundsSettings>;
