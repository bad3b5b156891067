import { expect, it } from 'vitest';
import type { ListeningRoom } from '../kit/listening-room.ts';
import { allIsWell, command, lookAfter, newest, raw, speakerId } from './life-room.ts';
import { heardTitles, layPlaylist, nextTitles, openOrder, range, songs } from './order-room.ts';

let room: ListeningRoom;
lookAfter(() => room);

it('7. play a playlist with skip_to uid and shuffle on: that row first, the others permuted, none lost', async () => {
  room = await openOrder();
  // One song stands in it twice: the uid says which of the two is meant.
  const list = layPlaylist(room, 'seven', [...range(0, 39), 17]);
  const play = (options: object) =>
    command(room, { endpoint: 'play', context: { uri: list, url: `context://${list}` }, play_origin: { feature_identifier: 'playlist' }, options });
  expect(await play({ skip_to: { track_uid: 'seven39', track_uri: room.uri('Song 17') }, player_options_override: { shuffling_context: true } })).toBe(true);
  await room.plays('Song 17');
  await room.run(1000);
  const state = newest(room);
  expect(state.track?.uid).toBe('seven39');
  expect(state.options?.shufflingContext).toBe(true);
  expect(state.prevTracks).toEqual([]);
  const others = state.nextTracks.map(({ uid }) => uid);
  expect(others).toHaveLength(39);
  expect(others).not.toEqual(range(0, 39).map((n) => `seven${n}`));
  expect([...others].sort()).toEqual(range(0, 39).map((n) => `seven${n}`).sort());
  // Off again: natural order around the row that plays, which is not interrupted.
  await room.do(room.phone.shuffle(false));
  await room.run(1000);
  expect(newest(room).nextTracks.filter(({ uri, provider }) => provider === 'context' && uri !== 'spotify:delimiter')).toEqual([]);
  expect(newest(room).prevTracks.map(({ uid }) => uid)).toEqual(range(29, 10).map((n) => `seven${n}`));
  expect(room.deck.gaps).toEqual([]);
  expect(room.deck.plays).toHaveLength(1);
  allIsWell(room);
});

it('play with shuffle on and no row named starts anywhere, and loses none', async () => {
  room = await openOrder();
  const list = layPlaylist(room, 'any', range(0, 40));
  const first = new Set<string>();
  for (let n = 0; n < 5; n++) {
    const plays = room.deck.plays.length;
    expect(await command(room, { endpoint: 'play', context: { uri: list }, options: { player_options_override: { shuffling_context: true } } })).toBe(true);
    await room.until(() => room.deck.plays.length > plays);
    await room.run(1000);
    const { track, nextTracks } = newest(room);
    first.add(track?.uid ?? '');
    expect(new Set([track, ...nextTracks.slice(0, 39)].map((row) => row?.uid)).size).toBe(40);
  }
  expect(first.size).toBeGreaterThan(1);
  allIsWell(room);
});

it('8. play with uris only and track_index 1: the second uri plays', async () => {
  room = await openOrder();
  for (const [uri, url] of [['', ''], ['-', 'context://-']]) {
    const pages = [{ tracks: [21, 22, 23].map((n) => ({ uri: room.uri(`Song ${n}`) })) }];
    expect(await command(room, { endpoint: 'play', context: { uri, url, pages }, options: { skip_to: { track_index: 1 } } })).toBe(true);
    await room.plays('Song 22');
    await room.run(1000);
    expect(nextTitles(room)).toEqual(songs(23));
    expect(newest(room).track?.uid).not.toBe('');
    expect(newest(room).index).toEqual({ page: 0, track: 1 });
    await room.do(room.phone.next());
    await room.plays('Song 23');
    await room.run(1000);
  }
  expect(heardTitles(room)).toEqual(songs(22, 23, 22, 23));
  allIsWell(room);
});

