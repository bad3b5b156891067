import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command, Origin, PlayerState } from '#core';
import { ListeningRoom } from '../kit/listening-room.ts';

let room: ListeningRoom;

const presets = () => [
  { name: 'Morning', id: 'morning', uri: room.albumOf('Song 0'), from: 3, shuffle: false, volume: 8 },
  { name: 'Loud', id: 'loud', uri: room.albumOf('Short 0') },
];

beforeEach(async () => {
  room = await ListeningRoom.open();
});
afterEach(async () => {
  expect(room.cloud.refusals).toEqual([]);
  await room[Symbol.asyncDispose]();
  expect(room.left).toEqual({ timers: 0, connections: 0 });
});

const alarm: Origin = 'automation:alarm';
const shownVolume = () => (room.phone.cluster.device[room.speaker.id]?.volume ?? -1) / 65_535;
const startedByAlarm = async () => {
  await room.dispatch({ kind: 'play', uri: room.albumOf('Song 0') }, alarm);
  await room.plays('Song 0');
  await room.run(5000);
};

describe('who did what', () => {
  // Everything starts with music that an automation has begun. `started` says whose music it is, `changed` who touched it last.
  it.each<[what: string, act: () => Promise<unknown>, started: Origin | null, changed: Origin]>([
    ['phone: pause', () => room.phone.pause(), alarm, 'phone'],
    ['phone: pause and resume', () => room.phone.pause().then(() => room.phone.resume()), alarm, 'phone'],
    ['phone: next', () => room.phone.next(), alarm, 'phone'],
    ['phone: seek', () => room.phone.seek(60_000), alarm, 'phone'],
    ['phone: volume', () => room.phone.setVolume(10_000), alarm, 'phone'],
    ['phone: shuffle', () => room.phone.shuffle(true), alarm, 'phone'],
    ['phone: queue', () => room.phone.addToQueue(room.uri('Short 0')), alarm, 'phone'],
    ['phone: play something else', () => room.phone.play(room.albumOf('Short 0')), 'phone', 'phone'],
    ['phone: play the same again', () => room.phone.play(room.albumOf('Song 0')), 'phone', 'phone'],
    ['phone: take it away', () => room.phone.playHere(room.albumOf('Short 0')), null, 'phone'],
    ['MQTT: pause', () => room.speaker.dispatch({ kind: 'pause' }), alarm, 'mqtt'],
    ['MQTT: volume', () => room.speaker.dispatch({ kind: 'volume', level: 0.1 }), alarm, 'mqtt'],
    ['MQTT: mute', () => room.speaker.dispatch({ kind: 'mute', muted: true }), alarm, 'mqtt'],
    ['MQTT: next', () => room.speaker.dispatch({ kind: 'next' }), alarm, 'mqtt'],
    ['MQTT: limit', () => room.speaker.dispatch({ kind: 'limit', level: 0.2 }), alarm, 'mqtt'],
    ['MQTT: fade', () => room.speaker.dispatch({ kind: 'fade', to: 0.6, over: 5000, curve: 'linear' }), alarm, 'mqtt'],
    ['MQTT: sleep timer', () => room.speaker.dispatch({ kind: 'sleep', after: 60_000, fade: 0 }), alarm, 'mqtt'],
    ['MQTT: announcement', () => room.speaker.dispatch({ kind: 'announce', uri: 'sound:chime', chime: false }), alarm, 'mqtt'],
    ['MQTT: pause, play without anything', () => room.speaker.dispatch([{ kind: 'pause' }, { kind: 'play' }]), alarm, 'mqtt'],
    ['MQTT: play something', () => room.speaker.dispatch({ kind: 'play', uri: room.albumOf('Short 0') }), 'mqtt', 'mqtt'],
    ['MQTT: stop', () => room.speaker.dispatch({ kind: 'stop' }), null, 'mqtt'],
    ['another automation: volume', () => room.speaker.dispatch({ kind: 'volume', level: 0.1 }, 'automation:door'), alarm, 'automation:door'],
    ['another automation: play', () => room.speaker.dispatch({ kind: 'play', uri: room.albumOf('Short 0') }, 'automation:door'), 'automation:door', 'automation:door'],
    ['nobody: the next track begins', () => room.run(200_000), alarm, alarm],
  ])('%s', async (what, act, started, changed) => {
    await startedByAlarm();
    expect(room.state.by).toEqual({ started: alarm, changed: alarm });
    if (what.startsWith('nobody')) await act();
    else await room.do(act());
    await room.run(1000);
    expect(room.state.by).toEqual({ started, changed });
  });

  it('picking this speaker on a phone while it plays elsewhere is a start', async () => {
    await startedByAlarm();
    await room.do(room.phone.playHere(room.albumOf('Short 0')));
    await room.until(() => room.state.source === null);
    await room.do(room.phone.transfer(room.speaker.id));
    await room.until(() => room.state.status === 'playing');
    expect(room.state.by.started).toBe('phone');
  });
});

