import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, TonearmError } from '#foundation';
import { FakeLink } from '../../../test/contract/surface-fake-link.ts';
import { type FakePlayer, fakeZone, playing, someTrack, someVolume } from '../../../test/contract/surface-fake-player.ts';
import { Outlet } from './outlet.ts';
import { Topics } from './topics.ts';
import { ZoneMirror } from './zone-mirror.ts';

let clock: FakeClock;
let link: FakeLink;
let outlet: Outlet;
let player: FakePlayer;
let mirror: ZoneMirror;

beforeEach(() => {
  clock = new FakeClock();
  link = new FakeLink();
  outlet = new Outlet(link, new Topics('tonearm'), { qos: 1 });
  const zone = fakeZone(clock, 'kitchen', playing(clock));
  player = zone.player;
  mirror = new ZoneMirror(zone, { outlet, clock });
  mirror.showAll();
});

const states = () => link.on('tonearm/kitchen');

describe('after connecting', () => {
  it('shows everything, the attributes before the state', () => {
    expect(link.topics()).toEqual(['tonearm/kitchen/availability', 'tonearm/kitchen/attributes', 'tonearm/kitchen', 'tonearm/kitchen/image_url', 'tonearm/kitchen/position']);
    expect(link.sent.map(({ retained }) => retained)).toEqual([true, true, true, true, false]);
    expect(link.last('tonearm/kitchen/availability')).toEqual({ state: 'online' });
  });

  it('shows it again when asked, and when connecting again', async () => {
    await clock.advance(2000);
    link.sent.length = 0;
    mirror.showState();
    expect(link.topics()).toEqual(['tonearm/kitchen/attributes', 'tonearm/kitchen', 'tonearm/kitchen/image_url', 'tonearm/kitchen/position']);
    outlet.forget();
    mirror.showAll();
    expect(states()).toHaveLength(2);
  });

  it('cannot be made to flood the broker by asking', async () => {
    link.sent.length = 0;
    for (let turn = 0; turn < 300; turn++) {
      mirror.showState();
      await clock.advance(10);
    }
    expect(states().length).toBeLessThanOrEqual(16);
  });
});

describe('a change', () => {
  it('does not wait because everything was said again for our own reasons', async () => {
    await clock.advance(2000);
    for (const level of [0.1, 0.2, 0.3]) {
      player.set({ volume: someVolume(level) });
      await clock.advance(300);
    }
    link.sent.length = 0;
    mirror.sayAgain();
    expect(link.topics()).toEqual(['tonearm/kitchen/attributes', 'tonearm/kitchen', 'tonearm/kitchen/image_url', 'tonearm/kitchen/position']);
    player.set({ volume: someVolume(0.4) });
    expect(link.last('tonearm/kitchen')).toMatchObject({ volume: 40 });
  });

  it('is shown at once', () => {
    player.set({ status: 'paused' });
    expect(link.last('tonearm/kitchen')).toMatchObject({ state: 'paused' });
    expect(link.last('tonearm/kitchen/attributes')).toMatchObject({ changed_by: 'phone' });
  });

  it('that changes nothing to be seen is not published', () => {
    link.sent.length = 0;
    player.set({ volume: someVolume(0.5001) });
    expect(link.sent).toEqual([]);
  });

  it('in a row of many is published at most five times a second, and the last one always', async () => {
    link.sent.length = 0;
    const times: number[] = [];
    const before = outlet.sent;
    for (let step = 1; step <= 200; step++) {
      player.set({ volume: someVolume(step / 200) });
      await clock.advance(5);
      times.push(...Array.from({ length: states().length - times.length }, () => clock.monotonic()));
    }
    await clock.advance(1000);
    expect(states().length).toBeLessThanOrEqual(6);
    for (const start of times) expect(times.filter((at) => at >= start && at < start + 1000).length).toBeLessThanOrEqual(5);
    expect(link.last('tonearm/kitchen')).toMatchObject({ volume: 100 });
    expect(outlet.sent).toBeGreaterThan(before);
  });

  it('people notice does not wait behind a slider', async () => {
    for (let step = 1; step <= 60; step++) {
      player.set({ volume: someVolume(step / 200) });
      await clock.advance(20);
    }
    player.set({ status: 'paused' });
    expect(link.last('tonearm/kitchen')).toMatchObject({ state: 'paused' });
  });

  it('while the broker is away is shown when it is back', async () => {
    link.isUp = false;
    player.set({ status: 'paused' });
    link.isUp = true;
    outlet.forget();
    mirror.showAll();
    expect(link.last('tonearm/kitchen')).toMatchObject({ state: 'paused' });
    await clock.advance(0);
  });
});

describe('position', () => {
  const positions = () => link.on('tonearm/kitchen/position').map((text) => JSON.parse(text) as { position: number; rate: number });

  it('is told every 10 s while playing, not retained, and never while not', async () => {
    await clock.advance(30_000);
    expect(positions().map(({ position }) => position)).toEqual([0, 10, 20, 30]);
    player.set({ status: 'paused', position: { at: 30_000, measured: clock.now() } });
    expect(positions().at(-1)).toMatchObject({ position: 30, rate: 0 });
    await clock.advance(60_000);
    expect(positions()).toHaveLength(5);
    expect(clock.pending).toBe(0);
  });

  it('is told on a jump, but not when it is where it should be', async () => {
    await clock.advance(5000);
    player.set({ position: { at: 5200, measured: clock.now() } });
    expect(positions()).toHaveLength(1);
    player.set({ position: { at: 90_000, measured: clock.now() } });
    expect(positions()).toHaveLength(2);
    expect(positions().at(-1)).toMatchObject({ position: 90, rate: 1 });
  });
});

