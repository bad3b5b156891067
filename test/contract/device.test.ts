import { afterEach, describe, expect, it } from 'vitest';
import { AUDIO_IV, PutStateReason } from '#spotify/wire';
import { Kitchen, songs, speakerId } from './device-fixture.ts';
import { patience, until } from './session-fixture.ts';

let kitchen: Kitchen;
const open = async (...options: Parameters<typeof Kitchen.open>) => (kitchen = await Kitchen.open(...options));
const playerStateOf = () => kitchen.phone.cluster.playerState;
const isOurs = () => kitchen.phone.cluster.activeDeviceId === speakerId;
/** The phone's picture and the zone's agree, and the cloud has found nothing to complain of. */
const agree = async (title: string, isPaused = false) => {
  await kitchen.shows(({ status, track }) => status === (isPaused ? 'paused' : 'playing') && track?.title === title);
  await kitchen.phone.until((cluster) => {
    const state = cluster.playerState;
    return cluster.activeDeviceId === speakerId && state?.track?.uri === kitchen.uri(title) && state.isPaused === isPaused && !state.isBuffering;
  }, patience());
};

afterEach(async () => {
  await kitchen[Symbol.asyncDispose]();
});

describe('a device that is picked', () => {
  it('makes itself known with its real volume, idle, once', async () => {
    await open();
    expect(kitchen.puts).toHaveLength(1);
    expect(kitchen.lastPut).toMatchObject({ putStateReason: PutStateReason.NEW_DEVICE, isActive: false, startedPlayingAt: 0, device: { deviceInfo: { volume: 26_214, name: 'Kitchen' } } });
    expect(kitchen.lastPut?.device?.playerState?.sessionId).not.toBe('');
    expect(kitchen.state.account).toEqual({ name: 'listener', connected: true });
    expect(kitchen.cloud.refusals).toEqual([]);
  });

  it('plays what a phone picks: the right bytes, the right key, and the phone sees it', async () => {
    await open();
    await kitchen.phone.play(kitchen.album, { track: 'Song 3', position: 5000 });
    await agree('Song 3');
    const file = kitchen.cloud.catalogue.get('Song 3').files[0];
    expect(kitchen.deck.plays).toMatchObject([{ at: 5000, paused: false, playable: { cipher: { key: file?.key, iv: AUDIO_IV }, format: 'vorbis', track: { title: 'Song 3', duration: 200_000 } } }]);
    expect(playerStateOf()).toMatchObject({ isPlaying: true, playbackSpeed: 1, duration: 200_000, contextUri: kitchen.album });
    expect(kitchen.phone.position).toBeGreaterThanOrEqual(5000);
    expect(kitchen.state.by.started).toBe('phone');
    expect(kitchen.cloud.refusals).toEqual([]);
  });

  it('does what phones and the house ask, and both see the same', async () => {
    await open();
    const { phone } = kitchen;
    await phone.play(kitchen.album);
    await agree('Song 0');
    await phone.pause();
    await agree('Song 0', true);
    await phone.resume();
    await phone.seek(60_000);
    await kitchen.shows(({ position }) => position.at === 60_000);
    await phone.next();
    await agree('Song 1');
    await phone.previous();
    await agree('Song 0');
    await kitchen.dispatch({ kind: 'next' });
    await agree('Song 1');
    expect(kitchen.state.by.changed).toBe('mqtt');
    await kitchen.dispatch({ kind: 'pause' });
    await agree('Song 1', true);
    await phone.next();
    await agree('Song 2', true);
    await kitchen.dispatch({ kind: 'play' });
    await agree('Song 2');
    expect((await phone.command({ endpoint: 'make_coffee' })).outcome).toBe('failed');
    expect((await phone.command({ endpoint: 'set_playback_speed', value: 2 })).outcome).toBe('failed');
    expect(kitchen.cloud.refusals).toEqual([]);
  });

  it('shuffles, repeats and queues', async () => {
    await open();
    const { phone } = kitchen;
    await phone.play(kitchen.album, { track: 'Song 4', shuffle: true });
    await agree('Song 4');
    expect(playerStateOf()?.options?.shufflingContext).toBe(true);
    expect(new Set(playerStateOf()?.nextTracks.map(({ uri }) => uri)).size).toBe(11);
    await phone.shuffle(false);
    await phone.until(({ playerState }) => playerState?.options?.shufflingContext === false, patience());
    await phone.until(({ playerState }) => playerState?.nextTracks[0]?.uri === kitchen.uri('Song 5'), patience());
    const revision = playerStateOf()?.queueRevision;
    await phone.addToQueue(kitchen.uri('Song 9'));
    await phone.addToQueue(kitchen.uri('Song 10'));
    await phone.until(({ playerState }) => playerState?.nextTracks[1]?.uri === kitchen.uri('Song 10'), patience());
    expect(playerStateOf()?.queueRevision).not.toBe(revision);
    expect(playerStateOf()?.nextTracks.slice(0, 2).map(({ uid, provider }) => `${uid} ${provider}`)).toEqual(['q0 queue', 'q1 queue']);
    await phone.next();
    await agree('Song 9');
    expect(kitchen.state.queue.next[0]).toMatchObject({ uri: kitchen.uri('Song 10'), queued: true });
    const rows = playerStateOf()?.nextTracks ?? [];
    await phone.setQueue([...rows.slice(1, 3).reverse(), ...rows.slice(3)]);
    await phone.until(({ playerState }) => playerState?.nextTracks[0]?.uri === kitchen.uri('Song 6'), patience());
    await phone.skipTo(rows.find(({ uri }) => uri === kitchen.uri('Song 8')) ?? { uri: '', uid: '', provider: '' });
    await agree('Song 8');
    await phone.repeat('track');
    await kitchen.shows(({ order }) => order.repeat === 'track');
    kitchen.deck.end();
    await until(() => kitchen.deck.plays.length === 4);
    await agree('Song 8');
    expect(kitchen.cloud.refusals).toEqual([]);
  });

  it('opens one stream for twenty skips, and does not flood the cloud', async () => {
    await open();
    const { phone } = kitchen;
    await phone.play(kitchen.album, { repeat: 'context' });
    await agree('Song 0');
    kitchen.cloud.faults.hang('metadata/extended', 1500);
    const before = kitchen.puts.length;
    for (let n = 0; n < 20; n++) await phone.next();
    kitchen.cloud.faults.clear();
    await agree('Song 8');
    // Song 1, foreseen, is ready at once; what is passed by in a hurry is not opened.
    expect(kitchen.deck.plays.map(({ playable }) => playable.track.title)).toEqual(['Song 0', 'Song 1', 'Song 8']);
    expect(kitchen.puts.length - before).toBeLessThanOrEqual(12);
    expect(kitchen.cloud.refusals).toEqual([]);
  });

  it('needs no metadata for the next track of a skip, and shows it at once', async () => {
    await open();
    await kitchen.phone.play(kitchen.album);
    await agree('Song 0');
    await until(() => (kitchen.cloud.counters.view.byName['metadata/extended'] ?? 0) >= 2);
    kitchen.cloud.faults.hang('metadata/extended');
    kitchen.cloud.faults.hang('storage/resolve', 100);
    await new Promise((resolve) => setImmediate(resolve));
    await kitchen.phone.next();
    await kitchen.shows(({ status, track }) => status === 'loading' && track?.title === 'Song 1');
    await kitchen.plays('Song 1');
  });

  it('takes its volume from phones, tells it back once it rests, and does not go in circles', async () => {
    await open();
    const { phone } = kitchen;
    await phone.setVolume(32_768, speakerId);
    await until(() => Math.abs(kitchen.state.volume.level - 0.5) < 0.001);
    await phone.until(({ device }) => device[speakerId]?.volume === 32_768, patience());
    await until(() => kitchen.lastPut?.putStateReason === PutStateReason.PLAYER_STATE_CHANGED);
    const before = kitchen.puts.length;
    for (let n = 1; n <= 50; n++) kitchen.cloud.pushes.volume(speakerId, n * 1000);
    for (const wild of [70_000, -1, 13_107]) kitchen.cloud.pushes.volume(speakerId, wild);
    await phone.until(({ device }) => device[speakerId]?.volume === 13_107, patience());
    expect(kitchen.deck.gain).toBeCloseTo(0.2, 4);
    await until(() => kitchen.puts.length >= before + 2);
    expect(kitchen.puts.slice(before).map(({ putStateReason }) => putStateReason)).toEqual([PutStateReason.VOLUME_CHANGED, PutStateReason.PLAYER_STATE_CHANGED]);
    await kitchen.dispatch({ kind: 'mute', muted: true });
    await phone.until(({ device }) => device[speakerId]?.volume === 0, patience());
    kitchen.cloud.pushes.volume(speakerId, 0);
    // What comes behind it on the same way has been answered.
    await phone.command({ endpoint: 'pause' }, speakerId);
    await kitchen.dispatch({ kind: 'mute', muted: false });
    await phone.until(({ device }) => device[speakerId]?.volume === 13_107, patience());
    expect(kitchen.cloud.refusals).toEqual([]);
  });
});

