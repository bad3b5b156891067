import { describe, expect, it } from 'vitest';
import type { ListeningRoom, ListeningRoomOptions } from '../kit/listening-room.ts';
import { allIsWell, asked, command, lookAfter, newest, playerState, speakerId, told } from './life-room.ts';
import { bare, fortySongs, handOver, heardTitles, layPlaylist, nextTitles, openOrder, range, songs, titleOf } from './order-room.ts';

let room: ListeningRoom;
lookAfter(() => room);

const autoplayRoute = /^POST \/context-resolve\/v1\/autoplay/;
const withAutoplay = (isOn: boolean, more: ListeningRoomOptions = {}) => openOrder({ users: [{ name: 'listener', attributes: { autoplay: isOn ? '1' : '0' } }], ...more });
const questions = () => asked(room, autoplayRoute);
/** Plays the last row but `from` of a list of `count` songs, and returns when it is heard. */
const nearEnd = async (name: string, count: number, from: number) => {
  const list = layPlaylist(room, name, range(0, count));
  await room.do(room.phone.play(list, { on: speakerId, track: count - 1 - from }));
  await room.plays(`Song ${count - 1 - from}`);
  await room.run(1000);
  return list;
};

describe('18. autoplay', () => {
  it('18. autoplay on: asked before the end, appended after a delimiter, entered without a gap as a session of its own, refilled page by page', async () => {
    room = await withAutoplay(true);
    const list = await nearEnd('on', 4, 2);
    expect(questions()).toHaveLength(0);
    await room.do(room.phone.next());
    await room.plays('Song 2');
    await room.run(1000);
    // Fewer than two rows are left: it is asked, and what was played is told, oldest first.
    expect(questions()).toHaveLength(1);
    const told0 = room.cloud.journal.find('autoplay', 'context').at(-1)?.detail;
    expect(told0).toMatchObject({ contextUri: list, recent: [0, 1, 2].map((n) => room.uri(`Song ${n}`)) });
    const before = newest(room);
    expect(before.contextUri).toBe(list);
    expect(before.nextTracks[0]?.uri).toBe(room.uri('Song 3'));
    expect(before.nextTracks[1]).toMatchObject({ uri: 'spotify:delimiter', metadata: { hidden: 'true' } });
    const promised = before.nextTracks[2];
    const station = promised?.metadata['context_uri'] ?? '';
    expect(promised).toMatchObject({ provider: 'autoplay', metadata: { 'autoplay.is_autoplay': 'true', context_uri: station, entity_uri: station } });
    expect(before.nextTracks).toHaveLength(50);
    await room.run(2 * 200_000);
    const after = newest(room);
    expect(station).toMatch(/^spotify:station:/);
    expect(after).toMatchObject({ contextUri: station, index: null, track: { uri: promised?.uri, provider: 'autoplay' } });
    expect(after.sessionId).not.toBe(before.sessionId);
    expect(after.restrictions?.disallowTogglingShuffleReasons).toEqual(['autoplay']);
    expect(after.prevTracks.at(-1)?.uri).toBe('spotify:delimiter');
    expect(after.prevTracks.at(-2)).toMatchObject({ uri: room.uri('Song 3'), metadata: { context_uri: list } });
    expect(Math.max(...room.deck.gaps)).toBeLessThanOrEqual(50);
    // The station never runs dry, and nothing is asked twice.
    await room.run(20 * 200_000);
    expect(newest(room).nextTracks).toHaveLength(50);
    expect(questions()).toHaveLength(1);
    expect(Math.max(...room.deck.gaps)).toBeLessThanOrEqual(50);
    expect(asked(room, /^GET \/radio-apollo/)).toHaveLength(1);
    allIsWell(room);
  });

  it('18. autoplay on, backwards out of the station: the context again, and forward the same rows without another question', async () => {
    room = await withAutoplay(true);
    const list = await nearEnd('back', 3, 0);
    const first = newest(room).nextTracks[1];
    await room.do(room.phone.next());
    await room.run(1000);
    expect(newest(room)).toMatchObject({ track: { uid: first?.uid }, contextUri: first?.metadata['context_uri'] });
    await room.do(room.phone.previous());
    await room.plays('Song 2');
    await room.run(1000);
    expect(newest(room)).toMatchObject({ contextUri: list, track: { provider: 'context' }, index: { page: 0, track: 2 } });
    expect(newest(room).nextTracks[1]?.uid).toBe(first?.uid);
    await room.do(room.phone.next());
    await room.run(1000);
    expect(newest(room).track?.uid).toBe(first?.uid);
    // A click on one of its rows leads there, too.
    await room.do(room.phone.previous());
    await room.run(1000);
    const later = newest(room).nextTracks[9];
    expect(await command(room, { endpoint: 'skip_next', track: { uri: later?.uri, uid: later?.uid } })).toBe(true);
    await room.run(1000);
    expect(newest(room)).toMatchObject({ track: { uid: later?.uid, provider: 'autoplay' }, contextUri: first?.metadata['context_uri'] });
    expect(questions()).toHaveLength(1);
    allIsWell(room);
  });

  it('18. autoplay on, but the context repeats: around again, nothing asked', async () => {
    room = await withAutoplay(true);
    const list = layPlaylist(room, 'repeat', range(0, 2));
    await room.do(room.phone.play(list, { on: speakerId, track: 1, repeat: 'context' }));
    await room.run(201_000);
    expect(heardTitles(room)).toEqual(songs(1, 0));
    expect(questions()).toHaveLength(0);
    // Switched off: then it is time to ask.
    await room.do(room.phone.next());
    await room.do(room.phone.repeat('off'));
    await room.run(1000);
    expect(questions()).toHaveLength(1);
    allIsWell(room);
  });

  it('18. autoplay off: the end of the context is shown as its first row, paused at 0; resume starts over', async () => {
    room = await withAutoplay(false);
    await nearEnd('off', 3, 1);
    await room.run(400_000);
    expect(questions()).toHaveLength(0);
    expect(newest(room)).toMatchObject({ isPlaying: true, isPaused: true, isBuffering: false, playbackSpeed: 0, positionAsOfTimestamp: 0, track: { uri: room.uri('Song 0') } });
    expect(room.phone.cluster.activeDeviceId).toBe(speakerId);
    expect(room.deck.isSounding).toBe(false);
    await room.do(room.phone.resume());
    await room.plays('Song 0');
    await room.run(1000);
    expect(heardTitles(room)).toEqual(songs(1, 2, 0));
    allIsWell(room);
  });

  it('18. autoplay answered with 500: asked again after 5, 30 and 120 s at most; at the end it is the end of the context', async () => {
    room = await withAutoplay(true, { catalogue: [...fortySongs, { title: 'Long', artists: ['Somebody'], album: 'Long', duration: 600_000, files: fortySongs[0]?.files ?? [] }] });
    room.cloud.faults.fail('context/autoplay', 500);
    await room.do(room.phone.play(room.albumOf('Long'), { on: speakerId }));
    await room.plays('Long');
    await room.run(500_000);
    const times = [...new Set(questions().map((at) => Math.round((at - (questions()[0] ?? 0)) / 1000)))];
    // Each of the four takes the retries of its request (two within a second) before the pause begins.
    const starts = times.filter((at, n) => n === 0 || at - (times[n - 1] ?? 0) > 3);
    expect(starts).toHaveLength(4);
    expect(starts[1]).toBeGreaterThanOrEqual(5);
    expect((starts[2] ?? 0) - (starts[1] ?? 0)).toBeGreaterThanOrEqual(30);
    expect((starts[3] ?? 0) - (starts[2] ?? 0)).toBeGreaterThanOrEqual(120);
    expect(room.deck.gaps).toEqual([]);
    await room.run(101_000);
    expect(newest(room)).toMatchObject({ isPlaying: true, isPaused: true, positionAsOfTimestamp: 0, track: { uri: room.uri('Long') } });
    const before = questions().length;
    await room.do(room.phone.resume());
    await room.run(601_000);
    expect(newest(room)).toMatchObject({ isPlaying: true, isPaused: true, positionAsOfTimestamp: 0 });
    expect(questions()).toHaveLength(before);
    expect(room.speaker.failures).toEqual([]);
    allIsWell(room);
  });

  it('18. autoplay answered only once the end has come: plays on; with a no: the end of the context', async () => {
    room = await withAutoplay(true);
    await nearEnd('late', 3, 1);
    await room.run(500);
    room.cloud.faults.hang('context/autoplay', 5000);
    await nearEnd('later', 2, 0);
    await room.do(room.phone.next());
    await room.run(1000);
    expect(newest(room)).toMatchObject({ isPlaying: true, isBuffering: true });
    expect(room.deck.isSounding).toBe(false);
    await room.run(6000);
    expect(newest(room).track?.provider).toBe('autoplay');
    expect(room.deck.isSounding).toBe(true);
    room.cloud.faults.clear();
    room.cloud.faults.set('connect-state/push-to-sender', {});
    room.cloud.faults.fail('context/autoplay', 404);
    const before = questions().length;
    await nearEnd('no', 2, 0);
    await room.run(250_000);
    expect(questions()).toHaveLength(before + 1);
    expect(newest(room)).toMatchObject({ isPlaying: true, isPaused: true, positionAsOfTimestamp: 0, track: { uri: room.uri('Song 0') } });
    allIsWell(room);
  });

  it('18. autoplay for a show: not asked; the end of the context', async () => {
    const talk = (n: number) => ({ kind: 'episode' as const, title: `Talk ${n}`, artists: ['People'], album: 'Show', number: n + 1, duration: 100_000, files: fortySongs[n]?.files ?? [] });
    room = await withAutoplay(true, { catalogue: [...fortySongs.slice(5), talk(0), talk(1)] });
    await room.do(room.phone.play(room.albumOf('Talk 0'), { on: speakerId, track: 'Talk 1', position: 10_000 }));
    await room.plays('Talk 1');
    await room.run(100_000);
    expect(questions()).toHaveLength(0);
    expect(newest(room)).toMatchObject({ isPlaying: true, isPaused: true, track: { uri: room.uri('Talk 0') } });
    allIsWell(room);
  });

  it('asks with the fifty rows played last, no more', async () => {
    room = await withAutoplay(true);
    const list = layPlaylist(room, 'many', Array.from({ length: 90 }, (_, n) => n % 40));
    await room.do(room.phone.play(list, { on: speakerId, track: 89 }));
    await room.until(() => questions().length === 1);
    const recent = room.cloud.journal.find('autoplay', 'context').at(-1)?.detail['recent'] as readonly string[];
    expect(recent).toHaveLength(50);
    expect(recent.at(-1)).toBe(room.uri('Song 9'));
    expect(recent[0]).toBe(room.uri('Song 0'));
  });
});

