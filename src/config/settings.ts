import { isIP } from 'node:net';
import { z } from 'zod';
import { parseProxy, Secret } from '#foundation';
import { OutputSettings } from '#outputs';
import { SoundsSettings } from '#sources';
import { HttpSettings, LoginPageSettings, MqttSettings } from '#surfaces';
import { PresetSettings } from '#zones';
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
  area: z.string().trim().min(1).max(100).optional().describe('Room it stands in; Home Assistant suggests it as the area of the new device'),
  output: OutputSettings.prefault({ kind: 'auto' }).describe('Where the sound goes. auto: the first that works of speaker, aplay, pacat; if none does, silence in real time'),
  bitrate: z.union([z.literal(96), z.literal(160), z.literal(320)]).default(320).describe('Highest bitrate to fetch, kbit/s'),
  normalisation: z.enum(['off', 'track', 'album']).default('off').describe('Make everything equally loud, song by song or album by album; off leaves samples as they are'),
  autoplay: z.boolean().optional().describe('Go on with similar music when an album or playlist ends; as set in the Spotify app when absent'),
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
    .describe('Network interfaces to be visible on: names (eth0), patterns (en*), addresses or networks (192.0.2.0/24). Empty for all real ones: no container bridges, virtual machines, tunnels and VPNs'),
  exclude: z.array(z.string().min(1).max(64)).default([]).describe('Network interfaces not to be visible on, in the same words; goes before interfaces'),
  address: z.string().refine((text) => isIP(text) !== 0, 'must be an IPv4 or IPv6 address').optional().describe('Address the pairing port listens on, and the only one announced; all by default, 127.0.0.1 when only loopback is chosen above'),
  responder: z.enum(['auto', 'own']).default('auto').describe('Who answers mDNS: auto lets Avahi do it while it runs on this machine; own never does'),
});

export const NetworkSettings = z.strictObject({
  proxy: z
    .string()
    .refine((text) => parseProxy(text) !== null, 'must be an address such as http://proxy:3128 or http://user:password@proxy:3128')
    .transform((text) => new Secret(text))
    .optional()
    .describe('HTTP proxy everything towards Spotify goes through (CONNECT), as http://[user:password@]host:port; https:// when the proxy itself speaks TLS'),
  friendlyPorts: z.boolean().optional().describe('Try access points on ports 443 and 80 before others: for networks that let nothing else out. On by itself with a proxy'),
});

const accountNames = (about: string) => z.array(z.string().trim().min(1).max(256)).max(256).default([]).describe(about);

/** Who may play. User names as `tonearm accounts` lists them, or the ids beside them. */
export const AccountsSettings = z.strictObject({
  guests: z
    .enum(['last-wins', 'ask', 'refuse-while-playing'])
    .default('last-wins')
    .describe('What happens when somebody picks a speaker that another account has: last-wins lets them in, ask asks you, refuse-while-playing turns them down while music is on'),
  askFor: z.number().min(5).max(3600).default(60).describe('Seconds you have for an answer with guests: ask; after that it counts as no'),
  owners: accountNames('Accounts that are never asked about, never turned down and never forgotten'),
  allow: accountNames('When not empty, only these accounts and the owners may play'),
  deny: accountNames('These accounts may not play'),
  forgetAfter: z.number().min(0).max(87_600).default(0).describe('Hours after its last music that an account is logged out and its stored login wiped; owners excepted. 0 for never'),
  web: z
    .strictObject({ clientId: z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hex digits, as developer.spotify.com shows it').describe('Client id of your own application at developer.spotify.com') })
    .optional()
    .describe('Login for looking things up in Spotify\'s web API; playing needs none'),
});

/** How stored logins are encrypted. */
export const StoreSettings = z.strictObject({
  secret: z.string().min(20, 'must be 20 characters or more: it is what stored logins are encrypted with').max(1024).transform((text) => new Secret(text)).optional().describe('Key for what is stored encrypted, instead of the file key in the data folder; best given as TONEARM_CONFIG_STORE_SECRET_FILE or !secret'),
  previousSecret: z.string().min(1).max(1024).transform((text) => new Secret(text)).optional().describe('The secret before this one: with both, everything is encrypted anew at the next start'),
});

export const BrokerSettings = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Start the built-in MQTT broker when no broker is configured under mqtt'),
    port: z.int().min(0).max(65_535).default(1883).describe('The next free port is taken when it is in use'),
    address: z.string().refine((text) => isIP(text) !== 0, 'must be an IPv4 or IPv6 address').default('127.0.0.1').describe('Address it listens on: this machine only, unless told; 0.0.0.0 for the whole network, which needs user name and password'),
    username: z.string().min(1).max(1024).optional().describe('User name clients must know'),
    password: z.string().min(1).max(1024).transform((text) => new Secret(text)).optional().describe('Password clients must know'),
  })
  .refine(({ username, password }) => (username === undefined) === (password === undefined), { path: ['password'], error: 'must be set together with the user name, or not at all' })
  .refine(({ address, username }) => username !== undefined || /^(127\.|::1$)/.test(address), { path: ['password'], error: 'must be set, with a user name, when others can reach the broker' });

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

/** Settings before those of automations, in the order of the documentation. */
export const settingsBefore = {
  version: z.literal(1).default(1).describe('Of this file\'s form'),
  zones: z.array(ZoneSettings).min(1).max(32).default(() => [ZoneSettings.parse({ name: 'Tonearm' })]).describe('The speakers. Each is its own player with its own name'),
  presets: z.array(PresetSettings).max(500).default([]).describe('Named wishes: what to play and how loud, for buttons, automations and voice'),
  sounds: SoundsSettings.prefault({}).describe('Sound files that may be played and may wake you'),
  mqtt: MqttSettings.optional().describe('Your MQTT broker. Without it a small built-in one is started on this machine'),
  broker: BrokerSettings.prefault({}).describe('The built-in broker'),
};

export const settingsAfter = {
  discovery: DiscoverySettings.prefault({}).describe('Where on the network Tonearm is visible'),
  network: NetworkSettings.prefault({}).describe('How Spotify is reached'),
  accounts: AccountsSettings.prefault({}).describe('Who may play, and who is remembered'),
  login: LoginPageSettings.optional().describe('A page in the browser for logging in without a phone. Without this section there is none; an empty one opens it on this machine'),
  http: HttpSettings.prefault({}).describe('The API for programs: requests and a socket'),
  store: StoreSettings.prefault({}).describe('How stored logins are encrypted'),
  log: LogSettings.prefault({}).describe('What Tonearm says while it runs'),
  data: z.string().min(1).optional().describe('Folder for what is kept; default $XDG_DATA_HOME/tonearm or ~/.local/share/tonearm. Relative to this file'),
  cloud: CloudSettings.optional().describe('Another cloud than the real one: for the simulator'),
};

/** A file without automations, as most are: what these may be takes two megabytes to know. The whole is in `whole-settings.ts`. */
export const PlainSettings = z.strictObject({ ...settingsBefore, ...settingsAfter });
export type PlainSettings = z.output<typeof PlainSettings>;