describe('who plays', () => {
  it('takes over from a phone where it is, queue and all', async () => {
    await open();
    const { phone } = kitchen;
    await phone.playHere(kitchen.album, { track: 'Song 5', position: 30_000, queue: [kitchen.uri('Song 11')] });
    await phone.transfer(speakerId);
    await agree('Song 5');
    expect(kitchen.deck.plays[0]?.at).toBeGreaterThanOrEqual(30_000);
    expect(kitchen.deck.plays[0]?.at).toBeLessThan(32_000);
    expect(playerStateOf()?.nextTracks.slice(0, 2).map(({ uri }) => uri)).toEqual([kitchen.uri('Song 11'), kitchen.uri('Song 6')]);
    expect(kitchen.cloud.refusals).toEqual([]);
  });

  it('does not start anew when the cloud sends a transfer twice', async () => {
    await open();
    const { phone } = kitchen;
    await phone.playHere(kitchen.album, { track: 'Song 5', paused: true });
    kitchen.cloud.faults.set('dealer/duplicate', { device: speakerId, count: 1 });
    await phone.transfer(speakerId, { paused: 'resume' });
    await agree('Song 5');
    expect(kitchen.deck.plays).toHaveLength(1);
  });

  it('falls silent at once when a phone takes over, gives playback up once, and stays in the list', async () => {
    await open();
    const { phone } = kitchen;
    await phone.play(kitchen.album);
    await agree('Song 0');
    kitchen.cloud.faults.set('connect-state/push-without-player-state');
    await phone.takeOver();
    await kitchen.shows(({ status, source }) => status === 'stopped' && source === null);
    expect(kitchen.deck.stops).toBe(1);
    await until(() => kitchen.count('inactive') === 1);
    expect(phone.cluster.activeDeviceId).toBe(phone.deviceId);
    expect(phone.devices.has(speakerId)).toBe(true);
    expect((await phone.command({ endpoint: 'pause' }, speakerId)).outcome).toBe('failed');
    // Back at home, somebody presses play.
    await kitchen.dispatch({ kind: 'play' });
    await kitchen.plays('Song 0');
    await phone.until(() => isOurs(), patience());
    expect(kitchen.count('inactive')).toBe(1);
  });

  it('keeps playing when a late picture still shows the old owner', async () => {
    await open();
    const { phone } = kitchen;
    await phone.playHere(kitchen.album, { track: 'Song 5' });
    kitchen.cloud.faults.set('connect-state/stale-push', { device: speakerId, count: 1 });
    const isStruck = () => kitchen.cloud.journal.find('fault connect-state/stale-push').length > 0;
    const stale = phone.events.once('cluster', { signal: patience(), test: ({ cluster }) => isStruck() && cluster.activeDeviceId === phone.deviceId });
    await phone.transfer(speakerId);
    await stale;
    await agree('Song 5');
    await phone.until(isOurs, patience());
    expect(kitchen.state.status).toBe('playing');
    expect(kitchen.count('inactive')).toBe(0);
  });

  it('gives playback up for good when the house says stop while a report is under way', async () => {
    await open();
    const { phone } = kitchen;
    kitchen.cloud.faults.hang('connect-state/put', 300, { skip: 1, count: 1 });
    await phone.play(kitchen.album);
    await kitchen.plays('Song 0');
    await kitchen.dispatch({ kind: 'stop' });
    await until(() => kitchen.count('inactive') === 1);
    await phone.until(({ activeDeviceId }) => activeDeviceId === '', patience());
    expect(isOurs()).toBe(false);
    expect(phone.devices.has(speakerId)).toBe(true);
  });
});

