import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#foundation';
import { ZoneVolume } from './zone-volume.ts';

let clock: FakeClock;
let volume: ZoneVolume;
let gains: number[];
let told: string[];

beforeEach(() => {
  clock = new FakeClock();
  gains = [];
  told = [];
  volume = new ZoneVolume({ clock, curve: 'linear', setGain: (gain) => gains.push(gain), changed: (by) => told.push(by) }, { level: 0.2, muted: false, limit: 1 });
});

const percent = () => Math.round(volume.shown.level * 100);

describe('a ramp', () => {
  it('goes there in its time, shows where it goes, and takes no step that changes nothing', async () => {
    volume.fade(0.4, 20_000, 'linear', 'automation:alarm');
    expect(volume.shown).toMatchObject({ level: 0.2, fading: { to: 0.4, ends: clock.now() + 20_000 } });
    await clock.advance(10_000);
    expect(percent()).toBe(30);
    await clock.advance(10_200);
    expect(volume.shown).toMatchObject({ level: 0.4, fading: null });
    // One to say that it begins, twenty percents, one to say that it is over.
    expect(told.length).toBeLessThanOrEqual(22);
    expect(clock.pending).toBe(0);
  });

  // Who touches the volume has it: the ramp is over at once, and what they chose stays.
  it.each<[who: string, act: () => void, percent: number, muted: boolean]>([
    ['phone slider up', () => volume.heardBack(0.6, 'phone'), 60, false],
    ['phone slider down', () => volume.heardBack(0.05, 'phone'), 5, false],
    ['phone slider to nothing', () => volume.heardBack(0, 'phone'), 0, false],
    ['phone slider where it is', () => volume.heardBack(volume.shown.level, 'phone'), 30, false],
    ['MQTT volume', () => volume.set(0.5, 'mqtt'), 50, false],
    ['MQTT the same volume', () => volume.set(volume.shown.level, 'mqtt'), 30, false],
    ['HTTP volume to nothing', () => volume.set(0, 'http'), 0, false],
    ['HomeKit mute', () => volume.mute(true, 'homekit'), 30, true],
    ['HomeKit unmute', () => volume.mute(false, 'homekit'), 30, false],
    ['MPD volume', () => volume.set(0.33, 'mpd'), 33, false],
    ['another automation', () => volume.set(0.1, 'automation:door'), 10, false],
    ['the automation itself', () => volume.set(0.15, 'automation:alarm'), 15, false],
  ])('ends by %s', async (_, act, level, muted) => {
    volume.fade(0.4, 20_000, 'linear', 'automation:alarm');
    await clock.advance(10_000);
    act();
    expect(volume.shown.fading).toBeNull();
    await clock.advance(3_600_000);
    expect(percent()).toBe(level);
    expect(volume.shown.muted).toBe(muted);
    expect(gains.at(-1)).toBeCloseTo(muted ? 0 : level / 100, 10);
    expect(clock.pending).toBe(0);
  });

  it('is replaced by a newer one, which begins where the old one was', async () => {
    volume.fade(0.4, 20_000, 'linear', 'automation:alarm');
    await clock.advance(10_000);
    volume.fade(0.1, 10_000, 'linear', 'mqtt');
    await clock.advance(5000);
    expect(percent()).toBe(20);
    await clock.advance(60_000);
    expect(percent()).toBe(10);
  });

  it('out of a muted zone begins at silence', async () => {
    volume.mute(true, 'mqtt');
    volume.fade(0.2, 10_000, 'linear', 'automation:alarm');
    expect(volume.shown).toMatchObject({ level: 0, muted: false });
    await clock.advance(5000);
    expect(percent()).toBe(10);
  });

  it('is not ended by what a source shows of a muted zone', async () => {
    volume.mute(true, 'mqtt');
    volume.heardBack(0, 'phone');
    expect(volume.shown).toMatchObject({ level: 0.2, muted: true });
  });
});

