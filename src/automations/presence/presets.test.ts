import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { presetNames } from './preset-names.ts';
import { earsOf } from './presets.ts';
import { PresenceSource } from './settings.ts';

const sourceOf = (settings: Readonly<Record<string, unknown>>) => PresenceSource.parse({ id: 'one', kind: 'room', ...(settings['kind'] === undefined || settings['kind'] === 'room' ? { room: 'hall' } : { person: 'anna' }), ...settings });

/** Filters of presets have no more than single wildcards. */
const fits = (filter: string, topic: string) => new RegExp(`^${filter.replace(/[.*?^$(){}|[\]\\]/g, '\\$&').replaceAll('+', '[^/]+')}$`).test(topic);

/** What a source makes of a message: every reading as a short word. */
function read(settings: Readonly<Record<string, unknown>>, topic: string, payload: string): readonly string[] {
  return earsOf(sourceOf(settings))
    .filter(({ filter }) => fits(filter, topic))
    .flatMap((ear) => ear.read(topic, payload))
    .map((reading) => {
      switch (reading.type) {
        case 'presence':
          return `${reading.isPresent ? 'there' : 'nobody'}${reading.part === undefined ? '' : ` (${reading.part})`}${reading.at === undefined ? '' : ` at ${reading.at}`}`;
        case 'near':
          return `${reading.room} ${reading.distance ?? 'says so'}`;
        case 'availability':
          return `${reading.room === undefined ? '' : `${reading.room} `}${reading.isOnline ? 'online' : 'offline'}`;
        case 'unknown':
          return reading.hint === null ? 'unknown' : `unknown: ${reading.hint}`;
        default:
          return reading.type;
      }
    });
}

const pir = { preset: 'zigbee2mqtt', topic: 'zigbee2mqtt/Bathroom motion' };
const espresense = { preset: 'espresense', kind: 'tracker', topic: 'espresense/devices/irk:1234abcd' };
const rooms = { preset: 'espresense-room', topic: 'espresense/rooms/kitchen' };
const roomAssistant = { preset: 'room-assistant', kind: 'tracker', topic: 'room_presence', device: 'iBeacon:1-2' };
const owntracks = { preset: 'owntracks', kind: 'person', topic: 'owntracks/anna/phone' };
const tasmota = { preset: 'tasmota', topic: 'hall-pir' };
const frigate = { preset: 'frigate', topic: 'frigate/porch/person' };
const events = { preset: 'frigate-events', topic: 'frigate/events', zone: 'steps' };
const reviews = { preset: 'frigate-events', topic: 'frigate/reviews', camera: 'front' };
const statestream = { preset: 'statestream', kind: 'person', topic: 'ha/person/anna' };
const mirrored = { preset: 'home-assistant', kind: 'person', topic: 'presence/person/anna' };
const area = { preset: 'home-assistant', kind: 'tracker', topic: 'presence/sensor/anna_phone_area' };
const plain = { topic: 'home/hall' };

const frigateEvent = (type: string, after: Readonly<Record<string, unknown>> = {}) =>
  JSON.stringify({
    type,
    before: { id: '1607123955.475377-mxklsc', camera: 'front', label: 'person', current_zones: [], entered_zones: [] },
    after: { id: '1607123955.475377-mxklsc', camera: 'front', frame_time: 1607123962.082975, label: 'person', sub_label: null, top_score: 0.958984375, false_positive: false, start_time: 1607123955.475377, end_time: null, score: 0.87890625, box: [424, 500, 536, 712], area: 23744, stationary: false, current_zones: ['steps'], entered_zones: ['steps'], has_clip: false, has_snapshot: false, ...after },
  });
const review = (type: string, after: Readonly<Record<string, unknown>> = {}) =>
  JSON.stringify({ type, before: {}, after: { id: '1718987129.308396-fqk5ka', camera: 'front', start_time: 1718987129.308396, end_time: null, severity: 'detection', thumb_path: '/media/x.webp', data: { detections: ['1718987128.947436-g92ztx'], objects: ['person', 'car'], sub_labels: [], zones: [], audio: [] }, ...after } });
const place = (more: Readonly<Record<string, unknown>> = {}) => JSON.stringify({ _type: 'location', acc: 12, alt: 154, batt: 53, bs: 1, conn: 'w', lat: 52.5163, lon: 13.3777, t: 'u', tid: 'an', tst: 1700000000, vel: 0, inregions: ['Home'], ...more });
const transition = (more: Readonly<Record<string, unknown>> = {}) => JSON.stringify({ _type: 'transition', wtst: 1699990000, lat: 52.5163, lon: 13.3777, tst: 1700000100, acc: 20, tid: 'an', event: 'enter', desc: 'home', t: 'c', ...more });