describe('a cloud that is difficult', () => {
  it('is left alone for as long as it asks, then told the newest', async () => {
    await open();
    const { phone } = kitchen;
    await phone.play(kitchen.album);
    await agree('Song 0');
    kitchen.cloud.faults.set('connect-state/rate-limit', { retryAfter: 1, count: 1, device: speakerId });
    const limited = kitchen.cloud.journal.until(({ what }) => what === 'fault connect-state/rate-limit', patience());
    await phone.pause();
    const { at } = await limited;
    const before = kitchen.puts.length;
    await phone.next();
    await phone.resume();
    await agree('Song 1');
    expect(kitchen.puts.length - before).toBeLessThanOrEqual(2);
    const told = kitchen.cloud.journal.find('state', 'connect-state').find((entry) => entry.what === 'state' && entry.at > at);
    expect((told?.at ?? 0) - at).toBeGreaterThanOrEqual(950);
  });

  it('gets a shorter list when the long one is too much', async () => {
    await open();
    const { phone } = kitchen;
    const everything = kitchen.cloud.contexts.everything;
    await phone.play(everything, { repeat: 'context' });
    await kitchen.plays('Song 0');
    kitchen.cloud.faults.fail('connect-state/put', 413, { count: 1, device: speakerId });
    await phone.pause();
    await agree('Song 0', true);
    expect(kitchen.lastPut?.device?.playerState?.nextTracks.length).toBe(25);
    expect(kitchen.lastPut?.device?.playerState?.isPaused).toBe(true);
  });

  it('is told everything anew on a new connection when it does not know the old one; the music goes on', async () => {
    await open();
    const { phone, cloud } = kitchen;
    await phone.play(kitchen.album);
    await agree('Song 0');
    const first = cloud.dealer.ofDevice(speakerId);
    cloud.faults.set('connect-state/unknown-connection', { count: 1, device: speakerId });
    await phone.seek(50_000);
    await until(() => kitchen.lastPut?.putStateReason === PutStateReason.NEW_DEVICE && kitchen.puts.length > 2);
    expect(cloud.dealer.ofDevice(speakerId)).not.toBe(first);
    expect(kitchen.lastPut).toMatchObject({ isActive: true, device: { playerState: { isPlaying: true, isPaused: false } } });
    await agree('Song 0');
    expect(kitchen.deck.stops).toBe(0);
  }, 15_000);

  it('may lose its command channel: no gap, and one report on return that says who plays', async () => {
    await open();
    const { phone, cloud } = kitchen;
    await phone.play(kitchen.album);
    await agree('Song 0');
    const { sessionId } = playerStateOf() ?? {};
    const before = kitchen.puts.length;
    cloud.cut(300, ['dealer']);
    await kitchen.shows(({ account }) => !account.connected);
    await kitchen.dispatch({ kind: 'pause' });
    await kitchen.dispatch({ kind: 'play' });
    await kitchen.shows(({ account }) => account.connected);
    await until(() => kitchen.puts.length > before);
    expect(kitchen.puts[before]).toMatchObject({ putStateReason: PutStateReason.NEW_DEVICE, isActive: true, device: { playerState: { sessionId } } });
    await agree('Song 0');
    expect(kitchen.deck.stops).toBe(0);
    expect(kitchen.deck.plays).toHaveLength(1);
    expect(cloud.refusals).toEqual([]);
  });

  it('is told of a device again that it could not take at first', async () => {
    await open({}, { isPaired: false });
    kitchen.cloud.faults.fail('connect-state/put', 503, { device: speakerId, count: 3 });
    await kitchen.pair();
    expect(kitchen.puts.map(({ putStateReason }) => putStateReason)).toEqual([PutStateReason.NEW_DEVICE]);
  }, 20_000);
});

