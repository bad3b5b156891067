import { describe, expect, it } from 'vitest';
import { emptyStage, stepStage } from './stage-machine.ts';

describe('stage', () => {
  it('gives the empty stage to the first claim and takes it from nobody', () => {
    const step = stepStage(emptyStage, { type: 'claim', source: 'connect' });
    expect(step).toEqual({ state: { holder: { source: 'connect', ticket: 1 }, nextTicket: 2 }, granted: 1, lost: null });
  });

  it('lets the newest claim win, also of the same source', () => {
    const first = stepStage(emptyStage, { type: 'claim', source: 'connect' }).state;
    const second = stepStage(first, { type: 'claim', source: 'connect' });
    expect(second.lost).toBe(1);
    expect(second.granted).toBe(2);
  });

  it('ignores a release that comes after the stage was lost', () => {
    const first = stepStage(emptyStage, { type: 'claim', source: 'connect' }).state;
    const second = stepStage(first, { type: 'claim', source: 'queue' }).state;
    expect(stepStage(second, { type: 'release', ticket: 1 }).state).toBe(second);
    expect(stepStage(second, { type: 'release', ticket: 2 }).state.holder).toBeNull();
  });
});
