import { describe, expect, it } from 'vitest';
import type { Command, Origin, Player, PlayerEvents, PlayerState, Preset, ZoneView } from '#core';
import { Emitter, FakeClock, silentLog, TonearmError } from '#foundation';
import { fakeHost, someTrack, someVolume } from '../../../test/contract/surface-fake-player.ts';
import { HomeBroker } from '../../../test/kit/home-broker.ts';
import { openHistory } from '../history.ts';
import { daysOf } from '../holidays.ts';
import { openMemory } from '../memory.ts';
import type { OpenAlarms } from '../ports.ts';
import { openPresence } from '../presence/index.ts';
import { PresenceSettings } from '../presence/settings.ts';
import { openTimetable } from '../timetable.ts';
import { openAlarms } from './alarms.ts';
import { AlarmSettings } from './settings.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
/** Sunday 22 November 2026, 22:00 in Berlin. */
const evening = Date.UTC(2026, 10, 22, 21, 0);

/** What becomes of something that is to be played. `hangs`: no answer; `silent`: taken, and nothing is heard. */
type Fate = 'plays' | 'hangs' | 'silent' | 'refused';

/** A zone that does with music and with the bell what the test wants. */
class Bedside implements Player {
  readonly emitter = new Emitter<PlayerEvents>();
  readonly fates: { music: Fate; bell: Fate; file: Fate } = { music: 'plays', bell: 'plays', file: 'plays' };
  /** `play spotify:x`, `volume 10`, in order; of the alarm only. */
  readonly told: string[] = [];
  state: PlayerState;

  constructor(clock: FakeClock) {
    this.state = {
      revision: 1,
      source: null,
      status: 'stopped',
      track: null,
      position: { at: 0, measured: clock.now() },
      volume: someVolume(0.9, true),
      order: { shuffle: false, repeat: 'off' },
      queue: { context: null, next: [] },
      account: { name: 'someone', connected: true },
      notice: null,
      output: { name: 'speaker', choices: [] },
      sleep: null,
      preset: null,
      announcing: false,
      by: { started: null, changed: 'tonearm' },
      accepts: new Set(),
    };
  }

  get events() {
    return this.emitter.events;
  }

  set(change: Partial<PlayerState>, by: Origin, started: Origin | null = this.state.by.started): void {
    const previous = this.state;
    this.state = { ...previous, ...change, revision: previous.revision + 1, by: { started, changed: by } };
    this.emitter.emit('changed', { state: this.state, previous });
  }

  async dispatch(commands: readonly Command[], by: Origin, signal?: AbortSignal): Promise<void> {
    for (const command of commands) {
      if (by.startsWith('automation:')) this.told.push(say(command));
      await this.#do(command, by, signal);
    }
  }

  async #do(command: Command, by: Origin, signal?: AbortSignal): Promise<void> {
    const { volume } = this.state;
    switch (command.kind) {
      case 'volume':
        this.set({ volume: { ...volume, level: command.level, muted: false } }, by);
        return;
      case 'mute':
        this.set({ volume: { ...volume, muted: command.muted } }, by);
        return;
      case 'fade':
        this.set({ volume: { ...volume, fading: { to: command.to, ends: command.over } } }, by);
        return;
      case 'pause':
        this.set({ status: 'paused' }, by);
        return;
      case 'stop':
        this.set({ status: 'stopped', source: null, track: null }, by, null);
        return;
      case 'play': {
        const uri = command.uri ?? this.state.track?.uri ?? '';
        const fate = this.fates[uri.startsWith('sound:') ? 'bell' : uri.startsWith('file:') ? 'file' : 'music'];
        await Promise.resolve();
        if (fate === 'refused') throw new TonearmError({ kind: 'unavailable', code: 'test/refused', message: `“${uri}” cannot be played.` });
        if (fate === 'hangs') await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
        this.set({ status: 'loading', source: uri.startsWith('spotify:') ? 'connect' : 'sounds', track: someTrack(uri) }, by, by);
        if (fate === 'plays') this.set({ status: 'playing' }, by);
        return;
      }
      default:
    }
  }
}

