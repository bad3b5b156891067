import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { synthesise } from '../../../src/audio/test-kit/tune.ts';
import { encodeWav } from '../../../src/audio/test-kit/wav.ts';
import { until } from '../../scenario/house.ts';
import { freePort, retainedAt } from '../mqtt-peers.ts';
import type { Client, FlowStep } from './client.ts';
import { cover, openHome, zones, type Home } from './home.ts';
import { install, newest, older } from './install.ts';
import { Stranger } from './stranger.ts';

const source = fileURLToPath(new URL('../../../addon/custom_components/tonearm', import.meta.url));
const address = '192.0.2.2';
const keys = { control: 'c'.repeat(43), read: 'r'.repeat(43), spare: 's'.repeat(43) };

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** As `until`, of what has to be asked for. */
async function eventually<T>(what: string, ask: () => Promise<T | null | undefined | false>, limit = 30_000): Promise<T> {
  for (const end = performance.now() + limit; ; ) {
    const value = await ask();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`It never came true that ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** An engine of speech for tests: whatever it is to say, it plays a recording. */
const voice = {
  'custom_components/voice/manifest.json': JSON.stringify({ domain: 'voice', name: 'Voice', version: '1.0.0', codeowners: [], dependencies: [], documentation: '', iot_class: 'local_push', requirements: [] }),
  'custom_components/voice/__init__.py': '',
  'custom_components/voice/tts.py': `
from pathlib import Path
from homeassistant.components.tts import Provider

async def async_get_engine(hass, config, discovery_info=None):
    return Voice(hass)

class Voice(Provider):
    name = "Voice"
    default_language = "en"
    supported_languages = ["en"]

    def __init__(self, hass):
        self.hass = hass

    def get_tts_audio(self, message, language, options):
        return "mp3", Path(self.hass.config.path("voice.mp3")).read_bytes()
`,
};

for (const release of [newest, older]) {
  const installation = await install(release);
  const title = `our integration in Home Assistant ${release.version}`;
  if (typeof installation === 'string') {
    describe.skip(`${title}: ${installation}`, () => it('is there', () => undefined));
    continue;
  }
  describe(title, () => {
    let home: Home;
    let client: Client;
    let folder: string;
    let url: string;
    let stranger: Stranger;
    /** The key it was set up with is not valid any more, from the next start on. */
    let isTakenBack = false;
    const player = 'media_player.kitchen';
    const attributes = () => client.states.get(player)?.attributes ?? {};
    const media = (id: string, extra: object = {}, type = 'music') => client.act('media_player.play_media', player, { media_content_id: id, media_content_type: type, ...extra });
    /** How long something was said, in ms, since the last `forget`. */
    const announced = () => {
      const told = client.changes.filter(({ entity_id }) => entity_id === player);
      const from = told.find(({ attributes: { announcing } }) => announcing === true);
      const to = told.findLast(({ attributes: { announcing } }) => announcing === false);
      return Date.parse(to?.last_updated ?? '') - Date.parse(from?.last_updated ?? '');
    };
    const flows = async () => (await client.call<{ flow_id: string; handler: string; step_id: string; context: { source: string } }[]>('config_entries/flow/progress')).filter(({ handler }) => handler === 'tonearm');
    const entry = async () => (await client.call<{ entry_id: string; domain: string; state: string }[]>('config_entries/get')).find(({ domain }) => domain === 'tonearm');
    const shows = (what: string, test: (attributes: Readonly<Record<string, unknown>>) => boolean) =>
      until(what, () => test(attributes()), 10_000).catch(() => {
        throw new Error(`The player never showed ${what}: ${JSON.stringify(client.states.get(player))}`);
      });

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tonearm-integration-'));
      await writeFile(join(folder, 'bell.wav'), encodeWav(synthesise(1), 44_100));
      const port = await freePort();
      stranger = await Stranger.open(keys.control, await freePort());
      url = `http://127.0.0.1:${port}`;
      home = await openHome({
        installation,
        reach: [port, Number(new URL(stranger.url).port)],
        address,
        configuration: 'media_source:\ndiagnostics:\nrepairs:\nzeroconf:\ntts: [{platform: voice}]',
        files: voice,
        folders: { 'custom_components/tonearm': source, media: folder, 'voice.mp3': fileURLToPath(new URL('../../fixtures/audio/cbr.mp3', import.meta.url)) },
        settings: ({ contexts }) => ({
          http: { port, keys: [...(isTakenBack ? [] : [{ name: 'Home Assistant', key: keys.control, scope: 'control' }]), { name: 'Reader', key: keys.read }, { name: 'Spare', key: keys.spare, scope: 'control' }] },
          presets: [{ id: 'morning', name: 'Morning', uri: contexts.everything, volume: 20 }, { id: 'bath', name: 'Bath', uri: contexts.everything, zones: ['living_room'] }],
        }),
      });
      ({ client } = home.homeAssistant);
      await home.pairAll();
    }, 600_000);
    afterAll(async () => {
      await home[Symbol.asyncDispose]();
      await stranger[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    it.each<[what: string, url: () => string, key: string, errors: FlowStep['errors']]>([
      ['what is no address', () => 'ftp://kitchen', keys.control, { url: 'invalid_address' }],
      ['where nobody is', () => 'http://127.0.0.1:9', keys.control, { base: 'cannot_connect' }],
      ['no key', () => url, ' ', { api_key: 'invalid_auth' }],
      ['a wrong key', () => url, 'x'.repeat(43), { api_key: 'invalid_auth' }],
      ['a key that only reads', () => url, keys.read, { api_key: 'only_reads' }],
    ])('refuses %s', async (_, address, key, errors) => {
      expect(await client.addIntegration('tonearm', { url: address(), api_key: key })).toMatchObject({ type: 'form', errors });
    });

    it('finds it in the network, wants a key, and is set up', async () => {
      const answer = await fetch(`${url}/api/v1/info`, { headers: { Authorization: `Bearer ${keys.read}` } });
      const { id, name } = (await answer.json()) as { id: string; name: string };
      const port = new URL(url).port;
      const { machine } = home.homeAssistant;
      const relay = machine.start(process.execPath, [program('../lan-relay.mjs'), `${address}:${port}=${port}`]);
      await relay.said('relaying');
      const announcer = machine.start(process.execPath, [program('announce.mjs'), address, port, JSON.stringify({ id, name, api: '1', scheme: 'http' })]);
      await announcer.said('announced');
      const found = await eventually('it is found', async () => (await flows()).find(({ context }) => context.source === 'zeroconf'));
      expect(found).toMatchObject({ step_id: 'key', context: { title_placeholders: { name } } });
      const go = (key: string) => client.post<FlowStep>(`/api/config/config_entries/flow/${found.flow_id}`, { api_key: key });
      expect(await go(keys.read)).toMatchObject({ type: 'form', errors: { api_key: 'only_reads' } });
      expect(await go(` ${keys.control}\n`)).toMatchObject({ type: 'create_entry', title: name });
      await client.shows(player, 'idle');
      await announcer.stop();
    });

    it('is not set up twice', async () => {
      client.forget();
      expect(await client.addIntegration('tonearm', { url, api_key: keys.control })).toMatchObject({ type: 'abort', reason: 'already_configured' });
      // Its address is the one that was entered, from now on, so it is loaded again.
      await until('it is loaded again', () => client.changes.some(({ entity_id, state }) => entity_id === player && state === 'unavailable'));
      await client.shows(player, 'idle');
    });

    it('shows each zone as a player on a device that hangs on the bridge', async () => {
      const entities = await client.entities();
      const devices = (await client.devices()).filter(({ identifiers }) => identifiers.some(([domain]) => domain === 'tonearm'));
      const bridge = devices.find(({ model }) => model === 'Bridge');
      for (const { id, name } of zones) {
        const entry = entities.find(({ entity_id }) => entity_id === `media_player.${id}`);
        expect(entry).toMatchObject({ platform: 'tonearm' });
        expect(devices.filter((device) => device.name === name)).toEqual([expect.objectContaining({ id: entry?.device_id, via_device_id: bridge?.id, manufacturer: 'Tonearm', sw_version: expect.any(String) })]);
      }
      expect(devices).toHaveLength(1 + zones.length);
      expect(attributes()).toMatchObject({ friendly_name: 'Kitchen', device_class: 'speaker', source_list: ['Morning'], volume_level: 0.4 });
    });

    it('plays a URI, with everything there is to show of it', async () => {
      await media(home.cloud.contexts.everything, { extra: { volume: 30 } });
      await client.shows(player, 'playing', 30_000);
      await shows('the first track', ({ media_title }) => media_title === 'Tune One');
      expect(attributes()).toMatchObject({ media_artist: 'Test Bench', media_album_name: 'Fixtures', media_content_type: 'music', media_duration: 120, app_name: 'Spotify', volume_level: 0.3, changed_by: expect.any(String), started_by: 'home-assistant' });
      const picture = await client.bytes(String(attributes()['entity_picture']));
      expect(picture.bytes.equals(cover)).toBe(true);
      await until('the phone sees it play', () => home.phone.cluster.playerState?.isPlaying === true);
    });

    it('tells where the track is', async () => {
      const { media_position: position, media_position_updated_at: measured } = attributes();
      const now = Number(position) + (Date.now() - Date.parse(String(measured))) / 1000;
      expect(now).toBeGreaterThan(0);
      expect(now).toBeLessThan(60);
      await client.act('media_player.media_seek', player, { seek_position: 70 });
      await shows('the place', ({ media_position }) => Math.abs(Number(media_position) - 70) < 2);
    });

    it.each<[action: string, data: object, state: string, test: (attributes: Readonly<Record<string, unknown>>) => boolean]>([
      ['media_pause', {}, 'paused', () => true],
      ['media_play', {}, 'playing', () => true],
      ['media_play_pause', {}, 'paused', () => true],
      ['media_play_pause', {}, 'playing', () => true],
      ['media_next_track', {}, 'playing', ({ media_title }) => media_title === 'Tune Two'],
      ['media_next_track', {}, 'playing', ({ media_title }) => media_title === 'Tune Three'],
      ['volume_set', { volume_level: 0.5 }, 'playing', ({ volume_level }) => volume_level === 0.5],
      ['volume_up', {}, 'playing', ({ volume_level }) => volume_level === 0.55],
      ['volume_mute', { is_volume_muted: true }, 'playing', ({ is_volume_muted }) => is_volume_muted === true],
      ['volume_mute', { is_volume_muted: false }, 'playing', ({ is_volume_muted }) => is_volume_muted === false],
      ['shuffle_set', { shuffle: true }, 'playing', ({ shuffle }) => shuffle === true],
      ['shuffle_set', { shuffle: false }, 'playing', ({ shuffle }) => shuffle === false],
      ['repeat_set', { repeat: 'one' }, 'playing', ({ repeat }) => repeat === 'one'],
      ['repeat_set', { repeat: 'all' }, 'playing', ({ repeat }) => repeat === 'all'],
      ['repeat_set', { repeat: 'off' }, 'playing', ({ repeat }) => repeat === 'off'],
      ['turn_off', {}, 'idle', ({ media_title }) => media_title === undefined],
      ['select_source', { source: 'Morning' }, 'playing', ({ source: playing, volume_level }) => playing === 'Morning' && volume_level === 0.2],
    ])('media_player.%s %j', async (action, data, state, test) => {
      await client.act(`media_player.${action}`, player, data);
      await client.shows(player, state, 20_000);
      await shows(`${action} done`, test);
    });

    it('lists presets and sounds to choose from, and plays what was chosen', async () => {
      const root = await client.call<{ children: { title: string; media_content_id: string; media_content_type: string }[] }>('media_player/browse_media', { entity_id: player });
      expect(root.children[0]).toMatchObject({ title: 'Morning', media_content_id: 'morning', media_content_type: 'preset' });
      const sounds = await client.call<{ children: { title: string }[] }>('media_player/browse_media', { entity_id: player, media_content_type: 'app', media_content_id: 'media-source://media_source' });
      expect(sounds.children.map(({ title }) => title)).toEqual(['bell.wav']);
      await media('morning', {}, 'preset');
      await shows('the preset', ({ source: playing }) => playing === 'Morning');
    });

    it('says something over the music: a sound of Home Assistant, behind its signed address', async () => {
      client.forget();
      await media('media-source://media_source/local/bell.wav', { announce: true, extra: { volume: 35, chime: true } });
      await until('it is announced, and over', () => {
        const seen = client.changes.filter(({ entity_id }) => entity_id === player).map(({ attributes: { announcing } }) => announcing);
        return seen.includes(true) && seen.at(-1) === false;
      });
      expect(client.stateOf(player)).toBe('playing');
      const events = () => client.changes.filter(({ entity_id }) => entity_id === 'event.kitchen_playback').map(({ attributes: { event_type } }) => event_type);
      await until('it is told', () => events().includes('announcement_finished'));
      expect(events()).not.toContain('error');
      // The chime, a second of bell.
      expect(announced()).toBeGreaterThan(2500);
    });

    it('speaks over the music, when Home Assistant is told to', async () => {
      client.forget();
      await client.act('tts.voice_say', null, { entity_id: player, message: 'Dinner is ready' });
      await until('it has spoken', () => client.changes.filter(({ entity_id, attributes: { event_type } }) => entity_id === 'event.kitchen_playback' && event_type === 'announcement_finished').length > 0);
      expect(client.changes.some(({ attributes: { event_type } }) => event_type === 'error')).toBe(false);
      // Eight seconds, as it came.
      expect(announced()).toBeGreaterThan(7000);
      expect(client.stateOf(player)).toBe('playing');
    });

    it('says in its log what could not be said', async () => {
      await media('http://127.0.0.1:9/nothing.mp3', { announce: true });
      await until('it is told', () => home.homeAssistant.complaints('custom_components.tonearm').some(({ level, text }) => level === 'WARNING' && text.startsWith('Kitchen: ')));
    });

    it('puts a track behind what plays', async () => {
      await shows('the first track', ({ media_title }) => media_title === 'Tune One');
      await media(home.cloud.catalogue.get('Tune Three').uri, { enqueue: 'add' });
      for (const title of ['Tune Three', 'Tune Two']) {
        await client.act('media_player.media_next_track', player);
        await shows(title, ({ media_title }) => media_title === title);
      }
    });

    it.each([
      ['what Tonearm refuses', () => media('nothing at all'), /nothing at all|URI|link/i],
      ['a preset that is not there', () => client.act('media_player.select_source', player, { source: 'Bath' }), /There is no preset “Bath” here/],
      ['a volume that is none', () => media(home.cloud.contexts.everything, { extra: { volume: 'loud' } }), /“volume” is a number from 0 to 100, not “loud”/],
      ['a place that is none', () => media(home.cloud.contexts.everything, { extra: { at: 'soon' } }), /“at” is a number/],
      ['a preset in the queue', () => media('morning', { enqueue: 'add' }, 'preset'), /neither announced nor queued/],
      ['what is not known', () => media(home.cloud.contexts.everything, { extra: { chime: true } }), /does not go with this: chime/],
    ])('says why not: %s', async (_, act, why) => {
      await expect(act()).rejects.toThrow(why);
    });

    it('shows what is wrong under Repairs until it is over', async () => {
      const issues = async () => (await client.call<{ issues: { domain: string; severity: string; translation_key: string; translation_placeholders: Record<string, string> | null }[] }>('repairs/list_issues')).issues.filter(({ domain }) => domain === 'tonearm');
      expect(await issues()).toEqual([]);
      home.cloud.faults.set('access-point/key-refuse');
      // What it has of the tracks before is forgotten.
      await home.restartDaemon();
      await client.shows(player, /^(idle|paused)$/, 20_000);
      await media(home.cloud.contexts.everything);
      const [issue] = await eventually('it is told', async () => ((list) => (list.length > 0 ? list : null))(await issues()));
      expect(issue).toMatchObject({ severity: 'warning', translation_key: 'zone', translation_placeholders: { name: 'Kitchen', message: expect.stringContaining('refuses audio keys') } });
      home.cloud.faults.clear();
      await media(home.cloud.contexts.everything);
      await client.shows(player, 'playing', 30_000);
      await eventually('it is over', async () => (await issues()).length === 0);
    });

    it('gives diagnostics without keys and names', async () => {
      const { bytes } = await client.bytes(`/api/diagnostics/config_entry/${(await entry())?.entry_id ?? ''}`);
      const text = bytes.toString();
      expect(JSON.parse(text)).toMatchObject({ data: { connected: true, scope: 'control', entry: { api_key: '**REDACTED**' }, zones: [{ id: 'kitchen', state: { account: '**REDACTED**' } }, { id: 'living_room' }] } });
      expect(text).not.toContain(keys.control);
    });

    it('is unavailable while Tonearm is away, and right again when it is back, with one zone less', async () => {
      await home.restartDaemon({
        zones: zones.slice(0, 1),
        signal: 'SIGKILL',
        between: async () => {
          await client.shows(player, 'unavailable');
          await client.shows('media_player.living_room', 'unavailable');
        },
      });
      await client.shows(player, /^(idle|paused)$/, 20_000);
      await eventually('the other one is gone', async () => !(await client.entities()).some(({ entity_id }) => entity_id === 'media_player.living_room'));
      // A daemon that ends before it has taken everything back takes it back again, and Home Assistant finds nothing there any more.
      await eventually('nothing of it is on the broker', async () => (await retainedAt(home.broker.url, 'tonearm/living_room/#')).size === 0);
      await home.restartDaemon();
      await client.shows(player, /^(idle|paused)$/, 20_000);
    });

    it('asks for a new key when its own was taken back', async () => {
      isTakenBack = true;
      await home.restartDaemon({ zones: zones.slice(0, 1) });
      const asked = await eventually('it asks', async () => (await flows()).find(({ context }) => context.source === 'reauth'));
      expect(client.stateOf(player)).toBe('unavailable');
      const go = (key: string) => client.post<FlowStep>(`/api/config/config_entries/flow/${asked.flow_id}`, { api_key: key });
      expect(await go(keys.control)).toMatchObject({ errors: { api_key: 'invalid_auth' } });
      expect(await go(keys.spare)).toMatchObject({ type: 'abort', reason: 'reauth_successful' });
      await client.shows(player, /^(idle|paused)$/);
    });

    it.each(['everybody', 'false'] as const)('is not taken in by what only pretends to be a Tonearm (%s), and tells it no key', async (manner) => {
      stranger.manner = manner;
      stranger.asked.length = 0;
      expect(await client.addIntegration('tonearm', { url: stranger.url, api_key: keys.control })).toMatchObject({ type: 'form', errors: { base: 'cannot_connect' } });
      expect(stranger.asked).toHaveLength(manner === 'false' ? 2 : 1);
      expect(JSON.stringify(stranger.asked)).not.toContain(keys.control);
    });

    it('begins anew when a daemon says what nobody understands', async () => {
      stranger.manner = 'odd';
      expect(await client.addIntegration('tonearm', { url: stranger.url, api_key: keys.control })).toMatchObject({ type: 'create_entry', title: 'Stranger' });
      await client.shows('media_player.odd', 'idle');
      for (const frame of ['no JSON', '[]', '{}', '7', '{"kind":"zone"}', '{"kind":"zone","zone":{"id":"odd"}}', '{"kind":"answer"}', '{"kind":"presets"}']) {
        const before = stranger.hellos;
        stranger.say(frame);
        await until(`it comes again after ${frame}`, () => stranger.hellos > before);
        await client.shows('media_player.odd', 'idle');
      }
      const before = stranger.hellos;
      for (const frame of ['{"kind":"whatever"}', '{"kind":"answer","id":99,"ok":{}}', Buffer.from('bytes')]) stranger.say(frame);
      stranger.say(JSON.stringify({ kind: 'presets', presets: [{ id: 'one', name: 'One', uri: 'spotify:album:one' }] }));
      await until('it goes on listening', () => (client.states.get('media_player.odd')?.attributes['source_list'] as string[] | undefined)?.[0] === 'One');
      expect(stranger.hellos).toBe(before);
      const odd = (await client.call<{ entry_id: string; title: string }[]>('config_entries/get')).find(({ title: name }) => name === 'Stranger');
      await client.remove(`/api/config/config_entries/entry/${odd?.entry_id ?? ''}`);
    });

    it('goes without a trace', async () => {
      const { entry_id: id = '' } = (await entry()) ?? {};
      await client.remove(`/api/config/config_entries/entry/${id}`);
      expect((await client.entities()).filter(({ platform }) => platform === 'tonearm')).toEqual([]);
      expect(client.stateOf(player)).toBeUndefined();
    });

    it('has nothing to complain about', () => {
      // What the tests themselves bring about, and the older one's own echo when a device of MQTT goes.
      const isExpected = /not been tested|^Kitchen: /;
      const isEcho = (text: string) => release === older && text.startsWith('No device components to cleanup');
      const complaints = home.homeAssistant.complaints('custom_components', 'homeassistant').filter(({ logger, text }) => /tonearm/i.test(`${logger} ${text}`) && !logger.includes('websocket_api') && !isExpected.test(text) && !isEcho(text));
      expect(complaints).toEqual([]);
    });
  });
}
