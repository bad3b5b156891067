import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forced, id, listFrom, listOf, numbers, row, seeded, uris, withStation } from './list.fixture.ts';
import { appendRows, setShuffled } from './order.ts';
import { inject } from './places.ts';
import { applyEdit, enqueue } from './queue.ts';
import { queueRevision, type Row } from './row.ts';
import { advance, currentRow, goBack, previousRows, toStart, upcoming, type TrackList } from './track-list.ts';

const banned = { metadata: { 'collection.is_banned': 'true' } };

describe('next', () => {
  it('plays the context in order, ends after the last row, wraps with repeat', () => {
    let list = listOf(3);
    list = forced(advance(list, false));
    list = forced(advance(list, false));
    expect(currentRow(list)?.uri).toBe(id(2));
    expect(advance(list, false).end).toBe('context');
    expect(currentRow(forced(advance(list, true)))?.uri).toBe(id(0));
  });

  it('asks for pages before it calls the context over', () => {
    expect(advance({ ...listOf(1), morePages: ['hm://more'] }, true).end).toBe('pages');
  });

  it.each<[string, Row, string | undefined, boolean]>([
    ['a delimiter', row(1, { uri: 'spotify:delimiter' }), undefined, true],
    ['a page marker', row(1, { uri: 'spotify:meta:page:1' }), undefined, true],
    ['a local file', row(1, { uri: 'spotify:local:a:b:c:1' }), undefined, true],
    ['an id that is none', row(1, { uri: 'spotify:track:short' }), undefined, true],
    ['a removed row', row(1, { removed: ['gone'] }), undefined, true],
    ['a banned row where those are filtered', row(1, banned), 'available==true,is_banned==false', true],
    ['a row of a banned artist where those are filtered', row(1, { metadata: { 'collection.artist.is_banned': 'true' } }), 'is_banned == false', true],
    ['a banned row where they are not filtered', row(1, banned), 'available==true', false],
    ['a banned row where nothing is said', row(1, banned), undefined, false],
    ['a hidden row that can be played', row(1, { metadata: { hidden: 'true' } }), undefined, false],
  ])('%s', (_, odd, predicate, isPassed) => {
    const plain = listFrom([row(0), odd, row(2)]);
    const list: TrackList = { ...plain, context: { ...plain.context, metadata: predicate === undefined ? {} : { 'filtering.predicate': predicate } } };
    expect(currentRow(forced(advance(list, false)))?.uri).toBe(isPassed ? id(2) : odd.uri);
    const back = goBack({ ...list, cursor: 2 }, false);
    expect(back && currentRow(back)?.uri).toBe(isPassed ? id(0) : odd.uri);
    // It stays in the published lists all the same.
    expect(uris(upcoming(list, 5, false))).toEqual([odd.uri, id(2)]);
  });

  it('starts with the first row that plays; if none would, with one that at least can be loaded', () => {
    const list = listFrom([row(0, { uri: 'spotify:meta:page:0' }), row(1, { removed: ['x'] }), row(2)]);
    expect(toStart(list)?.cursor).toBe(2);
    expect(toStart({ ...list, rows: list.rows.slice(0, 2), order: [0, 1] })?.cursor).toBe(1);
    expect(toStart(listFrom([row(0, { uri: 'spotify:delimiter' })]))).toBeNull();
  });
});

describe('previous', () => {
  it('goes back to the interrupted context row from a queued one, then to the one before', () => {
    const queued = forced(advance(enqueue(listOf(3, 1), { uri: id(9) }), false));
    expect(currentRow(queued)?.uri).toBe(id(9));
    expect(uris(previousRows(queued, 10))).toEqual([id(0), id(1)]);
    const back = goBack(queued, false);
    expect(back && currentRow(back)?.uri).toBe(id(1));
    expect(goBack(listOf(3, 0), false)).toBeNull();
    const wrapped = goBack(listOf(3, 0), true);
    expect(wrapped && currentRow(wrapped)?.uri).toBe(id(2));
  });

  it('does not wrap to a last row that is not known yet', () => {
    expect(goBack({ ...listOf(3), morePages: ['hm://more'] }, true)).toBeNull();
  });

  it('keeps an edited order: the row that is left comes again', () => {
    const edited = forced(advance(applyEdit(listOf(6, 1), [4, 2, 5].map((n) => ({ uri: id(n), uid: `u${n}`, provider: '', metadata: {} })), false), false));
    expect(numbers([...(currentRow(edited) ? [currentRow(edited) as Row] : []), ...upcoming(edited, 9, false)])).toEqual([4, 2, 5]);
    const back = goBack(edited, false);
    expect(back && numbers(upcoming(back, 9, false))).toEqual([4, 2, 5]);
  });
});

