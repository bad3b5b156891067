import { expect, it } from 'vitest';
import { usualSongs, type ListeningRoom } from '../kit/listening-room.ts';
import { allIsWell, asked, command, episode, good, lookAfter, newest, openLife, playing, restricted, speakerId, told } from './life-room.ts';

let room: ListeningRoom;
lookAfter(() => room);

const metadata = /^POST \/extended-metadata/;

it('27 12 unplayable rows, then a good one: it plays; delays grow; one event for each skipped row', async () => {
  room = await openLife({ catalogue: [...Array.from({ length: 12 }, (_, n) => restricted(`Bad ${n}`, 'Mixed', n + 1)), good('Good', 'Mixed', 13)] });
  const began = room.clock.now();
  await room.do(room.phone.play(room.albumOf('Good')));
  await room.plays('Good');
  const tries = asked(room, metadata, began);
  expect(tries).toHaveLength(13);
  const delays = tries.slice(1).map((at, n) => at - (tries[n] ?? 0));
  delays.forEach((delay, n) => expect(Math.abs(delay - 250 * (n + 1))).toBeLessThanOrEqual(30));
  expect(room.speaker.failures.map(({ code }) => code)).toEqual(Array.from({ length: 12 }, () => 'spotify/restricted'));
  await room.run(5000);
  allIsWell(room);
  // Remembered: a second pass asks for none of them, and apps see them greyed out.
  const before = asked(room, metadata).length;
  await room.do(room.phone.repeat('context'));
  await room.do(room.phone.next());
  await room.plays('Good');
  expect(asked(room, metadata).length - before).toBeLessThanOrEqual(1);
  expect(newest(room).nextTracks.filter(({ disallowReasons }) => disallowReasons.includes('unavailable')).length).toBeGreaterThanOrEqual(12);
});

it('28 60 unplayable rows: stops paused with an error event, no storm', async () => {
  room = await openLife({ catalogue: Array.from({ length: 60 }, (_, n) => restricted(`Bad ${n}`, 'Hopeless', n + 1)) });
  const began = room.clock.now();
  await room.do(room.phone.play(room.albumOf('Bad 0')));
  await room.shows(({ notice }) => notice?.code === 'connect/nothing-playable', 600_000);
  expect(room.state.status).toBe('paused');
  const tries = asked(room, metadata, began);
  expect(tries).toHaveLength(50);
  expect(room.clock.now() - began).toBeGreaterThanOrEqual(197_500);
  // Never more than five in a second.
  expect(tries.every((at, n) => (tries[n + 5] ?? Infinity) - at > 1000)).toBe(true);
  expect(room.speaker.failures.at(-1)?.code).toBe('connect/nothing-playable');
  await room.run(1000);
  expect(newest(room)).toMatchObject({ isPlaying: true, isPaused: true, isBuffering: false });
  const puts = told(room).length;
  await room.run(600_000);
  expect(asked(room, metadata, began)).toHaveLength(50);
  expect(told(room)).toHaveLength(puts);
  expect(room.deck.heard).toEqual([]);
});

it('a CDN that is away for 30 s with 10 s buffered, on the deck of the kit (29 is in life-sound): Stalled, resumes, position exact, track not skipped', async () => {
  room = await openLife({ speaker: { deck: { ahead: 10_000 } } });
  await playing(room);
  await room.run(20_000);
  const began = room.clock.now();
  const before = room.deck.position;
  room.cut(30_000, ['cdn']);
  await room.run(9500);
  expect(room.state.status).toBe('playing');
  await room.shows(({ status }) => status === 'stalled', 3000);
  await room.run(1000);
  expect(newest(room)).toMatchObject({ isPlaying: true, isPaused: false, isBuffering: true, playbackSpeed: 0 });
  expect(room.disagreements()).toEqual([]);
  await room.plays('Song 0', 60_000);
  await room.run(5000);
  expect(room.clock.now() - began).toBeLessThan(60_000);
  // It goes on where it broke off.
  expect(room.deck.heard).toHaveLength(2);
  expect(Math.abs((room.deck.heard[1]?.from ?? 0) - (room.deck.heard[0]?.to ?? 0))).toBeLessThanOrEqual(20);
  expect(Math.abs((room.deck.heard[0]?.to ?? 0) - (before + 10_000))).toBeLessThanOrEqual(50);
  expect(room.state.track?.title).toBe('Song 0');
  allIsWell(room);
});

