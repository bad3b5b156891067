import { Bonjour, type Service } from 'bonjour-service';
import { openCloud } from '#simulator';
import { makeTunes } from '../scenario/tunes.ts';
import { answerRequests } from './far-answers.ts';

/** What the process with the cloud, the phone and a second mDNS browser can be asked. Plain data goes in and out. */
export type PhoneRequests = typeof requests;

export interface SeenService {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly string[];
  readonly txt: Readonly<Record<string, string>>;
}

interface DnsRecord {
  readonly name: string;
  readonly type: string;
  readonly ttl?: number;
  readonly data?: unknown;
}

/** An mDNS answer: when it came (ms since 1970), and its records. */
export interface SeenAnswer {
  readonly at: number;
  readonly records: readonly { readonly type: string; readonly name: string; readonly ttl: number; readonly data: string }[];
}

const cloud = await openCloud({ catalogue: (await makeTunes([5])).map(({ entry }) => entry) });
const phone = await cloud.openPhone({ name: 'Phone' });

const options: object = { bind: '0.0.0.0' };
const bonjour = new Bonjour(options);
const { mdns } = (bonjour as unknown as { server: { mdns: { on(name: 'response', listener: (packet: { answers: DnsRecord[]; additionals?: DnsRecord[] }) => void): void } } }).server;
const answers: SeenAnswer[] = [];
mdns.on('response', (packet) => {
  const records = [...packet.answers, ...(packet.additionals ?? [])].map(({ name, type, ttl = 0, data }) => ({ name, type, ttl, data: typeof data === 'string' ? data : JSON.stringify(data) }));
  answers.push({ at: performance.timeOrigin + performance.now(), records });
});
const browser = bonjour.find({ type: 'spotify-connect' });
const gone: string[] = [];
browser.on('down', ({ name }: Service) => gone.push(name));

const requests = {
  cloud: async () => ({ endpoints: cloud.endpoints, ports: [cloud.ports.plain, ...cloud.ports.accessPoint] }),
  /** What bonjour-service's browser lists; asks the network again. */
  services: async (): Promise<SeenService[]> => {
    browser.update();
    return browser.services.map(({ name, host, port, addresses = [], txt }) => ({ name, host, port, addresses, txt: { ...(txt as Record<string, string>) } }));
  },
  gone: async () => gone,
  answers: async () => answers,
  discover: async (name: string) => phone.discover({ name, signal: AbortSignal.timeout(10_000) }),
  /** What a phone that has just been switched on finds and greets within 2 s each; without `url`: nothing, and why. */
  find: async (name: string) => {
    try {
      const { url } = await phone.discover({ name, signal: AbortSignal.timeout(2000) });
      return { url, deviceId: (await phone.info(url, AbortSignal.timeout(2000))).deviceId, why: '' };
    } catch (error) {
      return { url: '', deviceId: '', why: String(error) };
    }
  },
  info: async (url: string) => phone.info(url, AbortSignal.timeout(5000)),
  pair: async (url: string) => phone.pair(url, { signal: AbortSignal.timeout(10_000) }),
  play: async (deviceId: string) => {
    await phone.until(({ device }) => deviceId in device, AbortSignal.timeout(10_000));
    await phone.play(cloud.contexts.everything, { on: deviceId });
    const cluster = await phone.until(({ activeDeviceId, playerState }) => activeDeviceId === deviceId && playerState?.isPlaying === true, AbortSignal.timeout(10_000));
    await phone.pause(deviceId);
    return { device: cluster.device[deviceId]?.name, isPlaying: cluster.playerState?.isPlaying, refusals: [...cloud.refusals] };
  },
};

answerRequests(requests, 'phone is here');
