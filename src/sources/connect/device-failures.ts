import { TonearmError } from '#foundation';
import { isLoadable } from './context/row.ts';
import { goNext, isPaused, loadCurrent, silence, waitForRows } from './device-loading.ts';
import { positionAt, type Turn } from './device-state.ts';

const retryDelays = [1000, 3000, 9000];
const throttleDelay = 30_000;
const mostInRow = 50;
const mostKeyRefusals = 3;
/** Trouble that lies in the track: the next one may be fine. */
const ofTheTrack: readonly string[] = ['forbidden', 'not-found', 'corrupt', 'invalid', 'internal'];

/** §6.7: what to do when the current row cannot be played. */
export function failCurrent(turn: Turn, error: TonearmError): void {
  const { state } = turn;
  const position = positionAt(state, turn.env.now);
  if (error.code.startsWith('output/')) {
    // The deck keeps the track and opens the output again on a resume.
    turn.set({ phase: 'paused', isPauseWanted: true, notice: { code: error.code, message: error.message } });
    turn.anchorAt(position, false);
    turn.do({ type: 'trouble', error }, { type: 'report', reason: 'state' });
    return;
  }
  const isThrottled = error.code === 'spotify/key-throttled';
  if (isThrottled || error.kind === 'unavailable' || error.kind === 'timeout') tryAgain(turn, error, position, isThrottled);
  else if (!ofTheTrack.includes(error.kind) || error.code === 'audio/thread-died') stopPaused(turn, position, error);
  else skipUnplayable(turn, error);
}

function tryAgain(turn: Turn, error: TonearmError, position: number, isThrottled: boolean): void {
  const { failures, load } = turn.state;
  const usual = retryDelays[failures.retries];
  if (usual === undefined) {
    stopPaused(turn, position, error);
    return;
  }
  turn.set({
    phase: 'loading',
    isPauseWanted: isPaused(turn),
    load: load && { ...load, isInDeck: false },
    failures: { ...failures, retries: failures.retries + 1 },
    notice: { code: error.code, message: error.message },
  });
  turn.anchorAt(position, false);
  const delay = isThrottled ? Math.max(error.retryAfter ?? 0, throttleDelay) : usual;
  turn.do({ type: 'trouble', error }, { type: 'timer', name: 'retry', delay }, { type: 'report', reason: 'state' });
}

function skipUnplayable(turn: Turn, error: TonearmError): void {
  const { failures, track, preview, load } = turn.state;
  const keys = error.code === 'spotify/key-refused' ? failures.keys + 1 : failures.keys;
  const inRow = failures.inRow + 1;
  turn.set({ failures: { inRow, retries: 0, keys } });
  if (keys >= mostKeyRefusals) {
    stopPaused(turn, 0, accountRefused());
    return;
  }
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

/** Around a repeating context once, and nothing in it could be played. */
function isWholePass(turn: Turn, inRow: number): boolean {
  const { list, options, resolving } = turn.state;
  return options.repeatContext && resolving !== 'start' && list.morePages.length === 0 && inRow >= Math.max(1, list.rows.filter(isLoadable).length + list.queue.length);
}

/** Stays on the row, silent, until somebody presses play. */
function stopPaused(turn: Turn, position: number, error: TonearmError): void {
  silence(turn);
  turn.set({ phase: 'paused', isPauseWanted: true, failures: { inRow: 0, retries: 0, keys: 0 }, notice: { code: error.code, message: error.message } });
  turn.anchorAt(position, false);
  turn.do({ type: 'trouble', error }, { type: 'report', reason: 'state' });
}

/** The retry timer is over: the same row again after a network error, the next one after an unplayable row. */
export function retry(turn: Turn): void {
  const { phase, load, failures, anchor, isPauseWanted, resolving } = turn.state;
  if (phase !== 'loading' || !load) return;
  if (failures.retries > 0) loadCurrent(turn, anchor.position, isPauseWanted);
  else if (resolving === 'start') skipBeforeContext(turn);
  else goNext(turn, 'unplayable');
}

/** What comes next is not known before the context is: the wish is kept until then. */
export function skipBeforeContext(turn: Turn): void {
  const { pick } = turn.state;
  if (!pick) return;
  waitForRows(turn, isPaused(turn));
  turn.set({ pick: { ...pick, skips: pick.skips + 1, at: 0 } });
  turn.do({ type: 'report', reason: 'state' });
}

function accountRefused(): TonearmError {
  return new TonearmError({
    kind: 'forbidden',
    code: 'connect/account-refused',
    message:
      'Spotify refuses audio keys for this account, so Tonearm cannot play its music. Nothing is wrong with your network or settings: ' +
      'Spotify applies this rule to newer accounts. Your queue is kept; Spotify’s own headless player works with such accounts.',
  });
}

function nothingPlayable(cause: TonearmError): TonearmError {
  return new TonearmError({ kind: 'unavailable', code: 'connect/nothing-playable', message: 'None of the tracks here can be played. Pick something else in the Spotify app.', cause });
}
