import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Scope } from '#foundation';
import { until } from '../scenario/house.ts';

/** Another build than `dist/` can be tested too. */
const daemon = join(process.env['TONEARM_DIST'] ?? fileURLToPath(new URL('../../dist', import.meta.url)), 'main.js');
const relay = fileURLToPath(new URL('lan-relay.mjs', import.meta.url));

/** Why there can be no network of our own here; empty when there can. */
export function obstacle(): string {
  const has = (program: string) => ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].some((folder) => existsSync(join(folder, program)));
  const missing = ['avahi-daemon', 'avahi-browse', 'avahi-resolve', 'dbus-daemon', 'ip', 'nsenter', 'unshare'].filter((program) => !has(program));
  if (missing.length > 0) return `${missing.join(', ')} not installed`;
  if (!existsSync(daemon)) return 'not built: npm run build';
  try {
    execFileSync('unshare', ['--net', '--mount', 'sh', '-c', 'ip link add lan0 type veth peer name lan1 && ip link add docker0 type bridge && mount -t tmpfs none /run'], { stdio: 'ignore' });
    return '';
  } catch {
    return 'no right to make a network of its own';
  }
}

/** A program on a machine. What it says is kept. */
export class Running implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #ended: Promise<number | null>;
  output = '';

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.#ended = new Promise((resolve) => {
      child.once('close', resolve);
      child.once('error', (error) => {
        this.output += error.message;
        resolve(null);
      });
    });
  }

  async said(what: string | RegExp, limit = 15_000): Promise<void> {
    const { child } = this;
    await until(`“${String(what)}” is said`, () => {
      if (typeof what === 'string' ? this.output.includes(what) : what.test(this.output)) return true;
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`It ended (${child.exitCode ?? child.signalCode}) and only said:\n${this.output}`);
      return false;
    }, limit).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}\n${this.output}`);
    });
  }

  /** Asks it to end; resolves with its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
  }
}

/** Network and mounts of its own; both are gone when this process ends, however it ends. */
export class Machine implements AsyncDisposable {
  readonly pid: number;
  readonly #scope = new Scope();

  private constructor(holder: Running, pid: number) {
    this.pid = pid;
    this.#scope.use(holder);
  }

  static async open(): Promise<Machine> {
    // cat ends with its input, and its input with us.
    const holder = new Running(spawn('unshare', ['--net', '--mount', 'sh', '-c', 'mount -t sysfs none /sys && mount -t tmpfs none /run && mkdir /run/avahi-daemon && echo made && exec cat'], { stdio: ['pipe', 'pipe', 'pipe'] }));
    await holder.said('made');
    const { pid } = holder.child;
    if (pid === undefined || readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net')) throw new Error('It is not a network of its own.');
    const machine = new Machine(holder, pid);
    await machine.ip('link set lo up');
    return machine;
  }

  start(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const inside = ['--target', String(this.pid), '--net', '--mount', '--', file, ...args];
    return this.#scope.use(new Running(spawn('nsenter', inside, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { ...process.env, ...env } })));
  }

  async run(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const inside = ['--target', String(this.pid), '--net', '--mount', '--', file, ...args];
    return (await promisify(execFile)('nsenter', inside, { env: { ...process.env, ...env }, timeout: 30_000 })).stdout;
  }

  async ip(line: string): Promise<void> {
    await this.run('ip', line.split(' '));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }
}

/**
 * A speaker's machine and a phone's machine on one cable (`lan0`, 192.0.2.1 and .2, fd00:7::1 and ::2). The speaker's also has
 * what homes have: a bridge of containers and a tunnel.
 */
export async function openLan(): Promise<AsyncDisposable & { readonly speaker: Machine; readonly phone: Machine }> {
  const scope = new Scope();
  try {
    const speaker = scope.use(await Machine.open());
    const phone = scope.use(await Machine.open());
    await speaker.ip(`link add lan0 type veth peer name lan0 netns ${phone.pid}`);
    await speaker.ip('link add docker0 type bridge');
    await speaker.ip('link add veth1234 master docker0 type veth peer name inside');
    await speaker.ip('link add wg0 type veth peer name wgfar');
    await speaker.ip('address add 172.17.0.1/16 dev docker0');
    await speaker.ip('address add 10.8.0.2/24 dev wg0');
    for (const link of ['docker0', 'veth1234', 'inside', 'wg0', 'wgfar']) await speaker.ip(`link set ${link} up`);
    for (const [number, machine] of [speaker, phone].entries()) {
      await machine.ip('link set lan0 up');
      await machine.ip(`address add 192.0.2.${number + 1}/24 dev lan0`);
      await machine.ip(`address add fd00:7::${number + 1}/64 dev lan0 nodad`);
    }
    await phone.ip('route add default via 192.0.2.254'); // to nobody, but that is where phones send multicast
    return { speaker, phone, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * A home: the speaker's machine with two networks, three bridges of containers and virtual machines, and a tunnel; a switch of the first
 * network (`lan0`, 192.0.2.0/24 and fd00:7::/64) with a phone on it; a second phone on the other network (`lan1` at the speaker,
 * `lan0` at the phone, 198.51.100.0/24).
 */
export interface Home extends AsyncDisposable {
  readonly speaker: Machine;
  readonly switch: Machine;
  readonly near: Machine;
  readonly far: Machine;
  /** What switches with faulty IGMP snooping do: multicast gets through to nobody, everything else does. */
  dropMulticast(isDropped: boolean): Promise<void>;
}

export async function openHome(): Promise<Home> {
  const scope = new Scope();
  try {
    const [speaker, middle, near, far] = (await Promise.all([0, 1, 2, 3].map(async () => scope.use(await Machine.open())))) as [Machine, Machine, Machine, Machine];
    await middle.ip('link add sw0 type bridge mcast_snooping 0');
    await middle.ip('link set sw0 up');
    for (const [port, machine] of [['port1', speaker], ['port2', near]] as const) {
      await middle.ip(`link add ${port} type veth peer name lan0 netns ${machine.pid}`);
      await middle.ip(`link set ${port} master sw0`);
      await middle.ip(`link set ${port} up`);
    }
    await speaker.ip(`link add lan1 type veth peer name lan0 netns ${far.pid}`);
    for (const bridge of ['docker0', 'br-0123456789ab', 'virbr0']) await speaker.ip(`link add ${bridge} type bridge`);
    await speaker.ip('link add veth1234 master docker0 type veth peer name veth5678');
    await speaker.ip('link add wg0 type veth peer name wgfar');
    for (const [link, address] of [['docker0', '172.17.0.1/16'], ['br-0123456789ab', '172.18.0.1/16'], ['virbr0', '192.168.122.1/24'], ['wg0', '10.8.0.2/24'], ['lan1', '198.51.100.1/24']]) await speaker.ip(`address add ${address} dev ${link}`);
    for (const link of ['docker0', 'br-0123456789ab', 'virbr0', 'veth1234', 'veth5678', 'wg0', 'wgfar', 'lan1']) await speaker.ip(`link set ${link} up`);
    for (const [number, machine] of [speaker, near].entries()) {
      await machine.ip('link set lan0 up');
      await machine.ip(`address add 192.0.2.${number + 1}/24 dev lan0`);
      await machine.ip(`address add fd00:7::${number + 1}/64 dev lan0 nodad`);
    }
    await speaker.ip('route add default via 192.0.2.254');
    await near.ip('route add default via 192.0.2.254');
    await far.ip('link set lan0 up');
    await far.ip('address add 198.51.100.2/24 dev lan0');
    await far.ip('route add default via 198.51.100.254');
    return {
      speaker,
      switch: middle,
      near,
      far,
      async dropMulticast(isDropped) {
        for (const port of ['port1', 'port2']) await middle.ip(`link set dev ${port} type bridge_slave mcast_flood ${isDropped ? 'off' : 'on'}`);
      },
      [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
    };
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

/** Makes loopback ports of one machine reachable on the loopback of another, through sockets in `folder`. */
export async function relayPorts(ports: readonly number[], from: Machine, to: Machine, folder: string): Promise<void> {
  const path = (port: number) => join(folder, `port-${port}`);
  const far = to.start(process.execPath, [relay, ...ports.map((port) => `${path(port)}=${port}`)]);
  await far.said('relaying');
  const near = from.start(process.execPath, [relay, ...ports.map((port) => `${port}=${path(port)}`)]);
  await near.said('relaying');
}

export interface DaemonOptions {
  readonly name: string;
  /** The zone's id; made from the name when absent. */
  readonly id?: string;
  readonly cloud?: object;
  readonly discovery?: object;
  /** A data folder to begin with a copy of. */
  readonly copyOf?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Told which folder it lives in. */
  readonly onFolder?: (folder: string) => void;
}

/** The built daemon with a new data folder, on whatever network the machine has. */
export async function startDaemonOn(machine: Machine, { name, id, cloud, discovery, copyOf, env, onFolder }: DaemonOptions): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'tonearm-lan-'));
  onFolder?.(folder);
  if (copyOf !== undefined) await cp(join(copyOf, 'data'), join(folder, 'data'), { recursive: true, filter: (path) => !/\/(lock|control\.sock)$/.test(path) });
  const config = join(folder, 'configuration.yaml');
  const nowhere = { directory: 'http://127.0.0.1:9', clientToken: 'http://127.0.0.1:9', login5: 'http://127.0.0.1:9', accounts: 'http://127.0.0.1:9' };
  await writeFile(config, JSON.stringify({ version: 1, zones: [{ name, ...(id !== undefined && { id }), output: { kind: 'null' } }], broker: { enabled: false }, data: './data', log: { level: 'debug' }, cloud: cloud ?? nowhere, ...(discovery && { discovery }) }));
  const running = machine.start(process.execPath, [daemon, '--config', config], { HOME: folder, ...env });
  running.child.once('close', () => void rm(folder, { recursive: true, force: true }));
  await running.said('is ready');
  return running;
}

/** One line of `avahi-browse --parsable`. */
export interface Sighting {
  readonly link: string;
  readonly protocol: string;
  readonly name: string;
  readonly type: string;
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** In any order. */
  readonly txt: readonly string[];
}

/** Avahi with a bus of its own. */
export class Avahi {
  readonly #machine: Machine;
  readonly #env: NodeJS.ProcessEnv;
  readonly #server: Running;

  private constructor(machine: Machine, env: NodeJS.ProcessEnv, server: Running) {
    this.#machine = machine;
    this.#env = env;
    this.#server = server;
  }

  static async start(machine: Machine, folder: string, hostName: string, more = ''): Promise<Avahi> {
    await mkdir(folder, { recursive: true });
    const bus = `unix:path=${join(folder, 'bus')}`;
    const policy = '<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>';
    const kind = '<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">';
    await writeFile(join(folder, 'bus.conf'), `${kind}<busconfig><type>session</type><listen>${bus}</listen><policy context="default">${policy}</policy></busconfig>`);
    await writeFile(join(folder, 'avahi.conf'), `[server]\nhost-name=${hostName}\n${more}\n[publish]\npublish-workstation=no\n`);
    const env = { DBUS_SYSTEM_BUS_ADDRESS: bus };
    machine.start('dbus-daemon', [`--config-file=${join(folder, 'bus.conf')}`, '--nofork', '--nopidfile']);
    await until('the bus is there', () => existsSync(join(folder, 'bus')));
    const server = machine.start('avahi-daemon', ['-f', join(folder, 'avahi.conf'), '--no-drop-root', '--no-chroot', '--no-rlimits'], env);
    await server.said('Server startup complete');
    return new Avahi(machine, env, server);
  }

  /** What lets another program on its machine speak with it. */
  get env(): NodeJS.ProcessEnv {
    return this.#env;
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }

  /** Another one on the same bus. */
  async again(folder: string): Promise<Avahi> {
    const server = this.#machine.start('avahi-daemon', ['-f', join(folder, 'avahi.conf'), '--no-drop-root', '--no-chroot', '--no-rlimits'], this.#env);
    await server.said('Server startup complete');
    return new Avahi(this.#machine, this.#env, server);
  }

  /** What the responder itself wrote. */
  get log(): string {
    return this.#server.output;
  }

  /** All speakers known now, resolved. */
  async browse(): Promise<readonly Sighting[]> {
    return sightings(await this.#machine.run('avahi-browse', ['-rtpk', '_spotify-connect._tcp'], this.#env));
  }

  /** Follows what comes (`+`), is resolved (`=`) and goes (`-`). */
  watch(): Running {
    return this.#machine.start('avahi-browse', ['-rpk', '_spotify-connect._tcp'], this.#env);
  }

  /** IPv4 address of a host name. */
  async resolve(host: string): Promise<string> {
    return (await this.#machine.run('avahi-resolve', ['-4', '-n', host], this.#env)).trim().split('\t')[1] ?? '';
  }
}

export function sightings(lines: string): readonly Sighting[] {
  return lines
    .split('\n')
    .filter((line) => line.startsWith('='))
    .map((line) => {
      const [, link = '', protocol = '', name = '', type = '', , host = '', address = '', port = '', ...txt] = line.split(';');
      const found = [...txt.join(';').matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text);
      return { link, protocol, name: unescape(name), type, host, address, port: Number(port), txt: found };
    });
}

/** `K\195\188che` is Küche. */
function unescape(text: string): string {
  const bytes = [...text.matchAll(/\\(\d{3})|\\(.)|([^\\])/gs)].map(([, number, quoted, plain]) => (number === undefined ? Buffer.from(quoted ?? plain ?? '') : Buffer.from([Number(number)])));
  return Buffer.concat(bytes).toString();
}