describe('passes around a repeating context', () => {
  it.each([1, 3, 60])('%i rows fill what is published, with a delimiter between the passes', (count) => {
    const next = upcoming(listOf(count), 50, true);
    expect(next).toHaveLength(50);
    const parts = next.map((each) => each.uid).join(' ').split(/ ?delimiter\d+ ?/);
    const pass = Array.from({ length: count }, (_, n) => `u${n}`).join(' ');
    expect(parts[0]).toBe(count === 60 ? Array.from({ length: 50 }, (_, n) => `u${n + 1}`).join(' ') : pass.split(' ').slice(1).join(' '));
    for (const part of parts.slice(1, -1)) expect(part).toBe(pass);
    expect(new Set(next.filter(({ uri }) => uri === 'spotify:delimiter').map(({ uid }) => uid)).size).toBe(parts.length - 1);
  });

  it('come only when everything is known, and not to an empty list', () => {
    expect(upcoming({ ...listOf(2), morePages: ['hm://more'] }, 50, true)).toHaveLength(1);
    expect(upcoming(listOf(0), 50, true)).toEqual([]);
  });
});

describe('a station behind the context', () => {
  const list = withStation(listOf(2, 1));

  it('is published behind a delimiter, unless the context repeats or is not known to its end', () => {
    expect(numbers(upcoming(withStation(listOf(2)), 9, false))).toEqual([1, '|', 50, 51, 52]);
    expect(numbers(upcoming(list, 4, true))).toEqual(['|', 0, 1, '|']);
    expect(numbers(upcoming({ ...withStation(listOf(2)), morePages: ['hm://more'] }, 9, false))).toEqual([1]);
  });

  it('is entered at the end, the queue first, and left backwards', () => {
    let at = forced(advance(enqueue(list, { uri: id(7) }), false));
    expect(currentRow(at)?.uri).toBe(id(7));
    at = forced(advance(enqueue(at, { uri: id(8) }), false));
    at = forced(advance(at, false));
    expect(at.context.uri).toBe('spotify:station:x');
    expect(currentRow(at)).toMatchObject({ uri: id(50), provider: 'autoplay' });
    expect(at.queueCounter).toBe(2);
    expect(numbers(previousRows(at, 10))).toEqual([0, 1, '|']);
    expect(previousRows(at, 10)[0]?.metadata['context_uri']).toBe('spotify:playlist:x');
    expect(numbers(previousRows(at, 2))).toEqual([1, '|']);
    const grown = appendRows(at, [row(53)], [], seeded(1));
    const back = goBack(grown, false);
    expect(back?.context.uri).toBe('spotify:playlist:x');
    expect(back && currentRow(back)?.uri).toBe(id(1));
    expect(back && numbers(upcoming(back, 9, false))).toEqual(['|', 50, 51, 52, 53]);
    const again = forced(advance(back ?? list, false));
    expect(numbers([currentRow(again) ?? row(0), ...upcoming(again, 9, false)])).toEqual([50, 51, 52, 53]);
  });

  it('asks for its first page when its answer held none', () => {
    const empty = { ...list, station: { ...listFrom([], -1, 'spotify:station:x'), morePages: ['hm://one'] } };
    expect(advance(empty, false)).toMatchObject({ end: 'pages', list: { context: { uri: 'spotify:station:x' }, morePages: ['hm://one'] } });
    expect(advance({ ...list, station: listFrom([], -1, 'spotify:station:x') }, false).end).toBe('context');
  });

  it('goes on from the row an edit named last', () => {
    const edited = applyEdit(list, [52, 50].map((n) => ({ uri: id(n), uid: `u${n}`, provider: 'autoplay', metadata: {} })), false);
    expect(numbers(upcoming(edited, 9, false))).toEqual([52, 50, 51, 52]);
    const at = forced(advance(edited, false));
    expect(at.context.uri).toBe('spotify:station:x');
    expect(numbers(upcoming(at, 9, false))).toEqual([50, 51, 52]);
  });
});

describe('properties', () => {
  const actions = ['next', 'back', 'shuffle', 'plain', 'enqueue', 'inject', 'pages', 'edit', 'drop', 'station'] as const;

  it('the first row to come that plays is what next plays, whatever was done before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(fc.constantFrom(...actions), { maxLength: 25 }), fc.nat(), fc.boolean(), (count, chosen, seed, repeat) => {
        const below = seeded(seed);
        let list = listOf(count);
        let fresh = 100;
        for (const what of chosen) {
          if (what === 'next') list = advance(list, repeat).list;
          else if (what === 'back') list = goBack(list, repeat) ?? list;
          else if (what === 'shuffle') list = setShuffled(list, true, below);
          else if (what === 'plain') list = setShuffled(list, false, below);
          else if (what === 'enqueue') list = enqueue(list, { uri: id(fresh++) });
          else if (what === 'inject') list = inject(list, { ...row(fresh), uri: id(fresh++), uid: `i${fresh}` });
          else if (what === 'pages') list = appendRows(list, [row(fresh++)], [], below);
          else if (what === 'edit') list = applyEdit(list, [...upcoming(list, 5, repeat)].reverse(), repeat);
          else if (what === 'drop') list = applyEdit(list, upcoming(list, 5, repeat).slice(2), repeat);
          else if (list.left === null) list = withStation(list);
          const promised = upcoming(list, 9, repeat).find((each) => each.uri !== 'spotify:delimiter');
          const next = advance(list, repeat);
          expect(next.end === null ? currentRow(next.list)?.uri : undefined).toBe(promised?.uri);
          expect(queueRevision(upcoming(list, 50, repeat))).toMatch(/^\d+$/);
          expect(list.order.length).toBe(new Set(list.order).size);
        }
      }),
      { numRuns: 600 },
    );
  });
});
