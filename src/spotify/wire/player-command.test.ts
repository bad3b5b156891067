import { describe, expect, it } from 'vitest';
import { parseCommandRequest, type PlayerCommand } from './player-command.ts';
import { WireError } from './wire-error.ts';

const emptyContext = { uri: '', url: '', metadata: {}, restrictions: {}, pages: [], loading: false };
const emptyOrigin = {
  featureIdentifier: '', featureVersion: '', viewUri: '', externalReferrer: '', referrerIdentifier: '', deviceIdentifier: '', featureClasses: [], restrictionIdentifier: '',
};
const row = { uri: '', uid: '', gid: null, metadata: {}, provider: '', removed: [], blocked: [] };
const noOverride = { shufflingContext: null, repeatingContext: null, repeatingTrack: null, playbackSpeed: null, modes: null };
const x = 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx';
const y = 'spotify:track:2RnhhsLPpUvzQ23I6FTEIy';

function command(json: Record<string, unknown>): PlayerCommand {
  return parseCommandRequest({ command: json }).command;
}

describe('the envelope', () => {
  it('is read as in connect-control.md §3.1', () => {
    const json = {
      message_id: 1955000001,
      target_alias_id: null,
      sent_by_device_id: 'c'.repeat(40),
      command: { endpoint: 'pause', logging_params: { command_id: '00112233445566778899aabbccddeeff', interaction_ids: [], command_initiated_time: 1700000000000 }, options: {} },
    };
    expect(parseCommandRequest(json)).toEqual({
      messageId: 1955000001, sentBy: 'c'.repeat(40), endpoint: 'pause', commandId: '00112233445566778899aabbccddeeff', command: { endpoint: 'pause' },
    });
  });

  it.each<[unknown, number]>([
    [4294967295, 4294967295],
    [2147483648, 2147483648],
    ['2147483649', 2147483649],
    [7.9, 7],
    [-2147483647, 2147483649],
    [undefined, 0],
    [null, 0],
    ['x', 0],
    [{}, 0],
  ])('reads message id %j as %i', (id, expected) => {
    expect(parseCommandRequest({ message_id: id, command: { endpoint: 'pause' } }).messageId).toBe(expected);
  });

  it('needs nothing but the endpoint', () => {
    expect(parseCommandRequest({ command: { endpoint: 'resume' } })).toEqual({ messageId: 0, sentBy: '', endpoint: 'resume', commandId: null, command: { endpoint: 'resume' } });
  });

  it('takes camelCase too', () => {
    expect(parseCommandRequest({ messageId: 3, sentByDeviceId: 'a', command: { endpoint: 'pause', loggingParams: { commandId: 'b' } } })).toMatchObject({ messageId: 3, sentBy: 'a', commandId: 'b' });
  });

  it.each([null, undefined, 5, 'pause', [], {}, { command: null }, { command: {} }, { command: { endpoint: null } }, { command: { endpoint: '' } }, { command: [] }])('refuses %j', (json) => {
    expect(() => parseCommandRequest(json)).toThrow(WireError);
  });
});

