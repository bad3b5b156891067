import { describe, expect, it } from 'vitest';
import { buildSeekTable, SEEK_TABLE, seekByte, seekPositions } from './seek-table.ts';

describe('SEEK_TABLE (connect-session.md Annex A)', () => {
  it('has 256 rising entries with the documented sum', () => {
    expect(SEEK_TABLE).toHaveLength(256);
    expect(SEEK_TABLE.reduce((sum, value) => sum + value, 0)).toBe(184_002);
    expect([...SEEK_TABLE].sort((a, b) => a - b)).toEqual(SEEK_TABLE);
    expect([SEEK_TABLE[5], SEEK_TABLE[175], SEEK_TABLE[176], SEEK_TABLE[255]]).toEqual([394, 728, 730, 8191]);
  });
});

describe('seekByte (connect-session.md §12.10)', () => {
  const table = { offset: 5, deltas: Buffer.from([...Array<number>(50).fill(175), ...Array<number>(50).fill(176)]) };
  const whole = { samples: 9_261_000, bytes: 8_400_000 };

  it('finds the documented positions', () => {
    const positions = seekPositions(table);
    expect([positions[0], positions[49], positions[99]]).toEqual([334, 36_006, 72_506]);
  });

  it.each([
    [0, 0],
    [1000, 0],
    [60_000, 2_615_515],
    [105_000, 4_615_027],
  ])('%i ms is byte %i', (millis, byte) => {
    expect(Math.abs(seekByte(table, millis * 44.1, whole) - byte)).toBeLessThanOrEqual(1);
  });

  it('stays within the file', () => {
    expect(seekByte(table, 1e12, whole)).toBe(whole.bytes);
    expect(seekByte(table, -5, whole)).toBe(0);
    expect(seekByte(table, 5, { samples: 0, bytes: 0 })).toBe(0);
    expect(seekByte({ offset: 255, deltas: new Uint8Array(0) }, 5, whole)).toBe(0);
  });
});

describe('buildSeekTable', () => {
  it.each<[string, (percent: number) => number]>([
    ['an even file', (percent) => percent / 100],
    ['a file that begins slowly', (percent) => (percent / 100) ** 1.3],
    ['a file that ends slowly', (percent) => Math.sqrt(percent / 100)],
  ])('comes near for %s', (_, share) => {
    const wanted = Array.from({ length: 100 }, (__, index) => Math.round(share(index + 1) * 65536));
    const positions = seekPositions(buildSeekTable(wanted));
    wanted.forEach((position, index) => expect(Math.abs((positions[index] ?? 0) - position)).toBeLessThan(1500));
    expect(Math.abs((positions[99] ?? 0) - 65536)).toBeLessThan(300);
  });
});
