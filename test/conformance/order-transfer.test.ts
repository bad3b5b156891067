import { expect, it } from 'vitest';
import type { ListeningRoom } from '../kit/listening-room.ts';
import { allIsWell, command, lookAfter, newest, playerState, playing, speakerId, told } from './life-room.ts';
import { bare, handOver, heardTitles, layPlaylist, nextTitles, openOrder, range, songs, titleOf } from './order-room.ts';

let room: ListeningRoom;
lookAfter(() => room);

it('2. transfer of a gid-only track with an anchor 5 s old: claimed within 300 ms, reply within 2 s, position + 5 s within 300 ms, uid there', async () => {
  room = await openOrder({ latency: { http: 50, dealer: 50, accessPoint: 50 } });
  const { phone, cloud } = room;
  const list = layPlaylist(room, 'two', range(0, 10));
  await room.do(phone.playHere(list, { track: 4, position: 61_000 }));
  const anchor = phone.cluster.playerState?.timestamp ?? 0;
  await room.run(5000 - (room.clock.now() - anchor));
  const before = room.clock.now();
  await room.do(phone.transfer(speakerId));
  await room.plays('Song 4');
  await room.run(3000);
  const sent = cloud.journal.entries.find(({ what }) => what === 'command transfer');
  const answered = cloud.journal.entries.find(({ what }) => what === 'command transfer succeeded');
  const claim = told(room, before).find(({ put }) => put.isActive);
  expect((claim?.at ?? Infinity) - (sent?.at ?? 0)).toBeLessThan(300);
  expect((answered?.at ?? Infinity) - (sent?.at ?? 0)).toBeLessThan(2000);
  // The claim names the track before anything was asked about it.
  expect(claim && playerState(claim).track).toMatchObject({ uri: room.uri('Song 4'), uid: 'two4', provider: 'context' });
  expect(claim && playerState(claim)).toMatchObject({ isPlaying: true, isBuffering: true });
  const expected = 61_000 + ((sent?.at ?? 0) - anchor);
  expect(expected).toBeGreaterThanOrEqual(66_000);
  expect(Math.abs((room.deck.plays[0]?.at ?? 0) - expected)).toBeLessThanOrEqual(300);
  expect(Math.abs((claim ? playerState(claim).positionAsOfTimestamp : 0) - expected)).toBeLessThanOrEqual(300);
  expect(nextTitles(room)).toEqual(songs(...range(5, 5)));
  allIsWell(room);
});

it('3. transfer with is_playing_queue whose sender marks nothing: what plays is published as a queue row all the same', async () => {
  room = await openOrder();
  const list = layPlaylist(room, 'unmarked', range(0, 8));
  expect(
    await handOver(room, {
      playback: { timestamp: room.clock.now(), position: 7000, speed: 1, isPaused: false, track: bare(room.uri('Song 20'), 'q4') },
      session: { context: { uri: list, url: `context://${list}` }, currentUid: 'unmarked3', originalSessionId: 'theirs' },
      queue: { tracks: [bare(room.uri('Song 20'), 'q4'), bare(room.uri('Song 21'), 'q5')], isPlaying: true },
    }),
  ).toBe(true);
  await room.plays('Song 20');
  await room.run(1000);
  expect(newest(room).track).toMatchObject({ uid: 'q4', provider: 'queue', metadata: { is_queued: 'true' } });
  // What belongs to the context is not said of it.
  expect(newest(room).track?.metadata['context_uri']).toBeUndefined();
  allIsWell(room);
});

it('a queue and options that went to another device do not come back with the next play', async () => {
  room = await openOrder();
  await playing(room, 'Song 3');
  expect(await command(room, { endpoint: 'set_shuffling_context', value: true })).toBe(true);
  expect(await command(room, { endpoint: 'set_repeating_context', value: true })).toBe(true);
  expect(await command(room, { endpoint: 'add_to_queue', track: { uri: room.uri('Song 30'), uid: '', metadata: {} } })).toBe(true);
  await room.run(1000);
  expect(nextTitles(room)[0]).toBe('Song 30');
  await room.do(room.phone.takeOver());
  await room.run(2000);
  const list = layPlaylist(room, 'anew', range(0, 8));
  expect(await command(room, { endpoint: 'play', context: { uri: list, url: `context://${list}` }, play_origin: {}, options: {} })).toBe(true);
  await room.plays('Song 0');
  await room.run(1000);
  expect(newest(room).options).toMatchObject({ shufflingContext: false, repeatingContext: false, repeatingTrack: false });
  expect(nextTitles(room)).toEqual(songs(1, 2, 3, 4, 5, 6, 7));
  allIsWell(room);
});

