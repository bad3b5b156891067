import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import mqtt, { type MqttClient } from 'mqtt';
import { Scope } from '#foundation';
import { openCloud, type Cloud, type CloudOptions, type Phone } from '#simulator';
import { Ear, makeFifo } from '../../src/demo/ear.ts';

/** Another build than `dist/` can be tested too. Also right for what is bundled into a folder as deep below the repository as this one. */
export const program = join(process.env['TONEARM_DIST'] ?? fileURLToPath(new URL('../../dist', import.meta.url)), 'main.js');

/** Node.js is given what `npm start` gives it. */
function startWords(): { readonly flags: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly scripts: { readonly start: string } };
  const words = scripts.start.split(' ');
  return { flags: words.filter((word) => word.startsWith('--')), env: Object.fromEntries(words.filter((word) => /^[A-Z_]+=/.test(word)).map((word) => word.split('=') as [string, string])) };
}

export interface HouseOptions {
  readonly cloud: CloudOptions;
  readonly zone?: Readonly<Record<string, unknown>>;
  /** Listen to what is played; without it the sound goes nowhere, in real time. */
  readonly isHeard?: boolean;
  /** `fast`: the ear takes samples as quickly as they come. */
  readonly earSpeed?: 'real' | 'fast';
  readonly logLevel?: string;
  readonly mqtt?: Readonly<Record<string, unknown>>;
  /** Added to the daemon's environment. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The built daemon in a process of its own, a cloud, a phone, and an ear on the wire. */
export interface House extends AsyncDisposable {
  readonly cloud: Cloud;
  readonly phone: Phone;
  readonly ear: Ear;
  readonly folder: string;
  readonly daemon: Daemon;
  readonly mqtt: MqttClient;
  /** Newest payload of each retained or passing topic. */
  readonly topics: ReadonlyMap<string, string>;
  /** The zone's state on MQTT. */
  readonly mirror: Readonly<Record<string, unknown>>;
  restart(): Promise<void>;
}

export interface Daemon extends AsyncDisposable {
  readonly pid: number;
  /** `performance.now()` when its process was started. */
  readonly startedAt: number;
  /** Everything it has said so far. */
  readonly output: string;
  readonly mqttUrl: string;
  readonly pairingUrl: string;
  /** Ends with this exit code. */
  readonly exit: Promise<number | null>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Polls until `test` gives something: real processes have no clock of ours. */
export async function until<T>(what: string, test: () => T | null | undefined | false, limit = 30_000): Promise<T> {
  const end = performance.now() + limit;
  for (;;) {
    const value = test();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`It never came true that ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function startDaemon(config: string, extra: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Daemon> {
  if (!existsSync(program)) throw new Error('The daemon is not built: run “npm test”, or “node scripts/build.mjs” first.');
  const startedAt = performance.now();
  const start = startWords();
  const child: ChildProcess = spawn(process.execPath, [...start.flags, program, '--config', config, ...extra], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...start.env, ...env } });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  let code: number | null | undefined;
  void exit.then((value) => (code = value));
  try {
    await until('the daemon is ready', () => output.includes('is ready') || code !== undefined);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`The daemon did not become ready. It said:\n${output}`, { cause: error });
  }
  if (code !== undefined) throw new Error(`The daemon ended with ${code}:\n${output}`);
  const port = /pairing port (\d+)/.exec(output)?.[1] ?? '0';
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (code === undefined) child.kill(signal);
    return await exit;
  };
  return {
    pid: child.pid ?? 0,
    startedAt,
    get output() {
      return output;
    },
    mqttUrl: /MQTT: (\S+?)[ ;]/.exec(output)?.[1] ?? '',
    pairingUrl: `http://127.0.0.1:${port}/zc`,
    exit,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

export async function openHouse({ cloud: cloudOptions, zone = {}, isHeard = false, earSpeed = 'real', logLevel = 'debug', mqtt: broker, env }: HouseOptions): Promise<House> {
  const scope = new Scope();
  try {
    const folder = await mkdtemp(join(tmpdir(), 'tonearm-house-'));
    scope.defer(() => rm(folder, { recursive: true, force: true }));
    const cloud = scope.use(await openCloud(cloudOptions));
    const fifo = join(folder, 'sound');
    await makeFifo(fifo);
    await mkdir(join(folder, 'data'));
    const config = join(folder, 'configuration.yaml');
    const name = `House ${process.pid}`;
    await writeFile(
      config,
      JSON.stringify({
        version: 1,
        zones: [{ name, id: 'house', output: isHeard ? { kind: 'pipe', path: fifo } : { kind: 'null' }, volume: { initial: 100 }, ...zone }],
        discovery: { interfaces: ['lo'] },
        broker: { port: 0 },
        log: { level: logLevel },
        data: './data',
        cloud: cloud.endpoints,
        ...(broker && { mqtt: broker }),
      }),
    );
    let daemon = await startDaemon(config, [], env);
    scope.defer(() => daemon[Symbol.asyncDispose]());
    const ear = scope.use(new Ear(fifo, earSpeed));
    const topics = new Map<string, string>();
    const connect = async () => {
      const client = await mqtt.connectAsync(daemon.mqttUrl, { protocolVersion: 4, reconnectPeriod: 0 });
      client.on('message', (topic, payload) => topics.set(topic, payload.toString()));
      await client.subscribeAsync('#', { qos: 1 });
      return client;
    };
    let client = await connect();
    scope.defer(() => client.endAsync(true));
    const phone = scope.use(await cloud.openPhone({ name: 'Phone' }));
    return {
      cloud,
      phone,
      ear,
      folder,
      get daemon() {
        return daemon;
      },
      get mqtt() {
        return client;
      },
      topics,
      get mirror() {
        return JSON.parse(topics.get('tonearm/house') ?? '{}') as Record<string, unknown>;
      },
      async restart() {
        await client.endAsync(true);
        await daemon.stop();
        topics.clear();
        daemon = await startDaemon(config, [], env);
        client = await connect();
      },
      [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
    };
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

/** Pairs over the pairing port and waits until the speaker is in the phone's list. */
export async function pair({ phone, daemon }: Pick<House, 'phone' | 'daemon'>): Promise<void> {
  const outcome = await phone.pair(daemon.pairingUrl);
  if (!outcome.isOk) throw new Error(`Pairing failed: ${JSON.stringify(outcome)}`);
  await until('the phone lists the speaker', () => phone.devices.size > 0);
}

/** Every file below a folder, as bytes. */
export async function readAll(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // A daemon that writes replaces its files: one that is gone was half of such a step.
    const bytes = await readFile(path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    });
    if (bytes) files.set(path, bytes);
  }
  return files;
}

/** Command lines of every process on this machine that may be read. */
export function commandLines(): string {
  return execFileSync('sh', ['-c', 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "; true'], { maxBuffer: 64 * 1024 * 1024 }).toString();
}
