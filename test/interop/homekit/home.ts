import { createRequire } from 'node:module';
import type { API } from 'homebridge';
import { openCloud } from '#simulator';
import { makeTunes } from '../../scenario/tunes.ts';
import { answerRequests } from '../far-answers.ts';

/** In the process beside Homebridge: Spotify's side with a phone, and Apple's side: a HomeKit controller. Plain data goes in and out. */
export type HomeRequests = typeof requests;

/** Where a value is: `Television.Active`, `InputSource/Jazz.ConfiguredName`. */
type Path = string;

interface HapCharacteristic {
  readonly iid: number;
  readonly type: string;
  readonly value?: unknown;
  readonly perms: readonly string[];
}
interface HapAccessory {
  readonly aid: number;
  readonly services: readonly { readonly type: string; readonly characteristics: readonly HapCharacteristic[] }[];
}
interface HttpClient {
  pairSetup(pin: string): Promise<void>;
  getLongTermData(): unknown;
  getAccessories(): Promise<{ accessories: readonly HapAccessory[] }>;
  getCharacteristics(ids: readonly string[]): Promise<{ characteristics: readonly { value?: unknown; status?: number }[] }>;
  setCharacteristics(values: Readonly<Record<string, unknown>>): Promise<{ characteristics?: readonly { status?: number }[] } | undefined>;
  subscribeCharacteristics(ids: readonly string[]): Promise<unknown>;
  on(name: 'event', listener: (event: { characteristics: readonly { aid: number; iid: number; value: unknown }[] }) => void): void;
  on(name: 'event-disconnect', listener: (ids: readonly string[]) => void): void;
  close(): Promise<void>;
}
interface Service {
  readonly name: string;
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly ci: number;
}
interface Controller {
  readonly HttpClient: new (id: string, address: string, port: number, pairing?: unknown, options?: { readonly usePersistentConnections: boolean }) => HttpClient;
  readonly IPDiscovery: new (iface?: string) => { on(name: 'serviceUp', listener: (service: Service) => void): void; start(): void; stop(): void };
}

const [controllerFolder = '', hapFolder = ''] = process.argv.slice(2);
const { HttpClient, IPDiscovery } = createRequire(`${controllerFolder}/package.json`)('hap-controller') as Controller;
const { Service: Services, Characteristic: Characteristics } = createRequire(`${hapFolder}/package.json`)('hap-nodejs') as API['hap'];

const short = (uuid: string) => uuid.toUpperCase().replace(/-0000-1000-8000-0026BB765291$/, '').replace(/^0+/, '');
const names = (from: object) => new Map(Object.entries(from as Record<string, { UUID?: string }>).flatMap(([name, { UUID } = {}]) => (UUID === undefined ? [] : [[short(UUID), name] as const])));
const serviceNames = names(Services);
const characteristicNames = names(Characteristics);

const cloud = await openCloud({ catalogue: (await makeTunes([40, 40])).map(({ entry }) => entry) });
const phone = await cloud.openPhone({ name: 'Phone' });

