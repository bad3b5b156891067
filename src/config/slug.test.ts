import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idPattern, slugOf } from './slug.ts';

describe('the id made from a name', () => {
  it.each([
    ['Kitchen', 'kitchen'],
    ['Küche', 'kueche'],
    ['Ku\u0308che', 'kueche'],
    ['Salle à manger', 'salle-a-manger'],
    ["Anna's  room!", 'annas-room'],
    ['Straße 1.5', 'strasse-1-5'],
    ['Łazienka', 'lazienka'],
    ['Кухня', 'kukhnya'],
    ['Σαλόνι', 'saloni'],
    ['TV/Hi-Fi', 'tv-hi-fi'],
    ['Bridge', 'bridge-zone'],
    ['group', 'group-zone'],
    ['x'.repeat(60), 'x'.repeat(40)],
  ])('%s → %s', (name, id) => {
    expect(slugOf(name)).toBe(id);
  });

  it('gives names it cannot spell a stable id of their own', () => {
    expect(slugOf('台所')).toMatch(/^zone-[0-9a-f]{8}$/);
    expect(slugOf('台所')).toBe(slugOf('台所'));
    expect(slugOf('台所')).not.toBe(slugOf('寝室'));
  });

  it('always is a valid id', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (name) => idPattern.test(slugOf(name))));
  });
});