describe('a limit', () => {
  it.each<[who: string, act: () => void]>([
    ['phone', () => volume.heardBack(0.9, 'phone')],
    ['MQTT', () => volume.set(0.9, 'mqtt')],
    ['an automation', () => volume.set(0.9, 'automation:alarm')],
  ])('holds for %s, who is told what is so', (who, act) => {
    volume.limit(0.3, 'mqtt');
    act();
    told = [];
    act();
    expect(volume.shown).toMatchObject({ level: 0.3, limit: 0.3 });
    // Although nothing has changed: their slider shows something else.
    expect(told).toHaveLength(1);
    expect(Math.max(...gains)).toBeLessThanOrEqual(0.3);
    expect(who).not.toBe('');
  });

  it('lowers what is louder, and puts nothing back when it goes', () => {
    volume.set(0.8, 'mqtt');
    volume.limit(0.5, 'http');
    expect(volume.shown.level).toBe(0.5);
    volume.limit(1, 'http');
    expect(volume.shown).toMatchObject({ level: 0.5, limit: 1 });
    volume.set(0.8, 'mqtt');
    expect(volume.shown.level).toBe(0.8);
  });

  it('stops a ramp below its aim, silently', async () => {
    volume.limit(0.3, 'mqtt');
    told = [];
    volume.fade(0.8, 60_000, 'linear', 'automation:alarm');
    expect(volume.shown.fading).toMatchObject({ to: 0.3 });
    await clock.advance(120_000);
    expect(volume.shown).toMatchObject({ level: 0.3, fading: null });
    expect(told.length).toBeLessThanOrEqual(13);
  });

  it('of the owner is kept, those lent by automations are not; the lowest counts', () => {
    volume.limit(0.6, 'mqtt');
    volume.limit(0.3, 'automation:quiet-hours');
    volume.limit(0.5, 'automation:baby');
    expect(volume.shown.limit).toBe(0.3);
    volume.limit(0.7, 'mqtt');
    expect(volume.shown.limit).toBe(0.3);
    volume.limit(1, 'automation:quiet-hours');
    expect(volume.shown.limit).toBe(0.5);
    expect(volume.kept.limit).toBe(0.7);
    volume.limit(1, 'automation:baby');
    expect(volume.shown.limit).toBe(0.7);
  });

  it('holds for what is announced', () => {
    volume.limit(0.3, 'mqtt');
    expect(volume.gainFor(0.9)).toBe(0.3);
    expect(volume.gainFor(undefined)).toBe(0.2);
    volume.mute(true, 'mqtt');
    expect(volume.gainFor(undefined)).toBe(0);
    expect(volume.gainFor(0.1)).toBe(0.1);
  });
});

describe('a dip', () => {
  it('keeps the level from before, also across a restart in the middle of it', async () => {
    const dip = volume.dip(10_000, 'mqtt');
    await clock.advance(20_000);
    expect(volume.shown.level).toBe(0);
    expect(volume.kept.level).toBe(0.2);
    dip.restore();
    expect(volume.shown.level).toBe(0.2);
  });

  it.each<[who: string, act: () => void, level: number]>([
    ['phone', () => volume.heardBack(0.5, 'phone'), 0.5],
    ['MQTT', () => volume.set(0.04, 'mqtt'), 0.04],
    ['a fade', () => volume.fade(0.7, 0, 'linear', 'automation:alarm'), 0.7],
  ])('is nothing to be put back once %s has touched the volume', async (_, act, level) => {
    const dip = volume.dip(10_000, 'mqtt');
    await clock.advance(5000);
    act();
    dip.restore();
    await clock.advance(10_000);
    expect(volume.shown.level).toBe(level);
    expect(volume.kept.level).toBe(level);
  });
});

it('is shown before the sound follows, and both are done when whoever asked goes on', () => {
  const happened: string[] = [];
  volume = new ZoneVolume({ clock, curve: 'linear', setGain: (gain) => happened.push(`sounds like ${gain}`), changed: () => happened.push(`shows ${volume.shown.level}`) }, { level: 0.2, muted: false, limit: 1 });
  volume.set(0.5, 'mqtt');
  expect(happened).toEqual(['sounds like 0.2', 'shows 0.5', 'sounds like 0.5']);
});
