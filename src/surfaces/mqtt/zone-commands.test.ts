import { beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '#core';
import { FakeClock, TonearmError } from '#foundation';
import { type FakePlayer, fakeZone } from '../../../test/contract/surface-fake-player.ts';
import type { Action } from './wire/index.ts';
import { ZoneCommands } from './zone-commands.ts';

const volume = (percent: number): Action => ({ kind: 'command', command: { kind: 'volume', level: percent / 100 } });
const play: Action = { kind: 'command', command: { kind: 'play', uri: 'spotify:track:1' } };

let clock: FakeClock;
let player: FakePlayer;
let commands: ZoneCommands;
let abort: AbortController;

beforeEach(() => {
  clock = new FakeClock();
  abort = new AbortController();
  const zone = fakeZone(clock);
  player = zone.player;
  commands = new ZoneCommands(zone, { clock, signal: abort.signal });
});

const asked = () => player.dispatched.map(({ commands: list }) => list);
const volumes = () => asked().flat().flatMap((command: Command) => (command.kind === 'volume' ? [Math.round(command.level * 100)] : []));

describe('a dragged slider', () => {
  it('is felt at once, then the last value of each 100 ms counts', async () => {
    for (let percent = 1; percent <= 40; percent++) {
      void commands.slide(volume(percent));
      await clock.advance(10);
    }
    await clock.advance(1000);
    expect(volumes()).toEqual([1, 10, 20, 30, 40]);
    expect(player.state.volume.level).toBe(0.4);
  });

  it('never overtakes or is overtaken by what comes after it', async () => {
    void commands.slide(volume(10));
    void commands.slide(volume(20));
    await commands.apply([play]);
    expect(asked().map((list) => list.map(({ kind }) => kind))).toEqual([['volume'], ['volume'], ['play']]);
    await clock.advance(1000);
    expect(volumes()).toEqual([10, 20]);
  });

  it('adds up steps, also while they are under way', async () => {
    let open: () => void = () => undefined;
    player.gate = new Promise((resolve) => (open = resolve));
    const steps = [1, 2, 3, 4].map(() => commands.slide({ kind: 'volume-by', by: 5 }));
    await clock.advance(150);
    open();
    await Promise.all(steps);
    expect(player.state.volume.level).toBe(0.7);
  });

  it('stops with the surface', async () => {
    void commands.slide(volume(10));
    const pending = commands.slide(volume(20));
    commands[Symbol.dispose]();
    await pending;
    await clock.advance(1000);
    expect(volumes()).toEqual([10]);
    expect(clock.pending).toBe(0);
  });
});

describe('commands', () => {
  it('are one step, by mqtt', async () => {
    await commands.apply([volume(8), play]);
    expect(player.dispatched).toEqual([{ commands: [{ kind: 'volume', level: 0.08 }, { kind: 'play', uri: 'spotify:track:1' }], by: 'mqtt' }]);
  });

  it('that ask for what is already so go no further', async () => {
    await commands.apply([volume(50), { kind: 'command', command: { kind: 'mute', muted: false } }]);
    expect(player.dispatched).toEqual([]);
  });

  it('go on to the zone while another is under way, because its state is about to change', async () => {
    let open: () => void = () => undefined;
    player.gate = new Promise((resolve) => (open = resolve));
    const first = commands.apply([volume(70)]);
    const second = commands.apply([volume(50)]);
    open();
    await Promise.all([first, second]);
    expect(volumes()).toEqual([70, 50]);
    expect(player.state.volume.level).toBe(0.5);
  });

  it('do not wait for each other', async () => {
    player.gate = new Promise(() => undefined);
    void commands.apply([play]).catch(() => undefined);
    void commands.apply([{ kind: 'command', command: { kind: 'stop' } }]).catch(() => undefined);
    await clock.advance(0);
    // The zone is stopped still, but something is under way: only the zone can tell whether there is something to stop.
    expect(asked().flat().map(({ kind }) => kind)).toEqual(['play', 'stop']);
    abort.abort();
  });

  it('say why not', async () => {
    player.refusal = new TonearmError({ kind: 'conflict', code: 'zone/busy', message: 'Busy.' });
    await expect(commands.apply([play])).rejects.toMatchObject({ code: 'zone/busy' });
  });

  it('do not wait forever', async () => {
    player.gate = new Promise(() => undefined);
    const result = expect(commands.apply([play])).rejects.toMatchObject({ kind: 'timeout', code: 'mqtt/command-timeout' });
    await clock.advance(30_000);
    await result;
    expect(clock.pending).toBe(0);
  });

  it('are bounded in number', async () => {
    player.gate = new Promise(() => undefined);
    const waiting = Array.from({ length: 64 }, () => commands.apply([play]).catch(() => undefined));
    await expect(commands.apply([play])).rejects.toMatchObject({ code: 'mqtt/too-many-commands' });
    abort.abort();
    await Promise.all(waiting);
    expect(clock.pending).toBe(0);
  });
});