it('3. transfer with is_playing_queue: the head of the queue plays, then the other queue rows, then the context from the row current_uid', async () => {
  room = await openOrder();
  const list = layPlaylist(room, 'three', range(0, 8));
  const queued = (n: number, uid: string) => ({ ...bare(room.uri(`Song ${n}`), uid), metadata: { is_queued: 'true' } });
  const isDone = await handOver(room, {
    playback: { timestamp: room.clock.now(), position: 7000, speed: 1, isPaused: false, track: queued(20, 'q4') },
    session: { context: { uri: list, url: `context://${list}` }, currentUid: 'three3', originalSessionId: 'theirs' },
    queue: { tracks: [queued(20, 'q4'), queued(21, 'q5'), queued(22, 'q6')], isPlaying: true },
  });
  expect(isDone).toBe(true);
  await room.plays('Song 20');
  await room.run(1000);
  expect(newest(room).track).toMatchObject({ uid: 'q4', provider: 'queue' });
  expect(newest(room).index).toBeNull();
  expect(newest(room).sessionId).toBe('theirs');
  expect(nextTitles(room)).toEqual(songs(21, 22, 3, 4, 5, 6, 7));
  expect(newest(room).nextTracks.slice(0, 3).map(({ uid, provider }) => `${uid} ${provider}`)).toEqual(['q5 queue', 'q6 queue', 'three3 context']);
  for (let n = 0; n < 3; n++) {
    await room.do(room.phone.next());
    await room.run(1000);
  }
  expect(heardTitles(room)).toEqual(songs(20, 21, 22, 3));
  expect(await command(room, { endpoint: 'add_to_queue', track: { uri: room.uri('Song 30'), uid: '', metadata: {} } })).toBe(true);
  await room.run(500);
  expect(newest(room).nextTracks[0]).toMatchObject({ uid: 'q7', provider: 'queue' });
  allIsWell(room);
});

it('5. transfer with the context uri “-” and three page rows: plays, next_tracks are the rows', async () => {
  room = await openOrder();
  for (const uri of ['-', '']) {
    const rows = [11, 12, 13].map((n) => ({ uri: room.uri(`Song ${n}`), uid: `row${n}` }));
    const isDone = await handOver(room, {
      playback: { timestamp: room.clock.now(), position: 1000, speed: 1, isPaused: false, track: bare(room.uri('Song 12'), 'row12') },
      session: { context: { uri, url: 'context://-', pages: [{ tracks: rows }] }, currentUid: 'row12' },
    });
    expect(isDone).toBe(true);
    await room.plays('Song 12');
    await room.run(1000);
    expect(newest(room)).toMatchObject({ track: { uid: 'row12' }, contextUri: uri, index: { page: 0, track: 1 } });
    expect(nextTitles(room)).toEqual(songs(13));
    expect(newest(room).prevTracks.map((row) => titleOf(room, row))).toEqual(songs(11));
    allIsWell(room);
  }
  expect(room.count('context/resolve')).toBe(0);
  // A session without any home and rows: the track alone (§3.4).
  expect(await handOver(room, { playback: { timestamp: room.clock.now(), position: 0, speed: 1, isPaused: false, track: bare(room.uri('Song 30'), 'alone') } })).toBe(true);
  await room.plays('Song 30');
  await room.run(1000);
  expect(nextTitles(room)).toEqual([]);
  allIsWell(room);
});

it('6. transfer of a track that is not in its context: it plays, without an index; next is row 0 of the context', async () => {
  room = await openOrder();
  const list = layPlaylist(room, 'six', range(0, 5));
  await handOver(room, {
    playback: { timestamp: room.clock.now(), position: 2000, speed: 1, isPaused: false, track: bare(room.uri('Song 33'), 'elsewhere') },
    session: { context: { uri: list }, currentUid: 'elsewhere' },
  });
  await room.plays('Song 33');
  await room.run(1000);
  expect(newest(room)).toMatchObject({ track: { uid: 'elsewhere', provider: 'context' }, index: null, prevTracks: [] });
  expect(nextTitles(room)).toEqual(songs(...range(0, 5)));
  await room.do(room.phone.next());
  await room.run(1000);
  expect(heardTitles(room)).toEqual(songs(33, 0));
  expect(newest(room).index).toEqual({ page: 0, track: 0 });
  allIsWell(room);
});

