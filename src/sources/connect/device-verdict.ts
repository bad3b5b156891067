import { TonearmError } from '#foundation';
import { isLoadable } from './context/row.ts';
import { currentRow } from './context/track-list.ts';
import { settle } from './device-autoplay.ts';
import { dropNext, isPaused, loadCurrent, stopPaused } from './device-loading.ts';
import { isEpisode } from './device-places.ts';
import { skipUnplayable } from './device-skipping.ts';
import type { DeviceInput, Doubt, Turn } from './device-state.ts';
import { advancePlayable, noteUnavailable } from './device-unavailable.ts';

/** Refusals of different tracks in a row after which it is the account (connect-session.md §6.3). */
const mostRefused = 3;
const mostPassed = 5;
const pause = 250;

/**
 * The key of the current row was refused. Some tracks have none for us; some accounts get none at all. To tell, the keys of the
 * next rows are tried while this row stays in its place: so an account without keys costs three questions, and no row of the queue.
 */
export function doubtKey(turn: Turn, error: TonearmError): void {
  const { list, keys } = turn.state;
  dropNext(turn);
  if (keys === 'refused') {
    judge(turn);
    return;
  }
  turn.set({ phase: 'loading', isPauseWanted: isPaused(turn), doubt: { error, refused: 1, passed: 0, ahead: list, base: list, probe: null } });
  turn.do({ type: 'timer', name: 'retry', delay: pause }, { type: 'report', reason: 'state' });
}

/** Tries the next row that was not tried yet. */
export function lookAhead(turn: Turn): void {
  const { doubt, resolving, list, options } = turn.state;
  if (!doubt || doubt.probe) return;
  if (resolving === 'start') {
    // What comes next is not known yet.
    turn.do({ type: 'timer', name: 'retry', delay: pause });
    return;
  }
  const from = list === doubt.base ? doubt.ahead : list;
  const result = advancePlayable(turn, from, options.repeatContext);
  const row = result.end === null ? currentRow(result.list) : null;
  const isRound = row !== null && row.uri === currentRow(list)?.uri;
  if (!row || !isLoadable(row) || isRound || doubt.passed > mostPassed) {
    decide(turn);
    return;
  }
  const id = turn.env.newId();
  turn.set({ doubt: { ...doubt, base: list, ahead: result.list, probe: { id, row } } });
  turn.do({ type: 'load', id, row, resumes: isEpisode(row) });
}

/** The key of the row ahead was given: it was the track. */
export function clearDoubt(turn: Turn, doubt: Doubt, { track, metadata, at = 0 }: Extract<DeviceInput, { type: 'loaded' }>): void {
  const { load, list, preview } = turn.state;
  const { probe, base, ahead, error } = doubt;
  if (!probe) return;
  turn.set({ doubt: null, keys: 'granted' });
  if (load) noteUnavailable(turn, load.row.uri, error);
  if (list !== base) {
    // The order was changed meanwhile: then as after any other row that cannot be played.
    turn.do({ type: 'forget', id: probe.id });
    skipUnplayable(turn, error);
    return;
  }
  turn.do({ type: 'trouble', error });
  if (preview) turn.do({ type: 'trackEnded', track: preview, reason: 'failed' });
  turn.set({ next: { id: probe.id, row: probe.row, loaded: { track, metadata, at } } });
  settle(turn, ahead);
  loadCurrent(turn, 0, turn.state.isPauseWanted, 'remembered');
}

/** The row ahead cannot be had either. */
export function deepenDoubt(turn: Turn, doubt: Doubt, error: TonearmError): void {
  if (doubt.probe) turn.do({ type: 'forget', id: doubt.probe.id });
  const isRefused = error.code === 'spotify/key-refused';
  const refused = doubt.refused + (isRefused ? 1 : 0);
  turn.set({ doubt: { ...doubt, refused, passed: doubt.passed + (isRefused ? 0 : 1), probe: null } });
  if (refused >= mostRefused) judge(turn);
  else turn.do({ type: 'timer', name: 'retry', delay: pause * refused });
}

/** Nothing more to try: an account that was given keys before is not to blame. */
function decide(turn: Turn): void {
  const { keys, doubt } = turn.state;
  if (keys !== 'granted' || !doubt) {
    judge(turn);
    return;
  }
  const { error } = doubt;
  turn.set({ doubt: null });
  skipUnplayable(turn, error);
}

/** Stays on the row, queue and all, until somebody presses play; then one question shows whether the rule still holds. */
function judge(turn: Turn): void {
  turn.set({ keys: 'refused', doubt: null, unavailable: [] });
  stopPaused(turn, turn.state.anchor.position, accountRefused());
}

function accountRefused(): TonearmError {
  return new TonearmError({
    kind: 'forbidden',
    code: 'connect/account-refused',
    message:
      'Spotify refuses audio keys for this account, so Tonearm cannot play its music. Nothing is wrong with your network or settings: ' +
      'Spotify applies this rule to newer accounts. Your queue is kept; Spotify’s own headless player, Soloist, works with such accounts.',
  });
}
