import { describe, expect, it } from 'vitest';
import { encodeTransferState, parseCommandRequest } from '#spotify/wire';
import { deviceCommand, localCommand, spotifyUri } from './request.ts';

const from = 'c'.repeat(40);
const parse = (command: object) => deviceCommand(parseCommandRequest({ message_id: 1, sent_by_device_id: from, command }));

describe('requests of phones', () => {
  it.each([
    ['pause', { endpoint: 'pause' }, { kind: 'pause' }],
    ['resume without logging_params', { endpoint: 'resume' }, { kind: 'resume' }],
    ['seek by value', { endpoint: 'seek_to', value: 42000.0 }, { kind: 'seek', to: 42_000, from: 'start' }],
    ['seek from the beginning', { endpoint: 'seek_to', value: 1, position: 60_000, relative: 'beginning' }, { kind: 'seek', to: 60_000, from: 'start' }],
    ['seek from here', { endpoint: 'seek_to', position: '-15000', relative: 'current' }, { kind: 'seek', to: -15_000, from: 'here' }],
    ['next', { endpoint: 'skip_next' }, { kind: 'next', row: null }],
    ['previous without seeking', { endpoint: 'skip_prev', options: { allow_seeking: false } }, { kind: 'previous', mayRestart: false }],
    ['shuffle', { endpoint: 'set_shuffling_context', value: true }, { kind: 'options', options: { shuffle: true } }],
    ['options, only those that were named', { endpoint: 'set_options', repeating_track: false }, { kind: 'options', options: { repeatTrack: false } }],
    ['sleep for a time', { endpoint: 'set_sleep_timer', timer_type: { type: 'duration', duration_s: 900 } }, { kind: 'sleep', after: 900_000 }],
    ['sleep at the end', { endpoint: 'set_sleep_timer', timer_type: { type: 'end_of_track' } }, { kind: 'sleep', after: 'track' }],
    ['transfer of nothing', { endpoint: 'transfer' }, { kind: 'transfer', from: null }],
  ])('%s', (_, command, expected) => {
    expect(parse(command)).toEqual(expected);
  });

  it.each([
    ['something new', { endpoint: 'make_coffee' }],
    ['a seek to nowhere', { endpoint: 'seek_to' }],
    ['a seek by a rule nobody knows', { endpoint: 'seek_to', position: 1, relative: 'sideways' }],
    ['another speed', { endpoint: 'set_playback_speed', value: 2 }],
    ['queueing nothing', { endpoint: 'add_to_queue', track: {} }],
  ])('%s is refused with a sentence', (_, command) => {
    const understood = parse(command);
    expect(understood.kind).toBe('refuse');
    expect(understood.kind === 'refuse' && understood.why).toMatch(/^[A-Z].+\.$/);
  });

  it('gives rows without a uid one that stays, also when a song comes twice', () => {
    const tracks = [{ uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx' }, { uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx' }];
    const read = () => parse({ endpoint: 'play', context: { uri: 'spotify:album:2RnhhsLPpUvzQ23I6FTEL7', pages: [{ tracks }] } });
    const first = read();
    const uids = first.kind === 'play' ? first.context.rows.map((row) => row.uid) : [];
    expect(new Set(uids).size).toBe(2);
    expect(read()).toEqual(first);
  });

  it('takes over a session: gid rows become episodes in a show, the queue keeps its uids', () => {
    const gid = Buffer.from('5e000000000000000000000000000002', 'hex');
    const state = encodeTransferState({
      options: { shufflingContext: false, repeatingContext: true, repeatingTrack: false, modes: {} },
      playback: { timestamp: 1_700_000_000_000, position: 61_000, speed: 1, isPaused: false, track: { uid: 'a', gid } },
      session: { context: { uri: 'spotify:show:2RnhhsLPpUvzQ23I6FTEL7' }, currentUid: 'a', originalSessionId: 'theirs' },
      queue: { isPlaying: false, tracks: [{ uid: 'q0', gid, metadata: { is_queued: 'true' } }] },
    });
    const understood = parse({ endpoint: 'transfer', data: state.toString('base64'), options: { restore_paused: 'pause' } });
    expect(understood).toMatchObject({
      kind: 'transfer',
      from: {
        track: { uri: 'spotify:episode:2RnhhsLPpUvzQ23I6FTEIy', uid: 'a' },
        position: 61_000, timestamp: 1_700_000_000_000, wasPaused: false, paused: true, sessionId: 'theirs',
        options: { repeatContext: true }, queue: [{ uid: 'q0' }], origin: { deviceIdentifier: from },
      },
    });
  });
});

describe('local commands', () => {
  it('plays Spotify links and URIs', () => {
    expect(localCommand({ kind: 'play', uri: 'https://open.spotify.com/intl-de/album/2RnhhsLPpUvzQ23I6FTEL7?si=abc' })).toMatchObject({ kind: 'play', context: { uri: 'spotify:album:2RnhhsLPpUvzQ23I6FTEL7' } });
    expect(localCommand({ kind: 'play' })).toEqual({ kind: 'resume', at: undefined });
    expect(localCommand({ kind: 'repeat', mode: 'track' })).toEqual({ kind: 'options', options: { repeatTrack: true, repeatContext: true } });
    expect(localCommand({ kind: 'volume', level: 1 })).toBeNull();
  });

  it.each([
    ['spotify:track:2RnhhsLPpUvzQ23I6FTEIx', 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx'],
    ['https://open.spotify.com/track/2RnhhsLPpUvzQ23I6FTEIx', 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx'],
    ['https://example.org/track/2RnhhsLPpUvzQ23I6FTEIx', null],
    ['spotify:track:short', null],
    ['music.mp3', null],
  ])('%s', (text, expected) => {
    expect(spotifyUri(text)).toBe(expected);
  });
});