describe('commands', () => {
  it.each<[string, Record<string, unknown>, PlayerCommand]>([
    ['transfer without anything', { endpoint: 'transfer' }, { endpoint: 'transfer', data: null, from: '', restorePaused: 'restore', restorePosition: null, restoreTrack: null, retainSession: null }],
    [
      'transfer',
      { endpoint: 'transfer', data: 'CAE=', from_device_identifier: 'c', options: { restore_paused: 'pause', restore_position: 'extrapolate', restore_track: 'only_current', retain_session: 'do_not_retain', license: 'premium' } },
      { endpoint: 'transfer', data: Buffer.from('0801', 'hex'), from: 'c', restorePaused: 'pause', restorePosition: 'extrapolate', restoreTrack: 'only_current', retainSession: 'do_not_retain' },
    ],
    [
      'play without anything',
      { endpoint: 'play' },
      { endpoint: 'play', context: emptyContext, origin: emptyOrigin, skipTo: null, seekTo: null, initiallyPaused: false, options: null, suppressions: [] },
    ],
    [
      'play',
      {
        endpoint: 'play',
        context: { uri: 'spotify:playlist:2RnhhsLPpUvzQ23I6FTEL7', metadata: { context_description: 'Test list' }, restrictions: {}, pages: [{ tracks: [{ uri: x, uid: 'aaaaaaaaaaaa0001' }] }] },
        play_origin: { feature_identifier: 'playlist', feature_version: 'test_1', referrer_identifier: 'your_library', feature_classes: ['a'] },
        options: {
          skip_to: { track_uid: 'aaaaaaaaaaaa0002', track_uri: y, track_index: 1 },
          seek_to: '1500', initially_paused: 'true', license: 'premium', suppressions: { providers: ['ads'] }, session_id: '',
          player_options_override: { shuffling_context: false, repeating_context: true },
        },
        play_options: { reason: 'interactive' },
      },
      {
        endpoint: 'play',
        context: {
          ...emptyContext, uri: 'spotify:playlist:2RnhhsLPpUvzQ23I6FTEL7', metadata: { context_description: 'Test list' },
          pages: [{ pageUrl: '', nextPageUrl: '', metadata: {}, tracks: [{ ...row, uri: x, uid: 'aaaaaaaaaaaa0001' }], loading: false }],
        },
        origin: { ...emptyOrigin, featureIdentifier: 'playlist', featureVersion: 'test_1', referrerIdentifier: 'your_library', featureClasses: ['a'] },
        skipTo: { uid: 'aaaaaaaaaaaa0002', uri: y, index: 1, pageIndex: null },
        seekTo: 1500,
        initiallyPaused: true,
        options: { ...noOverride, shufflingContext: false, repeatingContext: true },
        suppressions: ['ads'],
      },
    ],
    [
      'play as controllers post it',
      { endpoint: 'play', prepare_play_options: { skip_to: { track_index: 3 }, seek_to: -5 } },
      { endpoint: 'play', context: emptyContext, origin: emptyOrigin, skipTo: { uid: null, uri: null, index: 3, pageIndex: null }, seekTo: 0, initiallyPaused: false, options: null, suppressions: [] },
    ],
    [
      'play with an empty skip_to',
      { endpoint: 'play', options: { skip_to: { track_uid: '', track_uri: '' }, player_options_override: {} } },
      { endpoint: 'play', context: emptyContext, origin: emptyOrigin, skipTo: null, seekTo: null, initiallyPaused: false, options: noOverride, suppressions: [] },
    ],
    ['pause', { endpoint: 'pause', logging_params: { command_id: '0a' }, options: {} }, { endpoint: 'pause' }],
    ['seek_to from the beginning', { endpoint: 'seek_to', value: 60000, position: 60000, relative: 'beginning' }, { endpoint: 'seek_to', value: 60000, position: 60000, relative: 'beginning' }],
    ['seek_to from here', { endpoint: 'seek_to', position: -15000, relative: 'current' }, { endpoint: 'seek_to', value: null, position: -15000, relative: 'current' }],
    ['seek_to with a fraction as text', { endpoint: 'seek_to', value: '42000.5' }, { endpoint: 'seek_to', value: 42000.5, position: null, relative: '' }],
    ['skip_next', { endpoint: 'skip_next' }, { endpoint: 'skip_next', track: null }],
    [
      'skip_next with a track',
      { endpoint: 'skip_next', track: { uri: x, uid: 'u', provider: 'context', metadata: { n: 5, b: true, o: {} }, gid: 'AQI=', removed: ['r'] } },
      { endpoint: 'skip_next', track: { ...row, uri: x, uid: 'u', provider: 'context', metadata: { n: '5', b: 'true' }, gid: Buffer.of(1, 2), removed: ['r'] } },
    ],
    ['skip_prev', { endpoint: 'skip_prev' }, { endpoint: 'skip_prev', allowSeeking: true }],
    ['skip_prev without seeking', { endpoint: 'skip_prev', options: { allow_seeking: false } }, { endpoint: 'skip_prev', allowSeeking: false }],
    ['set_shuffling_context', { endpoint: 'set_shuffling_context', value: true }, { endpoint: 'set_shuffling_context', value: true }],
    ['set_repeating_context', { endpoint: 'set_repeating_context', value: 1 }, { endpoint: 'set_repeating_context', value: true }],
    ['set_repeating_track', { endpoint: 'set_repeating_track', value: 'false' }, { endpoint: 'set_repeating_track', value: false }],
    [
      'set_options',
      { endpoint: 'set_options', shuffling_context: true, repeating_context: false, playback_speed: 1.5, modes: { jam: 'off' }, options: {} },
      { endpoint: 'set_options', shufflingContext: true, repeatingContext: false, repeatingTrack: null, playbackSpeed: 1.5, modes: { jam: 'off' } },
    ],
    ['add_to_queue', { endpoint: 'add_to_queue', track: { uri: x, uid: '', metadata: {} } }, { endpoint: 'add_to_queue', track: { ...row, uri: x } }],
    [
      'set_queue',
      {
        endpoint: 'set_queue', queue_revision: '1234567890123456789', prev_tracks: [{ uri: x }],
        next_tracks: [{ uri: y, uid: 'q1', provider: 'queue', metadata: { is_queued: 'true' } }, null, 'x', { uri: 'spotify:delimiter', uid: 'delimiter0', metadata: { hidden: 'true' } }],
      },
      {
        endpoint: 'set_queue', revision: '1234567890123456789', previous: [{ ...row, uri: x }],
        next: [{ ...row, uri: y, uid: 'q1', provider: 'queue', metadata: { is_queued: 'true' } }, { ...row, uri: 'spotify:delimiter', uid: 'delimiter0', metadata: { hidden: 'true' } }],
      },
    ],
    ['set_queue with a bare number', { endpoint: 'set_queue', queue_revision: 42 }, { endpoint: 'set_queue', revision: '42', previous: [], next: [] }],
    [
      'update_context',
      { endpoint: 'update_context', session_id: 's', context: { uri: 'spotify:album:x', restrictions: { disallow_toggling_shuffle_reasons: ['station'], disallow_pausing_reasons: [] } } },
      { endpoint: 'update_context', sessionId: 's', context: { ...emptyContext, uri: 'spotify:album:x', restrictions: { disallowTogglingShuffleReasons: ['station'] } } },
    ],
    ['set_sleep_timer', { endpoint: 'set_sleep_timer', timer_type: { type: 'duration', duration_s: '900' } }, { endpoint: 'set_sleep_timer', timer: { kind: 'duration', duration: 900_000 } }],
    ['set_sleep_timer at the end', { endpoint: 'set_sleep_timer', timer_type: { type: 'end_of_track' } }, { endpoint: 'set_sleep_timer', timer: { kind: 'end-of-track' } }],
    ['set_sleep_timer off', { endpoint: 'set_sleep_timer', timer_type: { type: 'clear' } }, { endpoint: 'set_sleep_timer', timer: { kind: 'clear' } }],
    ['set_sleep_timer in a new way', { endpoint: 'set_sleep_timer', timer_type: { type: 'duration' } }, { endpoint: 'set_sleep_timer', timer: { kind: 'clear' } }],
    ['set_playback_speed', { endpoint: 'set_playback_speed', value: 1.5 }, { endpoint: 'set_playback_speed', value: 1.5 }],
    ['what nobody knows', { endpoint: 'dj_jump', x: 1 }, { endpoint: 'unknown', name: 'dj_jump' }],
  ])('%s', (_, json, expected) => {
    expect(command(json)).toEqual(expected);
  });

  it('refuses a transfer whose state is not base64', () => {
    expect(() => command({ endpoint: 'transfer', data: '***' })).toThrow(WireError);
  });

  it('does not take names from prototypes', () => {
    const hostile: unknown = JSON.parse('{"command":{"endpoint":"add_to_queue","track":{"uri":"a","metadata":{"__proto__":"x","constructor":"y"}}}}');
    const { command: parsed } = parseCommandRequest(hostile);
    expect(parsed.endpoint === 'add_to_queue' && Object.entries(parsed.track?.metadata ?? {})).toEqual([['constructor', 'y']]);
    expect(command({ endpoint: 'constructor' })).toEqual({ endpoint: 'unknown', name: 'constructor' });
  });
});