it('a jump to where no bytes are, and a pause in a stall: shown as stalled, at the place, until there is sound', async () => {
  room = await openLife({ speaker: { deck: { ahead: 10_000 } } });
  await playing(room);
  room.cut(20_000, ['cdn']);
  await room.run(1000);
  await room.do(room.phone.seek(120_000));
  await room.shows(({ status }) => status === 'stalled', 1500);
  await room.run(500);
  expect(newest(room)).toMatchObject({ isBuffering: true, isPaused: false, playbackSpeed: 0, positionAsOfTimestamp: 120_000 });
  await room.do(room.phone.pause());
  await room.run(1000);
  expect(room.state.status).toBe('paused');
  await room.do(room.phone.resume());
  await room.run(1500);
  expect(room.state).toMatchObject({ status: 'stalled', position: { at: 120_000 } });
  await room.plays('Song 0', 60_000);
  await room.run(3000);
  expect(room.deck.heard.at(-1)?.from).toBe(120_000);
  allIsWell(room);
});

it('31 episode with a resume point: starts at the point; finished is written; starts at 0', async () => {
  room = await openLife({ catalogue: [...usualSongs, episode('Talk', 'Show', 1, 120_000), episode('Next talk', 'Show', 2)] });
  const uri = room.uri('Talk');
  const { resumePoints, time } = room.cloud;
  resumePoints.add('listener', uri, 90_000, time.now() - 5000);
  resumePoints.add('listener', uri, 45_000, time.now() - 1000);
  resumePoints.add('listener', uri, 10_000, time.now() - 9000);
  await room.do(room.phone.play(uri));
  await room.plays('Talk');
  expect(room.deck.heard[0]?.from).toBe(45_000);
  // A pause keeps the place, in whole seconds.
  await room.run(5600);
  await room.do(room.phone.pause());
  await room.run(1000);
  expect(resumePoints.of('listener', uri).at(-1)?.position).toBe(50_000);
  await room.do(room.phone.resume());
  const repeat = room.clock.monotonic();
  await room.until(() => resumePoints.of('listener', uri).at(-1)?.position === 'finished', 120_000);
  expect(room.clock.monotonic() - repeat).toBeGreaterThan(60_000);
  await room.run(10_000);
  // Nothing of the same playback is written behind its end.
  expect(resumePoints.of('listener', uri).at(-1)?.position).toBe('finished');
  room.deck.forget();
  await room.do(room.phone.play(uri));
  await room.plays('Talk');
  expect(room.deck.plays[0]?.at).toBe(0);
  await room.run(1000);
  allIsWell(room);
});

