import { describe, expect, test } from 'vitest';
import { clock, drawScreen, type ScreenView } from './screen.ts';

const view: ScreenView = {
  speaker: 'Demo kitchen', output: 'aplay', title: 'Window Light', artist: 'The Idle Pickups', album: 'Four Small Rooms', status: 'playing',
  position: 61_000, duration: 122_000, volume: 0.5, shuffle: false, repeat: 'off', next: 'Rain on the Sill', mqtt: 'mqtt://127.0.0.1:1883', note: '',
};

describe('the screen', () => {
  test.each([20, 40, 80, 200])('keeps to %i columns, with the same number of lines whatever is shown', (width) => {
    const usual = drawScreen(view, width);
    for (const patch of [{}, { note: `one\ntwo \x1b[31mthree ${'long '.repeat(50)}` }, { title: 'x'.repeat(300) }, { title: null, status: 'nothing' as const }, { next: null }]) {
      const lines = drawScreen({ ...view, ...patch }, width);
      expect(lines).toHaveLength(usual.length);
      for (const line of lines) {
        expect(Array.from(line).length).toBeLessThanOrEqual(Math.max(width, 24));
         
        expect(line).not.toMatch(/[\x00-\x1f]/);
      }
    }
  });

  test('shows where the music is, how loud, and where it goes', () => {
    const text = drawScreen(view, 80).join('\n');
    expect(text).toContain('▶ Window Light');
    expect(text).toContain('1:01 / 2:02');
    expect(text).toContain('50 %');
    expect(text).toContain('plays to aplay');
    const bar = drawScreen(view, 80).find((line) => line.includes('1:01'));
    expect(bar?.split('━').length).toBe(bar?.split('─').length);
  });

  test('says so when there is no sound device', () => {
    expect(drawScreen({ ...view, output: 'null' }, 100).join('\n')).toContain('plays in silence');
  });

  test.each([
    [0, '0:00'],
    [59_999, '0:59'],
    [-5, '0:00'],
    [3_661_000, '61:01'],
  ])('%i ms is %s', (time, text) => {
    expect(clock(time)).toBe(text);
  });
});