describe('tracks', () => {
  it('that are refused a key are passed over; when all are, the account is to blame and nothing storms on', async () => {
    await open();
    const { phone, cloud } = kitchen;
    cloud.faults.set('access-point/key-refuse', { count: 1 });
    await phone.play(kitchen.album);
    await agree('Song 1');
    expect(kitchen.state.notice).toBeNull();
    cloud.faults.set('access-point/key-refuse');
    await phone.next();
    await kitchen.shows(({ notice }) => notice?.code === 'connect/account-refused');
    expect(kitchen.state.status).toBe('paused');
    expect(kitchen.deck.plays).toHaveLength(1);
    cloud.faults.clear();
    await phone.resume();
    await kitchen.shows(({ status, notice }) => status === 'playing' && notice === null);
  });

  it('follow one another without a gap', async () => {
    await open();
    const { phone } = kitchen;
    await phone.play(kitchen.single);
    await agree('Short 0');
    await until(() => kitchen.deck.follower !== null);
    expect(kitchen.deck.follower?.playable.track.title).toBe('Short 1');
    kitchen.deck.end();
    await agree('Short 1');
    expect(kitchen.deck.plays).toHaveLength(1);
    expect(kitchen.deck.stops).toBe(0);
  });

  it('get fresh addresses when theirs have expired', async () => {
    await open();
    await kitchen.phone.play(kitchen.album);
    await kitchen.plays('Song 0');
    kitchen.deck.say('wanted', {});
    await until(() => kitchen.deck.refreshed.length === 1);
    expect(kitchen.deck.refreshed[0]).toMatchObject({ track: { title: 'Song 0' }, cipher: kitchen.deck.plays[0]?.playable.cipher });
  });

  it('that stall are shown so, with the place where they stand', async () => {
    await open();
    const { phone } = kitchen;
    await phone.play(kitchen.album);
    await agree('Song 0');
    kitchen.deck.say('stalled', { position: 1500 });
    await kitchen.shows(({ status }) => status === 'stalled');
    await phone.until(({ playerState }) => playerState?.isBuffering === true && playerState.playbackSpeed === 0 && playerState.positionAsOfTimestamp === 1500, patience());
    kitchen.deck.say('playing', { position: 1500 });
    await agree('Song 0');
    expect(kitchen.cloud.refusals).toEqual([]);
  });
});