describe('a limit', () => {
  it('holds against the slider of a phone, and the phone sees it', async () => {
    await room.dispatch({ kind: 'limit', level: 0.3 });
    await room.run(1000);
    expect(shownVolume()).toBeCloseTo(0.3, 4);
    for (const slider of [0.9, 0.9, 0.5]) {
      await room.do(room.phone.setVolume(Math.round(slider * 65_535)));
      await room.run(1500);
      expect(room.state.volume.level).toBe(0.3);
      expect(shownVolume()).toBeCloseTo(0.3, 4);
      expect(room.deck.gain).toBe(0.3);
    }
    await room.do(room.phone.setVolume(Math.round(0.2 * 65_535)));
    await room.run(1500);
    expect(shownVolume()).toBeCloseTo(0.2, 4);
    await room.restart();
    await room.until(() => room.state.account.connected);
    expect(room.state.volume.limit).toBe(0.3);
  });

  it('lent by an automation ends with it, at the latest with a restart', async () => {
    await room.dispatch({ kind: 'limit', level: 0.1 }, 'automation:quiet');
    expect(room.state.volume).toMatchObject({ level: 0.1, limit: 0.1 });
    await room.restart();
    expect(room.state.volume).toMatchObject({ level: 0.1, limit: 1 });
    await room.until(() => room.state.account.connected);
  });
});

describe('a ramp', () => {
  it('is ended by the slider of a phone, which keeps its place', async () => {
    await startedByAlarm();
    const abort = new AbortController();
    await room.do(room.speaker.zone.player.dispatch([{ kind: 'fade', to: 1, over: 60_000, curve: 'linear' }], alarm, abort.signal));
    abort.abort();
    await room.run(30_000);
    expect(room.state.volume.level).toBeCloseTo(0.7, 1);
    expect(shownVolume()).toBeCloseTo(room.state.volume.level, 1);
    await room.do(room.phone.setVolume(13_107));
    await room.run(60_000);
    expect(room.state.volume).toMatchObject({ level: 0.2, fading: null });
    expect(room.state.by).toEqual({ started: alarm, changed: 'phone' });
    expect(room.disagreements()).toEqual([]);
  });

  it('begins before the music it belongs to', async () => {
    await room.dispatch([{ kind: 'play', uri: room.albumOf('Song 0') }, { kind: 'fade', to: 0.5, over: 60_000, curve: 'linear' }, { kind: 'volume', level: 0.05 }], alarm);
    await room.plays('Song 0');
    expect(room.state.volume.level).toBeLessThan(0.07);
    expect(room.state.volume.fading).toMatchObject({ to: 0.5 });
  });
});

