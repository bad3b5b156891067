import { expect, it } from 'vitest';
import type { ProvidedTrack } from '#spotify/wire';
import type { ListeningRoom } from '../kit/listening-room.ts';
import { allIsWell, command, lookAfter, newest, playing, speakerId } from './life-room.ts';
import { heardTitles, layPlaylist, nextTitles, openOrder, range, songs } from './order-room.ts';

let room: ListeningRoom;
lookAfter(() => room);

it('14. add_to_queue three times during play, once while the queue plays: first in first out, every uid its own', async () => {
  room = await openOrder();
  const { phone } = room;
  await playing(room, 'Song 5');
  for (const n of [20, 21, 20]) await room.do(phone.addToQueue(room.uri(`Song ${n}`)));
  await room.run(1000);
  expect(nextTitles(room).slice(0, 4)).toEqual(songs(20, 21, 20, 6));
  await room.do(phone.next());
  await room.plays('Song 20');
  await room.run(1000);
  const inQueue = newest(room);
  expect(inQueue.track).toMatchObject({ provider: 'queue' });
  expect(inQueue.index).toBeNull();
  expect(inQueue.prevTracks.every(({ provider }) => provider !== 'queue')).toBe(true);
  await room.do(phone.addToQueue(room.uri('Song 30')));
  await room.run(1000);
  const queued = [newest(room).track, ...newest(room).nextTracks].filter((row) => row?.provider === 'queue');
  expect(queued).toHaveLength(4);
  expect(new Set(queued.map((row) => row?.uid)).size).toBe(4);
  expect(queued.every((row) => /^q\d+$/.test(row?.uid ?? '') && row?.metadata['is_queued'] === 'true')).toBe(true);
  for (let n = 0; n < 4; n++) {
    await room.do(phone.next());
    await room.run(1000);
  }
  expect(heardTitles(room)).toEqual(songs(5, 20, 21, 20, 30, 6));
  expect(newest(room).nextTracks.some(({ provider }) => provider === 'queue')).toBe(false);
  allIsWell(room);
});

it('15. set_queue reorders, with a delimiter row: published as sent, new revision, what was prefetched is replaced', async () => {
  room = await openOrder();
  const { phone } = room;
  const list = layPlaylist(room, 'fifteen', range(0, 8));
  await room.do(phone.play(list, { on: speakerId, track: 0, position: 175_000 }));
  await room.plays('Song 0');
  await room.run(2000);
  expect(room.deck.follower).toBe(room.uri('Song 1'));
  const before = newest(room);
  const rowOf = (n: number): Partial<ProvidedTrack> => before.nextTracks.find(({ uri }) => uri === room.uri(`Song ${n}`)) ?? {};
  const sent: readonly Partial<ProvidedTrack>[] = [
    { uri: room.uri('Song 20'), uid: 'q7', provider: 'queue', metadata: { is_queued: 'true' } },
    rowOf(5),
    rowOf(1),
    { uri: 'spotify:delimiter', uid: 'delimiter0', provider: 'context', metadata: { hidden: 'true' } },
    rowOf(3),
  ];
  await room.do(phone.setQueue(sent));
  await room.run(500);
  const after = newest(room);
  // As it was sent, then the context goes on after the last row that belongs to it.
  expect(after.nextTracks.map(({ uri, uid }) => [uri, uid])).toEqual([...sent, rowOf(4), rowOf(5), rowOf(6), rowOf(7)].map(({ uri, uid }) => [uri, uid]));
  expect(after.queueRevision).not.toBe(before.queueRevision);
  expect(after.queueRevision).toMatch(/^\d+$/);
  expect(after.nextTracks.slice(1).some(({ metadata }) => metadata['is_queued'] !== undefined)).toBe(false);
  await room.run(500);
  expect(room.deck.follower).toBe(room.uri('Song 20'));
  expect(room.deck.plays).toHaveLength(1);
  await room.run(4 * 200_000);
  expect(heardTitles(room).slice(0, 5)).toEqual(songs(0, 20, 5, 1, 3));
  expect(Math.max(...room.deck.gaps)).toBeLessThanOrEqual(50);
  allIsWell(room);
});

it('takes an edit of an older list, or without a revision, and keeps the playing row that was dragged', async () => {
  room = await openOrder();
  const list = layPlaylist(room, 'old', range(0, 5));
  await room.do(room.phone.play(list, { on: speakerId, track: 1 }));
  await room.plays('Song 1');
  await room.run(1000);
  const rows = newest(room).nextTracks.map(({ uri, uid }) => ({ uri, uid, metadata: {} }));
  expect(await command(room, { endpoint: 'set_queue', queue_revision: '123', next_tracks: [rows[2], { uri: '', uid: '' }, rows[0]] })).toBe(true);
  await room.run(500);
  expect(nextTitles(room)).toEqual(songs(4, 1, 2, 3, 4));
  expect(room.speaker.lines.some(({ text }) => text.includes('older list'))).toBe(true);
  expect(await command(room, { endpoint: 'set_queue', next_tracks: rows })).toBe(true);
  await room.run(500);
  expect(nextTitles(room)).toEqual(songs(2, 3, 4));
  allIsWell(room);
});

it('plays a clicked row: of the queue with what stands before it dropped, of the context with the rest of the queue kept, else beside the list', async () => {
  room = await openOrder();
  const list = layPlaylist(room, 'click', range(0, 8));
  await room.do(room.phone.play(list, { on: speakerId }));
  await room.plays('Song 0');
  for (const n of [20, 21, 22]) await room.do(room.phone.addToQueue(room.uri(`Song ${n}`)));
  await room.run(500);
  const click = async (uri: string, uid = '') => {
    expect(await command(room, { endpoint: 'skip_next', track: { uri, uid, provider: 'context', metadata: {} } })).toBe(true);
    await room.run(1000);
  };
  await click(room.uri('Song 21'), 'q1');
  expect(heardTitles(room)).toEqual(songs(0, 21));
  expect(nextTitles(room).slice(0, 2)).toEqual(songs(22, 1));
  await click(room.uri('Song 4'), 'click4');
  expect(heardTitles(room).at(-1)).toBe('Song 4');
  expect(nextTitles(room)).toEqual(songs(22, 5, 6, 7));
  await click(room.uri('Song 33'));
  expect(heardTitles(room).at(-1)).toBe('Song 33');
  expect(nextTitles(room)).toEqual(songs(22, 5, 6, 7));
  allIsWell(room);
});