describe('payloads as products write them', () => {
  it.each<readonly [string, Readonly<Record<string, unknown>>, string, string, readonly string[]]>([
    ['zigbee2mqtt PIR: motion', pir, 'zigbee2mqtt/Bathroom motion', '{"battery":88,"illuminance":12,"illuminance_lux":12,"linkquality":105,"occupancy":true,"voltage":3005}', ['there']],
    ['zigbee2mqtt PIR: clear', pir, 'zigbee2mqtt/Bathroom motion', '{"battery":88,"occupancy":false}', ['nobody']],
    ['zigbee2mqtt PIR: battery only', pir, 'zigbee2mqtt/Bathroom motion', '{"battery":88}', ['alive']],
    ['zigbee2mqtt PIR: not known yet', pir, 'zigbee2mqtt/Bathroom motion', '{"occupancy":null}', ['unknown']],
    ['zigbee2mqtt mmWave', pir, 'zigbee2mqtt/Bathroom motion', '{"presence":true,"target_distance":2.1,"illuminance_lux":3}', ['there']],
    ['zigbee2mqtt mmWave beside a PIR: presence decides', pir, 'zigbee2mqtt/Bathroom motion', '{"presence":true,"occupancy":false}', ['there']],
    ['zigbee2mqtt with a path of one\'s own', { ...pir, path: 'state_left', on: ['ON'] }, 'zigbee2mqtt/Bathroom motion', '{"state_left":"ON"}', ['there']],
    ['zigbee2mqtt availability, JSON', pir, 'zigbee2mqtt/Bathroom motion/availability', '{"state":"offline"}', ['offline']],
    ['zigbee2mqtt availability, older', pir, 'zigbee2mqtt/Bathroom motion/availability', 'online', ['online']],
    ['zigbee2mqtt: no JSON', pir, 'zigbee2mqtt/Bathroom motion', 'N/A', ['alive']],

    ['ESPresense device', espresense, 'espresense/devices/irk:1234abcd/living_room', '{"id":"irk:1234abcd","name":"Anna","idType":10,"rssi@1m":-71,"rssi":-79.1,"raw":1.93,"distance":1.82,"var":0.11,"int":1021}', ['living_room 1.82']],
    ['ESPresense device: no distance', espresense, 'espresense/devices/irk:1234abcd/living_room', '{"id":"irk:1234abcd"}', ['alive']],
    ['ESPresense device with the wildcard written out', { ...espresense, topic: 'espresense/devices/phone/+' }, 'espresense/devices/phone/attic', '{"distance":0.5}', ['attic 0.5']],
    ['ESPresense receiver', espresense, 'espresense/rooms/attic/status', 'offline', ['attic offline']],
    ['ESPresense room: motion', rooms, 'espresense/rooms/kitchen/motion', 'ON', ['there (motion)']],
    ['ESPresense room: radar', rooms, 'espresense/rooms/kitchen/radar', 'OFF', ['nobody (radar)']],
    ['ESPresense room: PIR', rooms, 'espresense/rooms/kitchen/pir', 'OFF', ['nobody (pir)']],
    ['ESPresense room: status', rooms, 'espresense/rooms/kitchen/status', 'online', ['online']],
    ['ESPresense room: telemetry', rooms, 'espresense/rooms/kitchen/telemetry', '{"uptime":1}', []],

    ['room-assistant', roomAssistant, 'room_presence/study', '{"id":"iBeacon:1-2","name":"Anna","distance":1.4}', ['study 1.4']],
    ['room-assistant by name', { ...roomAssistant, topic: 'room_presence/#', device: 'anna' }, 'room_presence/study', '{"id":"x","name":"Anna","distance":1.4}', ['study 1.4']],
    ['room-assistant: somebody else', roomAssistant, 'room_presence/study', '{"id":"iBeacon:9-9","distance":0.4}', []],

    ['OwnTracks: at home', owntracks, 'owntracks/anna/phone', place(), ['there at 1700000000000']],
    ['OwnTracks: in another region', owntracks, 'owntracks/anna/phone', place({ inregions: ['Work'] }), ['nobody at 1700000000000']],
    ['OwnTracks: in no region', owntracks, 'owntracks/anna/phone', JSON.stringify({ _type: 'location', acc: 12, tst: 1700000000 }), ['nobody at 1700000000000']],
    ['OwnTracks: not accurate enough to be believed', owntracks, 'owntracks/anna/phone', place({ acc: 1500, inregions: [] }), ['alive']],
    ['OwnTracks: enters', owntracks, 'owntracks/anna/phone/event', transition(), ['there at 1700000100000']],
    ['OwnTracks: leaves', { ...owntracks, topic: 'owntracks/anna/phone/event' }, 'owntracks/anna/phone/event', transition({ event: 'leave' }), ['nobody at 1700000100000']],
    ['OwnTracks: enters another region', owntracks, 'owntracks/anna/phone/event', transition({ desc: 'Work' }), ['alive']],
    ['OwnTracks: last will', owntracks, 'owntracks/anna/phone', '{"_type":"lwt","tst":1700000000}', []],

    ['Tasmota: switch', tasmota, 'stat/hall-pir/SWITCH1', 'ON', ['there']],
    ['Tasmota: switch as JSON', tasmota, 'stat/hall-pir/SWITCH1', '{"Action":"OFF"}', ['nobody']],
    ['Tasmota: result', tasmota, 'stat/hall-pir/RESULT', '{"Switch1":{"Action":"ON"}}', ['there']],
    ['Tasmota: sensor', tasmota, 'tele/hall-pir/SENSOR', '{"Time":"2026-11-22T03:00:00","Switch1":"ON"}', ['there']],
    ['Tasmota: another result', tasmota, 'stat/hall-pir/RESULT', '{"POWER":"ON"}', ['alive']],
    ['Tasmota: power', { ...tasmota, topic: 'stat/hall-pir/POWER' }, 'stat/hall-pir/POWER', 'OFF', ['nobody']],
    ['Tasmota: power in the result', { ...tasmota, topic: 'stat/hall-pir/POWER' }, 'stat/hall-pir/RESULT', '{"POWER":"ON"}', ['there']],
    ['Tasmota: value deep in the sensors', { ...tasmota, path: 'LD2410.Presence', on: [1] }, 'tele/hall-pir/SENSOR', '{"LD2410":{"Presence":1}}', ['there']],
    ['Tasmota: topics in another order', { ...tasmota, topic: 'hall-pir/%prefix%' }, 'hall-pir/stat/SWITCH1', 'ON', ['there']],
    ['Tasmota: gone', tasmota, 'tele/hall-pir/LWT', 'Offline', ['offline']],
    ['Tasmota: back', { ...tasmota, topic: 'tele/hall-pir/SENSOR' }, 'tele/hall-pir/LWT', 'Online', ['online']],

    ['Frigate: two people', frigate, 'frigate/porch/person', '2', ['there']],
    ['Frigate: nobody', frigate, 'frigate/porch/person', '0', ['nobody']],
    ['Frigate: no number', frigate, 'frigate/porch/person', '', []],
    ['Frigate ends', frigate, 'frigate/available', 'offline', ['offline']],
    ['Frigate event: somebody new', events, 'frigate/events', frigateEvent('new'), ['there (1607123955.475377-mxklsc)']],
    ['Frigate event: not in the zone yet', events, 'frigate/events', frigateEvent('update', { entered_zones: [] }), ['nobody (1607123955.475377-mxklsc)']],
    ['Frigate event: over', events, 'frigate/events', frigateEvent('end'), ['nobody (1607123955.475377-mxklsc)']],
    ['Frigate event: it was a coat', events, 'frigate/events', frigateEvent('update', { false_positive: true }), ['nobody (1607123955.475377-mxklsc)']],
    ['Frigate event: a dog', events, 'frigate/events', frigateEvent('new', { label: 'dog' }), ['alive']],
    ['Frigate event: another camera', { ...events, camera: 'back' }, 'frigate/events', frigateEvent('new'), ['alive']],
    ['Frigate review: new', reviews, 'frigate/reviews', review('new'), ['there (1718987129.308396-fqk5ka)']],
    ['Frigate review: over', reviews, 'frigate/reviews', review('end'), ['nobody (1718987129.308396-fqk5ka)']],

    ['statestream: home', statestream, 'ha/person/anna/state', 'home', ['there']],
    ['statestream: away', statestream, 'ha/person/anna/state', 'not_home', ['nobody']],
    ['statestream: in a zone', { ...statestream, topic: 'ha/person/anna/state' }, 'ha/person/anna/state', 'Work', ['nobody']],
    ['statestream: binary sensor', { preset: 'statestream', topic: 'ha/binary_sensor/hall_motion' }, 'ha/binary_sensor/hall_motion/state', 'on', ['there']],
    ['statestream: unavailable', statestream, 'ha/person/anna/state', 'unavailable', ['unknown']],
    ['Home Assistant person by automation', mirrored, 'presence/person/anna', 'home', ['there']],
    ['Home Assistant person, unknown', mirrored, 'presence/person/anna', 'unknown', ['unknown']],
    ['Home Assistant area of a phone (Bermuda)', area, 'presence/sensor/anna_phone_area', 'Living Room', ['Living Room says so']],
    ['Home Assistant area: nowhere', area, 'presence/sensor/anna_phone_area', 'unknown', ['gone']],
    ['Home Assistant area: integration away', area, 'presence/sensor/anna_phone_area', 'unavailable', ['unknown']],

    ['plain word', plain, 'home/hall', 'occupied', ['there']],
    ['plain JSON word', plain, 'home/hall', '"off"', ['nobody']],
    ['plain number', plain, 'home/hall', '1', ['there']],
    ['plain, a value of one\'s own', { ...plain, on: ['DETECTED', 7], off: ['QUIET'] }, 'home/hall', '7', ['there']],
    ['plain, neither of two lists', { ...plain, on: ['A'], off: ['B'] }, 'home/hall', 'C', ['alive']],
    ['plain, anything else is off', { ...plain, on: ['A'] }, 'home/hall', 'C', ['nobody']],
    ['plain with a path', { ...plain, path: 'data.zones.0' }, 'home/hall', '{"data":{"zones":["on"]}}', ['there']],
    ['plain, availability of one\'s own', { ...plain, availability: 'home/hall/lives' }, 'home/hall/lives', 'true', ['online']],
    ['plain tracker, room in the topic', { ...plain, kind: 'tracker', topic: 'ble/anna/+', roomFrom: 'topic:2' }, 'ble/anna/attic', '{"distance":3}', ['attic 3']],
    ['plain tracker, room in the payload', { ...plain, kind: 'tracker', topic: 'ble/anna', roomFrom: 'path:where' }, 'ble/anna', '{"where":"Attic"}', ['Attic says so']],
  ])('%s', (_, settings, topic, payload, wanted) => {
    expect(read(settings, topic, payload)).toEqual(wanted);
  });

  it('says what to do about what cannot be read', () => {
    expect(read(owntracks, 'owntracks/anna/phone', '{"_type":"encrypted","data":"AAAA"}')).toEqual([expect.stringMatching(/^unknown: OwnTracks .* encryption key/)]);
    expect(read(plain, 'home/hall', 'Mittagspause')).toEqual([expect.stringMatching(/^unknown: It says "Mittagspause".*"on"/)]);
  });

  it('lets the owner say where availability is', () => {
    expect(earsOf(sourceOf({ ...pir, availability: 'bridge/state' })).map(({ filter }) => filter)).toEqual(['zigbee2mqtt/Bathroom motion', 'bridge/state']);
  });

  it('is thrown off by no payload', () => {
    const all = presetNames.flatMap((preset) =>
      (['room', 'person', 'tracker'] as const).flatMap((kind) => {
        const parsed = PresenceSource.safeParse({ id: 'one', kind, room: 'hall', person: 'anna', preset, topic: 'a/b/c', device: 'd', camera: 'e', roomFrom: 'path:x' });
        return parsed.success ? [parsed.data] : [];
      }),
    );
    expect(new Set(all.map(({ preset }) => preset)).size).toBe(presetNames.length);
    const payload = fc.oneof(fc.string(), fc.json(), fc.constantFrom('{"_type":"location","inregions":{}}', '{"type":"new","after":{"id":1,"data":[]}}', '{"distance":"NaN"}', '[[[]]]', 'null', '{"Switch1":{}}'));
    fc.assert(
      fc.property(payload, fc.string(), (text, topic) => {
        for (const source of all) for (const ear of earsOf(source)) expect(Array.isArray(ear.read(topic, text))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('settings of a source', () => {
  it.each<readonly [string, Readonly<Record<string, unknown>>, RegExp]>([
    ['a room sensor without a room', { id: 'x', kind: 'room', topic: 'a' }, /says something about a room/],
    ['a person without a name', { id: 'x', kind: 'person', topic: 'a' }, /says something about a person/],
    ['a preset for something else', { id: 'x', kind: 'person', person: 'anna', preset: 'frigate', topic: 'a' }, /must be room with preset "frigate"/],
    ['a tracker that cannot know the room', { id: 'x', kind: 'tracker', person: 'anna', topic: 'a' }, /roomFrom|must know where the room is told/],
    ['room-assistant without a device', { id: 'x', kind: 'tracker', person: 'anna', preset: 'room-assistant', topic: 'a' }, /which one is it/],
    ['all cameras at once', { id: 'x', kind: 'room', room: 'hall', preset: 'frigate-events', topic: 'a' }, /which zone or camera/],
    ['half a wildcard', { id: 'x', kind: 'room', room: 'hall', topic: 'a/b+' }, /MQTT topic/],
  ])('%s is told', (_, settings, wanted) => {
    const parsed = PresenceSource.safeParse(settings);
    expect(parsed.success).toBe(false);
    expect(parsed.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join(' ')).toMatch(wanted);
  });
});