function say(command: Command): string {
  if (command.kind === 'volume') return `volume ${Math.round(command.level * 100)}`;
  if (command.kind === 'mute') return command.muted ? 'mute' : 'unmute';
  if (command.kind === 'fade') return `fade ${Math.round(command.to * 100)} in ${command.over / 1000} s`;
  if (command.kind === 'play') return `play${command.uri === undefined ? '' : ` ${command.uri}`}${command.shuffle === undefined ? '' : ` shuffle ${command.shuffle}`}`;
  return command.kind;
}

const morning: Preset = { id: 'morning', name: 'Morning', uri: 'spotify:playlist:morning', shuffle: true, level: 0.8 };

/** A bedroom with alarms, and a night that passes at will. */
class Bedroom {
  readonly clock: FakeClock;
  readonly host: ReturnType<typeof fakeHost>;
  readonly player: Bedside;
  readonly zone: ZoneView;
  alarms!: OpenAlarms;
  isEnabled = true;
  #close: (() => Promise<void>) | null = null;
  readonly #settings: readonly AlarmSettings[];

  private constructor(settings: readonly Readonly<Record<string, unknown>>[], now: number) {
    this.clock = new FakeClock(now);
    this.host = fakeHost(this.clock, silentLog);
    this.player = new Bedside(this.clock);
    this.zone = { id: 'bedroom', name: 'Bedroom', player: this.player };
    this.#settings = settings.map((one) => AlarmSettings.parse({ id: 'wake', time: '06:30', play: 'Morning', ...one }));
  }

  static async open(settings: Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[] = {}, { now = evening, holidays = [] }: { readonly now?: number; readonly holidays?: string[] } = {}): Promise<Bedroom> {
    const room = new Bedroom(Array.isArray(settings) ? (settings as Readonly<Record<string, unknown>>[]) : [settings as Readonly<Record<string, unknown>>], now);
    await room.start(holidays);
    return room;
  }

  async start(holidays: string[] = []): Promise<void> {
    const { clock, host } = this;
    const messages = new HomeBroker().messages;
    const timetable = await openTimetable(host);
    const history = await openHistory(host);
    const presence = await openPresence(PresenceSettings.parse({}), { messages, host });
    this.alarms = await openAlarms(this.#settings, {
      zones: [this.zone],
      presets: { list: [morning], events: new Emitter<never>(), find: (name) => (name === 'Morning' ? morning : null), add: () => Promise.reject(new Error('no')), remove: () => Promise.reject(new Error('no')) },
      messages,
      host,
      presence,
      timetable,
      history,
      memory: await openMemory(host),
      holidays: { ...daysOf(holidays), edition: 0, onChanged: () => undefined },
      timezone: 'Europe/Berlin',
      isEnabled: () => this.isEnabled,
    });
    this.history = history;
    this.#close = async () => {
      await this.alarms[Symbol.asyncDispose]();
      await timetable[Symbol.asyncDispose]();
      await history[Symbol.asyncDispose]();
      await presence[Symbol.asyncDispose]();
    };
    await clock.advance(0);
  }

  history!: Awaited<ReturnType<typeof openHistory>>;

  /** Ends as a daemon does that is told to. */
  async stop(): Promise<void> {
    await this.#close?.();
  }

  run(by: number): Promise<void> {
    return this.clock.advance(by);
  }

  /** Lets the night pass, until a second after half past six. */
  night(): Promise<void> {
    return this.run(evening + 8.5 * hour + second - this.clock.now());
  }

  told(): readonly string[] {
    return this.player.told.splice(0);
  }

  get state(): string {
    return this.alarms.views[0]?.alarm?.state ?? '?';
  }

  /** Of the last firing. */
  get outcome(): string {
    const [last] = this.history.list('wake', 1);
    return last ? `${last.result}: ${last.why}` : 'none';
  }
}

