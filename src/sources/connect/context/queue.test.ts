import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forced, id, listOf, numbers, row, uris } from './list.fixture.ts';
import { inject, jumpTo, moveTo, takeQueued } from './places.ts';
import { applyEdit, enqueue, type EditedRow } from './queue.ts';
import { advance, currentRow, upcoming } from './track-list.ts';

const edited = (n: number, more: Partial<EditedRow> = {}): EditedRow => ({ uri: id(n), uid: `u${n}`, provider: 'context', metadata: {}, ...more });
const queued = (n: number, uid: string) => edited(n, { uid, provider: 'queue', metadata: { is_queued: 'true' } });

describe('queue', () => {
  it('goes before the context, first in first out, and the context goes on where it was', () => {
    let list = enqueue(enqueue(listOf(3), { uri: id(7) }), { uri: id(8) });
    expect(numbers(upcoming(list, 10, false))).toEqual([7, 8, 1, 2]);
    const played: (string | undefined)[] = [];
    for (let turn = 0; turn < 4; turn++) {
      list = forced(advance(list, false));
      played.push(currentRow(list)?.uri);
    }
    expect(played).toEqual([id(7), id(8), id(1), id(2)]);
  });

  it('is first in first out however enqueueing and skipping alternate', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (steps) => {
        let list = listOf(3);
        let added = 100;
        const waiting: number[] = [];
        for (const isAdding of steps) {
          if (isAdding) {
            waiting.push(added);
            list = enqueue(list, { uri: id(added++) });
          } else {
            list = forced(advance(list, true));
            const due = waiting.shift();
            if (due !== undefined) expect(currentRow(list)?.uri).toBe(id(due));
          }
          expect(new Set([...list.queue, ...(list.aside ? [list.aside.row] : [])].map(({ uid }) => uid)).size).toBe(list.queue.length + (list.aside ? 1 : 0));
        }
      }),
    );
  });

  it('gives every row a uid of its own and goes on above those that came with a transfer', () => {
    let list = enqueue(listOf(1), { uri: id(5), uid: 'q4' });
    list = enqueue(enqueue(list, { uri: id(6) }), { uri: id(7), uid: 'q4' });
    expect(list.queue.map((each) => each.uid)).toEqual(['q4', 'q5', 'q6']);
    const playing = forced(advance(list, false));
    expect(enqueue(playing, { uri: id(8), uid: 'q4' }).queue.at(-1)?.uid).toBe('q7');
  });
});

