import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A Homebridge as people have it, with the Node.js it runs on. */
export interface Peer {
  readonly title: string;
  /** Newest first: a registry may lag behind with what the newest needs. */
  readonly homebridge: readonly string[];
  /** Major version; null for the one that runs the tests. */
  readonly node: number | null;
}

/** Tried with everything there is. */
export const peers: readonly Peer[] = [
  { title: 'Homebridge 1', homebridge: ['1.11.4'], node: null },
  { title: 'Homebridge 2', homebridge: ['2.4.0', '2.1.0'], node: 22 },
];
/** The oldest we promise to run on, and the newer lines of Node.js: tried in short. */
export const pairs: readonly Peer[] = [
  { title: 'Homebridge 1.8 on Node.js 20', homebridge: ['1.8.0'], node: 20 },
  { title: 'Homebridge 2 on Node.js 24', homebridge: ['2.1.0'], node: 24 },
  { title: 'Homebridge 2 on Node.js 26', homebridge: ['2.4.0'], node: 26 },
];
/** Homebridge 2.4.0 names one exact version of its HomeKit library, which a registry may lack while it has the next one. */
const overrides = { 'homebridge@2.4.0': { '@homebridge/hap-nodejs': '^2.2.2' } };
export const controller = ['hap-controller@0.10.2'];
/** The newest whose own dependencies can be had, and a browser's remote control. */
export const settingsUi = ['homebridge@1.11.4', 'homebridge-config-ui-x@5.10.0', 'playwright-core@1.65.1'];

/** Installs packages into a folder of their own that later runs find again. Rejects with what npm said. */
export async function install(packages: readonly string[]): Promise<string> {
  const folder = join(tmpdir(), 'tonearm-peers', createHash('sha256').update([process.version, process.arch, ...packages].join()).digest('hex').slice(0, 16));
  if (existsSync(join(folder, 'package-lock.json'))) return folder;
  const aside = `${folder}.${process.pid}`;
  await rm(aside, { recursive: true, force: true });
  await mkdir(aside, { recursive: true });
  try {
    await writeFile(join(aside, 'package.json'), JSON.stringify({ name: 'peers', private: true, overrides }));
    await run('npm', ['install', ...packages, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: aside, timeout: 10 * 60_000, maxBuffer: 16 * 1024 * 1024 });
    await rm(folder, { recursive: true, force: true });
    await rename(aside, folder);
    return folder;
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw error;
  }
}

export interface Installed {
  readonly folder: string;
  readonly version: string;
  readonly node: string;
}

export async function installPeer({ homebridge, node }: Peer): Promise<Installed> {
  // The binary itself, because the usual package fetches it with a script.
  const runtime = `node-linux-${process.arch}`;
  const path = node === null ? process.execPath : join(await install([`${runtime}@${node}`]), 'node_modules', runtime, 'bin/node');
  let failure: unknown;
  for (const version of homebridge) {
    try {
      return { folder: await install([`homebridge@${version}`]), version, node: path };
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

export interface PackedPlugin {
  readonly modules: string;
  /** Bytes, as are `unpacked`. */
  readonly packed: number;
  readonly unpacked: number;
  readonly files: readonly string[];
  /** Packages that came along. */
  readonly others: readonly string[];
}

/** The plugin as npm would publish it, installed into an empty folder. */
export async function installPlugin(plugin: string, folder: string): Promise<PackedPlugin> {
  await mkdir(folder, { recursive: true });
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder, '--loglevel=error'], { cwd: plugin });
  const said: unknown = JSON.parse(stdout);
  const [packed] = (Array.isArray(said) ? said : Object.values(said as object)) as { filename: string; size: number; unpackedSize: number; files: { path: string }[] }[];
  if (!packed) throw new Error(`npm packed nothing: ${stdout}`);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'empty', private: true }));
  await run('npm', ['install', `./${packed.filename}`, '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, timeout: 5 * 60_000 });
  const { stdout: tree } = await run('npm', ['ls', '--all', '--parseable'], { cwd: folder });
  const others = tree.split('\n').filter((path) => path.includes('node_modules/') && !path.endsWith('homebridge-tonearm'));
  return { modules: join(folder, 'node_modules'), packed: packed.size, unpacked: packed.unpackedSize, files: packed.files.map(({ path }) => path), others };
}