describe('an alarm that rings', () => {
  it('is quiet before it is loud: volume first, then music, then the fade', async () => {
    const room = await Bedroom.open();
    await room.run(8.5 * hour - second);
    expect(room.told()).toEqual([]);
    await room.night();
    expect(room.told()).toEqual(['sleep', 'volume 10', 'play spotify:playlist:morning shuffle true', 'fade 40 in 900 s']);
    expect(room.player.state).toMatchObject({ status: 'playing', by: { started: 'automation:wake' } });
    expect(room.player.state.volume.muted).toBe(false);
    expect(room.state).toBe('ringing');
  });

  it('plays a link, in order, or a row of a list', async () => {
    const room = await Bedroom.open({ play: { uri: 'spotify:album:x', from: 3 }, shuffle: false });
    await room.night();
    expect(room.told()).toContain('play spotify:album:x shuffle false');
    const other = await Bedroom.open({ play: 'spotify:playlist:elsewhere' });
    await other.night();
    expect(other.told()).toContain('play spotify:playlist:elsewhere');
  });

  it('rings with the bell when it has nothing to play', async () => {
    const room = await Bedroom.open({ play: undefined });
    await room.night();
    expect(room.told()).toEqual(['sleep', 'volume 10', 'play sound:bell', 'fade 40 in 900 s']);
  });

  it('takes the zone over from a person who plays there all night', async () => {
    const room = await Bedroom.open();
    room.player.set({ status: 'playing', source: 'connect', track: someTrack('spotify:track:night') }, 'phone', 'phone');
    await room.night();
    expect(room.player.state.by.started).toBe('automation:wake');
    await room.run(hour / 2);
    expect(room.state).toBe('ringing');
    expect(room.history.list('wake', 1)[0]?.steps.map(({ what }) => what)).toContain('Zone');
  });

  it('gives up after an hour that nobody stopped it', async () => {
    const room = await Bedroom.open();
    await room.night();
    await room.run(hour - 2 * second);
    expect(room.state).toBe('ringing');
    await room.run(2 * second);
    expect(room.state).toBe('idle');
    expect(room.player.state.status).toBe('paused');
    expect(room.outcome).toMatch(/^done: It rang until it gave up/);
  });
});

describe('an alarm whose music does not come', () => {
  it.each<readonly [string, Fate, number]>([
    ['never answers', 'hangs', 10 * second],
    ['is taken, and not heard', 'silent', 10 * second],
    ['is refused', 'refused', 0],
  ])('and %s: the bell rings', async (_, fate, after) => {
    const room = await Bedroom.open();
    room.player.fates.music = fate;
    await room.night();
    if (after > 0) {
      await room.run(after - 2 * second);
      expect(room.player.state.track?.uri).not.toBe('sound:bell');
    }
    await room.run(2 * second);
    expect(room.player.state).toMatchObject({ status: 'playing', track: { uri: 'sound:bell' } });
    expect(room.told().slice(-2)).toEqual(['play sound:bell', 'fade 40 in 900 s']);
  });

  it('does not go back to the music once the bell rings', async () => {
    const room = await Bedroom.open();
    room.player.fates.music = 'hangs';
    await room.night();
    await room.run(11 * second);
    room.player.fates.music = 'plays';
    await room.run(20 * minute);
    expect(room.player.state.track?.uri).toBe('sound:bell');
  });

  it('rings with the owner\'s file, and with the bell when that is not heard either', async () => {
    const room = await Bedroom.open({ fallback: 'file:///music/wake.flac', fallbackAfter: '5s' });
    room.player.fates.music = 'refused';
    await room.night();
    expect(room.player.state.track?.uri).toBe('file:///music/wake.flac');
    const other = await Bedroom.open({ fallback: 'file:///music/wake.flac', fallbackAfter: '5s' });
    other.player.fates.music = 'hangs';
    other.player.fates.file = 'refused';
    await other.night();
    await other.run(11 * second);
    expect(other.player.state.track?.uri).toBe('sound:bell');
  });

  it('asks for the bell until it is heard, however long the output is missing', async () => {
    const room = await Bedroom.open();
    room.player.fates.music = 'hangs';
    room.player.fates.bell = 'silent';
    let writes = 0;
    const { store } = room.host;
    const write = store.write.bind(store);
    store.write = (name, value) => {
      if (name !== 'automation-times' && name !== 'automation-history') writes += 1;
      return write(name, value);
    };
    await room.night();
    await room.run(30 * minute);
    // That it rings is noted once, not at every try.
    expect(writes).toBe(1);
    room.player.fates.bell = 'plays';
    await room.run(6 * second);
    expect(room.player.state).toMatchObject({ status: 'playing', track: { uri: 'sound:bell' } });
  });
});

