import type { Millis, Origin } from '#core';
import { currentRow } from './context/track-list.ts';
import { forgetAutoplay } from './device-autoplay.ts';
import { becomeActive } from './device-life.ts';
import { loadCurrent, silence } from './device-loading.ts';
import { noFailures, positionAt, type CarriedPlayback, type DeviceState, type Refusal, type Turn } from './device-state.ts';

/** What plays here, on its way to another speaker of the house: nothing of it has to be asked of the cloud again. */
export class Carried {
  readonly playback: CarriedPlayback;

  constructor(playback: CarriedPlayback) {
    this.playback = playback;
  }
}

/** Null while there is nothing, or while it is not known yet from where it plays. */
export function carry(state: DeviceState, now: Millis): Carried | null {
  const { list, options, origin, suppressions, sessionId, track, preview, phase, isPauseWanted } = state;
  if (!state.isActive || phase === 'idle' || state.resolving === 'start' || !currentRow(list)) return null;
  const isPaused = phase === 'paused' || (phase === 'loading' && isPauseWanted);
  return new Carried({ list, options, origin, suppressions, sessionId, track: track ?? preview, at: positionAt(state, now), isPaused });
}

/**
 * Goes on with what another speaker of the house played: same row, same order, same queue, same place. The cloud has a way of its own
 * for this (connect-control.md §2.1), but that needs both on one account and tells less than we know.
 */
export function adopt(turn: Turn, { list, options, origin, suppressions, sessionId, track, at, isPaused }: CarriedPlayback, by: Origin): Refusal {
  const { state } = turn;
  becomeActive(turn, by);
  if (state.track && state.phase !== 'idle') turn.do({ type: 'trackEnded', track: state.track, reason: 'skipped' });
  silence(turn);
  forgetAutoplay(turn);
  turn.set({
    list,
    options,
    origin,
    suppressions,
    sessionId,
    sleepAtEnd: false,
    failures: noFailures,
    // Answers to older questions are about another list.
    generation: turn.state.generation + 1,
    resolving: null,
    pick: null,
    emptyPages: 0,
    pageTries: 0,
  });
  loadCurrent(turn, at, isPaused);
  if (!turn.state.track && track) turn.set({ preview: track, duration: track.duration });
  return null;
}
