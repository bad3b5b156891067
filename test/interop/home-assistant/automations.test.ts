import { expect, it } from 'vitest';
import { inEachHome } from './each-home.ts';
import type { Home } from './home.ts';
import { newest } from './install.ts';

/** Rules, alarms and scenes: entities there are only when there is something of the kind. */
const settings = ({ contexts }: Home['cloud']) => ({
  presets: [{ name: 'Morning', uri: contexts.everything, volume: 20 }, { name: 'Evening', uri: contexts.everything, volume: 30 }],
  automations: [{ id: 'tea', name: 'Tea time', zone: 'kitchen', when: [], then: [{ preset: 'Evening' }] }],
  alarms: [{ id: 'wake', name: 'Wake up', zone: 'kitchen', time: '06:30', play: 'Morning', volume: { start: 5, end: 20 }, fade: '0s' }],
  tags: { readers: [{ id: 'box', topic: 'box/SENSOR', zone: 'kitchen' }], known: [{ tag: '94-D8-FC-5F', play: 'Evening' }] },
});

await inEachHome('shows and drives automations', settings, (stay, release) => {
  const turn = async (entity: string) => {
    for (const state of ['off', 'on'] as const) {
      await stay.client.act(`switch.turn_${state}`, entity);
      await stay.client.shows(entity, state, 30_000);
    }
  };

  it('a rule is switched off and on, and run by hand', async () => {
    expect(stay.client.states.get('switch.tonearm_tea')?.attributes['friendly_name']).toBe('Tonearm Tea time');
    await turn('switch.tonearm_tea');
    await stay.client.act('button.press', 'button.tonearm_tea_run');
    await stay.client.shows('sensor.kitchen_playback', 'playing', 30_000);
    await stay.client.shows('select.kitchen_preset', 'Evening', 30_000);
    await stay.client.act('button.press', 'button.kitchen_stop');
    await stay.client.shows('sensor.kitchen_playback', 'off', 30_000);
  });

  it('all of them are switched, and guests are known', async () => {
    await turn('switch.tonearm_automations');
    await stay.client.act('switch.turn_on', 'switch.tonearm_guest_mode');
    await stay.client.shows('switch.tonearm_guest_mode', 'on', 30_000);
    await stay.client.act('switch.turn_off', 'switch.tonearm_guest_mode');
    await stay.client.shows('switch.tonearm_guest_mode', 'off', 30_000);
    await stay.client.shows('binary_sensor.tonearm_quiet_hours', 'off');
  });

  it('an alarm is set to another time, skipped, and switched', async () => {
    const before = stay.client.stateOf('sensor.tonearm_wake_next');
    if (release === newest) {
      await stay.client.act('time.set_value', 'time.tonearm_wake_time', { time: '07:15:00' });
      await stay.client.shows('time.tonearm_wake_time', /^07:15/, 30_000);
    } else {
      await stay.client.act('text.set_value', 'text.tonearm_wake_time', { value: '07:15' });
      await stay.client.shows('text.tonearm_wake_time', '07:15', 30_000);
    }
    const moved = (await stay.client.shows('sensor.tonearm_wake_next', (state) => state !== before && !Number.isNaN(Date.parse(state)), 30_000)).state;
    await stay.client.act('button.press', 'button.tonearm_wake_skip');
    const skipped = (await stay.client.shows('sensor.tonearm_wake_next', (state) => state !== moved, 30_000)).state;
    expect(Math.round((Date.parse(skipped) - Date.parse(moved)) / 3_600_000)).toBe(24);
    expect(stay.client.stateOf('sensor.tonearm_next_alarm')).toBe(skipped);
    await turn('switch.tonearm_wake');
  });

  it('an alarm rings, snoozes, and is stopped', async () => {
    await stay.client.shows('sensor.tonearm_wake_state', 'idle');
    await stay.client.act('mqtt.publish', null, { topic: 'tonearm/bridge/request/automation/run', payload: JSON.stringify({ id: 'wake' }) });
    await stay.client.shows('sensor.tonearm_wake_state', 'ringing', 30_000);
    await stay.client.shows('sensor.kitchen_playback', 'playing', 30_000);
    await stay.client.act('button.press', 'button.tonearm_wake_snooze');
    await stay.client.shows('sensor.tonearm_wake_state', 'snoozed', 30_000);
    await stay.client.shows('binary_sensor.kitchen_playing', 'off', 30_000);
    await stay.client.act('button.press', 'button.tonearm_wake_stop');
    await stay.client.shows('sensor.tonearm_wake_state', 'idle', 30_000);
  });

  it('a tag plays its preset, and stops when it is taken off', async () => {
    const lay = (uid: string | null) => stay.client.act('mqtt.publish', null, { topic: 'box/SENSOR', payload: JSON.stringify({ Time: '2026-11-22T10:00:00', PN532: { UID: uid, DATA: '' } }) });
    expect(stay.client.states.get('button.tonearm_learn_tag')?.attributes['friendly_name']).toBe('Tonearm Learn a tag');
    expect(stay.client.stateOf('sensor.tonearm_last_tag')).toBe('unknown');
    await lay('94D8FC5F');
    await stay.client.shows('sensor.kitchen_playback', 'playing', 30_000);
    await stay.client.shows('select.kitchen_preset', 'Evening', 30_000);
    await stay.client.shows('sensor.tonearm_last_tag', '94D8FC5F', 30_000);
    expect(stay.client.states.get('sensor.tonearm_last_tag')?.attributes).toMatchObject({ outcome: 'played', stands_for: 'Evening', reader: 'box', zone: 'kitchen' });
    await lay(null);
    await stay.client.shows('sensor.kitchen_playback', 'paused', 30_000);
    await stay.client.act('button.press', 'button.kitchen_stop');
    await stay.client.shows('sensor.kitchen_playback', 'off', 30_000);
  });

  it('a scene plays its preset; with one account in one zone, as Spotify wants it', async () => {
    await stay.client.act('scene.turn_on', 'scene.tonearm_morning');
    await stay.client.shows('sensor.living_room_playback', 'playing', 30_000);
    await stay.client.shows('select.living_room_preset', 'Morning', 30_000);
    await stay.client.act('button.press', 'button.tonearm_pause_all');
    await stay.client.shows('sensor.living_room_playback', 'paused', 30_000);
  });
});
