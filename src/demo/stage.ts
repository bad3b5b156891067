import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '#config';
import { Scope } from '#foundation';
import { openHost } from '#host';
import { demoCatalogue, openCloud, type Cloud, type Phone } from '#simulator';
import { openTonearm, type Tonearm } from '../tonearm.ts';

export interface StageOptions {
  /** Folder of the rendered music. */
  readonly music: string;
  /** As in the configuration file. */
  readonly output: Readonly<Record<string, unknown>>;
  readonly version: string;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  readonly write: (line: string) => void;
}

/** Cloud, speaker and phone in one process, on loopback, in a folder that goes when they do. */
export interface DemoStage extends AsyncDisposable {
  readonly cloud: Cloud;
  readonly tonearm: Tonearm;
  readonly phone: Phone;
  /** Everything there is to play. */
  readonly playlist: string;
  /** A private folder for as long as the stage is open. */
  readonly folder: string;
}

export const speakerName = 'Demo kitchen';

export async function openDemoStage({ music, output, version, logLevel, write }: StageOptions, folderWith?: (folder: string) => Promise<Readonly<Record<string, unknown>>>): Promise<DemoStage> {
  const scope = new Scope();
  try {
    const folder = await mkdtemp(join(tmpdir(), 'tonearm-demo-'));
    scope.defer(() => rm(folder, { recursive: true, force: true }));
    const cloud = scope.use(await openCloud({ catalogue: await demoCatalogue(music), users: [{ name: 'demo' }] }));
    const path = join(folder, 'configuration.yaml');
    const settings = {
      version: 1,
      zones: [{ name: speakerName, id: 'kitchen', output: folderWith ? await folderWith(folder) : output, volume: { initial: 100 } }],
      // Only this machine may see the demo.
      discovery: { interfaces: ['lo'] },
      log: { level: logLevel },
      data: './data',
      cloud: cloud.endpoints,
    };
    // JSON is YAML, too.
    await writeFile(path, JSON.stringify(settings, null, 2));
    const { config } = await loadConfig({ path, environment: {}, defaultData: join(folder, 'data') });
    const host = scope.use(await openHost(config, { version, write }));
    const tonearm = scope.use(await openTonearm(config, host));
    const phone = scope.use(await cloud.openPhone({ name: 'Phone' }));
    return { cloud, tonearm, phone, playlist: cloud.contexts.everything, folder, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}
