import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { openAutomations, type OpenAutomations } from '#automations';
import { silentLog } from '#foundation';
import type { PlayerState } from '#core';
import { checkConfig } from '../../src/config/load.ts';
import { HomeBroker } from '../kit/home-broker.ts';
import { ListeningRoom } from '../kit/listening-room.ts';
import { noPrograms } from '../kit/no-programs.ts';
import type { Speaker } from '../kit/speaker.ts';
import { VirtualClock } from '../kit/virtual-clock.ts';
import { memoryStore } from './surface-fake-player.ts';

const folder = new URL('../../docs/recipes/', import.meta.url);
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
/** Monday 23 November 2026, 19:00 in Berlin. */
const evening = Date.UTC(2026, 10, 23, 18, 0);

/** A house with a recipe of docs/recipes, word for word: speakers, a phone, the owner's broker. */
class Kitchen implements AsyncDisposable {
  readonly room: ListeningRoom;
  readonly broker = new HomeBroker();
  readonly #speakers: Readonly<Record<string, Speaker>>;
  #automations!: OpenAutomations;

  private constructor(room: ListeningRoom, speakers: Readonly<Record<string, Speaker>>) {
    this.room = room;
    this.#speakers = speakers;
  }

  /** `rooms`: zones as the recipe names them; what is played is played in the first. */
  static async open(recipe: string, rooms: readonly string[], now = evening): Promise<Kitchen> {
    const [first = 'Kitchen', ...others] = rooms;
    const room = await ListeningRoom.open({ clock: new VirtualClock(now), speaker: { name: first } });
    const speakers: Record<string, Speaker> = { [room.speaker.zone.id]: room.speaker };
    for (const [index, name] of others.entries()) {
      const speaker = await room.openSpeaker({ name, deviceId: `c${index}`.repeat(20) });
      await room.pair(room.phone, speaker);
      speakers[speaker.zone.id] = speaker;
    }
    const home = new Kitchen(room, speakers);
    try {
      await home.#start(recipe, rooms);
      return home;
    } catch (error) {
      await room[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(recipe: string, rooms: readonly string[]): Promise<void> {
    const { room, broker } = this;
    const text = readFileSync(new URL(`${recipe}.yaml`, folder), 'utf8');
    const whole = stringify({ location: { latitude: 52.5, longitude: 13.4, timezone: 'Europe/Berlin' }, zones: rooms.map((name) => ({ name })), ...(parse(text) as object) });
    const { config } = await checkConfig(whole, { path: 'recipe.yaml', environment: {}, defaultData: '/nowhere' });
    // The music of this house.
    for (const { name, volume } of config.presets) {
      for (const speaker of Object.values(this.#speakers)) await speaker.presets.add({ name, uri: room.albumOf('Song 0'), ...(volume !== undefined && { level: volume / 100 }) });
    }
    const zones = Object.values(this.#speakers).map(({ zone: { id, name, player } }) => ({ id, name, player }));
    this.#automations = await openAutomations(config.automations ?? expect.fail('no automations in it'), { zones, presets: room.speaker.presets, messages: broker.messages, host: { clock: room.clock, log: silentLog, store: memoryStore(), programs: noPrograms } });
  }

  get automations(): OpenAutomations {
    return this.#automations;
  }

  zone(id: string): PlayerState {
    const speaker = this.#speakers[id];
    if (!speaker) throw new Error(`there is no zone ${id}`);
    return speaker.state;
  }

  isHeard(id: string): boolean {
    return this.zone(id).status === 'playing' && this.#speakers[id]?.deck.isSounding === true;
  }

  /** The phone plays in the first zone. */
  async play(): Promise<void> {
    const { room } = this;
    await room.do(room.phone.play(room.albumOf('Song 0'), { on: room.speaker.id }));
    await room.plays('Song 0');
  }

  run(by: number): Promise<void> {
    return this.room.run(by);
  }

  /** What became of its last firing. */
  outcome(id: string): string {
    const [last] = this.#automations.history(id, 1);
    return last ? `${last.result}: ${last.why}` : 'never ran';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.room.do(Promise.resolve(this.#automations[Symbol.asyncDispose]()));
    await this.room[Symbol.asyncDispose]();
    expect({ ...this.room.left, listeners: this.broker.listeners }).toEqual({ timers: 0, connections: 0, listeners: 0 });
  }
}

let home: Kitchen;
const tried = new Set<string>();
async function open(recipe: string, rooms: readonly string[], now?: number): Promise<void> {
  tried.add(recipe);
  home = await Kitchen.open(recipe, rooms, now);
}
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});


describe('follow-me', () => {
  const seen = async (room: string, distance: number, seconds: number) => {
    for (let n = 0; n < seconds; n += 3) {
      home.broker.say(`espresense/devices/anna-phone/${room}`, { id: 'anna-phone', distance });
      await home.run(3 * second);
    }
  };

  it('the music goes along, at its place, and back', async () => {
    await open('follow-me', ['Kitchen', 'Living Room']);
    await seen('kitchen', 1, 3);
    await home.play();
    await seen('kitchen', 1, 30);
    await seen('living_room', 1, 45); // the other receiver has fallen silent
    await home.room.until(() => home.isHeard('living-room'));
    expect(home.zone('living-room').track?.title).toBe('Song 0');
    expect(home.zone('living-room').position.at).toBeGreaterThan(30 * second);
    expect(home.zone('kitchen').status).toBe('stopped');
    await seen('kitchen', 1, 45);
    await home.room.until(() => home.isHeard('kitchen'));
  });

  it('does not follow where it is quiet, or where somebody else listens', async () => {
    await open('follow-me', ['Kitchen', 'Living Room']);
    await seen('kitchen', 1, 3);
    await seen('living_room', 1, 45);
    expect(home.outcome('follow-to-living-room')).toMatch(/^skipped: Not so: .*kitchen/i); // nothing plays
    expect(home.zone('living-room').status).toBe('stopped');
  });
});

describe('away-pause', () => {
  const location = (tst: number, ...inregions: string[]) => home.broker.say('owntracks/anna/phone', { _type: 'location', acc: 10, tst, inregions });

  it('pauses once everybody is away and the hall is still; a guest keeps it on', async () => {
    await open('away-pause', ['Kitchen']);
    location(1, 'home');
    home.broker.say('presence/person/ben', 'home');
    home.broker.say('zigbee2mqtt/Hall motion', { occupancy: false });
    await home.play();
    location(2);
    home.broker.say('presence/person/ben', 'not_home');
    await home.run(8 * minute);
    home.broker.say('zigbee2mqtt/Hall motion', { occupancy: true });
    await home.run(minute);
    home.broker.say('zigbee2mqtt/Hall motion', { occupancy: false });
    await home.run(12 * minute);
    expect(home.isHeard('kitchen')).toBe(true);
    await home.run(3 * minute);
    expect(home.zone('kitchen')).toMatchObject({ status: 'paused', by: { changed: 'automation:away-pause' } });
  });

  it('an empty battery is not away', async () => {
    await open('away-pause', ['Kitchen']);
    location(1, 'home');
    home.broker.say('presence/person/ben', 'home');
    await home.play();
    location(2);
    home.broker.say('presence/person/ben', 'unavailable');
    await home.run(30 * minute);
    expect(home.isHeard('kitchen')).toBe(true);
  });
});

describe('arrival-resume', () => {
  const is = (tst: number, ...inregions: string[]) => home.broker.say('owntracks/anna/phone', { _type: 'location', acc: 10, tst, inregions });
  const leave = async () => {
    is(1, 'home');
    await home.play();
    is(2);
    await home.run(8 * minute);
    expect(home.zone('kitchen').status).toBe('paused');
  };

  it('goes on, softly, at the volume of before', async () => {
    await open('arrival-resume', ['Kitchen']);
    await leave();
    const { level } = home.zone('kitchen').volume;
    is(3, 'home');
    await home.run(5 * second);
    expect(home.isHeard('kitchen')).toBe(true);
    expect(home.zone('kitchen').volume.level).toBeLessThan(level);
    await home.run(20 * second);
    expect(home.zone('kitchen').volume.level).toBeCloseTo(level);
  });

  it('not after a person has touched it, not at night', async () => {
    await open('arrival-resume', ['Kitchen'], evening + 2.9 * hour);
    await leave();
    await home.run(15 * minute);
    is(3, 'home');
    await home.run(minute);
    expect(home.zone('kitchen').status).toBe('paused');
    expect(home.outcome('arrival-resume')).toMatch(/^skipped/);
  });
});

describe('quiet-hours', () => {
  it('caps every slider at night, and nothing gets louder in the morning by itself', async () => {
    await open('quiet-hours', ['Kitchen'], evening + 2.5 * hour);
    await home.play();
    expect(home.zone('kitchen').volume.level).toBe(0.4);
    await home.run(31 * minute);
    expect(home.zone('kitchen').volume).toMatchObject({ level: 0.25, limit: 0.25 });
    await home.room.do(home.room.phone.setVolume(65_535));
    await home.run(2 * second);
    expect(home.zone('kitchen').volume.level).toBe(0.25);
    await home.room.do(home.room.phone.pause());
    await home.run(9 * hour);
    expect(home.zone('kitchen').volume).toMatchObject({ level: 0.25, limit: 1 });
  });
});

describe('wake-up', () => {
  it('rings on weekdays, softly first, and the lamp comes on', async () => {
    await open('wake-up', ['Bedroom']);
    await home.room.do(home.room.phone.setVolume(65_535));
    await home.run(11.5 * hour - second);
    expect(home.zone('bedroom').status).toBe('stopped');
    await home.room.until(() => home.isHeard('bedroom'));
    expect(home.zone('bedroom').volume.level).toBeLessThan(0.08);
    expect(home.zone('bedroom').by.started).toBe('automation:weekdays');
    expect(home.broker.published).toEqual([{ topic: 'zigbee2mqtt/Bedside lamp/set', payload: '{"state":"ON","brightness":40,"transition":600}', retained: false }]);
    await home.run(16 * minute);
    expect(home.zone('bedroom').volume.level).toBeCloseTo(0.35);
    await home.room.do(home.automations.snooze(null, 'mqtt'));
    await home.run(minute);
    expect(home.zone('bedroom').status).toBe('paused');
    await home.run(8.1 * minute);
    expect(home.isHeard('bedroom')).toBe(true);
    await home.room.do(home.room.phone.pause());
    await home.run(10 * second);
    expect(home.outcome('weekdays')).toMatch(/^done: Stopped by a person/);
  });
});

describe('doorbell-pause', () => {
  const ring = () => home.broker.say('zigbee2mqtt/Doorbell', { action: 'press', battery: 90 });

  it('pauses, and goes on a minute after the last ring', async () => {
    await open('doorbell-pause', ['Kitchen']);
    await home.play();
    await home.run(10 * second);
    ring();
    await home.run(40 * second);
    expect(home.zone('kitchen').status).toBe('paused');
    ring();
    await home.run(50 * second);
    expect(home.zone('kitchen').status).toBe('paused');
    await home.run(20 * second);
    expect(home.isHeard('kitchen')).toBe(true);
    expect(home.zone('kitchen').volume.level).toBeCloseTo(0.4);
  });

  it('resumes nothing that did not play, or that a person has stopped meanwhile', async () => {
    await open('doorbell-pause', ['Kitchen']);
    await home.play();
    await home.room.do(home.room.phone.pause());
    await home.run(second);
    ring();
    await home.run(2 * minute);
    expect(home.zone('kitchen').status).toBe('paused');
    await home.room.do(home.room.phone.resume());
    await home.run(5 * second);
    ring();
    await home.run(10 * second);
    await home.room.do(home.room.phone.resume()); // back early
    await home.run(5 * second);
    await home.room.do(home.room.phone.pause());
    await home.run(2 * minute);
    expect(home.zone('kitchen').status).toBe('paused');
  });
});

describe('motion-radio', () => {
  const motion = (occupancy: boolean) => home.broker.say('zigbee2mqtt/Bathroom motion', { occupancy });

  it('plays while somebody is there, and five minutes longer', async () => {
    await open('motion-radio', ['Bathroom']);
    motion(false);
    motion(true);
    await home.room.until(() => home.isHeard('bathroom'));
    expect(home.zone('bathroom').volume.level).toBeCloseTo(0.25);
    await home.run(10 * minute);
    motion(false);
    await home.run(4 * minute);
    expect(home.isHeard('bathroom')).toBe(true);
    await home.run(1.5 * minute);
    expect(home.zone('bathroom').status).toBe('stopped');
    expect(home.zone('bathroom').volume.level).toBeCloseTo(0.25);
  });

  it('stays silent for half an hour when somebody has stopped it', async () => {
    await open('motion-radio', ['Bathroom']);
    motion(false);
    motion(true);
    await home.room.until(() => home.isHeard('bathroom'));
    await home.room.do(home.room.phone.pause());
    await home.run(second);
    motion(false);
    await home.run(6 * minute);
    motion(true);
    await home.run(minute);
    expect(home.isHeard('bathroom')).toBe(false);
    expect(home.outcome('bath-music')).toMatch(/^skipped: A person ended/);
    motion(false);
    await home.run(30 * minute);
    motion(true);
    await home.room.until(() => home.isHeard('bathroom'));
  });

  it('leaves music alone that somebody else has chosen, and the night in peace', async () => {
    await open('motion-radio', ['Bathroom'], evening + 3.1 * hour);
    motion(false);
    motion(true);
    await home.run(minute);
    expect(home.zone('bathroom').status).toBe('stopped');
    expect(home.outcome('bath-music')).toMatch(/^skipped: Not so: .*22:00/);
  });
});

describe('sleep-at-night', () => {
  it('fades out what plays at eleven, and puts the volume back', async () => {
    await open('sleep-at-night', ['Bedroom'], evening + 3.9 * hour);
    await home.play();
    await home.run(7 * minute);
    expect(home.zone('bedroom').sleep).not.toBeNull();
    await home.run(27 * minute);
    expect(home.isHeard('bedroom')).toBe(true);
    expect(home.zone('bedroom').volume.level).toBeLessThan(0.3);
    await home.run(3 * minute);
    expect(home.zone('bedroom')).toMatchObject({ status: 'paused', volume: { level: 0.4 } });
  });

  it('was the last of the recipes: each has been tried', () => {
    expect(readdirSync(folder).map((file) => file.replace('.yaml', '')).sort()).toEqual([...tried].sort());
  });
});
