import { z } from 'zod';
import { Duration } from '../duration.ts';
import { Id, TopicFilter } from '../words.ts';
import { isTag, tagOf } from './reading.ts';

/** What a tag is set to in the configuration. */
const KnownTag = z
  .strictObject({
    tag: z.string().refine(isTag, 'must be what the reader says of it: 1 to 100 letters and digits; "-", ":" and blanks do not count').describe('Its number or text, as the reader says it'),
    play: z.string().trim().min(1).max(2048).optional().describe('Name of a preset, a Spotify link or URI'),
    run: Id.optional().describe('Id of an automation or alarm that is run instead'),
  })
  .refine(({ play, run }) => (play === undefined) !== (run === undefined), 'needs exactly one of play and run');

const TagReader = z.strictObject({
  id: Id.describe('Your name for it; must differ from the others'),
  topic: TopicFilter.describe('Where it says which tag it reads: tele/box/SENSOR, esphome/box/tag'),
  path: z.string().min(1).max(200).optional().describe('Where in a JSON payload the tag is: PN532.UID. Usual names are found without: UID, tag, tag_id, card'),
  zone: z.string().min(1).max(64).optional().describe('Where its tags play; may be left out when there is one zone only'),
  again: Duration.default(5000).describe('A tag that was not said for so long is held there anew; for readers that repeat what lies on them less often than that, set it longer. 5s when absent'),
  removed: z.enum(['pause', 'nothing']).default('pause').describe('What happens when the reader says that the tag was taken off (an empty message, null, false or 0)'),
});
export type TagReader = z.output<typeof TagReader>;

/** Tags (RFID, NFC) that play what they stand for. */
export const TagsSettings = z
  .strictObject({
    readers: z.array(TagReader).max(50).default([]).describe('Readers that say on MQTT which tag is held to them'),
    known: z.array(KnownTag).max(1000).default([]).describe('What tags stand for. More are learnt while Tonearm runs, and kept'),
  })
  .superRefine(({ readers, known }, context) => {
    for (const [at, { id }] of readers.entries()) if (readers.findIndex((other) => other.id === id) !== at) context.addIssue({ code: 'custom', path: ['readers', at, 'id'], message: `is used twice: "${id}"` });
    const tags = known.map(({ tag }) => tagOf(tag));
    for (const [at, tag] of tags.entries()) if (tags.indexOf(tag) !== at) context.addIssue({ code: 'custom', path: ['known', at, 'tag'], message: `is there twice: "${tag}"` });
  });
export type TagsSettings = z.output<typeof TagsSettings>;
