import { expect, it } from 'vitest';
import type { CatalogueEntry, OddContexts } from '#simulator';
import type { ListeningRoom } from '../kit/listening-room.ts';
import { allIsWell, asked, command, lookAfter, newest, playerState, speakerId, told } from './life-room.ts';
import { fortySongs, handOver, heardTitles, layPlaylist, nextTitles, oddContexts, openOrder, range, songRow, songs, titleOf } from './order-room.ts';

let room: ListeningRoom;
lookAfter(() => room);

const talks = Array.from({ length: 4 }, (_, n): CatalogueEntry => ({ kind: 'episode', title: `Talk ${n}`, artists: ['People'], album: 'Show', number: n + 1, duration: 100_000, files: fortySongs[n]?.files ?? [] }));
const route = /^GET \/(context-resolve|artistplaycontext|playlistextender|radio-apollo)/;
/** Context rows that are published to come next, without what follows their end. */
function ahead(): number {
  const { nextTracks } = newest(room);
  const end = nextTracks.findIndex(({ uri, metadata }) => uri === 'spotify:delimiter' && metadata['hidden'] === 'true');
  return end < 0 ? nextTracks.length : end;
}

it.each<[keyof OddContexts, { readonly next: number; readonly fetches: number; readonly kind?: string; readonly playedAll?: number }]>([
  ['album', { next: 12, fetches: 1 }],
  ['playlist', { next: 50, fetches: 1 }],
  ['paged', { next: 50, fetches: 2, playedAll: 80 }],
  ['artist', { next: 50, fetches: 5, playedAll: 80 }],
  ['liked', { next: 50, fetches: 1 }],
  ['show', { next: 39, fetches: 1, kind: 'episode' }],
  ['hole', { next: 5, fetches: 1 }],
  ['doubles', { next: 9, fetches: 1 }],
  ['marked', { next: 6, fetches: 1 }],
])('plays a context of the kind “%s”', async (kind, { next, fetches, kind: rowKind = 'track', playedAll }) => {
  room = await openOrder({ catalogue: [...fortySongs, ...talks], rateLimit: false });
  const uri = oddContexts(room)[kind];
  expect(await command(room, { endpoint: 'play', context: { uri, url: `context://${uri}` }, options: {} })).toBe(true);
  await room.shows(({ status }) => status === 'playing');
  await room.run(2000);
  expect(ahead()).toBe(next);
  expect(asked(room, route)).toHaveLength(fetches);
  const { track, nextTracks, contextUri, index } = newest(room);
  expect(contextUri).toBe(uri);
  expect(index).toEqual({ page: 0, track: 0 });
  expect(track?.uri).toMatch(new RegExp(`^spotify:${rowKind}:[0-9A-Za-z]{22}$`));
  // Every row has a uid of its own by which a controller can name it.
  const uids = [track, ...nextTracks.slice(0, next)].map((row) => row?.uid);
  expect(uids.every((uid) => uid !== undefined && uid !== '')).toBe(true);
  expect(new Set(uids).size).toBe(next + 1);
  if (playedAll !== undefined) {
    for (let n = 1; n < playedAll; n++) {
      await room.do(room.phone.next());
      await room.run(300);
    }
    await room.run(1000);
    expect(ahead()).toBe(0);
    expect(newest(room).track?.provider).toBe('context');
    const pages = told(room).flatMap(({ put }) => put.device?.playerState?.index?.page ?? []);
    expect(Math.max(...pages)).toBe(kind === 'artist' ? 7 : 1);
  }
  allIsWell(room);
});

it.each([
  ['an empty context', async () => oddContexts(room).empty],
  ['an unknown context', async () => 'spotify:playlist:2RnhhsLPpUvzQ23I6FTEL7'],
])('%s: said so, and what was loaded before is there again, paused', async (_, uriOf) => {
  room = await openOrder();
  await room.do(room.phone.play(room.albumOf('Song 0'), { on: speakerId, track: 4 }));
  await room.plays('Song 4');
  await room.run(20_000);
  const position = Math.round(room.deck.position);
  const uri = await uriOf();
  expect(await command(room, { endpoint: 'play', context: { uri }, options: {} })).toBe(true);
  await room.shows(({ notice }) => notice !== null);
  await room.run(1000);
  expect(room.speaker.failures).toHaveLength(1);
  expect(newest(room)).toMatchObject({ contextUri: room.albumOf('Song 0'), isPlaying: true, isPaused: true, track: { uri: room.uri('Song 4') } });
  expect(Math.abs(newest(room).positionAsOfTimestamp - position)).toBeLessThanOrEqual(300);
  await room.do(room.phone.resume());
  await room.plays('Song 4');
  await room.run(1000);
  expect(room.disagreements()).toEqual([]);
});