it('34. unknown endpoint, malformed JSON, missing logging_params: false, false, works', async () => {
  room = await openOrder();
  await room.do(room.phone.play(room.albumOf('Song 0'), { on: speakerId }));
  await room.plays('Song 0');
  await room.run(1000);
  expect(await raw(room, { message_id: 4_000_000_001, sent_by_device_id: room.phone.deviceId, command: { endpoint: 'make_coffee', cups: 2 } })).toBe('failed');
  for (const body of ['{"command":', null, [], {}, { command: null }, { command: { endpoint: 7 } }, { command: { endpoint: '' } }, { command: { endpoint: 'transfer', data: '*' } }]) {
    expect([JSON.stringify(body), await raw(room, body)]).toEqual([JSON.stringify(body), 'failed']);
  }
  room.cloud.faults.set('dealer/bad-json', { count: 1, device: speakerId });
  expect(await raw(room, { message_id: 4_000_000_002.0, sent_by_device_id: room.phone.deviceId, command: { endpoint: 'pause' } })).toBe('succeeded');
  await room.shows(({ status }) => status === 'paused');
  expect(await raw(room, { message_id: '4000000003', sent_by_device_id: room.phone.deviceId, command: { endpoint: 'seek_to', value: '42000.0', later: { than: 'us' } } })).toBe('succeeded');
  await room.shows(({ position }) => position.at === 42_000);
  expect(await raw(room, { message_id: 4_000_000_004, sent_by_device_id: room.phone.deviceId, command: { endpoint: 'resume' } })).toBe('succeeded');
  await room.plays('Song 0');
  await room.run(1000);
  expect(room.deck.plays).toHaveLength(1);
  expect(room.disagreements()).toEqual([]);
  expect(room.cloud.refusals.filter(({ phone, what }) => phone === null && !what.includes('last_command'))).toEqual([]);
});

it.each([
  ['spotify:local-files', {}],
  ['spotify:search:night', {}],
  ['', {}],
  ['-', { pages: [{ tracks: [{ uri: 'spotify:local:a:b:c:1' }] }] }],
])('refuses “%s”, which cannot be played from, before it answers, and plays on', async (uri, more) => {
  room = await openOrder();
  await room.do(room.phone.play(room.albumOf('Song 0'), { on: speakerId }));
  await room.plays('Song 0');
  await room.run(1000);
  expect(await command(room, { endpoint: 'play', context: { uri, url: '', ...more }, options: {} })).toBe(false);
  await room.run(1000);
  expect(room.deck.plays).toHaveLength(1);
  expect(room.deck.isSounding).toBe(true);
  allIsWell(room);
});

it('plays a search from the rows on the screen and asks nobody for others', async () => {
  room = await openOrder();
  const pages = [{ tracks: [3, 4].map((n) => ({ uri: room.uri(`Song ${n}`), uid: `s${n}` })) }];
  const metadata = { playlist_number_of_tracks: '70' };
  expect(await command(room, { endpoint: 'play', context: { uri: 'spotify:search:night', pages, metadata }, options: { skip_to: { track_uid: 's4' } } })).toBe(true);
  await room.plays('Song 4');
  expect(await command(room, { endpoint: 'play', context: { uri: 'spotify:search:night' }, options: { skip_to: { track_uri: room.uri('Song 9') } } })).toBe(true);
  await room.plays('Song 9');
  await room.run(1000);
  expect(room.count('context/resolve')).toBe(0);
  allIsWell(room);
});

it('does not ask again within a minute for a context that Spotify does not know', async () => {
  room = await openOrder();
  const uri = 'spotify:playlist:2RnhhsLPpUvzQ23I6FTEL7';
  const asked = () => room.cloud.contexts.fetches(uri);
  for (const [wait, expected] of [[0, 1], [30_000, 1], [31_000, 2]] as const) {
    await room.run(wait);
    expect(await command(room, { endpoint: 'play', context: { uri }, options: {} })).toBe(true);
    await room.shows(({ notice }) => notice !== null);
    await room.run(500);
    expect(asked()).toBe(expected);
  }
  expect(newest(room)).toMatchObject({ isPlaying: false });
  expect(room.speaker.failures).toHaveLength(3);
});
