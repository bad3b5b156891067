import { expect, it } from 'vitest';
import type { PutStateRequest } from '#spotify/wire';
import { Chance } from '../kit/chance.ts';
import type { ListeningRoom } from '../kit/listening-room.ts';
import { allIsWell, lookAfter, openLife, playing, speakerId } from './life-room.ts';

let room: ListeningRoom;
lookAfter(() => room);

it.each([1, 2, 3])('every published position is within 200 ms of the audible one, whatever is pressed (§6.9, seed %i)', async (seed) => {
  room = await openLife({ latency: { http: 30, dealer: 30, accessPoint: 30 }, speaker: { deck: { ahead: 10_000 } } });
  const chance = new Chance(seed);
  const { phone, cloud } = room;
  await playing(room);
  const off: string[] = [];
  let compared = 0;
  cloud.journal.events.on('entry', ({ what, detail }) => {
    if (what !== 'state' || detail['device'] !== speakerId) return;
    const state = (detail['request'] as PutStateRequest).device?.playerState;
    // What is being loaded or waited for cannot be heard.
    if (!state?.isPlaying || state.isBuffering || state.track?.uri !== room.deck.uri || room.state.status === 'loading') return;
    const now = cloud.time.now();
    const published = state.positionAsOfTimestamp + (state.isPaused ? 0 : now - state.timestamp);
    compared += 1;
    if (Math.abs(published - room.deck.position) > 200) off.push(`${state.isPaused ? 'paused' : 'playing'} at ${Math.round(room.deck.position)}, published ${Math.round(published)}`);
  });
  const presses: readonly (() => Promise<unknown>)[] = [
    () => room.do(phone.pause()),
    () => room.do(phone.resume()),
    () => room.do(phone.seek(chance.below(190_000))),
    () => room.do(phone.next()),
    () => room.do(phone.previous()),
    () => room.do(phone.setVolume(chance.below(65_536))),
    () => room.do(phone.shuffle(chance.happens(0.5))),
    () => room.do(phone.play(room.albumOf('Song 0'), { track: chance.below(12), position: chance.below(100_000) })),
    () => room.dispatch({ kind: 'seek', to: chance.below(190_000) }),
    async () => {
      room.cut(chance.below(25_000), ['cdn']);
      await room.run(30_000);
    },
    async () => {
      room.cut(chance.below(8000), ['dealer']);
      await room.until(() => !room.state.account.connected);
      await room.until(() => room.state.account.connected, 120_000);
    },
  ];
  for (let n = 0; n < 60; n++) {
    await chance.pick(presses)();
    await room.run(chance.below(8000));
  }
  await room.until(() => room.state.status === 'playing' || room.state.status === 'paused', 120_000);
  await room.run(15_000);
  expect(off).toEqual([]);
  expect(compared).toBeGreaterThan(40);
  allIsWell(room);
});