describe('music that breaks while it rings', () => {
  it('is followed by the bell at once', async () => {
    const room = await Bedroom.open();
    await room.night();
    room.player.emitter.emit('failed', { error: new TonearmError({ kind: 'forbidden', code: 'test/keys', message: 'No.' }) });
    room.player.set({ status: 'paused' }, 'tonearm');
    await room.run(0);
    expect(room.player.state).toMatchObject({ status: 'playing', track: { uri: 'sound:bell' } });
  });

  it('may wait for data, but not for long', async () => {
    const room = await Bedroom.open();
    await room.night();
    room.player.set({ status: 'stalled' }, 'tonearm');
    await room.run(9 * second);
    room.player.set({ status: 'playing' }, 'tonearm');
    await room.run(minute);
    expect(room.player.state.track?.uri).toBe('spotify:playlist:morning');
    room.player.set({ status: 'stalled' }, 'tonearm');
    await room.run(11 * second);
    expect(room.player.state.track?.uri).toBe('sound:bell');
  });

  it('begins again when it was merely over', async () => {
    const room = await Bedroom.open();
    await room.night();
    room.told();
    room.player.set({ status: 'stopped', source: null, track: null }, 'tonearm', null);
    await room.run(second);
    expect(room.told()).toEqual(['play spotify:playlist:morning shuffle true']);
    expect(room.state).toBe('ringing');
  });

  it('may be interrupted by a doorbell, and not for good', async () => {
    const room = await Bedroom.open();
    await room.night();
    room.player.set({ status: 'paused' }, 'automation:doorbell');
    await room.run(minute);
    room.player.set({ status: 'loading' }, 'automation:doorbell');
    await room.run(3 * second);
    room.player.set({ status: 'playing' }, 'automation:doorbell');
    await room.run(5 * minute);
    expect(room.player.state.track?.uri).toBe('spotify:playlist:morning');
    room.player.set({ status: 'paused' }, 'automation:doorbell');
    await room.run(71 * second);
    expect(room.player.state.track?.uri).toBe('sound:bell');
  });
});

