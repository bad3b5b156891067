import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { queueRevision, type Row } from './row.ts';
import {
  advance, appendRows, applyEdit, currentRow, emptyList, enqueue, goBack, inject, moveTo, previousRows, rebase, setShuffled, takeQueued, upcoming,
  type TrackList,
} from './track-list.ts';

const id = (n: number) => `spotify:track:${String(n).padStart(22, '0')}`;
const row = (n: number): Row => ({ uri: id(n), uid: `u${n}`, provider: 'context', metadata: {}, index: { page: 0, track: n } });
const seeded = (seed: number) => (limit: number) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed % limit;
};
function listOf(count: number, cursor = 0): TrackList {
  const rows = Array.from({ length: count }, (_, n) => row(n));
  return { ...emptyList('spotify:playlist:x'), rows, order: rows.map((_, n) => n), cursor };
}
const uris = (rows: readonly Row[]) => rows.map((r) => r.uri);
const forced = (result: ReturnType<typeof advance>) => {
  expect(result.end).toBeNull();
  return result.list;
};

describe('next and previous', () => {
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

  it('steps over rows that cannot be loaded', () => {
    const list = listOf(3);
    const rows = [row(0), { ...row(1), uri: 'spotify:delimiter' }, row(2)];
    expect(currentRow(forced(advance({ ...list, rows }, false)))?.uri).toBe(id(2));
  });

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
});

describe('queue', () => {
  it('goes before the context, first in first out, and the context goes on where it was', () => {
    let list = enqueue(enqueue(listOf(3), { uri: id(7) }), { uri: id(8) });
    expect(uris(upcoming(list, 10, false))).toEqual([id(7), id(8), id(1), id(2)]);
    const played: (string | undefined)[] = [];
    for (let turn = 0; turn < 4; turn++) {
      list = forced(advance(list, false));
      played.push(currentRow(list)?.uri);
    }
    expect(played).toEqual([id(7), id(8), id(1), id(2)]);
  });

  it('gives every row a uid of its own and goes on above those that came with a transfer', () => {
    let list = enqueue(listOf(1), { uri: id(5), uid: 'q4' });
    list = enqueue(enqueue(list, { uri: id(6) }), { uri: id(7), uid: 'q4' });
    expect(list.queue.map((r) => r.uid)).toEqual(['q4', 'q5', 'q6']);
  });

  it('plays a clicked queue row and drops those before it', () => {
    const list = enqueue(enqueue(enqueue(listOf(2), { uri: id(5) }), { uri: id(6) }), { uri: id(7) });
    const taken = takeQueued(list, { uid: 'q1' });
    expect(taken && currentRow(taken)?.uri).toBe(id(6));
    expect(taken?.queue.map((r) => r.uri)).toEqual([id(7)]);
  });

  it('publishes an edited list as it was sent and plays it, then goes on after its last row', () => {
    const list = listOf(5);
    const edit = [
      { uri: id(9), uid: 'q0', provider: 'queue', metadata: { is_queued: 'true' } },
      { uri: id(3), uid: 'u3', provider: 'context', metadata: {} },
      { uri: id(1), uid: 'u1', provider: 'context', metadata: {} },
    ];
    let edited = applyEdit(list, edit);
    expect(uris(upcoming(edited, 3, false))).toEqual([id(9), id(3), id(1)]);
    const played: (string | undefined)[] = [];
    for (let turn = 0; turn < 4; turn++) {
      edited = forced(advance(edited, false));
      played.push(currentRow(edited)?.uri);
    }
    expect(played).toEqual([id(9), id(3), id(1), id(2)]);
  });
});

describe('shuffle', () => {
  it('on and off again gives the lists back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(), fc.nat(), (count, at, seed) => {
        const list = listOf(count, at % count);
        const back = setShuffled(setShuffled(list, true, seeded(seed)), false, seeded(seed));
        expect(uris(upcoming(back, 100, false))).toEqual(uris(upcoming(list, 100, false)));
        expect(uris(previousRows(back, 100))).toEqual(uris(previousRows(list, 100)));
      }),
    );
  });

  it('plays every row exactly once, the current one first', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(), fc.nat(), (count, at, seed) => {
        const list = listOf(count, at % count);
        let shuffled = setShuffled(list, true, seeded(seed));
        const played = [currentRow(shuffled)?.uri];
        expect(played[0]).toBe(id(at % count));
        for (let turn = 1; turn < count; turn++) {
          shuffled = forced(advance(shuffled, false));
          played.push(currentRow(shuffled)?.uri);
        }
        expect(advance(shuffled, false).end).toBe('context');
        expect(new Set(played).size).toBe(count);
      }),
    );
  });

  it('keeps the current row by identity when a song stands in the list twice', () => {
    const rows = [row(0), { ...row(1), uri: id(0) }, row(2)];
    const list = { ...listOf(3, 1), rows };
    expect(currentRow(setShuffled(list, true, seeded(3)))?.uid).toBe('u1');
  });
});

describe('properties', () => {
  it('the first loadable upcoming row is what next plays, whatever was done before', () => {
    const action = fc.oneof(
      fc.constant('next' as const), fc.constant('back' as const), fc.constant('shuffle' as const), fc.constant('plain' as const),
      fc.constant('enqueue' as const), fc.constant('inject' as const), fc.constant('pages' as const), fc.constant('edit' as const),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(action, { maxLength: 25 }), fc.nat(), (count, actions, seed) => {
        const below = seeded(seed);
        let list = listOf(count);
        let fresh = 100;
        for (const what of actions) {
          if (what === 'next') list = advance(list, true).list;
          else if (what === 'back') list = goBack(list, true) ?? list;
          else if (what === 'shuffle') list = setShuffled(list, true, below);
          else if (what === 'plain') list = setShuffled(list, false, below);
          else if (what === 'enqueue') list = enqueue(list, { uri: id(fresh++) });
          else if (what === 'inject') list = inject(list, { ...row(fresh), uri: id(fresh++), uid: `i${fresh}` });
          else if (what === 'pages') list = appendRows(list, [row(fresh++)], [], below);
          else list = applyEdit(list, [...upcoming(list, 5, false)].reverse());
          const promised = upcoming(list, 5, true).find((r) => r.uri !== 'spotify:delimiter');
          const next = advance(list, true);
          if (next.end === null && promised) expect(currentRow(next.list)?.uri).toBe(promised.uri);
          expect(queueRevision(upcoming(list, 50, true))).toMatch(/^\d+$/);
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe('a context that changed while it plays', () => {
  it('keeps the playing row by uid, by URI, or beside the list', () => {
    const list = listOf(4, 2);
    const without = (n: number) => {
      const rows = list.rows.filter((_, at) => at !== n);
      return { ...emptyList('spotify:playlist:x'), rows, order: rows.map((_, at) => at) };
    };
    expect(currentRow(rebase(list, without(0), seeded(1)))?.uid).toBe('u2');
    const gone = rebase(list, without(2), seeded(1));
    expect(currentRow(gone)?.uid).toBe('u2');
    expect(uris(upcoming(gone, 5, false))).toEqual([id(3)]);
  });

  it('moves to a row by uid before URI before index', () => {
    const list = listOf(4);
    expect(moveTo(list, { uid: 'u3', uri: id(1) })?.cursor).toBe(3);
    expect(moveTo(list, { uid: 'unknown', uri: id(1) })?.cursor).toBe(1);
    expect(moveTo(list, { index: 2 })?.cursor).toBe(2);
    expect(moveTo(list, { uid: 'unknown', index: 2 })).toBeNull();
  });
});
