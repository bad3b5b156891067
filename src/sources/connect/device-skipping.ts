import type { TonearmError } from '#foundation';
import { isPaused, nothingPlayable, stopPaused } from './device-loading.ts';
import { noFailures, type Turn } from './device-state.ts';
import { countPlayable, noteUnavailable } from './device-unavailable.ts';

const mostInRow = 50;

/** The current row cannot be played: the next one, after a pause that grows (§6.7). */
export function skipUnplayable(turn: Turn, error: TonearmError): void {
  const { failures, track, preview, load } = turn.state;
  const inRow = failures.inRow + 1;
  turn.set({ failures: { ...noFailures, inRow } });
  if (load) noteUnavailable(turn, load.row.uri, error);
  if (inRow >= mostInRow || isWholePass(turn, inRow)) {
    stopPaused(turn, 0, nothingPlayable(error));
    return;
  }
  turn.do({ type: 'trouble', error });
  if (track) turn.do({ type: 'trackEnded', track, reason: 'failed' });
  turn.set({ phase: 'loading', isPauseWanted: isPaused(turn), load: load && { ...load, isInDeck: false }, track: null, preview: track ?? preview });
  turn.anchorAt(0, false);
  // Without a growing pause a whole context burns through in seconds.
  turn.do({ type: 'timer', name: 'retry', delay: Math.min(250 * inRow, 5000) }, { type: 'report', reason: 'state' });
}

/** Once around everything there is, and nothing in it could be played. */
function isWholePass(turn: Turn, inRow: number): boolean {
  const { list, options, resolving } = turn.state;
  const count = countPlayable(list);
  return options.repeatContext && resolving !== 'start' && count !== null && inRow >= count;
}
