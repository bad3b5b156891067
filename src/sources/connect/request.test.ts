import { describe, expect, it } from 'vitest';
import type { Command } from '#core';
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
    ['queueing by URI', { endpoint: 'add_to_queue', track: { uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx' } }, { kind: 'enqueue', row: { uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx', uid: '', provider: '', metadata: {} } }],
    ['queueing by id', { endpoint: 'add_to_queue', track: { gid: 'XgAAAAAAAAAAAAAAAAAAAg==', uid: 'q3' } }, { kind: 'enqueue', row: { uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIy', uid: 'q3', provider: '', metadata: {} } }],
    ['queueing by uid', { endpoint: 'add_to_queue', track: { uid: 'a1' } }, { kind: 'enqueue', row: { uri: '', uid: 'a1', provider: '', metadata: {} } }],
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

describe('where a play begins', () => {
  const start = (skip_to: object) => {
    const understood = parse({ endpoint: 'play', context: { uri: 'spotify:playlist:2RnhhsLPpUvzQ23I6FTEL7' }, options: { skip_to } });
    return understood.kind === 'play' ? understood.start : undefined;
  };
  it.each([
    [{}, null],
    [{ track_uid: '', track_uri: '' }, null],
    [{ page_index: 3 }, null],
    [{ track_index: 0 }, { index: 0 }],
    [{ track_index: 4, page_index: 1 }, { index: 4, page: 1 }],
    [{ track_uid: 'a', track_index: 4 }, { uid: 'a', index: 4 }],
  ])('%j', (skipTo, expected) => {
    expect(start(skipTo)).toEqual(expected);
  });
});

describe('the context row behind a queue that plays', () => {
  const gid = Buffer.from('5e000000000000000000000000000002', 'hex');
  const take = (currentUid: string, trackUid: string) => {
    const state = encodeTransferState({
      playback: { timestamp: 1_700_000_000_000, position: 5, speed: 1, isPaused: false, track: { uid: trackUid, gid } },
      session: { context: { uri: 'spotify:show:2RnhhsLPpUvzQ23I6FTEL7' }, currentUid },
      queue: { isPlaying: true, tracks: [{ uid: 'q0', gid }, { uid: 'q1', gid }] },
    });
    const understood = parse({ endpoint: 'transfer', data: state.toString('base64') });
    return understood.kind === 'transfer' ? understood.from : null;
  };
  it.each([
    ['a', 'q0', 'a'],
    ['', 'b', 'b'],
    ['', 'q0', null],
    ['', '', null],
  ])('current_uid “%s”, current track “%s”: %s', (currentUid, trackUid, expected) => {
    expect(take(currentUid, trackUid)?.contextUid).toBe(expected);
  });

  it('marks what plays from the queue, also when its sender does not', () => {
    expect(take('a', 'q0')).toMatchObject({ isQueued: true, track: { uid: 'q0', provider: 'queue', metadata: { is_queued: 'true' } } });
  });

  it('a queue that is said to play and has no rows: the track of the session plays, nothing else', () => {
    const state = encodeTransferState({
      playback: { timestamp: 1_700_000_000_000, position: 5, speed: 1, isPaused: false, track: { uid: 'b', gid } },
      session: { context: { uri: 'spotify:show:2RnhhsLPpUvzQ23I6FTEL7' }, currentUid: 'b' },
      queue: { isPlaying: true, tracks: [] },
    });
    const understood = parse({ endpoint: 'transfer', data: state.toString('base64') });
    expect(understood).toMatchObject({ kind: 'transfer', from: { isQueued: false, position: 5, track: { uid: 'b', provider: 'context' } } });
  });

  it('gives queued ids the kind of the context', () => {
    expect(take('a', 'q0')?.queue).toMatchObject([{ uri: 'spotify:episode:2RnhhsLPpUvzQ23I6FTEIy', uid: 'q1' }]);
  });
});

describe('local commands', () => {
  it('queues tracks and episodes only', () => {
    expect(localCommand({ kind: 'enqueue', uri: 'spotify:album:2RnhhsLPpUvzQ23I6FTEL7' })).toMatchObject({ kind: 'refuse' });
    expect(localCommand({ kind: 'enqueue', uri: 'https://open.spotify.com/track/2RnhhsLPpUvzQ23I6FTEIx?si=1' })).toMatchObject({ kind: 'enqueue', row: { uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx' } });
  });

  it('plays Spotify links and URIs', () => {
    expect(localCommand({ kind: 'play', uri: 'https://open.spotify.com/intl-de/album/2RnhhsLPpUvzQ23I6FTEL7?si=abc' })).toMatchObject({ kind: 'play', context: { uri: 'spotify:album:2RnhhsLPpUvzQ23I6FTEL7' } });
    expect(localCommand({ kind: 'play' })).toEqual({ kind: 'resume', at: undefined });
    expect(localCommand({ kind: 'repeat', mode: 'track' })).toEqual({ kind: 'options', options: { repeatTrack: true, repeatContext: true } });
    expect(localCommand({ kind: 'volume', level: 1 })).toBeNull();
  });

  const album = 'spotify:album:2RnhhsLPpUvzQ23I6FTEL7';
  it.each<[what: string, command: Omit<Extract<Command, { kind: 'play' }>, 'kind'>, understood: object]>([
    ['a row by number', { uri: album, from: 3 }, { kind: 'play', start: { index: 3 }, options: null }],
    ['the first row, which is not the same as any', { uri: album, from: 0 }, { kind: 'play', start: { index: 0 } }],
    ['a row by link', { uri: album, from: 'https://open.spotify.com/track/2RnhhsLPpUvzQ23I6FTEIx?si=1' }, { kind: 'play', start: { uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx' } }],
    ['an order', { uri: album, shuffle: true }, { kind: 'play', start: null, options: { shuffle: true } }],
    ['the other order', { uri: album, shuffle: false }, { kind: 'play', options: { shuffle: false } }],
    ['a row that is none', { uri: album, from: album }, { kind: 'refuse' }],
    ['a row of nothing', { from: 3 }, { kind: 'refuse' }],
    ['an order of nothing', { shuffle: true }, { kind: 'refuse' }],
  ])('play with %s', (_, command, expected) => {
    expect(localCommand({ kind: 'play', ...command })).toMatchObject(expected);
  });

  it.each<Command>([
    { kind: 'mute', muted: true }, { kind: 'fade', to: 1, over: 1, curve: 'linear' }, { kind: 'limit', level: 1 }, { kind: 'announce', uri: 'sound:chime', chime: false },
    { kind: 'output', output: 'auto' }, { kind: 'transfer', to: 'bath' }, { kind: 'preset', preset: 'morning' },
  ])('$kind is the zone’s own business', (command) => {
    expect(localCommand(command)).toBeNull();
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