describe('people', () => {
  it('stop it by a pause in the app', async () => {
    const room = await Bedroom.open();
    await room.night();
    room.player.set({ status: 'paused' }, 'phone');
    expect(room.state).toBe('idle');
    expect(room.outcome).toBe('done: Stopped by a person (phone).');
    await room.run(2 * hour);
    expect(room.player.state.status).toBe('paused');
  });

  it('do not stop it by playing elsewhere with the account: the bell rings', async () => {
    const room = await Bedroom.open();
    await room.night();
    room.player.set({ status: 'stopped', source: null, track: null }, 'phone', null);
    await room.run(0);
    expect(room.player.state).toMatchObject({ status: 'playing', track: { uri: 'sound:bell' } });
    expect(room.state).toBe('ringing');
    expect(room.history.list('wake', 1)[0]?.steps.map(({ outcome }) => outcome)).toContain('plays on another device of the account now');
    room.player.set({ status: 'paused' }, 'phone');
    expect(room.state).toBe('idle');
  });

  it('switch it off while it rings, or snoozes', async () => {
    for (const isSnoozed of [false, true]) {
      const room = await Bedroom.open();
      await room.night();
      if (isSnoozed) await room.alarms.snooze(null, 'mqtt');
      await room.alarms.enable('wake', false, true);
      await room.run(hour / 2);
      expect([room.state, room.player.state.status, room.outcome]).toEqual(['idle', 'paused', 'done: Stopped (switched off).']);
    }
  });

  it('stop it by name, and with nothing to stop are told so', async () => {
    const room = await Bedroom.open();
    await room.night();
    await room.alarms.stop(null, 'mqtt');
    expect(room.player.state.status).toBe('paused');
    expect(room.outcome).toBe('done: Stopped (mqtt).');
    await expect(room.alarms.stop('wake', 'mqtt')).rejects.toMatchObject({ kind: 'conflict', code: 'alarm/silent' });
    await expect(room.alarms.snooze(null, 'mqtt')).rejects.toMatchObject({ kind: 'conflict', code: 'alarm/silent' });
    await expect(room.alarms.stop('nap', 'mqtt')).rejects.toMatchObject({ kind: 'not-found', code: 'alarm/unknown' });
  });

  it('snooze, and it goes on where it was, with a shorter fade', async () => {
    const room = await Bedroom.open();
    await room.night();
    room.told();
    await room.alarms.snooze('wake', 'homekit');
    expect(room.told()).toEqual(['pause']);
    expect(room.alarms.views[0]?.alarm).toMatchObject({ state: 'snoozed', snoozedUntil: room.clock.now() + 9 * minute });
    await room.run(9 * minute);
    expect(room.told()).toEqual(['sleep', 'volume 10', 'play', 'fade 40 in 60 s']);
    expect(room.state).toBe('ringing');
  });

  it('snooze the bell, too', async () => {
    const room = await Bedroom.open();
    room.player.fates.music = 'refused';
    await room.night();
    await room.alarms.snooze(null, 'mqtt');
    expect(room.player.state.status).toBe('stopped');
    room.player.fates.music = 'plays';
    await room.run(9 * minute);
    expect(room.player.state).toMatchObject({ status: 'playing', track: { uri: 'spotify:playlist:morning' } });
  });

  it('play something else: they are up', async () => {
    const room = await Bedroom.open();
    await room.night();
    room.player.set({ status: 'playing', track: someTrack('spotify:track:mine') }, 'phone', 'phone');
    expect(room.outcome).toMatch(/^interrupted: Somebody \(phone\) plays/);
    const other = await Bedroom.open();
    await other.night();
    await other.alarms.snooze(null, 'mqtt');
    other.player.set({ status: 'playing', track: someTrack('spotify:track:mine') }, 'phone', 'phone');
    await other.run(hour);
    expect(other.player.state.track?.uri).toBe('spotify:track:mine');
  });

  it('turn it down, and are not argued with', async () => {
    const room = await Bedroom.open();
    await room.night();
    room.told();
    room.player.set({ volume: someVolume(0.02) }, 'phone');
    await room.run(10 * minute);
    expect(room.told()).toEqual([]);
    expect(room.state).toBe('ringing');
  });

  it('ring it by hand, once at a time', async () => {
    const room = await Bedroom.open({ enabled: false });
    await room.alarms.run('wake', 'http');
    await room.run(0);
    expect(room.state).toBe('ringing');
    await expect(room.alarms.run('wake', 'http')).rejects.toMatchObject({ code: 'alarm/ringing-already' });
  });
});