it('19. endless station, transfer of an unknown track: bounded fetches, it plays beside the station', async () => {
  room = await openOrder();
  const station = 'spotify:station:track:2RnhhsLPpUvzQ23I6FTEIx';
  room.cloud.catalogue.add({ title: 'Elsewhere', duration: 200_000, listed: false, files: fortySongs[0]?.files ?? [] });
  const before = room.clock.now();
  await handOver(room, {
    playback: { timestamp: room.clock.now(), position: 3000, speed: 1, isPaused: false, track: bare(room.uri('Elsewhere'), 'nowhere') },
    session: { context: { uri: station }, currentUid: 'nowhere' },
  });
  await room.plays('Elsewhere');
  expect(room.deck.plays).toHaveLength(1);
  await room.run(5000);
  const fetches = () => asked(room, /^GET \/(radio-apollo|context-resolve)/, before).length;
  expect(fetches()).toBeLessThanOrEqual(9);
  expect(newest(room)).toMatchObject({ contextUri: station, track: { uri: room.uri('Elsewhere') }, index: null });
  expect(newest(room).nextTracks).toHaveLength(50);
  expect(newest(room).nextTracks.every(({ provider, metadata }) => provider === 'autoplay' && metadata['autoplay.is_autoplay'] === 'true')).toBe(true);
  expect(await command(room, { endpoint: 'set_shuffling_context', value: true })).toBe(false);
  const [first] = nextTitles(room);
  await room.do(room.phone.next());
  await room.run(1000);
  expect(heardTitles(room)).toEqual(['Elsewhere', first]);
  const soFar = fetches();
  await room.run(60_000);
  expect(fetches()).toBe(soFar);
  expect(asked(room, autoplayRoute)).toEqual([]);
  expect(told(room).map(playerState).every(({ track }) => track === null || titleOf(room, track) !== '')).toBe(true);
  allIsWell(room);
});

