import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AskOf, startFar } from '../far-process.ts';
import type { Machine, Running } from '../lan.ts';
import type { HomeRequests } from './home.ts';
import type { Installed } from './peers.ts';

export const repository = fileURLToPath(new URL('../../..', import.meta.url));
/** Another build than `dist/` can be tested too. */
export const program = join(process.env['TONEARM_DIST'] ?? join(repository, 'dist'), 'main.js');
export const pin = '031-45-154';
const bridgeName = '0E:11:22:33:44:55';
const bridgePort = 51826;

/** Why this cannot be tested here; empty when it can. */
export function obstacle(): string {
  const has = (name: string) => ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].some((folder) => existsSync(join(folder, name)));
  const missing = ['ip', 'nsenter', 'unshare'].filter((name) => !has(name));
  if (missing.length > 0) return `${missing.join(', ')} not installed`;
  if (!existsSync(program) || !existsSync(join(repository, 'homebridge-plugin/dist/index.js'))) return 'not built: npm run build';
  try {
    execFileSync('unshare', ['--net', '--mount', 'sh', '-c', 'ip link add lan0 type veth peer name lan1 && mount -t tmpfs none /run'], { stdio: 'ignore' });
    return '';
  } catch {
    return 'no right to make a network of its own';
  }
}

/** Two ends of a cable on one machine: HomeKit's browsers do not look at loopback. */
export async function layCable(machine: Machine): Promise<void> {
  for (const line of ['link add lan0 type veth peer name lan1', 'link set lan0 up', 'link set lan1 up', 'address add 192.0.2.1/24 dev lan0', 'address add 192.0.2.2/24 dev lan1', 'route add 224.0.0.0/4 dev lan0']) await machine.ip(line);
}

export type Ask = AskOf<HomeRequests>;

/** Cloud, phone and HomeKit controller, in a process on that machine. */
export function startHome(machine: Machine, folder: string, controller: string): Promise<Ask> {
  return startFar<HomeRequests>(machine, folder, { source: new URL('home.ts', import.meta.url), ready: 'home is here', name: 'home', args: [controller, join(repository, 'node_modules/homebridge')] });
}

/** A folder with the configuration of a daemon, and a key for the plugin. */
export class Speaker {
  readonly config: string;
  readonly #machine: Machine;
  readonly #folder: string;
  running: Running | null = null;

  constructor(machine: Machine, folder: string) {
    this.#machine = machine;
    this.#folder = folder;
    this.config = join(folder, 'configuration.yaml');
  }

  async configure(settings: object): Promise<void> {
    await mkdir(join(this.#folder, 'data'), { recursive: true });
    await writeFile(this.config, JSON.stringify({ version: 1, discovery: { interfaces: ['lo'] }, broker: { enabled: false }, log: { level: 'info' }, data: './data', ...settings }));
  }

  async key(...words: readonly string[]): Promise<string> {
    return (await this.#machine.run(process.execPath, [program, 'keys', ...words, '--config', this.config])).trim();
  }

  async start(): Promise<Running> {
    this.running = this.#machine.start(process.execPath, [program, '--config', this.config]);
    await this.running.said('is ready', 60_000);
    return this.running;
  }

  async stop(): Promise<void> {
    await this.running?.stop();
  }
}

/** A Homebridge with our plugin and nothing else. */
export class Bridge {
  readonly storage: string;
  readonly #machine: Machine;
  readonly #peer: Installed;
  readonly #plugins: string;
  running: Running | null = null;

  constructor(machine: Machine, peer: Installed, plugins: string, storage: string) {
    this.#machine = machine;
    this.#peer = peer;
    this.#plugins = plugins;
    this.storage = storage;
  }

  async configure(platform: object): Promise<void> {
    await mkdir(this.storage, { recursive: true });
    await writeFile(
      join(this.storage, 'config.json'),
      JSON.stringify({ bridge: { name: 'Bridge', username: bridgeName, port: bridgePort, pin, advertiser: 'ciao' }, ports: { start: 52100, end: 52120 }, accessories: [], platforms: [{ platform: 'Tonearm', name: 'Tonearm', ...platform }] }),
    );
  }

  async start(): Promise<Running> {
    const { folder, node } = this.#peer;
    const bin = ['bin/homebridge.js', 'bin/homebridge'].map((name) => join(folder, 'node_modules/homebridge', name)).find((path) => existsSync(path)) ?? '';
    this.running = this.#machine.start(node, [bin, '-U', this.storage, '-P', this.#plugins, '--strict-plugin-resolution', '-T']);
    await this.running.said(/is running on port 51826/, 120_000);
    return this.running;
  }

  async stop(): Promise<void> {
    await this.running?.stop();
  }
}
