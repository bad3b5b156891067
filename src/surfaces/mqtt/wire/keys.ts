import { type Command, Uri } from '#core';
import type { Action } from './action.ts';
import { badValue, MqttError } from './error.ts';
import { isObject, toChange, toNumber, toSwitch, toWord } from './values.ts';

export interface KeyRow {
  /** For docs/mqtt.md. */
  readonly forms: string;
  readonly example: string;
  /** For the sentence when it is not understood. */
  readonly expected: string;
  readonly supported: boolean;
}

const later = (forms: string, example: string): KeyRow => ({ forms, example, expected: forms, supported: false });
const works = (forms: string, example: string, expected = forms): KeyRow => ({ forms, example, expected, supported: true });

/** Every key `<zone>/set` knows, working or not yet. */
export const writableKeys: Readonly<Record<string, KeyRow>> = {
  play: works('ON, OFF, TOGGLE', 'ON'),
  state: works('playing, paused, stopped', 'paused'),
  next: works('anything', 'PRESS'),
  previous: works('anything', 'PRESS'),
  stop: works('anything', 'PRESS'),
  volume: works('0 to 100, or a step such as +5 or -5', '35'),
  volume_level: works('0 to 1', '0.35', 'a number from 0 to 1'),
  mute: works('ON, OFF, TOGGLE', 'OFF'),
  shuffle: works('ON, OFF, TOGGLE', 'ON'),
  repeat: works('off, all, one', 'all'),
  seek: works('seconds from the start, or a step such as +10 or -10', '62.5'),
  play_uri: works('a URI', 'spotify:album:6akEvsycLGftJxYudPjmqK', 'a URI of 1 to 2048 characters'),
  play_media: works(
    'JSON: `media_id`, optional `enqueue` (play, replace, next, add) and `volume`',
    '{"media_id":"spotify:track:11dFghVXANMlKmJXsNCbNl","volume":25}',
    'an object with media_id, and optionally enqueue (play, replace, next, add), volume (0 to 100) and media_type',
  ),
  preset: later('id or name of a preset', 'Morning'),
  announce: later('what to announce', '{"url":"http://…"}'),
  sleep_timer: later('minutes', '30'),
  fade: later('target and seconds', '{"to":30,"seconds":600}'),
  transfer: later('the zone to move to', '{"to":"bathroom"}'),
  volume_cap: later('0 to 100', '60'),
  output: later('name of an output', 'speaker'),
};

/** What one key asks for, and what it competes with: one part per slot. */
export interface Part {
  readonly slot: 'volume' | 'mute' | 'shuffle' | 'repeat' | 'seek' | 'load' | 'transport';
  readonly action: Action;
}

/** `null`: the value is not understood; an error: it is, and cannot be done. */
type Parse = (value: unknown) => readonly Part[] | MqttError | null;

/** One per supported key of `writableKeys`. */
export const parsers: Readonly<Record<string, Parse>> = {
  play: (value) => {
    const on = toSwitch(value);
    if (on === null) return null;
    return transport(on === 'toggle' ? { kind: 'toggle', what: 'play' } : command({ kind: on ? 'play' : 'pause' }));
  },
  state: (value) => {
    const kind = states.get(toWord(value) ?? '');
    return kind ? transport(command({ kind })) : null;
  },
  next: button({ kind: 'next' }),
  previous: button({ kind: 'previous' }),
  stop: button({ kind: 'stop' }),
  volume: (value) => {
    const change = toChange(value);
    if (!change) return null;
    if (change.relative) return Math.abs(change.number) <= 100 ? [{ slot: 'volume', action: { kind: 'volume-by', by: change.number } }] : null;
    return change.number <= 100 ? level(change.number / 100) : null;
  },
  volume_level: (value) => {
    const number = toNumber(value);
    return number !== null && number >= 0 && number <= 1 ? level(number) : null;
  },
  mute: (value) => {
    const on = toSwitch(value);
    if (on === null) return null;
    return [{ slot: 'mute', action: on === 'toggle' ? { kind: 'toggle', what: 'mute' } : command({ kind: 'mute', muted: on }) }];
  },
  shuffle: (value) => {
    const on = toSwitch(value);
    if (on === null) return null;
    return [{ slot: 'shuffle', action: on === 'toggle' ? { kind: 'toggle', what: 'shuffle' } : command({ kind: 'shuffle', on }) }];
  },
  repeat: (value) => {
    const mode = repeats.get(toWord(value) ?? '');
    return mode ? [{ slot: 'repeat', action: command({ kind: 'repeat', mode }) }] : null;
  },
  seek: (value) => {
    const change = toChange(value);
    if (!change || Math.abs(change.number) > longest) return null;
    const millis = Math.round(change.number * 1000);
    return [{ slot: 'seek', action: change.relative ? { kind: 'seek-by', by: millis } : command({ kind: 'seek', to: millis }) }];
  },
  play_uri: (value) => {
    const uri = Uri.safeParse(typeof value === 'string' ? value.trim() : value);
    return uri.success ? [{ slot: 'load', action: command({ kind: 'play', uri: uri.data }) }] : null;
  },
  play_media: parseMedia,
};

/** Seconds: a day, longer than anything that can be sought in. */
const longest = 86_400;

const states: ReadonlyMap<string, 'play' | 'pause' | 'stop'> = new Map([
  ['playing', 'play'],
  ['paused', 'pause'],
  ['stopped', 'stop'],
  ['idle', 'stop'],
  ['off', 'stop'],
] as const);

const repeats: ReadonlyMap<string, 'off' | 'track' | 'queue'> = new Map([
  ['off', 'off'],
  ['one', 'track'],
  ['all', 'queue'],
] as const);

function command(value: Command): Action {
  return { kind: 'command', command: value };
}

function transport(action: Action): readonly Part[] {
  return [{ slot: 'transport', action }];
}

/** Level 0 to 1. */
function level(value: number): readonly Part[] {
  return [{ slot: 'volume', action: command({ kind: 'volume', level: value }) }];
}

/** Pressed by any value; a JSON `false` or `null` is somebody's way of not pressing. */
function button(pressed: Command): Parse {
  return (value) => (value === false || value === null ? [] : transport(command(pressed)));
}

/** Home Assistant's play_media as our topics take it (home-integrations.md §2.6). */
function parseMedia(value: unknown): readonly Part[] | MqttError | null {
  if (!isObject(value)) return null;
  const { media_id: id, enqueue = 'replace', announce = false, volume } = value;
  const uri = Uri.safeParse(typeof id === 'string' ? id.trim() : id);
  const how = toWord(enqueue);
  if (!uri.success || how === null || !['play', 'replace', 'next', 'add'].includes(how)) return null;
  if (announce !== false || 'fade_in' in value) {
    return new MqttError('unavailable', 'mqtt/not-supported', 'Announcements and fades do not work in this version. Nothing of this message was done.', 'play_media');
  }
  const load: Part = { slot: 'load', action: command(how === 'next' || how === 'add' ? { kind: 'enqueue', uri: uri.data } : { kind: 'play', uri: uri.data }) };
  if (volume === undefined) return [load];
  const number = toNumber(volume);
  return number !== null && number >= 0 && number <= 100 ? [...level(number / 100), load] : badValue('play_media', 'volume from 0 to 100');
}