/** A home's accessory after pairing: where each value is, and what was told. */
class Paired {
  readonly #id: string;
  readonly #address: string;
  readonly #port: number;
  readonly #pairing: unknown;
  #client: HttpClient;
  readonly ids = new Map<Path, string>();
  readonly perms = new Map<Path, readonly string[]>();
  readonly told: { readonly path: Path; readonly value: unknown; readonly at: number }[] = [];
  subscribed: readonly Path[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(id: string, address: string, port: number, client: HttpClient) {
    this.#id = id;
    this.#address = address;
    this.#port = port;
    this.#pairing = client.getLongTermData();
    this.#client = client;
    this.#listen();
  }

  /** After Homebridge was started again: the pairing holds, the connection does not. */
  async reconnect(): Promise<void> {
    await this.#client.close().catch(() => undefined);
    this.#client = new HttpClient(this.#id, this.#address, this.#port, this.#pairing, { usePersistentConnections: true });
    this.#listen();
    await this.list();
    if (this.subscribed.length > 0) await this.subscribe(this.subscribed);
  }

  async list(): Promise<readonly Path[]> {
    const { accessories } = await this.#client.getAccessories();
    this.ids.clear();
    for (const { aid, services } of accessories) {
      const information = services.find(({ type }) => serviceNames.get(short(type)) === 'AccessoryInformation');
      const owner = accessories.length > 1 ? `${String(information?.characteristics.find(({ type }) => characteristicNames.get(short(type)) === 'Name')?.value)}:` : '';
      for (const { type, characteristics } of services) {
        const service = serviceNames.get(short(type)) ?? type;
        const called = service === 'InputSource' ? `/${String(characteristics.find((one) => characteristicNames.get(short(one.type)) === 'Name')?.value)}` : '';
        for (const { iid, type: kind, perms } of characteristics) {
          const path = `${owner}${service}${called}.${characteristicNames.get(short(kind)) ?? kind}`;
          this.ids.set(path, `${aid}.${iid}`);
          this.perms.set(path, perms);
        }
      }
    }
    return [...this.ids.keys()];
  }

  async read(path: Path): Promise<{ readonly value: unknown; readonly status: number }> {
    const { characteristics } = await this.#client.getCharacteristics([this.#idOf(path)]);
    return { value: characteristics[0]?.value ?? null, status: characteristics[0]?.status ?? 0 };
  }

  async write(values: Readonly<Record<Path, unknown>>): Promise<readonly number[]> {
    const answer = await this.#client.setCharacteristics(Object.fromEntries(Object.entries(values).map(([path, value]) => [this.#idOf(path), value])));
    return (answer?.characteristics ?? []).map(({ status = 0 }) => status);
  }

  async subscribe(paths: readonly Path[]): Promise<void> {
    this.subscribed = paths;
    await this.#client.subscribeCharacteristics(paths.map((path) => this.#idOf(path)));
  }

  /** Resolves with when (performance.now) the value was told. */
  until(path: Path, value: unknown, from: number, limit = 20_000): Promise<number> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.told.find((one) => one.path === path && one.at >= from && (one.value === value || Number(one.value) === Number(value)));
        if (!found) return;
        end();
        resolve(found.at);
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`HomeKit was never told that ${path} is ${String(value)}; it was told ${JSON.stringify(this.told.filter(({ at }) => at >= from))}`));
      }, limit);
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #idOf(path: Path): string {
    const id = this.ids.get(path);
    if (id === undefined) throw new Error(`There is no ${path}; there are ${[...this.ids.keys()].join(', ')}`);
    return id;
  }

  #listen(): void {
    this.#client.on('event', ({ characteristics }) => {
      const at = performance.now();
      for (const { aid, iid, value } of characteristics) {
        const path = [...this.ids].find(([, id]) => id === `${aid}.${iid}`)?.[0] ?? `${aid}.${iid}`;
        this.told.push({ path, value, at });
      }
      for (const look of [...this.#waiting]) look();
    });
    this.#client.on('event-disconnect', () => undefined);
  }
}

const paired = new Map<string, Paired>();
const accessory = (name: string): Paired => {
  const found = paired.get(name);
  if (!found) throw new Error(`${name} is not paired.`);
  return found;
};
const phoneDoes = {
  play: () => phone.play(cloud.contexts.everything),
  pause: () => phone.pause(),
  resume: () => phone.resume(),
  next: () => phone.next(),
};

