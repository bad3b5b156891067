import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ListeningRoom } from '../kit/listening-room.ts';
import type { Speaker } from '../kit/speaker.ts';

let room: ListeningRoom;
let kitchen: Speaker;
let bath: Speaker;

/** Differences that people would not notice, in ms. */
const tolerance = 300;

beforeEach(async () => {
  room = await ListeningRoom.open();
  kitchen = room.speaker;
  bath = await room.openSpeaker({ name: 'Bath', deviceId: 'c3'.repeat(20) });
});
afterEach(async () => {
  expect(room.cloud.refusals).toEqual([]);
  await room[Symbol.asyncDispose]();
  expect(room.left).toEqual({ timers: 0, connections: 0 });
});

const goesOn = (speaker: Speaker, title: string) => room.until(() => speaker.state.status === 'playing' && speaker.state.track?.title === title && speaker.deck.isSounding);

describe('what plays in one zone goes on in another', () => {
  it('of the same account: row, place, order, queue and what comes after it; volumes stay', async () => {
    await room.pair(room.phone, bath);
    await room.do(room.phone.play(room.albumOf('Song 0'), { track: 2, on: kitchen.id }));
    await room.plays('Song 2');
    await room.do(room.phone.shuffle(true));
    await room.do(room.phone.repeat('context'));
    await room.do(room.phone.addToQueue(room.uri('Short 1')));
    await room.do(bath.dispatch({ kind: 'volume', level: 0.15 }));
    await room.run(42_000);
    const before = { place: kitchen.position, next: kitchen.state.queue.next.map(({ uri }) => uri), order: kitchen.state.order };

    await room.dispatch({ kind: 'transfer', to: 'bath' });
    await goesOn(bath, 'Song 2');

    expect(Math.abs((bath.deck.heard[0]?.from ?? 0) - before.place)).toBeLessThan(tolerance);
    expect(bath.state.queue.next.map(({ uri }) => uri)).toEqual(before.next);
    expect(bath.state).toMatchObject({ order: before.order, by: { started: 'mqtt' }, volume: { level: 0.15 } });
    expect(kitchen.state).toMatchObject({ status: 'stopped', source: null, by: { started: null }, volume: { level: 0.4 } });
    expect(kitchen.deck.isSounding).toBe(false);
    await room.run(3000);
    expect(room.phone.cluster.activeDeviceId).toBe(bath.id);
    expect(room.disagreements(room.phone, bath)).toEqual([]);
    // And the queued song is the next one.
    await room.do(bath.dispatch({ kind: 'next' }));
    await goesOn(bath, 'Short 1');
  });

  it('of different accounts', async () => {
    const guest = await room.openPhone({ name: 'Guest', user: 'guest' });
    await room.pair(guest, bath);
    await room.do(room.phone.play(room.albumOf('Song 0'), { track: 3 }));
    await room.plays('Song 3');
    await room.run(10_000);
    const place = kitchen.position;
    await room.dispatch({ kind: 'transfer', to: 'Bath' });
    await goesOn(bath, 'Song 3');
    expect(Math.abs((bath.deck.heard[0]?.from ?? 0) - place)).toBeLessThan(tolerance);
    expect(kitchen.state.status).toBe('stopped');
    expect(bath.state.account.name).toBe('guest');
  });

  it('paused stays paused', async () => {
    await room.pair(room.phone, bath);
    await room.do(room.phone.play(room.albumOf('Song 0'), { on: kitchen.id }));
    await room.plays('Song 0');
    await room.run(5000);
    await room.dispatch({ kind: 'pause' });
    await room.run(1000);
    await room.dispatch({ kind: 'transfer', to: 'bath' });
    await room.until(() => bath.state.status === 'paused');
    expect(Math.abs(bath.state.position.at - 5000)).toBeLessThan(tolerance);
    expect(bath.deck.heard).toEqual([]);
  });

  it('and back again', async () => {
    await room.pair(room.phone, bath);
    await room.do(room.phone.play(room.albumOf('Song 0'), { track: 1, on: kitchen.id }));
    await room.plays('Song 1');
    for (const [from, to] of [[kitchen, bath], [bath, kitchen], [kitchen, bath]] as const) {
      await room.run(7000);
      const place = from.position;
      to.deck.forget();
      await room.do(from.dispatch({ kind: 'transfer', to: to.name }));
      await goesOn(to, 'Song 1');
      expect(Math.abs((to.deck.heard[0]?.from ?? 0) - place)).toBeLessThan(tolerance);
      expect(from.deck.isSounding).toBe(false);
    }
    await room.run(3000);
    expect(room.disagreements(room.phone, bath)).toEqual([]);
  });

  it('or says why not, and then the music goes on where it was', async () => {
    await expect(room.dispatch({ kind: 'transfer', to: 'bath' })).rejects.toMatchObject({ kind: 'conflict', code: 'zones/nothing-to-transfer' });
    await room.do(room.phone.play(room.albumOf('Song 0')));
    await room.plays('Song 0');
    await expect(room.dispatch({ kind: 'transfer', to: 'attic' })).rejects.toMatchObject({ kind: 'not-found', message: 'There is no zone “attic”. There are “kitchen”, “bath”.' });
    // Nobody is logged in there.
    await expect(room.dispatch({ kind: 'transfer', to: 'bath' })).rejects.toMatchObject({ code: 'connect/no-account' });
    await room.dispatch({ kind: 'transfer', to: 'kitchen' });
    expect(room.deck.isSounding).toBe(true);
    expect(room.deck.gaps).toEqual([]);
  });
});