it.each<[string, (room: ListeningRoom) => void, number]>([
  ['500 once', ({ cloud }) => void cloud.faults.fail('context/resolve', 500, { count: 1 }), 1500],
  ['loading twice', ({ cloud }) => void cloud.faults.set('context/loading', { count: 2 }), 2500],
  ['a key nobody knows', ({ cloud }) => void cloud.faults.set('context/unknown-key', {}), 500],
  ['429 with Retry-After 2', ({ cloud }) => void cloud.faults.fail('context/resolve', 429, { count: 1, headers: { 'Retry-After': '2' } }), 2500],
])('the resolver answers %s: the music comes all the same', async (_, set, within) => {
  room = await openOrder();
  set(room);
  const from = room.clock.now();
  expect(await command(room, { endpoint: 'play', context: { uri: room.albumOf('Song 0') }, options: {} })).toBe(true);
  await room.plays('Song 0');
  expect(room.clock.now() - from).toBeLessThanOrEqual(within);
  await room.run(1000);
  expect(ahead()).toBe(39);
  expect(room.speaker.failures).toEqual([]);
  allIsWell(room);
});

it.each<[string, (room: ListeningRoom) => void]>([
  ['for 20 s not at all', ({ cloud }) => void cloud.faults.hang('context/resolve', 20_000)],
  ['with []', ({ cloud }) => void cloud.faults.fail('context/resolve', 200, { body: '[]' })],
  ['with half an answer', ({ cloud }) => void cloud.faults.fail('context/resolve', 200, { body: '{"uri":"spotify:al' })],
  ['with 403', ({ cloud }) => void cloud.faults.fail('context/resolve', 403)],
])('the resolver answers %s: a named row plays alone, commands are answered at once', async (_, set) => {
  room = await openOrder();
  set(room);
  const from = room.clock.now();
  expect(await command(room, { endpoint: 'play', context: { uri: room.albumOf('Song 0') }, options: { skip_to: { track_uri: room.uri('Song 7') } } })).toBe(true);
  expect(room.clock.now() - from).toBeLessThan(2000);
  await room.plays('Song 7');
  expect(await command(room, { endpoint: 'pause' })).toBe(true);
  expect(await command(room, { endpoint: 'resume' })).toBe(true);
  await room.run(45_000);
  expect(room.state.track?.title).toBe('Song 7');
  expect(room.deck.plays).toHaveLength(1);
  expect(room.deck.isSounding).toBe(true);
  expect(ahead()).toBe(0);
});

it('a command’s own rows: enough for playing when they are complete; their uids and metadata stay when they are not', async () => {
  room = await openOrder();
  const list = layPlaylist(room, 'own', range(0, 6));
  const tracks = [2, 3].map((n) => ({ uri: room.uri(`Song ${n}`), uid: `mine${n}`, metadata: { decision_id: `d${n}` } }));
  const play = (metadata: object) => command(room, { endpoint: 'play', context: { uri: list, metadata: { ...metadata, context_description: 'As I call it' }, pages: [{ tracks }] }, options: { skip_to: { track_uid: 'mine3' } } });
  expect(await play({ playlist_number_of_tracks: '2' })).toBe(true);
  await room.plays('Song 3');
  await room.run(1000);
  expect(asked(room, route)).toHaveLength(0);
  expect(newest(room).prevTracks.map(({ uid }) => uid)).toEqual(['mine2']);
  expect(await play({ playlist_number_of_tracks: '6' })).toBe(true);
  await room.plays('Song 3');
  await room.run(1000);
  expect(asked(room, route)).toHaveLength(1);
  expect(newest(room)).toMatchObject({ track: { uid: 'mine3', metadata: { decision_id: 'd3', context_uri: list, entity_uri: list } }, contextMetadata: { context_description: 'As I call it' } });
  expect(newest(room).prevTracks.map(({ uid }) => uid)).toEqual(['own0', 'own1', 'mine2']);
  expect(nextTitles(room)).toEqual(songs(4, 5));
  allIsWell(room);
});

