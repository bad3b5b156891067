import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { formatUri } from '#spotify/wire';
import type { ListeningRoom } from '../kit/listening-room.ts';
import { allIsWell, asked, lookAfter, newest, speakerId } from './life-room.ts';
import { openOrder, range, songRow } from './order-room.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heap = (): number => {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
};

const count = 10_000;
const perPage = 100;
const pageRoute = /^GET \/playlistextender/;
const megabyte = 1 << 20;

let room: ListeningRoom;
lookAfter(() => room);

/** 10,000 rows: the first hundred in the answer, the others in pages that name one another. */
function layLarge(): string {
  const uri = formatUri('playlist', room.cloud.catalogue.identity.gid('playlist', 'large'));
  const address = (page: number) => `hm://playlistextender/v1/page/large?from=${page * perPage}&contextUri=spotify:playlist:large`;
  const pages = range(0, count / perPage).map((page) => ({
    tracks: range(page * perPage, perPage).map((at) => ({ ...songRow(room, at % 40, `large${at}`), metadata: { added_at: String(1_700_000_000_000 + at), added_by_username: 'somebody' } })),
    next_page_url: page + 1 < count / perPage ? address(page + 1) : '',
  }));
  pages.slice(1).forEach((page, at) => room.cloud.contexts.setPage(address(at + 1), page));
  room.cloud.contexts.set({ uri, metadata: { playlist_number_of_tracks: String(count) }, pages: pages.slice(0, 1) });
  return uri;
}

/** Longest chain of round trips until the deck was told to play, and the pages fetched by then. */
async function firstSound(work: Promise<unknown>): Promise<{ readonly trips: number; readonly pages: number; readonly chain: readonly string[] }> {
  const plays = room.deck.plays.length;
  const from = room.clock.now();
  room.cloud.counters.mark();
  await room.until(() => room.deck.plays.length > plays);
  const { sequential, chain } = room.cloud.counters.view;
  await room.do(work);
  return { trips: sequential, pages: asked(room, pageRoute, from).length, chain };
}

const latency = { http: 50, dealer: 50, accessPoint: 50 };
const play = (uri: string, options: object = {}) => room.phone.command({ endpoint: 'play', context: { uri, url: `context://${uri}` }, options }, speakerId);

it('10,000 rows in pages: playing begins after as many round trips as with ten rows, and pages come behind the music', async () => {
  room = await openOrder({ latency });
  const large = layLarge();
  const small = formatUri('playlist', room.cloud.catalogue.identity.gid('playlist', 'small'));
  room.cloud.contexts.set({ uri: small, pages: [{ tracks: range(0, 10).map((at) => songRow(room, at, `small${at}`)) }] });
  const ways: readonly (readonly [string, (list: string) => object])[] = [
    ['from its start', () => ({})],
    ['shuffled', () => ({ player_options_override: { shuffling_context: true } })],
    ['from a named row', (list) => ({ player_options_override: { shuffling_context: false }, skip_to: list === small ? { track_uid: 'small9', track_uri: room.uri('Song 9') } : { track_uid: 'large9990', track_uri: room.uri('Song 30') } })],
    ['shuffled from a named row', (list) => ({ player_options_override: { shuffling_context: true }, skip_to: list === small ? { track_uid: 'small9', track_uri: room.uri('Song 9') } : { track_uid: 'large9990', track_uri: room.uri('Song 30') } })],
  ];
  for (const [name, options] of ways) {
    const few = await firstSound(play(small, options(small)));
    await room.run(10_000);
    const many = await firstSound(play(large, options(large)));
    // Metadata, then key and addresses; the list itself is one more question where the row is not known.
    const most = name.includes('named') ? 2 : 3;
    expect([name, few.trips <= most, many.trips <= most, many.chain]).toEqual([name, true, true, many.chain]);
    expect(many.pages).toBeLessThanOrEqual(1);
    await room.run(10_000);
  }
  // The last one: the named row first, and the whole list behind it.
  expect(newest(room).track?.uid).toBe('large9990');
  expect(newest(room).nextTracks).toHaveLength(50);
  expect(new Set(newest(room).nextTracks.map(({ uid }) => Math.floor(Number(uid.slice(5)) / perPage))).size).toBeGreaterThan(20);
  allIsWell(room);
});

it('10,000 rows: unshuffled only the pages that are near are fetched; shuffled all of them once, one at a time', async () => {
  room = await openOrder({ latency });
  const large = layLarge();
  await room.do(play(large, { player_options_override: { shuffling_context: false } }));
  await room.plays('Song 0');
  await room.run(60_000);
  expect(asked(room, pageRoute)).toHaveLength(0);
  for (let n = 0; n < 60; n++) {
    await room.do(room.phone.next());
    await room.run(300);
  }
  expect(newest(room).track?.uid).toBe('large60');
  expect(newest(room).nextTracks).toHaveLength(50);
  expect(asked(room, pageRoute)).toHaveLength(1);
  const from = room.clock.now();
  await room.do(room.phone.shuffle(true));
  await room.run(30_000);
  const fetched = asked(room, pageRoute, from);
  expect(fetched).toHaveLength(98);
  expect(Math.min(...fetched.slice(1).map((at, n) => at - (fetched[n] ?? 0)))).toBeGreaterThanOrEqual(50);
  expect(room.deck.isSounding).toBe(true);
  await room.do(room.phone.shuffle(false));
  await room.run(1000);
  expect(newest(room).nextTracks[0]?.uid).toBe('large61');
  expect(newest(room).prevTracks.at(-1)?.uid).toBe('large59');
  allIsWell(room);
});

it('10,000 rows cost less than 12 MB of heap, however often they are played', async () => {
  room = await openOrder();
  const large = layLarge();
  await room.do(room.phone.play(room.albumOf('Song 0'), { on: speakerId }));
  await room.plays('Song 0');
  await room.run(1000);
  const before = heap();
  const whole: number[] = [];
  for (let round = 0; round < 4; round++) {
    const from = room.clock.now();
    await room.do(play(large, { player_options_override: { shuffling_context: true } }));
    await room.run(20_000);
    expect(asked(room, pageRoute, from)).toHaveLength(99);
    room.cloud.journal.clear();
    whole.push((heap() - before) / megabyte);
  }
  expect(whole[0]).toBeLessThan(12);
  expect(Math.max(...whole)).toBeLessThan(12);
  // The list before is gone when the next one is there.
  expect((whole[3] ?? 0) - (whole[1] ?? 0)).toBeLessThan(2);
  await room.do(room.phone.play(room.albumOf('Song 0'), { on: speakerId, shuffle: false }));
  await room.run(5000);
  room.cloud.journal.clear();
  expect((heap() - before) / megabyte).toBeLessThan(3);
});