/** The phone's view of the speaker, once `test` accepts it: when that was. */
function seen(what: 'playing' | 'paused' | 'none' | 'track', from: string | null, limit = 20_000): Promise<number> {
  const test = () => {
    const state = phone.cluster.playerState;
    if (what === 'none') return phone.cluster.activeDeviceId === '' || !state?.isPlaying;
    if (what === 'track') return state?.track?.uri !== undefined && state.track.uri !== from;
    return state?.isPlaying === true && state.isPaused === (what === 'paused');
  };
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      handle[Symbol.dispose]();
      reject(new Error(`The phone never saw that it is ${what}: ${JSON.stringify(phone.cluster.playerState?.isPlaying)}/${JSON.stringify(phone.cluster.playerState?.isPaused)}`));
    }, limit);
    const look = () => {
      if (!test()) return;
      clearTimeout(timer);
      handle[Symbol.dispose]();
      resolve(performance.now());
    };
    const handle = phone.events.on('cluster', look);
    look();
  });
}

const requests = {
  cloud: async () => ({ endpoints: cloud.endpoints, context: cloud.contexts.everything }),
  pairPhone: async (url: string) => {
    const outcome = await phone.pair(url);
    for (let tries = 0; phone.devices.size === 0 && tries < 200; tries++) await new Promise((resolve) => setTimeout(resolve, 50));
    return outcome.isOk && phone.devices.size > 0;
  },
  phone: async (does: keyof typeof phoneDoes) => {
    await phoneDoes[does]();
  },
  seen: async (what: 'playing' | 'paused' | 'none') => {
    await seen(what, null);
  },
  /** What a HomeKit controller finds by mDNS. */
  discover: async (milliseconds: number) => {
    const discovery = new IPDiscovery();
    const found: { readonly name: string; readonly id: string; readonly port: number; readonly category: number }[] = [];
    discovery.on('serviceUp', ({ name, id, port, ci }) => found.push({ name, id, port, category: ci }));
    discovery.start();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    discovery.stop();
    return found;
  },
  pairHome: async ({ name, id, port, pin }: { readonly name: string; readonly id: string; readonly port: number; readonly pin: string }) => {
    const client = new HttpClient(id, '127.0.0.1', port, undefined, { usePersistentConnections: true });
    await client.pairSetup(pin);
    const one = new Paired(id, '127.0.0.1', port, client);
    paired.set(name, one);
    return one.list();
  },
  reconnect: async (name: string) => accessory(name).reconnect(),
  list: async (name: string) => accessory(name).list(),
  perms: async (name: string) => Object.fromEntries(accessory(name).perms),
  read: async ({ name, path }: { readonly name: string; readonly path: Path }) => accessory(name).read(path),
  write: async ({ name, values }: { readonly name: string; readonly values: Readonly<Record<Path, unknown>> }) => accessory(name).write(values),
  subscribe: async ({ name, paths }: { readonly name: string; readonly paths: readonly Path[] }) => accessory(name).subscribe(paths),
  told: async (name: string) => accessory(name).told,
  /** A write in Home until the phone sees it. Milliseconds. */
  homeToPhone: async ({ name, path, value, sees }: { readonly name: string; readonly path: Path; readonly value: unknown; readonly sees: 'playing' | 'paused' | 'none' | 'track' }) => {
    const track = phone.cluster.playerState?.track?.uri ?? null;
    const from = performance.now();
    const [at] = await Promise.all([seen(sees, track), accessory(name).write({ [path]: value })]);
    return at - from;
  },
  /** Something on the phone until Home is told. Milliseconds. */
  phoneToHome: async ({ name, does, path, value }: { readonly name: string; readonly does: keyof typeof phoneDoes; readonly path: Path; readonly value: unknown }) => {
    const from = performance.now();
    const [at] = await Promise.all([accessory(name).until(path, value, from), phoneDoes[does]()]);
    return at - from;
  },
  /** One value until another is told, both in Home. Milliseconds. */
  homeToHome: async ({ name, write, path, value }: { readonly name: string; readonly write: Readonly<Record<Path, unknown>>; readonly path: Path; readonly value: unknown }) => {
    const from = performance.now();
    const [at] = await Promise.all([accessory(name).until(path, value, from), accessory(name).write(write)]);
    return at - from;
  },
};

answerRequests(requests, 'home is here');
