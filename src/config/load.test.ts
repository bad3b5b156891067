import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { firstConfiguration, writeFirstConfiguration } from './first-run.ts';
import { loadConfig } from './load.ts';
import { defaultLocations } from './locations.ts';
import { ConfigError, formatProblem } from './problem.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'tonearm-config-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

async function load(text: string, environment: Record<string, string> = {}) {
  const path = join(folder, 'configuration.yaml');
  await writeFile(path, text);
  return (await loadConfig({ path, environment, defaultData: '/data' })).config;
}

/** Every problem as people see it, without the folder. */
async function problems(text: string, environment: Record<string, string> = {}) {
  const error: unknown = await load(text, environment).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).problems.map((problem) => formatProblem(problem).replace(`${folder}/`, ''));
}

describe('a configuration that is fine', () => {
  it.each(['', '# only words\n', 'version: 1\n', 'zones:\n'])('may be as empty as %j', async (text) => {
    const config = await load(text);
    expect(config.zones).toEqual([
      {
        id: 'tonearm',
        name: 'Tonearm',
        output: { kind: 'auto', release: 10 },
        bitrate: 320,
        normalisation: 'off',
        volume: { initial: 50, curve: 'log' },
        discovery: { port: 0 },
        device: 'speaker',
      },
    ]);
    expect(config).toMatchObject({ data: '/data', broker: { enabled: true, port: 1883 }, log: { level: 'info', format: 'text' }, discovery: { interfaces: [], exclude: [], address: '::', responder: 'auto' } });
    expect(config.mqtt).toBeUndefined();
  });

  it('keeps what is written', async () => {
    const config = await load('zones:\n  - { name: Küche, bitrate: 160, normalisation: off, output: { kind: pipe, path: /tmp/x } }\n  - { name: Bad, id: bath }\ndata: ./kept\n');
    expect(config.zones.map(({ id, name }) => [id, name])).toEqual([['kueche', 'Küche'], ['bath', 'Bad']]);
    expect(config.zones[0]).toMatchObject({ bitrate: 160, normalisation: 'off', output: { kind: 'pipe', path: '/tmp/x' } });
    expect(config.data).toBe(join(folder, 'kept'));
  });

  it('takes numbers as they are written where a text is wanted', async () => {
    const config = await load('zones: [{ name: 1.50 }]\nmqtt: { url: "mqtt://h", password: 0123, username: true, version: 5 }');
    expect(config.zones[0]).toMatchObject({ name: '1.50', id: '1-50' });
    expect(config.mqtt).toMatchObject({ username: 'true', version: '5' });
    expect(config.mqtt?.password?.reveal()).toBe('0123');
  });

  it('listens on loopback only when only loopback is chosen', async () => {
    expect((await load('discovery: { interfaces: [lo] }')).discovery.address).toBe('127.0.0.1');
    expect((await load('discovery: { interfaces: [lo, eth0] }')).discovery.address).toBe('::');
    expect((await load('discovery: { interfaces: [lo], address: 127.0.0.2 }')).discovery.address).toBe('127.0.0.2');
  });

  it('takes secrets from the file beside it and from the environment', async () => {
    await writeFile(join(folder, 'secrets.yaml'), 'broker_password: hunter2\nbroker_client: 0123\n');
    const config = await load('mqtt:\n  url: "mqtt://${BROKER}:${PORT:-1883}"\n  username: a$${b}\n  password: !secret broker_password\n  clientId: !secret broker_client\n', { BROKER: '192.0.2.10' });
    expect(config.mqtt).toMatchObject({ url: 'mqtt://192.0.2.10:1883', username: 'a${b}', clientId: '0123' });
    expect(config.mqtt?.password?.reveal()).toBe('hunter2');
    expect(JSON.stringify(config)).not.toContain('hunter2');
  });

  it('is overridden by the environment, also in lists and with separators in names', async () => {
    await writeFile(join(folder, 'password'), '0123\n');
    const config = await load('zones: [{ name: Kitchen }]\nlog: { level: warn }', {
      TONEARM_CONFIG: '/elsewhere',
      TONEARM_CONFIG_ZONES_0_NAME: 'Bath',
      TONEARM_CONFIG_ZONES_0_VOLUME_INITIAL: '30',
      TONEARM_CONFIG_ZONES_1_NAME: '12',
      TONEARM_CONFIG_MQTT_URL: 'mqtt://192.0.2.11',
      TONEARM_CONFIG_MQTT_CLIENT_ID: '0042',
      TONEARM_CONFIG_MQTT_DISCOVERY_ENABLED: 'false',
      TONEARM_CONFIG_MQTT_PASSWORD_FILE: join(folder, 'password'),
      TONEARM_CONFIG_ZONES_0_OUTPUT: '{ kind: "null" }',
      TONEARM_CONFIG_DISCOVERY_INTERFACES: '[lo]',
    });
    expect(config.zones.map(({ id }) => id)).toEqual(['bath', '12']);
    expect(config.zones[0]).toMatchObject({ volume: { initial: 30, curve: 'log' }, output: { kind: 'null' } });
    expect(config.mqtt).toMatchObject({ url: 'mqtt://192.0.2.11', clientId: '0042', discovery: { enabled: false, prefix: 'homeassistant' } });
    expect(config.mqtt?.password?.reveal()).toBe('0123');
    expect(config.log.level).toBe('warn');
    expect(config.discovery.interfaces).toEqual(['lo']);
    expect(await readFile(join(folder, 'configuration.yaml'), 'utf8')).not.toContain('Bath');
  });

  it('points at another cloud with certificates from a file', async () => {
    await writeFile(join(folder, 'ca.pem'), '-----BEGIN CERTIFICATE-----\n');
    const { cloud } = await load('cloud: { directory: "http://127.0.0.1:8001", certificates: ca.pem }');
    expect(cloud).toEqual({
      directory: 'http://127.0.0.1:8001',
      clientToken: 'https://clienttoken.spotify.com',
      login5: 'https://login5.spotify.com',
      accounts: 'https://accounts.spotify.com',
      certificates: '-----BEGIN CERTIFICATE-----\n',
    });
  });
});

