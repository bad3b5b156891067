import { expect, test } from 'vitest';
import { Hand, parseKeys, repeatOf } from './keys.ts';
import type { DemoStage } from './stage.ts';

test.each([
  [' ', ['space']],
  ['++-', ['louder', 'louder', 'softer']],
  ['=_', ['louder', 'softer']],
  ['\x1b[C\x1b[Dn', ['forward', 'back', 'next']],
  ['\x1bOC', ['forward']],
  ['NQ', ['next', 'quit']],
  ['\x03', ['quit']],
  ['x\x1b[Ay\x1b', []],
  ['', []],
])('%j is %j', (text, keys) => {
  expect(parseKeys(text)).toEqual(keys);
});

test('repeat goes round', () => {
  expect(repeatOf(null)).toBe('off');
  expect(repeatOf({ repeatingContext: true, repeatingTrack: false })).toBe('context');
  expect(repeatOf({ repeatingContext: true, repeatingTrack: true })).toBe('track');
});

test('keys pressed faster than the cloud answers add up, and a declined one stops nothing', async () => {
  let volume = 65_535;
  const set: number[] = [];
  const phone = {
    cluster: { playerState: null },
    get active() {
      return { volume };
    },
    next: () => Promise.reject(new Error('There is nothing to skip.')),
    setVolume: async (level: number) => {
      set.push(level);
      // The picture follows the answer.
      setTimeout(() => (volume = level), 5);
    },
    until: async (accepts: () => boolean) => {
      while (!accepts()) await new Promise((resolve) => setTimeout(resolve, 1));
    },
  };
  const hand = new Hand({ phone } as unknown as DemoStage);
  const pressed = parseKeys('--n-+').map((key) => hand.press(key));
  await Promise.all(pressed);
  expect(set).toEqual([62_258, 58_981, 55_704, 58_981]);
});
