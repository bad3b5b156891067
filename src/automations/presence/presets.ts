import type { PresetName } from './preset-names.ts';
import { at, listAt, meaningOf, numberAt, textAt, valueOf, type Reading } from './readings.ts';
import type { PresenceSource } from './settings.ts';

/** One filter to subscribe, and what its messages say. Reading never throws, whatever the payload. */
export interface Ear {
  readonly filter: string;
  read(topic: string, payload: string): readonly Reading[];
}

/** What a source listens to. */
export function earsOf(source: PresenceSource): readonly Ear[] {
  const ears = presets[source.preset](source);
  const { availability } = source;
  if (availability === undefined) return ears;
  // What the owner says goes before what the preset knows.
  return [...ears.filter((ear) => !isAvailability(ear)), availabilityEar(availability)];
}

const availabilityEars = new WeakSet<Ear>();
const isAvailability = (ear: Ear) => availabilityEars.has(ear);

/** `online`, `Online`, `{"state":"online"}`, `true`. With `roomOf` it is one receiver of many that speaks. */
function availabilityEar(filter: string, roomOf?: (topic: string) => string): Ear {
  const ear: Ear = {
    filter,
    read(topic, payload) {
      const value = valueOf(payload);
      const word = String(textAt(value, 'state') ?? value).toLowerCase();
      if (!['online', 'offline', 'true', 'false', 'on', 'off', 'alive', 'dead'].includes(word)) return [];
      return [{ type: 'availability', isOnline: ['online', 'true', 'on', 'alive'].includes(word), ...(roomOf && { room: roomOf(topic) }) }];
    },
  };
  availabilityEars.add(ear);
  return ear;
}

const lastLevel = (topic: string) => topic.slice(topic.lastIndexOf('/') + 1);
const without = (topic: string, ending: RegExp) => topic.replace(ending, '');

/** A value as an owner describes it: `undefined` where the message does not hold it. */
function stateOf(value: unknown, source: PresenceSource): readonly Reading[] {
  if (value === undefined) return [{ type: 'alive' }];
  const meaning = meaningOf(value, source);
  if (meaning === 'unknown') return [{ type: 'unknown', hint: null }];
  if (meaning !== null) return [{ type: 'presence', isPresent: meaning }];
  if (source.on && source.off) return [{ type: 'alive' }];
  return [{ type: 'unknown', hint: `It says ${JSON.stringify(value).slice(0, 60)}, of which nobody told what it means. Put the values that mean presence under "on" and the others under "off", or set "path".` }];
}

/** What is said about a room by name; no room known is silence, not absence. */
function roomNamed(value: unknown): readonly Reading[] {
  if (typeof value !== 'string') return value === null ? [{ type: 'gone' }] : [{ type: 'alive' }];
  const word = value.trim().toLowerCase();
  if (word === 'unavailable') return [{ type: 'unknown', hint: null }];
  return ['', 'unknown', 'not_home', 'none', 'null', 'away'].includes(word) ? [{ type: 'gone' }] : [{ type: 'near', room: value.trim(), distance: null }];
}

function near(value: unknown, room: string): readonly Reading[] {
  const distance = numberAt(value, 'distance');
  return distance === null || distance < 0 ? [{ type: 'alive' }] : [{ type: 'near', room, distance }];
}

function plain(source: PresenceSource): readonly Ear[] {
  const { kind, path, roomFrom, topic: filter } = source;
  if (kind !== 'tracker') {
    return [{ filter, read: (_, payload) => stateOf(path === undefined ? valueOf(payload) : at(valueOf(payload), path), source) }];
  }
  return [
    {
      filter,
      read(topic, payload) {
        const value = valueOf(payload);
        if (roomFrom?.startsWith('topic:') === true) {
          const room = topic.split('/')[Number(roomFrom.slice('topic:'.length))];
          if (room === undefined) return [];
          // Without a distance every receiver is as near as any other.
          const distance = typeof value === 'number' ? value : (at(value, path ?? 'distance') ?? 0);
          return near({ distance }, room);
        }
        const room = roomFrom?.startsWith('path:') === true ? at(value, roomFrom.slice('path:'.length)) : payload;
        const distance = path === undefined ? null : numberAt(value, path);
        return roomNamed(room).map((reading) => (reading.type === 'near' ? { ...reading, distance } : reading));
      },
    },
  ];
}

