import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '#foundation';
import { openCloud, type CatalogueEntry, type Cloud, type Phone } from '#simulator';
import { startDaemon, until, type Daemon } from '../../scenario/house.ts';
import { makeTunes } from '../../scenario/tunes.ts';
import { Listener, Mosquitto } from '../mqtt-peers.ts';
import type { Installation } from './install.ts';
import { HomeAssistant, type HomeAssistantOptions } from './process.ts';

export interface HomeOptions extends Pick<HomeAssistantOptions, 'configuration' | 'files' | 'folders' | 'address'> {
  /** Ports of ours that Home Assistant may reach, besides those of the broker and the cloud. */
  readonly reach?: readonly number[];
  readonly installation: Installation;
  /** Settings of the daemon beside the usual ones. */
  readonly settings?: (cloud: Cloud) => Readonly<Record<string, unknown>>;
  readonly zones?: readonly Zone[];
}

export interface Zone {
  readonly id: string;
  readonly name: string;
}

/** Home Assistant, a broker, the built daemon, and the cloud it plays from. */
export interface Home extends AsyncDisposable {
  readonly homeAssistant: HomeAssistant;
  readonly broker: Mosquitto;
  /** Hears everything on the broker; a new one after `rehear`. */
  readonly listener: Listener;
  readonly cloud: Cloud;
  readonly phone: Phone;
  readonly daemon: Daemon;
  rehear(): Promise<void>;
  /** Ends the daemon and starts it again, with other zones if there are any. */
  restartDaemon(options?: { readonly zones?: readonly Zone[]; readonly signal?: NodeJS.Signals; readonly between?: () => Promise<void> }): Promise<void>;
  /** Logs a person in at every zone. */
  pairAll(): Promise<void>;
}

export const zones: readonly Zone[] = [{ id: 'kitchen', name: 'Kitchen' }, { id: 'living_room', name: 'Living room' }];

/** A small square: what Spotify's covers are, the simulator's own are not, is JPEG. */
export const cover = Buffer.from(
  '/9j/4AAQSkZJRgABAgAAAQABAAD//gAQTGF2YzU5LjM3LjEwMAD/2wBDAAgoKC8oLzc3Nzc3N0E8QUNDQ0FBQUFDQ0NISEhVVVVISEhDQ0hIUFBVVVxfXFdXVVdfX2RkZHh4c3OMjJGsrM//xABMAAEBAAAAAAAAAAAAAAAAAAAABgEBAQAAAAAAAAAAAAAAAAAABQcQAQAAAAAAAAAAAAAAAAAAAAARAQAAAAAAAAAAAAAAAAAAAAD/wAARCAAQABADASIAAhEAAxEA/9oADAMBAAIRAxEAPwCZALJ+/9k=',
  'base64',
);

/** One sound under several titles: what it sounds like is heard elsewhere. */
async function catalogue(): Promise<readonly CatalogueEntry[]> {
  // Longer than any test takes: music that ends by itself is nothing that a button has done.
  const [tune] = await makeTunes([120]);
  if (!tune) throw new Error('There is no tune.');
  return ['One', 'Two', 'Three', 'Four'].map((title, n) => ({ ...tune.entry, title: `Tune ${title}`, number: n + 1, cover }));
}

export async function openHome({ installation, settings = () => ({}), zones: first = zones, reach = [], ...options }: HomeOptions): Promise<Home> {
  const scope = new Scope();
  try {
    const folder = await mkdtemp(join(tmpdir(), 'tonearm-home-'));
    scope.defer(() => rm(folder, { recursive: true, force: true }));
    const broker = scope.use(await Mosquitto.open());
    const cloud = scope.use(await openCloud({ catalogue: await catalogue() }));
    const phone = scope.use(await cloud.openPhone({ name: 'Phone' }));
    await mkdir(join(folder, 'data'));
    const config = join(folder, 'configuration.yaml');
    const write = (list: readonly Zone[]) =>
      writeFile(
        config,
        JSON.stringify({
          version: 1,
          zones: list.map((zone) => ({ ...zone, output: { kind: 'null' }, volume: { initial: 40 } })),
          discovery: { interfaces: ['lo'] },
          mqtt: { url: broker.url, ...(installation.release.minimum !== undefined && { discovery: { minimum: installation.release.minimum } }) },
          http: { enabled: false },
          log: { level: 'debug' },
          data: './data',
          cloud: cloud.endpoints,
          ...settings(cloud),
        }),
      );
    await write(first);
    let daemon = await startDaemon(config);
    scope.defer(() => daemon[Symbol.asyncDispose]());
    let listener = await Listener.open(broker.url);
    scope.defer(() => listener[Symbol.asyncDispose]());
    const homeAssistant = scope.use(await HomeAssistant.open({ installation, reach: [broker.port, cloud.ports.plain, ...reach], ...options }));
    await homeAssistant.client.addMqtt(broker.port);
    return {
      homeAssistant,
      broker,
      cloud,
      phone,
      get listener() {
        return listener;
      },
      get daemon() {
        return daemon;
      },
      async rehear() {
        await listener[Symbol.asyncDispose]();
        listener = await Listener.open(broker.url);
      },
      async restartDaemon({ zones: list, signal = 'SIGTERM', between } = {}) {
        await daemon.stop(signal);
        await between?.();
        if (list) await write(list);
        daemon = await startDaemon(config);
      },
      async pairAll() {
        const ports = [...daemon.output.matchAll(/pairing port (\d+)/g)].map(([, port]) => port);
        for (const port of ports) {
          const outcome = await phone.pair(`http://127.0.0.1:${port ?? ''}/zc`);
          if (!outcome.isOk) throw new Error(`Pairing failed: ${JSON.stringify(outcome)}`);
        }
        await until('the phone lists every zone', () => phone.devices.size >= ports.length);
      },
      [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
    };
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}
