import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Scope } from '#foundation';
import { Machine, Running } from '../lan.ts';
import { freePort } from '../mqtt-peers.ts';
import { Client } from './client.ts';
import { type Installation } from './install.ts';
import { launch } from './python.ts';

const relay = fileURLToPath(new URL('../lan-relay.mjs', import.meta.url));

export interface HomeAssistantOptions {
  readonly installation: Installation;
  /** Ports of our loopback that it may reach on its own. */
  readonly reach: readonly number[];
  /** What its configuration has beside the least there must be, as YAML. */
  readonly configuration?: string;
  /** Further files of its configuration folder. */
  readonly files?: Readonly<Record<string, string>>;
  /** Folders to copy into its configuration folder. */
  readonly folders?: Readonly<Record<string, string>>;
  /** Its address in a network with nobody else in it, beside loopback. */
  readonly address?: string;
}

export interface LogLine {
  readonly level: string;
  readonly logger: string;
  readonly text: string;
}

/** A real Home Assistant on a network of its own that has nothing but loopback, with the ports it may reach led in. */
export class HomeAssistant implements AsyncDisposable {
  readonly folder: string;
  readonly client: Client;
  readonly #options: HomeAssistantOptions;
  /** Where it runs. */
  readonly machine: Machine;
  readonly #scope: Scope;
  #running: Running | null = null;
  #said = '';

  private constructor(options: HomeAssistantOptions, folder: string, machine: Machine, client: Client, scope: Scope) {
    this.#options = options;
    this.folder = folder;
    this.machine = machine;
    this.client = client;
    this.#scope = scope;
  }

  static async open(options: HomeAssistantOptions): Promise<HomeAssistant> {
    const scope = new Scope();
    try {
      const folder = await mkdtemp(join(tmpdir(), 'tonearm-home-assistant-'));
      scope.defer(() => rm(folder, { recursive: true, force: true }));
      const machine = scope.use(await Machine.open());
      if (options.address !== undefined) {
        await machine.ip('link add lan0 type veth peer name far0');
        await machine.ip(`address add ${options.address}/24 dev lan0`);
        for (const link of ['lan0', 'far0']) await machine.ip(`link set ${link} up`);
        await machine.ip('route add default dev lan0');
      }
      const port = await freePort();
      await connectPorts(machine, folder, options.reach, port, scope);
      const client = scope.use(new Client(`http://127.0.0.1:${port}`));
      const self = new HomeAssistant(options, folder, machine, client, scope);
      await self.#write(port);
      await self.start();
      await client.signUp();
      return self;
    } catch (error) {
      await scope[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Everything it said at this level or above, by loggers that begin so. */
  complaints(...loggers: readonly string[]): readonly LogLine[] {
    return parseLog(this.log).filter(({ level, logger }) => /^(WARNING|ERROR|CRITICAL)$/.test(level) && loggers.some((name) => logger === name || logger.startsWith(`${name}.`)));
  }

  get log(): string {
    return this.#said + (this.#running?.output ?? '');
  }

  async start(): Promise<void> {
    const { python, folder } = this.#options.installation;
    const [file, args] = launch(python, join(folder, 'bin', 'python'), ['-m', 'homeassistant', '--config', join(this.folder, 'config'), '--skip-pip', '--log-no-color']);
    this.#running = this.machine.start(file, args, { HOME: this.folder });
    await this.client.reachable(this.#running);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const running = this.#running;
    this.#running = null;
    this.client.hangUp();
    if (!running) return;
    // It waits long for services of the internet that are not there.
    const patience = setTimeout(() => running.child.kill('SIGKILL'), 5000);
    await running.stop(signal);
    clearTimeout(patience);
    this.#said += running.output;
  }

  /** Holds it still while `work` goes on, as a machine does that has too much to do; then it hears everything in one breath. */
  async held<T>(work: () => Promise<T>): Promise<T> {
    this.#running?.child.kill('SIGSTOP');
    try {
      return await work();
    } finally {
      this.#running?.child.kill('SIGCONT');
    }
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
    await this.client.connect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
    await this.#scope[Symbol.asyncDispose]();
  }

  async #write(port: number): Promise<void> {
    const config = join(this.folder, 'config');
    for (const name of ['.storage', 'packages', 'media']) await mkdir(join(config, name), { recursive: true });
    const { configuration = '', files = {}, folders = {}, installation } = this.#options;
    const isOld = installation.release.version < '2026';
    const base = [
      // Tonearm reaches it on loopback only; in a container it would look for media elsewhere.
      `homeassistant: {internal_url: 'http://127.0.0.1:${port}', media_dirs: {local: ${join(config, 'media')}}, name: Home, time_zone: Europe/Berlin, latitude: 52.5, longitude: 13.4, country: DE, currency: EUR, unit_system: metric, packages: !include_dir_named packages}`,
      'logger: {default: warning, logs: {homeassistant.core: info, homeassistant.setup: info, homeassistant.components.mqtt: info}}',
      ...(isOld ? [`http: {server_host: 127.0.0.1, server_port: ${port}}`] : []),
      'config:',
    ];
    await writeFile(join(config, 'configuration.yaml'), `${base.join('\n')}\n${configuration}\n`);
    // Newer ones keep it here, and take what the YAML says only on trial.
    const stable = { server_port: port, server_host: ['127.0.0.1'], cors_allowed_origins: [], login_attempts_threshold: -1, ip_ban_enabled: true, ssl_profile: 'intermediate_v6', use_x_frame_options: true };
    if (!isOld) await writeFile(join(config, '.storage', 'http'), JSON.stringify({ version: 3, minor_version: 1, key: 'http', data: { stable: { ...stable, created_at: '2026-01-01T00:00:00+00:00', error: null, error_message: null }, pending: null, yaml_migration_done: true } }));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(config, path)), { recursive: true });
      await writeFile(join(config, path), text);
    }
    for (const [path, from] of Object.entries(folders)) await cp(from, join(config, path), { recursive: true });
  }
}

/** Leads ports of our loopback into that machine, and one of its own out. */
async function connectPorts(machine: Machine, folder: string, inward: readonly number[], outward: number, scope: Scope): Promise<void> {
  const path = (port: number) => join(folder, `port-${port}`);
  const here = (pairs: readonly string[]) => scope.use(new Running(spawn(process.execPath, [relay, ...pairs], { stdio: ['ignore', 'pipe', 'pipe'] })));
  const far = here(inward.map((port) => `${path(port)}=${port}`));
  await far.said('relaying');
  const inside = machine.start(process.execPath, [relay, ...inward.map((port) => `${port}=${path(port)}`), `${path(outward)}=${outward}`]);
  await inside.said('relaying');
  const near = here([`${outward}=${path(outward)}`]);
  await near.said('relaying');
}

/** Its log lines: `2026-11-22 03:31:37.252 WARNING (MainThread) [homeassistant.bootstrap] text`. */
export function parseLog(log: string): readonly LogLine[] {
  return log.split('\n').flatMap((line) => {
    const [, level, logger, text] = /^\S+ \S+ ([A-Z]+) \([^)]*\) \[([^\]]+)\] (.*)$/.exec(line) ?? [];
    return level === undefined || logger === undefined || text === undefined ? [] : [{ level, logger, text }];
  });
}