describe('an edited order', () => {
  it('is published as it was sent and played, then the context goes on after its last row', () => {
    let list = applyEdit(listOf(5), [queued(9, 'q0'), edited(3), edited(1)], false);
    expect(numbers(upcoming(list, 9, false))).toEqual([9, 3, 1, 2, 3, 4]);
    const played: (string | undefined)[] = [];
    for (let turn = 0; turn < 4; turn++) {
      list = forced(advance(list, false));
      played.push(currentRow(list)?.uri);
    }
    expect(played).toEqual([id(9), id(3), id(1), id(2)]);
  });

  const delimiter: EditedRow = { uri: 'spotify:delimiter', uid: 'delimiter0', provider: 'context', metadata: { hidden: 'true' } };
  it.each<[string, readonly EditedRow[], readonly (number | string)[], readonly number[]]>([
    ['as it was', [edited(1), edited(2)], [1, 2, 3, 4], [1, 2, 3, 4]],
    ['with a row taken out', [edited(1), edited(3), edited(4)], [1, 3, 4], [1, 3, 4]],
    ['a delimiter at its end', [edited(3), edited(2), delimiter], [3, 2, '|', 3, 4], [3, 2, 3, 4]],
    ['nothing but a delimiter', [delimiter], ['|', 1, 2, 3, 4], [1, 2, 3, 4]],
    ['a row from elsewhere at its end', [edited(2), edited(77, { uid: 'x' })], [2, 77, 3, 4], [2, 77, 3, 4]],
    ['the playing row dragged behind the next', [edited(1), edited(0, { uri: '', uid: '' }), edited(2)], [1, 0, 2, 3, 4], [1, 0, 2, 3, 4]],
    ['the playing row dragged into the queue', [queued(0, ''), edited(1)].map((each, at) => (at === 0 ? { ...each, uri: '' } : each)), [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]],
    ['queue rows behind context rows are no queue', [edited(1), queued(9, 'q9'), edited(2)], [1, 9, 2, 3, 4], [1, 9, 2, 3, 4]],
    ['nothing at all', [], [1, 2, 3, 4], [1, 2, 3, 4]],
  ])('%s', (_, rows, published, played) => {
    let list = applyEdit(listOf(5), rows, false);
    expect(numbers(upcoming(list, 20, false))).toEqual(published);
    for (const expected of played) {
      list = forced(advance(list, false));
      expect(currentRow(list)?.uri).toBe(id(expected));
    }
    expect(advance(list, false).end).toBe('context');
  });

  it('takes the mark of the queue off rows that were dragged out of it', () => {
    const list = applyEdit(listOf(3), [edited(1), queued(9, 'q3')], false);
    expect(upcoming(list, 2, false)[1]).toMatchObject({ uid: 'q3', provider: 'context', metadata: {} });
  });

  it('keeps queue uids of the right form that are free, and makes others', () => {
    const list = applyEdit(listOf(3), [queued(7, 'q5'), queued(8, 'q5'), queued(9, 'mine'), queued(6, '')], false);
    expect(list.queue.map(({ uid }) => uid)).toEqual(['q5', 'q6', 'q7', 'q8']);
  });
});

describe('somebody names a row', () => {
  it.each([
    ['by uid', { uid: 'u3', uri: id(1) }, 3],
    ['by URI when the uid is unknown', { uid: 'unknown', uri: id(1) }, 1],
    ['by index', { index: 2 }, 2],
    ['by index when the uid is unknown', { uid: 'unknown', index: 2 }, 2],
    ['by page and index', { page: 0, index: 1 }, 1],
    ['on a page that is not there', { page: 4, index: 1 }, null],
    ['by a URI that is not there: an index beside it would be another song', { uri: id(77), index: 2 }, null],
  ])('%s', (_, name, expected) => {
    expect(moveTo(listOf(4), name)?.cursor ?? null).toBe(expected);
  });

  it('of the queue: what stands before it is dropped', () => {
    const list = enqueue(enqueue(enqueue(listOf(2), { uri: id(5) }), { uri: id(6) }), { uri: id(7) });
    const taken = takeQueued(list, { uid: 'q1' });
    expect(taken && currentRow(taken)?.uri).toBe(id(6));
    expect(uris(taken?.queue ?? [])).toEqual([id(7)]);
    expect(takeQueued(list, { uid: 'other', uri: id(6) })).toBeNull();
  });

  it('in an edited order: what stands behind it stays as it was edited', () => {
    const list = applyEdit(listOf(6), [edited(4), edited(77, { uid: 'x' }), edited(2), edited(5)], false);
    const jump = (name: { uid?: string; uri?: string }) => {
      const to = jumpTo(list, name);
      return to && [numbers([currentRow(to) ?? row(0)])[0], ...numbers(upcoming(to, 9, false))];
    };
    expect(jump({ uid: 'u2' })).toEqual([2, 5]);
    expect(jump({ uid: 'x' })).toEqual([77, 2, 5]);
    expect(jump({ uri: id(77) })).toEqual([77, 2, 5]);
    expect(jump({ uid: 'u1' })).toEqual([1, 2, 3, 4, 5]);
    expect(jump({ uid: 'no', uri: id(99) })).toBeNull();
  });

  it('that is nowhere: it plays in front of what comes next', () => {
    const list = inject(listOf(3), row(99));
    expect(currentRow(list)?.uri).toBe(id(99));
    expect(numbers(upcoming(list, 9, false))).toEqual([1, 2]);
  });
});
