import { z } from 'zod';
import { Secret } from '#foundation';

/** Letters a topic level may have without surprising anyone; several levels are allowed. */
const TopicPrefix = z.string().regex(/^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/, 'Use letters, digits, "_", "-" and ".", with "/" between levels and none at the ends.');

/** Home Assistant's discovery. Harmless without Home Assistant: some retained messages below `prefix`. */
export const DiscoverySettings = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Announce every zone to Home Assistant'),
    prefix: TopicPrefix.default('homeassistant').describe("Home Assistant's discovery prefix"),
    entities: z.enum(['minimal', 'standard', 'full']).default('standard').describe('How many entities: minimal for play, volume and what is on; standard for all that most homes use; full with everything switched on'),
    minimum: z
      .string()
      .regex(/^20\d\d\.(1[0-2]|[1-9])$/, { error: 'Write it as 2024.11 or 2026.5.', abort: true })
      .optional()
      .describe('Oldest Home Assistant that listens, as 2025.1: kinds of entities it does not know are replaced by older ones; the newest when absent'),
    statusTopic: z.string().min(1).max(256).regex(/^[^+#\0]+$/).optional().describe('Where Home Assistant says online and offline; default <prefix>/status'),
  })
  .transform((settings) => ({ ...settings, statusTopic: settings.statusTopic ?? `${settings.prefix}/status` }));
export type DiscoverySettings = z.output<typeof DiscoverySettings>;

export const MqttSettings = z
  .strictObject({
    url: z
      .url({ protocol: /^(mqtts?|wss?)$/, error: 'Write the address of the broker as mqtt://host:1883, mqtts://host:8883, ws://host/path or wss://host/path.' })
      .refine((text) => !hasCredentials(text), 'Put user name and password under "username" and "password", not into the address: addresses are logged.')
      .describe('Address of the broker: mqtt://, mqtts://, ws:// or wss://'),
    username: z.string().max(65_535).optional().describe('User name at the broker'),
    password: z.string().max(65_535).transform((text) => new Secret(text)).optional().describe('Password at the broker'),
    prefix: TopicPrefix.default('tonearm').describe('First part of every topic'),
    clientId: z.string().min(1).max(128).optional().describe('Name of the connection at the broker; default tonearm_<instance>'),
    version: z.enum(['auto', '5', '3.1.1']).default('auto').describe('Protocol version; auto tries 5 first'),
    keepalive: z.int().min(5).max(3600).default(30).describe('Seconds between signs of life'),
    qos: z.union([z.literal(0), z.literal(1)]).default(1).describe('Highest quality of service used for publishing'),
    retain: z.boolean().default(true).describe('Set false only for brokers that forbid retained messages'),
    ca: z.string().optional().describe('Path of a PEM file with the certificate authority of the broker'),
    cert: z.string().optional().describe('Path of a PEM file with our certificate'),
    key: z.string().optional().describe('Path of a PEM file with the key of our certificate'),
    verify: z.boolean().default(true).describe('Check the certificate of the broker'),
    serverName: z.string().min(1).max(253).optional().describe('Name in the certificate of the broker, when it is not the one in its address (mqtts://)'),
    maxPacket: z.int().min(64 * 1024).max(268_435_455).optional().describe('Bytes: no larger message is sent, for a broker of MQTT 3.1.1 that throws out whoever does; one of MQTT 5 says so itself'),
    artwork: z.enum(['bytes', 'url', 'off']).default('bytes').describe('The cover in Home Assistant: bytes sends the picture itself, url where it is, off shows none'),
    queue: z.boolean().default(false).describe('Tell what comes next, below <zone>/queue'),
    logging: z.enum(['off', 'error', 'warn', 'info', 'debug']).default('off').describe('Say on bridge/logging what the log says, from this level on; without secrets'),
    discovery: DiscoverySettings.prefault({}),
  })
  .refine(({ prefix, discovery }) => !overlap(prefix, discovery.prefix), {
    path: ['discovery', 'prefix'],
    error: 'The discovery prefix and our own prefix must be different trees, or we would read our own messages.',
  })
  .refine(({ prefix, discovery }) => !overlap(prefix, discovery.statusTopic), {
    path: ['discovery', 'statusTopic'],
    error: 'The status topic of Home Assistant must lie outside our own prefix.',
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), { path: ['key'], error: 'A certificate and its key belong together: set both or none.' });
export type MqttSettings = z.output<typeof MqttSettings>;

/** `2026.5` as numbers; null for the newest. */
export function yearAndMonth(version: string | undefined): readonly [year: number, month: number] | null {
  const [year, month] = (version ?? '').split('.').map(Number);
  return year && month ? [year, month] : null;
}

function hasCredentials(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && (url.username !== '' || url.password !== '');
}

/** True when one is the other or lies below it. */
function overlap(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}