describe('events', () => {
  const events = () => link.on('tonearm/kitchen/event').map((text) => JSON.parse(text) as { event_type: string; reason?: string });

  it('follow the picture they belong to', async () => {
    link.sent.length = 0;
    player.end('finished');
    player.set({ track: someTrack('spotify:track:2') });
    expect(link.topics().indexOf('tonearm/kitchen')).toBeLessThan(link.topics().indexOf('tonearm/kitchen/event'));
    expect(events()).toMatchObject([{ event_type: 'track_changed', reason: 'finished' }]);
    await clock.advance(1000);
    player.set({ track: someTrack('spotify:track:3') });
    expect(events().at(-1)).not.toHaveProperty('reason');
  });

  it('tell of stops and errors', async () => {
    player.set({ status: 'stalled' });
    player.set({ status: 'playing' });
    player.set({ status: 'paused' });
    player.set({ status: 'stopped', source: null, track: null });
    player.fail(new TonearmError({ kind: 'forbidden', code: 'spotify/key-refused', message: 'Refused.' }));
    await clock.advance(2000);
    expect(events().map(({ event_type }) => event_type)).toEqual(['playback_paused', 'session_lost', 'playback_stopped', 'error']);
    expect(link.last('tonearm/kitchen/attributes')).toMatchObject({ last_error: { error: 'spotify/key-refused', message: 'Refused.' } });
    player.set({ status: 'playing', source: 'connect' });
    await clock.advance(2000);
    expect(link.last('tonearm/kitchen/attributes')).toMatchObject({ last_error: null });
  });

  it('tell of announcements', () => {
    player.announce('http://home.lan/hello.mp3', 'started');
    player.announce('http://home.lan/hello.mp3', 'finished');
    expect(events().map(({ event_type }) => event_type)).toEqual(['announcement_started', 'announcement_finished']);
  });

  it('are messages, not states', () => {
    player.set({ status: 'paused' });
    const event = link.sent.find(({ topic }) => topic === 'tonearm/kitchen/event');
    expect(event).toMatchObject({ retained: false, qos: 0, expiry: 60 });
  });
});

it('keeps the last cover when there is none', () => {
  player.set({ track: null, status: 'stopped', source: null });
  expect(link.on('tonearm/kitchen/image_url')).toEqual(['https://covers.example/1']);
  expect(link.last('tonearm/kitchen')).toMatchObject({ image_url: '' });
});

it('counts the sleep timer down in minutes, and stops when it is over', async () => {
  player.set({ sleep: { ends: clock.now() + 150_000 } });
  const minutes = () => link.last('tonearm/kitchen')['sleep_timer'];
  expect(minutes()).toBe(3);
  await clock.advance(30_000);
  expect(minutes()).toBe(2);
  await clock.advance(60_000);
  expect(minutes()).toBe(1);
  player.set({ sleep: null });
  expect(minutes()).toBe(0);
  player.set({ status: 'paused' });
  await clock.advance(1000);
  expect(clock.pending).toBe(0);
});

it('says the preset by its name and the account as it is called', () => {
  mirror[Symbol.dispose]();
  const zone = { id: 'kitchen', name: 'Kitchen', player };
  const presets = { list: [{ id: 'morning', name: 'Morning', uri: 'spotify:playlist:1' }] };
  mirror = new ZoneMirror(zone, { outlet, clock, presets, account: (where, name) => `${where} ${name}`, queue: true });
  player.set({ preset: 'morning' });
  expect(link.last('tonearm/kitchen')).toMatchObject({ preset: 'Morning' });
  expect(link.last('tonearm/kitchen/attributes')).toMatchObject({ preset_id: 'morning', account: 'kitchen someone' });
  expect(link.last('tonearm/kitchen/queue')).toEqual({ context: null, next: [] });
});

it('asks what the account is called when it or the accounts have changed, and while nobody knows', async () => {
  mirror[Symbol.dispose]();
  const asked: string[] = [];
  let label: string | null = null;
  mirror = new ZoneMirror({ id: 'kitchen', name: 'Kitchen', player }, { outlet, clock, account: (_, name) => (asked.push(name), label) });
  const shown = async (change: Parameters<FakePlayer['set']>[0]) => {
    player.set(change);
    await clock.advance(1000);
    return link.last('tonearm/kitchen/attributes')['account'];
  };
  expect(await shown({ volume: someVolume(0.1) })).toBeNull();
  label = 'so****ne';
  expect(await shown({ volume: someVolume(0.2) })).toBe(label);
  expect(await shown({ volume: someVolume(0.3) })).toBe(label);
  expect(asked).toEqual(['someone', 'someone']);
  label = 'so****ne (1234)';
  mirror.refresh();
  await clock.advance(1000);
  expect(link.last('tonearm/kitchen/attributes')).toMatchObject({ account: label });
  label = 'ot****er';
  expect(await shown({ account: { name: 'other', connected: true } })).toBe(label);
  expect(asked).toEqual(['someone', 'someone', 'someone', 'other']);
  expect(await shown({ account: { name: null, connected: false } })).toBeNull();
});

it('remembers for a moment which volumes it told', async () => {
  player.set({ volume: someVolume(0.1) });
  player.set({ volume: someVolume(0.2) });
  expect(mirror.told.lately()).toEqual([50, 10, 20]);
  await clock.advance(1600);
  expect(mirror.told.lately()).toEqual([]);
});

it('leaves nothing behind', async () => {
  player.set({ volume: someVolume(0.1), sleep: { ends: clock.now() + 90_000 } });
  await mirror.hide();
  expect(link.last('tonearm/kitchen/availability')).toEqual({ state: 'offline' });
  expect(clock.pending).toBe(0);
  expect(player.listeners).toBe(0);
});
