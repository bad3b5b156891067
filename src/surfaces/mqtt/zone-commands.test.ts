import { beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '#core';
import { FakeClock, TonearmError } from '#foundation';
import { type FakePlayer, fakeZone, someVolume } from '../../../test/contract/surface-fake-player.ts';
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

  it('that fade in to where the volume is begin in silence all the same', async () => {
    const level = player.state.volume.level;
    await commands.apply([{ kind: 'fade-in', to: level, over: 3000, curve: 'perceptual' }, play]);
    expect(asked().flat()).toMatchObject([{ kind: 'volume', level: 0 }, { kind: 'fade', to: level }, { kind: 'play' }]);
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
    const next: Action = { kind: 'command', command: { kind: 'next' } };
    player.gate = new Promise(() => undefined);
    const waiting = Array.from({ length: 64 }, () => commands.apply([next]).catch(() => undefined));
    await expect(commands.apply([next])).rejects.toMatchObject({ code: 'mqtt/too-many-commands' });
    expect(player.dispatched).toHaveLength(16);
    abort.abort();
    await Promise.all(waiting);
    expect(clock.pending).toBe(0);
  });

  it('that wait give way to newer ones about the same thing, and to nothing else', async () => {
    let open: () => void = () => undefined;
    player.gate = new Promise((resolve) => (open = resolve));
    const list = (...kinds: Command[]): Action[] => kinds.map((command) => ({ kind: 'command', command }));
    const asked = Array.from({ length: 16 }, () => commands.apply(list({ kind: 'next' })));
    asked.push(commands.apply(list({ kind: 'repeat', mode: 'queue' })));
    asked.push(commands.apply(list({ kind: 'shuffle', on: true })));
    for (let at = 0; at < 1000; at++) asked.push(commands.apply(list({ kind: 'limit', level: at / 2000 }, { kind: 'seek', to: at })));
    asked.push(commands.apply(list({ kind: 'next' })));
    asked.push(commands.apply(list({ kind: 'limit', level: 1 }, { kind: 'seek', to: 5000 })));
    open();
    await Promise.all(asked);
    expect(player.dispatched.slice(16).map(({ commands: step }) => step.map(({ kind }) => kind))).toEqual([['repeat'], ['shuffle'], ['limit', 'seek'], ['next'], ['limit', 'seek']]);
    expect(player.dispatched[18]?.commands).toEqual([{ kind: 'limit', level: 0.4995 }, { kind: 'seek', to: 999 }]);
  });
});