describe('the sleep timer', () => {
  beforeEach(startedByAlarm);

  it('fades out, pauses at its time and puts the volume back', async () => {
    await room.dispatch({ kind: 'sleep', after: 600_000, fade: 30_000 });
    expect(room.state.sleep).toEqual({ ends: room.clock.now() + 600_000 });
    await room.run(569_000);
    expect(room.state.volume).toMatchObject({ level: 0.4, fading: null });
    await room.run(16_000);
    expect(room.state.volume.level).toBeLessThan(0.3);
    expect(room.state.volume.fading).toMatchObject({ to: 0 });
    await room.run(15_000);
    await room.until(() => room.state.status === 'paused');
    expect(room.deck.isSounding).toBe(false);
    expect(room.state.sleep).toBeNull();
    // Not while anything could still be heard of it.
    expect(room.state.volume.level).toBe(0);
    await room.run(1500);
    expect(room.state.volume).toMatchObject({ level: 0.4, fading: null });
    await room.run(2000);
    expect(room.disagreements()).toEqual([]);
    expect(room.state.by).toEqual({ started: alarm, changed: 'mqtt' });
  });

  it.each<[what: string, act: () => Promise<unknown>, after: Partial<PlayerState>, level: number, ends: boolean]>([
    ['the volume on a phone ends the fade, not the timer', () => room.phone.setVolume(39_321), { status: 'playing' }, 0.6, true],
    ['the volume over MQTT ends the fade, not the timer', () => room.speaker.dispatch({ kind: 'volume', level: 0.05 }), { status: 'playing' }, 0.05, true],
    ['taking it back puts the volume back', () => room.speaker.dispatch({ kind: 'sleep', after: null, fade: 0 }), { status: 'playing', sleep: null }, 0.4, false],
    ['a new one begins anew', () => room.speaker.dispatch({ kind: 'sleep', after: 60_000, fade: 10_000 }), { status: 'playing' }, 0.4, true],
    ['a pause is what was wanted', () => room.phone.pause(), { status: 'paused', sleep: null }, 0.4, false],
    ['a stop, too', () => room.speaker.dispatch({ kind: 'stop' }), { status: 'stopped', sleep: null }, 0.4, false],
  ])('in its fade: %s', async (_, act, after, level, ends) => {
    await room.dispatch({ kind: 'sleep', after: 40_000, fade: 30_000 });
    await room.run(25_000);
    expect(room.state.volume.level).toBeLessThan(0.4);
    await room.do(act());
    await room.run(2000);
    expect(room.state).toMatchObject(after);
    expect(room.state.volume.level).toBeCloseTo(level, 4);
    expect(room.state.sleep !== null).toBe(ends);
    await room.run(60_000);
    expect(room.state.volume.level).toBeCloseTo(level, 4);
    expect(room.state.sleep).toBeNull();
    expect(room.state.status).toBe(ends ? 'paused' : after.status);
  });

  it('of the Spotify app is shown, and taken back by ours', async () => {
    const sleep = (duration: number) => room.phone.command({ endpoint: 'set_sleep_timer', timer_type: { type: 'duration', duration_s: duration } });
    await room.do(sleep(300));
    await room.run(500);
    expect(room.state.sleep?.ends).toBeCloseTo(room.clock.now() + 299_500, -3);
    await room.dispatch({ kind: 'sleep', after: null, fade: 0 });
    expect(room.state.sleep).toBeNull();
    await room.run(400_000);
    expect(room.state.status).toBe('playing');
  });
});

