/** What Home Assistant must show of us, written out by hand: not made from the table that makes it. */
export interface Expected {
  /** Without the device's slug: `sensor.*_title`. */
  readonly entity: string;
  /** Without the device's name. */
  readonly name: string;
  readonly category?: 'config' | 'diagnostic';
  /** Switched off until somebody wants it. */
  readonly disabled?: true;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

const percent = { unit_of_measurement: '%', min: 0, max: 100, step: 1, mode: 'slider' };

export const zoneEntities: readonly Expected[] = [
  { entity: 'sensor.*_playback', name: 'Playback', attributes: { device_class: 'enum', options: ['off', 'idle', 'buffering', 'playing', 'paused'] } },
  { entity: 'binary_sensor.*_playing', name: 'Playing', attributes: { device_class: 'running' } },
  { entity: 'switch.*_play', name: 'Play' },
  { entity: 'button.*_next', name: 'Next' },
  { entity: 'button.*_previous', name: 'Previous' },
  { entity: 'button.*_stop', name: 'Stop' },
  { entity: 'number.*_volume', name: 'Volume', attributes: percent },
  { entity: 'switch.*_mute', name: 'Mute' },
  { entity: 'switch.*_shuffle', name: 'Shuffle' },
  { entity: 'select.*_repeat', name: 'Repeat', attributes: { options: ['off', 'all', 'one'] } },
  { entity: 'select.*_preset', name: 'Preset', attributes: { options: ['Morning', 'Evening'] } },
  { entity: 'sensor.*_title', name: 'Title' },
  { entity: 'sensor.*_artist', name: 'Artist' },
  { entity: 'sensor.*_album', name: 'Album' },
  { entity: 'sensor.*_source', name: 'Source', attributes: { device_class: 'enum' } },
  { entity: 'select.*_source', name: 'Source', attributes: { options: ['spotify', 'off'] } },
  { entity: 'image.*_artwork', name: 'Artwork' },
  { entity: 'sensor.*_duration', name: 'Duration', disabled: true },
  { entity: 'sensor.*_position', name: 'Position', disabled: true },
  { entity: 'text.*_play_uri', name: 'Play URI', attributes: { min: 1, max: 255, mode: 'text' } },
  { entity: 'number.*_sleep_timer', name: 'Sleep timer', category: 'config', attributes: { unit_of_measurement: 'min', min: 0, max: 240, mode: 'box' } },
  { entity: 'number.*_volume_cap', name: 'Volume limit', category: 'config', attributes: percent },
  { entity: 'event.*_playback', name: 'Playback event' },
  { entity: 'binary_sensor.*_announcing', name: 'Announcing', attributes: { device_class: 'sound' } },
  { entity: 'notify.*_announce', name: 'Announce' },
  { entity: 'select.*_output', name: 'Audio output', category: 'config', disabled: true },
  { entity: 'sensor.*_spotify_user', name: 'Spotify user', category: 'diagnostic', disabled: true },
  { entity: 'sensor.*_bitrate', name: 'Bitrate', category: 'diagnostic', disabled: true },
  { entity: 'sensor.*_codec', name: 'Codec', category: 'diagnostic', disabled: true },
  { entity: 'binary_sensor.*_spotify_session', name: 'Spotify session', category: 'diagnostic', attributes: { device_class: 'connectivity' } },
  { entity: 'binary_sensor.*_problem', name: 'Problem', category: 'diagnostic', attributes: { device_class: 'problem' } },
];

export const bridgeEntities: readonly Expected[] = [
  { entity: 'binary_sensor.*_connection', name: 'Connection state', category: 'diagnostic', attributes: { device_class: 'connectivity' } },
  { entity: 'sensor.*_version', name: 'Version', category: 'diagnostic' },
  { entity: 'update.*_update', name: 'Update', category: 'diagnostic', attributes: { title: 'Tonearm', in_progress: false } },
  { entity: 'button.*_pause_all', name: 'Pause all' },
  { entity: 'button.*_restart', name: 'Restart', category: 'config', attributes: { device_class: 'restart' } },
  { entity: 'select.*_log_level', name: 'Log level', category: 'config', attributes: { options: ['trace', 'debug', 'info', 'warn', 'error'] } },
  { entity: 'binary_sensor.*_restart_required', name: 'Restart required', category: 'diagnostic', attributes: { device_class: 'problem' } },
];

/** What the event entity and the device triggers offer. */
export const events: readonly string[] = [
  'track_changed', 'playback_started', 'playback_paused', 'playback_stopped', 'queue_ended', 'session_taken', 'session_lost', 'announcement_started', 'announcement_finished', 'error',
];
