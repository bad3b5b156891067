import { describe, expect, it } from 'vitest';
import { booleanAt, camelCase, entriesAt, integerAt, numberAt, objectsAt, snakeCase, textAt, textsAt } from './lenient-json.ts';

describe('lenient JSON (connect-control.md §0.2)', () => {
  it.each<[unknown, number | null, number | null]>([
    [5, 5, 5],
    [-5.7, -5.7, -5],
    ['5', 5, 5],
    [' 5.9 ', 5.9, 5],
    [4294967295, 4294967295, 4294967295],
    ['', null, null],
    ['x', null, null],
    ['Infinity', null, null],
    [1e999, null, null],
    [true, null, null],
    [null, null, null],
    [[5], null, null],
    [-0.5, -0.5, 0],
  ])('number %j', (value, number, integer) => {
    expect(numberAt({ a_b: value }, 'a_b')).toBe(number);
    expect(integerAt({ aB: value }, 'a_b')).toBe(integer);
  });

  it.each<[unknown, boolean | null]>([[true, true], ['true', true], [1, true], ['1', true], [false, false], ['false', false], [0, false], ['0', false], [null, null], ['yes', null], [2, null], [{}, null]])(
    'boolean %j',
    (value, expected) => {
      expect(booleanAt({ a: value }, 'a')).toBe(expected);
    },
  );

  it.each<[unknown, string | null]>([['x', 'x'], ['', ''], [5, '5'], [true, 'true'], [null, null], [{}, null], [[], null], [undefined, null]])('text %j', (value, expected) => {
    expect(textAt({ a: value }, 'a')).toBe(expected);
  });

  it.each<[unknown, string[]]>([[['a', 1, null, {}], ['a', '1']], ['a', ['a']], [null, []], [{}, []]])('texts %j', (value, expected) => {
    expect(textsAt({ a: value }, 'a')).toEqual(expected);
  });

  it('objects', () => {
    expect(objectsAt({ a: [{ b: 1 }, null, [], 5] }, 'a')).toEqual([{ b: 1 }]);
    expect(objectsAt({ a: {} }, 'a')).toEqual([]);
  });

  it('entries', () => {
    expect(entriesAt({ a: { b: 'c', d: 5, e: null, f: {} } }, 'a')).toEqual({ b: 'c', d: '5' });
    expect(entriesAt({ a: ['b'] }, 'a')).toEqual({});
  });

  it('does not look into prototypes', () => {
    expect(textAt({}, 'constructor')).toBeNull();
    expect(entriesAt({}, '__proto__')).toEqual({});
  });

  it.each([['disallow_seeking_reasons', 'disallowSeekingReasons'], ['a', 'a'], ['_a', 'A'], ['supports_playlist_v2', 'supportsPlaylistV2']])('%s ↔ %s', (snake, camel) => {
    expect(camelCase(snake)).toBe(camel);
    if (snake !== 'supports_playlist_v2') expect(snakeCase(camel)).toBe(snake);
  });
});