describe('when it rings', () => {
  const next = (room: Bedroom) => {
    const at = room.alarms.views[0]?.next ?? null;
    return at === null ? null : new Date(at).toISOString();
  };

  it.each<readonly [string, Readonly<Record<string, unknown>>, string | null]>([
    ['every day', {}, '2026-11-23T05:30:00.000Z'],
    ['on Saturdays', { days: ['sat'] }, '2026-11-28T05:30:00.000Z'],
    ['elsewhere', { timezone: 'America/New_York' }, '2026-11-23T11:30:00.000Z'],
    ['not on days to skip', { skip: ['2026-11-23..2026-11-24', '11-25'] }, '2026-11-26T05:30:00.000Z'],
    ['not on holidays', { holidays: 'skip' }, '2026-11-24T05:30:00.000Z'],
    ['on holidays only', { holidays: 'only', days: ['mon', 'fri'] }, '2026-11-23T05:30:00.000Z'],
    ['never while it is off', { enabled: false }, null],
  ])('%s', async (_, settings, wanted) => {
    expect(next(await Bedroom.open(settings, { holidays: ['2026-11-23'] }))).toBe(wanted);
  });

  it.each<readonly [string, string, number, readonly string[]]>([
    ['skipped in spring', '02:30', Date.UTC(2026, 2, 27, 12), ['2026-03-28T01:30:00.000Z', '2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z']],
    ['repeated in autumn', '02:30', Date.UTC(2026, 9, 23, 12), ['2026-10-24T00:30:00.000Z', '2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z']],
  ])('at a time that is %s: once a day', async (_, time, now, wanted) => {
    const room = await Bedroom.open({ time }, { now });
    const { firings } = await room.alarms.forecast('wake', 3);
    expect(firings.map(({ at }) => new Date(at).toISOString())).toEqual(wanted);
    const rung: string[] = [];
    room.history.events.on('ran', ({ at }) => rung.push(new Date(at).toISOString()));
    for (let days = 0; days < 3; days++) {
      await room.run(12 * hour);
      if (room.state === 'ringing') await room.alarms.stop(null, 'mqtt');
      await room.run(12 * hour);
    }
    expect(rung).toEqual(wanted);
  });

  it('changes with setTime, for good', async () => {
    const room = await Bedroom.open();
    await room.alarms.setTime('wake', '7:05');
    expect(room.alarms.views[0]?.alarm?.time).toBe('07:05');
    expect(next(room)).toBe('2026-11-23T06:05:00.000Z');
    await expect(room.alarms.setTime('wake', '25:00')).rejects.toMatchObject({ kind: 'invalid', code: 'alarm/no-time' });
    await room.stop();
    await room.start();
    expect(next(room)).toBe('2026-11-23T06:05:00.000Z');
    await room.night();
    expect(room.told()).toEqual([]);
    await room.run(35 * minute);
    expect(room.state).toBe('ringing');
  });

  it('passes over the next one, and only that', async () => {
    const room = await Bedroom.open();
    await room.alarms.skipNext('wake', true);
    expect(room.alarms.views[0]).toMatchObject({ skipsNext: true, next: Date.UTC(2026, 10, 24, 5, 30) });
    await room.alarms.setTime('wake', '06:00'); // still the next one
    await room.night();
    expect(room.told()).toEqual([]);
    expect(room.outcome).toBe('skipped: Told to pass over this one.');
    expect(room.alarms.views[0]?.skipsNext).toBe(false);
    await room.run(24 * hour);
    expect(room.state).toBe('ringing');
  });

  it('passes over one that may not be late, too', async () => {
    const room = await Bedroom.open({ late: 0 });
    await room.alarms.skipNext('wake', true);
    await room.night();
    expect(room.told()).toEqual([]);
  });

  it('does not ring at once when it is set to a time that has just been, and was planned before a restart', async () => {
    const room = await Bedroom.open();
    await room.stop();
    await room.run(minute);
    await room.start();
    await room.alarms.setTime('wake', '09:00');
    await room.run(8 * hour + 35 * minute);
    await room.alarms.setTime('wake', '06:30');
    await room.run(minute);
    expect(room.state).toBe('idle');
    expect(next(room)).toBe('2026-11-24T05:30:00.000Z');
  });

  it('is not silenced by a rule that switches it off: it stays silent the next time', async () => {
    const room = await Bedroom.open();
    await room.night();
    await room.alarms.enable('wake', false, false);
    expect([room.state, room.alarms.views[0]?.enabled]).toEqual(['ringing', false]);
  });

  it('that rang once rings again when it is defined anew, at the time it has then', async () => {
    const room = await Bedroom.open({ oneOff: true });
    await room.alarms.setTime('wake', '06:00');
    await room.night();
    await room.alarms.stop('wake', 'phone');
    expect(next(room)).toBeNull();
    await room.alarms.forget('wake');
    expect(next(room)).toBe('2026-11-24T05:30:00.000Z');
    await room.stop();
    await room.start();
    expect(next(room)).toBe('2026-11-24T05:30:00.000Z');
    await room.run(24 * hour);
    expect(room.state).toBe('ringing');
    await room.alarms.forget('wake');
    await room.stop();
    await room.start();
    expect(room.state).toBe('ringing');
  });

  it('is silent while it, or everything, is switched off', async () => {
    const room = await Bedroom.open();
    await room.alarms.enable('wake', false, true);
    await room.night();
    expect(room.told()).toEqual([]);
    await room.alarms.enable('wake', true, true);
    room.isEnabled = false;
    await room.run(24 * hour);
    expect(room.told()).toEqual([]);
    expect(room.outcome).toBe('skipped: All automations are switched off.');
  });

  it('rings once when it is a one-off', async () => {
    const room = await Bedroom.open({ oneOff: true });
    await room.night();
    expect(room.state).toBe('ringing');
    await room.alarms.stop(null, 'mqtt');
    await room.run(48 * hour);
    expect(room.alarms.views[0]).toMatchObject({ enabled: false, next: null });
    expect(room.history.list('wake', 10)).toHaveLength(1);
  });

  it('once only, though it was missed', async () => {
    const room = await Bedroom.open({ oneOff: true });
    await room.run(8 * hour);
    room.clock.jump(2 * hour);
    await room.run(minute);
    expect(room.outcome).toMatch(/^missed/);
    expect(room.alarms.views[0]).toMatchObject({ enabled: false, next: null });
  });

  it('is not missed when it was told to be silent, or is switched off with everything', async () => {
    const room = await Bedroom.open();
    await room.alarms.skipNext('wake', true);
    await room.run(8 * hour);
    room.clock.jump(2 * hour);
    await room.run(minute);
    expect(room.outcome).toBe('skipped: Told to pass over this one.');
    expect(room.alarms.views[0]?.skipsNext).toBe(false);
    room.isEnabled = false;
    await room.run(20 * hour);
    room.clock.jump(4 * hour);
    await room.run(minute);
    expect(room.outcome).toBe('skipped: All automations are switched off.');
  });

  it.each<readonly [number, boolean]>([
    [14, true],
    [16, false],
  ])('missed by %i min because the machine slept: rings %s', async (late, rings) => {
    const room = await Bedroom.open();
    await room.run(8 * hour);
    room.clock.jump(30 * minute + late * minute);
    await room.run(minute);
    expect(room.state).toBe(rings ? 'ringing' : 'idle');
    if (!rings) expect(room.outcome).toMatch(/^missed: .* too late/);
  });

  it('missed because the daemon was off: the same', async () => {
    for (const [late, wanted] of [[14, 'ringing'], [17, 'idle']] as const) {
      const room = await Bedroom.open();
      await room.run(8 * hour);
      await room.stop();
      await room.run(30 * minute + late * minute);
      await room.start();
      await room.run(minute / 2);
      expect(room.state).toBe(wanted);
    }
  });
});

