import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { until } from '../../scenario/house.ts';
import type { Client } from './client.ts';
import { openHome, type Home } from './home.ts';
import { install, newest } from './install.ts';
import { blueprintFolder, snippets } from './papers.ts';

const installation = await install(newest);
const packages = Object.fromEntries(snippets('configuration.yaml').map((text, n) => [`packages/part_${n}.yaml`, text]));
const topic = 'tonearm/kitchen';
const playback = 'sensor.kitchen_playback';
const play = 'switch.kitchen_play';
const volume = 'number.kitchen_volume';

describe.skipIf(typeof installation === 'string')(`docs/home-assistant.md in Home Assistant ${newest.version}${typeof installation === 'string' ? `: ${installation}` : ''}`, () => {
  let home: Home;
  let client: Client;
  let uri: string;

  beforeAll(async () => {
    if (typeof installation === 'string') return;
    home = await openHome({
      installation,
      settings: ({ contexts }) => ({ presets: [{ name: 'Morning', uri: contexts.everything, volume: 20 }, { name: 'Evening', uri: contexts.everything, volume: 30 }], tags: {} }),
      configuration: 'automation: !include automations.yaml',
      files: { ...packages, 'automations.yaml': '[]', 'secrets.yaml': 'tts_authorization: "Bearer none"\n' },
      folders: { 'blueprints/automation/tonearm': blueprintFolder },
    });
    ({ client } = home.homeAssistant);
    uri = home.cloud.contexts.everything;
    await home.pairAll();
    await client.shows(playback, 'off', 60_000);
    await client.shows('sensor.living_room_playback', 'off', 60_000);
    // Only now is there an MQTT integration for them.
    await writeFile(join(home.homeAssistant.folder, 'config', 'automations.yaml'), snippets('automations.yaml').join('\n'));
    await client.act('automation.reload', null);
  }, 600_000);
  afterAll(() => home[Symbol.asyncDispose]());

  const set = (entity: string, state: string) => client.post(`/api/states/${entity}`, { state, attributes: { friendly_name: entity } });
  const dispatch = (payload: object) => client.act('mqtt.publish', null, { topic: `${topic}/set`, payload: JSON.stringify(payload) });
  const start = async () => {
    await dispatch({ volume: 40, play_uri: uri });
    await client.shows(playback, 'playing', 30_000);
  };
  const quiet = async () => {
    for (const zone of ['kitchen', 'living_room']) {
      await client.act('button.press', `button.${zone}_stop`);
      await client.shows(`sensor.${zone}_playback`, 'off', 30_000);
    }
  };

  describe('the universal media player', () => {
    const player = 'media_player.kitchen_speaker';
    const shows = (test: (attributes: Readonly<Record<string, unknown>>) => boolean, what: string) => until(what, () => test(client.states.get(player)?.attributes ?? {}), 20_000);

    it('plays what it is told, and obeys', async () => {
      await client.act('media_player.play_media', player, { media_content_id: uri, media_content_type: 'music' });
      await client.shows(player, 'playing', 30_000);
      await client.act('media_player.media_pause', player);
      await client.shows(player, 'paused');
      await client.act('media_player.media_play', player);
      await client.shows(player, 'playing');
      await client.act('media_player.media_next_track', player);
      await client.shows('sensor.kitchen_title', 'Tune Two');
      await client.actUntil('media_player.media_previous_track', player, 'sensor.kitchen_title', 'Tune One');
      await client.act('media_player.volume_set', player, { volume_level: 0.35 });
      await shows(({ volume_level }) => volume_level === 0.35, 'its volume is 0.35');
      await client.act('media_player.volume_up', player);
      await shows(({ volume_level }) => volume_level === 0.4, 'its volume is 0.4');
      await client.act('media_player.volume_down', player);
      await client.act('media_player.volume_mute', player, { is_volume_muted: true });
      await shows(({ is_volume_muted }) => is_volume_muted === true, 'it is muted');
      await client.act('media_player.volume_mute', player, { is_volume_muted: false });
      await client.act('media_player.shuffle_set', player, { shuffle: true });
      await shows(({ shuffle }) => shuffle === true, 'it shuffles');
      await client.act('media_player.shuffle_set', player, { shuffle: false });
      await client.act('media_player.repeat_set', player, { repeat: 'all' });
      await shows(({ repeat }) => repeat === 'all', 'it repeats');
      await client.act('media_player.repeat_set', player, { repeat: 'off' });
      await client.act('media_player.select_source', player, { source: 'Evening' });
      await shows(({ source, source_list }) => source === 'Evening' && JSON.stringify(source_list) === '["Morning","Evening"]', 'it plays a preset');
      await client.act('media_player.media_stop', player);
      await client.shows(player, 'off');
    });
  });

  it('names only entities there are, on the dashboard', () => {
    const text = snippets('dashboard').join('\n');
    expect(parse(text)).toMatchObject({ title: 'Music' });
    const named = [...text.matchAll(/\b(?:image|button|switch|number|select|sensor)\.kitchen_\w+/g)].map(([entity]) => entity);
    expect(named.length).toBeGreaterThan(6);
    expect(named.filter((entity) => !client.states.has(entity))).toEqual([]);
  });

  it('announces when the window is open, and tells who is at home', async () => {
    expect([...client.states.keys()].filter((entity) => entity.startsWith('automation.')).sort()).toEqual(['automation.tags_play_music', 'automation.tell_tonearm_who_is_at_home', 'automation.the_window_is_still_open']);
    await set('person.anna', 'not_home');
    await home.listener.until<string>('presence/person.anna/state', (text) => text === 'not_home', 30_000);
    const said = home.listener.next(({ topic: at, text }) => at === `${topic}/event` && text.includes('announcement_finished'), 60_000);
    await client.act('automation.trigger', 'automation.the_window_is_still_open');
    await said;
  });

  it('plays what a tag stands for that Home Assistant has read', async () => {
    const scan = () => client.post('/api/events/tag_scanned', { tag_id: '04-A2-19-7B', device_id: 'phone' });
    const outcome = (wanted: string) => until(`the tag is ${wanted}`, () => client.states.get('sensor.tonearm_last_tag')?.attributes['outcome'] === wanted, 30_000);
    await scan();
    await outcome('unknown');
    await start();
    await client.act('button.press', 'button.tonearm_learn_tag');
    await home.listener.until<{ readonly learning: object | null }>('tonearm/bridge/tags', ({ learning }) => learning !== null, 30_000);
    await scan();
    await outcome('learned');
    expect(client.stateOf('sensor.tonearm_last_tag')).toBe('04A2197B');
    await quiet();
    await scan();
    await outcome('played');
    await client.shows(playback, 'playing', 30_000);
    await quiet();
  });

  describe('blueprints', () => {
    let last = 0;
    let current = '';

    /** Makes an automation of a blueprint, as the dialogue does. */
    const use = async (blueprint: string, input: object) => {
      const id = `${blueprint}-${++last}`;
      await client.post(`/api/config/automation/config/${id}`, { alias: id, use_blueprint: { path: `tonearm/${blueprint}.yaml`, input } });
      current = `automation.${id.replaceAll('-', '_')}`;
      await client.shows(current, 'on', 30_000);
    };
    const isIdle = () => client.states.get(current)?.attributes['current'] === 0;

    afterEach(async () => {
      if (current !== '') await client.act('automation.turn_off', current);
      current = '';
      await quiet();
    });

    it('are ten, and Home Assistant finds nothing wrong with them', async () => {
      const files = readdirSync(blueprintFolder).map((name) => `tonearm/${name}`).sort();
      expect(files).toHaveLength(10);
      const known = await client.call<Record<string, { metadata?: unknown; error?: string }>>('blueprint/list', { domain: 'automation' });
      for (const file of files) expect(known[file]).toMatchObject({ metadata: { domain: 'automation' } });
    });

    it('wake-up: begins quietly and gets louder', async () => {
      await use('wake-up', { uri, topic, volume: 30, minutes: 0.05 });
      client.forget();
      await client.act('automation.trigger', current);
      await client.shows(playback, 'playing', 30_000);
      await client.shows(volume, '30', 30_000);
      const levels = client.changes.filter(({ entity_id }) => entity_id === volume).map(({ state }) => Number(state));
      expect(Math.min(...levels)).toBeLessThan(15);
    });

    it('doorbell-pause: pauses, and goes on', async () => {
      await set('binary_sensor.bell', 'off');
      await start();
      await use('doorbell-pause', { bell: 'binary_sensor.bell', playback, play, seconds: 5 });
      await set('binary_sensor.bell', 'on');
      await client.shows(playback, 'paused');
      await client.shows(playback, 'playing', 30_000);
    });

    it('doorbell-pause: stays silent when somebody has touched the music', async () => {
      await set('binary_sensor.bell', 'off');
      await start();
      await use('doorbell-pause', { bell: 'binary_sensor.bell', playback, play, seconds: 10 });
      await set('binary_sensor.bell', 'on');
      await client.shows(playback, 'paused');
      await home.phone.setVolume(20_000);
      await until('the phone changed it', () => client.states.get(playback)?.attributes['changed_by'] === 'phone');
      await until('the automation is over', isIdle, 60_000);
      expect(client.stateOf(playback)).toBe('paused');
    });

    it('motion-radio: plays while somebody is there', async () => {
      await set('binary_sensor.motion', 'off');
      await use('motion-radio', { motion: 'binary_sensor.motion', playback, stop: 'button.kitchen_stop', topic, uri, volume: 22, after: '00:00:00', before: '23:59:59', seconds: 1 });
      await set('binary_sensor.motion', 'on');
      await client.shows(playback, 'playing', 30_000);
      await client.shows(volume, '22');
      await set('binary_sensor.motion', 'off');
      await client.shows(playback, 'off', 30_000);
    });

    it('arrival-welcome: plays for the first one, not for a tracker that is found again', async () => {
      await set('person.anna', 'unavailable');
      await set('person.ben', 'not_home');
      await use('arrival-welcome', { people: ['person.anna', 'person.ben'], playback, topic, uri, volume: 24 });
      await set('person.anna', 'home');
      await set('person.anna', 'not_home');
      expect(client.stateOf(playback)).toBe('off');
      await set('person.ben', 'home');
      await client.shows(playback, 'playing', 30_000);
      await client.shows(volume, '24');
    });

    it('leave-stop: pauses when the last one has left', async () => {
      await set('person.anna', 'home');
      await set('person.ben', 'home');
      await start();
      await use('leave-stop', { people: ['person.anna', 'person.ben'], pause_all: 'button.tonearm_pause_all', seconds: 0 });
      client.forget();
      await set('person.anna', 'not_home');
      await set('person.ben', 'not_home');
      await client.shows(playback, 'paused', 30_000);
    });

    it('quiet-hours: limits the volume from then till then', async () => {
      await dispatch({ volume: 60 });
      await client.shows(volume, '60');
      const limits = ['number.kitchen_volume_cap', 'number.living_room_volume_cap'];
      await atTime('from', async (at) => use('quiet-hours', { limits, volume: 25, from: at, until: '00:00:00' }), () => limits.every((entity) => client.stateOf(entity) === '25'));
      await client.shows(volume, '25');
      await client.act('automation.turn_off', current);
      await atTime('until', async (at) => use('quiet-hours', { limits, volume: 25, from: '00:00:00', until: at }), () => limits.every((entity) => client.stateOf(entity) === '100'));
      await dispatch({ volume: 40 });
    });

    /** Sets it for a moment soon; for a later one when this machine was too slow. */
    const atTime = async (what: string, make: (at: string) => Promise<void>, isDone: () => boolean) => {
      for (const ahead of [6, 20, 60]) {
        const at = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone: 'Europe/Berlin' }).format(new Date(Date.now() + ahead * 1000));
        await make(at);
        const isIn = await until(what, isDone, (ahead + 10) * 1000).catch(() => false);
        if (isIn) return;
      }
      throw new Error(`Nothing happened at the time that was set (${what}).`);
    };

    it('sleep-timer-button: sets it and takes it back', async () => {
      await set('input_button.bedside', 'unknown');
      await start();
      await use('sleep-timer-button', { button: 'input_button.bedside', sleep_timer: 'number.kitchen_sleep_timer', minutes: 30 });
      await set('input_button.bedside', '2026-11-22T22:00:00+00:00');
      await client.shows('number.kitchen_sleep_timer', '30', 30_000);
      await set('input_button.bedside', '2026-11-22T22:00:05+00:00');
      await client.shows('number.kitchen_sleep_timer', '0', 30_000);
    });

    it('washing-done: announces it over the music', async () => {
      await set('sensor.washing_machine', '2');
      await start();
      await use('washing-done', { power: 'sensor.washing_machine', seconds: 1, topics: [topic] });
      const said = home.listener.next(({ topic: at, text }) => at === `${topic}/event` && text.includes('announcement_finished'), 60_000);
      await set('sensor.washing_machine', '500');
      await until('it waits for the end', () => !isIdle());
      await set('sensor.washing_machine', '3');
      await said;
      expect(client.stateOf(playback)).toBe('playing');
    });

    it('follow-me: takes the music along', async () => {
      await set('binary_sensor.living_room_presence', 'off');
      await start();
      await use('follow-me', { presence: 'binary_sensor.living_room_presence', playback, playback_here: 'sensor.living_room_playback', topic, zone: 'living_room' });
      await set('binary_sensor.living_room_presence', 'on');
      await client.shows('sensor.living_room_playback', 'playing', 30_000);
      await client.shows(playback, /^(off|idle|paused)$/, 30_000);
    });

    it('tv-pause: pauses while it is on', async () => {
      await set('media_player.tv', 'off');
      await start();
      await use('tv-pause', { tv: 'media_player.tv', playback, play, goes_on: true });
      await set('media_player.tv', 'on');
      await client.shows(playback, 'paused', 30_000);
      await set('media_player.tv', 'off');
      await client.shows(playback, 'playing', 30_000);
    });
  });

  it('has nothing to complain about', () => {
    const loggers = ['components.mqtt', 'components.automation', 'components.blueprint', 'components.template', 'components.universal', 'components.media_player', 'components.script', 'components.rest_command', 'helpers', 'config', 'core'];
    expect(home.homeAssistant.complaints(...loggers.map((name) => `homeassistant.${name}`))).toEqual([]);
  });
});
