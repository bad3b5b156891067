export interface KeyRow {
  /** For docs/mqtt.md. */
  readonly forms: string;
  readonly example: string;
  /** For the sentence when it is not understood. */
  readonly expected: string;
}

const row = (forms: string, example: string, expected = forms): KeyRow => ({ forms, example, expected });

/** Every key `<zone>/set` knows. */
export const writableKeys = {
  play: row('ON, OFF, TOGGLE', 'ON'),
  state: row('playing, paused, stopped', 'paused'),
  next: row('anything', 'PRESS'),
  previous: row('anything', 'PRESS'),
  stop: row('anything', 'PRESS'),
  volume: row('0 to 100, or a step such as +5 or -5', '35'),
  volume_level: row('0 to 1', '0.35', 'a number from 0 to 1'),
  mute: row('ON, OFF, TOGGLE', 'OFF'),
  shuffle: row('ON, OFF, TOGGLE', 'ON'),
  repeat: row('off, all, one', 'all'),
  seek: row('seconds from the start, or a step such as +10 or -10', '62.5'),
  preset: row('id or name of a preset', 'Morning', 'the id or name of a preset, 1 to 100 characters'),
  play_uri: row('a URI, or a share link', 'spotify:album:6akEvsycLGftJxYudPjmqK', 'a URI of 1 to 2048 characters'),
  play_media: row(
    'JSON: `media_id`; optional `enqueue` (play, replace, next, add), `announce`, `volume` (0 to 100), `fade_in` (seconds), `from` (row, from 0, or its URI), `shuffle`',
    '{"media_id":"spotify:track:11dFghVXANMlKmJXsNCbNl","volume":25,"fade_in":60}',
    'an object with media_id, and optionally enqueue (play, replace, next, add), announce (true, false), volume (0 to 100), fade_in (seconds), from and shuffle',
  ),
  announce: row(
    'address of a sound, `sound:chime`, or JSON: `url`, optional `volume` (0 to 100) and `chime`',
    '{"url":"http://192.168.1.10:8123/api/tts_proxy/….mp3","volume":40,"chime":true}',
    'the address of a sound, or an object with url, and optionally volume (0 to 100) and chime (true, false)',
  ),
  sleep_timer: row('minutes until it pauses, 0 takes it back', '30', 'minutes from 0 to 1440'),
  fade: row('JSON: `to` (0 to 100), `seconds`, optional `curve` (perceptual, linear)', '{"to":30,"seconds":600}', 'an object with to (0 to 100), seconds (0 to 86400), and optionally curve (perceptual, linear)'),
  transfer: row('id of the zone to go on in, or `{"to": id}`', '{"to":"bathroom"}', 'the id of a zone, or an object with to'),
  volume_cap: row('0 to 100: nothing gets louder, whoever asks', '60', 'a number from 0 to 100'),
  source: row('spotify: its music goes on here, none or off: the zone is given back', 'spotify', 'spotify, none or off'),
  output: row('name of an output, `auto` among them', 'speaker', 'the name of an output, 1 to 100 characters'),
} as const satisfies Readonly<Record<string, KeyRow>>;

export type WritableKey = keyof typeof writableKeys;

export function isWritableKey(key: string): key is WritableKey {
  return Object.hasOwn(writableKeys, key);
}
