import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Scope } from '#foundation';
import { Machine } from '../lan.ts';
import { install, installPlugin, settingsUi } from './peers.ts';
import { layCable, obstacle, repository, Speaker } from './start.ts';

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path)) ?? '';
const why = obstacle() || (chromium === '' ? 'chromium not installed' : '');

/** Screenshots stay where TONEARM_PICTURES says, for looking at. */
it.skipIf(why !== '')(`the settings page finds, tests, refuses and saves in the Homebridge UI${why && ` (${why})`}`, { timeout: 20 * 60_000 }, async ({ skip }) => {
  const scope = new Scope();
  try {
    const folder = await mkdtemp(join(tmpdir(), 'tonearm-settings-'));
    scope.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const ui = await install(settingsUi).catch((error: unknown) => skip(`could not be installed: ${String(error).split('\n')[0] ?? ''}`));
    const { modules } = await installPlugin(join(repository, 'homebridge-plugin'), join(folder, 'plugins'));
    const machine = scope.use(await Machine.open());
    await layCable(machine);
    const speaker = new Speaker(machine, join(folder, 'speaker'));
    await speaker.configure({ zones: [{ name: 'Kitchen', output: { kind: 'null' } }], discovery: { interfaces: ['lan0'] }, http: { host: '0.0.0.0', port: 8484 }, presets: [{ name: 'Jazz Radio', id: 'jazz', uri: 'spotify:playlist:37i9dQZF1DX0SM0LYsmbMT' }] });
    const key = await speaker.key('add', 'homebridge', '--scope', 'control');
    await speaker.start();
    const driver = machine.start(process.execPath, [fileURLToPath(new URL('settings-page.mjs', import.meta.url)), ui, modules, join(folder, 'storage'), process.env['TONEARM_PICTURES'] ?? join(folder, 'pictures'), chromium, key]);
    await driver.said(/^seen .*$/m, 10 * 60_000);
    const seen = JSON.parse(/^seen (.*)$/m.exec(driver.output)?.[1] ?? '{}') as Record<string, unknown>;
    expect(seen['refused']).toEqual({ save: true, field: true, sentence: expect.stringContaining('It looks like http://tonearm.local:8484') });
    expect(seen['wrongKey']).toContain('tonearm keys add homebridge');
    expect(seen['found']).toContain(':8484');
    expect(seen['connected']).toMatch(/Zones: Kitchen \(kitchen\)[^]*Presets: Jazz Radio \(jazz\)/);
    expect(seen['saved']).toMatchObject({ platform: 'Tonearm', servers: [expect.objectContaining({ key, url: expect.stringMatching(/^http:\/\/[\d.]+:8484$/), instance: expect.any(String) })] });
    expect(seen['widerThanPhone']).toBe(false);
  } finally {
    await scope[Symbol.asyncDispose]();
  }
});