it('an artist’s page that cannot be had ends the list; the music before it plays', async () => {
  room = await openOrder();
  const { artist } = oddContexts(room);
  room.cloud.faults.fail('context/page', 404);
  expect(await command(room, { endpoint: 'play', context: { uri: artist }, options: {} })).toBe(true);
  await room.shows(({ status }) => status === 'playing');
  await room.run(1000);
  expect(ahead()).toBe(19);
  // It is asked for once with each track, not in between.
  expect(asked(room, /artistplaycontext/)).toHaveLength(1);
  await room.run(30_000);
  expect(asked(room, /artistplaycontext/)).toHaveLength(1);
  allIsWell(room);
});

it('pages without rows that name one another for ever are left after a few', async () => {
  room = await openOrder();
  const list = layPlaylist(room, 'loop', [0, 1]);
  const address = (n: number) => `hm://playlistextender/v1/page/loop?n=${n}`;
  room.cloud.contexts.set({ uri: list, pages: [{ tracks: [songRow(room, 0, 'l0'), songRow(room, 1, 'l1')], next_page_url: address(0) }] });
  range(0, 100).forEach((n) => room.cloud.contexts.setPage(address(n), { tracks: [], next_page_url: address((n + 1) % 100) }));
  expect(await command(room, { endpoint: 'play', context: { uri: list }, options: {} })).toBe(true);
  await room.plays('Song 0');
  await room.run(60_000);
  expect(asked(room, /loop/).length).toBeLessThanOrEqual(8);
  await room.run(600_000);
  expect(asked(room, /loop/).length).toBeLessThanOrEqual(8);
  expect(heardTitles(room).slice(0, 2)).toEqual(songs(0, 1));
});

it('banned and removed rows are passed over, and play when they are clicked', async () => {
  room = await openOrder();
  const odd = (n: number, more: object) => ({ ...songRow(room, n, `ban${n}`), ...more });
  const banned = { metadata: { 'collection.is_banned': 'true' } };
  const list = layPlaylist(room, 'ban', [0, odd(1, banned), odd(2, { removed: ['gone'] }), 3], { 'filtering.predicate': 'available==true,is_banned==false' });
  expect(await command(room, { endpoint: 'play', context: { uri: list }, options: {} })).toBe(true);
  await room.plays('Song 0');
  await room.run(1000);
  expect(nextTitles(room).slice(0, 3)).toEqual(songs(1, 2, 3));
  await room.do(room.phone.next());
  await room.plays('Song 3');
  await room.do(room.phone.previous());
  await room.plays('Song 0');
  expect(await command(room, { endpoint: 'skip_next', track: { uri: room.uri('Song 1'), uid: 'ban1' } })).toBe(true);
  await room.plays('Song 1');
  await room.run(1000);
  allIsWell(room);
});

