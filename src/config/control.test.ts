import { chmod, chown, mkdtemp, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, silentLog, type Log, type LogLevel } from '#foundation';
import { writeFileAtomically } from '#host';
import { openControl } from './control.ts';
import { loadConfig } from './load.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'tonearm-control-'))));
afterEach(() => rm(folder, { recursive: true }));

const written = `# Our house.
version: 1
zones:
  - name: Küche # where we cook
    bitrate: 160
  - name: Bath
    id: bathroom

# Said by the broker's owner.
log: { level: warn }
`;

async function open(text = written, environment: Readonly<Record<string, string>> = {}, write: (...replacement: Parameters<typeof writeFileAtomically>) => Promise<void> = writeFileAtomically) {
  const path = join(folder, 'configuration.yaml');
  await writeFile(path, text);
  const source = { path, environment, defaultData: folder };
  const clock = new FakeClock();
  let restarts = 0;
  const stored = new Map<string, unknown>();
  const log = { ...silentLog, level: 'info' as LogLevel } satisfies Log & { level: LogLevel };
  const control = openControl({ source, loaded: await loadConfig(source), clock, log, write, restart: () => (restarts += 1), keep: () => Promise.resolve(void stored.set('volume-bathroom', { level: 0.3 })), store: { read: (name) => Promise.resolve(stored.get(name) ?? null), names: () => Promise.resolve([...stored.keys()]) }, version: '1.2.3' });
  const zones = async () => (await loadConfig(source)).config.zones.map(({ id, name, bitrate }) => ({ id, name, bitrate }));
  return { control, clock, path, zones, restarts: () => restarts, text: () => readFile(path, 'utf8') };
}

