import { z } from 'zod';
import { OutputSettings } from '#outputs';
import { MqttSettings } from '#surfaces';
import { idPattern, reservedIds } from './slug.ts';

/** One speaker. */
export const ZoneSettings = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .refine((name) => !/[\u0000-\u001f\u007f]/.test(name), 'must not hold control characters')
    .describe('As people see it, in the Spotify app and everywhere else'),
  id: z
    .string()
    .regex(idPattern, 'must be 1 to 40 lower-case letters, digits, "-" and "_", beginning and ending with a letter or digit')
    .refine((id) => !reservedIds.includes(id), `must not be one of ${reservedIds.map((id) => `"${id}"`).join(', ')}: the topic tree needs these itself`)
    .optional()
    .describe('Part of its topics and of its identity towards Spotify; made from the name when absent. Set it before you rename a zone, so that it stays the same speaker'),
  output: OutputSettings.prefault({ kind: 'auto' }).describe('Where the sound goes. auto: the first that works of speaker, aplay, pacat; if none does, silence in real time'),
  bitrate: z.union([z.literal(96), z.literal(160), z.literal(320)]).default(320).describe('Highest bitrate to fetch, kbit/s'),
  normalisation: z.enum(['off', 'track', 'album']).default('off').describe('Make everything equally loud, song by song or album by album; off leaves samples as they are'),
  volume: z
    .strictObject({
      initial: z.number().min(0).max(100).default(50).describe('Percent, until somebody sets another; that one is kept across restarts'),
      curve: z.enum(['log', 'cubic', 'linear']).default('log').describe('How the slider becomes loudness'),
    })
    .prefault({}),
  discovery: z
    .strictObject({ port: z.int().min(0).max(65_535).default(0).describe('TCP port phones pair on; 0 for any free one. Set it when a firewall is in the way') })
    .prefault({}),
  device: z
    .enum(['speaker', 'avr', 'stb', 'tv', 'computer'])
    .default('speaker')
    .describe('Which picture the Spotify app shows: speaker, avr (amplifier), stb (set-top box), tv or computer'),
});

export const DiscoverySettings = z.strictObject({
  interfaces: z
    .array(z.string().min(1).max(64))
    .default([])
    .describe('Names or addresses of the network interfaces to be visible on; empty for all real ones (never container bridges or tunnels)'),
  address: z.ipv4().optional().describe('Address the pairing port listens on; all by default, 127.0.0.1 when only loopback is chosen above'),
});

export const BrokerSettings = z.strictObject({
  enabled: z.boolean().default(true).describe('Start the built-in MQTT broker when no broker is configured under mqtt'),
  port: z.int().min(0).max(65_535).default(1883).describe('On 127.0.0.1; the next free port is taken when it is in use'),
});

export const LogSettings = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info').describe('How much is said; trace is for reporting faults'),
  format: z.enum(['text', 'json']).default('text').describe('text: one line for people; json: one object per line, for programs'),
});

const host = (address: string) => z.url({ protocol: /^https?$/, error: 'must be an address such as https://host' }).default(address);

/** Another cloud than the real one: the simulator. Not for daily life. */
export const CloudSettings = z.strictObject({
  directory: host('https://apresolve.spotify.com').describe('Service directory'),
  clientToken: host('https://clienttoken.spotify.com').describe('Client tokens'),
  login5: host('https://login5.spotify.com').describe('Access tokens'),
  accounts: host('https://accounts.spotify.com').describe('Authorisation'),
  certificates: z.string().min(1).exactOptional().describe('Path of a PEM file with certificate authorities to trust as well, or the PEM text itself'),
  serverKey: z.string().regex(/^[0-9a-fA-F]{512}$/, 'must be 512 hex digits').exactOptional().describe('Modulus of the access point\'s key in hex'),
  insecure: z.boolean().exactOptional().describe('Without TLS; on loopback only'),
});

/** The whole file. */
export const Settings = z.strictObject({
  version: z.literal(1).default(1).describe('Of this file\'s form'),
  zones: z.array(ZoneSettings).min(1).max(32).default(() => [ZoneSettings.parse({ name: 'Tonearm' })]).describe('The speakers. Each is its own player with its own name'),
  mqtt: MqttSettings.optional().describe('Your MQTT broker. Without it a small built-in one is started on this machine'),
  broker: BrokerSettings.prefault({}).describe('The built-in broker'),
  discovery: DiscoverySettings.prefault({}).describe('Where on the network Tonearm is visible'),
  log: LogSettings.prefault({}).describe('What Tonearm says while it runs'),
  data: z.string().min(1).optional().describe('Folder for what is kept; default $XDG_DATA_HOME/tonearm or ~/.local/share/tonearm. Relative to this file'),
  cloud: CloudSettings.optional().describe('Another cloud than the real one: for the simulator'),
});
export type Settings = z.output<typeof Settings>;
