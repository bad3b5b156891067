import { TonearmError } from '#foundation';
import { goNext, isPaused, loadCurrent, stopPaused, waitForRows } from './device-loading.ts';
import { skipUnplayable } from './device-skipping.ts';
import { positionAt, type DeviceState, type Turn } from './device-state.ts';
import { doubtKey, lookAhead } from './device-verdict.ts';

const retryDelays = [1000, 3000, 9000];
/** Without a network somebody looks this often whether it is back. */
const awayDelay = 5000;
const throttleDelay = 30_000;
/** A stall so long is worth fresh addresses (§6.5). */
export const stallPatience = 30_000;
/** After a jump or a pause sound comes within this time, or it is a stall. */
export const soundPatience = 1000;
/** And so long it is not the network's any more. */
const longestStall = 120_000;
/** Trouble that lies in the track: the next one may be fine. */
const ofTheTrack: readonly string[] = ['forbidden', 'not-found', 'corrupt', 'invalid', 'internal'];
/** Nobody answers: perhaps it is the network, and the command channel has not noticed yet. */
const unreachable: readonly string[] = ['spotify/no-connection', 'spotify/key-unavailable', 'spotify/token-refused', 'spotify/web-page', 'audio/server-unreachable', 'audio/address-expired', 'audio/web-page', 'audio/server-busy'];

/** §6.7: what to do when the current row cannot be played. */
export function failCurrent(turn: Turn, error: TonearmError): void {
  const { state } = turn;
  const position = positionAt(state, turn.env.now);
  if (error.code.startsWith('output/')) {
    // The deck keeps the track and opens the output again: by itself for a while, and on a resume.
    turn.set({ phase: 'paused', isPauseWanted: true, notice: { code: error.code, message: error.message } });
    turn.anchorAt(position, false);
    turn.do({ type: 'trouble', error }, { type: 'report', reason: 'state' });
    return;
  }
  const isThrottled = error.code === 'spotify/key-throttled';
  if (isThrottled || error.kind === 'unavailable' || error.kind === 'timeout') tryAgain(turn, error, position, isThrottled);
  else if (error.code === 'spotify/key-refused') doubtKey(turn, error);
  else if (isOfTheTrack(error)) skipUnplayable(turn, error);
  else stopPaused(turn, position, error);
}

/** Paused by an output that failed, not by somebody: the deck tries it again and says `playing` when it works. */
export const isWaitingForOutput = ({ phase, notice }: DeviceState): boolean => phase === 'paused' && notice?.code.startsWith('output/') === true;

export const isOfTheTrack = (error: TonearmError): boolean => ofTheTrack.includes(error.kind) && error.code !== 'audio/thread-died';

/**
 * The network's fault: the row stays. While it is known to be down there is no end to trying, because nothing else would help;
 * while it seems to be up, three tries, or two minutes when nobody answers at all.
 */
function tryAgain(turn: Turn, error: TonearmError, position: number, isThrottled: boolean): void {
  const { failures, load, isOnline, phase, notice } = turn.state;
  const { now } = turn.env;
  const since = failures.since ?? now;
  const isUnreachable = unreachable.includes(error.code) || error.code.startsWith('network/');
  const isPatient = !isOnline || (isUnreachable && now - since < longestStall);
  const usual = isOnline ? (retryDelays[failures.retries] ?? (isPatient ? awayDelay : undefined)) : awayDelay;
  if (usual === undefined) {
    stopPaused(turn, position, error);
    return;
  }
  const paused = isPaused(turn);
  const isNews = notice?.code !== error.code;
  turn.set({
    phase: !paused && (!isOnline || phase === 'playing' || phase === 'stalled') ? 'stalled' : 'loading',
    isPauseWanted: paused,
    load: load && { ...load, isInDeck: false },
    failures: { ...failures, retries: failures.retries + 1, since },
    notice: { code: error.code, message: error.message },
  });
  turn.anchorAt(position, false);
  const delay = isThrottled ? Math.max(error.retryAfter ?? 0, throttleDelay) : usual;
  if (isNews) turn.do({ type: 'trouble', error });
  turn.do({ type: 'timer', name: 'retry', delay }, { type: 'report', reason: 'state' });
}

/** The retry timer is over: a look ahead, the same row again after a network error, the next one after an unplayable row. */
export function retry(turn: Turn): void {
  const { phase, load, failures, anchor, isPauseWanted, resolving, doubt } = turn.state;
  if ((phase !== 'loading' && phase !== 'stalled') || !load || load.isInDeck) return;
  if (doubt) lookAhead(turn);
  else if (failures.retries > 0) {
    loadCurrent(turn, anchor.position, isPauseWanted, load.resumes === true ? 'remembered' : 'here');
    // For people it is still the same stall.
    if (phase === 'stalled') turn.set({ phase });
  } else if (resolving === 'start') skipBeforeContext(turn);
  else goNext(turn, 'unplayable');
}

/** The network is back: no need to wait for the timer. */
export function retryNow(turn: Turn): void {
  const { failures, doubt } = turn.state;
  if (failures.retries > 0 && !doubt) retry(turn);
}

/** No sound for half a minute although the deck is trying: fresh addresses at the same place, and after two minutes no more (§6.5). */
export function endStall(turn: Turn): void {
  const { phase, load, anchor, failures, isOnline } = turn.state;
  if (phase === 'playing' && load?.isInDeck === true) {
    // After a jump or a pause no sound has come: what was asked for is still on its way.
    turn.set({ phase: 'stalled', failures: { ...failures, since: turn.env.now } });
    turn.anchorAt(anchor.position, false);
    turn.do({ type: 'timer', name: 'stall', delay: stallPatience }, { type: 'report', reason: 'state' });
    return;
  }
  if (phase !== 'stalled') return;
  const since = failures.since ?? turn.env.now;
  if (isOnline && turn.env.now - since >= longestStall) {
    stopPaused(turn, anchor.position, noData());
    return;
  }
  if (isOnline && load?.isInDeck === true) {
    loadCurrent(turn, anchor.position, false);
    turn.set({ phase: 'stalled', failures: { ...turn.state.failures, since } });
  }
  turn.do({ type: 'timer', name: 'stall', delay: stallPatience });
}

/** What comes next is not known before the context is: the wish is kept until then. */
export function skipBeforeContext(turn: Turn): void {
  const { pick } = turn.state;
  if (!pick) return;
  waitForRows(turn, isPaused(turn));
  turn.set({ pick: { ...pick, skips: pick.skips + 1, at: 0, resumes: true } });
  turn.do({ type: 'report', reason: 'state' });
}

function noData(): TonearmError {
  return new TonearmError({ kind: 'unavailable', code: 'connect/no-data', message: 'The music servers have sent nothing for two minutes although the network works. Press play to try again, or pick another track.' });
}
