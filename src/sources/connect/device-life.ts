import type { Origin } from '#core';
import { setShuffled } from './context/order.ts';
import { goIdle } from './device-loading.ts';
import { positionAt, usualOptions, type Turn } from './device-state.ts';

/** A clock may be wrong by so much; more is nonsense. */
export const mostAhead = 10 * 60_000;

/** From inactive to active, which the cloud is told at once; what was active before may show up once more in a late cluster. */
export function becomeActive(turn: Turn, by: Origin): void {
  const { state, env } = turn;
  turn.set({ by });
  turn.clearNotice();
  turn.do({ type: 'claim', by });
  if (state.isActive) return;
  // A picture of whoever commands may be on its way still, too.
  const before = by === 'phone' && state.lastCommand ? [state.activeDevice, state.lastCommand.sentBy] : [state.activeDevice];
  // Of two claims the later one counts, and the other one's clock may be ahead of the cloud's.
  const ahead = state.activeDeviceSince - env.now;
  const activeSince = ahead >= 0 && ahead < mostAhead ? state.activeDeviceSince + 1 : env.now;
  turn.set({ isActive: true, activeSince, claim: { at: env.now, before, isConfirmed: false } });
  turn.do({ type: 'report', reason: 'claim' });
}

/** §2.8: silence first, then idle values, then the cloud. The list is remembered for a local resume. */
export function loseActive(turn: Turn): void {
  const { state } = turn;
  if (state.track && state.phase !== 'idle') turn.do({ type: 'trackEnded', track: state.track, reason: 'skipped' });
  const position = positionAt(state, turn.env.now);
  goIdle(turn);
  turn.set({
    isActive: false,
    activeSince: 0,
    claim: null,
    sleepAt: null,
    sleepAtEnd: false,
    generation: state.generation + 1,
    anchor: { timestamp: turn.env.now, position, isMoving: false },
  });
  turn.do({ type: 'timer', name: 'sleep', delay: null }, { type: 'release' }, { type: 'inactive' });
}

/**
 * What was queued, edited and switched on went to whoever plays now and must not come back with the next life; the row and its
 * context stay for a local resume.
 */
export function leaveBehind(turn: Turn): void {
  const { list } = turn.state;
  turn.set({ options: usualOptions, list: { ...setShuffled(list, false, turn.env.below), queue: [], patch: null } });
}
