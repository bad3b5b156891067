import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scope } from '#foundation';
import { Machine } from '../lan.ts';
import { controller, install, installPeer, installPlugin, peers } from './peers.ts';
import { type Ask, Bridge, layCable, obstacle, pin, repository, Speaker, startHome } from './start.ts';

const noResponse = -70402;
const paper = join(repository, 'docs/homekit.md');
const why = obstacle();

/** Rows of the table in docs/homekit.md: each is written down by the test that has seen it. */
const rows: (readonly [moment: string, home: string, log: string])[] = [];

describe.skipIf(why !== '')(`HomeKit in trouble${why && ` (${why})`}`, () => {
  const scope = new Scope();
  let missing = '';
  let ask: Ask;
  let first: Speaker;
  let second: Speaker;
  let bridge: Bridge;
  let key = '';
  const fan = (name: string) => `${name} Volume:Fan.RotationSpeed`;
  const status = async (name: string) => (await ask('read', { name: 'bridge', path: fan(name) })).status;
  const becomes = (name: string, wanted: number) => expect.poll(() => status(name).catch((error: unknown) => String(error)), { timeout: 60_000, interval: 100 }).toBe(wanted);
  const names = async () => (await ask('list', 'bridge')).filter((path) => path.endsWith('Fan.RotationSpeed')).map((path) => path.split(' Volume:')[0]).sort();
  const zone = (name: string, id: string) => ({ name, id, output: { kind: 'null' } });
  const settings = (zones: readonly object[], port: number, endpoints: unknown) => ({ zones, http: { port }, cloud: endpoints });
  let endpoints: unknown;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tonearm-homekit-'));
    scope.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const [peer] = peers;
    try {
      if (!peer) throw new Error('no peer');
      const [installed, controllerFolder] = [await installPeer(peer), await install(controller)];
      const plugin = await installPlugin(join(repository, 'homebridge-plugin'), join(folder, 'plugins'));
      const machine = scope.use(await Machine.open());
      await layCable(machine);
      ask = await startHome(machine, folder, controllerFolder);
      ({ endpoints } = await ask('cloud'));
      bridge = new Bridge(machine, installed, plugin.modules, join(folder, 'homebridge'));
      first = new Speaker(machine, join(folder, 'first'));
      second = new Speaker(machine, join(folder, 'second'));
    } catch (error) {
      missing = `could not be installed: ${String(error).split('\n')[0]}`;
      return;
    }
    await first.configure(settings([zone('Kitchen', 'kitchen')], 8484, endpoints));
    await second.configure(settings([zone('Cabin', 'cabin')], 8485, endpoints));
    key = await first.key('add', 'homebridge', '--scope', 'control');
    const other = await second.key('add', 'homebridge', '--scope', 'control');
    await first.start();
    await second.start();
    await bridge.configure({ servers: [{ name: 'House', url: 'http://127.0.0.1:8484', key }, { name: 'Cabin', url: 'http://127.0.0.1:8485', key: other }], face: 'none', volume: 'fan' });
    await bridge.start();
    await bridge.running?.said(/zones: Kitchen/, 60_000);
    await bridge.running?.said(/zones: Cabin/, 60_000);
    let found: Awaited<ReturnType<typeof ask<'discover'>>> = [];
    for (let tries = 0; tries < 20 && found.length === 0; tries++) found = await ask('discover', 2000);
    await ask('pairHome', { name: 'bridge', id: found[0]?.id ?? '', port: found[0]?.port ?? 0, pin });
  }, 20 * 60_000);
  afterAll(async () => {
    await scope[Symbol.asyncDispose]();
  });

  it('shows at each moment what the paper says', { retry: 0, timeout: 600_000 }, async ({ skip }) => {
    if (missing !== '') skip(missing);
    const said = () => bridge.running?.output ?? '';
    const row = (moment: string, home: string, log = 'nothing') => rows.push([moment, home, log]);
    expect(await names()).toEqual(['Cabin', 'Kitchen']);
    expect([await status('Kitchen'), await status('Cabin')]).toEqual([0, 0]);
    row('All is well', 'values', 'one line for each Tonearm, with its zones');

    await first.stop();
    expect(await status('Kitchen')).toBe(0);
    row('Tonearm has just stopped', 'the last values, for 3 s');
    await becomes('Kitchen', noResponse);
    await bridge.running?.said(/“House” cannot be reached/, 30_000);
    expect(await status('Cabin')).toBe(0);
    row('Tonearm is away; another one is there', 'No Response for its zones; the other’s are as always', 'one warning, then reminders after 1 min, 10 min, 1 h, every 6 h');
    await first.start();
    await becomes('Kitchen', 0);
    await bridge.running?.said(/“House” is back after/, 30_000);
    row('Tonearm is back', 'values, within 3 s', 'one line with how long it was away');

    first.running?.child.kill('SIGSTOP');
    await becomes('Kitchen', noResponse);
    row('Nothing is heard any more (cable out, Wi-Fi gone, machine asleep)', 'No Response after 7 s at most', 'the same warning');
    first.running?.child.kill('SIGCONT');
    await becomes('Kitchen', 0);
    row('The network is back', 'values, within 3 s', 'one line');

    await bridge.stop();
    await bridge.start();
    await expect.poll(async () => ask('reconnect', 'bridge').then(() => true, () => false), { timeout: 60_000 }).toBe(true);
    await becomes('Kitchen', 0);
    expect(await names()).toEqual(['Cabin', 'Kitchen']);
    row('Homebridge has started again', 'the same accessories, in the same rooms and scenes; values once Tonearm is connected', 'as at first');

    await bridge.stop();
    await first.stop();
    await bridge.start();
    await expect.poll(async () => ask('reconnect', 'bridge').then(() => true, () => false), { timeout: 60_000 }).toBe(true);
    expect(await status('Kitchen')).toBe(noResponse);
    expect(await names()).toEqual(['Cabin', 'Kitchen']);
    row('Homebridge starts while Tonearm is away', 'the accessories are there: No Response', 'one warning');

    await first.configure(settings([zone('Cuisine', 'kitchen'), zone('Attic', 'attic')], 8484, endpoints));
    await first.start();
    await expect.poll(async () => (await ask('list', 'bridge'), await names()), { timeout: 60_000 }).toEqual(['Attic', 'Cabin', 'Cuisine']);
    row('A zone has another name', 'the same accessory with its scenes; a new name unless you gave it one in Home', 'one line');
    row('A zone is new', 'a new accessory; a television or speaker is to be added in Home', 'nothing, or the setup code');

    await first.stop();
    await first.configure(settings([zone('Attic', 'attic')], 8484, endpoints));
    await first.start();
    await expect.poll(async () => (await ask('list', 'bridge'), await names()), { timeout: 60_000 }).toEqual(['Attic', 'Cabin']);
    row('A zone is gone', 'its extras are removed; its television or speaker says No Response until you remove it in Home', 'one line that names them');

    const [own] = (JSON.parse(await first.key('--json')) as { readonly id: string }[]);
    await first.key('remove', own?.id ?? '');
    await becomes('Attic', noResponse);
    await bridge.running?.said(/“House” refuses us/, 60_000);
    expect(await status('Cabin')).toBe(0);
    row('The key was revoked', 'No Response at once', 'one warning that says how to make a new key');

    expect(said()).not.toContain(key);
    expect(said()).not.toMatch(/unhandled|TypeError|slows down/i);
  });

  it('and the paper says it', async ({ skip }) => {
    if (missing !== '' || rows.length === 0) skip(missing || 'nothing was seen');
    const table = `<!-- generated: moments -->\n| When | Home shows | Homebridge’s log says |\n| --- | --- | --- |\n${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n<!-- /generated -->`;
    const text = await readFile(paper, 'utf8');
    const wanted = text.replace(/<!-- generated: moments -->[^]*<!-- \/generated -->/, table);
    if (process.env['UPDATE_DOCS']) await writeFile(paper, wanted);
    else expect(text).toBe(wanted);
  });
});
