import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forced, id, listFrom, listOf, numbers, row, seeded, uris } from './list.fixture.ts';
import { appendRows, rebase, setShuffled } from './order.ts';
import { applyEdit, enqueue } from './queue.ts';
import { advance, currentRow, previousRows, upcoming, type TrackList } from './track-list.ts';

const anywhere = [fc.integer({ min: 1, max: 60 }), fc.nat(), fc.nat()] as const;

describe('shuffle', () => {
  it('on and off again gives the lists back', () => {
    fc.assert(
      fc.property(...anywhere, (count, at, seed) => {
        const list = listOf(count, at % count);
        const back = setShuffled(setShuffled(list, true, seeded(seed)), false, seeded(seed));
        expect(uris(upcoming(back, 100, false))).toEqual(uris(upcoming(list, 100, false)));
        expect(uris(previousRows(back, 100))).toEqual(uris(previousRows(list, 100)));
      }),
    );
  });

  it('plays every row exactly once, the current one first, also those that come with later pages', () => {
    fc.assert(
      fc.property(...anywhere, fc.nat(20), (count, at, seed, pageAfter) => {
        const list = listOf(count, at % count);
        let shuffled = setShuffled(list, true, seeded(seed));
        const played = [currentRow(shuffled)?.uri];
        expect(played[0]).toBe(id(at % count));
        for (let turn = 1; turn < count + 5; turn++) {
          if (turn === 1 + (pageAfter % count)) shuffled = appendRows(shuffled, [900, 901, 902, 903, 904].map((n) => row(n)), [], seeded(seed + 1));
          shuffled = forced(advance(shuffled, false));
          played.push(currentRow(shuffled)?.uri);
        }
        expect(advance(shuffled, false).end).toBe('context');
        expect(new Set(played).size).toBe(count + 5);
      }),
    );
  });

  it('keeps the current row by identity when a song stands in the list twice', () => {
    const list = listFrom([row(0), row(1, { uri: id(0) }), row(2)], 1);
    expect(currentRow(setShuffled(list, true, seeded(3)))?.uid).toBe('u1');
  });

  it('changes nothing when it is as wanted, and leaves the queue alone', () => {
    const list = enqueue(listOf(5), { uri: id(9) });
    expect(setShuffled(list, false, seeded(1))).toBe(list);
    const shuffled = setShuffled(list, true, seeded(1));
    expect(setShuffled(shuffled, true, seeded(2))).toBe(shuffled);
    expect(numbers(upcoming(shuffled, 1, false))).toEqual([9]);
    expect(previousRows(shuffled, 9)).toEqual([]);
  });

  it('puts what comes later at random places, not only at the end', () => {
    const places = new Set<number>();
    let most = 0;
    for (let n = 0; n < 10; n++) {
      const list = appendRows(setShuffled(listOf(10, 4), true, seeded(3)), [row(99)], [], (limit) => ((most = limit), n));
      places.add(upcoming(list, 50, false).findIndex(({ uid }) => uid === 'u99'));
    }
    expect(most).toBe(10);
    expect([...places]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('a context that changed while it plays', () => {
  const without = (list: TrackList, ...gone: number[]) => listFrom(list.rows.filter((_, at) => !gone.includes(at)));

  it('keeps the playing row by uid, by URI, or beside the list', () => {
    const list = listOf(4, 2);
    expect(currentRow(rebase(list, without(list, 0), seeded(1)))?.uid).toBe('u2');
    const renamed = rebase(list, listFrom(list.rows.map((each) => ({ ...each, uid: `new ${each.uid}` }))), seeded(1));
    expect(currentRow(renamed)?.uid).toBe('new u2');
    const gone = rebase(list, without(list, 2), seeded(1));
    expect(currentRow(gone)?.uid).toBe('u2');
    expect(numbers(upcoming(gone, 5, false))).toEqual([3]);
    expect(numbers(previousRows(gone, 5))).toEqual([0]);
  });

  it('of equal songs takes the one nearest to where it was', () => {
    const list = listFrom([7, 1, 7, 3, 7].map((n, at) => row(n, { uid: `a${at}` })), 2);
    const fresh = listFrom([7, 1, 2, 7, 3, 7].map((n, at) => row(n, { uid: `b${at}` })));
    expect(rebase(list, fresh, seeded(1)).cursor).toBe(3);
  });

  it('goes on with the row at its place when the interrupted one is gone while a queued one plays', () => {
    const list = forced(advance(enqueue(listOf(5, 2), { uri: id(9) }), false));
    const changed = rebase(list, without(list, 2), seeded(1));
    expect(currentRow(changed)?.uri).toBe(id(9));
    expect(numbers(upcoming(changed, 9, false))).toEqual([3, 4]);
  });

  it('keeps the shuffled order, the queue and an edit; new rows come at random places still to come', () => {
    const list = enqueue(setShuffled(listOf(12, 3), true, seeded(5)), { uri: id(40) });
    const played = forced(advance({ ...list, queue: [] }, false));
    const before = numbers(upcoming(played, 50, false));
    const fresh = listFrom([...list.rows.filter(({ uid }) => uid !== `u${String(before[2])}`), row(20), row(21)]);
    const changed = rebase({ ...played, queue: list.queue }, fresh, seeded(9));
    expect(changed.shuffled).toBe(true);
    expect(currentRow(changed)?.uri).toBe(currentRow(played)?.uri);
    expect(numbers(previousRows(changed, 9))).toEqual(numbers(previousRows(played, 9)));
    const after = numbers(upcoming(changed, 50, false));
    expect(after[0]).toBe(40);
    expect(after.slice(1).filter((n) => n !== 20 && n !== 21)).toEqual(before.filter((_, at) => at !== 2));
    expect(after).toHaveLength(before.length + 2);
    const edited = applyEdit(listOf(6), [4, 1, 2].map((n) => ({ uri: id(n), uid: `u${n}`, provider: '', metadata: {} })), false);
    expect(numbers(upcoming(rebase(edited, without(listOf(6), 1), seeded(1)), 9, false))).toEqual([4, 2, 3, 4, 5]);
  });

  it('never loses or doubles a row, whatever changes', () => {
    fc.assert(
      fc.property(...anywhere, fc.array(fc.nat(59), { maxLength: 20 }), fc.boolean(), (count, at, seed, gone, isShuffled) => {
        const list = setShuffled(listOf(count, at % count), isShuffled, seeded(seed));
        const fresh = listFrom([...list.rows.filter((_, index) => !gone.includes(index)), row(100), row(101)]);
        const changed = rebase(list, fresh, seeded(seed));
        expect([...changed.order].sort((a, b) => a - b)).toEqual(fresh.rows.map((_, index) => index));
        expect(currentRow(changed)?.uid).toBe(currentRow(list)?.uid);
      }),
    );
  });
});