describe('accounts', () => {
  const stored = () => {
    const index = kitchen.stored.get('sealed/logins/kitchen') as { readonly active: string | null; readonly rows: readonly { readonly username: string; readonly refusals: number; readonly isSpent: boolean }[] } | undefined;
    return index?.rows.find(({ username, isSpent }) => username === index.active && !isSpent);
  };

  it('log in again after a restart without a phone', async () => {
    await open();
    await kitchen.zone[Symbol.asyncDispose]();
    expect(kitchen.count('removed')).toBe(1);
    kitchen.cloud.journal.clear();
    await kitchen.start();
    await kitchen.phone.until(({ device }) => speakerId in device, patience());
    await kitchen.shows(({ account }) => account.name === 'listener');
    expect(kitchen.cloud.refusals).toEqual([]);
  });

  it('are logged out by a phone: silent, out of the list, forgotten', async () => {
    await open();
    const { phone, cloud } = kitchen;
    await phone.play(kitchen.album);
    await agree('Song 0');
    expect(stored()?.username).toBe('listener');
    cloud.pushes.logout(speakerId);
    await phone.until(({ device }) => !(speakerId in device), patience());
    await kitchen.shows(({ account, status }) => account.name === null && status === 'stopped');
    expect(kitchen.deck.stops).toBe(1);
    await until(() => stored() === undefined && cloud.dealer.ofDevice(speakerId) === null);
    expect([kitchen.count('inactive'), kitchen.count('removed')]).toEqual([1, 1]);
    await expect(kitchen.dispatch({ kind: 'play', uri: kitchen.album })).rejects.toMatchObject({ code: 'connect/no-account' });
    expect(cloud.refusals).toEqual([]);
    await kitchen.pair();
  });

  it('take each other’s place while music plays: the old one is told goodbye first', async () => {
    await open({ catalogue: songs, users: [{ name: 'listener' }, { name: 'guest' }] });
    const { phone, cloud } = kitchen;
    await phone.play(kitchen.album);
    await agree('Song 0');
    const guest = await cloud.openPhone({ name: 'Guest phone', user: 'guest' });
    await kitchen.pair(guest);
    await kitchen.shows(({ account, status }) => account.name === 'guest' && status === 'stopped');
    // The phone hears it from the cloud.
    await until(() => !(speakerId in phone.cluster.device));
    expect(kitchen.deck.stops).toBe(1);
    expect(stored()?.username).toBe('guest');
    await guest.play(kitchen.album, { track: 'Song 2' });
    await kitchen.plays('Song 2');
    expect(cloud.refusals).toEqual([]);
  });

  it('that may not log in leave the one that was there in its place', async () => {
    await open({ catalogue: songs, users: [{ name: 'listener' }, { name: 'guest' }] });
    const guest = await kitchen.cloud.openPhone({ name: 'Guest phone', user: 'guest' });
    const refusal = kitchen.cloud.faults.set('access-point/login-failure', { code: 12 });
    const answered = guest.pair(kitchen.url);
    expect((await answered).isOk).toBe(false);
    refusal[Symbol.dispose]();
    expect(kitchen.zone.player.state).toMatchObject({ account: { name: 'listener', connected: true }, notice: null });
    expect(stored()?.username).toBe('listener');
  });

  it('whose stored credentials are refused are kept for one more try, and say so', async () => {
    await open();
    await kitchen.zone[Symbol.asyncDispose]();
    kitchen.cloud.faults.set('access-point/login-failure', { code: 12 });
    kitchen.cloud.faults.set('login5/error', { code: 1 });
    await kitchen.start();
    await until(() => stored()?.refusals === 1);
    expect(kitchen.state.notice).not.toBeNull();
    await kitchen.zone[Symbol.asyncDispose]();
    await kitchen.start();
    await until(() => stored() === undefined);
    kitchen.cloud.faults.clear();
    await kitchen.pair();
    expect(kitchen.state.notice).toBeNull();
  });
});