it('a transfer does not move a paused session on, restarts nothing of it when told to play, and plays the context when no track is named', async () => {
  room = await openOrder();
  const list = layPlaylist(room, 'forms', range(0, 5));
  const from = (patch: object) => ({ playback: { timestamp: room.clock.now() - 60_000, position: 42_000, speed: 0, isPaused: true, track: bare(room.uri('Song 2'), 'forms2'), ...patch }, session: { context: { uri: list } } });
  expect(await handOver(room, from({}), { restore_paused: 'restore' })).toBe(true);
  await room.shows(({ status }) => status === 'paused');
  expect(room.state.position.at).toBe(42_000);
  expect(await handOver(room, from({}), { restore_paused: 'resume' })).toBe(true);
  await room.plays('Song 2');
  expect(room.deck.plays.at(-1)).toMatchObject({ at: 42_000, paused: false });
  expect(await handOver(room, from({ isPaused: false }), { restore_paused: 'pause' })).toBe(true);
  await room.shows(({ status }) => status === 'paused');
  expect(Math.abs(room.state.position.at - 102_000)).toBeLessThanOrEqual(300);
  expect(await handOver(room, from({ track: null, isPaused: false }))).toBe(true);
  await room.plays('Song 0');
  expect(room.deck.plays.at(-1)?.at).toBe(0);
  // Older than ten minutes: the anchor says nothing any more.
  expect(await handOver(room, from({ isPaused: false, timestamp: room.clock.now() - 11 * 60_000 }))).toBe(true);
  await room.plays('Song 2');
  expect(room.deck.plays.at(-1)?.at).toBe(42_000);
  expect(await command(room, { endpoint: 'transfer', data: Buffer.from('no protobuf at all').toString('base64') })).toBe(false);
  await room.run(1000);
  allIsWell(room);
});

it('from one speaker to the other and back: the queued row that plays, the queue and the context behind it arrive as they were', async () => {
  room = await openOrder();
  const { phone } = room;
  const bath = await room.openSpeaker({ name: 'Bath', deviceId: 'ba'.repeat(20) });
  await room.pair(phone, bath);
  const list = layPlaylist(room, 'both', range(0, 12));
  await room.do(phone.play(list, { on: speakerId, track: 3, repeat: 'context' }));
  await room.plays('Song 3');
  for (const n of [20, 21, 22]) await room.do(phone.addToQueue(room.uri(`Song ${n}`)));
  await room.do(phone.next());
  await room.plays('Song 20');
  await room.run(30_000);
  const before = newest(room);
  const position = room.deck.position;
  await room.do(phone.transfer(bath.id));
  await room.until(() => bath.deck.isSounding);
  expect(room.deck.isSounding).toBe(false);
  await room.run(1000);
  const there = playerState({ put: bath.lastPut ?? expect.fail('Bath has told nothing') });
  expect(there.track).toMatchObject({ uri: before.track?.uri, uid: before.track?.uid, provider: 'queue' });
  expect(there.nextTracks.slice(0, 10).map(({ uri, uid }) => [uri, uid])).toEqual(before.nextTracks.slice(0, 10).map(({ uri, uid }) => [uri, uid]));
  expect(there.options).toMatchObject({ repeatingContext: true, shufflingContext: false });
  expect(there.sessionId).toBe(before.sessionId);
  expect(Math.abs(bath.deck.position - (position + 1000))).toBeLessThanOrEqual(300);
  expect(room.disagreements(phone, bath)).toEqual([]);
  await room.do(phone.next(bath.id));
  await room.run(5000);
  await room.do(phone.transfer(speakerId));
  await room.until(() => room.deck.isSounding);
  await room.run(1000);
  expect(titleOf(room, newest(room).track ?? { uri: '' })).toBe('Song 21');
  expect(nextTitles(room).slice(0, 3)).toEqual(songs(22, 4, 5));
  expect(bath.deck.isSounding).toBe(false);
  allIsWell(room);
});

it('an autoplay session goes to the phone and comes back to the same row of the same station', async () => {
  room = await openOrder();
  const { phone } = room;
  const list = layPlaylist(room, 'away', range(0, 2));
  await room.do(phone.play(list, { on: speakerId, track: 1 }));
  await room.run(202_000);
  const before = newest(room);
  expect(before.track?.provider).toBe('autoplay');
  await room.do(phone.takeOver());
  await room.until(() => !room.deck.isSounding);
  await room.run(3000);
  await room.do(phone.transfer(speakerId));
  await room.until(() => room.deck.isSounding);
  await room.run(1000);
  expect(newest(room)).toMatchObject({ contextUri: before.contextUri, track: { uri: before.track?.uri, uid: before.track?.uid, provider: 'autoplay' } });
  expect(newest(room).nextTracks[0]?.uid).toBe(before.nextTracks[0]?.uid);
  allIsWell(room);
});