describe('what is asked for again and again', () => {
  const mode = (repeat: 'off' | 'queue'): Action => ({ kind: 'command', command: { kind: 'repeat', mode: repeat } });

  it('is held back and only the last of it done, while anything else is done at once', async () => {
    for (let at = 0; at < 14; at++) void commands.apply([mode(at % 2 === 0 ? 'queue' : 'off')]);
    await clock.advance(0);
    const before = asked().length;
    expect(before).toBeLessThan(14);
    void commands.apply([{ kind: 'command', command: { kind: 'mute', muted: true } }]);
    void commands.apply([mode('queue')]);
    await clock.advance(0);
    expect(asked().slice(before)).toEqual([[{ kind: 'mute', muted: true }]]);
    await clock.advance(3000);
    expect(asked().slice(before + 1)).toEqual([[{ kind: 'repeat', mode: 'queue' }]]);
    expect(clock.pending).toBe(0);
  });

  describe('of a volume', () => {
    /** What the mirror tells at most: one in 250 ms. */
    const mirrored = () => {
      const at = new Map<number, number>();
      const told = { lately: () => [], at: (percent: number) => at.get(percent) ?? null };
      const tell = () => at.set(Math.round(player.state.volume.level * 100), clock.monotonic());
      return { tell, commands: new ZoneCommands({ ...fakeZone(clock), player }, { clock, signal: abort.signal, told }) };
    };
    const wave = (at: number) => 30 + Math.abs((at % 20) - 10);

    it('is not held back while a slider is streamed up and down', async () => {
      const { tell, commands: slider } = mirrored();
      for (let at = 0; at < 600; at++) {
        void slider.slide(volume(wave(at)));
        if (at % 3 === 0) tell();
        await clock.advance(100);
        if (at > 5) expect(Math.round(player.state.volume.level * 100)).toBe(wave(at));
      }
    });

    it('is held back, and so ends, when each telling brings it forth again', async () => {
      const { tell, commands: echoes } = mirrored();
      player.events.on('changed', ({ state }) => {
        tell();
        const percent = Math.round(state.volume.level * 100);
        clock.timer(400, () => void echoes.slide(volume(percent)));
      });
      player.set({ volume: someVolume(0.3) });
      await clock.advance(200);
      player.set({ volume: someVolume(0.4) });
      await clock.advance(300_000);
      expect(volumes().length).toBeLessThan(60);
      expect(clock.pending).toBe(0);
    });
  });

  it('does not come back over what was asked for since', async () => {
    const loud = (percent: number): Action => ({ kind: 'command', command: { kind: 'volume', level: percent / 100 } });
    for (let at = 0; at < 14; at++) void commands.apply([loud(at % 2 === 0 ? 30 : 40)]);
    await clock.advance(0);
    expect(volumes().length).toBeLessThan(14);
    // A knob goes on from what was asked for last; a message with more than the volume is nobody's echo.
    void commands.slide({ kind: 'volume-by', by: 5 });
    void commands.apply([loud(77), { kind: 'command', command: { kind: 'next' } }]);
    await clock.advance(60_000);
    expect(Math.round(player.state.volume.level * 100)).toBe(77);
    expect(clock.pending).toBe(0);
  });

  /** Asks for one of two volumes until the other is held back. */
  const holdBack = async (): Promise<{ readonly now: number; readonly held: number }> => {
    for (let at = 0; at < 14; at++) void commands.apply([volume(at % 2 === 0 ? 30 : 40)]);
    await clock.advance(0);
    const now = Math.round(player.state.volume.level * 100);
    void commands.apply([volume(70 - now)]);
    await clock.advance(0);
    expect(Math.round(player.state.volume.level * 100)).toBe(now);
    return { now, held: 70 - now };
  };

  it('does not come back over what is so already', async () => {
    const { now } = await holdBack();
    void commands.apply([volume(now)]);
    await clock.advance(60_000);
    expect(Math.round(player.state.volume.level * 100)).toBe(now);
  });

  it('goes on in steps from what is held back', async () => {
    const { held } = await holdBack();
    void commands.slide({ kind: 'volume-by', by: 5 });
    await clock.advance(60_000);
    expect(Math.round(player.state.volume.level * 100)).toBe(held + 5);
  });

  it('is not held back when it comes in steps, as from a knob', async () => {
    for (let turn = 0; turn < 60; turn++) {
      await commands.slide({ kind: 'volume-by', by: turn % 20 < 10 ? 1 : -1 });
      await clock.advance(150);
    }
    expect(volumes()).toHaveLength(60);
    expect(clock.pending).toBe(0);
  });
});

describe('10,000 commands in a second', () => {
  it.each<[string, (at: number) => Action]>([
    ['volumes', (at) => volume(at % 101)],
    ['switches', (at) => ({ kind: 'command', command: { kind: 'shuffle', on: at % 2 === 1 } })],
    ['things to play', (at) => ({ kind: 'command', command: { kind: 'play', uri: `spotify:track:${at}` } })],
  ])('%s: the last one wins, and little is kept of the others', async (_, make) => {
    let most = 0;
    const slow = { ...fakeZone(clock), player };
    const plain = player.dispatch.bind(player);
    let under = 0;
    player.dispatch = async (list, by, signal) => {
      most = Math.max(most, ++under);
      await new Promise<void>((resolve) => void clock.timer(20, resolve));
      await plain(list, by, signal);
      under -= 1;
    };
    const many = new ZoneCommands(slow, { clock, signal: abort.signal });
    for (let at = 0; at < 10_000; at++) {
      void (make(at).kind === 'command' && at % 2 === 0 ? many.slide(make(at)) : many.apply([make(at)]));
      if (at % 100 === 99) await clock.advance(10);
    }
    // What is asked for again and again is held back for a while.
    await clock.advance(130_000);
    expect(most).toBeLessThanOrEqual(16);
    expect(player.dispatched.at(-1)?.commands).toMatchObject([(make(9999) as { command: Command }).command]);
    expect(clock.pending).toBe(0);
  });
});
