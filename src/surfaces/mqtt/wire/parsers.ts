import { type Command, FadeCurve, Uri } from '#core';
import type { Action } from './action.ts';
import { badValue, MqttError } from './error.ts';
import type { WritableKey } from './keys.ts';
import { sourceWords } from './state.ts';
import { isObject, parseMaybeObject, toChange, toNumber, toSwitch, toWord } from './values.ts';

/** The order in which the parts of one message are done: nothing is heard before it is as loud as it was meant to be. */
export const slots = ['output', 'limit', 'volume', 'mute', 'fade', 'shuffle', 'repeat', 'seek', 'source', 'load', 'transport', 'transfer', 'sleep', 'announce'] as const;
export type Slot = (typeof slots)[number];

/** What one key asks for, and what it competes with: one part per slot. */
export interface Part {
  readonly slot: Slot;
  readonly action: Action;
}

/** `null`: the value is not understood; an error: it is, and cannot be done. */
type Parse = (value: unknown) => readonly Part[] | MqttError | null;

/** Seconds: a day, longer than anything that can be sought in or faded over. */
const longest = 86_400;
/** Minutes. */
const longestSleep = 1440;

/** One per key of `writableKeys`. */
export const parsers: Readonly<Record<WritableKey, Parse>> = {
  play: (value) => {
    const on = toSwitch(value);
    if (on === null) return null;
    return one('transport', on === 'toggle' ? { kind: 'toggle', what: 'play' } : command({ kind: on ? 'play' : 'pause' }));
  },
  state: (value) => {
    const kind = states.get(toWord(value) ?? '');
    return kind ? one('transport', command({ kind })) : null;
  },
  next: button({ kind: 'next' }),
  previous: button({ kind: 'previous' }),
  stop: button({ kind: 'stop' }),
  volume: (value) => {
    const change = toChange(value);
    if (!change) return null;
    if (change.relative) return Math.abs(change.number) <= 100 ? one('volume', { kind: 'volume-by', by: change.number }) : null;
    return change.number <= 100 ? level(change.number / 100) : null;
  },
  volume_level: (value) => {
    const number = toNumber(value);
    return number !== null && number >= 0 && number <= 1 ? level(number) : null;
  },
  mute: switched('mute', (muted) => ({ kind: 'mute', muted })),
  shuffle: switched('shuffle', (on) => ({ kind: 'shuffle', on })),
  repeat: (value) => {
    const mode = repeats.get(toWord(value) ?? '');
    return mode ? one('repeat', command({ kind: 'repeat', mode })) : null;
  },
  seek: (value) => {
    const change = toChange(value);
    if (!change || Math.abs(change.number) > longest) return null;
    const millis = Math.round(change.number * 1000);
    return one('seek', change.relative ? { kind: 'seek-by', by: millis } : command({ kind: 'seek', to: millis }));
  },
  preset: (value) => {
    const preset = toName(value, 100);
    return preset === null ? null : one('load', command({ kind: 'preset', preset }));
  },
  play_uri: (value) => {
    const uri = toUri(value);
    return uri === null ? null : one('load', command({ kind: 'play', uri }));
  },
  play_media: parseMedia,
  announce: parseAnnouncement,
  sleep_timer: (value) => {
    const minutes = toNumber(value);
    if (minutes === null || minutes < 0 || minutes > longestSleep) return null;
    return one('sleep', command({ kind: 'sleep', after: minutes === 0 ? null : Math.round(minutes * 60_000), fade: Math.min(30_000, Math.round(minutes * 30_000)) }));
  },
  fade: (value) => {
    const given = parseMaybeObject(value);
    if (!given) return null;
    const to = toPercentage(given['to']);
    const over = toSeconds(given['seconds']);
    const curve = FadeCurve.safeParse(given['curve'] ?? 'perceptual');
    if (to === null || over === null || !curve.success) return null;
    return one('fade', command({ kind: 'fade', to, over, curve: curve.data }));
  },
  transfer: (value) => {
    const given = parseMaybeObject(value);
    const to = toName(given ? given['to'] : value, 64);
    return to === null ? null : one('transfer', command({ kind: 'transfer', to }));
  },
  volume_cap: (value) => {
    const limit = toPercentage(value);
    return limit === null ? null : one('limit', command({ kind: 'limit', level: limit }));
  },
  source: (value) => {
    const source = toWord(value);
    if (source === 'spotify') return one('source', { kind: 'source', source });
    if (source === 'none' || source === 'off') return one('source', { kind: 'source', source: 'none' });
    // What else we say of ourselves cannot be asked for; a picture of ours that is sent back does nothing.
    return sourceWords.some((word) => word === source) ? [] : null;
  },
  output: (value) => {
    const output = toName(value, 100);
    return output === null ? null : one('output', command({ kind: 'output', output }));
  },
};

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

