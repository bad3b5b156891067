import { describe, expect, it } from 'vitest';
import type { Command, PlayerState } from '#core';
import { FakeClock } from '#foundation';
import { FakePlayer, playing, someVolume } from '../../../test/contract/surface-fake-player.ts';
import { isSettled, resolveActions } from './resolve.ts';
import type { Action } from './wire/index.ts';

const clock = new FakeClock(0);
const idle = new FakePlayer(clock).state;
const busy = new FakePlayer(clock, { ...playing(clock), position: { at: 60_000, measured: 0 } }).state;

it.each<[Action, PlayerState, Command]>([
  [{ kind: 'toggle', what: 'play' }, idle, { kind: 'play' }],
  [{ kind: 'toggle', what: 'play' }, busy, { kind: 'pause' }],
  [{ kind: 'toggle', what: 'play' }, { ...busy, status: 'stalled' }, { kind: 'pause' }],
  [{ kind: 'toggle', what: 'mute' }, idle, { kind: 'mute', muted: true }],
  [{ kind: 'toggle', what: 'shuffle' }, { ...idle, order: { shuffle: true, repeat: 'off' } }, { kind: 'shuffle', on: false }],
  [{ kind: 'volume-by', by: 5 }, idle, { kind: 'volume', level: 0.45 }],
  [{ kind: 'volume-by', by: -100 }, idle, { kind: 'volume', level: 0 }],
  [{ kind: 'volume-by', by: 100 }, idle, { kind: 'volume', level: 1 }],
  [{ kind: 'seek-by', by: 10_000 }, busy, { kind: 'seek', to: 72_000 }],
  [{ kind: 'seek-by', by: -90_000 }, busy, { kind: 'seek', to: 0 }],
  [{ kind: 'seek-by', by: 900_000 }, busy, { kind: 'seek', to: 214_000 }],
])('%j', (action, state, command) => {
  expect(resolveActions([action], state, { level: 0.4, now: 2000 })).toEqual([command]);
});

it.each<['spotify' | 'none', string | null, Command['kind'][]]>([
  ['spotify', null, ['play']],
  ['spotify', 'connect', []],
  ['spotify', 'sounds', ['stop', 'play']],
  ['none', null, []],
  ['none', 'connect', ['stop']],
])('the source %s, while it is %s: %j', (source, now, kinds) => {
  expect(resolveActions([{ kind: 'source', source }], { ...busy, source: now }, { level: 0.4, now: 2000 }).map(({ kind }) => kind)).toEqual(kinds);
});

describe('what already is', () => {
  it.each<[Command, PlayerState, boolean]>([
    [{ kind: 'play' }, busy, true],
    [{ kind: 'play' }, { ...busy, status: 'loading' }, true],
    [{ kind: 'play' }, { ...busy, status: 'paused' }, false],
    [{ kind: 'play', uri: 'spotify:track:1' }, busy, false],
    [{ kind: 'pause' }, busy, false],
    [{ kind: 'pause' }, idle, true],
    [{ kind: 'stop' }, idle, true],
    [{ kind: 'stop' }, { ...idle, source: 'connect' }, false],
    [{ kind: 'volume', level: 0.5 }, idle, true],
    [{ kind: 'volume', level: 0.34 }, { ...idle, volume: someVolume(0.344) }, true],
    [{ kind: 'volume', level: 0.35 }, { ...idle, volume: someVolume(0.344) }, false],
    [{ kind: 'mute', muted: false }, idle, true],
    [{ kind: 'mute', muted: true }, idle, false],
    [{ kind: 'shuffle', on: false }, idle, true],
    [{ kind: 'repeat', mode: 'off' }, idle, true],
    [{ kind: 'repeat', mode: 'track' }, idle, false],
    [{ kind: 'next' }, busy, false],
    [{ kind: 'stop' }, { ...idle, announcing: true }, false],
    [{ kind: 'preset', preset: 'Morning' }, busy, true],
    [{ kind: 'preset', preset: 'Evening' }, busy, false],
    [{ kind: 'preset', preset: 'Morning' }, { ...busy, status: 'paused' }, false],
    [{ kind: 'volume', level: 0.3 }, { ...idle, volume: { ...someVolume(0.32), fading: { to: 0.5, ends: 9 } } }, true],
    [{ kind: 'volume', level: 0.29 }, { ...idle, volume: { ...someVolume(0.32), fading: { to: 0.5, ends: 9 } } }, false],
    [{ kind: 'volume', level: 0.3 }, { ...idle, volume: someVolume(0.32) }, false],
    [{ kind: 'fade', to: 0.5, over: 1000, curve: 'linear' }, idle, true],
    [{ kind: 'fade', to: 0.5, over: 1000, curve: 'linear' }, { ...idle, volume: { ...someVolume(0.5), fading: { to: 0.1, ends: 9 } } }, false],
    [{ kind: 'limit', level: 1 }, idle, true],
    [{ kind: 'limit', level: 0.4 }, idle, false],
    [{ kind: 'output', output: 'speaker' }, idle, true],
    [{ kind: 'output', output: 'auto' }, idle, false],
    [{ kind: 'sleep', after: null, fade: 0 }, idle, true],
    [{ kind: 'sleep', after: 60_000, fade: 0 }, idle, false],
    [{ kind: 'sleep', after: null, fade: 0 }, { ...idle, sleep: { ends: 61_000 } }, false],
    [{ kind: 'sleep', after: 60_000, fade: 0 }, { ...idle, sleep: { ends: 60_990 } }, true],
    [{ kind: 'sleep', after: 120_000, fade: 0 }, { ...idle, sleep: { ends: 60_990 } }, true],
    [{ kind: 'sleep', after: 120_000, fade: 0 }, { ...idle, sleep: { ends: 50_000 } }, false],
    [{ kind: 'announce', uri: 'sound:chime', chime: false }, { ...idle, announcing: true }, false],
    [{ kind: 'transfer', to: 'bath' }, busy, false],
    [{ kind: 'seek', to: 60_000 }, busy, false],
  ])('%j: %#', (command, state, expected) => {
    expect(isSettled(command, state, { now: 1000, presets: ['morning', 'the-morning'], told: [30, 31] })).toBe(expected);
  });
});