it('what is asked and written about places: not on a transfer, not for music, on a skip and a takeover', async () => {
  room = await openLife({ catalogue: [...usualSongs, episode('Talk', 'Show', 1), episode('Next talk', 'Show', 2)] });
  const { resumePoints } = room.cloud;
  const reads = () => asked(room, /ListCurrentStates$/).length;
  const writes = () => asked(room, /CreateResumePointRevision$/).length;
  resumePoints.add('listener', room.uri('Talk'), 300_000, room.cloud.time.now());
  resumePoints.add('listener', room.uri('Next talk'), 200_000, room.cloud.time.now());
  await playing(room);
  await room.do(room.phone.pause());
  await room.run(1000);
  expect([reads(), writes()]).toEqual([0, 0]);
  // The position of a transfer counts.
  await room.do(room.phone.playHere(room.albumOf('Talk'), { track: 'Talk', position: 20_000 }));
  await room.run(2000);
  await room.do(room.phone.transfer(speakerId));
  await room.plays('Talk');
  expect(reads()).toBe(0);
  expect(Math.abs((room.deck.heard.at(-1)?.from ?? 0) - 22_000)).toBeLessThanOrEqual(300);
  await room.run(10_000);
  await room.do(room.phone.next());
  await room.plays('Next talk');
  expect(room.deck.heard.at(-1)?.from).toBe(200_000);
  expect(Math.abs(Number(resumePoints.of('listener', room.uri('Talk')).at(-1)?.position) - 32_000)).toBeLessThanOrEqual(1000);
  await room.run(30_000);
  await room.do(room.phone.takeOver());
  await room.run(2000);
  expect(Math.abs(Number(resumePoints.of('listener', room.uri('Next talk')).at(-1)?.position) - 230_000)).toBeLessThanOrEqual(1000);
  // A place that does not come in time costs no more than 2 s.
  room.cloud.faults.hang('web/resume-read');
  const began = room.clock.monotonic();
  await room.do(room.phone.play(room.uri('Talk'), { on: speakerId }));
  await room.plays('Talk');
  expect(room.clock.monotonic() - began).toBeLessThanOrEqual(2500);
  expect(room.deck.heard.at(-1)?.from).toBe(0);
  expect(room.cloud.refusals).toEqual([]);
});

it('32 sleep timer: duration, end_of_track, clear: the state shows it, it pauses at the right moment', async () => {
  room = await openLife();
  await playing(room);
  const timer = () => told(room).at(-1)?.put.device?.playerState?.sleepTimer;
  const set = async (type: object) => {
    expect(await command(room, { endpoint: 'set_sleep_timer', timer_type: type })).toBe(true);
    await room.run(500);
  };
  const asleep = room.clock.monotonic() + 60_000;
  await set({ type: 'duration', duration_s: 60 });
  expect(Math.abs((timer()?.timestamp?.timestamp ?? 0) - (room.cloud.time.now() + 59_500))).toBeLessThanOrEqual(50);
  await room.run(59_000);
  expect(room.state.status).toBe('playing');
  await room.shows(({ status }) => status === 'paused', 2000);
  expect(Math.abs(room.clock.monotonic() - asleep)).toBeLessThanOrEqual(50);
  await room.run(500);
  expect(timer() ?? null).toBeNull();
  // Cleared: nothing happens.
  await room.do(room.phone.resume());
  await set({ type: 'duration', duration_s: 20 });
  await set({ type: 'clear' });
  expect(timer() ?? null).toBeNull();
  await room.run(30_000);
  expect(room.state.status).toBe('playing');
  // A new call replaces either kind.
  await set({ type: 'duration', duration_s: 20 });
  await set({ type: 'end_of_track' });
  expect(timer()?.endOfTrack).toEqual({});
  expect(timer()?.timestamp ?? null).toBeNull();
  await room.shows(({ status }) => status === 'paused', 200_000);
  expect(room.deck.heard.at(-1)).toMatchObject({ uri: room.uri('Song 0'), to: 200_000 });
  await room.run(5000);
  expect(room.deck.heard.some(({ uri }) => uri === room.uri('Song 1'))).toBe(false);
  expect(timer() ?? null).toBeNull();
  expect(newest(room)).toMatchObject({ isPaused: true, playbackSpeed: 0 });
  await room.do(room.phone.resume());
  await room.plays('Song 1');
  // Whoever loses playback loses the timer.
  await set({ type: 'duration', duration_s: 30 });
  await room.do(room.phone.takeOver());
  await room.run(1000);
  await room.do(room.phone.transfer(speakerId));
  await room.run(60_000);
  expect(room.state.status).toBe('playing');
  expect(timer() ?? null).toBeNull();
  allIsWell(room);
});