it.each([[true, '0', 1], [false, '1', 0]] as const)('the zone’s own setting (%s) goes before the account’s (%s)', async (own, account, asks) => {
  room = await withAutoplay(account === '1', { speaker: { receiver: { autoplay: own } } });
  await nearEnd('own', 2, 0);
  await room.run(5000);
  expect(questions()).toHaveLength(asks);
  allIsWell(room);
});

it('repeat switched on while the end waits for autoplay: around again at once', async () => {
  room = await withAutoplay(true);
  room.cloud.faults.hang('context/autoplay', 8000);
  await nearEnd('turn', 3, 0);
  await room.do(room.phone.next());
  await room.run(500);
  expect(newest(room)).toMatchObject({ isBuffering: true });
  await room.do(room.phone.repeat('context'));
  await room.plays('Song 0', 1000);
  await room.run(10_000);
  expect(heardTitles(room)).toEqual(songs(2, 0));
  expect(newest(room).nextTracks.some(({ provider }) => provider === 'autoplay')).toBe(false);
  allIsWell(room);
});

it('a click on nothing is refused, and plays on', async () => {
  room = await withAutoplay(true);
  await nearEnd('nothing', 3, 1);
  expect(await command(room, { endpoint: 'skip_next', track: { uri: '', uid: 'unknown' } })).toBe(false);
  expect(await command(room, { endpoint: 'skip_next', track: { uri: 'spotify:delimiter', uid: '' } })).toBe(false);
  await room.run(1000);
  expect(heardTitles(room)).toEqual(songs(1));
  allIsWell(room);
});
