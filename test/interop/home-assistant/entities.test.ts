import { describe, expect, it } from 'vitest';
import { until } from '../../scenario/house.ts';
import { inEachHome } from './each-home.ts';
import { bridgeEntities, events, type Expected, zoneEntities } from './expected.ts';
import { cover, zones, type Home } from './home.ts';

const settings = ({ contexts }: Home['cloud']) => ({
  presets: [{ name: 'Morning', uri: contexts.everything, volume: 20 }, { name: 'Evening', uri: contexts.everything, volume: 30 }],
});

await inEachHome('shows and drives every entity', settings, (stay) => {
  const devices: readonly [id: string, name: string, rows: readonly Expected[]][] = [...zones.map(({ id, name: zone }) => [id, zone, zoneEntities] as [string, string, readonly Expected[]]), ['tonearm', 'Tonearm', bridgeEntities]];
  for (const [id, device, rows] of devices) {
    describe(device, () => {
      it.each(rows.map((row) => [row.entity.replace('*', id), row] as const))('%s', async (entity, row) => {
        const entry = (await stay.client.entities()).find(({ entity_id }) => entity_id === entity);
        expect(entry).toMatchObject({ platform: 'mqtt', entity_category: row.category ?? null, disabled_by: row.disabled ? 'integration' : null });
        const owner = (await stay.client.devices()).find((one) => one.id === entry?.device_id);
        expect(owner).toMatchObject({ name: device, manufacturer: 'Tonearm' });
        if (row.disabled) return;
        expect(stay.client.states.get(entity)?.attributes).toMatchObject({ friendly_name: `${device} ${row.name}`, ...row.attributes });
      });

      it('has nothing else', async () => {
        const owner = (await stay.client.devices()).find((one) => one.name === device);
        const known = new Set(rows.map(({ entity }) => entity.replace('*', id)));
        const scenes = /^(scene\.|select\.\w+_account$)/;
        expect((await stay.client.entities()).filter(({ device_id, entity_id }) => device_id === owner?.id && !known.has(entity_id) && !scenes.test(entity_id)).map(({ entity_id }) => entity_id)).toEqual([]);
      });
    });
  }

  it('makes zones devices that hang on the bridge', async () => {
    const all = await stay.client.devices();
    const bridge = all.find(({ name: device }) => device === 'Tonearm');
    for (const { name: zone } of zones) expect(all.find((one) => one.name === zone)?.via_device_id).toBe(bridge?.id);
  });

  it('offers device triggers', async () => {
    const kitchen = (await stay.client.devices()).find((one) => one.name === 'Kitchen');
    const triggers = await stay.client.call<{ domain: string; type: string; subtype: string }[]>('device_automation/trigger/list', { device_id: kitchen?.id });
    const ours = triggers.filter(({ domain, type }) => domain === 'mqtt' && type === 'playback');
    expect(ours.map(({ subtype }) => subtype).sort()).toEqual([...events].sort());
  });

  const kitchen = (part: string) => part.replace('*', 'kitchen');
  const phone = () => stay.home.phone.cluster.playerState;

  it('plays a URI, shows it, and the phone sees it', async () => {
    await stay.client.act('text.set_value', 'text.kitchen_play_uri', { value: stay.home.cloud.contexts.everything });
    await stay.client.shows('sensor.kitchen_playback', 'playing', 30_000);
    await stay.client.shows('binary_sensor.kitchen_playing', 'on');
    await stay.client.shows('switch.kitchen_play', 'on');
    await stay.client.shows('sensor.kitchen_title', 'Tune One');
    await stay.client.shows('sensor.kitchen_artist', 'Test Bench');
    await stay.client.shows('sensor.kitchen_album', 'Fixtures');
    await stay.client.shows('sensor.kitchen_source', 'spotify');
    await stay.client.shows('binary_sensor.kitchen_spotify_session', 'on');
    await until('the phone sees it play', () => phone()?.isPlaying === true && phone()?.track?.metadata['title'] === 'Tune One');
  });

  it('shows the cover', async () => {
    // The picture may come a moment after the news that there is one.
    const get = async () => {
      const { attributes } = await stay.client.shows('image.kitchen_artwork', /^\d{4}-/, 30_000);
      return await stay.client.bytes(attributes['entity_picture'] as string);
    };
    let picture = await get();
    for (let tries = 0; picture.status !== 200 && tries < 60; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      picture = await get();
    }
    const { status, type, bytes } = picture;
    expect({ status, type }).toEqual({ status: 200, type: expect.stringMatching(/^image\//) });
    expect(Buffer.from(bytes).equals(cover)).toBe(true);
  });

  it('fires the event entity', async () => {
    const { attributes } = await stay.client.shows('event.kitchen_playback', /^\d{4}-/);
    expect(events).toContain(attributes['event_type']);
  });

  const commands: readonly [action: string, entity: string, data: object, shows: readonly (readonly [entity: string, state: string])[]][] = [
    ['switch.turn_off', 'switch.*_play', {}, [['sensor.*_playback', 'paused'], ['switch.*_play', 'off'], ['binary_sensor.*_playing', 'off']]],
    ['switch.turn_on', 'switch.*_play', {}, [['sensor.*_playback', 'playing'], ['switch.*_play', 'on']]],
    ['button.press', 'button.*_next', {}, [['sensor.*_title', 'Tune Two']]],
    ['number.set_value', 'number.*_volume', { value: 25 }, [['number.*_volume', '25']]],
    ['notify.send_message', 'notify.*_announce', { message: 'sound:chime' }, [['binary_sensor.*_announcing', 'on'], ['binary_sensor.*_announcing', 'off']]],
    ['switch.turn_on', 'switch.*_mute', {}, [['switch.*_mute', 'on']]],
    ['switch.turn_off', 'switch.*_mute', {}, [['switch.*_mute', 'off']]],
    ['switch.turn_on', 'switch.*_shuffle', {}, [['switch.*_shuffle', 'on']]],
    ['switch.turn_off', 'switch.*_shuffle', {}, [['switch.*_shuffle', 'off']]],
    ['select.select_option', 'select.*_repeat', { option: 'one' }, [['select.*_repeat', 'one']]],
    ['select.select_option', 'select.*_repeat', { option: 'all' }, [['select.*_repeat', 'all']]],
    ['select.select_option', 'select.*_repeat', { option: 'off' }, [['select.*_repeat', 'off']]],
    ['number.set_value', 'number.*_sleep_timer', { value: 30 }, [['number.*_sleep_timer', '30']]],
    ['number.set_value', 'number.*_sleep_timer', { value: 0 }, [['number.*_sleep_timer', '0']]],
    ['number.set_value', 'number.*_volume_cap', { value: 20 }, [['number.*_volume_cap', '20'], ['number.*_volume', '20']]],
    ['number.set_value', 'number.*_volume_cap', { value: 100 }, [['number.*_volume_cap', '100']]],
    ['select.select_option', 'select.*_preset', { option: 'Evening' }, [['select.*_preset', 'Evening'], ['number.*_volume', '30'], ['sensor.*_playback', 'playing']]],
    ['button.press', 'button.tonearm_pause_all', {}, [['sensor.*_playback', 'paused']]],
    ['select.select_option', 'select.tonearm_log_level', { option: 'info' }, [['select.tonearm_log_level', 'info']]],
    ['button.press', 'button.*_stop', {}, [['sensor.*_playback', 'off'], ['sensor.*_title', ''], ['select.*_source', 'off']]],
    ['select.select_option', 'select.*_source', { option: 'spotify' }, [['sensor.*_playback', 'playing'], ['select.*_source', 'spotify']]],
    ['select.select_option', 'select.*_source', { option: 'off' }, [['sensor.*_playback', 'off'], ['select.*_source', 'off']]],
  ];
  it.each(commands)('%s %s %o', async (action, entity, data, shows) => {
    await stay.client.act(action, kitchen(entity), data);
    for (const [shown, state] of shows) await stay.client.shows(kitchen(shown), state, 20_000);
  });

  it('goes to the previous track', async () => {
    await stay.client.act('select.select_option', 'select.kitchen_preset', { option: 'Morning' });
    await stay.client.shows('sensor.kitchen_playback', 'playing', 30_000);
    await stay.client.act('button.press', 'button.kitchen_next');
    await stay.client.shows('sensor.kitchen_title', 'Tune Two', 20_000);
    await stay.client.actUntil('button.press', 'button.kitchen_previous', 'sensor.kitchen_title', 'Tune One');
    await stay.client.act('button.press', 'button.kitchen_stop');
    await stay.client.shows('sensor.kitchen_playback', 'off', 20_000);
  });

  it('lets somebody else play', async () => {
    const select = 'select.kitchen_account';
    const offered = () => stay.client.states.get(select)?.attributes['options'] as readonly string[];
    const guests = 'vi***or';
    // Tried a second time, the guest is known already.
    const [owners = 'nobody', ...others] = offered().filter((one) => one !== guests);
    expect(others).toEqual([]);
    const guest = await stay.home.cloud.openPhone({ name: 'Guest phone', user: 'visitor' });
    // It hears of the new account and that it is the one that plays at the same moment.
    await stay.home.homeAssistant.held(async () => {
      expect(await guest.pair(stay.home.daemon.pairingUrl)).toMatchObject({ isOk: true });
      await stay.home.listener.until<{ account: string | null; connected: boolean }>('tonearm/kitchen/attributes', (shown) => shown.account === guests && shown.connected, 30_000);
    });
    await until('both accounts are offered', () => offered().length === 2, 30_000);
    for (const account of [guests, owners, guests, owners]) {
      await stay.client.act('select.select_option', select, { option: account });
      await stay.client.shows(select, account, 30_000);
      await stay.home.listener.until<{ account: string | null; connected: boolean }>('tonearm/kitchen/attributes', (shown) => shown.account === account && shown.connected, 30_000);
    }
  });

  it('has what was switched off work when somebody switches it on', async () => {
    const entities = zoneEntities.filter(({ disabled }) => disabled).map(({ entity }) => kitchen(entity));
    for (const entity_id of entities) await stay.client.call('config/entity_registry/update', { entity_id, disabled_by: null });
    await stay.client.act('select.select_option', 'select.kitchen_preset', { option: 'Morning' });
    // Home Assistant takes half a minute before it loads them.
    await stay.client.shows('sensor.kitchen_duration', '120', 120_000);
    await stay.client.shows('sensor.kitchen_position', (position) => Number(position) > 0, 30_000);
    await stay.client.shows('sensor.kitchen_spotify_user', /\S/, 30_000);
    await stay.client.shows('sensor.kitchen_bitrate', /^(96|160|320)$/, 30_000);
    await stay.client.shows('sensor.kitchen_codec', 'vorbis', 30_000);
    await stay.client.shows('select.kitchen_output', 'null', 30_000);
    await stay.client.act('select.select_option', 'select.kitchen_output', { option: 'null' });
    await stay.client.act('button.press', 'button.kitchen_stop');
    await stay.client.shows('sensor.kitchen_playback', 'off', 20_000);
  });

  it('left the other zone alone', () => {
    expect(stay.client.stateOf('sensor.living_room_playback')).toBe('off');
    expect(stay.client.stateOf('number.living_room_volume')).toBe('40');
  });
});
