import { describe, expect, it } from 'vitest';
import type { ListeningRoom, ListeningRoomOptions } from '../kit/listening-room.ts';
import { allIsWell, lookAfter, openLife, playing } from './life-room.ts';

let room: ListeningRoom;
const open = async (options?: ListeningRoomOptions) => (room = await openLife(options));
const { last, isOnline } = lookAfter(() => room);

describe('T3: an account that gets no audio keys', () => {
  it('three keys are asked for, no row is used up, playback pauses where it is, with one notice and one failure', async () => {
    await open();
    room.cloud.faults.set('access-point/key-refuse');
    const keys = room.count('access-point/key');
    await room.do(room.phone.play(room.albumOf('Song 0'), { track: 'Song 2', position: 30_000 }));
    await room.do(room.phone.addToQueue(room.uri('Song 9')));
    await room.shows(({ notice }) => notice?.code === 'connect/account-refused', 20_000);
    await room.run(1000);
    expect(room.count('access-point/key') - keys).toBe(3);
    expect(room.state).toMatchObject({ status: 'paused', position: { at: 30_000 } });
    expect(room.state.notice?.message).toContain('Soloist');
    expect(last()).toMatchObject({ isPaused: true, track: { uri: room.uri('Song 2') } });
    expect(last().nextTracks.slice(0, 2).map(({ uri }) => uri)).toEqual([room.uri('Song 9'), room.uri('Song 3')]);
    expect(room.speaker.failures.map(({ code }) => code)).toEqual(['connect/account-refused']);
    expect(room.speaker.notices).toEqual(['connect/account-refused']);
    expect(room.deck.plays).toEqual([]);
    expect(isOnline()).toBe(true);
    // Nobody presses anything: nothing is asked.
    await room.run(600_000);
    expect(room.count('access-point/key') - keys).toBe(3);
    // Somebody does: one question, the same answer.
    await room.do(room.phone.resume());
    await room.shows(({ status }) => status === 'paused', 10_000);
    await room.run(1000);
    expect(room.count('access-point/key') - keys).toBe(4);
    expect(room.state.notice?.code).toBe('connect/account-refused');
    // The rule is lifted.
    room.cloud.faults.clear();
    await room.do(room.phone.resume());
    await room.plays('Song 2');
    expect(room.state.notice).toBeNull();
    expect(room.deck.heard[0]?.from).toBe(30_000);
    await room.run(1000);
    allIsWell(room);
  });

  it('a single track without a key is passed over, also the first one ever', async () => {
    await open();
    room.cloud.faults.set('access-point/key-refuse', { count: 1 });
    await room.do(room.phone.play(room.albumOf('Song 0')));
    await room.plays('Song 1');
    expect(room.speaker.failures.map(({ code }) => code)).toEqual(['spotify/key-refused']);
    expect(room.state.notice).toBeNull();
    expect(room.deck.plays).toHaveLength(1);
    await room.run(1000);
    allIsWell(room);
  });

  it('keys that are throttled are waited for, at least 30 s, without a skip', async () => {
    await open();
    await playing(room);
    room.cloud.faults.set('access-point/key-throttle', { count: 1 });
    const began = room.clock.now();
    await room.do(room.phone.next());
    await room.plays('Song 1', 120_000);
    expect(room.clock.now() - began).toBeGreaterThanOrEqual(30_000);
    expect(room.clock.now() - began).toBeLessThan(35_000);
    expect(room.deck.heard.at(-1)?.uri).toBe(room.uri('Song 1'));
  });
});