describe('an announcement', () => {
  it('is said over the music, after a chime, at its own level; the volume and the place stay', async () => {
    await startedByAlarm();
    const said: string[] = [];
    room.speaker.zone.player.events.on('announced', ({ uri, phase, error }) => said.push(`${phase} ${uri}${error ? ` ${error.code}` : ''}`));
    const { length } = room.deck.heard;
    const uri = 'http://192.0.2.7/tts.mp3';
    await room.dispatch({ kind: 'announce', uri, level: 0.7, chime: true });
    await room.until(() => room.state.announcing);
    expect(room.state.accepts.has('announce')).toBe(true);
    await room.until(() => !room.state.announcing);
    expect(said).toEqual([`started ${uri}`, `finished ${uri}`]);
    expect(room.deck.spoken.all.map(({ playable, gain }) => [playable.track.uri, gain])).toEqual([['sound:chime', 0.7], [uri, 0.7]]);
    expect(room.state.volume.level).toBe(0.4);
    expect(room.deck.heard.length).toBe(length);
    expect(room.disagreements()).toEqual([]);
  });

  it('into the silence, several one after the other; one that cannot be had says so', async () => {
    const said: string[] = [];
    room.speaker.zone.player.events.on('announced', ({ uri, phase, error }) => said.push(`${phase} ${uri.at(-1)}${error ? ` ${error.kind}` : ''}`));
    room.deck.spoken.broken.add('http://192.0.2.7/b');
    for (const name of ['a', 'b', 'c']) await room.dispatch({ kind: 'announce', uri: `http://192.0.2.7/${name}`, chime: false });
    await room.run(10_000);
    expect(said).toEqual(['started a', 'finished a', 'finished b not-found', 'started c', 'finished c']);
    expect(room.state).toMatchObject({ announcing: false, status: 'stopped', volume: { level: 0.4 } });
  });

  it('is hushed by stop', async () => {
    await room.dispatch({ kind: 'announce', uri: 'https://192.0.2.7/long', chime: false });
    await room.until(() => room.state.announcing);
    expect(room.state.accepts.has('stop')).toBe(true);
    await room.dispatch({ kind: 'stop' });
    expect(room.state.announcing).toBe(false);
  });

  it.each(['', 'hello', 'spotify:track:4uLU6hMCjMI75M1A2tKUQC', 'file:///etc/passwd', 'http://', 'sound:bell', 'javascript:alert(1)'])('of “%s” is refused in a sentence', async (uri) => {
    await expect(room.dispatch({ kind: 'announce', uri, chime: false })).rejects.toMatchObject({ kind: 'invalid', code: 'zones/not-announceable', message: expect.stringMatching(/cannot be announced.*https:/) as string });
  });

  // T42
  it('never leaves the wrong volume and never moves the music, however often and whenever', async () => {
    await room.do(room.phone.play(room.albumOf('Song 0')));
    await room.plays('Song 0');
    const level = fc.integer({ min: 1, max: 100 }).map((percent) => percent / 100);
    const act = fc.oneof(
      fc.record({ kind: fc.constant('announce' as const), level: fc.option(level, { nil: undefined }), chime: fc.boolean() }),
      fc.record({ kind: fc.constant('volume' as const), level }),
      fc.record({ kind: fc.constant('slider' as const), level }),
      fc.record({ kind: fc.constant('wait' as const), for: fc.integer({ min: 0, max: 4000 }) }),
    );
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 12 }), async (acts) => {
        await room.do(room.phone.seek(0));
        await room.run(1000);
        const [began, place] = [room.clock.monotonic(), room.deck.position];
        const { length } = room.deck.heard;
        let wanted = room.state.volume.level;
        for (const each of acts) {
          if (each.kind === 'announce') await room.dispatch({ kind: 'announce', uri: `http://192.0.2.7/${++count}`, level: each.level, chime: each.chime });
          else if (each.kind === 'volume') await room.dispatch({ kind: 'volume', level: (wanted = each.level) });
          else if (each.kind === 'slider') {
            wanted = Math.round(each.level * 65_535) / 65_535;
            await room.do(room.phone.setVolume(Math.round(each.level * 65_535)));
          } else await room.run(each.for);
        }
        await room.until(() => !room.deck.spoken.current && !room.state.announcing);
        await room.run(2500);
        expect(room.state.volume.level).toBe(wanted);
        expect(room.deck.gain).toBe(wanted);
        expect(shownVolume()).toBeCloseTo(wanted, 4);
        expect(room.deck.position - place).toBeCloseTo(room.clock.monotonic() - began, 6);
        expect(room.deck.heard.length).toBe(length);
      }),
      { numRuns: 40 },
    );
  });
});

describe('play', () => {
  it.each<[what: string, command: () => Command, title: string, shuffle: boolean]>([
    ['a context at a row by number', () => ({ kind: 'play', uri: room.albumOf('Song 0'), from: 4 }), 'Song 4', false],
    ['a context at a row by URI', () => ({ kind: 'play', uri: room.albumOf('Song 0'), from: room.uri('Song 5') }), 'Song 5', false],
    ['a context at a row, shuffled behind it', () => ({ kind: 'play', uri: room.albumOf('Song 0'), from: 6, shuffle: true }), 'Song 6', true],
    ['a context at a row and a place in it', () => ({ kind: 'play', uri: room.albumOf('Song 0'), from: 7, at: 30_000 }), 'Song 7', false],
    ['a row there is not: the first', () => ({ kind: 'play', uri: room.albumOf('Song 0'), from: 400 }), 'Song 0', false],
  ])('%s', async (_, command, title, shuffle) => {
    await room.dispatch(command());
    await room.plays(title);
    await room.run(1500);
    expect(room.state.order.shuffle).toBe(shuffle);
    expect(room.disagreements()).toEqual([]);
    const wanted = command();
    if (wanted.kind === 'play' && wanted.at !== undefined) expect(room.deck.heard[0]?.from).toBe(wanted.at);
  });

  it('shuffle: false switches off what was on', async () => {
    await room.dispatch({ kind: 'play', uri: room.albumOf('Song 0'), shuffle: true });
    await room.shows(({ status, order }) => status === 'playing' && order.shuffle);
    await room.dispatch({ kind: 'play', uri: room.albumOf('Song 0'), shuffle: false });
    await room.plays('Song 0');
    expect(room.state.order.shuffle).toBe(false);
  });

  it('shows what loads before it can be heard', async () => {
    const seen: string[] = [];
    room.speaker.zone.player.events.on('changed', ({ state }) => seen.push(`${state.status} ${state.track?.title ?? '-'}`));
    await room.dispatch({ kind: 'play', uri: room.uri('Song 3') });
    await room.plays('Song 3');
    expect(seen).toContain('loading Song 3');
  });

  it('“from” without anything to play is refused in a sentence', async () => {
    await expect(room.dispatch({ kind: 'play', from: 3 })).rejects.toMatchObject({ kind: 'invalid', message: expect.stringContaining('name what to play') as string });
  });
});