/** `zigbee2mqtt/<name>`: `{"occupancy":true,"battery":88}` or, of radar sensors, `{"presence":true}`. */
function zigbee2mqtt(source: PresenceSource): readonly Ear[] {
  return [
    {
      filter: source.topic,
      read(_, payload) {
        const value = valueOf(payload);
        return stateOf(source.path === undefined ? (at(value, 'presence') ?? at(value, 'occupancy')) : at(value, source.path), source);
      },
    },
    availabilityEar(`${source.topic}/availability`),
  ];
}

/** `espresense/devices/<id>/<room>`: `{"id":"…","distance":1.4,"rssi":-70}`; receivers tell of themselves on `espresense/rooms/<room>/status`. */
function espresense({ topic }: PresenceSource): readonly Ear[] {
  const device = without(topic, /\/[+#]$/);
  const base = device.split('/').slice(0, -2).join('/') || 'espresense';
  return [
    { filter: `${device}/+`, read: (heard, payload) => near(valueOf(payload), lastLevel(heard)) },
    availabilityEar(`${base}/rooms/+/status`, (heard) => heard.split('/').at(-2) ?? ''),
  ];
}

/** `espresense/rooms/<room>/motion`, `/pir`, `/radar`: `ON`, `OFF`. Each is a sensor of its own. */
function espresenseRoom({ topic }: PresenceSource): readonly Ear[] {
  const sensor = (part: string): Ear => ({
    filter: `${topic}/${part}`,
    read(_, payload) {
      const meaning = meaningOf(payload, {});
      return typeof meaning === 'boolean' ? [{ type: 'presence', isPresent: meaning, part }] : [];
    },
  });
  return [sensor('motion'), sensor('pir'), sensor('radar'), availabilityEar(`${topic}/status`)];
}

/** `room_presence/<room>`: `{"id":"…","name":"…","distance":1.4}`, every device on the same topic. */
function roomAssistant({ topic, device = '' }: PresenceSource): readonly Ear[] {
  return [
    {
      filter: `${without(topic, /\/[+#]$/)}/+`,
      read(heard, payload) {
        const value = valueOf(payload);
        const isIts = [textAt(value, 'id'), textAt(value, 'name')].some((name) => name?.toLowerCase() === device.toLowerCase());
        return isIts ? near(value, lastLevel(heard)) : [];
      },
    },
  ];
}

/** `owntracks/<user>/<device>` and `/event` below it (owntracks.org, JSON). */
function owntracks(source: PresenceSource): readonly Ear[] {
  const region = source.region.toLowerCase();
  const read = (_: string, payload: string): readonly Reading[] => {
    const value = valueOf(payload);
    const seconds = numberAt(value, 'tst');
    const when = seconds === null ? {} : { at: seconds * 1000 };
    const isIts = (name: unknown) => typeof name === 'string' && name.toLowerCase() === region;
    switch (textAt(value, '_type')) {
      case 'encrypted':
        return [{ type: 'unknown', hint: 'OwnTracks sends its messages encrypted, so nobody but the app can read them. Take the encryption key out of the app (Preferences, Connection) and use TLS to the broker instead.' }];
      case 'location':
        if ((numberAt(value, 'acc') ?? 0) > source.accuracy) return [{ type: 'alive', ...when }];
        return [{ type: 'presence', isPresent: listAt(value, 'inregions').some(isIts), ...when }];
      case 'transition': {
        const event = textAt(value, 'event');
        if (!isIts(at(value, 'desc')) || (event !== 'enter' && event !== 'leave') || (numberAt(value, 'acc') ?? 0) > source.accuracy) return [{ type: 'alive', ...when }];
        return [{ type: 'presence', isPresent: event === 'enter', ...when }];
      }
      default:
        return []; // last wills, waypoints, cards: the phone says nothing about where it is
    }
  };
  const device = without(source.topic, /\/event$/);
  const event: Ear = { filter: `${device}/event`, read };
  return device === source.topic ? [{ filter: device, read }, event] : [event];
}

/** `stat/<device>/POWER`, `/SWITCH1`, `/RESULT`, `tele/<device>/SENSOR`, `/LWT`; `%prefix%` stands where another full topic has it. */
function tasmota(source: PresenceSource): readonly Ear[] {
  const whole = /^(stat|tele)\/(.+)\/([^/]+)$/.exec(source.topic);
  const pattern = whole ? `%prefix%/${whole[2]}` : source.topic.includes('%prefix%') ? without(source.topic, /\/$/) : `%prefix%/${source.topic}`;
  const topic = (prefix: 'stat' | 'tele', leaf: string) => `${pattern.replace('%prefix%', prefix)}/${leaf}`;
  const named = whole?.[3] ?? 'SWITCH1';
  const path = source.path ?? (['RESULT', 'SENSOR', 'STATE'].includes(named) ? 'SWITCH1' : named);
  const inside = (_: string, payload: string): readonly Reading[] => {
    const found = at(valueOf(payload), path);
    return stateOf(typeof found === 'object' && found !== null ? (at(found, 'Action') ?? at(found, 'State')) : found, source);
  };
  return [
    ...(path.includes('.') ? [] : [{ filter: topic('stat', path.toUpperCase()), read: (_: string, payload: string) => stateOf(at(valueOf(payload), 'Action') ?? valueOf(payload), source) }]),
    { filter: topic('stat', 'RESULT'), read: inside },
    { filter: topic('tele', 'SENSOR'), read: inside },
    availabilityEar(topic('tele', 'LWT')),
  ];
}

/** `frigate/<camera or zone>/<object>`: how many there are. Nothing is said again until it changes. */
function frigate(source: PresenceSource): readonly Ear[] {
  const [base = 'frigate'] = source.topic.split('/');
  return [
    {
      filter: source.topic,
      read(_, payload) {
        const count = Number(payload.trim() === '' ? NaN : payload);
        return Number.isFinite(count) ? [{ type: 'presence', isPresent: count > 0 }] : [];
      },
    },
    availabilityEar(`${base}/available`),
  ];
}

/** `frigate/events` and `frigate/reviews`: `{"type":"new|update|end","before":{},"after":{…}}`. Each object, or review, is somebody of its own. */
function frigateEvents({ topic, camera, zone, object }: PresenceSource): readonly Ear[] {
  const [base = 'frigate'] = topic.split('/');
  return [
    {
      filter: topic,
      read(_, payload) {
        const value = valueOf(payload);
        const id = textAt(value, 'after.id');
        const isReview = typeof at(value, 'after.data') === 'object' && listAt(value, 'after.data.objects').length > 0;
        const isIts = isReview ? listAt(value, 'after.data.objects').includes(object) : textAt(value, 'after.label') === object;
        if (id === null || !isIts || (camera !== undefined && textAt(value, 'after.camera') !== camera)) return [{ type: 'alive' }];
        const isInZone = zone === undefined || listAt(value, isReview ? 'after.data.zones' : 'after.entered_zones').includes(zone);
        return [{ type: 'presence', isPresent: textAt(value, 'type') !== 'end' && isInZone && at(value, 'after.false_positive') !== true, part: id }];
      },
    },
    availabilityEar(`${base}/available`),
  ];
}

/** State of a Home Assistant entity as plain text: `home`, `not_home`, a zone's name, `on`, `off`, an area, `unavailable`. */
function homeAssistant(source: PresenceSource): readonly Ear[] {
  const { kind, topic: filter } = source;
  return [
    {
      filter,
      read(_, payload) {
        const value = valueOf(payload);
        const word = typeof value === 'string' ? value : payload;
        if (kind === 'tracker') return roomNamed(word);
        // A person who is in another zone has its name for a state.
        return stateOf(word, kind === 'person' && !source.on && !source.off ? { ...source, on: ['home', 'on'] } : source);
      },
    },
  ];
}

/** `<base>/<domain>/<object>/state` of Home Assistant's `mqtt_statestream`. */
function statestream(source: PresenceSource): readonly Ear[] {
  return homeAssistant({ ...source, topic: source.topic.endsWith('/state') ? source.topic : `${source.topic}/state` });
}

const presets: Readonly<Record<PresetName, (source: PresenceSource) => readonly Ear[]>> = {
  plain,
  zigbee2mqtt,
  espresense,
  'espresense-room': espresenseRoom,
  'room-assistant': roomAssistant,
  owntracks,
  tasmota,
  frigate,
  'frigate-events': frigateEvents,
  statestream,
  'home-assistant': homeAssistant,
};
