import { z } from 'zod';
import { Secret } from '#foundation';
import { Scope } from './wire/words.ts';

/** The API. On this machine only unless the owner opens it. */
export const HttpSettings = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether there is an API at all'),
  host: z.union([z.ipv4(), z.ipv6()]).default('127.0.0.1').describe('Address it listens on: 127.0.0.1 for this machine only, 0.0.0.0 for everybody in the network. A key is needed everywhere'),
  port: z.int().min(0).max(65_535).optional().describe('TCP port; 8484, or the next free one, when absent. One that is given and in use is an error. 0 for any free one'),
  hosts: z.array(z.string().trim().toLowerCase().min(1).max(253)).max(16).default([]).describe('Names under which it is opened, besides addresses, localhost and names ending in .local, .lan or .home.arpa'),
  origins: z
    .array(z.url({ protocol: /^https?$/, error: 'must be an origin such as https://panel.example' }).transform((text) => new URL(text).origin))
    .max(16)
    .default([])
    .describe('Web pages that may use the API from a browser, as https://name[:port]; no others may'),
  keys: z
    .array(
      z.strictObject({
        name: z.string().trim().min(1).max(100).describe('Whose key it is'),
        key: z.string().min(32, 'must be 32 characters or more, at random: openssl rand -hex 32').max(1024).transform((text) => new Secret(text)).describe('The key itself; best as !secret'),
        scope: Scope.default('read').describe('read looks; control also acts'),
      }),
    )
    .max(32)
    .default([])
    .describe('Keys beside those of `tonearm keys`, for installations that are set up by a program'),
});
export type HttpSettings = z.output<typeof HttpSettings>;
