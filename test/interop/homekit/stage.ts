import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Scope } from '#foundation';
import { Machine } from '../lan.ts';
import { controller, install, type Installed, installPeer, installPlugin, type Peer, type PackedPlugin } from './peers.ts';
import { type Ask, Bridge, layCable, pin, repository, Speaker, startHome } from './start.ts';

/** A home: a speaker with two zones, the cloud and a phone, a Homebridge with the packed plugin, a HomeKit controller. */
export interface Stage {
  readonly ask: Ask;
  readonly speaker: Speaker;
  readonly bridge: Bridge;
  readonly installed: Installed;
  readonly plugin: PackedPlugin;
}

const presets = [{ name: 'Jazz Radio', id: 'jazz' }, { name: 'News', id: 'news' }];

/** Null where the peer cannot be installed; `missing` is told why. */
export async function openStage(scope: Scope, peer: Peer, options: object, missing: (why: string) => void): Promise<Stage | null> {
  const folder = await mkdtemp(join(tmpdir(), 'tonearm-homekit-'));
  scope.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  let installed: Installed;
  let controllerFolder: string;
  try {
    [installed, controllerFolder] = [await installPeer(peer), await install(controller)];
  } catch (error) {
    missing(`could not be installed: ${String(error).split('\n')[0]}`);
    return null;
  }
  const plugin = await installPlugin(join(repository, 'homebridge-plugin'), join(folder, 'plugins'));
  const machine = scope.use(await Machine.open());
  await layCable(machine);
  const ask = await startHome(machine, folder, controllerFolder);
  const { endpoints, context } = await ask('cloud');
  const speaker = new Speaker(machine, folder);
  await speaker.configure({
    zones: [{ name: 'Kitchen', output: { kind: 'null' }, volume: { initial: 40 } }, { name: 'Bath', output: { kind: 'null' } }],
    presets: presets.map((preset) => ({ ...preset, uri: context, zones: ['kitchen'] })),
    automations: [{ id: 'quiet', name: 'Quiet Evening', zone: 'kitchen', then: [{ pause: true }] }],
    alarms: [{ id: 'wake', name: 'Wake Up', zone: 'kitchen', time: '03:33', enabled: false }],
    cloud: endpoints,
  });
  const key = await speaker.key('add', 'homebridge', '--scope', 'control');
  const daemon = await speaker.start();
  const port = /“Kitchen”[^\n]*pairing port (\d+)/.exec(daemon.output)?.[1] ?? '0';
  expect(await ask('pairPhone', `http://127.0.0.1:${port}/zc`), daemon.output).toBe(true);
  const bridge = new Bridge(machine, installed, plugin.modules, join(folder, 'homebridge'));
  await bridge.configure({ servers: [{ url: 'http://127.0.0.1:8484', key }], ...options });
  await bridge.start();
  await bridge.running?.said(/zones: Kitchen, Bath/, 60_000);
  return { ask, speaker, bridge, installed, plugin };
}

/** Waits until HomeKit's browser has seen what is to be paired (name → category), and pairs it. */
export async function pairAll({ ask, bridge }: Stage, wanted: Readonly<Record<string, number>>): Promise<void> {
  const categories = Object.values(wanted);
  let found: Awaited<ReturnType<typeof ask<'discover'>>> = [];
  for (let tries = 0; tries < 20 && new Set(found.map(({ id }) => id)).size < categories.length; tries++) found = [...found, ...(await ask('discover', 2000))];
  const unique = new Map(found.map((one) => [one.category, one]));
  expect([...unique.keys()].sort((a, b) => a - b), bridge.running?.output).toEqual(categories.sort((a, b) => a - b));
  for (const [name, category] of Object.entries(wanted)) {
    const { id = '', port = 0 } = unique.get(category) ?? {};
    await ask('pairHome', { name, id, port, pin });
  }
}

/** What a Homebridge that is well never says. */
export const unwell = /tak_|warning|slows down|invalid|unhandled|error/i;
