import { expect, it } from 'vitest';
import { checkOptions, isLive, type Options } from './options.ts';

const refused = async (options: Options, environment: Readonly<Record<string, string>> = {}) => {
  const error = await checkOptions(options, environment).then(() => null, (thrown: unknown) => thrown as { code: string; message: string });
  return error && [error.code, error.message];
};

it.each<Options>([
  { log: { level: 'debug', format: null } }, { log: null }, { quietHours: { between: '22:00-07:00', volume: 20 } }, { quietHours: null }, { presets: [{ name: 'Jazz', uri: 'spotify:album:1' }] },
  { mqtt: { queue: true, discovery: { entities: 'full' } } }, { accounts: { guests: 'ask' } }, { location: { latitude: 1, longitude: 2 } }, { network: { friendlyPorts: true } }, { holidays: { dates: [], countries: ['DE-BY'] } }, { discovery: { exclude: ['tun0'], responder: 'own' } }, {},
])('lets through %j', async (options) => {
  expect(await refused(options)).toBe(null);
});

it.each<[Options, string]>([
  [{ mqtt: { password: 'x' } }, 'secret'], [{ broker: { password: 'x' } }, 'secret'], [{ http: { keys: [] } }, 'secret'], [{ network: { proxy: 'http://x' } }, 'secret'], [{ store: { secret: 'x' } }, 'secret'],
  [{ network: null }, 'secret'], [{ mqtt: null }, 'shut you out'], [{ mqtt: { url: 'mqtt://elsewhere' } }, 'shut you out'], [{ mqtt: { prefix: 'x' } }, 'shut you out'], [{ mqtt: { verify: false } }, 'shut you out'], [{ mqtt: { discovery: { prefix: 'x' } } }, 'shut you out'],
  [{ broker: { enabled: false } }, 'shut you out'], [{ zones: [] }, 'player/add'], [{ automations: [] }, 'automation/set'], [{ alarms: null }, 'automation/set'], [{ presence: { people: [] } }, 'login at the broker'],
  [{ http: { host: '0.0.0.0' } }, 'doors'], [{ login: {} }, 'doors'], [{ discovery: { address: '0.0.0.0' } }, 'doors'], [{ discovery: { interfaces: [] } }, 'doors'], [{ discovery: { interfaces: null } }, 'doors'], [{ discovery: null }, 'doors'],
  [{ sounds: { folders: ['/'] } }, 'files of this machine'], [{ holidays: { files: ['/etc/passwd'] } }, 'files of this machine'], [{ holidays: { urls: ['https://example.org/a.ics'] } }, 'secrets are not sent around'], [{ holidays: null }, 'files of this machine'], [{ data: '/tmp' }, 'files of this machine'],
  [{ cloud: { directory: 'http://evil.example' } }, 'whoever can write the file'], [{ version: 1 }, 'whoever can write the file'],
])('refuses %j and says why', async (options, why) => {
  expect(await refused(options)).toEqual(['config/closed-option', expect.stringContaining(why)]);
});

it.each<[Options, string]>([
  [{ lgo: { level: 'debug' } }, 'There is no setting "lgo". Did you mean "log"?'], [{ log: { levl: 'debug' } }, 'There is no setting "log.levl". Did you mean "level"?'], [{ mqtt: { qeue: true } }, 'Did you mean "queue"?'],
  [{ log: { zzz: 1 } }, 'Known here: level, format.'], [JSON.parse('{"__proto__":{"a":1}}') as Options, 'There is no setting "__proto__".'], [{ constructor: 1 }, 'There is no setting "constructor".'],
])('names what is not there in %j, and what was probably meant', async (options, why) => {
  expect(await refused(options)).toEqual(['config/invalid', expect.stringContaining(why)]);
});

it('is not overwhelmed by depth', async () => {
  expect(await refused(JSON.parse(`${'{"log":'.repeat(5000)}1${'}'.repeat(5000)}`) as Options)).toEqual(['config/invalid', expect.stringContaining('"log.log"')]);
});

it('refuses what the environment sets, the group it is in or a part of it', async () => {
  expect(await refused({ log: { level: 'debug' } }, { TONEARM_CONFIG_LOG_LEVEL: 'info' })).toEqual(['config/set-by-environment', expect.stringContaining('TONEARM_CONFIG_LOG_LEVEL')]);
  expect(await refused({ log: null }, { TONEARM_CONFIG_LOG_LEVEL: 'info' })).toEqual(['config/set-by-environment', expect.any(String)]);
  expect(await refused({ log: { level: 'debug' } }, { TONEARM_CONFIG_LOG: '{ format: json }' })).toEqual(['config/set-by-environment', expect.any(String)]);
  expect(await refused({ presets: [] }, { TONEARM_CONFIG_PRESETS_0_NAME: 'Jazz' })).toEqual(['config/set-by-environment', expect.any(String)]);
  expect(await refused({ log: { format: 'json' } }, { TONEARM_CONFIG_LOG_LEVEL: 'info', TONEARM_CONFIG_LOGIN_PORT: '1' })).toBe(null);
});

it('knows what needs no restart', () => {
  expect([isLive({ log: { level: 'debug' } }), isLive({}), isLive({ log: { level: 'debug', format: 'json' } }), isLive({ log: null })]).toEqual([true, true, false, false]);
});
