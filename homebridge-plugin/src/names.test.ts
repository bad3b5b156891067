import fc from 'fast-check';
import { expect, it } from 'vitest';
import { homeName } from './names.ts';

it.each([
  ['Kitchen', 'Kitchen'],
  ['  Küche  ', 'Küche'],
  ['🎵 Party!!! 🎉', 'Party'],
  ['Rock & Roll', 'Rock and Roll'],
  ['Mum’s “Best” Songs', "Mum's Best Songs"],
  ['2000s / Pop', '2000s - Pop'],
  ['...', 'Preset'],
  ['', 'Preset'],
  ['A', 'Preset A'],
  ['日本の音楽', '日本の音楽'],
  ['x'.repeat(100), 'x'.repeat(64)],
  ['ä'.repeat(40), 'ä'.repeat(32)],
])('%j is %j in Home', (text, name) => expect(homeName(text, 'Preset')).toBe(name));

/** What HAP-NodeJS 2 warns about, and its older brother. */
it('is always a name HomeKit accepts', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 120 }), (text) => {
      const name = homeName(text, 'Zone');
      expect(name).toMatch(/^[\p{L}\p{N}][\p{L}\p{N} ',.-]*[\p{L}\p{N}]$/u);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(64 + 'Zone '.length);
    }),
  );
});