describe('a preset', () => {
  beforeEach(async () => {
    for (const { volume, ...preset } of presets()) await room.speaker.presets.add({ ...preset, level: volume === undefined ? undefined : volume / 100 });
  });

  it.each(['morning', 'Morning', 'MORNING'])('%s: volume first, then the order, then the row', async (name) => {
    await room.do(room.phone.shuffle(true)).catch(() => undefined);
    const levels: string[] = [];
    room.speaker.zone.player.events.on('changed', ({ state }) => levels.push(`${state.volume.level} ${state.status}`));
    await room.dispatch({ kind: 'preset', preset: name }, alarm);
    await room.plays('Song 3');
    expect(levels[0]).toBe('0.08 stopped');
    expect(room.state).toMatchObject({ preset: 'morning', order: { shuffle: false }, by: { started: alarm }, volume: { level: 0.08 } });
    await room.run(210_000);
    expect(room.state).toMatchObject({ preset: 'morning', track: { title: 'Song 4' } });
  });

  it.each<[what: string, act: () => Promise<unknown>, preset: string | null]>([
    ['a pause and a skip', () => room.phone.pause().then(() => room.phone.next()), 'morning'],
    ['a play over MQTT', () => room.speaker.dispatch({ kind: 'play', uri: room.albumOf('Short 0') }), null],
    ['a play on a phone', () => room.phone.play(room.albumOf('Short 0')), null],
    ['another preset', () => room.speaker.dispatch({ kind: 'preset', preset: 'loud' }), 'loud'],
    ['a stop', () => room.speaker.dispatch({ kind: 'stop' }), null],
  ])('after %s', async (_, act, preset) => {
    await room.dispatch({ kind: 'preset', preset: 'morning' });
    await room.plays('Song 3');
    await room.do(act());
    await room.run(1000);
    expect(room.state.preset).toBe(preset);
  });

  it('there is none of: which there are', async () => {
    await expect(room.dispatch({ kind: 'preset', preset: 'evening' })).rejects.toMatchObject({ kind: 'not-found', message: 'There is no preset “evening” here. There are “morning”, “loud”.' });
    expect(room.state.volume.level).toBe(0.4);
  });

  it('a volume said beside it counts more', async () => {
    await room.dispatch([{ kind: 'volume', level: 0.2 }, { kind: 'preset', preset: 'morning' }]);
    expect(room.state.volume.level).toBe(0.2);
    await room.plays('Song 3');
  });
});

describe('what would work', () => {
  const kinds = () => [...room.state.accepts].sort().join(' ');

  it('is said honestly', async () => {
    expect(kinds()).toBe('announce fade limit mute output play sleep volume');
    await room.speaker.presets.add({ name: 'Any', uri: room.albumOf('Song 0') });
    expect(kinds()).toBe('announce fade limit mute output play preset sleep volume');
    await room.openSpeaker({ name: 'Bath', deviceId: 'c3'.repeat(20) });
    expect(room.state.accepts.has('transfer')).toBe(false);
    await room.dispatch({ kind: 'play', uri: room.albumOf('Song 0') });
    await room.plays('Song 0');
    expect(room.state.accepts.has('transfer')).toBe(true);
    expect(room.state.accepts.has('next')).toBe(true);
  });

  it('another output is shown, one there is not is refused', async () => {
    await room.dispatch({ kind: 'output', output: 'speaker' });
    expect(room.state).toMatchObject({ output: { name: 'speaker' } });
    await expect(room.dispatch({ kind: 'output', output: 'moon' })).rejects.toMatchObject({ kind: 'invalid' });
    expect(room.state.output.name).toBe('speaker');
  });
});