describe('closing', () => {
  it.each(['unpaired', 'idle', 'busy', 'twice'])('%s leaves nothing behind', async (how) => {
    await open({}, { isPaired: how !== 'unpaired' });
    if (how === 'busy' || how === 'twice') {
      await kitchen.phone.play(kitchen.album);
      await agree('Song 0');
    }
    const began = performance.now();
    await kitchen.zone[Symbol.asyncDispose]();
    if (how === 'twice') await kitchen.zone[Symbol.asyncDispose]();
    expect(performance.now() - began).toBeLessThan(3000);
    const isActive = how === 'busy' || how === 'twice';
    expect([kitchen.count('inactive'), kitchen.count('removed')]).toEqual([isActive ? 1 : 0, how === 'unpaired' ? 0 : 1]);
    await until(() => kitchen.cloud.dealer.ofDevice(speakerId) === null && kitchen.cloud.accessPoint.sessions.length === 0);
    expect(kitchen.cloud.refusals).toEqual([]);
  });

  it('in the middle of a login, too', async () => {
    await open({}, { isPaired: false });
    kitchen.cloud.faults.hang('login5');
    const pairing = kitchen.phone.pair(kitchen.url).catch(() => null);
    await until(() => (kitchen.cloud.counters.view.requests['login5'] ?? 0) > 0);
    await kitchen.zone[Symbol.asyncDispose]();
    await pairing;
    await until(() => kitchen.cloud.accessPoint.sessions.length === 0);
    expect(kitchen.state.account.name).toBeNull();
  });
});