it('update_context: other metadata and restrictions at once, other rows around the music, position and timestamp untouched', async () => {
  room = await openOrder();
  const list = layPlaylist(room, 'update', range(0, 6));
  await room.do(room.phone.play(list, { on: speakerId, track: 2 }));
  await room.plays('Song 2');
  await room.run(5000);
  await room.do(room.phone.addToQueue(room.uri('Song 30')));
  await room.run(1000);
  const before = newest(room);
  const update = (context: object) => command(room, { endpoint: 'update_context', session_id: before.sessionId, context });
  expect(await update({ uri: list, metadata: { context_description: 'Renamed' }, restrictions: { disallow_toggling_shuffle_reasons: ['station'] }, pages: [] })).toBe(true);
  await room.run(1000);
  expect(newest(room)).toMatchObject({ contextMetadata: { context_description: 'Renamed' }, contextRestrictions: { disallowTogglingShuffleReasons: ['station'] }, timestamp: before.timestamp, positionAsOfTimestamp: before.positionAsOfTimestamp, queueRevision: before.queueRevision });
  expect(await command(room, { endpoint: 'set_shuffling_context', value: true })).toBe(false);
  expect(newest(room).options?.shufflingContext).toBe(false);
  expect(await update({ uri: 'spotify:playlist:2RnhhsLPpUvzQ23I6FTEL7', metadata: { context_description: 'Another' } })).toBe(true);
  room.cloud.contexts.set({ uri: list, pages: [{ tracks: [5, 0, 2, 7].map((n) => songRow(room, n, `update${n}`)) }] });
  expect(await update({ uri: list, pages: [{ tracks: [songRow(room, 7, 'called so')] }] })).toBe(true);
  await room.run(1000);
  const after = newest(room);
  expect(after).toMatchObject({ contextMetadata: { context_description: 'Renamed' }, track: { uid: 'update2' }, timestamp: before.timestamp, positionAsOfTimestamp: before.positionAsOfTimestamp });
  expect(nextTitles(room).slice(0, 2)).toEqual(songs(30, 7));
  expect(after.nextTracks[1]?.uid).toBe('called so');
  expect(after.prevTracks.map((row) => titleOf(room, row))).toEqual(songs(5, 0));
  expect(after.queueRevision).not.toBe(before.queueRevision);
  expect(room.deck.plays).toHaveLength(1);
  expect(room.deck.gaps).toEqual([]);
  allIsWell(room);
});

it('update_context while the context is still being asked for is not lost', async () => {
  room = await openOrder();
  const list = layPlaylist(room, 'early', range(0, 4));
  room.cloud.faults.hang('context/resolve', 3000);
  expect(await command(room, { endpoint: 'play', context: { uri: list, metadata: { context_description: 'Old' } }, options: { skip_to: { track_uri: room.uri('Song 1') } } })).toBe(true);
  await room.plays('Song 1');
  expect(await command(room, { endpoint: 'update_context', context: { uri: list, metadata: { context_description: 'New' } } })).toBe(true);
  await room.run(5000);
  expect(newest(room)).toMatchObject({ contextMetadata: { context_description: 'New' }, track: { uid: 'early1' } });
  expect(nextTitles(room).slice(0, 2)).toEqual(songs(2, 3));
  allIsWell(room);
});

it('a seek while it is not known yet what plays counts for what plays then', async () => {
  room = await openOrder();
  room.cloud.faults.hang('context/resolve', 2000);
  expect(await command(room, { endpoint: 'play', context: { uri: room.albumOf('Song 0') }, options: {} })).toBe(true);
  expect(await command(room, { endpoint: 'seek_to', value: 42_000 })).toBe(true);
  await room.plays('Song 0');
  expect(room.deck.plays.at(-1)?.at).toBe(42_000);
  await room.run(1000);
  allIsWell(room);
});

it('a step back while a page is waited for: the page does not push the music on', async () => {
  room = await openOrder();
  const list = layPlaylist(room, 'wait', [0, 1]);
  const next = 'hm://playlistextender/v1/page/wait?from=2';
  room.cloud.contexts.set({ uri: list, pages: [{ tracks: [songRow(room, 0, 'w0'), songRow(room, 1, 'w1')], next_page_url: next }] });
  room.cloud.contexts.setPage(next, { tracks: [songRow(room, 2, 'w2')] });
  room.cloud.faults.hang('context/page', 8000);
  expect(await command(room, { endpoint: 'play', context: { uri: list }, options: { skip_to: { track_uid: 'w1' } } })).toBe(true);
  await room.plays('Song 1');
  await room.do(room.phone.next());
  await room.run(500);
  expect(newest(room)).toMatchObject({ isBuffering: true });
  await room.do(room.phone.previous());
  await room.plays('Song 0');
  await room.run(12_000);
  expect(room.state.track?.title).toBe('Song 0');
  expect(nextTitles(room).slice(0, 2)).toEqual(songs(1, 2));
  allIsWell(room);
});