describe('a configuration that is wrong', () => {
  it('gets every problem said at once, each with its place and what was probably meant', async () => {
    const text = `version: 1
zoness: []
zones:
  - name: Kitchen
    outpt: { kind: auto }
    bitrate: 256
    normalisation: albun
    volume:
      initial: loud
      curve: log
  - id: Kitchen
    output:
      kind: speeker
mqtt:
  url: http://192.0.2.10
  pasword: x
log: { level: verbose }
`;
    expect(await problems(text)).toEqual([
      'configuration.yaml:6:14: zones[0].bitrate: must be 96, 160 or 320, but is 256.',
      'configuration.yaml:7:20: zones[0].normalisation: must be off, track or album, but is "albun". Did you mean "album"?',
      'configuration.yaml:9:16: zones[0].volume.initial: must be a number, but is "loud".',
      'configuration.yaml:5:5: zones[0].outpt: there is no setting of this name. Did you mean "output"?',
      'configuration.yaml:11:5: zones[1].name: a text is missing.',
      'configuration.yaml:11:9: zones[1].id: must be 1 to 40 lower-case letters, digits, "-" and "_", beginning and ending with a letter or digit.',
      expect.stringMatching(/^configuration.yaml:13:13: zones\[1\].output.kind: must be auto, .* or "null", but is "speeker". Did you mean "speaker"\?$/),
      'configuration.yaml:15:8: mqtt.url: write the address of the broker as mqtt://host:1883, mqtts://host:8883, ws://host/path or wss://host/path.',
      'configuration.yaml:16:3: mqtt.pasword: there is no setting of this name. Did you mean "password"?',
      'configuration.yaml:17:15: log.level: must be trace, debug, info, warn or error, but is "verbose".',
      'configuration.yaml:2:1: zoness: there is no setting of this name. Did you mean "zones"?',
    ]);
  });

  it.each([
    ['zones: kitchen', 'configuration.yaml:1:8: zones: must be a list (each entry beginning with "- "), but is "kitchen".'],
    ['zones: []', 'configuration.yaml:1:8: zones: needs at least 1 of these.'],
    ['- a\n- b', 'configuration.yaml:1:1: the file must hold settings of the form "name: value".'],
    ['just words', 'configuration.yaml:1:1: the file must hold settings of the form "name: value".'],
    ['version: 2', 'configuration.yaml:1:10: version: must be 1, but is 2.'],
    ['zones: [{ name: A }, { name: a }]', 'configuration.yaml:1:30: zones[1].name: has the same id as zones[0], "a". Give one of them another name, or an "id" of its own.'],
    ['zones: [{ name: A, id: bridge }]', 'configuration.yaml:1:24: zones[0].id: must not be one of "bridge", "group": the topic tree needs these itself.'],
    ['mqtt:\n  url: mqtt://h\n  password: !secret nothing', 'configuration.yaml:3:21: mqtt.password: the secret "nothing" is not in secrets.yaml beside this file.'],
    ['data: ${NOWHERE}', 'configuration.yaml:1:7: data: there is no variable "NOWHERE" in the environment. (Write $${NOWHERE} if the text itself is meant.)'],
    ['broker: { port: 70000 }', 'configuration.yaml:1:17: broker.port: must be 65535 or less, but is 70000.'],
    ['zones: [{ name: "" }]', 'configuration.yaml:1:17: zones[0].name: must not be empty.'],
    ['zones: [{ name: null }]', 'configuration.yaml:1:17: zones[0].name: a text is missing.'],
    ['zones: [{ name: ~ }]', 'configuration.yaml:1:17: zones[0].name: a text is missing.'],
    ['zones:\n  - name:', 'configuration.yaml:2:10: zones[0].name: a text is missing.'],
    ['zones: [{ name: A, output: { kind: pipe, path: null } }]', 'configuration.yaml:1:48: zones[0].output.path: a text is missing.'],
    ['zones: [{ name: A, output: { kind: null } }]', 'configuration.yaml:1:36: zones[0].output.kind: is missing; it can be auto, speaker, aplay, pacat, pipe or "null".'],
    ['accounts: { owners: [null] }', 'configuration.yaml:1:22: accounts.owners[0]: must be a text, but is null.'],
  ])('%j is explained', async (text, said) => {
    expect(await problems(text)).toEqual([said]);
  });

  it('says where YAML itself is broken, and only that', async () => {
    const said = await problems('zones:\n  - name: "Kitchen\n');
    expect(said[0]).toMatch(/^configuration\.yaml:\d+:\d+: /);
    expect(said.join()).not.toContain('zones');
    expect((await problems('log: { level: info }\nlog: { level: warn }'))[0]).toMatch(/^configuration.yaml:2:1: .*unique/);
  });

  it('names the variable when the environment is wrong', async () => {
    expect(await problems('', { TONEARM_CONFIG_LOG_LEVEL: 'loud', TONEARM_CONFIG_MQTT_ULR: 'x', TONEARM_CONFIG_ZONES_0_NAME_FILE: '/nowhere' })).toEqual([
      'environment variable TONEARM_CONFIG_MQTT_ULR: there is no setting of this name. Did you mean "TONEARM_CONFIG_MQTT_URL"?',
      'environment variable TONEARM_CONFIG_ZONES_0_NAME_FILE: the file "/nowhere" cannot be read (ENOENT).',
      'environment variable TONEARM_CONFIG_LOG_LEVEL: log.level: must be trace, debug, info, warn or error, but is "loud".',
    ]);
  });

  it('never shows a password', async () => {
    const said = await problems('mqtt: { url: "mqtt://h", password: [planted] }');
    expect(said.join()).not.toContain('planted');
  });

  it('is told apart from a file that is not there', async () => {
    await expect(loadConfig({ path: join(folder, 'none.yaml'), environment: {}, defaultData: '/data' })).rejects.toMatchObject({ code: 'config/file-missing' });
  });

  it('survives anything, with typed errors only', async () => {
    const word = fc.constantFrom('zones', 'name', 'mqtt', 'url', '- ', ': ', '{', '}', '[', ']', '"', '\n', '  ', '&a', '*a', '!secret', '${X}', '|', '#', '\t', 'null', '1', '<<');
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.array(word, { maxLength: 40 }).map((words) => words.join('')), fc.string({ unit: 'binary' })), async (text) => {
        try {
          await load(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('does not follow aliases without end', async () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]', ...'bcdefgh'.split('').map((letter, index) => `${letter}: &${letter} [${Array(10).fill(`*${'abcdefg'[index] ?? 'a'}`).join(', ')}]`)].join('\n');
    expect((await problems(bomb)).join()).toContain('more than 20000 values');
  });
});

describe('the first start', () => {
  it('leaves a valid, private file behind, once', async () => {
    const path = join(folder, 'a', 'b', 'configuration.yaml');
    expect(await writeFirstConfiguration(path)).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await writeFile(path, 'version: 1\n');
    expect(await writeFirstConfiguration(path)).toBe(false);
    expect(await readFile(path, 'utf8')).toBe('version: 1\n');
    expect(await readdir(join(folder, 'a', 'b'))).toEqual(['configuration.yaml']);
  });

  it('writes what the defaults are: the same as it stands and with every comment sign taken away', async () => {
    await writeFile(join(folder, 'secrets.yaml'), 'mqtt_password: x');
    const { mqtt, ...plain } = await load(firstConfiguration);
    const { mqtt: shown, ...bare } = await load(firstConfiguration.replace(/^(\s*)#(?! )/gm, '$1'));
    expect(mqtt).toBeUndefined();
    expect(shown).toMatchObject({ url: 'mqtt://192.0.2.10:1883' });
    expect(bare).toEqual(plain);
    expect(plain).toEqual({ ...(await load('')), mqtt: undefined, cloud: undefined });
  });

  it('is where the XDG rules say', () => {
    expect(defaultLocations({}, '/home/me')).toEqual({ config: '/home/me/.config/tonearm/configuration.yaml', data: '/home/me/.local/share/tonearm' });
    expect(defaultLocations({ XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: 'relative' }, '/home/me')).toEqual({ config: '/c/tonearm/configuration.yaml', data: '/home/me/.local/share/tonearm' });
  });
});