describe('a restart', () => {
  it('in the middle of ringing: it rings on, and gives up when it would have', async () => {
    const room = await Bedroom.open();
    await room.night();
    await room.run(20 * minute);
    await room.stop();
    room.told();
    await room.run(minute);
    await room.start();
    expect(room.told()).toEqual(['sleep', 'volume 10', 'play spotify:playlist:morning shuffle true', 'fade 40 in 60 s']);
    expect(room.state).toBe('ringing');
    await room.run(39 * minute);
    expect(room.state).toBe('idle');
  });

  it('in a snooze: it rings when the snooze is over', async () => {
    const room = await Bedroom.open();
    await room.night();
    await room.alarms.snooze(null, 'mqtt');
    await room.stop();
    await room.run(3 * minute);
    await room.start();
    expect(room.state).toBe('snoozed');
    await room.run(6 * minute);
    expect(room.state).toBe('ringing');
  });

  it('long after: silence, and the history knows', async () => {
    const room = await Bedroom.open();
    await room.night();
    await room.stop();
    await room.run(5 * hour);
    room.told();
    await room.start();
    await room.run(minute);
    expect(room.told()).toEqual([]);
    expect(room.state).toBe('idle');
  });
});

it('needs a zone that exists', async () => {
  await expect(Bedroom.open({ zone: 'attic' })).rejects.toMatchObject({ kind: 'invalid', code: 'alarm/no-zone' });
});

it('leaves no timers behind, ringing or not', async () => {
  const room = await Bedroom.open();
  await room.night();
  await room.stop();
  expect(room.clock.pending).toBe(0);
});