it('transfer of an autoplay session: its station goes on, its rows are marked', async () => {
  room = await openOrder();
  const station = 'spotify:station:playlist:2RnhhsLPpUvzQ23I6FTEL7';
  expect(await handOver(room, { playback: { timestamp: room.clock.now(), position: 0, speed: 1, isPaused: false, track: { uri: room.uri('Song 7'), uid: '' } }, session: { context: { uri: station } } })).toBe(true);
  await room.plays('Song 7');
  await room.run(1000);
  expect(newest(room)).toMatchObject({ contextUri: station, track: { provider: 'autoplay', metadata: { 'autoplay.is_autoplay': 'true' } } });
  expect(newest(room).nextTracks).toHaveLength(50);
  expect(told(room).map(playerState).at(-1)?.index).toBeNull();
  allIsWell(room);
});

it('an episode whose sound lies on its publisher’s server is passed over with a sentence that says so', async () => {
  const outside: CatalogueEntry = { kind: 'episode', title: 'Outside', artists: ['People'], album: 'Show', number: 0, duration: 100_000, files: [], externalUrl: 'https://publisher.example/a.mp3' };
  room = await openOrder({ catalogue: [outside, ...talks] });
  expect(await command(room, { endpoint: 'play', context: { uri: room.albumOf('Talk 0') }, options: { skip_to: { track_index: 0 } } })).toBe(true);
  await room.plays('Talk 0');
  await room.run(1000);
  expect(room.speaker.failures).toMatchObject([{ code: 'spotify/external-audio' }]);
  expect(room.speaker.failures[0]?.message).toMatch(/server outside Spotify/);
  expect(room.deck.plays).toHaveLength(1);
  allIsWell(room);
});

it('a page that the network withholds is waited for; the music goes on with it, nothing is passed over', async () => {
  room = await openOrder();
  const list = layPlaylist(room, 'away', [0]);
  const next = 'hm://playlistextender/v1/page/away?from=1';
  room.cloud.contexts.set({ uri: list, pages: [{ tracks: [songRow(room, 0, 'a0')], next_page_url: next }] });
  room.cloud.contexts.setPage(next, { tracks: [songRow(room, 1, 'a1'), songRow(room, 2, 'a2')] });
  const outage = room.cloud.faults.fail('context/page', 503);
  expect(await command(room, { endpoint: 'play', context: { uri: list }, options: {} })).toBe(true);
  await room.plays('Song 0');
  await room.run(205_000);
  expect(newest(room)).toMatchObject({ isPlaying: true, isBuffering: true, isPaused: false });
  outage[Symbol.dispose]();
  await room.plays('Song 1');
  await room.run(1000);
  expect(nextTitles(room)[0]).toBe('Song 2');
  expect(heardTitles(room)).toEqual(songs(0, 1));
  allIsWell(room);
});

it('a place behind the end of the track is its end', async () => {
  room = await openOrder();
  const list = layPlaylist(room, 'past', range(0, 4));
  expect(await command(room, { endpoint: 'play', context: { uri: list }, options: { seek_to: 9_000_000 } })).toBe(true);
  await room.plays('Song 0');
  expect(room.deck.plays.at(-1)?.at).toBe(199_500);
  await room.plays('Song 1');
  await room.run(1000);
  allIsWell(room);
});

it('a row that is named and is no track: the music begins behind it; a list without any track says so', async () => {
  room = await openOrder();
  const local = { uri: 'spotify:local:a:b:c:1', uid: 'local' };
  const list = layPlaylist(room, 'local', [0, local, 2, 3]);
  expect(await command(room, { endpoint: 'play', context: { uri: list }, options: { skip_to: { track_uid: 'local', track_uri: local.uri }, seek_to: 30_000 } })).toBe(true);
  await room.plays('Song 2');
  expect(room.deck.plays).toMatchObject([{ at: 0 }]);
  await room.run(1000);
  expect(newest(room).prevTracks.map(({ uid }) => uid)).toEqual(['local0', 'local']);
  const none = layPlaylist(room, 'none', [local]);
  expect(await command(room, { endpoint: 'play', context: { uri: none }, options: {} })).toBe(true);
  await room.shows(({ notice }) => notice?.code === 'connect/nothing-playable');
  await room.run(1000);
  expect(newest(room)).toMatchObject({ contextUri: list, isPlaying: true, isPaused: true });
  allIsWell(room);
});