function one(slot: Slot, action: Action): readonly Part[] {
  return [{ slot, action }];
}

/** Level 0 to 1. */
function level(value: number): readonly Part[] {
  return one('volume', command({ kind: 'volume', level: value }));
}

/** Pressed by any value; a JSON `false` or `null` is somebody's way of not pressing. */
function button(pressed: Command): Parse {
  return (value) => (value === false || value === null ? [] : one('transport', command(pressed)));
}

function switched(what: 'mute' | 'shuffle', make: (on: boolean) => Command): Parse {
  return (value) => {
    const on = toSwitch(value);
    if (on === null) return null;
    return one(what, on === 'toggle' ? { kind: 'toggle', what } : command(make(on)));
  };
}

/** Home Assistant's play_media as our topics take it (home-integrations.md §2.6). */
function parseMedia(value: unknown): readonly Part[] | MqttError | null {
  const given = parseMaybeObject(value);
  if (!given) return null;
  const { media_id: id, enqueue = 'replace', announce = false, volume, fade_in: fadeIn, from, shuffle } = given;
  const uri = toUri(id);
  const how = toWord(enqueue);
  const isSaid = toSwitch(announce);
  if (uri === null || how === null || !['play', 'replace', 'next', 'add'].includes(how) || typeof isSaid !== 'boolean') return null;
  const wanted = volume === undefined ? null : toPercentage(volume);
  if (volume !== undefined && wanted === null) return badValue('play_media', 'volume from 0 to 100');
  if (isSaid) return one('announce', command({ kind: 'announce', uri, chime: false, ...(wanted !== null && { level: wanted }) }));
  const parts: Part[] = [];
  if (fadeIn !== undefined) {
    const over = toSeconds(fadeIn);
    if (over === null) return badValue('play_media', 'fade_in in seconds');
    parts.push({ slot: 'volume', action: { kind: 'fade-in', to: wanted, over, curve: 'perceptual' } });
  } else if (wanted !== null) parts.push(...level(wanted));
  if (how === 'next' || how === 'add') return [...parts, { slot: 'load', action: command({ kind: 'enqueue', uri }) }];
  const row = from === undefined ? null : toRow(from);
  if (from !== undefined && row === null) return badValue('play_media', 'from as a row counted from 0, or as a URI');
  const order = shuffle === undefined ? null : toSwitch(shuffle);
  if (shuffle !== undefined && typeof order !== 'boolean') return badValue('play_media', 'shuffle as true or false');
  return [...parts, { slot: 'load', action: command({ kind: 'play', uri, ...(row !== null && { from: row }), ...(typeof order === 'boolean' && { shuffle: order }) }) }];
}

function parseAnnouncement(value: unknown): readonly Part[] | MqttError | null {
  const given = parseMaybeObject(value) ?? (typeof value === 'string' ? { url: value } : null);
  if (!given) return null;
  const { url, volume, chime = false, message } = given;
  if (url === undefined && message !== undefined) {
    return new MqttError('invalid', 'mqtt/no-speech', 'Tonearm does not turn text into speech. Let a text-to-speech service make a sound of it, as Home Assistant does, and send its address as "url". Nothing of this message was done.', 'announce');
  }
  const uri = toUri(url);
  const rings = toSwitch(chime);
  if (uri === null || typeof rings !== 'boolean') return null;
  if (!/^(https?:\/\/|sound:)/i.test(uri)) return badValue('announce', 'an address that begins with http://, https:// or sound:');
  const wanted = volume === undefined ? null : toPercentage(volume);
  if (volume !== undefined && wanted === null) return badValue('announce', 'volume from 0 to 100');
  return one('announce', command({ kind: 'announce', uri, chime: rings, ...(wanted !== null && { level: wanted }) }));
}

function toUri(value: unknown): Uri | null {
  return Uri.safeParse(typeof value === 'string' ? value.trim() : value).data ?? null;
}

function toName(value: unknown, longestName: number): string | null {
  if (typeof value !== 'string') return null;
  const name = value.trim();
  return name.length > 0 && name.length <= longestName ? name : null;
}

/** 0 to 100 as 0 to 1. */
function toPercentage(value: unknown): number | null {
  const number = toNumber(value);
  return number !== null && number >= 0 && number <= 100 ? number / 100 : null;
}

/** Seconds as milliseconds. */
function toSeconds(value: unknown): number | null {
  const number = toNumber(value);
  return number !== null && number >= 0 && number <= longest ? Math.round(number * 1000) : null;
}

function toRow(value: unknown): Uri | number | null {
  const number = toNumber(value);
  if (number !== null) return Number.isInteger(number) && number >= 0 && number <= 100_000 ? number : null;
  return isObject(value) ? null : toUri(value);
}
