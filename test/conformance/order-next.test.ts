import { expect, it } from 'vitest';
import { usualSongs, type ListeningRoom } from '../kit/listening-room.ts';
import { allIsWell, lookAfter, newest, playerState, playing, speakerId, told } from './life-room.ts';
import { heardTitles, layPlaylist, nextTitles, openOrder, range, songs } from './order-room.ts';

let room: ListeningRoom;
lookAfter(() => room);

it.each([0, 150])('12. skip_next 20 times in 2 s: final row = start + 20, one stream opened at the end, at most 12 PUTs (%i ms per round trip)', async (latency) => {
  room = await openOrder({ latency: { http: latency, dealer: 0, accessPoint: latency } });
  await playing(room, 'Song 3');
  const before = { at: room.clock.now(), plays: room.deck.plays.length, keys: room.count('access-point/key') };
  const presses: Promise<void>[] = [];
  for (let n = 0; n < 20; n++) {
    presses.push(room.phone.next());
    await room.run(100);
  }
  const pressed = room.clock.now();
  expect(pressed - before.at).toBe(2000);
  await room.do(Promise.all(presses));
  const during = room.deck.plays.length;
  await room.plays('Song 23');
  expect(room.clock.now() - pressed).toBeLessThan(1000);
  await room.run(2000);
  expect(room.state.track?.title).toBe('Song 23');
  const opened = room.deck.plays.slice(before.plays).map(({ uri }) => uri);
  expect(opened.slice(during - before.plays)).toEqual([room.uri('Song 23')]);
  // Without any delay the first skip, which is done at once, is heard before the second one comes.
  expect(opened.slice(0, during - before.plays)).toEqual(latency === 0 ? [room.uri('Song 4')] : []);
  expect(told(room, before.at).length).toBeLessThanOrEqual(12);
  // One for the first press, one where it ended.
  expect(room.count('access-point/key') - before.keys).toBeLessThanOrEqual(2);
  expect(nextTitles(room)).toEqual(songs(...range(24, 16)));
  allIsWell(room);
});

it.each([
  [300, 0],
  [300, 100],
  [200, 50],
])('skips every %i ms for 5 s (%i ms per round trip) keep below 20 PUTs in 5 s; the last row is told within 1 s', async (every, latency) => {
  room = await openOrder({ latency: { http: latency, dealer: 0, accessPoint: latency } });
  await playing(room, 'Song 3');
  const began = room.clock.now();
  const presses: Promise<void>[] = [];
  for (let n = 0; n < 5000 / every; n++) {
    presses.push(room.phone.next());
    await room.run(every);
  }
  await room.do(Promise.all(presses));
  const title = `Song ${3 + presses.length}`;
  await room.plays(title);
  const lastChange = room.clock.now();
  await room.until(() => newest(room).track?.uri === room.uri(title) && !newest(room).isBuffering);
  expect(room.clock.now() - lastChange).toBeLessThanOrEqual(1000);
  const times = told(room, began).map(({ at }) => at);
  expect(Math.max(...times.map((last) => times.filter((at) => at > last - 5000 && at <= last).length))).toBeLessThan(20);
  await room.run(1000);
  // No 429, and phone and speaker agree.
  allIsWell(room);
});

it('13. skip_prev at 2.9 s goes to the row before, at 3.1 s starts the same row again', async () => {
  room = await openOrder();
  await playing(room, 'Song 5');
  await room.run(2900 - room.deck.position);
  await room.do(room.phone.previous());
  await room.plays('Song 4');
  expect(room.deck.plays.at(-1)?.at).toBe(0);
  await room.run(3100 - room.deck.position);
  const plays = room.deck.plays.length;
  await room.do(room.phone.previous());
  await room.run(1000);
  expect(room.state.track?.title).toBe('Song 4');
  expect(room.deck.plays).toHaveLength(plays);
  expect(Math.abs(room.deck.position - 1000)).toBeLessThanOrEqual(300);
  // Paused it stays paused (§3.10).
  await room.do(room.phone.pause());
  await room.run(500);
  await room.do(room.phone.previous());
  await room.shows(({ status, track }) => status === 'paused' && track?.title === 'Song 3');
  await room.run(500);
  allIsWell(room);
});

it('13. skip_prev at the very first row: around a repeating context to the last one, else it starts again', async () => {
  room = await openOrder();
  await playing(room, 'Song 0');
  await room.do(room.phone.previous());
  await room.run(500);
  expect(room.state.track?.title).toBe('Song 0');
  expect(room.deck.position).toBeLessThan(700);
  await room.do(room.phone.repeat('context'));
  await room.do(room.phone.previous());
  await room.plays('Song 39');
  await room.run(500);
  allIsWell(room);
});

it('16. repeat one, natural end: the same row with a new playback_id, no gap above 50 ms', async () => {
  room = await openOrder({ catalogue: usualSongs });
  await playing(room, 'Short 0');
  await room.do(room.phone.repeat('track'));
  await room.run(3 * 20_000);
  expect(heardTitles(room)).toEqual(['Short 0', 'Short 0', 'Short 0', 'Short 0']);
  expect(Math.max(...room.deck.gaps)).toBeLessThanOrEqual(50);
  const states = told(room).map(playerState).filter(({ track }) => track?.uri === room.uri('Short 0'));
  expect(new Set(states.map(({ track }) => track?.uid)).size).toBe(1);
  expect(new Set(room.deck.heard.map(({ id }) => id)).size).toBe(4);
  expect(new Set(states.map(({ playbackId }) => playbackId).filter((id) => id !== '')).size).toBe(4);
  expect(newest(room).playbackId).toBe(room.deck.loaded);
  // A skip leaves it (§5.4).
  await room.do(room.phone.next());
  await room.plays('Short 1');
  await room.run(500);
  expect(newest(room).options?.repeatingTrack).toBe(false);
  allIsWell(room);
});

it('17. repeat context, wrap under shuffle: goes on, every row once in each pass, the delimiter is not played', async () => {
  room = await openOrder();
  const list = layPlaylist(room, 'wrap', range(0, 6));
  await room.do(room.phone.play(list, { on: speakerId, track: 2, shuffle: true, repeat: 'context' }));
  await room.plays('Song 2');
  for (let n = 0; n < 17; n++) {
    await room.run(1000);
    // The list never runs dry, and its first row that can be played is the one that is played (§5.10 e, h).
    expect(newest(room).nextTracks).toHaveLength(50);
    expect(newest(room).nextTracks.map(({ uri }) => uri)).toContain('spotify:delimiter');
    const promised = newest(room).nextTracks.find(({ uri }) => uri !== 'spotify:delimiter');
    await room.run(199_500 - room.deck.position);
    await room.run(1500);
    expect(room.deck.uri).toBe(promised?.uri);
  }
  const heard = heardTitles(room);
  expect(heard).toHaveLength(18);
  const passes = [0, 6, 12].map((at) => heard.slice(at, at + 6));
  for (const pass of passes) expect([...pass].sort()).toEqual(songs(...range(0, 6)));
  expect(passes[1]).toEqual(passes[0]);
  expect(Math.max(...room.deck.gaps)).toBeLessThanOrEqual(50);
  allIsWell(room);
});
