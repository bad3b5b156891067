import { z } from 'zod';
import { Uri } from '#core';

const idPattern = /^[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?$/;

/** One named wish of the owner's. */
export const PresetSettings = z.strictObject({
  name: z.string().trim().min(1).max(100).describe('As people say it, and as Home Assistant and HomeKit show it'),
  id: z
    .string()
    .regex(idPattern, 'must be 1 to 40 lower-case letters, digits, "-" and "_", beginning and ending with a letter or digit')
    .optional()
    .describe('Part of entity names; made from the name when absent. Set it before you rename a preset'),
  uri: Uri.describe('What to play: a Spotify link or URI, or anything else that can be played here'),
  from: z.union([z.int().min(0).max(100_000), Uri]).optional().describe('The row to begin with: its link or URI, or its number counted from 0'),
  shuffle: z.boolean().optional().describe('In random order or not; as it was when absent'),
  volume: z.number().min(0).max(100).optional().describe('Percent, set before it sounds; as it was when absent'),
  zones: z.array(z.string().min(1).max(64)).max(32).optional().describe('Ids of the zones it is offered in; all of them when absent'),
});
export type PresetSettings = z.output<typeof PresetSettings>;
