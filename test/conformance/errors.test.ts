import { describe, expect, it } from 'vitest';
import { TonearmError } from '#foundation';
import { usualSongs, type ListeningRoom, type ListeningRoomOptions } from '../kit/listening-room.ts';
import { allIsWell, asked, command, good, lookAfter, NEW_DEVICE, openLife, playing, raw, speakerId, statePut, told } from './life-room.ts';

let room: ListeningRoom;
const open = async (options?: ListeningRoomOptions) => (room = await openLife(options));
const { last, isOnline, noGap } = lookAfter(() => room);

describe('connect-control §10.3', () => {
  it('row 1, expired connection id: the PUT is dropped, the dealer opened anew within 5 s, NEW_DEVICE with the full state', async () => {
    await open();
    await playing(room);
    const first = room.cloud.dealer.ofDevice(speakerId);
    room.cloud.faults.set('connect-state/unknown-connection', { count: 1, device: speakerId });
    const began = room.clock.now();
    await room.do(room.phone.seek(50_000));
    await room.until(() => told(room, began).length > 0, 10_000);
    expect(asked(room, statePut, began)).toHaveLength(2);
    expect(told(room, began)[0]?.at).toBeLessThanOrEqual(began + 6000);
    expect(told(room, began)[0]?.put).toMatchObject({ putStateReason: NEW_DEVICE, isActive: true, device: { playerState: { isPlaying: true, contextUri: room.albumOf('Song 0') } } });
    expect(room.cloud.dealer.ofDevice(speakerId)).not.toBe(first);
    await room.run(2000);
    expect(room.deck.plays).toHaveLength(1);
    expect(room.disagreements()).toEqual([]);
  });

  it('row 2, token expires mid session: audio unaffected, at most one failed call', async () => {
    await open();
    await playing(room);
    room.cloud.accounts.expireAccessTokens();
    const began = room.clock.now();
    const logins = room.cloud.counters.view.requests['login5'] ?? 0;
    await room.do(room.phone.next());
    await room.plays('Song 1');
    await room.run(3000);
    expect((room.cloud.counters.view.requests['login5'] ?? 0) - logins).toBe(1);
    expect(room.speaker.failures).toEqual([]);
    expect(told(room, began).length).toBeGreaterThan(0);
    expect(room.deck.heard).toHaveLength(2);
    allIsWell(room);
  });

  it('row 3, dealer lost while playing: audio on, commands of that time lost, state on return', async () => {
    await open();
    await playing(room);
    const began = room.clock.now();
    room.cut(20_000, ['dealer']);
    await room.run(5000);
    await expect(room.do(room.phone.pause(speakerId))).rejects.toThrow();
    await room.until(isOnline);
    await room.run(2000);
    noGap();
    expect(told(room, began).map(({ put }) => put.putStateReason)).toEqual([NEW_DEVICE]);
    expect(told(room, began)[0]?.put.isActive).toBe(true);
    allIsWell(room);
  });

  it('row 4, access point lost while playing: the music goes on, same session; key requests wait for the reconnection', async () => {
    await open();
    await playing(room);
    const { sessionId } = last();
    const began = room.clock.now();
    room.cut(15_000, ['access-point']);
    await room.run(1000);
    // A key is needed meanwhile.
    await room.do(room.phone.next());
    await room.run(5000);
    expect(room.state.status).toBe('loading');
    expect(room.state.notice).toBeNull();
    await room.plays('Song 1');
    expect(room.clock.now() - began).toBeLessThanOrEqual(31_000);
    await room.run(1000);
    expect(last().sessionId).toBe(sessionId);
    expect(told(room, began).every(({ put }) => put.isActive)).toBe(true);
    expect(room.speaker.count('inactive')).toBe(0);
    expect(room.phone.cluster.device[speakerId]?.volume).toBe(26_214);
    expect(room.speaker.failures).toEqual([]);
    allIsWell(room);
  });

  it('row 5, network cut for 30 s: no skip, no state loss, Stalled when the buffer is empty, resumes by itself, one NEW_DEVICE', async () => {
    await open({ speaker: { deck: { ahead: 10_000 } } });
    await playing(room);
    await room.run(20_000);
    const began = room.clock.now();
    const { sessionId } = last();
    room.cut(30_000);
    await room.run(15_000);
    expect(room.state.status).toBe('stalled');
    await room.plays('Song 0', 60_000);
    expect(room.clock.now() - began).toBeLessThan(50_000);
    await room.until(isOnline);
    await room.run(5000);
    expect(told(room, began).filter(({ put }) => put.putStateReason === NEW_DEVICE)).toHaveLength(1);
    expect(last()).toMatchObject({ sessionId, isPlaying: true, isPaused: false, isBuffering: false });
    const [before, after, ...more] = room.deck.heard;
    expect(more).toEqual([]);
    expect(Math.abs((after?.from ?? 0) - (before?.to ?? 0))).toBeLessThanOrEqual(20);
    allIsWell(room);
  });

  it('row 6, network cut for longer than the track: stays on the next one in Stalled, does not use the queue up', async () => {
    await open({ speaker: { deck: { ahead: 20_000 } }, catalogue: [...usualSongs, ...['A', 'B', 'C'].map((name, n) => good(name, 'Brief', n + 1, { duration: 30_000 }))] });
    await playing(room, 'A');
    for (const title of ['Song 3', 'Song 4']) await room.do(room.phone.addToQueue(room.uri(title)));
    await room.run(14_000);
    room.cut(600_000);
    await room.shows(({ status }) => status === 'stalled', 60_000);
    await room.run(500_000);
    expect(room.state).toMatchObject({ status: 'stalled' });
    expect(room.state.queue.next.filter(({ queued }) => queued).map(({ uri }) => uri)).toEqual([room.uri('Song 4')]);
    const tries = asked(room, /extended-metadata|storage-resolve/, room.clock.now() - 100_000).length;
    expect(tries).toBeLessThanOrEqual(45);
    await room.plays('Song 3', 200_000);
    await room.until(isOnline);
    await room.run(3000);
    allIsWell(room);
  });

  it('row 7, account not Premium: the session is refused with a clear sentence and never registered', async () => {
    await open({ isPaired: false, users: [{ name: 'listener', product: 'free' }] });
    await room.do(room.phone.pair(room.speaker.url).catch(() => null));
    await room.run(10_000);
    expect(asked(room, statePut)).toEqual([]);
    expect(room.state.account.connected).toBe(false);
    expect(room.state.notice?.code).toBe('spotify/not-premium');
    expect(room.state.notice?.message).toContain('Premium');
  });

  it('row 8, another device takes over: within 500 ms of the push', async () => {
    await open();
    await playing(room);
    const pushed = room.clock.monotonic();
    await room.do(room.phone.playHere(room.albumOf('Short 0')));
    await room.run(2000);
    expect((room.deck.heard.at(-1)?.until ?? Infinity) - pushed).toBeLessThanOrEqual(500);
    expect(room.speaker.count('inactive')).toBe(1);
    expect(room.state.status).toBe('stopped');
  });

  it('row 9, same account on two receivers: each reacts only to what comes on its own socket', async () => {
    await open();
    const other = await room.openSpeaker({ name: 'Bath', deviceId: 'c3'.repeat(20) });
    await room.pair(room.phone, other);
    await playing(room);
    expect(other.state.status).toBe('stopped');
    expect(other.deck.plays).toEqual([]);
    await room.do(room.phone.transfer(other.id));
    await room.run(2000);
    expect(other.state).toMatchObject({ status: 'playing', track: { title: 'Song 0' } });
    expect(room.state.status).toBe('stopped');
    await room.do(room.phone.pause());
    await room.run(1000);
    expect(other.state.status).toBe('paused');
    expect(room.disagreements(room.phone, other)).toEqual([]);
  });

  it('row 10, two processes with one device id: on the wire the newer registration wins, and neither stops for ever or storms', async () => {
    await open();
    const twin = await room.openSpeaker({ name: 'Twin', deviceId: speakerId });
    await room.pair(room.phone, twin);
    await room.do(room.phone.play(room.albumOf('Song 0'), { track: 'Song 0', on: speakerId }));
    await room.until(() => twin.state.status === 'playing');
    expect(room.deck.plays).toEqual([]);
    await room.run(60_000);
    const began = room.clock.now();
    await room.run(60_000);
    expect(twin.state.status).toBe('playing');
    expect(asked(room, statePut, began).length).toBeLessThanOrEqual(4);
    // What prevents it, one lock file for each device id, is tested with the host (src/host/lock.test.ts).
  });

  it('row 11, another account logs in by discovery: stop, inactive, DELETE with the old session, then the new login', async () => {
    await open({ users: [{ name: 'listener' }, { name: 'guest' }] });
    await playing(room);
    const guest = await room.openPhone({ name: 'Guest phone', user: 'guest' });
    const began = room.clock.now();
    const logins = room.cloud.accounts.get('guest').logins;
    await room.pair(guest);
    await room.run(1000);
    const at = (what: RegExp) => room.cloud.journal.entries.find((entry) => entry.at >= began && what.test(entry.what) && (entry.detail['device'] ?? speakerId) === speakerId)?.sequence ?? Number.NaN;
    expect(at(/^inactive$/)).toBeLessThan(at(/^removed$/));
    expect(at(/^removed$/)).toBeLessThan(at(/^state$/));
    expect(logins.some(({ deviceId }) => deviceId === speakerId)).toBe(true);
    expect(room.deck.isSounding).toBe(false);
    expect(room.phone.cluster.device).not.toHaveProperty(speakerId);
    expect(room.state.account.name).toBe('guest');
    expect(room.cloud.refusals).toEqual([]);
  });

  it('row 12, duplicate command: answered with the first result, not executed again', async () => {
    await open();
    await playing(room);
    const body = (id: number, endpoint: string) => ({ message_id: id, sent_by_device_id: room.phone.deviceId, command: { endpoint } });
    expect(await raw(room, body(2_147_483_700, 'skip_next'))).toBe('succeeded');
    expect(await raw(room, body(2_147_483_700, 'skip_next'))).toBe('succeeded');
    await room.plays('Song 1');
    // The same number with another endpoint is another command.
    expect(await raw(room, body(2_147_483_700, 'pause'))).toBe('succeeded');
    await room.run(1000);
    expect(room.state).toMatchObject({ status: 'paused', track: { title: 'Song 1' } });
  });

  it('row 13, commands out of order: as they come, the newest play wins', async () => {
    await open();
    await playing(room);
    const { phone } = room;
    await room.do(Promise.all([phone.pause(), phone.play(room.albumOf('Song 0'), { track: 'Song 4' }), phone.play(room.albumOf('Song 0'), { track: 'Song 7' })]));
    await room.plays('Song 7');
    await room.run(2000);
    expect(room.deck.heard.some(({ uri }) => uri === room.uri('Song 4'))).toBe(false);
    allIsWell(room);
  });

  it('row 14, command during a load: it cancels or amends the load', async () => {
    await open();
    await playing(room);
    room.cloud.faults.hang('metadata/extended', 2000);
    room.deck.forget();
    await room.do(room.phone.skipTo({ uri: room.uri('Song 5'), uid: '', provider: 'context' }));
    await room.do(room.phone.pause());
    await room.shows(({ status }) => status === 'paused');
    await room.run(3000);
    expect(room.deck.plays).toMatchObject([{ uri: room.uri('Song 5'), paused: true }]);
    await room.do(room.phone.skipTo({ uri: room.uri('Song 8'), uid: '', provider: 'context' }));
    await room.run(500);
    await room.do(room.phone.skipTo({ uri: room.uri('Song 9'), uid: '', provider: 'context' }));
    await room.do(room.phone.resume());
    await room.plays('Song 9');
    expect(room.deck.plays.map(({ uri }) => uri)).toEqual([room.uri('Song 5'), room.uri('Song 9')]);
    await room.run(1000);
    allIsWell(room);
  });

  it.each([90_000, -90_000])('row 15, clock skew of %i ms: published positions are right for those who look with the server clock', async (shift) => {
    await open({ isPaired: false });
    room.cloud.time.shift = shift;
    await room.pair();
    await playing(room);
    for (const place of [30_000, 150_000, 5000]) {
      await room.do(room.phone.seek(place));
      await room.run(3000);
      expect(Math.abs(room.phone.position - room.deck.position)).toBeLessThanOrEqual(1000);
    }
    expect(room.cloud.refusals).toEqual([]);
  });

  it('row 16, unsupported context: refused before it is said yes to', async () => {
    await open();
    await playing(room);
    expect(await command(room, { endpoint: 'play', context: { uri: 'spotify:local-files' } })).toBe(false);
    expect(await command(room, { endpoint: 'play', context: { uri: 'not a uri' } })).toBe(false);
    await room.run(1000);
    expect(room.state).toMatchObject({ status: 'playing', track: { title: 'Song 0' } });
    allIsWell(room);
  });

  it('row 17, PUT body too large: shorter lists, at once and from then on', async () => {
    await open({ catalogue: Array.from({ length: 120 }, (_, n) => good(`Long ${n}`, 'Long', n + 1)) });
    await playing(room, 'Long 0');
    expect(last().nextTracks).toHaveLength(50);
    const began = room.clock.now();
    room.cloud.faults.fail('connect-state/put', 413, { count: 1, device: speakerId });
    await room.do(room.phone.pause());
    await room.run(1000);
    expect(asked(room, statePut, began)).toHaveLength(2);
    expect(last()).toMatchObject({ isPaused: true });
    expect(last().nextTracks).toHaveLength(25);
    await room.do(room.phone.resume());
    await room.run(1000);
    expect(last().nextTracks).toHaveLength(25);
    allIsWell(room);
  });

  it('row 18, shutdown while active: inactive, DELETE, close 1001, within 3 s', async () => {
    await open();
    await playing(room);
    const began = room.clock.now();
    await room.do(room.speaker[Symbol.asyncDispose]());
    expect(room.clock.now() - began).toBeLessThanOrEqual(3000);
    const order = room.cloud.journal.entries.filter(({ at, phone, what }) => phone === null && at >= began && ['inactive', 'removed', 'closed'].includes(what));
    expect(order.map(({ what, detail }) => (what === 'closed' ? `closed ${Number(detail['code'])}` : what))).toEqual(['inactive', 'removed', 'closed 1001']);
  });

  it('row 19, audio device fails: paused, told, an error event; a resume tries again', async () => {
    await open();
    await playing(room);
    const began = room.clock.now();
    room.deck.fail(new TonearmError({ kind: 'conflict', code: 'output/device-busy', message: 'The sound card is in use by another program.' }));
    await room.run(1000);
    expect(room.state).toMatchObject({ status: 'paused', track: { title: 'Song 0' }, notice: { code: 'output/device-busy' } });
    expect(room.speaker.failures.map(({ code }) => code)).toEqual(['output/device-busy']);
    expect(told(room, began)).toHaveLength(1);
    expect(last()).toMatchObject({ isPlaying: true, isPaused: true, playbackSpeed: 0 });
    expect(room.speaker.count('inactive')).toBe(0);
    const before = room.state.notice;
    await room.do(room.phone.resume());
    await room.run(2000);
    expect(before).not.toBeNull();
    expect(room.state.notice).toBeNull();
  });

  it('row 20, sleep timer fires while inactive: it was cleared', async () => {
    await open();
    await playing(room);
    expect(await command(room, { endpoint: 'set_sleep_timer', timer_type: { type: 'duration', duration_s: 10 } })).toBe(true);
    await room.run(1000);
    await room.do(room.phone.takeOver());
    await room.run(30_000);
    expect(room.speaker.failures).toEqual([]);
    expect(room.phone.cluster.activeDeviceId).toBe(room.phone.deviceId);
    await room.do(room.phone.transfer(speakerId));
    await room.run(30_000);
    expect(room.state.status).toBe('playing');
    expect(last().sleepTimer ?? null).toBeNull();
  });
});