describe('control', () => {
  it('renames a zone without making it another speaker, and keeps every comment', async () => {
    const house = await open();
    await house.control.changeZone('kueche', { name: 'Kitchen' });
    expect(await house.zones()).toEqual([{ id: 'kueche', name: 'Kitchen', bitrate: 160 }, { id: 'bathroom', name: 'Bath', bitrate: 320 }]);
    expect(await house.text()).toBe(written.replace('Küche # where we cook\n    bitrate: 160', 'Kitchen # where we cook\n    bitrate: 160\n    id: kueche'));
    expect(house.restarts()).toBe(1);
  });

  it('changes settings of a zone that reach nothing else, and keeps what is not named', async () => {
    const house = await open('zones:\n  - name: Kitchen\n    volume: &calm { initial: 20, curve: linear } # as loud as this\n    bitrate: 96\n  - name: Bath\n    volume: *calm\n');
    await house.control.changeZone('kitchen', { options: { volume: { initial: 35 }, bitrate: null, normalisation: 'track', autoplay: false } });
    expect(await house.text()).toBe('zones:\n  - name: Kitchen\n    volume: &calm { initial: 35, curve: linear } # as loud as this\n    normalisation: track\n    autoplay: false\n  - name: Bath\n    volume: { initial: 20, curve: linear } # as loud as this\n');
    await house.control.changeZone('bath', { options: { volume: { initial: 5 } } });
    expect(await house.text()).toContain('  - name: Bath\n    volume: { initial: 5, curve: linear }');
    expect(house.restarts()).toBe(2);
  });

  it('adds and removes zones', async () => {
    const house = await open();
    expect(await house.control.addZone({ name: 'Living room' })).toBe('living-room');
    await house.control.removeZone('bathroom');
    expect((await house.zones()).map(({ id }) => id)).toEqual(['kueche', 'living-room']);
    expect(await house.text()).toContain('# Our house.');
  });

  it('writes down the zone that was there without being written, before it adds another', async () => {
    const house = await open('# Nothing yet.\n');
    await house.control.addZone({ name: 'Attic' });
    expect((await house.zones()).map(({ id }) => id)).toEqual(['tonearm', 'attic']);
    expect(await house.text()).toContain('# Nothing yet.');
  });

  it.each<[string, (house: Awaited<ReturnType<typeof open>>) => Promise<unknown>, string]>([
    ['a second zone of one id', ({ control }) => control.addZone({ name: 'Bathroom' }), 'config/zone-exists'],
    ['a name that is none', ({ control }) => control.addZone({ name: '   ', id: 'empty' }), 'config/invalid'],
    ['an id the topics need', ({ control }) => control.addZone({ name: 'Bridge', id: 'bridge' }), 'config/invalid'],
    ['renaming what is not there', ({ control }) => control.changeZone('cellar', { name: 'Cellar' }), 'config/no-such-zone'],
    ['a setting that says where the sound goes', ({ control }) => control.changeZone('kueche', { options: { output: { kind: 'pipe', path: '/tmp/heard' } } }), 'config/closed-option'],
    ['a setting with a value it cannot have', ({ control }) => control.changeZone('kueche', { options: { bitrate: 128 } }), 'config/invalid'],
    ['removing what is not there', ({ control }) => control.removeZone('cellar'), 'config/no-such-zone'],
  ])('refuses %s, and leaves the file alone', async (_, act, code) => {
    const house = await open();
    await expect(act(house)).rejects.toMatchObject({ code });
    expect(await house.text()).toBe(written);
    expect(house.restarts()).toBe(0);
  });

  it('does not remove the last zone, nor change what the environment sets', async () => {
    const last = await open('zones: [{ name: Only }]\n');
    await expect(last.control.removeZone('only')).rejects.toMatchObject({ code: 'config/last-zone' });
    const set = await open(written, { TONEARM_CONFIG_ZONES_0_NAME: 'Kitchen' });
    await expect(set.control.addZone({ name: 'Attic' })).rejects.toMatchObject({ code: 'config/set-by-environment' });
  });

  it('takes names as they are, and finds zones by the ids they have', async () => {
    const house = await open('zones: [{ name: "${ROOM}" }, { name: 7 }]\n', { ROOM: 'Attic', PASSWORD: 'hush' });
    await house.control.changeZone('attic', { name: '${PASSWORD} $${PASSWORD:-x} ${' });
    await house.control.addZone({ name: '${PASSWORD}', id: 'more' });
    await house.control.removeZone('7');
    expect((await house.zones()).map(({ id, name }) => [id, name])).toEqual([['attic', '${PASSWORD} $${PASSWORD:-x} ${'], ['more', '${PASSWORD}']]);
  });

  it('writes out what other settings took from a zone that goes away', async () => {
    const house = await open('zones:\n  - name: Kitchen\n    volume: &calm { initial: 20, curve: linear } # as loud as this\n  - name: Bath\n    volume: *calm\n  - name: Attic\n    volume: *calm\n');
    await house.control.removeZone('kitchen');
    expect(await house.text()).toBe('zones:\n  - name: Bath\n    volume: { initial: 20, curve: linear } # as loud as this\n  - name: Attic\n    volume: { initial: 20, curve: linear } # as loud as this\n');
  });

  it('keeps aliases it need not touch', async () => {
    const house = await open('zones:\n  - name: Kitchen\n    volume: &calm { initial: 20 }\n  - name: Bath\n    volume: *calm\n');
    await house.control.changeZone('bath', { name: 'Bathroom' });
    await house.control.addZone({ name: 'Attic' });
    expect(await house.text()).toContain('volume: *calm');
  });

  it('changes zones that are written elsewhere without changing them there', async () => {
    const house = await open('presence:\n  people: &all\n    - { id: anna, name: Anna } # upstairs\n    - { id: ben, name: Ben }\nzones: *all\n');
    await house.control.changeZone('anna', { name: 'Annas room' });
    expect(await house.text()).toBe('presence:\n  people: &all\n    - { id: anna, name: Anna } # upstairs\n    - { id: ben, name: Ben }\nzones:\n  - { id: anna, name: Annas room } # upstairs\n  - { id: ben, name: Ben }\n');
    expect((await house.zones()).map(({ id, name }) => [id, name])).toEqual([['anna', 'Annas room'], ['ben', 'Ben']]);
  });

  it('changes the file a link leads to, and leaves it to those who could read it', async () => {
    const house = await open();
    await chmod(house.path, 0o664);
    if (process.getuid?.() === 0) await chown(house.path, 65_534, 65_533);
    const { uid, gid } = await stat(house.path);
    await rename(house.path, join(folder, 'real.yaml'));
    await symlink('real.yaml', house.path);
    await house.control.addZone({ name: 'Attic' });
    const { mode, ...rest } = await stat(house.path);
    expect({ mode: mode & 0o777, ...rest }).toMatchObject({ mode: 0o664, uid, gid });
    expect([await readlink(house.path), await readFile(join(folder, 'real.yaml'), 'utf8')]).toEqual(['real.yaml', expect.stringContaining('Attic')]);
  });

  it('makes a backup of what would be stored only in a moment, too', async () => {
    const house = await open();
    const { zip } = await house.control.backup();
    expect(Buffer.from(unzipSync(zip)['values/volume-bathroom.json'] ?? []).toString()).toBe('{"level":0.3}\n');
  });

  it('says that the file cannot be written', async () => {
    const house = await open(written, {}, () => Promise.reject(Object.assign(new Error('No.'), { code: 'EROFS' })));
    await expect(house.control.addZone({ name: 'Attic' })).rejects.toMatchObject({ code: 'config/not-writable', message: expect.stringContaining('EROFS') as string });
    expect(house.restarts()).toBe(0);
  });

  it('defines rules and alarms, in place of those of the same id, and takes them out again', async () => {
    const house = await open(written.replace('bathroom\n', 'bathroom\n\n# By hand.\nautomations:\n  - id: old # keep\n    zone: bathroom\n    then: [{ volume: 3 }]\n'));
    const rules = async () => (await loadConfig({ path: house.path, environment: { HOME: '/secret' }, defaultData: folder })).config.automations;
    expect(await house.control.setAutomation('rule', { id: 'news', zone: 'kueche', when: [{ cron: '30 6 * * *' }], name: '${HOME}', then: [{ volume: 3 }] })).toBe('news');
    await house.control.setAutomation('rule', { id: 'news', zone: 'bathroom', name: '${HOME}', then: [{ volume: 3 }] });
    expect(await house.control.setAutomation('alarm', { id: 'wake', zone: 'kueche', time: '06:30' })).toBe('wake');
    expect(await rules()).toMatchObject({ automations: [{ id: 'old' }, { id: 'news', zone: ['bathroom'], when: [], name: '${HOME}' }], alarms: [{ id: 'wake', time: '06:30' }] });
    await house.control.removeAutomation('wake');
    await house.control.removeAutomation('news');
    expect(await rules()).toMatchObject({ automations: [{ id: 'old' }], alarms: [] });
    expect(await house.text()).toContain('# By hand.\nautomations:\n  - id: old # keep\n');
    expect(house.restarts()).toBe(5);
  });

  it('writes no rule it could not run, and says where it is wrong', async () => {
    const house = await open();
    await expect(house.control.setAutomation('rule', { id: 'news', then: [{ vloume: 3 }] })).rejects.toMatchObject({ code: 'config/invalid', message: expect.stringContaining('Did you mean "volume"?') as string });
    await expect(house.control.setAutomation('rule', { then: [{ volume: 3 }] })).rejects.toMatchObject({ code: 'config/no-automation-id' });
    await expect(house.control.removeAutomation('news')).rejects.toMatchObject({ kind: 'not-found', code: 'config/no-such-automation' });
    expect([await house.text(), house.restarts()]).toEqual([written, 0]);
    const set = await open(written, { TONEARM_CONFIG_AUTOMATIONS: '[]' });
    await expect(set.control.setAutomation('rule', { id: 'news', zone: 'kueche', then: [{ volume: 3 }] })).rejects.toMatchObject({ code: 'config/set-by-environment' });
  });

  it('writes and restarts for nothing that is so already', async () => {
    const house = await open(`${written}automations:\n  - { then: [ { volume: 3 } ], id: tea, zone: bathroom } # at four\n`);
    const before = await house.text();
    await house.control.setAutomation('rule', { id: 'tea', zone: 'bathroom', then: [{ volume: 3 }] });
    await house.control.changeZone('bathroom', { name: 'Bath', options: {} });
    await house.control.changeZone('kueche', { options: { bitrate: 160 } });
    expect([await house.text(), house.restarts()]).toEqual([before, 0]);
  });

  it('keeps what is written above and around the entry it replaces or removes', async () => {
    const rule = (id: string, volume = 3) => `  - id: ${id}\n    zone: bathroom\n    then:\n      - volume: ${volume}\n`;
    const house = await open(`${written}automations:\n  # All of them.\n\n  # Of the first.\n${rule('one')}\n  # Of the second.\n${rule('two')}  # The end.\n`);
    await house.control.setAutomation('rule', { id: 'two', zone: 'bathroom', then: [{ volume: 9 }] });
    expect(await house.text()).toBe(`${written}automations:\n  # All of them.\n\n  # Of the first.\n${rule('one')}\n  # Of the second.\n${rule('two', 9)}  # The end.\n`);
    await house.control.removeAutomation('one');
    expect(await house.text()).toBe(`${written}automations:\n  # All of them.\n\n  # Of the second.\n${rule('two', 9)}  # The end.\n`);
  });

  it('keeps a list that is all comments', async () => {
    const house = await open(`${written}automations:\n  # - id: old\n  #   then: []\n`);
    await house.control.setAutomation('rule', { id: 'tea', zone: 'bathroom', then: [{ volume: 3 }] });
    expect(await house.text()).toContain('  - id: tea\n    zone: bathroom\n    then:\n      - volume: 3\n  # - id: old\n  #   then: []\n');
    await house.control.removeAutomation('tea');
    expect(await house.text()).toContain('#   then: []');
    await house.control.setAutomation('rule', { id: 'tea', zone: 'bathroom', then: [{ volume: 3 }] });
    expect(await house.text()).toContain('  - id: tea\n');
  });

  it.each([['a number', '7', '  - { id: 7, zone: bathroom, then: [{ volume: 3 }] }\n'], ['a variable', 'attic', '  - { id: "${NAME}", zone: bathroom, then: [{ volume: 3 }] }\n'], ['an alias', 'tea', '  - &tea { id: tea, zone: bathroom, then: [{ volume: 3 }] }\n']])('finds the one whose id is %s', async (_, id, entry) => {
    const house = await open(`${written}automations:\n${entry}`, { NAME: 'attic' });
    await house.control.setAutomation('rule', { id, zone: 'bathroom', then: [{ volume: 9 }] });
    expect((await house.text()).match(/then:/g)).toHaveLength(1);
    await house.control.removeAutomation(id);
    expect(await house.text()).not.toContain('then:');
  });

  it.each([
    ['says', { then: [{ publish: 'home/door', payload: 'open' }] }],
    ['sends, as this machine,', { then: [{ request: 'http://router.home/' }] }],
    ['does, as our user,', { then: [{ program: ['/bin/sh', '-c', 'id'] }] }],
    ['hears', { when: [{ mqtt: 'home/#' }], then: [{ volume: 3 }] }],
    ['asks', { if: [{ not: { any: [{ mqtt: 'home/door', equals: 'open' }] } }], then: [{ volume: 3 }] }],
    ['waits for', { then: [{ waitUntil: { mqtt: 'home/door' } }, { volume: 3 }] }],
  ])('lets nobody define what %s something with our login at the broker or in our name', async (_, rule) => {
    const house = await open();
    await expect(house.control.setAutomation('rule', { id: 'spy', zone: 'kueche', ...rule })).rejects.toMatchObject({ kind: 'invalid', code: 'config/closed-option' });
    expect([await house.text(), house.restarts()]).toEqual([written, 0]);
  });

  it('merges options into the file, keeps the comments, and restarts once', async () => {
    const house = await open(`${written}# Nights.\nquietHours:\n  # for the neighbours\n  between: "22:00-07:00" # all week\n  volume: 20\naccounts: { guests: ask } # careful\n`);
    expect(await house.control.changeOptions({ quietHours: { between: '23:00-06:00', volume: null }, accounts: { guests: 'last-wins', owners: ['${HOME}'] }, mqtt: {} }).catch((error: unknown) => (error as { code: string }).code)).toBe('config/closed-option');
    expect(await house.control.changeOptions({ quietHours: { between: '23:00-06:00', volume: null }, accounts: { guests: 'last-wins', owners: ['${HOME}'] }, log: { level: 'debug' } })).toEqual({ restarts: true });
    expect(await house.text()).toBe(`${written.replace('warn', 'debug')}# Nights.\nquietHours:\n  # for the neighbours\n  between: "23:00-06:00" # all week\naccounts: { guests: last-wins, owners: [ "$\${HOME}" ] } # careful\n`);
    expect([house.restarts(), house.control.logLevel]).toEqual([1, 'debug']);
    expect(await house.control.changeOptions({ accounts: { guests: 'last-wins' } })).toEqual({ restarts: false });
    expect(house.restarts()).toBe(1);
  });

  it('changes the log level for good without a restart, and does not take its own change for somebody else’s', async () => {
    const house = await open();
    expect(await house.control.changeOptions({ log: { level: 'trace' } })).toEqual({ restarts: false });
    expect([house.control.logLevel, await house.text(), house.restarts()]).toEqual(['trace', written.replace('warn', 'trace'), 0]);
    await house.control.changeOptions({ log: { level: null } });
    expect([house.control.logLevel, (await house.text()).includes('level')]).toEqual(['info', false]);
    await house.clock.advance(15_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(house.control.restartRequired).toBe(false);
  });

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['a value it cannot have', { log: { level: 'loud' } }, 'must be trace, debug, info, warn or error'],
    ['what is not there', { log: { levl: 'debug' } }, 'Did you mean "level"?'],
    ['a group that is not complete', { location: { latitude: 3 } }, 'longitude'],
    ['one good and one bad', { quietHours: { between: '22:00-07:00' }, accounts: { guests: 'sometimes' } }, 'last-wins'],
    ['settings of a broker that is not written there', { mqtt: { queue: true } }, 'no "mqtt" section'],
    ['lists in lists in lists', { presets: JSON.parse(`${'['.repeat(30_000)}${']'.repeat(30_000)}`) as unknown }, 'nested too deeply'],
  ])('refuses options with %s, and leaves the file alone', async (_, options, why) => {
    const house = await open();
    await expect(house.control.changeOptions(options)).rejects.toMatchObject({ kind: 'invalid', code: 'config/invalid', message: expect.stringContaining(why) as string });
    expect([await house.text(), house.restarts()]).toEqual([written, 0]);
  });

  it('changes nothing when it is to take out what is not there, and makes a new group without it', async () => {
    const house = await open();
    expect(await house.control.changeOptions({ network: { friendlyPorts: null }, quietHours: { between: null } })).toEqual({ restarts: false });
    expect([await house.text(), house.restarts()]).toEqual([written, 0]);
    await house.control.changeOptions({ quietHours: { between: '22:00-07:00', volume: null } });
    expect(await house.text()).toBe(`${written}quietHours:\n  between: 22:00-07:00\n`);
  });

  it('changes settings of a broker that the environment names', async () => {
    const house = await open(written, { TONEARM_CONFIG_MQTT_URL: 'mqtt://127.0.0.1' });
    expect(await house.control.changeOptions({ mqtt: { discovery: { entities: 'full', minimum: null } } })).toEqual({ restarts: true });
    expect(await house.text()).toBe(`${written}mqtt:\n  discovery:\n    entities: full\n`);
  });

  it('refuses zone settings and rules of any depth', async () => {
    const house = await open();
    const deep = JSON.parse(`${'{"if":['.repeat(10_000)}${']}'.repeat(10_000)}`) as Readonly<Record<string, unknown>>;
    await expect(house.control.setAutomation('rule', { id: 'deep', ...deep })).rejects.toMatchObject({ code: 'config/invalid' });
    await expect(house.control.changeZone('kueche', { options: { device: deep } })).rejects.toMatchObject({ code: 'config/invalid' });
    expect(await house.text()).toBe(written);
  });

  it('finishes what was asked for when it closes, and refuses the rest', async () => {
    const house = await open();
    const before = house.control.changes;
    const asked = ['One', 'Two', 'Three'].map((name) => house.control.addZone({ name }));
    expect(house.control.changes).not.toBe(before);
    const closed = house.control[Symbol.asyncDispose]();
    await expect(house.control.addZone({ name: 'Four' })).rejects.toMatchObject({ kind: 'unavailable', code: 'config/restarting' });
    await closed;
    expect((await house.zones()).map(({ id }) => id)).toEqual(['kueche', 'bathroom', 'one', 'two', 'three']);
    await Promise.all(asked);
  });

  it('does one change after the other', async () => {
    const house = await open();
    await Promise.all(['One', 'Two', 'Three'].map((name) => house.control.addZone({ name })));
    expect((await house.zones()).map(({ id }) => id)).toEqual(['kueche', 'bathroom', 'one', 'two', 'three']);
  });

  it('says when the file was changed by somebody else, and refuses to restart on one that cannot be used', async () => {
    const house = await open();
    let said = 0;
    house.control.events.on('changed', () => (said += 1));
    expect(house.control.restartRequired).toBe(false);
    await writeFile(house.path, `${written}zone: nonsense\n`);
    await house.clock.advance(15_000);
    await expect.poll(() => house.control.restartRequired).toBe(true);
    expect(said).toBe(1);
    await expect(house.control.restart()).rejects.toMatchObject({ code: 'config/invalid' });
    expect(house.restarts()).toBe(0);
    await house.control[Symbol.asyncDispose]();
    expect(house.clock.pending).toBe(0);
  });
});
